import type { Change, Header, Written } from '../contract.ts'
import type { SqliteDatabase, SqliteStatement, SqlValue } from './driver.ts'
import { HEADER_COLUMNS, type HeaderRecord, headerRest, pushRow, toHeader } from './records.ts'
import { inTransaction } from './schema.ts'

/** Rows go in eight at a time where there are as many: 1.1 µs a row, against 1.9 µs one by one. */
const ROWS_AT_ONCE = [8, 4, 2, 1]
const ROW_VALUES = 6

const WON: Written = { ok: true }

/** Applies all changes in one transaction, or throws and has applied none. */
export type Writer = (changes: readonly Change[]) => readonly Written[]

export function prepareWriter(db: SqliteDatabase): Writer {
  const insert = db.prepare(
    `INSERT INTO polaris_instances (${HEADER_COLUMNS}) VALUES (${marks(10)}) ON CONFLICT DO NOTHING`,
  )
  const update = db.prepare(
    `UPDATE polaris_instances SET revision = ?, fence = ?, workflow = ?, version = ?, status = ?, wake_at = ?, rest = ?,
     incarnation = ? WHERE created_at = ? AND id = ? AND incarnation = ? AND revision = ? AND fence = ?`,
  )
  const find = db.prepare(`SELECT ${HEADER_COLUMNS} FROM polaris_instances WHERE id = ?`)
  const addRows = prepareRows(db)

  const replace = (header: Header, expected: NonNullable<Change['expected']>): boolean => {
    const { id, incarnation, revision, fence, workflow, version, status, wakeAt, createdAt } = header
    const rest = headerRest(header)
    const set = [revision, fence, workflow, version, status, wakeAt, rest, incarnation] as const
    const { changes } = update.run(...set, createdAt, id, expected.incarnation, expected.revision, expected.fence)
    return Number(changes) === 1
  }
  const apply = ({ expected, header }: Change): Written => {
    if (expected === null ? create(insert, header) : replace(header, expected)) return WON
    const record = find.get(header.id) as HeaderRecord | undefined
    if (record === undefined) return { ok: false, current: undefined }
    return { ok: false, current: toHeader(record) }
  }

  return (changes) =>
    inTransaction(db, 'IMMEDIATE', () => {
      const written = changes.map(apply)
      const rows: SqlValue[] = []
      changes.forEach((change, index) => {
        if (written[index]?.ok) for (const row of change.rows) pushRow(rows, change.header, row)
      })
      addRows(rows)
      return written
    })
}

function create(insert: SqliteStatement, header: Header): boolean {
  const { createdAt, id, incarnation, revision, fence, workflow, version, status, wakeAt } = header
  const values = [createdAt, id, incarnation, revision, fence, workflow, version, status, wakeAt] as const
  return Number(insert.run(...values, headerRest(header)).changes) === 1
}

/** Takes {@link ROW_VALUES} values a row. */
function prepareRows(db: SqliteDatabase): (values: readonly SqlValue[]) => void {
  const row = `(${marks(ROW_VALUES)})`
  const statements = ROWS_AT_ONCE.map((count) => ({
    width: count * ROW_VALUES,
    statement: db.prepare(`INSERT INTO polaris_rows VALUES ${new Array(count).fill(row).join()}`),
  }))
  return (values) => {
    let start = 0
    for (const { width, statement } of statements) {
      for (; values.length - start >= width; start += width) statement.run(...values.slice(start, start + width))
    }
  }
}

function marks(count: number): string {
  return new Array(count).fill('?').join()
}
