import type { DataStore, MetaRecord } from '../../stores/contract.ts'
import type { Counts } from './counts.ts'

const KIND = 'polaris-counts'
const KEY = 'all'
/** What was counted faster is counted again rather than kept. */
const SLOW_MS = 100
const KEPT_MS = 7 * 86_400_000
/** By far more than a page could show: not worth a record of its own. */
const MOST_TALLIES = 1_000

/** What was counted last, by whichever process, where that took long. */
export async function readCounts(store: DataStore): Promise<Counts | undefined> {
  const record = await store.meta(KIND, KEY)
  return record && (JSON.parse(record.value) as Counts)
}

/**
 * Keeps counts for those who would not wait for new ones, or drops older ones where counting no longer takes long. Of those who
 * count at the same time, one keeps its own.
 *
 * @param took how long counting took, in milliseconds
 */
export async function keepCounts(store: DataStore, counts: Counts, took: number): Promise<void> {
  const before = await store.meta(KIND, KEY)
  const keeps = took >= SLOW_MS && counts.tallies.length <= MOST_TALLIES
  if (!keeps && before === undefined) return
  const record: MetaRecord = {
    kind: KIND,
    key: KEY,
    revision: (before?.revision ?? 0) + 1,
    value: JSON.stringify(keeps ? counts : null),
    expiresAt: counts.asOf + took + (keeps ? KEPT_MS : -1),
  }
  await store.setMeta(record, before?.revision ?? null)
}
