import type { MetaQuery, MetaRecord, MetaWritten } from '../contract.ts'
import { checkLimit, compareCodePoints } from '../paging.ts'
import type { Memory } from './entries.ts'

/** By kind and key. */
export type MetaRecords = Map<string, Map<string, MetaRecord>>

function isOver({ expiresAt }: MetaRecord, now: number): boolean {
  return expiresAt !== null && expiresAt <= now
}

export function meta(memory: Memory, kind: string, key: string): MetaRecord | undefined {
  const found = memory.metas.get(kind)?.get(key)
  return found === undefined || isOver(found, memory.now()) ? undefined : found
}

export function setMeta(memory: Memory, record: MetaRecord, expectedRevision: number | null): MetaWritten {
  const { kind, key } = record
  const current = meta(memory, kind, key)
  if ((current?.revision ?? null) !== expectedRevision) return { ok: false, current }
  let records = memory.metas.get(kind)
  if (records === undefined) memory.metas.set(kind, (records = new Map<string, MetaRecord>()))
  records.set(key, { ...record })
  return { ok: true }
}

export function listMeta(memory: Memory, kind: string, { after, limit }: MetaQuery): readonly MetaRecord[] {
  checkLimit(limit)
  const present = memory.now()
  return Array.from(memory.metas.get(kind)?.values() ?? [])
    .filter((record) => !isOver(record, present) && (after === undefined || compareCodePoints(record.key, after) > 0))
    .sort((a, b) => compareCodePoints(a.key, b.key))
    .slice(0, limit)
}

/** How many of those that have expired were deleted, up to a limit. */
export function pruneMeta(memory: Memory, limit: number): number {
  const present = memory.now()
  let pruned = 0
  for (const records of memory.metas.values()) {
    for (const record of records.values()) {
      if (pruned >= limit) return pruned
      if (isOver(record, present) && records.delete(record.key)) pruned += 1
    }
  }
  return pruned
}
