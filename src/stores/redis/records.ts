/** Headers, rows and mail as text that scripts can take apart without decoding what users stored. */
import { describeValue, PolarisError } from '../../graph/errors.ts'
import { quote } from '../codec.ts'
import type { Header, InstanceStatus, Mail, Mode, Row } from '../contract.ts'
import { readRow, rowText } from '../row-text.ts'

/** One letter each: part of every member of the list index. */
const LETTERS: Readonly<Record<InstanceStatus, string>> = {
  running: 'r',
  waiting: 'w',
  completed: 'c',
  failed: 'f',
  cancelled: 'x',
  retrying: 't',
  deleted: 'd',
}

const STATUSES: Readonly<Record<string, InstanceStatus>> = Object.fromEntries(
  Object.entries(LETTERS).map(([status, letter]) => [letter, status as InstanceStatus]),
)

export function letterOf(status: InstanceStatus): string {
  return LETTERS[status]
}

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const UNSAFE_LINE = /[\0-\x1f]|\p{Surrogate}/u
const ESCAPED = '\x01'

/** As a line: without control characters, which separate, and without lone surrogates, which UTF-8 does not have. */
export function packLine(text: string): string {
  return UNSAFE_LINE.test(text) ? ESCAPED + JSON.stringify(text) : text
}

/** Whatever its length and lines; only what UTF-8 cannot carry is escaped. */
export function packText(text: string): string {
  return text.startsWith(ESCAPED) || /\p{Surrogate}/u.test(text) ? ESCAPED + JSON.stringify(text) : text
}

export function unpack(stored: string): string {
  return stored.startsWith(ESCAPED) ? (JSON.parse(stored.slice(1)) as string) : stored
}

export function refuse(what: string): never {
  throw new PolarisError('DATA_INVALID', `Redis cannot store ${what}.`)
}

function packValue(value: unknown, what: string): string {
  if (typeof value === 'string') return packText(value)
  return refuse(`${what}: it holds ${describeValue(value)}, and a store keeps text`)
}

const TIME_DIGITS = 11

/** Of fixed width, so that texts have the order of times: 11 digits hold every safe integer. */
export function timeKey(time: number): string {
  return time.toString(36).padStart(TIME_DIGITS, '0')
}

/** What follows an instance's id in the members of the wake set and of the list index: they are filtered by it. */
export function kindOf(workflow: string, version: number): string {
  return `\0${version}\0${quote(workflow)}`
}

/** The member of the list index: status, creation, id, kind. Behind status and creation it is that of the wake set. */
export function memberOf(header: Header): string {
  return `${letterOf(header.status)}${positionOf(header)}${kindOf(header.workflow, header.version)}`
}

/** Creation and id as members of the list index begin behind the status. */
export function positionOf({ createdAt, id }: { readonly createdAt: number; readonly id: string }): string {
  return `${timeKey(createdAt)}${packLine(id)}`
}

export interface Listed {
  readonly createdAt: number
  readonly id: string
  /** Creation and id: what lists are ordered by, compared as bytes. */
  readonly position: string
}

export function toListed(member: string): Listed {
  const end = member.indexOf('\0')
  const position = member.slice(1, end)
  return {
    createdAt: Number.parseInt(position.slice(0, TIME_DIGITS), 36),
    id: unpack(position.slice(TIME_DIGITS)),
    position,
  }
}

/** The id in a member of the wake set. */
export function wokenId(member: string): string {
  return unpack(member.slice(0, member.indexOf('\0')))
}

type HeaderRest = [
  fingerprint: string,
  scope: number,
  pass: number,
  mode: Mode,
  settled: number,
  rows: number,
  token: string,
  createdAt: number,
  updatedAt: number,
]

/**
 * Lines: mailAppended, wakeAt, fence, claims, holder, revision, incarnation, mailHandled, status, version, workflow, rest.
 * This is all behind the first two, which scripts decide on. Where the instance shall be cancelled, `x` and `cancelling`
 * stand behind mailAppended.
 */
export function headerTail(header: Header): string {
  const { id, fence, claims, holder, mailHandled, version } = header
  const { scope, pass, settled, rows, createdAt, updatedAt, fingerprint, mode, token } = header
  const sum = fence + claims + header.revision + mailHandled + version + scope + pass + settled + rows + updatedAt
  if (!Number.isFinite(sum + header.mailAppended + (header.wakeAt ?? 0))) {
    refuse(`the header of '${id}': it has a number that is none`)
  }
  if (!Number.isSafeInteger(createdAt) || createdAt < 0) {
    refuse(`the header of '${id}': createdAt is ${describeValue(createdAt)}, and must be whole milliseconds`)
  }
  return (
    `${fence}\n${claims}\n${holder === null ? '' : quote(holder)}\n${versionLines(header)}${mailHandled}\n` +
    `${kindLines(header)}\n[${quote(fingerprint)},${scope},${pass},"${mode}",` +
    `${settled},${rows},${quote(token)},${createdAt},${updatedAt}]`
  )
}

/** The lines of a header that an update compares besides the fence. */
export function versionLines({ revision, incarnation }: Pick<Header, 'revision' | 'incarnation'>): string {
  return `${revision}\n${quote(incarnation)}\n`
}

/** The lines of a header that wake set and list index are filtered by. */
export function kindLines({ status, version, workflow }: Pick<Header, 'status' | 'version' | 'workflow'>): string {
  return `${letterOf(status)}\n${version}\n${quote(workflow)}`
}

/** A header as it shall stand, whatever stood before. */
export function headerText(header: Header): string {
  return `${header.mailAppended}\n${header.wakeAt ?? ''}\n${headerTail(header)}`
}

/** The first line of a header. */
export function readCounters(line: string): Pick<Header, 'mailAppended' | 'cancelling'> {
  const [mailAppended, cancelling = 0] = line.split('x', 2)
  return { mailAppended: Number(mailAppended), cancelling: Number(cancelling) }
}

export function toHeader(id: string, text: string): Header {
  const lines = text.split('\n')
  const line = (index: number): string => lines[index] ?? ''
  const rest = JSON.parse(line(11)) as HeaderRest
  const [fingerprint, scope, pass, mode, settled, rows, token, createdAt, updatedAt] = rest
  const { mailAppended, cancelling } = readCounters(line(0))
  return {
    id,
    incarnation: JSON.parse(line(6)) as string,
    revision: Number(line(5)),
    fence: Number(line(2)),
    workflow: JSON.parse(line(10)) as string,
    version: Number(line(9)),
    fingerprint,
    status: STATUSES[line(8)] ?? 'failed',
    holder: line(4) === '' ? null : (JSON.parse(line(4)) as string),
    wakeAt: line(1) === '' ? null : Number(line(1)),
    mailAppended,
    mailHandled: Number(line(7)),
    cancelling,
    scope,
    pass,
    mode,
    settled,
    rows,
    claims: Number(line(3)),
    token,
    createdAt,
    updatedAt,
  }
}

/** The hash field in which a place keeps its newest row. */
export function placeField(place: string): string {
  return `p${packLine(place)}`
}

/** Two lines, and the value behind them if there is one. */
export function rowLines(id: string, row: Row): string {
  const { seq, scope, pass, startedAt, endedAt, value } = row
  if (!Number.isSafeInteger(seq) || !Number.isFinite(scope + pass + startedAt + endedAt)) {
    refuse(`row ${seq} of '${id}': it has a number that is none`)
  }
  const head = `${seq}\n${rowText(row, false)}`
  return value === undefined ? head : `${head}\n${packValue(value, `row ${seq} of '${id}'`)}`
}

export function toRow(field: string, text: string): Row {
  const first = text.indexOf('\n')
  const second = text.indexOf('\n', first + 1)
  const value = second < 0 ? undefined : unpack(text.slice(second + 1))
  return readRow(
    Number(text.slice(0, first)),
    unpack(field.slice(1)),
    text.slice(first + 1, second < 0 ? undefined : second),
    value,
  )
}

/** An older row: its place's field in front. */
export function oldRowText(field: string, row: string): string {
  return `${field}\n${row}`
}

export function toOldRow(text: string): Row {
  const end = text.indexOf('\n')
  return toRow(text.slice(0, end), text.slice(end + 1))
}

/** The hash field that knows the `seq` of a request. */
export function requestField(requestId: string): string {
  return `q${packLine(requestId)}`
}

/** Lines behind the `seq`: request, mode, hash, time; then a body, nothing, or an outcome, told apart by a letter. */
export function mailText(id: string, mail: Omit<Mail, 'seq' | 'outcome' | 'handledAt'>): string {
  const { requestId, mode, hash, appendedAt, body } = mail
  if (!Number.isFinite(appendedAt)) refuse(`mail of '${id}': its time is no number`)
  const kept = body === undefined ? '-' : `=${packValue(body, `mail of '${id}'`)}`
  return `${requestField(requestId)}\n${mode}\n${quote(hash)}\n${appendedAt}\n${kept}`
}

/** What stands in place of the body once the mail is handled. */
export function outcomeText(outcome: string, at: number): string {
  return `+${at}\n${packText(outcome)}`
}

export function toMail(text: string): Mail {
  const lines = text.split('\n', 5)
  const [seq = '', request = '', mode = '', hash = '', appendedAt = ''] = lines
  const rest = text.slice(lines.reduce((length, line) => length + line.length + 1, 0))
  const handled = rest.startsWith('+')
  const end = rest.indexOf('\n')
  return {
    seq: Number(seq),
    requestId: unpack(request.slice(1)),
    mode: mode as Mode,
    hash: JSON.parse(hash) as string,
    body: rest.startsWith('=') ? unpack(rest.slice(1)) : undefined,
    outcome: handled ? unpack(rest.slice(end + 1)) : null,
    appendedAt: Number(appendedAt),
    handledAt: handled ? Number(rest.slice(1, end)) : null,
  }
}
