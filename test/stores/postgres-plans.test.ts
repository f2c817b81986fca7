/** What calls cost the server does not grow with the tables. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import type { DataStore, Header, InstanceStatus, Page } from '../../src/stores/contract.ts'
import { claim, delta, insertion, put, row, rowsOf, update } from '../../src/testing/conformance-kit.ts'
import { needsServer, postgresMedium, type PostgresMedium } from '../support/server-media.ts'

needsServer('postgres')

const COUNT = 20_000
const RARE: readonly InstanceStatus[] = ['running', 'waiting', 'failed', 'cancelled', 'retrying']

const HANDLED = {
  seq: 1,
  requestId: 'r-1',
  mode: 'sequential',
  hash: 'h0',
  body: undefined,
  outcome: 'done',
  appendedAt: 1_700_000_000_000,
  handledAt: 1_700_000_000_000,
} as const

let medium: PostgresMedium | undefined

function full(): PostgresMedium {
  return (medium ??= postgresMedium())
}

beforeAll(async () => {
  if ('missing' in inject('postgres')) return
  const store = full().open()
  try {
    for (let from = 0; from < COUNT; from += 500) {
      const changes = Array.from({ length: 500 }, (_, index) => {
        const rare = (from + index) % 4_000 === 7
        const status = rare ? RARE[((from + index) / 4_000) | 0] : 'completed'
        const change = insertion(`i-${(from + index) * 7_919}`, {
          status: status ?? 'waiting',
          createdAt: 1_700_000_000_000 + from + index,
          wakeAt: rare ? 1 : null,
          mailAppended: 1,
          mailHandled: 1,
        })
        return from < 4_000 ? { ...change, mail: HANDLED } : change
      })
      await put(store, ...changes)
    }
    const rare = ['failed', 'waiting', 'completed'] as const
    await put(store, ...rare.map((status) => insertion(`rare-${status}`, { workflow: 'rare', status })))
    const long = rowsOf(1, 4_000, (seq) => `p${seq % 3}`)
    await full().query(
      `INSERT INTO ${full().schema}.polaris_meta
       SELECT 'graph', 'k' || n, 1, '{}', CASE WHEN n % 2 = 0 THEN 5 END FROM generate_series(1, $1::int) n`,
      [COUNT],
    )
    await put(store, insertion('long', { status: 'completed', rows: 4_000, createdAt: 1_700_000_000_000 }, long))
  } finally {
    await store.close()
  }
}, 60_000)

afterAll(() => medium?.dispose())

interface Reads {
  readonly scans: number
  readonly fetched: number
}

/** What was read of all tables so far. A connection reports when it ends. */
async function reads(): Promise<Reads> {
  const medium = full()
  const [found] = await medium.query(
    `SELECT coalesce(sum(seq_scan), 0)::int AS scans,
       (SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE schemaname = $1)::int AS fetched
     FROM pg_stat_user_tables WHERE schemaname = $1 AND relname <> 'polaris_migrations'`,
    [medium.schema],
  )
  return found as unknown as Reads
}

async function costOf(work: (store: DataStore) => Promise<unknown>): Promise<Reads> {
  const medium = full()
  const before = await reads()
  const store = medium.open({ max: 1, application_name: medium.schema })
  await work(store)
  await store.close()
  const text = 'SELECT pid FROM pg_stat_activity WHERE application_name = $1'
  while ((await medium.query(text, [medium.schema])).length > 0);
  const after = await reads()
  return { scans: after.scans - before.scans, fetched: after.fetched - before.fetched }
}

function isRare({ items }: Page<Header>, count: number): void {
  expect(items.map(({ workflow }) => workflow)).toEqual(new Array(count).fill('rare'))
}

const META = { kind: 'graph', key: 'k7', revision: 1, value: '{}', expiresAt: null } as const
const RANGE = { createdFrom: 1_700_000_010_000 }

const CALLS: readonly (readonly [what: string, most: number, work: (store: DataStore) => Promise<unknown>])[] = [
  ['read of a long history', 60, async (store) => store.read('long')],
  ['a page of the common status', 300, async (store) => store.list({ limit: 50, status: 'completed' })],
  ['pages of rare statuses', 300, async (store) => store.list({ limit: 50, status: RARE })],
  ['a page of all', 1_000, async (store) => store.list({ limit: 50 })],
  ['a page of a rare workflow', 300, async (store) => isRare(await store.list({ limit: 50, workflow: 'rare' }), 3)],
  [
    'a page of a rare workflow and status',
    300,
    async (store) => isRare(await store.list({ limit: 50, workflow: 'rare', status: 'completed' }), 1),
  ],
  ['a page from the middle', 1_000, async (store) => store.list({ limit: 50, ...RANGE })],
  ['a claim of what is due', 100, async (store) => expect(await claim(store)).toHaveLength(5)],
  ['a claim of nothing', 50, async (store) => expect(await claim(store)).toHaveLength(0)],
  ['a claim by id', 50, async (store) => claim(store, { ids: ['i-0', 'i-7919'] })],
  ['an append to a new one', 50, async (store) => store.append([delta('new', 'r-1')])],
  ['a request', 50, async (store) => store.request('new', 'r-1')],
  ['a page of mail', 50, async (store) => store.mail('new', { limit: 5 })],
  ['a meta record', 50, async (store) => expect(await store.meta('graph', 'k7')).toBeDefined()],
  ['setting a meta record', 50, async (store) => store.setMeta({ ...META, revision: 2 }, 1)],
  ['a page of meta records', 50, async (store) => store.listMeta('graph', { after: 'k1', limit: 5 })],
  ['pruning', 50, async (store) => store.prune(5, 5)],
]

// Whether the server has looked at the tables' statistics or not: plans must hold while tables grow.
it.each(CALLS)('%s scans no table and reads at most %i entries', async (_, most, work) => {
  const { scans, fetched } = await costOf(work)
  expect(scans).toBe(0)
  expect(fetched).toBeLessThanOrEqual(most)
})

it('the plan of a batch that was made on an empty table holds when the table is full', async () => {
  const small = postgresMedium()
  try {
    const store = small.open({ max: 1, application_name: small.schema })
    for (let round = 0; round < 60; round += 1) {
      const changes = Array.from({ length: 50 }, (_, index) => insertion(`i-${round}-${index}`, {}, [row(1)]))
      await put(store, ...changes)
      await put(store, ...changes.map(({ header }) => update(header, { status: 'waiting' }, [row(2)])))
      await store.append(changes.map(({ header }) => delta(header.id, 'r-1')))
      const id = `i-${round}-7`
      await Promise.all([store.read(id), store.history(id, { limit: 5 }), store.mail(id, { limit: 5 })])
      await store.request(id, 'r-1')
    }
    await claim(store)
    await store.close()
    const text = 'SELECT pid FROM pg_stat_activity WHERE application_name = $1'
    while ((await small.query(text, [small.schema])).length > 0);
    const [found] = await small.query(
      `SELECT coalesce(sum(seq_tup_read), 0)::int AS scanned FROM pg_stat_user_tables
       WHERE schemaname = $1 AND relname <> 'polaris_migrations'`,
      [small.schema],
    )
    expect(found).toEqual({ scanned: 0 })
  } finally {
    await small.dispose()
  }
})
