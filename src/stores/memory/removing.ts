import type { Removal, Written } from '../contract.ts'
import { addEntry, differs, dropEntry, giveHeader, type Memory } from './entries.ts'
import { tell } from './mail.ts'

export function remove(memory: Memory, { id, expected, tombstone }: Removal): Written {
  const entry = memory.entries.get(id)
  if (entry === undefined) return { ok: false, current: undefined }
  const { header } = entry
  if (differs(header, expected)) return { ok: false, current: giveHeader(memory, header) }
  dropEntry(memory, entry)
  if (tombstone !== undefined) addEntry(memory, { ...tombstone, cancelling: 0 })
  if (header.mailAppended > header.mailHandled) tell(memory, id)
  return { ok: true, mailAppended: tombstone?.mailAppended ?? 0, cancelling: 0 }
}
