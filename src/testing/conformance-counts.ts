/** Cases: what stores may do besides for those who look at many instances at once: `tally` and `find`. */
import type { DataStore, FindQuery, Tally } from '../stores/contract.ts'
import { type CaseBody, type Group, insertion, put, putOne, refuses, same, update } from './conformance-kit.ts'

const T0 = 1_700_000_000_000

async function tally(store: DataStore, since: number): Promise<Tally[]> {
  const tallies = [...((await store.tally?.(since)) ?? [])]
  const key = ({ workflow, version, status }: Tally): string => `${workflow} ${version} ${status}`
  return tallies.sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

const tallying: readonly CaseBody[] = [
  {
    name: 'an empty store counts nothing',
    async run({ store }) {
      same(await tally(store, 0), [], 'the tallies')
    },
  },
  {
    name: 'counts go by workflow, version and status, with the oldest, the new and the touched of each',
    async run({ store }) {
      await put(
        store,
        insertion('a', { status: 'waiting', createdAt: T0 + 2, updatedAt: T0 + 9 }),
        insertion('b', { status: 'waiting', createdAt: T0 + 1, updatedAt: T0 + 1 }),
        insertion('c', { status: 'waiting', createdAt: T0 + 5, updatedAt: T0 + 5 }),
        insertion('d', { status: 'waiting', version: 2, createdAt: T0 }),
        insertion('e', { status: 'failed', createdAt: T0 + 7, updatedAt: T0 + 8 }),
        insertion('f', { workflow: 'other', status: 'completed', createdAt: T0 + 4, updatedAt: T0 + 4 }),
        insertion('g', { status: 'deleted', createdAt: T0, updatedAt: T0 + 9 }),
      )
      const ride = { workflow: 'ride', version: 1 } as const
      same(
        (await tally(store, T0 + 5)).filter(({ version }) => version === 1),
        [
          { workflow: 'other', version: 1, status: 'completed', count: 1, oldest: T0 + 4, created: 0, touched: 0 },
          { ...ride, status: 'failed', count: 1, oldest: T0 + 7, created: 1, touched: 1 },
          { ...ride, status: 'waiting', count: 3, oldest: T0 + 1, created: 1, touched: 2 },
        ],
        'the tallies',
      )
      same((await tally(store, 0)).find(({ version }) => version === 2)?.count, 1, 'the other version')
    },
  },
  {
    name: 'what changed counts as it stands',
    async run({ store }) {
      const before = await putOne(store, insertion('a', { status: 'running', createdAt: T0, updatedAt: T0 }))
      await tally(store, 0)
      await put(store, update(before, { status: 'completed', updatedAt: T0 + 3 }))
      const found = await tally(store, T0 + 3)
      same(
        found,
        [{ workflow: 'ride', version: 1, status: 'completed', count: 1, oldest: T0, created: 0, touched: 1 }],
        'the tallies',
      )
    },
  },
  {
    name: 'a closed store does not count',
    async run({ open }) {
      const store = await open()
      await tally(store, 0)
      await store.close()
      await refuses('CLOSED', 'tally', async () => store.tally?.(0))
    },
  },
]

async function found(store: DataStore, query: FindQuery): Promise<string[]> {
  return ((await store.find?.(query)) ?? []).map(({ id }) => id)
}

const finding: readonly CaseBody[] = [
  {
    name: 'ids that begin with a text are found in order of their code points, and no others',
    async run({ store }) {
      const ids = [
        'ride-1',
        'ride-10',
        'ride-2',
        'rid',
        'Ride-1',
        'ride',
        'ride-é',
        'ride-\u{1f600}',
        'ride-\uffee',
        'rie',
        '%',
        '_',
      ]
      await put(store, ...ids.map((id, index) => insertion(id, { createdAt: T0 - index })))
      const rides = ['ride-1', 'ride-10', 'ride-2', 'ride-é', 'ride-\uffee', 'ride-\u{1f600}']
      same(await found(store, { prefix: 'ride-', limit: 100 }), rides, 'ride-')
      same(await found(store, { prefix: 'ride-1', limit: 100 }), ['ride-1', 'ride-10'], 'ride-1')
      same(await found(store, { prefix: '%', limit: 100 }), ['%'], 'a mark of patterns is a character like any other')
      same(await found(store, { prefix: 'none', limit: 100 }), [], 'none')
      same(await found(store, { prefix: 'ride-\ud83d', limit: 100 }), [], 'half a character, which no id has')
    },
  },
  {
    name: 'they come in pages, behind an id',
    async run({ store }) {
      await put(store, ...['a1', 'a2', 'a3', 'b'].map((id) => insertion(id)))
      same(await found(store, { prefix: 'a', limit: 2 }), ['a1', 'a2'], 'the first page')
      same(await found(store, { prefix: 'a', after: 'a2', limit: 2 }), ['a3'], 'the second')
      same(await found(store, { prefix: 'a', after: 'a3', limit: 2 }), [], 'behind the last')
    },
  },
  {
    name: 'whole headers are given, as they stand; tombstones are not',
    async run({ store }) {
      const before = await putOne(store, insertion('a', { status: 'running' }))
      await put(store, update(before, { status: 'failed' }), insertion('ab', { status: 'deleted' }))
      const given = (await store.find?.({ prefix: 'a', limit: 5 })) ?? []
      same(given, (await store.list({ limit: 5 })).items, 'the headers')
      same(given.length, 1, 'how many')
    },
  },
]

export const counting: Group = {
  group: 'counts',
  cases: [
    ...tallying.map((one) => ({ ...one, name: `tally: ${one.name}`, needs: 'tallies' as const })),
    ...finding.map((one) => ({ ...one, name: `find: ${one.name}`, needs: 'finds' as const })),
  ],
}
