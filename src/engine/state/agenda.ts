import type { InstanceStatus } from '../../stores/contract.ts'
import type { State } from './state.ts'
import { deadline, nextTimer } from '../scope/timers.ts'

/**
 * When an instance at rest needs attention by itself: the earliest of all that it waits for in time, in milliseconds since
 * the epoch; `null` if there is nothing. It follows from the rows alone, so that nothing that has to happen later is kept
 * anywhere but in the store.
 *
 * @param since when it came to rest
 */
export function agenda(state: State, status: InstanceStatus, since: number): number | null {
  if (state.isUndoing) return state.undoing?.note?.retryAt ?? since
  const first = status === 'retrying' ? nextTry(state) : removalAt(state, status, since)
  if (status === 'cancelled' || state.timing === undefined) return first
  return sooner(first, sooner(nextTimer(state), deadline(state) ?? null))
}

/** When an instance that is through is to be removed; `null`: never. */
export function removalAt(state: State, status: InstanceStatus, since: number): number | null {
  const { retention } = state.graph
  const kept = status === 'completed' || status === 'failed' || status === 'cancelled' ? retention[status] : undefined
  // One with a timer that is to go off is not through.
  if (kept === undefined || (status !== 'cancelled' && nextTimer(state) !== null)) return null
  return since + kept
}

function sooner(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b)
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
