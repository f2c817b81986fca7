import { workflow } from 'polaris-workflow'
import type { Retry } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { auditAfterEach, newBench } from '../protocol/bench.ts'
import { dataOf, failure, newLab, over, refusal, texts } from '../support/lab.ts'
import { eachStore } from '../support/media.ts'
import { eachTimedStore } from '../support/timed.ts'

function ride(fails: (run: number) => boolean = () => false, retry?: Retry) {
  const [A, X, B, C, T] = texts('A', 'X', 'B', 'C', 'T')
  const lab = newLab()
  const keys: string[] = []
  const builders = [
    lab.step('b', [A], B),
    lab.step('charge', [B], C, { once: true }),
    lab.step('t', [C, X], T, {
      does(made, run, _input, { idempotencyKey }) {
        keys.push(idempotencyKey)
        if (fails(run)) throw new Error(`down at run ${run}`)
        return made
      },
    }),
  ]
  return { lab, keys, A, X, T, w: workflow({ name: 'w', builders, target: T, ...(retry && { retry }) }) }
}

describe('rule 24: fork', () => {
  auditAfterEach()

  eachStore((kind) => {
    it('rule 24: fork copies an instance under a new id; what happens to one does not touch the other', async () => {
      const { lab, keys, A, X, w } = ride()
      const medium = kind.medium()
      const polaris = over(medium.open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a1'))
      const copy = await polaris.fork('i', 'j', { reason: 'what if' })
      expect(copy).toMatchObject({ id: 'j', status: 'waiting', waitingFor: ['X'], data: { A: 'a1', B: 'b(a1)' } })
      lab.look()
      await run.sequential(w, 'i', X('x1'))
      await over(medium.open(), w).executor().sequential(w, 'j', X('x2'))
      // The once builder has its product in both.
      expect(lab.look()).toEqual(['t', 't'])
      expect(await dataOf(polaris, 'i')).toMatchObject({ T: 't(charge(b(a1)),x1)' })
      expect(await dataOf(polaris, 'j')).toMatchObject({ T: 't(charge(b(a1)),x2)' })
      expect(new Set(keys).size).toBe(2)
      const forked = (await polaris.history('j')).find(({ outcome }) => outcome === 'forked')
      expect(forked).toMatchObject({ because: 'what if', from: { id: 'i', seq: 3 } })
    })

    it('rule 24: fork at an entry of the history gives what stood then, due builders included', async () => {
      const { lab, A, X, w } = ride()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a1'))
      await run.sequential(w, 'i', X('x1'))
      await run.sequential(w, 'i', A('a2'))
      const entries = await polaris.history('i')
      const states = []
      for (const { seq } of entries) {
        const copy = await polaris.fork('i', `at ${seq}`, { at: seq })
        lab.look()
        const went = await run.resume(w, `at ${seq}`)
        states.push([entries[seq - 1]?.builder ?? entries[seq - 1]?.data, copy.status, lab.look().join(), went.status])
      }
      expect(states).toEqual([
        ['A', 'failed', 'b,charge', 'waiting'],
        ['b', 'failed', 'charge', 'waiting'],
        ['charge', 'waiting', '', 'waiting'],
        ['X', 'failed', 't', 'completed'],
        ['t', 'completed', '', 'completed'],
        ['A', 'failed', 'b', 'completed'],
        ['b', 'completed', '', 'completed'],
      ])
      expect(await dataOf(polaris, 'at 6')).toMatchObject({ B: 'b(a2)', T: 't(charge(b(a1)),x1)' })
    })

    it('rule 24: a fork of a failed instance has due what the original has due', async () => {
      const { lab, A, X, w } = ride((run) => run === 1)
      const medium = kind.medium()
      const polaris = over(medium.open(), w)
      const run = polaris.executor()
      await failure(run.sequential(w, 'i', A('a1'), X('x1')))
      const copy = await polaris.fork('i', 'j')
      expect(copy).toMatchObject({ status: 'failed', failure: { builder: 't', message: 'down at run 1' } })
      lab.look()
      expect((await over(medium.open(), w).executor().resume(w, 'j')).status).toBe('completed')
      expect(lab.look()).toEqual(['t'])
      expect((await polaris.get('i'))?.status).toBe('failed')
    })

    it('rule 24: a fork from before a restart has what the restart took back', async () => {
      const { A, X, w } = ride()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a1'), X('x1'))
      const { length } = await polaris.history('i')
      await run.restart(w, 'i')
      expect((await polaris.fork('i', 'j', { at: length })).status).toBe('completed')
      expect((await polaris.fork('i', 'k', { at: length + 1 })).data).toEqual({ A: 'a1', X: 'x1' })
      expect((await run.resume(w, 'k')).status).toBe('completed')
    })

    it('rule 24: what cannot be forked is refused and leaves no trace', async () => {
      const { A, w } = ride()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await refusal(polaris.fork('i', 'j'), 'INSTANCE_NOT_FOUND')
      await run.submit(w, 'i', A('a1'))
      await refusal(polaris.fork('i', 'j'), 'INSTANCE_NOT_FOUND')
      await run.resume(w, 'i')
      await refusal(polaris.fork('i', 'i'), 'INSTANCE_EXISTS')
      await refusal(polaris.fork('i', ''), 'ID_INVALID')
      for (const at of [0, 1.5, 4, 'x']) await refusal(polaris.fork('i', 'j', { at } as never), 'OPTION_INVALID')
      expect(await polaris.get('j')).toBeUndefined()
    })

    it('rule 24: a scope that its caller gave up on leaves its work due in a fork, too', async () => {
      const { lab, A, X, w } = ride()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      const controller = new AbortController()
      const before = (): void => controller.abort(new Error('enough'))
      await refusal(
        polaris.executor({ before }).with({ signal: controller.signal }).sequential(w, 'i', A('a1'), X('x1')),
        'ABORTED',
      )
      expect((await polaris.get('i'))?.failure).toMatchObject({ code: 'ABORTED' })
      const { length } = await polaris.history('i')
      await run.resume(w, 'i')
      await polaris.fork('i', 'j', { at: length })
      lab.look()
      expect((await run.resume(w, 'j')).status).toBe('completed')
      expect(lab.look().at(-1)).toBe('t')
    })
  }, 'everywhere')

  eachStore((kind) => {
    it('P17: neither mail nor request records are copied, and two forks to one id are one', async () => {
      const { A, w } = ride()
      const bench = newBench(kind, w)
      const run = bench.process().executor()
      await run.with({ requestId: 'r' }).parallel(w, 'i', A('a1'))
      await run.submit(w, 'i', A('a2'))
      const [one, other] = [bench.process(), bench.process()]
      const forks = await Promise.allSettled([one.fork('i', 'j'), other.fork('i', 'j')])
      expect(forks.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const lost = forks.find((each) => each.status === 'rejected')
      expect(lost?.reason).toMatchObject({ code: 'INSTANCE_EXISTS' })
      expect(await bench.store.mail('j', { limit: 10 })).toEqual([])
      expect(await bench.store.request('j', 'r')).toBeUndefined()
      await run.resume(w, 'i')
    })
  }, 'servers')

  eachTimedStore((kind, clock) => {
    it('rule 24: a builder that was tried again and made its product leaves nothing due in a fork', async () => {
      const retry = { attempts: 2, backoff: { initial: 100, jitter: 0 } }
      const { lab, A, X, w } = ride((run) => run === 1, retry)
      const polaris = newBench(kind, w).process({ clock })
      const call = polaris.executor().parallel(w, 'i', A('a1'), X('x1'))
      await clock.advance(100)
      expect((await call).status).toBe('completed')
      const { length } = await polaris.history('i')
      await polaris.executor().parallel(w, 'i', X('x2'))
      lab.look()
      expect((await polaris.fork('i', 'j', { at: length })).status).toBe('completed')
      expect((await polaris.executor().resume(w, 'j')).status).toBe('completed')
      expect(lab.look()).toEqual([])
    })
  })
})
