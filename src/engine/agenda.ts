import type { InstanceStatus } from '../stores/contract.ts'
import type { State } from './state.ts'

/**
 * When an instance at rest needs attention by itself: the earliest of all that it waits for in time, in milliseconds since
 * the epoch; `null` if there is nothing. It follows from the rows alone, so that nothing that has to happen later is kept
 * anywhere but in the store.
 */
export function agenda(_state: State, _status: InstanceStatus): number | null {
  return null
}
