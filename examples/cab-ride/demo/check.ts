import { isDeepStrictEqual } from 'node:util'
import type { LedgerLine } from '../services.ts'
import type { Ride } from './ride.ts'
import { request } from './ride.ts'

interface Entry {
  readonly outcome: string
  readonly data?: string
  readonly value?: unknown
}

export interface Verdict {
  readonly acknowledged: number
  readonly fedTwice: number
  readonly askedTwice: number
  readonly charged: number
  /** Everything that is not as it must be. */
  readonly problems: string[]
}

/** Compares what people were told with what the service has kept, and with the books of the payment provider. */
export async function check(
  rides: readonly Ride[],
  ledger: readonly LedgerLine[],
  url: () => string,
): Promise<Verdict> {
  const problems: string[] = []
  let acknowledged = 0
  let fedTwice = 0
  for (const ride of rides) {
    const history = await historyOf(ride.id, url)
    for (const { name, value } of ride.acknowledged) {
      acknowledged++
      const kept = history.some((entry) => entry.data === name && isDeepStrictEqual(entry.value, value))
      if (!kept) problems.push(`${ride.id}: ${name} was acknowledged and is lost: ${JSON.stringify(value)}`)
    }
    const fed = history.filter(({ outcome }) => outcome === 'fed')
    fedTwice += fed.length - new Set(fed.map(({ data }) => data)).size
    if (!history.some(({ data }) => data === 'RideClosed')) problems.push(`${ride.id} was not closed`)
    const charges = ledger.filter((line) => line.ride === ride.id && line.kind === 'charge').length
    if (charges !== 1) problems.push(`${ride.id} was charged ${charges} times`)
  }
  const completed = await countCompleted(url)
  if (completed !== rides.length) problems.push(`${completed} of ${rides.length} rides are completed`)
  const count = (kind: LedgerLine['kind']) => ledger.filter((line) => line.kind === kind).length
  return { acknowledged, fedTwice, askedTwice: count('repeat'), charged: count('charge'), problems }
}

async function historyOf(id: string, url: () => string) {
  const entries: Entry[] = []
  for (let path: string | undefined = `/rides/${id}/history`; path !== undefined;) {
    const page: { entries: Entry[]; next?: string } = await get(path, url)
    entries.push(...page.entries)
    path = page.next
  }
  return entries
}

async function countCompleted(url: () => string) {
  let count = 0
  for (let path: string | undefined = '/rides?status=completed'; path !== undefined;) {
    const page: { rides: unknown[]; next?: string } = await get(path, url)
    count += page.rides.length
    path = page.next
  }
  return count
}

async function get<T>(path: string, url: () => string) {
  const response = await request({ url }, path)
  if (response?.status === 200) return JSON.parse(response.text) as T
  throw new Error(`GET ${path} failed: ${response?.text ?? 'no answer'}`)
}
