/** Headers, rows and mail as columns, and back. */
import { PolarisError } from '../../graph/errors.ts'
import { quote } from '../codec.ts'
import type { Expected, Header, InstanceStatus, Mail, Mode, Row } from '../contract.ts'
import { readRow, rowText } from '../row-text.ts'
import type { SqlValue } from './driver.ts'

/** What a change gives a new instance. */
export const INSERTED_COLUMNS: string =
  'created_at, id, incarnation, revision, fence, workflow, version, status, holder, wake_at, mail_appended, ' +
  'mail_handled, rest'

export const HEADER_COLUMNS: string = `${INSERTED_COLUMNS}, cancelling`

/**
 * For conditions that name the whole key, `created_at` and `id`: SQLite would take the index of ids instead, whose pages lie
 * as randomly as the ids do, and go on from there to the key.
 */
export const UPDATE_INSTANCE = 'UPDATE polaris_instances NOT INDEXED'

export interface HeaderRecord {
  readonly created_at: number
  readonly id: string
  readonly incarnation: string
  readonly revision: number
  readonly fence: number
  readonly workflow: string
  readonly version: number
  readonly status: InstanceStatus
  readonly holder: string | null
  readonly wake_at: number | null
  readonly mail_appended: number
  readonly mail_handled: number
  readonly cancelling: number
  readonly rest: string
}

/** Whether the compare of a change holds. */
export function meets(record: HeaderRecord, { incarnation, revision, fence, mailAppended }: Expected): boolean {
  return (
    record.incarnation === incarnation &&
    record.revision === revision &&
    record.fence === fence &&
    (mailAppended === undefined || record.mail_appended === mailAppended)
  )
}

type HeaderRest = [
  fingerprint: string,
  scope: number,
  pass: number,
  mode: Mode,
  settled: number,
  rows: number,
  claims: number,
  token: string,
  updatedAt: number,
]

/** Put together by hand: `JSON.stringify` of the same takes 600 ns, this 250, and there is one for every commit. */
export function headerRest(header: Header): string {
  const { wakeAt, mailAppended, mailHandled, scope, pass, settled, rows, claims, updatedAt } = header
  const sum = mailAppended + mailHandled + scope + pass + settled + rows + claims + updatedAt + (wakeAt ?? 0)
  // Inserted into JSON as they are, NaN and Infinity would make the instance unreadable.
  if (!Number.isFinite(sum))
    throw new PolarisError('DATA_INVALID', `The header of '${header.id}' has a number that is none.`)
  const { fingerprint, mode, token } = header
  return `[${quote(fingerprint)},${scope},${pass},"${mode}",${settled},${rows},${claims},${quote(token)},${updatedAt}]`
}

export function toHeader(record: HeaderRecord): Header {
  const [fingerprint, scope, pass, mode, settled, rows, claims, token, updatedAt] = JSON.parse(
    record.rest,
  ) as HeaderRest
  const { id, incarnation, revision, fence, workflow, version, status, holder } = record
  return {
    id,
    incarnation,
    revision,
    fence,
    workflow,
    version,
    fingerprint,
    status,
    holder,
    wakeAt: record.wake_at,
    mailAppended: record.mail_appended,
    mailHandled: record.mail_handled,
    cancelling: record.cancelling,
    scope,
    pass,
    mode,
    settled,
    rows,
    claims,
    token,
    createdAt: record.created_at,
    updatedAt,
  }
}

/** Values for {@link INSERTED_COLUMNS}. */
export function insertedValues(header: Header, wakeAt: number | null): SqlValue[] {
  const { createdAt, id, incarnation, revision, fence, workflow, version, status, holder } = header
  const { mailAppended, mailHandled } = header
  const values = [createdAt, id, incarnation, revision, fence, workflow, version, status, holder, wakeAt]
  return [...values, mailAppended, mailHandled, headerRest(header)]
}

export interface RowRecord {
  readonly place: string
  readonly seq: number
  readonly rest: string
  readonly value: string | null
}

/** Values of one row for the columns created_at, id, place, seq, rest, value, added to `values`. */
export function pushRow(values: SqlValue[], header: Header, row: Row): void {
  const { value } = row
  if (value !== undefined && typeof value !== 'string') {
    throw new PolarisError('DATA_INVALID', `Row ${row.seq} of '${header.id}' has a value that is no text.`)
  }
  values.push(header.createdAt, header.id, storeText(row.place), row.seq, rowRest(header, row), value ?? null)
}

function rowRest({ id }: Header, row: Row): string {
  const { scope, pass, startedAt, endedAt } = row
  if (!Number.isFinite(scope + pass + startedAt + endedAt)) {
    throw new PolarisError('DATA_INVALID', `Row ${row.seq} of '${id}' has a number that is none.`)
  }
  return rowText(row, false)
}

export function toRow({ place, seq, rest, value }: RowRecord): Row {
  return readRow(seq, loadText(place), rest, value ?? undefined)
}

export const MAIL_COLUMNS = 'created_at, id, seq, request_id, handled_at, rest, body, outcome'

export interface MailRecord {
  readonly seq: number
  readonly request_id: string
  readonly handled_at: number | null
  readonly rest: string
  readonly body: string | null
  readonly outcome: string | null
}

type MailRest = [mode: Mode, hash: string, appendedAt: number]

/** Values for {@link MAIL_COLUMNS}. */
export function mailValues(createdAt: number, id: string, mail: Mail): SqlValue[] {
  const { seq, requestId, mode, hash, body, outcome, appendedAt, handledAt } = mail
  if (body !== undefined && typeof body !== 'string') {
    throw new PolarisError('DATA_INVALID', `Mail '${requestId}' of '${id}' has a body that is no text.`)
  }
  if (!Number.isFinite(appendedAt + (handledAt ?? 0))) {
    throw new PolarisError('DATA_INVALID', `Mail '${requestId}' of '${id}' has a time that is none.`)
  }
  const rest = `["${mode}",${quote(hash)},${appendedAt}]`
  const kept = outcome === null ? null : storeText(outcome)
  return [createdAt, id, seq, storeText(requestId), handledAt, rest, body ?? null, kept]
}

export function toMail({ seq, request_id, handled_at, rest, body, outcome }: MailRecord): Mail {
  const [mode, hash, appendedAt] = JSON.parse(rest) as MailRest
  return {
    seq,
    requestId: loadText(request_id),
    mode,
    hash,
    body: body ?? undefined,
    outcome: outcome === null ? null : loadText(outcome),
    appendedAt,
    handledAt: handled_at,
  }
}

/** Some drivers read text up to its first NUL only, and UTF-8 has no lone surrogates: such texts are kept as JSON. */
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const UNSAFE = /[\0\x01]|\p{Surrogate}/u
const ESCAPED = '\x01'

export function isPlain(text: string): boolean {
  return !UNSAFE.test(text)
}

export function storeText(text: string): string {
  return UNSAFE.test(text) ? ESCAPED + JSON.stringify(text) : text
}

export function loadText(stored: string): string {
  return stored.startsWith(ESCAPED) ? (JSON.parse(stored.slice(1)) as string) : stored
}
