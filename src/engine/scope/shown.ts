import { shownDatum } from '../../graph/data.ts'
import type { Datum } from '../../graph/data.ts'
import type { Mode } from '../../stores/contract.ts'
import { copyBytes } from '../values/freeze.ts'
import type { HookInfo } from './hooks.ts'
import type { Scope } from './scope.ts'
import type { State } from '../state/state.ts'

/** A datum as hooks may see it: they get the bytes of nobody else, and what loggers may write down. */
export function shown(state: State, datum: Datum): Datum {
  const slot = state.graph.slotOf.get(datum.name) ?? -1
  const bytes = state.hasBytes(slot)
  const data = state.graph.slots[slot]?.data
  if (data === undefined || (!bytes && !data.sensitive)) return datum
  try {
    return shownDatum(data, bytes ? copyBytes(datum.value) : datum.value)
  } catch {
    // What was fed is shown as it was before its schema read it: if it cannot be copied, it is the caller's own.
    return shownDatum(data, datum.value)
  }
}

/** What hooks are told about a run, besides the builder and its data. */
export function hookInfo(
  { id, meta, scope }: Pick<HookInfo, 'id' | 'meta'> & { readonly scope: Scope },
  mode: Mode,
): HookInfo {
  const { name, version } = scope.graph
  return { id, workflow: name, version, scope: scope.number, pass: scope.pass, mode, meta }
}
