import { PolarisError } from '../../graph/errors.ts'
import type { MetaQuery, MetaRecord, MetaWritten } from '../contract.ts'
import { checkLimit } from '../paging.ts'
import type { SqliteDatabase } from './driver.ts'
import { loadText, storeText } from './records.ts'
import type { Transact } from './schema.ts'

interface MetaRow {
  readonly kind: string
  readonly key: string
  readonly revision: number
  readonly value: string
  readonly expires_at: number | null
}

export interface MetaTable {
  get(kind: string, key: string, now: number): MetaRecord | undefined
  list(kind: string, query: MetaQuery, now: number): readonly MetaRecord[]
  set(record: MetaRecord, expectedRevision: number | null, now: number): MetaWritten
  /** Deletes up to `limit` that have expired; answers how many it were. */
  prune(limit: number, now: number): number
}

const COLUMNS = 'kind, key, revision, value, expires_at'
const STANDS = '(expires_at IS NULL OR expires_at > ?)'

export function prepareMeta(db: SqliteDatabase, transact: Transact): MetaTable {
  const find = db.prepare(`SELECT ${COLUMNS} FROM polaris_meta WHERE kind = ? AND key = ? AND ${STANDS}`)
  const page = db.prepare(
    `SELECT ${COLUMNS} FROM polaris_meta WHERE kind = ? AND key > ? AND ${STANDS} ORDER BY key LIMIT ?`,
  )
  const put = db.prepare(`INSERT OR REPLACE INTO polaris_meta (${COLUMNS}) VALUES (?, ?, ?, ?, ?)`)
  const old = db.prepare(
    `DELETE FROM polaris_meta WHERE (kind, key) IN
     (SELECT kind, key FROM polaris_meta WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`,
  )
  const get: MetaTable['get'] = (kind, key, now) => {
    const row = find.get(storeText(kind), storeText(key), now) as MetaRow | undefined
    return row && toMeta(row)
  }
  return {
    get,
    list(kind, { after = '', limit }, now) {
      checkLimit(limit)
      return (page.all(storeText(kind), storeText(after), now, limit) as MetaRow[]).map(toMeta)
    },
    set(record, expectedRevision, now) {
      const { kind, key, revision, value, expiresAt } = record
      if (!Number.isFinite(revision + (expiresAt ?? 0))) return { ok: false, error: oddNumber(record) }
      return transact(() => {
        const current = get(kind, key, now)
        if ((current?.revision ?? null) !== expectedRevision) return { ok: false, current }
        put.run(storeText(kind), storeText(key), revision, storeText(value), expiresAt)
        return { ok: true }
      })
    },
    prune: (limit, now) => Number(transact(() => old.run(now, limit)).changes),
  }
}

function toMeta({ kind, key, revision, value, expires_at }: MetaRow): MetaRecord {
  return { kind: loadText(kind), key: loadText(key), revision, value: loadText(value), expiresAt: expires_at }
}

function oddNumber({ kind, key }: MetaRecord): PolarisError {
  return new PolarisError('DATA_INVALID', `The ${kind} record '${key}' has a number that is none.`)
}
