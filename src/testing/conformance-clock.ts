/** Cases: the clock that a store says it goes by. */
import type { DataStore } from '../stores/contract.ts'
import {
  type CaseBody,
  claimOne,
  delta,
  fail,
  type Group,
  holds,
  insertion,
  isDue,
  isNotDue,
  LONG,
  post,
  put,
  same,
  snapshot,
  update,
} from './conformance-kit.ts'

async function timeOf(store: DataStore): Promise<number> {
  return (await store.now?.()) ?? fail('now: the store has no clock')
}

/** What an instance's `wakeAt` was set to is `ms` behind a time between those that the store tells before and after. */
async function isSetBetween(
  store: DataStore,
  ms: number,
  set: () => Promise<number | null | undefined>,
): Promise<void> {
  const before = await timeOf(store)
  const wakeAt = (await set()) ?? fail('wakeAt: it is not set')
  const after = await timeOf(store)
  holds(before <= wakeAt - ms && wakeAt - ms <= after, `${before} <= ${wakeAt} - ${ms} <= ${after}`)
}

const cases: readonly CaseBody[] = [
  {
    name: 'tells whole milliseconds since the epoch, and goes on',
    async run({ store, advance }) {
      const first = await timeOf(store)
      holds(Number.isSafeInteger(first) && first >= 0, `a whole number, got ${first}`)
      await advance?.(5_000)
      const second = await timeOf(store)
      holds(second - first >= (advance === undefined ? 0 : 5_000), `${second} is behind ${first}`)
    },
  },
  {
    name: 'is the same for all stores on a medium',
    async run({ store, another }) {
      const other = await another()
      const times = [await timeOf(store), await timeOf(other), await timeOf(store), await timeOf(other)]
      same(
        [...times].sort((a, b) => a - b),
        times,
        'the times in the order they were told',
      )
    },
  },
  {
    name: 'is what leases are counted by: those of a change, of a renewal and of a claim',
    async run({ store, soon, later }) {
      const first = { ...insertion('a', { holder: 'w-1' }), lease: soon }
      await isSetBetween(store, soon, async () => {
        await put(store, first)
        return (await snapshot(store, 'a')).header.wakeAt
      })
      await isSetBetween(store, soon, async () => {
        await put(store, { ...update(first.header), lease: soon })
        return (await snapshot(store, 'a')).header.wakeAt
      })
      const { wakeAt } = (await snapshot(store, 'a')).header
      await later('the lease is over', async () => ((await timeOf(store)) >= (wakeAt ?? 0) ? true : undefined))
      await isSetBetween(store, LONG, async () => (await claimOne(store, 'a', { lease: LONG }))?.wakeAt)
    },
  },
  {
    name: 'is the present that mail sets, appended or waiting behind a change that settles',
    async run({ store }) {
      await isSetBetween(store, 0, async () => (await post(store, delta('made', 'r-1'))).wakeAt)
      await put(store, insertion('a'))
      await isSetBetween(store, 0, async () => (await post(store, delta('a', 'r-1'))).wakeAt)
      const claimed = await isDue(store, 'a')
      await isSetBetween(store, 0, async () => {
        await store.write([update(claimed, { holder: null, wakeAt: null })])
        return (await snapshot(store, 'a')).header.wakeAt
      })
    },
  },
  {
    name: 'makes a timer due at its very time, and not before',
    async run({ store }) {
      const now = await timeOf(store)
      await put(store, insertion('now', { wakeAt: now }), insertion('then', { wakeAt: now + LONG }))
      await isDue(store, 'now')
      await isNotDue(store, 'then')
    },
  },
]

export const clocks: Group = { group: 'clock', cases: cases.map((one) => ({ ...one, needs: 'clock' as const })) }
