import type { Slot } from '../../graph/graph.ts'
import type { DataStore, Header } from '../../stores/contract.ts'
import { isAbout } from '../state/about.ts'
import { freezeDeep } from '../values/freeze.ts'
import type { Recorder } from './recorder.ts'
import type { Held, Scope } from './scope.ts'
import { historyPages } from '../state/history.ts'
import { effective } from '../state/standing.ts'
import type { State } from '../state/state.ts'

/** Slots that the open scope's caller fed, as far as no product has replaced it. */
export function fedSlots(state: State, scope: number): number[] {
  return state.unsettled.filter((slot) => {
    const row = state.rows.get(slot)
    return row?.outcome === 'fed' && row.scope === scope
  })
}

/** Notes what an interrupted scope had produced, in order, as far as it is stored. */
export function keepProduced(state: State, { ran }: Scope, recorder: Recorder): void {
  const rows = ran.map((node) => state.run(node)).filter((run) => run?.outcome === 'produced')
  rows.sort((a, b) => (a?.seq ?? 0) - (b?.seq ?? 0))
  for (const row of rows) {
    const slot = state.graph.slotOf.get(row?.data ?? '') ?? -1
    if (state.value(slot) !== undefined) recorder.slots.push(slot)
  }
}

/** What slots held when the open pass began: the newest row from before it, which only the history has. */
export async function heldBefore(
  store: DataStore,
  state: State,
  { id, scope, pass }: Header,
  slots: readonly number[],
  decode: (stored: unknown) => unknown,
): Promise<Map<number, Held>> {
  const found = new Map<number, Held>(slots.map((slot) => [slot, { value: undefined, row: undefined }]))
  const since = state.restarted?.seq ?? 0
  if (slots.length === 0) return found
  for await (const rows of historyPages(store, id)) {
    for (const stored of rows) {
      const row = effective(stored)
      const slot = stored.data === null ? undefined : state.graph.slotOf.get(stored.data)
      if (slot === undefined || !found.has(slot)) continue
      if (row === undefined) {
        found.set(slot, { value: undefined, row: undefined })
        continue
      }
      const inPass = row.scope === scope && row.pass === pass && row.outcome !== 'fed'
      const gone = row.seq < since && row.outcome !== 'fed'
      if (gone || inPass || row.value === undefined) continue
      const value = decode(row.value)
      if (freezeDeep(value)) state.noteBytes(slot)
      found.set(slot, { value, row })
    }
  }
  for (const slot of state.graph.abouts) {
    const held = found.get(slot)
    const { about } = state.graph.slots[slot] as Slot
    if (held?.row === undefined || !found.has(about)) continue
    if (!isAbout(held.row, found.get(about)?.row)) found.set(slot, { value: undefined, row: undefined })
  }
  return found
}
