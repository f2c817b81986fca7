import type { Graph, Slot } from '../../graph/graph.ts'
import type { Row } from '../../stores/contract.ts'
import { freezeDeep } from '../values/freeze.ts'
import { isAbout, outdatedBy } from './about.ts'
import { withValue } from './datum-row.ts'
import { EMPTY, FORKED, MOVED, RERUN, RESTART, SUPPLIED, UNDOING, UNDONE } from './program.ts'
import { effective, standingRows } from './standing.ts'
import { State } from './state.ts'
import { loadTiming } from './timing.ts'

/**
 * Rebuilds a state from the newest row of each place. Rows of data or builders that the graph does not know stay out of
 * it (they stay in the store).
 *
 * @param settled the header's
 * @param decode makes a value of what the store keeps
 */
export function loadState(
  graph: Graph,
  settled: number,
  rows: readonly Row[],
  decode: (stored: unknown) => unknown,
): State {
  const state = new State(graph)
  state.settled = settled
  state.newest = rows.at(-1)?.seq ?? 0
  state.restarted = rows.find(({ place }) => place === RESTART)
  const standing = standingRows(rows)
  if (graph.timed) state.timing = loadTiming(graph, standing)
  for (const stored of standing) {
    const row = effective(stored)
    if (row === undefined) continue
    if (row.place.startsWith(SUPPLIED)) noteSupply(state, row)
    // Undoing that is to be tried again is no try of the builder.
    else if (row.outcome === 'failed' && row.note?.retryAt !== undefined) loadTry(state, row)
    else if (isFinished(row)) loadRun(state, row)
    if ((row.outcome !== 'fed' && row.outcome !== 'produced') || row.note?.sameAs !== undefined) continue
    const slot = row.data === null ? undefined : graph.slotOf.get(row.data)
    if (slot === undefined) continue
    const before = state.rows.get(slot)?.seq ?? 0
    if (before > row.seq) continue
    const value = row.value === undefined ? undefined : decode(row.value)
    if (freezeDeep(value)) state.noteBytes(slot)
    state.rows.set(slot, row.value === value ? row : withValue(row, value))
    if (row.seq > settled && before <= settled) state.unsettled.push(slot)
  }
  for (const row of standing) {
    if (row.place.startsWith(RERUN)) state.noteRerun(row)
    else if (row.place === MOVED) state.noteMove(row)
    else if (row.place.startsWith(UNDONE)) state.noteUndone(row)
    else if (row.place === UNDOING) state.undoing = row
    // A copy has done nothing that would be its to undo.
    else if (row.place === FORKED) state.undoing = undefined
  }
  for (const index of graph.abouts) {
    const slot = graph.slots[index] as Slot
    const row = state.rows.get(index)
    if (row !== undefined && !isAbout(row, state.rows.get(slot.about))) state.withdraw(slot, outdatedBy(state, slot))
  }
  return state
}

function noteSupply(state: State, row: Row): void {
  const node = row.builder === null ? undefined : state.graph.nodeOf.get(row.builder)
  if (node !== undefined) (state.supplies ??= new Map()).set(node, row)
}

function loadTry(state: State, row: Row): void {
  const node = row.builder === null ? undefined : state.graph.nodeOf.get(row.builder)
  if (node !== undefined) state.noteTry(node, row)
}

/** Whether a builder's run came to an end with a row: a failure does where it stands as data. */
function isFinished({ outcome, place }: Row): boolean {
  if (outcome === 'failed') return place.startsWith(EMPTY)
  return outcome === 'produced' || outcome === 'nothing' || outcome === 'waitFor'
}

function loadRun(state: State, row: Row): void {
  const node = row.builder === null ? undefined : state.graph.nodeOf.get(row.builder)
  if (node === undefined || (state.run(node)?.seq ?? 0) >= row.seq) return
  state.failures?.delete(node)
  if (row.outcome === 'failed' && row.seq > state.settled) state.noteFailure(node, row)
  else state.noteRun(node, row)
}
