import type { Header, HistoryQuery, ListQuery, Page, Row, Snapshot } from '../contract.ts'
import { checkLimit, readCursor, statusesOf, writeCursor } from '../paging.ts'
import type { SqliteDatabase, SqliteStatement, SqlValue } from './driver.ts'
import { HEADER_COLUMNS, type HeaderRecord, type RowRecord, toHeader, toRow } from './records.ts'
import { inTransaction } from './schema.ts'

export interface Reader {
  read(id: string): Snapshot | undefined
  list(query: ListQuery): Page<Header>
  history(id: string, query: HistoryQuery): readonly Row[]
}

/** Seeks from each place to the next and to its last row, so that older rows are never touched. `?1`, `?2`: the instance. */
export const NEWEST_ROWS = `
  WITH RECURSIVE places (place) AS (
    SELECT min(place) FROM polaris_rows WHERE created_at = ?1 AND id = ?2
    UNION ALL
    SELECT (SELECT min(place) FROM polaris_rows WHERE created_at = ?1 AND id = ?2 AND place > places.place)
    FROM places WHERE places.place IS NOT NULL
  )
  SELECT place, seq, rest, value FROM places CROSS JOIN polaris_rows USING (place)
  WHERE created_at = ?1 AND id = ?2 AND seq = (
    SELECT max(seq) FROM polaris_rows WHERE created_at = ?1 AND id = ?2 AND place = places.place
  )
  ORDER BY seq`

export function prepareReader(db: SqliteDatabase): Reader {
  const find = db.prepare(`SELECT ${HEADER_COLUMNS} FROM polaris_instances WHERE id = ?`)
  const newest = db.prepare(NEWEST_ROWS)
  const rows = db.prepare(
    `SELECT place, seq, rest, value FROM polaris_rows
     WHERE created_at = (SELECT created_at FROM polaris_instances WHERE id = ?1) AND id = ?1 AND seq > ?2
     ORDER BY seq LIMIT ?3`,
  )
  const lists = new Map<string, SqliteStatement>()
  return {
    read: (id) =>
      inTransaction(db, 'DEFERRED', () => {
        const record = find.get(id) as HeaderRecord | undefined
        if (record === undefined) return undefined
        const found = newest.all(record.created_at, id) as RowRecord[]
        return { header: toHeader(record), rows: found.map(toRow) }
      }),
    list(query) {
      checkLimit(query.limit)
      const { sql, values } = listStatement(query)
      let statement = lists.get(sql)
      if (statement === undefined) lists.set(sql, (statement = db.prepare(sql)))
      const items = (statement.all(...values) as HeaderRecord[]).map(toHeader)
      if (items.length <= query.limit) return { items }
      items.pop()
      return { items, next: writeCursor(items[items.length - 1] as Header) }
    },
    history(id, { after = 0, limit }) {
      checkLimit(limit)
      return (rows.all(id, after, limit) as RowRecord[]).map(toRow)
    },
  }
}

/** One row more than the page holds tells whether there is a next one. A few dozen texts at most come out of it. */
export function listStatement(query: ListQuery): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const conditions: string[] = []
  const values: SqlValue[] = []
  const where = (condition: string, ...operands: readonly SqlValue[]): void => {
    conditions.push(condition)
    values.push(...operands)
  }
  if (query.cursor !== undefined) {
    const { createdAt, id } = readCursor(query.cursor)
    where('(created_at, id) > (?, ?)', createdAt, id)
  }
  const statuses = statusesOf(query)
  if (query.createdFrom !== undefined) where('created_at >= ?', query.createdFrom)
  if (query.createdBefore !== undefined) where('created_at < ?', query.createdBefore)
  if (query.workflow !== undefined) where('workflow = ?', query.workflow)
  if (query.version !== undefined) where('version = ?', query.version)
  if (statuses !== undefined) where(`status IN (${statuses.map(() => '?').join()})`, ...statuses)
  const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  values.push(query.limit + 1)
  return { sql: `SELECT ${HEADER_COLUMNS} FROM polaris_instances ${filter} ORDER BY created_at, id LIMIT ?`, values }
}
