/** Cases: leases, and who gets what by `claim`. */
import type { DataStore, Header } from '../stores/contract.ts'
import {
  type CaseBody,
  claim,
  claimOne,
  delta,
  type Group,
  header,
  holds,
  insertion,
  isDue,
  isNotDue,
  LONG,
  named,
  post,
  put,
  putOne,
  row,
  same,
  snapshot,
  stands,
  until,
  update,
} from './conformance-kit.ts'

const FAR = 9_000_000_000_000
const MINUTE = 60_000

/** Ids in the order of what was claimed. */
function idsOf(headers: readonly Header[]): string[] {
  return headers.map(({ id }) => id)
}

async function wakeAtOf(store: DataStore, id: string): Promise<number> {
  return (await snapshot(store, id)).header.wakeAt ?? Number.NaN
}

const leasing: readonly CaseBody[] = [
  {
    name: 'ends so many milliseconds after the change that took it, by the clock that claims go by',
    async run({ store, later }) {
      await put(store, { ...insertion('a', { holder: 'w-1', wakeAt: 5 }), lease: LONG })
      await put(store, { ...insertion('b', { holder: 'w-1', wakeAt: 5 }), lease: LONG + 600_000 })
      const between = (await wakeAtOf(store, 'b')) - (await wakeAtOf(store, 'a'))
      holds(Math.abs(between - 600_000) < 60_000, `ten minutes between the ends of the leases, got ${between} ms`)
      await isNotDue(store, 'a')
      await put(store, { ...insertion('c', { holder: 'w-1', wakeAt: FAR }), lease: 1 })
      const found = await later("'c', whose lease is over, is claimed", () => claimOne(store, 'c'))
      const behind = (found.wakeAt ?? 0) - (await wakeAtOf(store, 'a'))
      holds(Math.abs(behind) < 60_000, `a claim of as long ends when that of the change does, got ${behind} ms later`)
    },
  },
  {
    name: 'is not over before its time',
    async run({ store, advance, later, soon }) {
      await put(store, { ...insertion('a', { holder: 'w-1' }), lease: LONG })
      if (advance === undefined) return isNotDue(store, 'a')
      // The clock may go on by itself: on a busy machine a call once took more than a second.
      await advance(LONG - MINUTE)
      await isNotDue(store, 'a')
      await advance(MINUTE - soon)
      await later('it is claimed', () => claimOne(store, 'a'))
    },
  },
  {
    name: 'renewed, it counts from then',
    async run({ store, soon, later }) {
      const first = await putOne(store, { ...insertion('a', { holder: 'w-1' }), lease: LONG })
      const second = await putOne(store, { ...update(first), lease: soon })
      await later('the shorter lease is over', () => claimOne(store, 'a'))
      const claimed = (await snapshot(store, 'a')).header
      same([claimed.revision, claimed.fence], [second.revision, second.fence + 1], 'revision and fence')
      await put(store, { ...update(claimed), lease: soon })
      await put(store, { ...update(update(claimed).header), lease: LONG })
      await isNotDue(store, 'a')
    },
  },
  {
    name: 'a change of the holder without one leaves its end where it is, whatever the header says',
    async run({ store }) {
      await put(store, { ...insertion('a', { holder: 'w-1' }), lease: LONG })
      let last = (await snapshot(store, 'a')).header
      const { wakeAt } = last
      for (const other of [null, 0, FAR]) {
        const change = update(last, { wakeAt: other })
        await put(store, change)
        last = change.header
        await stands(store, { ...last, wakeAt }, [])
        await isNotDue(store, 'a')
      }
    },
  },
  {
    name: 'a change that loses takes none, and prolongs none',
    async run({ store }) {
      const current = await putOne(store, insertion('a', { holder: 'w-1', wakeAt: 5 }))
      const late = update({ ...current, fence: 0 })
      same(await store.write([{ ...late, lease: LONG }]), [{ ok: false, current }], 'the answer')
      same(await store.write([{ ...insertion('a'), lease: LONG }]), [{ ok: false, current }], 'the answer to an insert')
      await isDue(store, 'a')
    },
  },
  {
    name: 'given back, the instance is due at once',
    async run({ store }) {
      const held = await putOne(store, { ...insertion('a', { holder: 'w-1' }), lease: LONG })
      await isNotDue(store, 'a')
      await put(store, { ...update(held, { holder: null, wakeAt: FAR }), lease: 0 })
      const claimed = await isDue(store, 'a')
      same([claimed.fence, claimed.holder], [held.fence + 1, 'w-1'], 'fence and holder')
    },
  },
  {
    name: 'over but not taken by anybody, its holder goes on and renews it',
    async run({ store }) {
      const held = await putOne(store, insertion('a', { holder: 'w-1', wakeAt: 5 }))
      await put(store, { ...update(held), lease: LONG })
      await isNotDue(store, 'a')
    },
  },
  {
    name: 'its end is what wakes the instance, mail or not',
    async run({ store, soon, later }) {
      await put(store, { ...insertion('a', { holder: 'w-1' }), lease: soon })
      await post(store, delta('a', 'r-1'))
      const claimed = await later('it is claimed when the lease is over', () => claimOne(store, 'a'))
      same([claimed.mailAppended, claimed.mailHandled], [1, 0], 'the counters')
    },
  },
]

const claiming: readonly CaseBody[] = [
  {
    name: 'takes over: holder, fence, claims and lease; all else is as it was',
    async run({ store }) {
      const fields = { revision: 8, fence: 4, claims: 2, holder: 'old', wakeAt: 5, status: 'running' } as const
      const before = await putOne(store, insertion('a', { ...fields, rows: 2, token: 'mine' }, [row(1), row(2)]))
      const claimed = (await claimOne(store, 'a', { holder: 'new 🚕' })) ?? before
      const after = { ...before, holder: 'new 🚕', fence: 5, claims: 3, wakeAt: claimed.wakeAt }
      same(claimed, after, 'the answer')
      await stands(store, after, [1, 2])
      const third = update(claimed, { claims: 0, rows: 3 }, [row(3)])
      await put(store, third)
      await stands(store, third.header, [1, 2, 3])
    },
  },
  {
    name: 'only what is due: never without wakeAt, nor before it, whatever the status',
    async run({ store }) {
      const statuses = ['running', 'waiting', 'completed', 'failed', 'cancelled', 'retrying'] as const
      for (const status of statuses) {
        await put(store, insertion(`never-${status}`, { status }))
        await put(store, insertion(`later-${status}`, { status, wakeAt: FAR }))
        await put(store, insertion(`due-${status}`, { status, wakeAt: 5 }))
      }
      const ids = statuses.flatMap((status) => [`never-${status}`, `later-${status}`, `due-${status}`])
      const claimed = idsOf(await claim(store, { ids }))
      same(claimed.sort(), statuses.map((status) => `due-${status}`).sort(), 'what is claimed')
    },
  },
  {
    name: 'what is claimed is nobody’s to claim while the lease runs, its holder’s neither',
    async run({ store }) {
      await put(store, insertion('a', { wakeAt: 5 }))
      const first = await isDue(store, 'a')
      for (const holder of ['w-1', 'w-2'])
        same(await claimOne(store, 'a', { holder }), undefined, `a claim by ${holder}`)
      await stands(store, first, [])
    },
  },
  {
    name: 'claimed again after the lease, and the one who had it before can commit nothing',
    async run({ store, soon, later }) {
      await put(store, insertion('a', { wakeAt: 5 }))
      const first = (await claimOne(store, 'a', { lease: soon })) ?? header('a')
      const second = await later('it is claimed again', () => claimOne(store, 'a', { holder: 'w-2' }))
      same([second.fence, second.claims], [first.fence + 1, first.claims + 1], 'fence and claims')
      const late = { ...update(first, { rows: 1 }, [row(1)]), lease: LONG }
      same(await store.write([late]), [{ ok: false, current: second }], 'the answer to the first')
      const change = update(second, { rows: 1 }, [row(1)])
      await put(store, change)
      await stands(store, change.header, [1])
    },
  },
  {
    name: 'serves one workflow and version and not the others, pair by pair',
    async run({ store }) {
      const kinds = [
        ['a', 1],
        ['a', 2],
        ['b', 1],
        ['b', 2],
        ['A', 1],
        ['a ', 1],
        [`Рейс 🚕 '"`, 1],
        ['a:1', 1],
        ['__proto__', 1],
      ] as const
      const ids = kinds.map(([workflow, version]) => `${workflow}/${version}`)
      for (const [index, [workflow, version]] of kinds.entries()) {
        await put(store, insertion(ids[index] ?? '', { workflow, version, wakeAt: 5 }))
      }
      same(await claim(store, { ids, serves: [] }), [], 'claimed by who serves nothing')
      same(await claim(store, { ids, serves: [{ workflow: 'c', version: 1 }] }), [], 'claimed of an unknown workflow')
      const serves = [
        { workflow: 'a', version: 2 },
        { workflow: 'b', version: 1 },
      ]
      same(idsOf(await claim(store, { ids, serves })).sort(), ['a/2', 'b/1'], 'claimed of two')
      same(idsOf(await claim(store, { ids, serves: [{ workflow: 'a', version: 1 }] })), ['a/1'], 'claimed of one')
      for (const index of [5, 6, 7, 8]) {
        const served = [{ workflow: kinds[index]?.[0] ?? '', version: 1 }]
        same(idsOf(await claim(store, { ids, serves: served })), [ids[index]], 'claimed of an odd name')
      }
    },
  },
  {
    name: 'an instance that was moved to another version is claimed by who serves that',
    async run({ store }) {
      const first = await putOne(store, insertion('a', { wakeAt: 5 }))
      await put(store, update(first, { version: 2 }))
      await isNotDue(store, 'a')
      same((await claimOne(store, 'a', { serves: [{ workflow: 'ride', version: 2 }] }))?.id, 'a', 'what is claimed')
    },
  },
  {
    name: 'of the ids given, each once; unknown ones and none are no matter',
    async run({ store }) {
      await put(store, insertion('a', { wakeAt: 5 }), insertion('b', { wakeAt: 5 }), insertion('c', { wakeAt: 5 }))
      same(await claim(store, { ids: [] }), [], 'of no ids')
      same(await claim(store, { ids: ['x', 'y'] }), [], 'of unknown ids')
      same(idsOf(await claim(store, { ids: ['b', 'x', 'b'] })), ['b'], 'of one that is named twice')
      same((await snapshot(store, 'b')).header.fence, 2, 'its fence')
      same(await store.read('x'), undefined, 'claiming makes no instance')
      same(idsOf(await claim(store, { ids: ['c', 'b', 'a'], limit: 1 })).length, 1, 'at most the limit')
      same(idsOf(await claim(store, { ids: ['c', 'b', 'a'] })).length, 1, 'the rest')
    },
  },
  {
    name: 'what a change put off or put to rest is not claimed, what it put forward is',
    async run({ store }) {
      const [a, b, c] = [insertion('a', { wakeAt: 5 }), insertion('b', { wakeAt: 5 }), insertion('c', { wakeAt: FAR })]
      await put(store, a, b, c)
      await put(store, update(a.header, { wakeAt: null }), update(b.header, { wakeAt: FAR }))
      await put(store, update(c.header, { wakeAt: 5 }))
      same(idsOf(await claim(store, { ids: ['a', 'b', 'c'] })), ['c'], 'what is claimed')
    },
  },
  {
    name: 'a timer rings when it is time',
    async run({ store, soon, later }) {
      await put(store, insertion('now', { wakeAt: 5 }))
      const { wakeAt } = (await claimOne(store, 'now', { lease: soon })) ?? header('now')
      await put(store, insertion('a', { wakeAt: (wakeAt ?? 0) - 1 }), insertion('b', { wakeAt: (wakeAt ?? 0) + LONG }))
      const due = await later('a timer rang', () => claimOne(store, 'a'))
      same([due.status, due.holder], ['running', 'w-1'], 'status and holder')
      await isNotDue(store, 'b')
    },
  },
]

/** Claims over all instances. */
const among: readonly CaseBody[] = [
  {
    name: 'up to the limit, those due the longest first',
    async run({ store }) {
      const ids = named('i', 30)
      // 11 and 30 have no divisor in common: each time once, in an order of its own.
      await put(store, ...ids.map((id, index) => insertion(id, { wakeAt: 100 + ((index * 11) % 30) })))
      await put(store, insertion('later', { wakeAt: FAR }), insertion('never'))
      const expected = [...ids].sort((a, b) => order(a) - order(b))
      const found: string[] = []
      for (const limit of [1, 4, 20]) found.push(...idsOf(await claim(store, { limit })))
      same(found, expected.slice(0, 25), 'the first 25')
      same(idsOf(await claim(store, { limit: 20 })), expected.slice(25), 'the rest')
      same(await claim(store), [], 'when nothing is due')
    },
  },
  {
    name: 'what others hold or serve does not count towards the limit',
    async run({ store }) {
      await put(store, ...named('other', 150).map((id) => insertion(id, { workflow: 'parcel', wakeAt: 5 })))
      await put(store, ...named('newer', 150).map((id) => insertion(id, { version: 2, wakeAt: 5 })))
      await put(
        store,
        ...named('held', 150).map((id) => ({ ...insertion(id, { holder: 'w-2', wakeAt: 5 }), lease: LONG })),
      )
      await put(store, insertion('a', { wakeAt: 7 }), insertion('b', { wakeAt: 6 }))
      same(idsOf(await claim(store, { limit: 1 })), ['b'], 'the first')
      same(idsOf(await claim(store, { limit: 10 })), ['a'], 'the second')
    },
  },
  {
    name: 'what append made or woke, and what a lease left over',
    async run({ store, soon, later }) {
      await put(store, { ...insertion('left', { holder: 'w-2' }), lease: soon }, insertion('woken'))
      await post(store, delta('woken', 'r-1'), delta('made', 'r-1'))
      const found = new Set<string>()
      await later('all three are claimed', async () => {
        for (const id of idsOf(await claim(store))) found.add(id)
        return found.size === 3 ? true : undefined
      })
      same([...found].sort(), ['left', 'made', 'woken'], 'what is claimed')
    },
  },
  {
    name: 'what is claimed and appended to is listed as it stands',
    async run({ store }) {
      await put(store, insertion('a', { wakeAt: 5, createdAt: 1 }), insertion('b', { createdAt: 2 }))
      await isDue(store, 'a')
      await post(store, delta('b', 'r-1'))
      const expected = [(await snapshot(store, 'a')).header, (await snapshot(store, 'b')).header]
      same((await store.list({ limit: 5 })).items, expected, 'the list')
    },
  },
  {
    name: '500 due at once are given in claims of 64, each once',
    async run({ store }) {
      const ids = named('i', 500)
      await put(store, ...ids.map((id) => insertion(id, { wakeAt: 5 })))
      const found: string[] = []
      await until('all are claimed', async () => {
        const claimed = await claim(store, { limit: 64 })
        holds(claimed.length <= 64, 'at most the limit')
        found.push(...idsOf(claimed))
        return claimed.length === 0 ? true : undefined
      })
      same(found.sort(), ids.sort(), 'what is claimed')
    },
  },
]

function order(id: string): number {
  return (Number(id.slice(2)) * 11) % 30
}

export const leases: Group = { group: 'lease', cases: leasing }
export const claims: Group = {
  group: 'claim',
  cases: [...claiming, ...among.map((one) => ({ ...one, needs: 'lists' as const }))],
}
