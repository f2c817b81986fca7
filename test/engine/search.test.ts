import { workflow } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import { failure, newLab, over, refusal, texts } from '../support/lab.ts'
import { eachStore } from '../support/media.ts'

function ride() {
  const [A, X, Y, B, T] = texts('A', 'X', 'Y', 'B', 'T')
  const lab = newLab()
  const does = (made: string): string => {
    if (made.includes('bad')) throw new Error('bad')
    return made
  }
  const builders = [lab.step('b', [A], B, { does }), lab.step('t', [B, X, Y], T)]
  return { A, X, Y, w: workflow({ name: 'w', builders, target: T }) }
}

/** Pages of a search, until there is no further one. */
async function all(
  polaris: ReturnType<typeof over>,
  query: Parameters<typeof polaris.search>[0],
): Promise<{ readonly ids: string[]; readonly pages: number; readonly looked: number }> {
  const ids: string[] = []
  let [pages, looked] = [0, 0]
  let cursor: string | undefined
  do {
    const page = await polaris.search({ ...query, ...(cursor !== undefined && { cursor }) })
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.next
    looked += page.looked
    pages++
  } while (cursor !== undefined)
  return { ids, pages, looked }
}

eachStore((kind) => {
  describe('search', () => {
    it('finds instances by what their ids begin with, together with the other filters', async () => {
      const { A, X, Y, w } = ride()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      for (const id of ['r-1', 'r-2', 'r-10', 'q-1', 's-1']) await run.sequential(w, id, A('a'))
      await run.sequential(w, 'r-2', X('x'), Y('y'))
      expect((await all(polaris, { prefix: 'r-' })).ids.sort()).toEqual(['r-1', 'r-10', 'r-2'])
      expect((await all(polaris, { prefix: 'r-', status: 'completed' })).ids).toEqual(['r-2'])
      expect((await all(polaris, { prefix: 'r-', workflow: 'other' })).ids).toEqual([])
      for (const limit of [1, 2, 3]) {
        expect((await all(polaris, { prefix: 'r-', limit })).ids.sort()).toEqual(['r-1', 'r-10', 'r-2'])
      }
      const { createdAt } = (await polaris.summary('r-1'))!
      const range = (createdFrom: number, createdBefore: number) =>
        all(polaris, { prefix: 'r-1', createdFrom, createdBefore })
      expect((await range(createdAt, createdAt + 3_600_000)).ids.sort()).toEqual(['r-1', 'r-10'])
      expect((await range(0, createdAt)).ids).toEqual([])
      expect((await range(createdAt + 3_600_000, Infinity)).ids).toEqual([])
      expect((await polaris.search({ prefix: 'r-1' })).items[0]).not.toHaveProperty('waitingFor')
    })

    it('finds those that wait for a data, and says all that they wait for', async () => {
      const { A, X, Y, w } = ride()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'both', A('a'))
      await run.sequential(w, 'y', A('a'), X('x'))
      await run.sequential(w, 'none', A('a'), X('x'), Y('y'))
      await failure(run.sequential(w, 'failed', A('bad'), Y('y')))
      const page = await polaris.search({ waitingFor: 'X' })
      expect(page.items.map(({ id, waitingFor }) => [id, waitingFor])).toEqual([
        ['both', ['X', 'Y']],
        ['failed', expect.arrayContaining(['X'])],
      ])
      expect(page.looked).toBe(4)
      expect((await all(polaris, { waitingFor: 'Y' })).ids).toEqual(['both', 'y'])
      expect((await all(polaris, { waitingFor: 'Y', prefix: 'y' })).ids).toEqual(['y'])
      expect((await all(polaris, { waitingFor: 'Nothing', limit: 1 })).ids).toEqual([])
    })

    it('refuses what is no text to look for', async () => {
      const { w } = ride()
      const polaris = over(kind.medium().open(), w)
      await refusal(polaris.search({ prefix: '' }), 'OPTION_INVALID')
      await refusal(polaris.search({ waitingFor: 1 as never }), 'OPTION_INVALID')
      await refusal(polaris.search({ limit: 0 }), 'OPTION_INVALID')
      await refusal(polaris.search({ order: 1 } as never), 'OPTION_INVALID')
    })
  })

  describe('counts', () => {
    it('tell how many instances there are of which version and status, and which are of the last minute', async () => {
      const { A, X, Y, w } = ride()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a'))
      await run.sequential(w, 'j', A('a'), X('x'), Y('y'))
      await failure(run.sequential(w, 'k', A('bad')))
      const { tallies, complete, looked, asOf, since } = await polaris.counts()
      expect({ complete, looked, minute: asOf - since }).toEqual({ complete: true, looked: 3, minute: 60_000 })
      const found = tallies.map(({ workflow, version, status, count }) => `${workflow} ${version} ${status} ${count}`)
      expect(found.sort()).toEqual(['w 1 completed 1', 'w 1 failed 1', 'w 1 waiting 1'])
      expect(tallies.every(({ oldest }) => oldest <= asOf)).toBe(true)
    })
  })
})

describe('a search', () => {
  /** As many instances as a page may look at, and some more, that nobody ran. */
  async function crowd(store: DataStore, count: number): Promise<void> {
    const { A, w } = ride()
    await over(store, w).executor().sequential(w, 'seed', A('a'))
    const snapshot = await store.read('seed')
    const { header, rows } = snapshot!
    await store.write(
      Array.from({ length: count }, (_, n) => {
        return { expected: null, header: { ...header, id: `n-${n}`, createdAt: header.createdAt + n }, rows }
      }),
    )
  }

  it('looks at a bounded number for a page, says so, and goes on', async () => {
    const store = memoryStore()
    await crowd(store, 1_200)
    const { w } = ride()
    const polaris = over(store, w)
    const first = await polaris.search({ waitingFor: 'Nothing' })
    expect(first).toMatchObject({ items: [], looked: 500, next: expect.any(String) as string })
    const { ids, looked, pages } = await all(polaris, { waitingFor: 'X', prefix: 'n-1199' })
    expect({ ids, looked, pages }).toEqual({ ids: ['n-1199'], looked: 1_201, pages: 3 })
  })

  it('and counts leave the event loop to others between pages of a store that answers at once', async () => {
    const store = memoryStore()
    await crowd(store, 3_000)
    const { w } = ride()
    const polaris = over(store, w)
    for (const work of [() => polaris.counts(), () => polaris.search({ prefix: 'none' })]) {
      let turns = 0
      const tick = setInterval(() => turns++, 0)
      await work()
      clearInterval(tick)
      expect(turns).toBeGreaterThan(1)
    }
  })

  it('does not count what another process cannot read: versions that are not served wait for nobody knows what', async () => {
    const store = memoryStore()
    await crowd(store, 3)
    const [T] = texts('T')
    const polaris = over(store, workflow({ name: 'w', version: 9, builders: [newLab().step('t', [], T)], target: T }))
    expect((await polaris.search({ waitingFor: 'X' })).items).toEqual([])
    expect((await polaris.counts()).looked).toBe(4)
  })
})

describe('counts of a store that cannot count', () => {
  it('are of the first 100,000, open ones before others, and say so', async () => {
    const store = memoryStore()
    const header = await (async () => {
      const { A, w } = ride()
      await over(store, w).executor().sequential(w, 'seed', A('a'))
      return store.read('seed')!.header
    })()
    // A list that never ends, of headers that are all alike.
    const endless: DataStore = {
      ...store,
      list: ({ status, limit }) => {
        const open = [status].flat().includes('waiting')
        const status1 = open ? ('waiting' as const) : ('completed' as const)
        return {
          items: Array.from({ length: limit }, () => ({ ...header, status: status1 })),
          next: open ? 'more' : 'on',
        }
      },
    }
    const { w } = ride()
    const { complete, looked, tallies } = await over(endless, w).counts()
    expect({ complete, looked }).toEqual({ complete: false, looked: 100_000 })
    expect(tallies).toMatchObject([{ status: 'waiting', count: 100_000 }])
  })
})
