import { isPolarisError, PolarisError } from '../../graph/errors.ts'
import type { DataStore, MetaRecord, MetaWritten } from '../contract.ts'
import { checkLimit } from '../paging.ts'
import { checkText, isKeepable, loadText, storeText } from './records.ts'
import type { StoreParts } from './writing.ts'

type MetaRow = readonly [kind: string, key: string, revision: string, value: string, expiresAt: string | null]

export interface MetaTable extends Pick<DataStore, 'meta' | 'setMeta' | 'listMeta'> {
  /** Deletes up to `limit` that have expired; answers how many it were. */
  readonly prune: (limit: number) => Promise<number>
}

/** When the statement began: what changes while it runs could not be looked for in an index. */
const STATEMENT_TIME = 'floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint'

const COLUMNS = 'kind, key, revision, value, expires_at'

export function makeMeta({ ask, checkOpen, schema, named, relaxed, clock }: StoreParts): MetaTable {
  const table = `${schema}.polaris_meta`
  const present = (mark: string): string => `coalesce(${mark}::bigint, ${STATEMENT_TIME})`
  const find = `SELECT ${COLUMNS} FROM ${table}
    WHERE kind = $1 AND key = $2 AND (expires_at IS NULL OR expires_at > ${present('$3')})`
  // A function for its setting: without statistics, the planner would rather sort all of a kind than go along its keys.
  const page = `SELECT ${COLUMNS} FROM ${schema}.polaris_list_meta_4($1, $2, $3, $4)`
  const set = `SELECT ${schema}.polaris_set_meta_4($1, $2, $3, $4, $5, $6, $7, $8)`
  const prune = `
    WITH old AS MATERIALIZED (
      SELECT kind, key FROM ${table} WHERE expires_at <= ${present('$1')}
      ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ), gone AS (
      DELETE FROM ${table} m USING old WHERE m.kind = old.kind AND m.key = old.key RETURNING 1
    )
    SELECT count(*) FROM gone`

  const get = async (kind: string, key: string): Promise<MetaRecord | undefined> => {
    checkOpen()
    if (!isKeepable(kind) || !isKeepable(key)) return undefined
    const [row] = (await ask(find, [kind, key, clock()], named('meta'))) as MetaRow[]
    return row && toMeta(row)
  }
  return {
    meta: get,
    async setMeta(record, expectedRevision): Promise<MetaWritten> {
      checkOpen()
      const error = refusalOf(record)
      if (error !== undefined) return { ok: false, error }
      const { kind, key, revision, value, expiresAt } = record
      const values = [relaxed, clock(), kind, key, expectedRevision, revision, storeText(value), expiresAt]
      const [answer] = (await ask(set, values, named('set_meta'))) as [string][]
      return answer?.[0] === 't' ? { ok: true } : { ok: false, current: await get(kind, key) }
    },
    async listMeta(kind, { after = '', limit }) {
      checkLimit(limit)
      checkOpen()
      if (!isKeepable(kind) || !isKeepable(after)) return []
      return ((await ask(page, [clock(), kind, after, limit], named('list_meta'))) as MetaRow[]).map(toMeta)
    },
    prune: async (limit) => {
      const [answer] = (await ask(prune, [clock(), limit])) as [string][]
      return Number(answer?.[0])
    },
  }
}

function toMeta([kind, key, revision, value, expiresAt]: MetaRow): MetaRecord {
  const expires = expiresAt === null ? null : Number(expiresAt)
  return { kind, key, revision: Number(revision), value: loadText(value), expiresAt: expires }
}

function refusalOf({ kind, key, revision, expiresAt }: MetaRecord): PolarisError | undefined {
  try {
    checkText(kind, 'kind')
    checkText(key, 'key')
  } catch (error) {
    if (isPolarisError(error)) return error
    throw error
  }
  if (Number.isSafeInteger(revision) && Number.isSafeInteger(expiresAt ?? 0)) return undefined
  return new PolarisError('DATA_INVALID', `The ${kind} record '${key}' has a number that is none.`)
}
