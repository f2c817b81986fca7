import { BuilderError, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory, strictMemory } from '../support/media.ts'
import { dataOf, deferred, failure, newLab, over, texts, turns, until } from '../support/lab.ts'

describe('rule 21: a throw', () => {
  eachStore((kind) => {
    for (const [what, thrower] of [
      [
        'a throw',
        () => {
          throw new Error('down')
        },
      ],
      ['a rejection', () => Promise.reject(new Error('down'))],
      ['a later rejection', () => turns(3).then(() => Promise.reject(new Error('down')))],
    ] as const) {
      it(`rule 21: ${what} ends the scope: dependants do not start, and nothing produced is lost`, async () => {
        const [A, B, C, D, E] = texts('A', 'B', 'C', 'D', 'E')
        const lab = newLab()
        const builders = [
          lab.step('b', [A], B),
          lab.step('c', [B], C, { does: thrower }),
          lab.step('d', [C], D),
          lab.step('e', [D], E, { optionals: [C] }),
        ]
        const w = workflow({ name: 'w', builders, target: E })
        const polaris = over(kind.medium().open(), w)
        const error = await failure(polaris.executor().sequential(w, 'i', A('a1')))
        expect(lab.look()).toEqual(['b', 'c'])
        expect(error).toMatchObject({ code: 'BUILDER_FAILED', builder: 'c', id: 'i' })
        expect(error.cause).toMatchObject({ message: 'down' })
        expect(error.message).toContain('down')
        expect(error.message).toContain("'c'")
        const { result } = error
        expect(result).toMatchObject({ status: 'failed', scope: 1, id: 'i', workflow: 'w' })
        expect(result.produced).toEqual([expect.objectContaining({ name: 'B', value: 'b(a1)' })])
        expect(result.get(B)).toBe('b(a1)')
        expect(result.latest(A)).toBe('a1')
        expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1', B: 'b(a1)' })
        const failed = (await polaris.history('i')).at(-1)
        expect(failed).toMatchObject({ outcome: 'failed', builder: 'c', error: { name: 'Error', message: 'down' } })
      })
    }

    it('rule 21: builders already running finish and are kept; nothing further starts', async () => {
      const [A, B, C, D, E, T] = texts('A', 'B', 'C', 'D', 'E', 'T')
      const lab = newLab()
      const gate = deferred<string>()
      const thrown = deferred<string>()
      const builders = [
        lab.step('slow', [A], B, { does: () => gate.promise }),
        lab.step('bad', [A], C, { does: () => thrown.promise }),
        lab.step('after', [B], D),
        lab.step('other', [D], E),
        lab.step('t', [E, C], T),
      ]
      const w = workflow({ name: 'w', builders, target: T })
      const polaris = over(kind.medium().open(), w)
      let ended = false
      const call = polaris
        .executor()
        .parallel(w, 'i', A('a1'))
        .finally(() => (ended = true))
      const failed = failure(call)
      await until(() => lab.ran.length === 2, 'both running')
      thrown.reject(new Error('down'))
      await turns()
      expect(ended).toBe(false)
      gate.resolve('kept')
      const error = await failed
      expect(error.builder).toBe('bad')
      expect(lab.look()).toEqual(['slow', 'bad'])
      expect(error.result.get(B)).toBe('kept')
      expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1', B: 'kept' })
    })

    it('rule 21: what runs on after a throw and has nothing to give is kept as well', async () => {
      const [A, B, C, T] = texts('A', 'B', 'C', 'T')
      const lab = newLab()
      const gate = deferred()
      let broken = true
      const builders = [
        lab.step('slow', [A], B, { does: (made) => gate.promise.then(() => made) }),
        lab.step('bad', [A], C, {
          does(made) {
            if (broken) throw new Error('down')
            return made
          },
        }),
        lab.step('t', [C], T, { optionals: [B] }),
      ]
      const w = workflow({ name: 'w', builders, target: T })
      const polaris = over(kind.medium().open(), w)
      const failed = failure(polaris.executor().parallel(w, 'i', A('a1')))
      await until(() => lab.ran.length === 2, 'both running')
      gate.resolve()
      await failed
      broken = false
      lab.look()
      expect((await polaris.executor().resume(w, 'i')).target).toBe('t(bad(a1),slow(a1))')
      expect(lab.look()).toEqual(['bad', 't'])
    })
  })

  it('rule 21: of two that throw, the first is reported, and both are in the history and due', async () => {
    const [A, B, C, T] = texts('A', 'B', 'C', 'T')
    const lab = newLab()
    const gates = [deferred<string>(), deferred<string>()]
    const does = (at: number) => (made: string, run: number) => (run === 1 ? gates[at]?.promise : made)
    const builders = [
      lab.step('b', [A], B, { does: does(0) }),
      lab.step('c', [A], C, { does: does(1) }),
      lab.step('t', [B, C], T),
    ]
    const w = workflow({ name: 'w', builders, target: T })
    const polaris = over(strictMemory.medium().open(), w)
    const failed = failure(polaris.executor().parallel(w, 'i', A('a1')))
    await until(() => lab.ran.length === 2, 'both running')
    gates[1]?.reject(new Error('c is down'))
    await turns()
    gates[0]?.reject(new Error('b is down'))
    expect((await failed).builder).toBe('c')
    const failures = (await polaris.history('i')).filter(({ outcome }) => outcome === 'failed')
    expect(failures.map(({ builder }) => builder).sort()).toEqual(['b', 'c'])
    expect((await polaris.explain('i'))!.builders.map(({ state }) => state)).toEqual(['failed', 'failed', 'lacking'])
    lab.look()
    expect((await polaris.executor().sequential(w, 'i')).target).toBe('t(b(a1),c(a1))')
    expect(lab.look()).toEqual(['b', 'c', 't'])
  })

  it('rule 21: in compute, too', async () => {
    const [A, B, C] = texts('A', 'B', 'C')
    const lab = newLab()
    const does = (): never => {
      throw new Error('down')
    }
    const w = workflow({ name: 'w', builders: [lab.step('b', [A], B), lab.step('c', [B], C, { does })], target: C })
    const error = await failure(over(memory.medium().open(), w).executor().compute(w, A('a1')))
    expect(error).toBeInstanceOf(BuilderError)
    expect(error.result.get(B)).toBe('b(a1)')
    expect(error.result.status).toBe('failed')
  })

  it('rule 21: the same failure again and again loses nothing', async () => {
    const [A, B, C] = texts('A', 'B', 'C')
    const lab = newLab()
    let broken = true
    const does = (made: string): string => {
      if (broken) throw new Error('down')
      return made
    }
    const w = workflow({ name: 'w', builders: [lab.step('b', [A], B), lab.step('c', [B], C, { does })], target: C })
    const polaris = over(strictMemory.medium().open(), w)
    for (let i = 0; i < 5; i++) {
      await failure(i === 0 ? polaris.executor().sequential(w, 'i', A('a1')) : polaris.executor().resume(w, 'i'))
    }
    expect(lab.look()).toEqual(['b', 'c', 'c', 'c', 'c', 'c'])
    broken = false
    expect((await polaris.executor().resume(w, 'i')).target).toBe('c(b(a1))')
  })
})
