/** Cases: what `list` gives, and how its cursors keep while instances come and change. */
import type { DataStore, Header, InstanceStatus, ListQuery } from '../stores/contract.ts'
import {
  type CaseBody,
  type Group,
  holds,
  insertion,
  put,
  putOne,
  refuses,
  same,
  update,
  walk,
} from './conformance-kit.ts'

const T0 = 1_700_000_000_000

/** `count` instances, a millisecond apart, named `i-000` and so on. */
async function fill(
  store: DataStore,
  count: number,
  fields: (index: number) => Partial<Header> = () => ({}),
): Promise<void> {
  const changes = Array.from({ length: count }, (_, index) =>
    insertion(name(index), { createdAt: T0 + index, ...fields(index) }),
  )
  await put(store, ...changes)
}

function name(index: number): string {
  return `i-${String(index).padStart(3, '0')}`
}

function names(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => name(from + index))
}

const STATUSES: readonly InstanceStatus[] = ['running', 'waiting', 'completed']

/** Instance n: workflow a or b, version 1 to 3, one of three statuses. */
function mixed(index: number): Partial<Header> {
  return {
    workflow: index % 2 === 0 ? 'a' : 'b',
    version: 1 + (index % 3),
    status: STATUSES[index % 5 === 0 ? 0 : index % 5 === 1 ? 1 : 2] ?? 'running',
  }
}

/** A case that compares the pages of a filtered list with the same filter over everything. */
function filters(
  what: string,
  query: Omit<ListQuery, 'limit'>,
  keeps: (fields: Partial<Header>, index: number) => boolean,
): CaseBody {
  return {
    name: `only ${what}`,
    async run({ store }) {
      await fill(store, 60, mixed)
      const expected = names(0, 60).filter((_, index) => keeps(mixed(index), index))
      for (const limit of [1, 7, 100]) {
        same(await walk(store, { ...query, limit }), expected, `pages of ${limit}`)
        const newest = await walk(store, { ...query, limit, order: 'newest' })
        same(newest, [...expected].reverse(), `pages of ${limit}, the newest first`)
      }
    },
  }
}

const filtering: readonly CaseBody[] = [
  filters('a workflow', { workflow: 'b' }, ({ workflow }) => workflow === 'b'),
  filters('a version', { version: 2 }, ({ version }) => version === 2),
  filters('a status', { status: 'waiting' }, ({ status }) => status === 'waiting'),
  filters('a list of one status', { status: ['running'] }, ({ status }) => status === 'running'),
  filters(
    'any of several statuses',
    { status: ['waiting', 'running', 'waiting', 'failed'] },
    ({ status }) => status === 'waiting' || status === 'running',
  ),
  filters('none of no statuses', { status: [] }, () => false),
  filters('what was created at a time or later', { createdFrom: T0 + 17 }, (_, index) => index >= 17),
  filters('what was created before a time', { createdBefore: T0 + 17 }, (_, index) => index < 17),
  filters('a range of time', { createdFrom: T0 + 5, createdBefore: T0 + 50 }, (_, index) => index >= 5 && index < 50),
  filters('an empty range of time', { createdFrom: T0 + 9, createdBefore: T0 + 9 }, () => false),
  filters('an unknown workflow', { workflow: "a' or '1'='1" }, () => false),
  filters(
    'what passes all filters',
    { workflow: 'a', version: 1, status: 'completed', createdFrom: T0 + 3, createdBefore: T0 + 55 },
    ({ workflow, version, status }, index) =>
      workflow === 'a' && version === 1 && status === 'completed' && index >= 3 && index < 55,
  ),
]

const paging: readonly CaseBody[] = [
  {
    name: 'an empty store gives an empty last page',
    async run({ store }) {
      same(await store.list({ limit: 10 }), { items: [] }, 'the page')
    },
  },
  {
    name: 'whole headers, oldest creation first, whatever the order of insertion',
    async run({ store }) {
      const times = [5, 3, 9, 1, 7]
      for (const time of times) await put(store, insertion(`t${time}`, { createdAt: T0 + time, wakeAt: time }))
      const { items } = await store.list({ limit: 10 })
      const expected = [1, 3, 5, 7, 9].map(
        (time) => insertion(`t${time}`, { createdAt: T0 + time, wakeAt: time }).header,
      )
      same(items, expected, 'the page')
    },
  },
  {
    name: 'pages of every size cover all once, and the last has no next',
    async run({ store }) {
      await fill(store, 24)
      for (const limit of [1, 5, 8, 23, 24, 25]) {
        let pages = 1
        const ids = await walk(store, { limit }, async () => void (pages += 1))
        same(ids, names(0, 24), `pages of ${limit}`)
        same(pages, Math.ceil(24 / limit), `the number of pages of ${limit}`)
      }
    },
  },
  {
    name: 'many of one creation time come once each, in the same order whatever the page',
    async run({ store }) {
      const ids = Array.from({ length: 40 }, (_, index) => `tie-${(index * 17) % 40}`)
      for (const id of ids) await put(store, insertion(id))
      const whole = await walk(store, { limit: 100 })
      same([...whole].sort(), [...ids].sort(), 'all ids')
      for (const limit of [1, 3, 39, 40]) {
        same(await walk(store, { limit }), whole, `pages of ${limit}`)
        const newest = await walk(store, { limit, order: 'newest' })
        same(newest, [...whole].reverse(), `pages of ${limit}, the newest first`)
      }
    },
  },
  {
    name: 'cursors behind odd ids',
    async run({ store }) {
      const ids = [':', '1:2', '"', "'", '__proto__', '../..', 'a b', '🚕', 'é', '%00', '{"a":1}', 'x'.repeat(512)]
      for (const id of ids) await put(store, insertion(id))
      const whole = await walk(store, { limit: 1 })
      same([...whole].sort(), [...ids].sort(), 'all ids')
      same(await walk(store, { limit: 1, order: 'newest' }), [...whole].reverse(), 'the newest first')
    },
  },
  {
    name: 'creation times from 0 to 2^53 - 1',
    async run({ store }) {
      const times = [0, 1, 999, 1e12, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER]
      for (const time of times) await put(store, insertion(`t${time}`, { createdAt: time }))
      const expected = times.map((time) => `t${time}`)
      same(await walk(store, { limit: 1 }), expected, 'pages of 1')
      same(await walk(store, { limit: 1, order: 'newest' }), [...expected].reverse(), 'the newest first')
      same(
        await walk(store, { limit: 2, createdFrom: 1, createdBefore: Number.MAX_SAFE_INTEGER }),
        expected.slice(1, 5),
        'a range',
      )
    },
  },
]

const changing: readonly CaseBody[] = [
  {
    name: 'instances made between pages: newer ones come, none comes twice',
    async run({ store }) {
      await fill(store, 20)
      const ids = await walk(store, { limit: 4 }, async (page) => {
        await put(store, insertion(`new-${page}`, { createdAt: T0 + 1_000 + page }))
        if (page > 12) throw new Error('the pages do not end')
        await put(store, insertion(`old-${page}`, { createdAt: T0 - page }))
      })
      same(ids.slice(0, 20), names(0, 20), 'what was there before')
      same(new Set(ids).size, ids.length, 'the number of different ids')
      holds(ids.includes('new-1') && !ids.includes('old-1'), 'newer ones come, older ones are passed already')
    },
  },
  {
    name: 'instances made between pages, the newest first: older ones come, none comes twice',
    async run({ store }) {
      await fill(store, 20)
      const ids = await walk(store, { limit: 4, order: 'newest' }, async (page) => {
        await put(store, insertion(`new-${page}`, { createdAt: T0 + 1_000 + page }))
        if (page === 1) await put(store, insertion('old', { createdAt: T0 - 1 }))
      })
      same(ids, [...names(0, 20).reverse(), 'old'], 'the ids')
    },
  },
  {
    name: 'updates between pages neither repeat nor drop an instance',
    async run({ store }) {
      await fill(store, 20)
      const ids = await walk(store, { limit: 3 }, async (page) => {
        for (const id of [name(page), name(19 - page)]) {
          const found = await store.read(id)
          if (found !== undefined) await put(store, update(found.header, { status: 'waiting', updatedAt: T0 + 9_000 }))
        }
      })
      same(ids, names(0, 20), 'the ids')
    },
  },
  {
    name: 'a status that changes between pages of that status drops no other instance',
    async run({ store }) {
      await fill(store, 20)
      const ids = await walk(store, { limit: 2, status: 'running' }, async (page) => {
        const found = await store.read(name(2 * page - 1))
        if (found !== undefined) await put(store, update(found.header, { status: 'completed' }))
      })
      same(ids, names(0, 20), 'the ids')
    },
  },
  {
    name: 'an update is seen by the next list',
    async run({ store }) {
      const first = await putOne(store, insertion('a', { status: 'running' }))
      same((await store.list({ limit: 5, status: 'waiting' })).items, [], 'before')
      const second = await putOne(store, update(first, { status: 'waiting', workflow: 'other', version: 4 }))
      same((await store.list({ limit: 5, status: 'waiting', workflow: 'other', version: 4 })).items, [second], 'after')
      same((await store.list({ limit: 5, status: 'running' })).items, [], 'the old status')
    },
  },
  {
    name: 'a change that lost is not listed',
    async run({ store }) {
      await put(store, insertion('a', { status: 'running' }))
      await store.write([insertion('a', { status: 'failed', createdAt: T0 + 5 })])
      same(await walk(store, { limit: 1 }), ['a'], 'all')
      same(await walk(store, { limit: 1, status: 'failed' }), [], 'the status of the loser')
    },
  },
  {
    name: '5,000 instances in pages of 500, and one at the end by its time',
    async run({ store }) {
      for (let start = 0; start < 5_000; start += 500) {
        const times = Array.from({ length: 500 }, (_, index) => start + index)
        await put(store, ...times.map((time) => insertion(`n${time}`, { createdAt: T0 + time })))
      }
      same((await walk(store, { limit: 500 })).length, 5_000, 'the number of instances')
      same(await walk(store, { limit: 2, createdFrom: T0 + 4_998 }), ['n4998', 'n4999'], 'the last two')
    },
  },
]

const unlisted: CaseBody = {
  name: 'a store that cannot go through all instances refuses what would',
  needs: 'unlisted',
  async run({ store }) {
    await put(store, insertion('a', { wakeAt: 1 }))
    const serves = [{ workflow: 'ride', version: 1 }]
    await refuses('STORE_INVALID', 'list', () => store.list({ limit: 1 }))
    await refuses('STORE_INVALID', 'claim', () => store.claim({ holder: 'w', lease: 1_000, limit: 1, serves }))
  },
}

export const listing: Group = {
  group: 'list',
  cases: [...[...paging, ...filtering, ...changing].map((one) => ({ ...one, needs: 'lists' as const })), unlisted],
}
