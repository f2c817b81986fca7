import type { ClaimQuery, Header, HistoryQuery, ListQuery, Mail, Page, Row, Snapshot } from '../contract.ts'
import { checkLimit, LISTED, readCursor, statusesOf, writeCursor } from '../paging.ts'
import { numberArray, textArray } from './arrays.ts'
import { SERVER_TIME } from './functions.ts'
import {
  HEADER_COLUMNS,
  HEADER_WIDTH,
  isKeepable,
  type HeaderRecord,
  MAIL_COLUMNS,
  type MailRecord,
  NO_HEADER,
  ROW_COLUMNS,
  type RowRecord,
  toHeader,
  toMail,
  toRow,
} from './records.ts'
import type { StoreParts } from './writing.ts'

export interface Reader {
  read(id: string): Promise<Snapshot | undefined>
  list(query: ListQuery): Promise<Page<Header>>
  history(id: string, query: HistoryQuery): Promise<readonly Row[]>
  mail(id: string, query: HistoryQuery): Promise<readonly Mail[]>
  request(id: string, requestId: string): Promise<Mail | undefined>
  claim(query: ClaimQuery): Promise<readonly Header[]>
  prune(handledBefore: number, limit: number): Promise<number>
}

export function makeReader({ ask, checkOpen, schema, named, relaxed, clock }: StoreParts): Reader {
  const run = async <R>(statement: string, text: string, values: unknown[]): Promise<readonly R[]> =>
    (await ask(text, values, named(statement))) as readonly R[]
  return {
    async read(id) {
      checkOpen()
      if (!isKeepable(id)) return undefined
      const [first, ...rest] = await run<ReadRecord>('read', readStatement(schema), [id])
      if (first === undefined) return undefined
      return { header: toHeader(first as unknown as HeaderRecord), rows: rest.map(rowOf) }
    },
    async list(query) {
      checkLimit(query.limit)
      const { text, values } = listStatement(schema, query)
      const items = ((await ask(text, values)) as HeaderRecord[]).map(toHeader)
      if (items.length <= query.limit) return { items }
      items.pop()
      return { items, next: writeCursor(items[items.length - 1] as Header) }
    },
    async history(id, { after = 0, limit }) {
      checkLimit(limit)
      checkOpen()
      if (!isKeepable(id)) return []
      const text = `SELECT ${ROW_COLUMNS} FROM ${schema}.polaris_rows WHERE id = $1 AND seq > $2 ORDER BY seq LIMIT $3`
      return (await run<RowRecord>('history', text, [id, after, limit])).map(toRow)
    },
    async mail(id, { after = 0, limit }) {
      checkLimit(limit)
      checkOpen()
      if (!isKeepable(id)) return []
      const text = `SELECT ${MAIL_COLUMNS} FROM ${schema}.polaris_mail WHERE id = $1 AND seq > $2 ORDER BY seq LIMIT $3`
      return (await run<MailRecord>('mail', text, [id, after, limit])).map(toMail)
    },
    async request(id, requestId) {
      checkOpen()
      if (!isKeepable(id) || !isKeepable(requestId)) return undefined
      const text = `SELECT ${MAIL_COLUMNS} FROM ${schema}.polaris_mail WHERE id = $1 AND request_id = $2`
      const [record] = await run<MailRecord>('request', text, [id, requestId])
      return record && toMail(record)
    },
    async claim({ holder, lease, limit, serves, ids }) {
      checkLimit(limit)
      const text = `SELECT ${HEADER_COLUMNS} FROM ${schema}.polaris_claim_2($1, $2, $3, $4, $5, $6, $7, $8)`
      const workflows = textArray(serves.map(({ workflow }) => workflow))
      const versions = numberArray(serves.map(({ version }) => version))
      const only = ids === undefined ? null : textArray(ids.filter(isKeepable))
      const values = [relaxed, clock(), holder, lease, limit, workflows, versions, only]
      return (await run<HeaderRecord>('claim', text, values)).map(toHeader)
    },
    async prune(handledBefore, limit) {
      checkLimit(limit)
      const [record] = (await ask(pruneStatement(schema), [handledBefore, limit])) as [string][]
      return Number(record?.[0])
    },
  }
}

/** The server's. */
export function makeClock({ ask, checkOpen, named }: StoreParts): () => Promise<number> {
  return async () => {
    checkOpen()
    const [record] = (await ask(`SELECT ${SERVER_TIME}`, [], named('now'))) as [string][]
    return Number(record?.[0])
  }
}

type ReadRecord = readonly (string | null)[]

function rowOf(record: ReadRecord): Row {
  return toRow(record.slice(HEADER_WIDTH) as unknown as RowRecord)
}

/**
 * One statement, and so one picture: the header first, then the newest row of each place in order of `seq`. Seeks from
 * each place to the next and to its last row, so that older rows are never touched. `$1`: the instance.
 *
 * @param schema quoted
 */
function readStatement(schema: string): string {
  return `
    WITH RECURSIVE places (place) AS (
      (SELECT place FROM ${schema}.polaris_rows WHERE id = $1 ORDER BY place LIMIT 1)
      UNION ALL
      SELECT (SELECT r.place FROM ${schema}.polaris_rows r WHERE r.id = $1 AND r.place > p.place ORDER BY r.place LIMIT 1)
      FROM places p WHERE p.place IS NOT NULL
    )
    SELECT ${HEADER_COLUMNS}, NULL AS place, 0::bigint AS seq, NULL AS row_rest, NULL AS value
    FROM ${schema}.polaris_instances WHERE id = $1
    UNION ALL
    SELECT ${NO_HEADER}, newest.* FROM places p CROSS JOIN LATERAL (
      SELECT ${ROW_COLUMNS} FROM ${schema}.polaris_rows r
      WHERE r.id = $1 AND r.place = p.place ORDER BY r.seq DESC LIMIT 1
    ) newest
    WHERE p.place IS NOT NULL
    ORDER BY seq`
}

/** Rows that somebody else is deleting are left to them. Planned at every call: a plan made while there was little mail would scan. */
function pruneStatement(schema: string): string {
  return `
    WITH old AS MATERIALIZED (
      SELECT id, seq FROM ${schema}.polaris_mail WHERE handled_at < $1
      ORDER BY handled_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ), gone AS (
      DELETE FROM ${schema}.polaris_mail m USING old WHERE m.id = old.id AND m.seq = old.seq RETURNING 1
    )
    SELECT count(*) FROM gone`
}

/**
 * The index goes by workflow and status: a page is merged from one range of it for each, none longer than the page, and
 * where no workflow is asked for, a walk seeks from each to the next. Only then are the headers of the page fetched. One row
 * more than the page holds tells whether there is a next one.
 *
 * @param schema quoted
 */
function listStatement(schema: string, query: ListQuery): { readonly text: string; readonly values: unknown[] } {
  const values: unknown[] = []
  const conditions: string[] = []
  const mark = (value: unknown): string => `$${values.push(value)}`
  const newest = query.order === 'newest'
  const direction = newest ? ' DESC' : ''
  if (query.cursor !== undefined) {
    const { createdAt, id } = readCursor(query.cursor)
    conditions.push(`(i.created_at, i.id) ${newest ? '<' : '>'} (${mark(createdAt)}, ${mark(id)})`)
  }
  if (query.createdFrom !== undefined) conditions.push(`i.created_at >= ${mark(query.createdFrom)}`)
  if (query.createdBefore !== undefined) conditions.push(`i.created_at < ${mark(query.createdBefore)}`)
  if (query.version !== undefined) conditions.push(`i.version = ${mark(query.version)}`)
  const filter = conditions.map((condition) => ` AND ${condition}`).join('')
  const instances = `${schema}.polaris_instances`
  const first =
    query.workflow === undefined
      ? `(SELECT workflow FROM ${instances} ORDER BY workflow LIMIT 1)`
      : `SELECT ${mark(query.workflow)}::text COLLATE "C"`
  const next =
    query.workflow === undefined
      ? `(SELECT i.workflow FROM ${instances} i WHERE i.workflow > k.workflow ORDER BY i.workflow LIMIT 1)`
      : 'NULL'
  const order = `LIMIT ${mark(query.limit + 1)}`
  const statuses = textArray(statusesOf(query) ?? LISTED)
  const text = `
    WITH RECURSIVE known (workflow) AS (
      ${first}
      UNION ALL
      SELECT ${next} FROM known k WHERE k.workflow IS NOT NULL
    ), page AS MATERIALIZED (
      SELECT found.* FROM known k CROSS JOIN unnest(${mark(statuses)}::text[]) s (status) CROSS JOIN LATERAL (
        SELECT i.created_at, i.id FROM ${instances} i
        WHERE i.workflow = k.workflow AND i.status = s.status COLLATE "C"${filter} ORDER BY i.created_at${direction}, i.id${direction} ${order}
      ) found
      WHERE k.workflow IS NOT NULL ORDER BY created_at${direction}, id${direction} ${order}
    )
    SELECT ${HEADER_COLUMNS} FROM (
      SELECT header.* FROM page CROSS JOIN LATERAL (SELECT * FROM ${instances} i WHERE i.id = page.id LIMIT 1) header
    ) headers ORDER BY created_at${direction}, id${direction}`
  return { text, values }
}
