import { workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory } from '../support/media.ts'
import { dataOf, deferred, newLab, over, texts, thrown, turns, until } from '../support/lab.ts'

describe('rule 13: sequential and parallel', () => {
  it('rule 13: sequential runs one builder at a time, by rank, then by declaration', async () => {
    const [A, B, C, D, E, T] = texts('A', 'B', 'C', 'D', 'E', 'T')
    const lab = newLab()
    let running = 0
    const does = async (made: string): Promise<string> => {
      expect(++running).toBe(1)
      await turns(2)
      running--
      return made
    }
    const builders = [
      lab.step('t', [B, C, D, E], T, { does }),
      lab.step('e', [B], E, { does }),
      lab.step('d', [A], D, { does }),
      lab.step('c', [A], C, { does }),
      lab.step('b', [A], B, { does }),
    ]
    const w = workflow({ name: 'w', builders, target: T })
    const run = over(memory.medium().open(), w).executor({ concurrency: 5 })
    await run.sequential(w, 'i', A('a1'))
    expect(lab.look()).toEqual(['d', 'c', 'b', 'e', 't'])
    expect(w.plan.ranks.flat()).toEqual(['d', 'c', 'b', 'e', 't'])
  })

  it('rule 13: parallel has no barrier between ranks', async () => {
    const [A, B, C, D, T] = texts('A', 'B', 'C', 'D', 'T')
    const lab = newLab()
    const gate = deferred<string>()
    const builders = [
      lab.step('slow', [A], B, { does: () => gate.promise }),
      lab.step('c', [A], C, { does: async (made) => made }),
      lab.step('d', [C], D, { does: async (made) => made }),
      lab.step('t', [B, D], T),
    ]
    const w = workflow({ name: 'w', builders, target: T })
    const call = over(memory.medium().open(), w).executor().parallel(w, 'i', A('a1'))
    await until(() => lab.ran.includes('d'), 'd')
    expect(lab.ran).toEqual(['slow', 'c', 'd'])
    gate.resolve('b')
    expect((await call).get(T)).toBe('t(b,d(c(a1)))')
  })

  for (const how of ['parallel', 'compute'] as const) {
    it(`rule 13: concurrency bounds ${how}`, async () => {
      const [A, ...outs] = texts('A', 'B', 'C', 'D', 'E', 'F')
      const [T] = texts('T')
      const lab = newLab()
      const gates = outs.map(() => deferred<string>())
      const builders = outs.map((out, i) => lab.step(`b${i}`, [A], out, { does: () => gates[i]!.promise }))
      const w = workflow({ name: 'w', builders: [...builders, lab.step('t', outs, T)], target: T })
      const run = over(memory.medium().open(), w).executor({ concurrency: 2 })
      const call = how === 'compute' ? run.compute(w, A('a1')) : run.parallel(w, 'i', A('a1'))
      for (let i = 0; i < outs.length; i++) {
        await turns(5)
        expect(lab.ran).toHaveLength(Math.min(i + 2, outs.length))
        gates[i]!.resolve(`${i}`)
      }
      expect((await call).get(T)).toBe('t(0,1,2,3,4)')
    })
  }

  it('rule 13: without a bound, everything that can run does', async () => {
    const [A, ...outs] = texts('A', 'B', 'C', 'D', 'E', 'F')
    const [T] = texts('T')
    const lab = newLab()
    const gate = deferred<string>()
    const builders = outs.map((out) => lab.step(out.name, [A], out, { does: () => gate.promise }))
    const w = workflow({ name: 'w', builders: [...builders, lab.step('t', outs, T)], target: T })
    const call = over(memory.medium().open(), w).executor().compute(w, A('a1'))
    await turns(5)
    expect(lab.ran).toHaveLength(5)
    gate.resolve('x')
    await call
  })

  it('rule 13: concurrency takes whole numbers from 1 only', () => {
    const polaris = over(memory.medium().open())
    for (const concurrency of [0, -1, 1.5, Number.NaN, '2', null]) {
      thrown(() => polaris.executor({ concurrency: concurrency as never }), 'OPTION_INVALID')
    }
  })

  eachStore((kind) => {
    it('rule 13: both give the same data set and result', async () => {
      const [A, X, B, C, D, E, T] = texts('A', 'X', 'B', 'C', 'D', 'E', 'T')
      const ends: unknown[] = []
      for (const mode of ['sequential', 'parallel'] as const) {
        const lab = newLab()
        const pauses = (count: number) => async (made: string) => {
          await turns(count)
          return made
        }
        const builders = [
          lab.step('b', [A], B, { does: pauses(6), accesses: [D] }),
          lab.step('c', [A], C, { optionals: [X], accesses: [B], does: pauses(3) }),
          lab.step('d', [B], D, { optionals: [C] }),
          lab.step('e', [C], E, { accesses: [D], does: pauses(1) }),
          lab.step('t', [D, E], T, { accesses: [B] }),
        ]
        const w = workflow({ name: 'w', builders, target: T })
        const polaris = over(kind.medium().open(), w)
        const run = polaris.executor()
        const results = [
          await run[mode](w, 'i', A('a1')),
          await run[mode](w, 'i', X('x')),
          await run[mode](w, 'i', A('a2')),
        ]
        ends.push({
          data: await dataOf(polaris, 'i'),
          produced: results.map(({ produced }) => Object.fromEntries(produced.map(({ name, value }) => [name, value]))),
          statuses: results.map(({ status }) => status),
        })
      }
      expect(ends[1]).toEqual(ends[0])
    })
  })
})
