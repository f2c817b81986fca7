import { builder, data, Polaris, type, workflow } from 'polaris-workflow'
import type { Data } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'

const LENGTH = 100_000
type Count = Data<string, number, number>

function chain(later: boolean) {
  const links: Count[] = Array.from({ length: LENGTH + 1 }, (_, i) => data(`D${i}`, type<number>()))
  const builders = links.slice(1).map((produces, i) =>
    builder({
      name: `b${i}`,
      consumes: { from: links[i] as Count },
      produces,
      process: ({ from }) => (later ? Promise.resolve(from + 1) : from + 1),
    }),
  )
  const [first, last] = [links[0] as Count, links[LENGTH] as Count]
  // Declared backwards, so that the order of declaration helps nobody.
  return { first, last, chained: workflow({ name: 'chain', builders: builders.reverse(), target: last }) }
}

describe('rule 5: a chain of 100,000 runs without deep recursion', () => {
  for (const later of [false, true]) {
    const kind = later ? 'promised' : 'plain'
    it(`rule 5: in compute, ${kind} products`, async () => {
      const { first, last, chained } = chain(later)
      const result = await new Polaris().register(chained).executor().compute(chained, first(0))
      expect(result.get(last)).toBe(LENGTH)
      expect(result.status).toBe('completed')
    })

    it(`rule 5: in sequential and parallel, ${kind} products, and what it waits for is found`, async () => {
      const { first, last, chained } = chain(later)
      const polaris = new Polaris({ store: memoryStore() }).register(chained)
      const run = polaris.executor()
      expect((await run.sequential(chained, 'i')).waitingFor).toEqual(['D0'])
      const result = await run.sequential(chained, 'i', first(0))
      expect(result.require(last)).toBe(LENGTH)
      expect((await run.parallel(chained, 'i', first(1))).target).toBe(LENGTH + 1)
      expect((await polaris.explain('i'))?.builders).toHaveLength(LENGTH)
    })
  }

  it('rule 5: a failure at the end of the chain is taken up there', async () => {
    const links: Count[] = Array.from({ length: LENGTH + 1 }, (_, i) => data(`D${i}`, type<number>()))
    let broken = true
    let runs = 0
    const builders = links.slice(1).map((produces, i) =>
      builder({
        name: `b${i}`,
        consumes: { from: links[i] as Count },
        produces,
        process({ from }) {
          runs++
          if (broken && i === LENGTH - 1) throw new Error('the last one')
          return from + 1
        },
      }),
    )
    const [first, last] = [links[0] as Count, links[LENGTH] as Count]
    const chained = workflow({ name: 'chain', builders, target: last })
    const run = new Polaris({ store: memoryStore() }).register(chained).executor()
    await expect(run.sequential(chained, 'i', first(0))).rejects.toThrow('the last one')
    broken = false
    runs = 0
    expect((await run.resume(chained, 'i')).get(last)).toBe(LENGTH)
    expect(runs).toBe(1)
  })
})
