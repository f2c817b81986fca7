/** One instance as one text: its header, every row and all mail. */
import { describeValue, PolarisError } from '../../graph/errors.ts'
import type {
  Append,
  Appended,
  Change,
  ClaimQuery,
  Header,
  Mail,
  MetaRecord,
  Removal,
  Row,
  Snapshot,
  Written,
} from '../contract.ts'
import { beginsAnew, wokenAt } from '../waking.ts'

export interface Document {
  readonly header: Header
  /** In order of `seq`, like mail. */
  readonly rows: readonly Row[]
  readonly mail: readonly Mail[]
}

/** What a step makes of what is under a key: an answer, and what shall stand there if it changes; `null`: nothing. */
export interface Step<A, T = Document> {
  readonly answer: A
  readonly next?: T | null
}

/**
 * The text does not begin like JSON: several clients parse by themselves whatever does. The number is that of the
 * format.
 */
const FORMAT = 'polaris/'
/** 1 had no `cancelling`, no meta records, nor anything in place of what is gone. */
const VERSION = 2
const HEADS = Array.from({ length: VERSION }, (_, index) => `${FORMAT}${index + 1} `)
const HEAD = HEADS[VERSION - 1] as string

/** `null`: what is left under the key of what is gone, where keys cannot be deleted. */
export function writeText(kept: Document | MetaRecord | null): string {
  return HEAD + JSON.stringify(kept)
}

/** @throws `STORE_NEWER` and `STORE_INVALID` */
export function readDocument(key: string, text: string): Document | undefined {
  return parse(key, text, ({ header, rows, mail }: Document, version) => ({
    header: version === VERSION ? header : { ...header, cancelling: 0 },
    rows: rows.map((row) => ({ ...row, value: row.value })),
    mail: mail.map((one) => ({ ...one, body: one.body })),
  }))
}

/** @throws `STORE_NEWER` and `STORE_INVALID` */
export function readMeta(key: string, text: string): MetaRecord | undefined {
  return parse(key, text, (record: MetaRecord) => record)
}

function parse<T>(key: string, text: string, take: (kept: T, version: number) => T): T | undefined {
  const index = HEADS.findIndex((each) => text.startsWith(each))
  if (index < 0) throw unknownFormat(key, text)
  try {
    const kept = JSON.parse(text.slice(HEADS[index]?.length)) as T | null
    return kept === null ? undefined : take(kept, index + 1)
  } catch (cause) {
    throw new PolarisError('STORE_INVALID', `What is kept under '${key}' is damaged: restore it from a backup.`, {
      cause,
    })
  }
}

function unknownFormat(key: string, text: string): PolarisError {
  const version = text.startsWith(FORMAT) ? Number.parseInt(text.slice(FORMAT.length), 10) : Number.NaN
  if (version > VERSION) {
    const message = `'${key}' was written by a newer version of polaris-workflow (format ${version}, this one knows ${VERSION}): update the package.`
    return new PolarisError('STORE_NEWER', message)
  }
  return new PolarisError(
    'STORE_INVALID',
    `What is kept under '${key}' is not this store's: give it a prefix of its own.`,
  )
}

export function snapshotOf({ header, rows }: Document): Snapshot {
  const newest = new Map<string, Row>()
  for (const row of rows) {
    // Deleted first, so that the map's order is that of the newest rows.
    newest.delete(row.place)
    newest.set(row.place, row)
  }
  return { header, rows: [...newest.values()] }
}

export function apply(document: Document | undefined, change: Change, now: number): Step<Written> {
  const { expected, header, rows, mail, handled } = change
  const found = document?.header
  if (expected === null ? found !== undefined : found === undefined || differs(found, expected)) {
    return { answer: { ok: false, current: found } }
  }
  if (document !== undefined && beginsAnew(change)) return apply(undefined, { ...change, expected: null }, now)
  const current = found
  const error = findRefusal(change, document)
  if (error !== undefined) return { answer: { ok: false, error } }
  const kept = expected !== null && expected.mailAppended === undefined
  const mailAppended = (kept ? current : header)?.mailAppended ?? header.mailAppended
  const wakeAt = wakeOf(change, current, mailAppended, now)
  const letters = [...(document?.mail ?? []), ...(mail === undefined ? [] : [mail])].map((one) =>
    one.seq === handled?.seq ? { ...one, body: undefined, outcome: handled.outcome, handledAt: handled.at } : one,
  )
  const cancelling = current?.cancelling ?? 0
  const next: Document = {
    header: { ...header, mailAppended, cancelling, wakeAt },
    rows: [...(document?.rows ?? []), ...rows].sort((a, b) => a.seq - b.seq),
    mail: letters.sort((a, b) => a.seq - b.seq),
  }
  return { answer: { ok: true, mailAppended, cancelling }, next }
}

function differs(current: Header, expected: NonNullable<Change['expected']>): boolean {
  return (
    current.incarnation !== expected.incarnation ||
    current.revision !== expected.revision ||
    current.fence !== expected.fence ||
    (expected.mailAppended !== undefined && current.mailAppended !== expected.mailAppended)
  )
}

function wakeOf({ header, lease }: Change, current: Header | undefined, mailAppended: number, now: number) {
  if (lease !== undefined) return now + lease
  if (header.holder !== null) return current === undefined ? header.wakeAt : current.wakeAt
  return mailAppended > header.mailHandled ? now : header.wakeAt
}

export function append(document: Document | undefined, given: Append, now: number): Step<Appended> {
  const { header, expect, cancels = false, mail } = given
  const known = document?.mail.find(({ requestId }) => requestId === mail.requestId)
  if (known !== undefined) return { answer: { ok: false, known } }
  const error =
    oddText('Mail', mail.requestId, header.id, mail.body) ?? oddNumber(mail, header.id) ?? oddNumber(header, header.id)
  if (error !== undefined) return { answer: { ok: false, error } }
  const current = document?.header
  const fits =
    current === undefined
      ? expect !== 'existing' && !cancels
      : expect !== 'new' && current.workflow === header.workflow && takesMail(current)
  if (!fits) return { answer: { ok: false, current } }
  const before = current ?? { ...header, holder: null, mailAppended: 0, mailHandled: 0, cancelling: 0 }
  const seq = before.mailAppended + 1
  const wakeAt = before.holder === null ? wokenAt(before.wakeAt, now) : before.wakeAt
  const after = { ...before, mailAppended: seq, cancelling: cancels ? seq : before.cancelling, wakeAt }
  const letter: Mail = { ...mail, seq, outcome: null, handledAt: null }
  return {
    answer: { ok: true, seq, header: after },
    next: { header: after, rows: document?.rows ?? [], mail: [...(document?.mail ?? []), letter] },
  }
}

function takesMail({ status, cancelling }: Header): boolean {
  return cancelling === 0 && status !== 'cancelled' && status !== 'deleted'
}

export function remove(document: Document | undefined, { expected, tombstone }: Removal): Step<Written> {
  const current = document?.header
  if (current === undefined || differs(current, expected)) return { answer: { ok: false, current } }
  const error = tombstone && oddNumber(tombstone, tombstone.id)
  if (error !== undefined) return { answer: { ok: false, error } }
  return {
    answer: { ok: true, mailAppended: tombstone?.mailAppended ?? 0, cancelling: 0 },
    next: tombstone === undefined ? null : { header: { ...tombstone, cancelling: 0 }, rows: [], mail: [] },
  }
}

export function isDue({ wakeAt, workflow, version }: Header, { serves }: ClaimQuery, now: number): boolean {
  if (wakeAt === null || wakeAt > now) return false
  return serves.some((one) => one.workflow === workflow && one.version === version)
}

export function claim(document: Document | undefined, query: ClaimQuery, now: number): Step<Header | undefined> {
  if (document === undefined || !isDue(document.header, query, now)) return { answer: undefined }
  const { fence, claims } = document.header
  const { holder, lease } = query
  const header = { ...document.header, holder, fence: fence + 1, claims: claims + 1, wakeAt: now + lease }
  return { answer: header, next: { ...document, header } }
}

export function prune(document: Document | undefined, handledBefore: number, limit: number): Step<number> {
  let left = limit
  const goes = ({ handledAt }: Mail): boolean => handledAt !== null && handledAt < handledBefore && left-- > 0
  const mail = document?.mail.filter((one) => !goes(one)) ?? []
  const answer = (document?.mail.length ?? 0) - mail.length
  return document === undefined || answer === 0 ? { answer: 0 } : { answer, next: { ...document, mail } }
}

function findRefusal(
  { header, rows, mail, handled }: Change,
  document: Document | undefined,
): PolarisError | undefined {
  const { id } = header
  const seqs = new Set(document?.rows.map(({ seq }) => seq))
  for (const row of rows) {
    if (seqs.has(row.seq)) return new PolarisError('DATA_INVALID', `Row ${row.seq} of '${id}' is there already.`)
    seqs.add(row.seq)
    const error = oddText('Row', row.seq, id, row.value) ?? oddNumber(row, id)
    if (error !== undefined) return error
  }
  if (mail !== undefined) {
    const taken = document?.mail.some(({ seq, requestId }) => seq === mail.seq || requestId === mail.requestId)
    if (taken) return new PolarisError('DATA_INVALID', `Mail '${mail.requestId}' of '${id}' is there already.`)
    const error = oddText('Mail', mail.requestId, id, mail.body) ?? oddNumber(mail, id)
    if (error !== undefined) return error
  }
  return oddNumber(header, id) ?? (handled && oddNumber(handled, id))
}

function oddText(what: string, name: number | string, id: string, value: unknown): PolarisError | undefined {
  if (value === undefined || typeof value === 'string') return undefined
  return new PolarisError(
    'DATA_INVALID',
    `${what} ${name} of '${id}' holds ${describeValue(value)}; a store keeps text.`,
  )
}

/** JSON would turn such a number into `null`. */
export function oddNumber(record: object, id: string): PolarisError | undefined {
  const odd = Object.entries(record).find(([, value]) => typeof value === 'number' && !Number.isFinite(value))
  if (odd === undefined) return undefined
  return new PolarisError('DATA_INVALID', `'${odd[0]}' of '${id}' is ${String(odd[1])}, which is no number to keep.`)
}
