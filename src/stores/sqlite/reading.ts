import type { Header, HistoryQuery, ListQuery, Mail, Page, Row, Snapshot } from '../contract.ts'
import { checkLimit, LISTED, readCursor, statusesOf, writeCursor } from '../paging.ts'
import type { SqliteDatabase, SqliteStatement, SqlValue } from './driver.ts'
import {
  HEADER_COLUMNS,
  type HeaderRecord,
  MAIL_COLUMNS,
  type MailRecord,
  type RowRecord,
  storeText,
  toHeader,
  toMail,
  toRow,
} from './records.ts'
import { inTransaction } from './schema.ts'

export interface Reader {
  read(id: string): Snapshot | undefined
  list(query: ListQuery): Page<Header>
  history(id: string, query: HistoryQuery): readonly Row[]
  mail(id: string, query: HistoryQuery): readonly Mail[]
  request(id: string, requestId: string): Mail | undefined
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
  const createdAt = '(SELECT created_at FROM polaris_instances WHERE id = ?1)'
  const mail = db.prepare(
    `SELECT ${MAIL_COLUMNS} FROM polaris_mail WHERE created_at = ${createdAt} AND id = ?1 AND seq > ?2
     ORDER BY seq LIMIT ?3`,
  )
  const request = db.prepare(
    `SELECT ${MAIL_COLUMNS} FROM polaris_mail WHERE created_at = ${createdAt} AND id = ?1 AND request_id = ?2`,
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
      if (statusesOf(query)?.length === 0) return { items: [] }
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
    mail(id, { after = 0, limit }) {
      checkLimit(limit)
      return (mail.all(id, after, limit) as MailRecord[]).map(toMail)
    },
    request(id, requestId) {
      const record = request.get(id, storeText(requestId)) as MailRecord | undefined
      return record === undefined ? undefined : toMail(record)
    },
  }
}

/**
 * One row more than the page holds tells whether there is a next one. Of several statuses each is a query of its own,
 * which SQLite merges as it goes: with `IN` it would collect and sort them all first. Also where no status is asked for: a
 * walk by creation would step over each tombstone, and the oldest of what there was are all tombstones after a while. A
 * few dozen texts at most come out of it.
 */
export function listStatement(query: ListQuery): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const conditions: string[] = []
  const operands: SqlValue[] = []
  const where = (condition: string, ...values: readonly SqlValue[]): void => {
    conditions.push(condition)
    operands.push(...values)
  }
  if (query.cursor !== undefined) {
    const { createdAt, id } = readCursor(query.cursor)
    where('(created_at, id) > (?, ?)', createdAt, id)
  }
  if (query.createdFrom !== undefined) where('created_at >= ?', query.createdFrom)
  if (query.createdBefore !== undefined) where('created_at < ?', query.createdBefore)
  if (query.workflow !== undefined) where('workflow = ?', query.workflow)
  if (query.version !== undefined) where('version = ?', query.version)

  const statuses = statusesOf(query) ?? LISTED
  const select = `SELECT ${HEADER_COLUMNS} FROM polaris_instances WHERE ${[...conditions, 'status = ?'].join(' AND ')}`
  return {
    sql: `${statuses.map(() => select).join(' UNION ALL ')} ORDER BY created_at, id LIMIT ?`,
    values: [...statuses.flatMap((status) => [...operands, status]), query.limit + 1],
  }
}
