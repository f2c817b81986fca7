import { nothing, Polaris, timer, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { auditAfterEach, eventually, newBench } from '../protocol/bench.ts'
import { dataOf, deferred, failure, newLab, over, refusal, texts } from '../support/lab.ts'
import type { Part } from '../support/lab.ts'
import { eachStore } from '../support/media.ts'

/** Notes the key of every run. */
function noting(keys: string[]): NonNullable<Part['does']> {
  return (made, _run, _input, { idempotencyKey }) => {
    keys.push(idempotencyKey)
    return made
  }
}

function chain(part: { readonly once?: Part; readonly last?: Part } = {}) {
  const [A, B, C, S, T] = texts('A', 'B', 'C', 'S', 'T')
  const lab = newLab()
  const builders = [
    lab.step('source', [], S),
    lab.step('b', [A], B),
    lab.step('charge', [B], C, { once: true, ...part.once }),
    lab.step('t', [C, S], T, part.last),
  ]
  return { lab, A, B, C, S, T, w: workflow({ name: 'w', builders, target: T }) }
}

describe('rule 24: restart and rerun', () => {
  auditAfterEach()

  eachStore((kind) => {
    it('rule 24: restart runs everything again from the newest fed data, sources and once builders too', async () => {
      const { lab, A, w } = chain()
      const medium = kind.medium()
      const polaris = over(medium.open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a1'))
      await run.sequential(w, 'i', A('a2'))
      lab.look()
      const again = await run.with({ meta: { who: 'ada' } }).restart(w, 'i', { reason: 'wrong prices' })
      expect(lab.look()).toEqual(['source', 'b', 'charge', 't'])
      expect(again).toMatchObject({ status: 'completed', target: 't(charge(b(a2)),source())', scope: 3 })
      const entries = await polaris.history('i')
      expect(entries.find(({ outcome }) => outcome === 'restart')).toMatchObject({ because: 'wrong prices', scope: 3 })
      expect(entries.filter(({ scope }) => scope === 3).map(({ outcome }) => outcome)).toEqual([
        'call',
        'restart',
        'produced',
        'produced',
        'produced',
        'produced',
      ])
      // What another process loads is the same.
      const other = over(medium.open(), w)
      expect((await other.get('i'))?.status).toBe('completed')
      await other.executor().sequential(w, 'i', A('a3'))
      expect(lab.look()).toEqual(['b'])
    })

    it('rule 24: products count as absent after a restart, also if nothing can make them any more', async () => {
      const [A, B, T] = texts('A', 'B', 'T')
      const lab = newLab()
      const gives = (made: string, run: number): unknown => (run === 1 ? made : nothing('not today'))
      const builders = [lab.step('b', [A], B, { does: gives }), lab.step('t', [B], T)]
      const w = workflow({ name: 'w', builders, target: T })
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      await run.parallel(w, 'i', A('a1'))
      const again = await run.restart(w, 'i')
      expect(again).toMatchObject({ status: 'waiting', waitingFor: ['B'] })
      expect(again.latest(T)).toBeUndefined()
      const other = over(medium.open(), w)
      expect(await dataOf(other, 'i')).toEqual({ A: 'a1' })
      expect((await other.get('i'))?.waitingFor).toEqual(['B'])
    })

    it('rule 24: a fed datum that a product had replaced counts again after a restart', async () => {
      const [A, B, T] = texts('A', 'B', 'T')
      const lab = newLab()
      const builders = [lab.step('b', [A], B), lab.step('t', [B], T)]
      const w = workflow({ name: 'w', builders, target: T })
      const run = over(kind.medium().open(), w).executor()
      await run.sequential(w, 'i', B('fed'))
      await run.sequential(w, 'i', A('a1'))
      lab.look()
      const again = await run.restart(w, 'i')
      expect(lab.look()).toEqual(['b', 't'])
      expect(again.target).toBe('t(b(a1))')
    })

    it('rule 24, P8: every idempotency key is new after a restart, and stays so over failures', async () => {
      const keys: string[] = []
      const { A, w } = chain({ once: { does: noting(keys) }, last: { does: failsTwice(keys) } })
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      await run.sequential(w, 'i', A('a1')).catch(() => undefined)
      await run.resume(w, 'i').catch(() => undefined)
      await run.resume(w, 'i')
      // once, then three tries of one run
      expect(new Set(keys).size).toBe(2)
      const before = new Set(keys)
      keys.length = 0
      await run.restart(w, 'i')
      expect(keys).toHaveLength(2)
      for (const key of keys) expect(before).not.toContain(key)
    })

    it('rule 24: rerun runs one builder and all downstream; a once builder that was not named keeps its product', async () => {
      const { lab, A, w } = chain()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a1'))
      lab.look()
      const again = await run.rerun(w, 'i', 'b', { reason: 'a bug in b' })
      expect(lab.look()).toEqual(['b', 't'])
      expect(again.status).toBe('completed')
      const [row] = (await polaris.history('i')).filter(({ outcome }) => outcome === 'rerun')
      expect(row).toMatchObject({ builder: 'b', because: 'a bug in b' })
      expect((await polaris.explain('i'))?.builders.find(({ name }) => name === 'charge')).toMatchObject({
        state: 'done',
        outdated: true,
      })
    })

    it('rule 24, P8: rerun runs a once builder that is named, under a new key, once', async () => {
      const keys: string[] = []
      const { lab, A, w } = chain({ once: { does: noting(keys) } })
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      lab.look()
      await run.rerun(w, 'i', 'charge')
      expect(lab.look()).toEqual(['charge', 't'])
      expect(new Set(keys).size).toBe(2)
      const other = over(medium.open(), w).executor()
      await other.sequential(w, 'i', A('a2'))
      expect(lab.look()).toEqual(['b'])
      await other.rerun(w, 'i', 'charge')
      expect(new Set(keys).size).toBe(3)
    })

    it('rule 24: what a rerun made due and a throw kept from running stays due, elsewhere too', async () => {
      const [A, B, T] = texts('A', 'B', 'T')
      const lab = newLab()
      const fails = (made: string, run: number): unknown => {
        if (run === 2) throw new Error('down')
        return made
      }
      const builders = [lab.step('b', [A], B, { does: fails }), lab.step('t', [B], T)]
      const w = workflow({ name: 'w', builders, target: T })
      const medium = kind.medium()
      const polaris = over(medium.open(), w)
      await polaris.executor().sequential(w, 'i', A('a1'))
      await failure(polaris.executor().rerun(w, 'i', 'b'))
      expect((await polaris.explain('i'))?.builders.map(({ name, state }) => [name, state])).toEqual([
        ['b', 'failed'],
        ['t', 'due'],
      ])
      lab.look()
      await over(medium.open(), w).executor().resume(w, 'i')
      expect(lab.look()).toEqual(['b', 't'])
    })

    it('rule 24: a restart that a throw cut short goes on with resume, elsewhere too', async () => {
      const { lab, A, w } = chain({ last: { does: failsAt(2) } })
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      await failure(run.restart(w, 'i'))
      lab.look()
      const done = await over(medium.open(), w).executor().resume(w, 'i')
      expect(lab.look()).toEqual(['t'])
      expect(done.status).toBe('completed')
    })

    it('rule 24: restart and rerun of what is not there are refused and leave no trace', async () => {
      const { A, w } = chain()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await refusal(run.restart(w, 'i'), 'INSTANCE_NOT_FOUND')
      await refusal(run.rerun(w, 'i', 'b'), 'INSTANCE_NOT_FOUND')
      expect(await polaris.get('i')).toBeUndefined()
      await run.sequential(w, 'i', A('a1'))
      const error = await refusal(run.rerun(w, 'i', 'nobody'), 'BUILDER_UNKNOWN')
      expect(error.message).toContain("'charge'")
      await refusal(run.restart(w, 'i', { reason: 7 } as never), 'OPTION_INVALID')
      await refusal(run.restart(w, 'i', { because: 'x' } as never), 'OPTION_INVALID')
      expect((await polaris.history('i')).filter(({ scope }) => scope > 1)).toEqual([])
    })

    it('rule 24: a timer cannot be run again', async () => {
      const [A, B, T] = texts('A', 'B', 'T')
      const t = newLab().step('t', [A, B], T)
      const late = timer({ name: 'late', after: A, delay: '1d', value: () => 'late', produces: B })
      const w = workflow({ name: 'w', builders: [t, late], target: T })
      const run = over(kind.medium().open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      const error = await refusal(run.rerun(w, 'i', 'late'), 'BUILDER_UNKNOWN')
      expect(error.message).toContain("a timer of that name, which a new datum sets anew. It has 't'.")
    })

    it('rule 26: a restart sent twice under one requestId restarts once', async () => {
      const { lab, A, w } = chain()
      const run = over(kind.medium().open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      lab.look()
      const request = run.with({ requestId: 'r1' })
      const first = await request.restart(w, 'i')
      const second = await request.restart(w, 'i')
      expect(lab.look()).toHaveLength(4)
      expect(second.scope).toBe(first.scope)
      await refusal(request.rerun(w, 'i', 'b'), 'REQUEST_CONFLICT')
      await refusal(request.restart(w, 'i', { reason: 'another' }), 'REQUEST_CONFLICT')
    })
  }, 'timed')

  eachStore((kind) => {
    it('P17: restart and rerun wait for their turn in the mailbox, in order of arrival', async () => {
      const gate = deferred()
      const [A, B] = texts('A', 'B')
      const lab = newLab()
      const b = lab.step('b', [A], B, { does: (made, run) => (run === 1 ? gate.promise.then(() => made) : made) })
      const w = workflow({ name: 'w', builders: [b], target: B })
      const bench = newBench(kind, w)
      const first = bench.process().executor().parallel(w, 'i', A('a1'))
      await eventually(() => lab.ran.length === 1, 'the first run')
      const other = bench.process().executor()
      const waiting = [other.restart(w, 'i'), other.rerun(w, 'i', 'b'), other.parallel(w, 'i', A('a2'))]
      await eventually(async () => (await bench.header('i')).mailAppended === 4, 'all three in the mailbox')
      gate.resolve()
      await first
      const results = await Promise.all(waiting)
      expect(results.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed'])
      expect(lab.made).toContain('b(a2)')
      const looking = new Polaris({ store: bench.store }).register(w)
      const outcomes = (await looking.history('i')).map(({ outcome }) => outcome)
      expect(outcomes.toSorted()).toEqual(
        ['fed', 'produced', 'restart', 'produced', 'rerun', 'produced', 'fed', 'produced'].toSorted(),
      )
    })

    it('rule 24: a restart survives a crash at each of its commits', async () => {
      for (const how of ['unsent', 'answer lost'] as const) {
        for (let fatal = 1; fatal <= 5; fatal++) {
          const { lab, A, w } = chain()
          const bench = newBench(kind, w)
          await bench.process().executor().parallel(w, 'i', A('a1'))
          lab.look()
          const victim = bench.dying(fatal, how)
          const lost = victim.polaris.executor().restart(w, 'i')
          await Promise.race([lost, victim.death])
          await kind.endLeases()
          const other = bench.process().executor()
          if ((await other.resume(w, 'i')).scope === 1) await other.restart(w, 'i')
          const held = await dataOf(bench.process(), 'i')
          expect(held).toMatchObject({ T: 't(charge(b(a1)),source())' })
          const ran = lab.look()
          for (const name of ['source', 'b', 'charge', 't']) expect(ran, `${how} ${fatal}`).toContain(name)
        }
      }
    })
  }, 'servers')
})

function failsAt(...failing: number[]) {
  return (made: string, run: number): unknown => {
    if (failing.includes(run)) throw new Error(`down at run ${run}`)
    return made
  }
}

function failsTwice(keys: string[]): NonNullable<Part['does']> {
  return (made, run, _input, { idempotencyKey }) => {
    keys.push(idempotencyKey)
    if (run <= 2) throw new Error(`down at run ${run}`)
    return made
  }
}
