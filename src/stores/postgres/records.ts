/** Headers, rows and mail as columns, and back. All columns come as text. */
import { createHash } from 'node:crypto'
import { PolarisError } from '../../graph/errors.ts'
import { quote } from '../codec.ts'
import type { Header, InstanceStatus, Mail, Mode, Row } from '../contract.ts'
import { readRow, rowText } from '../row-text.ts'

const HEADER_NAMES = [
  'id',
  'incarnation',
  'revision',
  'fence',
  'workflow',
  'version',
  'status',
  'holder',
  'wake_at',
  'mail_appended',
  'mail_handled',
  'claims',
  'created_at',
  'rest',
  'cancelling',
]

export const HEADER_COLUMNS: string = HEADER_NAMES.join(', ')

/** For a record that has none. */
export const NO_HEADER: string = HEADER_NAMES.map(() => 'NULL').join(', ')

/** The columns of {@link HEADER_COLUMNS}, in this order. */
export type HeaderRecord = readonly [
  id: string,
  incarnation: string,
  revision: string,
  fence: string,
  workflow: string,
  version: string,
  status: InstanceStatus,
  holder: string | null,
  wakeAt: string | null,
  mailAppended: string,
  mailHandled: string,
  claims: string,
  createdAt: string,
  rest: string,
  cancelling: string,
]

/** How many columns come before those of a row where a record has both. */
export const HEADER_WIDTH: number = HEADER_NAMES.length

type HeaderRest = [
  fingerprint: string,
  scope: number,
  pass: number,
  mode: Mode,
  settled: number,
  rows: number,
  token: string,
  updatedAt: number,
]

/** What is neither compared, searched nor changed by the store itself. Put together by hand: half the time of `JSON.stringify`. */
export function headerRest({ fingerprint, scope, pass, mode, settled, rows, token, updatedAt }: Header): string {
  return `[${quote(fingerprint)},${scope},${pass},"${mode}",${settled},${rows},${quote(token)},${updatedAt}]`
}

/** @throws `DATA_INVALID` for what would come back different, or not at all. */
export function checkHeader(header: Header): void {
  const { id, revision, fence, version, wakeAt, mailAppended, mailHandled, scope, pass, settled, rows } = header
  const { claims, createdAt, updatedAt, incarnation, workflow, holder } = header
  const sum = revision + fence + version + (wakeAt ?? 0) + mailAppended + mailHandled + claims + createdAt
  if (!Number.isFinite(sum + scope + pass + settled + rows + updatedAt)) {
    throw new PolarisError('DATA_INVALID', `The header of '${id}' has a number that is none.`)
  }
  checkText(id, 'id')
  checkText(incarnation, 'incarnation')
  checkText(workflow, 'workflow')
  if (holder !== null) checkText(holder, 'holder')
}

/** UTF-8 has no lone surrogates and Postgres no NUL: `pg` would write another text, and not say so. */
export function checkText(text: string, what: string): void {
  if (typeof text === 'string' && !UNSAFE.test(text)) return
  const found = typeof text === 'string' ? JSON.stringify(text) : `a ${typeof text}`
  throw new PolarisError(
    'DATA_INVALID',
    `Postgres cannot keep ${found} as ${what}: it must be text without NUL and lone surrogates.`,
  )
}

/** Whether there can be an instance of this id at all; asked for another one, `pg` would ask for a similar one. */
export function isKeepable(text: string): boolean {
  return !UNSAFE.test(text)
}

export function toHeader(record: HeaderRecord): Header {
  const [id, incarnation, revision, fence, workflow, version, status, holder, wakeAt, appended, handled] = record
  const [fingerprint, scope, pass, mode, settled, rows, token, updatedAt] = JSON.parse(record[13]) as HeaderRest
  return {
    id,
    incarnation,
    revision: Number(revision),
    fence: Number(fence),
    workflow,
    version: Number(version),
    fingerprint,
    status,
    holder,
    wakeAt: wakeAt === null ? null : Number(wakeAt),
    mailAppended: Number(appended),
    mailHandled: Number(handled),
    cancelling: Number(record[14]),
    scope,
    pass,
    mode,
    settled,
    rows,
    claims: Number(record[11]),
    token,
    createdAt: Number(record[12]),
    updatedAt,
  }
}

export const ROW_COLUMNS = 'place, seq, rest, value'

/** The columns of {@link ROW_COLUMNS}, in this order. */
export type RowRecord = readonly [place: string, seq: string, rest: string, value: string | null]

export function rowValue({ value, seq }: Row, id: string): string | null {
  if (value === undefined) return null
  if (typeof value === 'string') return value
  throw new PolarisError('DATA_INVALID', `Row ${seq} of '${id}' has a value that is no text.`)
}

export function rowRest(row: Row, id: string, place: string): string {
  const { seq, scope, pass, startedAt, endedAt } = row
  if (!Number.isFinite(seq + scope + pass + startedAt + endedAt)) {
    throw new PolarisError('DATA_INVALID', `Row ${seq} of '${id}' has a number that is none.`)
  }
  return rowText(row, place !== row.place)
}

export function toRow([place, seq, rest, value]: RowRecord): Row {
  return readRow(Number(seq), place, rest, value ?? undefined)
}

const UNSAFE = /\0|\p{Surrogate}/u
const DIGEST = '\x01'
const LONGEST_PLACE = 300

/**
 * The place as a key: an index entry, id and place together, has room for 2,704 bytes, and text none for NUL and lone
 * surrogates. Places of that kind stand in the row's rest, and their digest in the key.
 */
export function placeKey(place: string): string {
  if (place.length <= LONGEST_PLACE && !UNSAFE.test(place) && !place.startsWith(DIGEST)) return place
  return DIGEST + createHash('sha256').update(place, 'utf16le').digest('base64')
}

export const MAIL_COLUMNS = 'seq, request_id, mode, hash, body, outcome, appended_at, handled_at'

/** The columns of {@link MAIL_COLUMNS}, in this order. */
export type MailRecord = readonly [
  seq: string,
  requestId: string,
  mode: Mode,
  hash: string,
  body: string | null,
  outcome: string | null,
  appendedAt: string,
  handledAt: string | null,
]

export function toMail([seq, requestId, mode, hash, body, outcome, appendedAt, handledAt]: MailRecord): Mail {
  return {
    seq: Number(seq),
    requestId,
    mode,
    hash,
    body: body ?? undefined,
    outcome: outcome === null ? null : loadText(outcome),
    appendedAt: Number(appendedAt),
    handledAt: handledAt === null ? null : Number(handledAt),
  }
}

type AppendedMail = Omit<Mail, 'seq' | 'outcome' | 'handledAt'>

/** @throws `DATA_INVALID` for what would come back different, or not at all. Answers the body as the column takes it. */
export function checkMail({ requestId, hash, body, appendedAt }: AppendedMail): string | null {
  checkText(requestId, 'request id')
  checkText(hash, 'hash')
  if (!Number.isFinite(appendedAt)) {
    throw new PolarisError('DATA_INVALID', `The mail of request '${requestId}' has a time that is none.`)
  }
  if (body === undefined || typeof body === 'string') return body ?? null
  throw new PolarisError('DATA_INVALID', `The mail of request '${requestId}' has a body that is no text.`)
}

/** Text of the engine's, which may hold anything. */
export function storeText(text: string): string {
  return UNSAFE.test(text) || text.startsWith(DIGEST) ? DIGEST + JSON.stringify(text) : text
}

export function loadText(stored: string): string {
  return stored.startsWith(DIGEST) ? (JSON.parse(stored.slice(1)) as string) : stored
}
