import { workflow } from 'polaris-workflow'
import type { Intent } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore } from '../support/media.ts'
import { failure, newLab, over, refusal, texts } from '../support/lab.ts'

function ride(fails: (run: number) => boolean = () => false) {
  const [A, X, B, C, T] = texts('A', 'X', 'B', 'C', 'T')
  const lab = newLab()
  const does = (made: string, run: number): string => {
    if (fails(run)) throw new Error(`down at run ${run}`)
    return made
  }
  const builders = [
    lab.step('b', [A], B),
    lab.step('charge', [B], C, { once: true }),
    lab.step('t', [C, X], T, { does }),
    lab.step('aside', [A], texts('Aside')[0]),
  ]
  return { lab, A, X, B, T, w: workflow({ name: 'w', builders, target: T }) }
}

eachStore((kind) => {
  describe('get at an entry of the history', () => {
    it('shows the data, the status and the lacks as they were after each entry', async () => {
      const { A, X, w } = ride((run) => run === 1)
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a1'))
      await failure(run.sequential(w, 'i', X('x1')))
      await run.resume(w, 'i')
      await run.sequential(w, 'i', A('a2'))
      const entries = await polaris.history('i')
      const shown = []
      for (const { seq } of entries) {
        const view = (await polaris.get('i', { at: seq }))!
        shown.push(`${seq} ${view.status} ${Object.values(view.data).join(' ')} | ${view.waitingFor.join()}`)
      }
      expect(shown).toEqual([
        '1 running a1 | X',
        '2 running a1 b(a1) | X',
        '3 running a1 b(a1) aside(a1) | X',
        '4 waiting a1 b(a1) charge(b(a1)) aside(a1) | X',
        '5 running a1 b(a1) charge(b(a1)) x1 aside(a1) | T',
        '6 failed a1 b(a1) charge(b(a1)) x1 aside(a1) | T',
        '7 completed a1 b(a1) charge(b(a1)) x1 t(charge(b(a1)),x1) aside(a1) | ',
        '8 running a2 b(a1) charge(b(a1)) x1 t(charge(b(a1)),x1) aside(a1) | ',
        '9 running a2 b(a2) charge(b(a1)) x1 t(charge(b(a1)),x1) aside(a1) | ',
        '10 completed a2 b(a2) charge(b(a1)) x1 t(charge(b(a1)),x1) aside(a2) | ',
      ])
      const { revision: _, ...now } = (await polaris.get('i'))!
      const { revision: _1, ...last } = (await polaris.get('i', { at: 10 }))!
      expect(JSON.stringify(last)).toBe(JSON.stringify(now))
    })

    it('is refused for an entry that is not there, and nothing for an unknown id', async () => {
      const { A, w } = ride()
      const polaris = over(kind.medium().open(), w)
      await polaris.executor().sequential(w, 'i', A('a1'))
      await refusal(polaris.get('i', { at: 99 }), 'OPTION_INVALID')
      await refusal(polaris.get('i', { at: 0 }), 'OPTION_INVALID')
      expect(await polaris.get('j', { at: 1 })).toBeUndefined()
      expect(await polaris.differences('j')).toBeUndefined()
      expect(await polaris.foresee('j', 'resume')).toBeUndefined()
    })
  })

  describe('differences', () => {
    it('say what came, changed and stayed between two entries', async () => {
      const { A, X, w } = ride()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a1'))
      await run.sequential(w, 'i', A('a2'), X('x1'))
      const newest = (await polaris.history('i')).at(-1)!.seq
      expect(await polaris.differences('i', { from: 4 })).toEqual({
        ...{ id: 'i', from: 4, to: newest },
        data: [
          { name: 'A', change: 'changed', before: 'a1', after: 'a2' },
          { name: 'B', change: 'changed', before: 'b(a1)', after: 'b(a2)' },
          { name: 'X', change: 'added', after: 'x1' },
          { name: 'T', change: 'added', after: 't(charge(b(a1)),x1)' },
          { name: 'Aside', change: 'changed', before: 'aside(a1)', after: 'aside(a2)' },
        ],
        same: ['C'],
      })
      const back = (await polaris.differences('i', { from: newest, to: 1 }))!
      expect(back.data.filter(({ change }) => change === 'removed').map(({ name }) => name)).toEqual([
        ...['B', 'C', 'X', 'T', 'Aside'],
      ])
      expect((await polaris.differences('i'))!.data.every(({ change }) => change === 'added')).toBe(true)
      expect((await polaris.differences('i', { from: 2, to: 2 }))!.data).toEqual([])
      await refusal(polaris.differences('i', { from: -1 }), 'OPTION_INVALID')
      await refusal(polaris.differences('i', { to: 77 }), 'OPTION_INVALID')
    })
  })

  describe('foresee', () => {
    const intents: [string, Intent, string[], string[]][] = [
      ['restart', 'restart', ['b', 'aside'], ['b', 'aside', 'charge', 't']],
      ['rerun of b, which leaves the once builder alone', { rerun: 'b' }, ['b', 't'], ['b', 't']],
      ['rerun of the once builder', { rerun: 'charge' }, ['charge', 't'], ['charge', 't']],
      ['resume with nothing due', 'resume', [], []],
    ]
    it.each(intents)('rule 24: tells what a %s runs, and stores nothing', async (_, intent, due, wouldRun) => {
      const { lab, A, X, w } = ride()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a1'), X('x1'))
      const before = await polaris.history('i')
      lab.look()
      const seen = (await polaris.foresee('i', intent))!
      expect({ due: [...seen.due].sort(), all: [...seen.wouldRun].sort() }).toEqual({
        due: [...due].sort(),
        all: [...wouldRun].sort(),
      })
      expect(lab.look()).toEqual([])
      expect(await polaris.history('i')).toEqual(before)
      if (intent === 'restart') await run.restart(w, 'i')
      else if (intent === 'resume') await run.resume(w, 'i')
      else await run.rerun(w, 'i', intent.rerun)
      // What it said beforehand is what ran.
      expect([...new Set(lab.look())].sort()).toEqual([...wouldRun].sort())
    })

    it('refuses an instance that somebody is about to cancel', async () => {
      const { A, w } = ride()
      const store = kind.medium().open()
      const polaris = over(store, w)
      await polaris.executor().sequential(w, 'i', A('a1'))
      const { header } = (await store.read('i'))!
      const mail = { requestId: 'c', mode: 'parallel', hash: '', body: undefined, appendedAt: 0 } as const
      await store.append([{ header, cancels: true, mail }])
      await refusal(polaris.foresee('i', 'resume'), 'CANCELLED')
    })

    it('tells what a resume runs after a failure, and refuses what the operation would be refused for', async () => {
      const { A, X, w } = ride((run) => run === 1)
      const polaris = over(kind.medium().open(), w)
      await failure(polaris.executor().sequential(w, 'i', A('a1'), X('x1')))
      const { due } = (await polaris.foresee('i', 'resume'))!
      // Nothing orders `aside`: it may have run before the throw or not.
      expect(due).toContain('t')
      await refusal(polaris.foresee('i', { rerun: 'nobody' }), 'BUILDER_UNKNOWN')
      await refusal(polaris.foresee('i', 'undo' as never), 'OPTION_INVALID')
      await polaris.cancel('i')
      await refusal(polaris.foresee('i', 'restart'), 'CANCELLED')
    })
  })
})
