import type { InstanceStatus } from '../stores/contract.ts'
import type { State } from './state.ts'

/**
 * When an instance at rest needs attention by itself: the earliest of all that it waits for in time, in milliseconds since
 * the epoch; `null` if there is nothing. It follows from the rows alone, so that nothing that has to happen later is kept
 * anywhere but in the store.
 *
 * @param since when it came to rest
 */
export function agenda(state: State, status: InstanceStatus, since: number): number | null {
  if (state.isUndoing) return state.undoing?.note?.retryAt ?? since
  return status === 'retrying' ? nextTry(state) : removalAt(state, status, since)
}

/** When an instance that is through is to be removed; `null`: never. */
export function removalAt({ graph: { retention } }: State, status: InstanceStatus, since: number): number | null {
  const kept = status === 'completed' || status === 'failed' || status === 'cancelled' ? retention[status] : undefined
  return kept === undefined ? null : since + kept
}

/** When the first of the builders that failed is to be tried again. */
function nextTry(state: State): number | null {
  let first: number | null = null
  for (const node of state.tries?.keys() ?? []) {
    const at = state.pendingTry(node)?.note?.retryAt
    if (at !== undefined && (first === null || at < first)) first = at
  }
  return first
}
