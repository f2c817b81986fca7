import type { DataStore, Header } from '../../stores/contract.ts'
import type { Tenure } from './journal.ts'
import type { Registry } from '../instances/registry.ts'
import type { StoreClock } from '../store-clock.ts'

/** An instance that this process has claimed. */
export interface Claimed {
  readonly header: Header
  /** When: no later than the lease began. */
  readonly at: number
}

export interface ClaimingFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly clock: StoreClock
  readonly tenure: Tenure
}

/** Takes over what is due of the workflows served here. */
export async function claimDue(
  { store, registry, clock, tenure }: ClaimingFacts,
  query: { readonly limit: number; readonly ids?: readonly string[] },
): Promise<readonly Claimed[]> {
  await clock.ready()
  const at = clock.now()
  const headers = await store.claim({ ...query, holder: tenure.holder, lease: tenure.ms, serves: registry.serves() })
  // Else what the store found due might not be so by what is known of its clock here, and be given back untouched.
  const [first] = headers
  if (first?.wakeAt != null) clock.atLeast(first.wakeAt - tenure.ms)
  return headers.map((header) => ({ header, at }))
}
