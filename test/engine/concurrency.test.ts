import { Polaris, workflow } from 'polaris-workflow'
import type { BuildContext, HistoryEntry, PolarisError } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { storeTime } from '../support/time.ts'
import { eachStore } from '../support/media.ts'
import { deferred, failure, newLab, over, refusal, texts, turns, until } from '../support/lab.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'

expectNoUnhandledRejections()

const fedIn = (history: readonly HistoryEntry[]): unknown[] =>
  history.filter(({ outcome }) => outcome === 'fed').map(({ value }) => value)

function expectNoProductTwice(history: readonly HistoryEntry[]): void {
  const runs = history
    .filter(({ outcome }) => outcome === 'produced')
    .map(({ scope, pass, builder }) => `${scope}/${pass}/${builder}`)
  expect(new Set(runs).size).toBe(runs.length)
  expect(history.map(({ seq }) => seq)).toEqual(history.map((_, i) => i + 1))
}

eachStore((kind) => {
  describe('rule 25, within one process', () => {
    it('calls on one id run one after the other, in order of arrival, each in a scope of its own', async () => {
      const [A, X, B, T] = texts('A', 'X', 'B', 'T')
      const lab = newLab()
      let running = 0
      const does = async (made: string): Promise<string> => {
        expect(++running).toBe(1)
        await turns(2)
        running--
        return made
      }
      const builders = [lab.step('b', [A], B, { does }), lab.step('t', [B], T, { optionals: [X], does })]
      const w = workflow({ name: 'w', builders, target: T })
      const polaris = over(kind.medium().open(), w)
      const one = polaris.executor()
      const two = polaris.executor({ concurrency: 1 })
      const calls = [
        one.sequential(w, 'i', A('a1')),
        two.parallel(w, 'i', A('a2'), X('x2')),
        one.resume(w, 'i'),
        one.sequential(w, 'i'),
        two.sequential('w', 'i', X('x3')) as never,
        one.parallel(w, 'i', A('a4')),
      ]
      const ends: number[] = []
      const results = await Promise.all(calls.map((call, i) => call.finally(() => ends.push(i))))
      expect(ends).toEqual([0, 1, 2, 3, 4, 5])
      expect(results.map(({ scope }) => scope)).toEqual([1, 2, 2, 2, 3, 4])
      expect(results.map(({ target }) => target)).toEqual([
        ...['t(b(a1),-)', 't(b(a2),x2)', 't(b(a2),x2)', 't(b(a2),x2)', 't(b(a2),x3)', 't(b(a4),x3)'],
      ])
      const history = await polaris.history('i')
      expect(fedIn(history)).toEqual(['a1', 'a2', 'x2', 'x3', 'a4'])
      expectNoProductTwice(history)
    })

    it('one that fails or is refused does not hold up those behind it', async () => {
      const [A, T] = texts('A', 'T')
      const lab = newLab()
      const does = async (made: string): Promise<string> => {
        await turns(1)
        if (made === 't(bad)') throw new Error('down')
        return made
      }
      const w = workflow({ name: 'w', builders: [lab.step('t', [A], T, { does })], target: T })
      const run = over(kind.medium().open(), w).executor()
      const ends = await Promise.all([
        failure(run.sequential(w, 'i', A('bad'))).then(() => 'failed'),
        refusal(run.sequential(w, 'i', A.untyped(undefined)), 'DATA_INVALID').then(() => 'refused'),
        refusal(run.with({ expect: 'new' }).sequential(w, 'i', A('new')), 'INSTANCE_EXISTS').then(() => 'refused'),
        run.sequential(w, 'i', A('good')).then(({ target }) => target),
      ])
      expect(ends).toEqual(['failed', 'refused', 'refused', 't(good)'])
    })

    it('a call behind mail that waits takes its turn after that, and neither is lost', async () => {
      const [A, T] = texts('A', 'T')
      const w = workflow({ name: 'w', builders: [newLab().step('t', [A], T, { accesses: [T] })], target: T })
      const polaris = over(kind.medium().open(), w)
      await polaris.executor().sequential(w, 'i', A('a1'))
      await polaris.executor().submit(w, 'i', A('a2'))
      const third = await polaris.executor().sequential(w, 'i', A('a3'))
      expect(third).toMatchObject({ scope: 3, target: 't(a3,t(a2,t(a1,-)))' })
      expect(fedIn(await polaris.history('i'))).toEqual(['a1', 'a2', 'a3'])
    })

    it('expect: new lets one of many through', async () => {
      const [A, T] = texts('A', 'T')
      const w = workflow({ name: 'w', builders: [newLab().step('t', [A], T)], target: T })
      const run = over(kind.medium().open(), w).executor().with({ expect: 'new' })
      const ends = await Promise.allSettled([1, 2, 3, 4].map((n) => run.sequential(w, 'i', A(`a${n}`))))
      expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected'])
    })

    it('different ids run side by side', async () => {
      const [A, T] = texts('A', 'T')
      const lab = newLab()
      const gate = deferred()
      const w = workflow({
        name: 'w',
        builders: [lab.step('t', [A], T, { does: (made) => gate.promise.then(() => made) })],
        target: T,
      })
      const polaris = over(kind.medium().open(), w)
      const ids = Array.from({ length: 50 }, (_, i) => `id-${i}`)
      const calls = ids.map((id) => polaris.executor().sequential(w, id, A(id)))
      await until(() => lab.ran.length === 50, 'all at once')
      gate.resolve()
      const results = await Promise.all(calls)
      expect(results.map(({ target }) => target)).toEqual(ids.map((id) => `t(${id})`))
    })

    it('a builder may move another instance on, and wait for it', async () => {
      const [A, T] = texts('A', 'T')
      const lab = newLab()
      const polaris = over(kind.medium().open())
      const w = workflow({
        name: 'w',
        builders: [
          lab.step('t', [A], T, {
            async does(made, _, __, { workflowId }) {
              if (workflowId !== 'outer') return made
              const inner = await polaris.executor().sequential('w', 'inner', A('i'))
              return `${made}+${inner.target as string}`
            },
          }),
        ],
        target: T,
      })
      polaris.register(w)
      expect((await polaris.executor().sequential(w, 'outer', A('o'))).target).toBe('t(o)+t(i)')
    })

    it('instances that are no longer kept at hand are read again', async () => {
      const [A, X, T] = texts('A', 'X', 'T')
      const w = workflow({ name: 'w', builders: [newLab().step('t', [A, X], T)], target: T })
      const polaris = new Polaris({ store: kind.medium().open(), warm: 2 }).register(w)
      const ids = ['a', 'b', 'c', 'd', 'e']
      for (const id of ids) await polaris.executor().sequential(w, id, A(id))
      for (const id of ids) {
        expect((await polaris.executor().sequential(w, id, X('x'))).target).toBe(`t(${id},x)`)
      }
    })
  })
})

eachStore((kind) => {
  describe('two processes on one store', () => {
    it('G3: who lost an instance commits nothing more: LEASE_LOST, and its signal is aborted', async () => {
      const [A, X, B, T] = texts('A', 'X', 'B', 'T')
      const lab = newLab()
      const gate = deferred()
      const contexts: BuildContext[] = []
      const builders = [
        lab.step('b', [A], B, {
          does(made, run, _, context) {
            contexts.push(context)
            return run === 1 ? gate.promise.then(() => 'by the loser') : made
          },
        }),
        lab.step('t', [B], T, { optionals: [X] }),
      ]
      const w = workflow({ name: 'w', builders, target: T })
      const medium = kind.medium()
      const [first, second] = [over(medium.open(), w), over(medium.open(), w)]
      const lost = refusal(first.executor().sequential(w, 'i', A('a1')), 'LEASE_LOST')
      await until(() => lab.ran.length === 1, 'b')
      await turns()
      const signal = contexts[0]!.signal
      expect(signal.aborted).toBe(false)
      storeTime.outliveLeases()
      // The other one takes the scope for interrupted, finishes it and runs its own.
      const result = await second.executor().sequential(w, 'i', X('x1'))
      expect(result).toMatchObject({ scope: 2, target: 't(b(a1),x1)' })
      expect(contexts[1]!.idempotencyKey).toBe(contexts[0]!.idempotencyKey)
      gate.resolve()
      await lost
      expect(signal.aborted).toBe(true)
      expect(lab.look()).toEqual(['b', 'b', 't', 't'])
      const history = await first.history('i')
      expectNoProductTwice(history)
      expect(history.some(({ value }) => value === 'by the loser')).toBe(false)
      // Who lost begins again on what stands now.
      expect(await first.executor().sequential(w, 'i', A('a2'))).toMatchObject({ scope: 3, target: 't(b(a2),x1)' })
      expect(await second.executor().sequential(w, 'i', A('a3'))).toMatchObject({ scope: 4, target: 't(b(a3),x1)' })
    })

    it('one after the other, each sees what the other did, though both keep instances at hand', async () => {
      const [A, T] = texts('A', 'T')
      const w = workflow({ name: 'w', builders: [newLab().step('t', [A], T, { accesses: [T] })], target: T })
      const medium = kind.medium()
      const two = [over(medium.open(), w), over(medium.open(), w)]
      let before = '-'
      for (let i = 1; i <= 8; i++) {
        const result = await two[i % 2]!.executor().sequential(w, 'i', A(`${i}`))
        expect(result.scope).toBe(i)
        expect(result.target).toBe(`t(${i},${before})`)
        before = result.target!
      }
    })

    it('rule 25: both feeding one id at once: every delta gets a scope of its own, and no product is there twice', async () => {
      const [A, B, T] = texts('A', 'B', 'T')
      const lab = newLab()
      const pause = async (made: string): Promise<string> => {
        await turns(1)
        return made
      }
      const builders = [lab.step('b', [A], B, { does: pause }), lab.step('t', [B], T, { does: pause })]
      const w = workflow({ name: 'w', builders, target: T })
      const medium = kind.medium()
      const two = [over(medium.open(), w), over(medium.open(), w)]
      const calls = Array.from({ length: 24 }, (_, i) => {
        const run = two[i % 2]!.executor()
        return run[i % 3 === 0 ? 'parallel' : 'sequential'](w, 'i', A(`${i}`)).then(
          (result) => ({ fed: `${i}`, result, code: undefined }),
          (error: unknown) => ({ fed: `${i}`, result: undefined, code: (error as PolarisError).code }),
        )
      })
      const ends = await Promise.all(calls)
      expect(ends.filter(({ code }) => code !== undefined)).toEqual([])
      const history = await two[0]!.history('i')
      expectNoProductTwice(history)
      const fed = fedIn(history)
      expect(fed.toSorted()).toEqual(calls.map((_, i) => `${i}`).toSorted())
      for (const end of ends) {
        expect(fed).toContain(end.fed)
        expect(end.result?.target).toBe(`t(b(${end.fed}))`)
        const row = history.find(({ value }) => value === end.fed)
        expect(row?.scope).toBe(end.result?.scope)
      }
      const last = await two[0]!.executor().sequential(w, 'i', A('last'))
      expect(last.target).toBe('t(b(last))')
      expect((await two[1]!.get('i'))?.status).toBe('completed')
    })

    it('new ids at once: each exists once', async () => {
      const [A, T] = texts('A', 'T')
      const w = workflow({ name: 'w', builders: [newLab().step('t', [A], T)], target: T })
      const medium = kind.medium()
      const two = [over(medium.open(), w), over(medium.open(), w)]
      const ids = Array.from({ length: 20 }, (_, i) => `id-${i}`)
      const calls = ids.flatMap((id) =>
        two.map((polaris) => polaris.executor().with({ expect: 'new' }).sequential(w, id, A('a'))),
      )
      const ends = await Promise.allSettled(calls)
      for (let i = 0; i < ids.length; i++) {
        const won = [ends[2 * i], ends[2 * i + 1]].filter((end) => end?.status === 'fulfilled')
        expect(won).toHaveLength(1)
      }
      expect((await two[0]!.list()).items).toHaveLength(20)
    })
  })
}, 'text')
