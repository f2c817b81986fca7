import type { Header, HistoryQuery, ListQuery, Mail, Page, Row, Snapshot } from '../contract.ts'
import { checkLimit } from '../paging.ts'
import type { SqliteDatabase } from './driver.ts'
import { prepareList } from './listing.ts'
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

/** Seeks from each place to the next. `?1`, `?2`: the instance. */
const PLACES = `
  WITH RECURSIVE places (place) AS (
    SELECT min(place) FROM polaris_rows WHERE created_at = ?1 AND id = ?2
    UNION ALL
    SELECT (SELECT min(place) FROM polaris_rows WHERE created_at = ?1 AND id = ?2 AND place > places.place)
    FROM places WHERE places.place IS NOT NULL
  )`

/** Seeks the last row of each place, so that older rows are never touched. */
export const NEWEST_ROWS: string = `${PLACES}
  SELECT place, seq, rest, value FROM places CROSS JOIN polaris_rows USING (place)
  WHERE created_at = ?1 AND id = ?2 AND seq = (
    SELECT max(seq) FROM polaris_rows WHERE created_at = ?1 AND id = ?2 AND place = places.place
  )
  ORDER BY seq`

/** Seeks in each place those behind `?3` and up to `?4`, so that no others are touched, and sorts them. */
export const SOME_ROWS: string = `${PLACES}
  SELECT place, seq, rest, value FROM places CROSS JOIN polaris_rows USING (place)
  WHERE created_at = ?1 AND id = ?2 AND seq > ?3 AND seq <= ?4
  ORDER BY seq LIMIT ?5`

const NEWEST_SEQ = `${PLACES}
  SELECT max((SELECT max(seq) FROM polaris_rows WHERE created_at = ?1 AND id = ?2 AND place = places.place)) AS seq
  FROM places WHERE place IS NOT NULL`

export function prepareReader(db: SqliteDatabase): Reader {
  const find = db.prepare(`SELECT ${HEADER_COLUMNS} FROM polaris_instances WHERE id = ?`)
  const newest = db.prepare(NEWEST_ROWS)
  const some = db.prepare(SOME_ROWS)
  const last = db.prepare(NEWEST_SEQ)
  const createdAt = '(SELECT created_at FROM polaris_instances WHERE id = ?1)'
  const mail = db.prepare(
    `SELECT ${MAIL_COLUMNS} FROM polaris_mail WHERE created_at = ${createdAt} AND id = ?1 AND seq > ?2
     ORDER BY seq LIMIT ?3`,
  )
  const request = db.prepare(
    `SELECT ${MAIL_COLUMNS} FROM polaris_mail WHERE created_at = ${createdAt} AND id = ?1 AND request_id = ?2`,
  )
  return {
    read: (id) =>
      inTransaction(db, 'DEFERRED', () => {
        const record = find.get(id) as HeaderRecord | undefined
        if (record === undefined) return undefined
        const found = newest.all(record.created_at, id) as RowRecord[]
        return { header: toHeader(record), rows: found.map(toRow) }
      }),
    list: prepareList(db),
    history(id, { after = 0, limit }) {
      checkLimit(limit)
      return inTransaction(db, 'DEFERRED', () => {
        const record = find.get(id) as HeaderRecord | undefined
        if (record === undefined) return []
        const { created_at } = record
        const upTo = (end: number): readonly Row[] =>
          (some.all(created_at, id, after, end, limit) as RowRecord[]).map(toRow)
        // Rows are numbered without gaps, so that this is the page, unless it is the last one.
        const found = upTo(after + limit)
        if (found.length === limit) return found
        const { seq } = last.get(created_at, id) as { readonly seq: number | null }
        return seq === null || seq <= after + limit ? found : upTo(seq)
      })
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
