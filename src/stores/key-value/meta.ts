import type { DataStore, MetaRecord, MetaWritten } from '../contract.ts'
import { checkLimit, compareCodePoints } from '../paging.ts'
import { oddNumber, type Step } from './document.ts'
import type { KeyValueMedium } from './medium.ts'

function standing(record: MetaRecord | undefined, now: number): MetaRecord | undefined {
  return record === undefined || (record.expiresAt !== null && record.expiresAt <= now) ? undefined : record
}

function put(
  found: MetaRecord | undefined,
  record: MetaRecord,
  expectedRevision: number | null,
): Step<MetaWritten, MetaRecord> {
  if ((found?.revision ?? null) !== expectedRevision) return { answer: { ok: false, current: found } }
  const error = oddNumber(record, record.key)
  return error === undefined ? { answer: { ok: true }, next: record } : { answer: { ok: false, error } }
}

export function makeMeta(
  open: () => KeyValueMedium,
  now: () => number,
): Pick<DataStore, 'meta' | 'setMeta' | 'listMeta'> {
  return {
    meta: async (kind, key) => standing(await open().meta.get(kind, key), now()),
    async setMeta(record, expectedRevision) {
      const { kind, key } = record
      return open().meta.take(kind, key, (found) => put(standing(found, now()), record, expectedRevision))
    },
    async listMeta(kind, { after, limit }) {
      checkLimit(limit)
      const present = now()
      return (await open().meta.all(kind))
        .filter(
          (record) => standing(record, present) && (after === undefined || compareCodePoints(record.key, after) > 0),
        )
        .sort((a, b) => compareCodePoints(a.key, b.key))
        .slice(0, limit)
    },
  }
}

/** Deletes up to `limit` that have expired; answers how many it were. */
export async function pruneMeta(medium: KeyValueMedium, limit: number, now: () => number): Promise<number> {
  let pruned = 0
  const drop = (found: MetaRecord | undefined): Step<boolean, MetaRecord> => {
    const over = found !== undefined && standing(found, now()) === undefined
    return over ? { answer: true, next: null } : { answer: false }
  }
  for (const record of limit > 0 ? await medium.meta.all() : []) {
    if (pruned >= limit) break
    if (standing(record, now()) === undefined && (await medium.meta.take(record.kind, record.key, drop))) pruned += 1
  }
  return pruned
}
