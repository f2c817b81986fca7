import type { DataStore, InstanceStatus, Tally } from '../../stores/contract.ts'
import { headersOf, OPEN_STATUSES } from '../versions/census.ts'

/** How many instances there are, by workflow, version and status. Times are milliseconds since the epoch. */
export interface Counts {
  readonly asOf: number
  /** `created` and `touched` are of the time since then: the minute before `asOf`. */
  readonly since: number
  /** All were counted. If not, only the first of them, open ones before others: `looked` says how many. */
  readonly complete: boolean
  readonly looked: number
  readonly tallies: readonly Tally[]
}

const MINUTE_MS = 60_000
/** In stores that cannot count, so many instances are looked at. */
const MOST_LOOKED = 100_000
const CLOSED_STATUSES: readonly InstanceStatus[] = ['completed', 'cancelled']

/** @param now by the store's clock */
export async function countAll(store: DataStore, now: number, signal?: AbortSignal): Promise<Counts> {
  const since = now - MINUTE_MS
  if (store.tally !== undefined) {
    const tallies = await store.tally(since)
    const looked = tallies.reduce((sum, { count }) => sum + count, 0)
    return { asOf: now, since, complete: true, looked, tallies }
  }
  const tallier = new Tallier(since)
  for (const status of [OPEN_STATUSES, CLOSED_STATUSES]) {
    for await (const { headers, next } of headersOf(store, { status }, signal)) {
      for (const header of headers) tallier.add(header)
      if (next !== undefined && tallier.looked >= MOST_LOOKED) {
        return { asOf: now, since, complete: false, looked: tallier.looked, tallies: tallier.result() }
      }
      await breathe()
    }
  }
  return { asOf: now, since, complete: true, looked: tallier.looked, tallies: tallier.result() }
}

/** Lets others go on: a store that answers at once would hold up the event loop from page to page. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve))
}

type Counted = Pick<Tally, 'workflow' | 'version' | 'status'> & {
  readonly createdAt: number
  readonly updatedAt: number
}

class Tallier {
  looked = 0
  private readonly since: number
  private readonly tallies = new Map<string, { -readonly [K in keyof Tally]: Tally[K] }>()

  constructor(since: number) {
    this.since = since
  }

  add({ workflow, version, status, createdAt, updatedAt }: Counted): void {
    this.looked++
    const key = JSON.stringify([workflow, version, status])
    let tally = this.tallies.get(key)
    if (tally === undefined) {
      tally = { workflow, version, status, count: 0, oldest: createdAt, created: 0, touched: 0 }
      this.tallies.set(key, tally)
    }
    tally.count++
    tally.oldest = Math.min(tally.oldest, createdAt)
    if (createdAt >= this.since) tally.created++
    if (updatedAt >= this.since) tally.touched++
  }

  result(): Tally[] {
    return [...this.tallies.values()]
  }
}
