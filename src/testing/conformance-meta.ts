/** Cases: meta records, their compare-and-set, their expiry, and their lists. */
import type { DataStore, MetaRecord } from '../stores/contract.ts'
import {
  all,
  type CaseBody,
  claim,
  fail,
  type Group,
  holds,
  insertion,
  isDue,
  named,
  oneToN,
  put,
  refuses,
  same,
  snapshot,
  until,
} from './conformance-kit.ts'

function record(key: string, fields: Partial<MetaRecord> = {}): MetaRecord {
  return { kind: 'graph', key, revision: 1, value: `of ${key}`, expiresAt: null, ...fields }
}

/** Sets what must stand. */
async function set(store: DataStore, one: MetaRecord, expected: number | null = null): Promise<MetaRecord> {
  same(await store.setMeta(one, expected), { ok: true }, `what became of '${one.key}'`)
  return one
}

async function keysOf(store: DataStore, kind: string, limit: number): Promise<string[]> {
  const keys: string[] = []
  for (let after: string | undefined; ;) {
    const page = await store.listMeta(kind, after === undefined ? { limit } : { after, limit })
    holds(page.length <= limit, `at most ${limit} records a page`)
    keys.push(...page.map(({ key }) => key))
    if (page.length === 0) return keys
    after = page[page.length - 1]?.key
  }
}

/** The store's time, as leases tell it. */
async function presentOf(store: DataStore): Promise<number> {
  await put(store, insertion('now', { wakeAt: 5 }))
  const [claimed] = await claim(store, { ids: ['now'], lease: 1_000_000 })
  return (claimed?.wakeAt ?? fail('it was not claimed')) - 1_000_000
}

const FAR = 9_000_000_000_000

const setting: readonly CaseBody[] = [
  {
    name: 'comes back as it was set, and as it was set last',
    async run({ store, another }) {
      same(await store.meta('graph', 'a'), undefined, 'what is not there')
      const first = await set(store, record('a', { revision: 7, expiresAt: FAR }))
      const other = await another()
      same(await other.meta('graph', 'a'), first, 'the record')
      const second = await set(other, record('a', { revision: 8, value: '' }), 7)
      same(await store.meta('graph', 'a'), second, 'the record that replaced it')
    },
  },
  {
    name: 'loses to what stands there, and to nothing where something is expected; then nothing changes',
    async run({ store }) {
      const current = await set(store, record('a', { revision: 3 }))
      for (const expected of [null, 2, 4, 0, -3]) {
        const answer = await store.setMeta(record('a', { revision: 9, value: 'late' }), expected)
        same(answer, { ok: false, current }, `the answer with ${expected}`)
      }
      same(await store.meta('graph', 'a'), current, 'what stands')
      same(await store.setMeta(record('b'), 1), { ok: false, current: undefined }, 'the answer where there is none')
      same(await store.meta('graph', 'b'), undefined, 'what is not there')
    },
  },
  {
    name: 'kinds and keys are apart, and instances too',
    async run({ store }) {
      const records = [
        record('b:c', { kind: 'a' }),
        record('c', { kind: 'a:b' }),
        record('a', { kind: 'c' }),
        record('c', { kind: 'a' }),
        record('C', { kind: 'a' }),
        record('c ', { kind: 'a' }),
      ]
      for (const [index, one] of records.entries()) await set(store, { ...one, revision: index + 1 })
      await put(store, insertion('c'), insertion('a'))
      for (const [index, { kind, key }] of records.entries()) {
        same((await store.meta(kind, key))?.revision, index + 1, `${kind}/${key}`)
      }
      same((await snapshot(store, 'c')).header.revision, 1, 'the instance of the same name')
      same(await store.meta('graph', 'c'), undefined, 'the same key of another kind')
    },
  },
  {
    name: 'keys of any kind, and any text as value',
    async run({ store }) {
      const keys = [
        '__proto__',
        'constructor',
        `it's "quoted" \\`,
        'Рейс 🚕',
        'a/b',
        ' ',
        'x'.repeat(512),
        '%',
        '.',
        '+',
      ]
      const values = ['', '\n', 'a\nb\0c', '\ud800', '{"a":1}', '\x01"x"', '🚕'.repeat(10), 'y'.repeat(200_000)]
      for (const [index, key] of keys.entries()) {
        const one = await set(store, record(key, { kind: key, value: values[index % values.length] ?? '' }))
        same(await store.meta(key, key), one, `the record of ${key}`)
      }
      if (!store.capabilities.lists) return
      for (const key of keys) same(await keysOf(store, key, 2), [key], 'the list of a kind')
    },
  },
]

const expiring: readonly CaseBody[] = [
  {
    name: 'is gone once it has expired, is no hindrance then, and cannot be replaced as if it stood',
    async run({ store, advance, soon }) {
      const ends = (await presentOf(store)) + (advance === undefined ? 300 : soon)
      const short = await set(store, record('a', { expiresAt: ends }))
      const long = await set(store, record('b', { expiresAt: ends + 3_600_000 }))
      same(await store.meta('graph', 'a'), short, 'before')
      await advance?.(soon)
      await until('it has expired', async () => ((await store.meta('graph', 'a')) === undefined ? true : undefined))
      same(
        await store.setMeta(record('a', { revision: 2 }), 1),
        { ok: false, current: undefined },
        'replaced as if it stood',
      )
      const next = await set(store, record('a', { revision: 5 }))
      same(await store.meta('graph', 'a'), next, 'what took its place')
      same(await store.meta('graph', 'b'), long, 'one that expires later')
    },
  },
  {
    name: 'that has expired already is as good as deleted',
    async run({ store }) {
      await set(store, record('a'))
      await set(store, record('a', { revision: 2, expiresAt: 5 }), 1)
      same(await store.meta('graph', 'a'), undefined, 'the record')
      same(await store.setMeta(record('a'), 2), { ok: false, current: undefined }, 'what it loses to')
      await set(store, record('a', { revision: 1 }))
      await set(store, record('b', { expiresAt: 5 }))
      same(await store.meta('graph', 'b'), undefined, 'one that never stood')
    },
  },
  {
    name: 'loses its expiry when it is replaced by one without',
    needs: 'lists',
    async run({ store }) {
      await set(store, record('a', { expiresAt: FAR }))
      await set(store, record('b', { expiresAt: 5 }))
      await set(store, record('b', { revision: 2 }))
      await set(store, record('a', { revision: 2, expiresAt: null }), 1)
      same(await store.prune(0, 10), 0, 'how much is pruned')
      same(await keysOf(store, 'graph', 5), ['a', 'b'], 'what is there')
    },
  },
]

const among: readonly CaseBody[] = [
  {
    name: 'are listed by kind, in order of the code points of their keys, page by page',
    async run({ store }) {
      same(await store.listMeta('graph', { limit: 5 }), [], 'of none')
      const keys = ['b', 'a', 'a ', 'aa', 'B', '\uffee', '🚕', 'Я', '0', 'z']
      for (const key of keys) await set(store, record(key))
      for (const key of ['c', 'A']) await set(store, record(key, { kind: 'grap' }))
      for (const key of ['c', 'A']) await set(store, record(key, { kind: 'graphs' }))
      const ordered = ['0', 'B', 'a', 'a ', 'aa', 'b', 'z', 'Я', '\uffee', '🚕']
      for (const limit of [1, 3, 10, 100]) same(await keysOf(store, 'graph', limit), ordered, `${limit} a page`)
      same(await store.listMeta('graph', { after: 'aa', limit: 1 }), [record('b')], 'a page as it is')
      same(await store.listMeta('graph', { after: '\u{10ffff}', limit: 1 }), [], 'behind the last')
      for (const limit of [0, -1, 1.5]) {
        await refuses('OPTION_INVALID', `a limit of ${limit}`, () => store.listMeta('graph', { limit }))
      }
    },
  },
  {
    name: 'lists leave out what has expired, and are full nevertheless',
    async run({ store }) {
      const keys = named('k', 120)
      for (const [index, key] of keys.entries()) {
        await set(store, record(key, { expiresAt: index % 4 === 0 ? FAR : index % 2 === 0 ? null : 5 }))
      }
      const stand = keys.filter((_, index) => index % 2 === 0)
      same(
        (await store.listMeta('graph', { limit: 25 })).map(({ key }) => key),
        stand.slice(0, 25),
        'a page',
      )
      for (const limit of [7, 60, 500]) same(await keysOf(store, 'graph', limit), stand, `${limit} a page`)
    },
  },
  {
    name: 'prune deletes those that have expired, up to the limit, and nothing that stands',
    async run({ store }) {
      for (const key of named('old', 30)) await set(store, record(key, { kind: key.slice(-1), expiresAt: 5 }))
      for (const key of named('new', 10)) await set(store, record(key, { expiresAt: FAR }))
      const found: number[] = []
      for (let round = 0; round < 4; round += 1) found.push(await store.prune(0, 12))
      same(found, [12, 12, 6, 0], 'how many')
      same((await keysOf(store, 'graph', 5)).length, 10, 'what stands')
      for (const key of named('old', 30)) await set(store, record(key, { kind: key.slice(-1) }))
    },
  },
]

const racing: readonly CaseBody[] = [
  {
    name: '20 that set the same at once: one does, the others find it',
    async run({ store, another }) {
      const other = await another()
      for (const expected of [null, 0]) {
        const answers = await all(
          oneToN(20).map(async (n) =>
            (n % 2 === 0 ? store : other).setMeta(
              record('a', { revision: expected === null ? 0 : n, value: `${n}` }),
              expected,
            ),
          ),
        )
        const current = await store.meta('graph', 'a')
        const won = answers.flatMap(({ ok }, index) => (ok ? [index + 1] : []))
        same(won.map(String), [current?.value], 'who did')
        const lost = answers.filter(({ ok }) => !ok)
        if (expected === 0) same(lost, new Array(19).fill({ ok: false, current }), 'what the others are told')
        else same(lost.length, 19, 'how many lost')
      }
    },
  },
  {
    name: 'a counter that two stores raise at once loses nothing',
    async run({ store, another }) {
      const other = await another()
      await set(store, record('count', { revision: 0, value: '0' }))
      const raise = async (by: DataStore): Promise<void> => {
        for (;;) {
          const { revision, value } = (await by.meta('graph', 'count')) ?? fail('the counter is gone')
          const next = record('count', { revision: revision + 1, value: String(Number(value) + 1) })
          if ((await by.setMeta(next, revision)).ok) return
        }
      }
      await all(
        oneToN(6).map(async (n) => {
          for (let round = 0; round < 8; round += 1) await raise(n % 2 === 0 ? store : other)
        }),
      )
      const { revision, value } = (await store.meta('graph', 'count')) ?? fail('the counter is gone')
      same([revision, value], [48, '48'], 'the counter')
    },
  },
  {
    name: 'one that expired is replaced once, by 10 at once, while prune takes it away',
    needs: 'lists',
    async run({ store, another }) {
      const other = await another()
      for (const key of named('k', 10)) {
        await set(store, record(key, { expiresAt: 5 }))
        const [answers] = await all([
          all(oneToN(10).map(async (n) => (n % 2 === 0 ? store : other).setMeta(record(key, { value: `${n}` }), null))),
          other.prune(0, 10),
        ])
        const won = answers.flatMap(({ ok }, index) => (ok ? [`${index + 1}`] : []))
        same(won, [(await store.meta('graph', key))?.value], 'who did')
      }
      same((await keysOf(store, 'graph', 4)).length, 10, 'what is there')
    },
  },
  {
    name: 'nothing about them wakes or changes an instance',
    async run({ store }) {
      await put(store, insertion('a', { wakeAt: 5 }))
      const before = (await snapshot(store, 'a')).header
      await set(store, record('a', { kind: 'a' }))
      same((await snapshot(store, 'a')).header, before, 'the header')
      await isDue(store, 'a')
    },
  },
]

const unlisted: readonly CaseBody[] = [
  {
    name: 'cannot be listed where instances cannot',
    needs: 'unlisted',
    async run({ store }) {
      await set(store, record('a'))
      await refuses('STORE_INVALID', 'listMeta', () => store.listMeta('graph', { limit: 5 }))
      same(await store.meta('graph', 'a'), record('a'), 'the record')
    },
  },
]

export const metas: Group = {
  group: 'meta',
  cases: [
    ...setting,
    ...expiring,
    ...among.map((one) => ({ ...one, needs: 'lists' as const })),
    ...racing,
    ...unlisted,
  ],
}
