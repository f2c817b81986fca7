/** Failures that stand as data: what a builder failed with for good, for those who consume the outcome (`settled`). */
import { SETTLED } from '../../graph/graph.ts'
import type { Node, Slot } from '../../graph/graph.ts'
import type { Settled } from '../../graph/settled.ts'
import type { Row } from '../../stores/contract.ts'
import { listOf } from '../state/datum-row.ts'
import type { Reads } from '../state/datum-row.ts'
import type { State } from '../state/state.ts'

/** Fills in what a builder consumes as outcomes. `undefined` if one is not there: neither a value nor a failure. */
export function settleInputs(
  state: State,
  scope: number,
  { inputs }: Node,
  input: Record<string, unknown>,
  given: Reads,
): { readonly reads: readonly number[]; readonly cause: number } | undefined {
  const reads = [...listOf(given)]
  let cause = 0
  for (const [at, { key, slot, kind }] of inputs.entries()) {
    if (kind !== SETTLED) continue
    const failure = standingFailure(state, slot, scope)
    if (failure === undefined && input[key] === undefined) return undefined
    input[key] = failure === undefined ? succeeded(input[key]) : failed(failure)
    if (failure === undefined) continue
    reads[at] = failure.seq
    if (failure.scope > cause) cause = failure.scope
  }
  return { reads, cause }
}

function succeeded(value: unknown): Settled<unknown> {
  return Object.freeze({ ok: true, value })
}

function failed({ note }: Row): Settled<never> {
  const { name, message, code } = note?.error ?? { name: 'Error', message: '' }
  return Object.freeze({ ok: false, error: Object.freeze({ name, message, ...(code !== undefined && { code }) }) })
}

/**
 * The failure that stands for a slot, if it is newer than any datum of it. A transient's counts within its scope: later it is
 * made again for whoever lacks it.
 *
 * @param scope the open one; leave it out to ask what stood at the end of the last
 */
export function standingFailure(state: State, slot: number, scope?: number): Row | undefined {
  const { producer, transient } = state.graph.slots[slot] as Slot
  const supply = scope === undefined ? undefined : state.supplies?.get(producer)
  if (supply?.scope === scope && supply?.outcome === 'failed') return supply
  const run = state.run(producer)
  if (run?.outcome !== 'failed' || run.seq < (state.rows.get(slot)?.seq ?? 0)) return undefined
  return transient && scope !== undefined && run.scope !== scope ? undefined : run
}
