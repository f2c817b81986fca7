import { isPolarisError, type PolarisError } from '../../graph/errors.ts'
import type { Append, Appended, Change, Expected, Header, Written } from '../contract.ts'
import { writeInHalves } from '../halving.ts'
import { numberArray, textArray } from './arrays.ts'
import { isRefusal } from './failure.ts'
import {
  checkHeader,
  checkMail,
  HEADER_COLUMNS,
  HEADER_WIDTH,
  headerRest,
  type HeaderRecord,
  MAIL_COLUMNS,
  type MailRecord,
  placeKey,
  rowRest,
  rowValue,
  storeText,
  toHeader,
  toMail,
} from './records.ts'

type Texts = (string | null)[]
type Numbers = (number | null)[]

/** What writers and readers need of the store. */
export interface StoreParts {
  readonly ask: (text: string, values: unknown[], name?: string) => Promise<readonly unknown[]>
  /** Throws `CLOSED` once it is. */
  readonly checkOpen: () => void
  /** Quoted. */
  readonly schema: string
  /** Makes the name of a statement. */
  readonly named: (name: string) => string
  readonly channel: string
  readonly relaxed: boolean
  /** `null`: the server's counts. */
  readonly clock: () => number | null
}

export type Writer = (changes: readonly Change[]) => Promise<readonly Written[]>

export function makeWriter(parts: StoreParts): Writer {
  const { ask, checkOpen, schema, named, channel, relaxed, clock } = parts
  const write = { text: `SELECT ${schema}.polaris_write_5(${marks(40)})`, name: named('write') }
  const find = makeFinder(parts)
  const apply: Writer = async (changes) => {
    const [record] = await ask(write.text, [relaxed, clock(), ...parametersOf(changes), channel], write.name)
    const answers = (record as [string])[0].slice(1, -1).split(',')
    const losers = changes.filter((_, index) => answers[index] === 'NULL').map(({ header }) => header.id)
    const current = losers.length === 0 ? undefined : await find(losers)
    const cancelling = pairs(answers.slice(changes.length))
    return changes.map(({ header }, index): Written =>
      answers[index] === 'NULL'
        ? { ok: false, current: current?.get(header.id) }
        : { ok: true, mailAppended: Number(answers[index]), cancelling: cancelling?.get(index + 1) ?? 0 },
    )
  }
  const applyAll: Writer = async (changes) => {
    if (changes.length === 1 || changes.reduce((sum, change) => sum + weightOf(change), 0) <= HEAVIEST) {
      return writeInHalves(changes, apply, isRefusal)
    }
    const middle = changes.length >> 1
    return [...(await applyAll(changes.slice(0, middle))), ...(await applyAll(changes.slice(middle)))]
  }
  return async (changes) => {
    checkOpen()
    return inOrder(changes, idOf, checkChange, applyAll)
  }
}

/** The headers of those that lost. By a statement of its own: the one that lost still sees what was there when it began. */
export function makeFinder({
  ask,
  schema,
  named,
}: StoreParts): (ids: string[]) => Promise<ReadonlyMap<string, Header>> {
  const text = `SELECT ${HEADER_COLUMNS} FROM ${schema}.polaris_instances WHERE id = ANY ($1)`
  const name = named('losers')
  return async (ids) => {
    const found = (await ask(text, [textArray(ids)], name)) as HeaderRecord[]
    return new Map(found.map((one) => [one[0], toHeader(one)]))
  }
}

/** `$1` to `$count`. */
export function marks(count: number): string {
  return Array.from({ length: count }, (_, index) => `$${index + 1}`).join()
}

function pairs(numbers: readonly string[]): ReadonlyMap<number, number> | undefined {
  if (numbers.length === 0) return undefined
  const found = new Map<number, number>()
  for (let index = 0; index < numbers.length; index += 2) found.set(Number(numbers[index]), Number(numbers[index + 1]))
  return found
}

/** In UTF-16 units: the server closes the connection of whoever sends a gigabyte at once, and holds some copies of it. */
const HEAVIEST = 32_000_000

function weightOf({ rows }: Change): number {
  let weight = 0
  for (const { value } of rows) if (typeof value === 'string') weight += value.length
  return weight
}

export type Appender = (appends: readonly Append[]) => Promise<readonly Appended[]>

export function makeAppender({ ask, checkOpen, schema, named, channel, relaxed, clock }: StoreParts): Appender {
  const header = HEADER_COLUMNS.split(', ').map((column) => `(a.instance).${column}`)
  const mail = MAIL_COLUMNS.split(', ').map((column) => `(a.mail).${column}`)
  const text = `SELECT a.answer, ${[...header, ...mail].join()} FROM ${schema}.polaris_append_2(${marks(22)}) a`
  const name = named('append')
  const apply: Appender = async (appends) => {
    const records = await ask(text, [relaxed, clock(), ...appendParametersOf(appends), channel], name)
    return records.map((record) => toAppended(record as (string | null)[]))
  }
  return async (appends) => {
    checkOpen()
    return inOrder(appends, idOf, checkAppend, (sound) => writeInHalves(sound, apply, isRefusal))
  }
}

function toAppended([answer, ...columns]: readonly (string | null)[]): Appended {
  const header = columns[0] === null ? undefined : toHeader(columns as unknown as HeaderRecord)
  if (answer === 'known') return { ok: false, known: toMail(columns.slice(HEADER_WIDTH) as unknown as MailRecord) }
  if (answer === 'appended' && header !== undefined) return { ok: true, seq: header.mailAppended, header }
  return { ok: false, current: header }
}

/** All that is sound, sorted by id, so that two batches never wait for each other (P3); answers in the order given. */
export async function inOrder<T, A>(
  items: readonly T[],
  idOf: (item: T) => string,
  check: (item: T) => void,
  apply: (items: readonly T[]) => Promise<readonly A[]>,
): Promise<readonly (A | { ok: false; error: PolarisError })[]> {
  const answers = new Array<A | { ok: false; error: PolarisError }>(items.length)
  const order: number[] = []
  items.forEach((item, index) => {
    try {
      check(item)
      order.push(index)
    } catch (error) {
      if (!isPolarisError(error)) throw error
      answers[index] = { ok: false, error }
    }
  })
  if (order.length === 0) return answers
  const ids = items.map(idOf)
  const idAt = (index: number): string => ids[index] ?? ''
  order.sort((a, b) => (idAt(a) < idAt(b) ? -1 : idAt(a) > idAt(b) ? 1 : a - b))
  const applied = await apply(order.map((index) => items[index] as T))
  applied.forEach((answer, position) => (answers[order[position] as number] = answer))
  return answers
}

function idOf({ header }: { readonly header: Header }): string {
  return header.id
}

function checkChange({ header, rows, mail }: Change): void {
  checkHeader(header)
  for (const row of rows) rowValue(row, header.id)
  if (mail !== undefined) checkMail(mail)
}

function checkAppend({ header, mail }: Append): void {
  checkHeader(header)
  checkMail(mail)
}

/** In the order in which `polaris_write_5` takes them, between the clock and the channel. */
function parametersOf(changes: readonly Change[]): unknown[] {
  const headers = changes.map(({ header }) => header)
  const expected = changes.map((change) => change.expected)
  return [
    ...headerParameters(
      headers.map(({ id }) => id),
      expected,
      headers,
    ),
    numberArray(changes.map(({ lease }) => lease ?? null)),
    ...rowParameters(changes),
    ...mailParameters(changes),
    ...handledParameters(changes),
  ]
}

/** Ids, what is compared, and headers or `null`, a column each, as `polaris_write_5` and `polaris_remove_2` take them. */
export function headerParameters(
  ids: readonly string[],
  expected: readonly (Expected | null)[],
  headers: readonly (Header | null)[],
): unknown[] {
  const texts = (pick: (header: Header) => string | null): Buffer =>
    textArray(headers.map((header) => header && pick(header)))
  const numbers = (pick: (header: Header) => number | null): string =>
    numberArray(headers.map((header) => header && pick(header)))
  return [
    textArray(ids),
    textArray(expected.map((one) => one && one.incarnation)),
    numberArray(expected.map((one) => one && one.revision)),
    numberArray(expected.map((one) => one && one.fence)),
    numberArray(expected.map((one) => one?.mailAppended ?? null)),
    texts(({ incarnation }) => incarnation),
    numbers(({ revision }) => revision),
    numbers(({ fence }) => fence),
    texts(({ workflow }) => workflow),
    numbers(({ version }) => version),
    texts(({ status }) => status),
    texts(({ holder }) => holder),
    numbers(({ wakeAt }) => wakeAt),
    numbers(({ mailAppended }) => mailAppended),
    numbers(({ mailHandled }) => mailHandled),
    numbers(({ claims }) => claims),
    numbers(({ createdAt }) => createdAt),
    texts(headerRest),
  ]
}

function rowParameters(changes: readonly Change[]): unknown[] {
  const owners: Numbers = []
  const places: Texts = []
  const seqs: Numbers = []
  const rests: Texts = []
  const values: Texts = []
  changes.forEach(({ header: { id }, rows }, index) => {
    for (const row of rows) {
      const place = placeKey(row.place)
      owners.push(index + 1)
      places.push(place)
      seqs.push(row.seq)
      rests.push(rowRest(row, id, place))
      values.push(rowValue(row, id))
    }
  })
  return [numberArray(owners), textArray(places), numberArray(seqs), textArray(rests), textArray(values)]
}

function mailParameters(changes: readonly Change[]): unknown[] {
  const found = changes.flatMap(({ mail }, index) => (mail === undefined ? [] : [{ mail, owner: index + 1 }]))
  if (found.length === 0) return new Array<null>(9).fill(null)
  return [
    numberArray(found.map(({ owner }) => owner)),
    numberArray(found.map(({ mail }) => mail.seq)),
    textArray(found.map(({ mail }) => mail.requestId)),
    textArray(found.map(({ mail }) => mail.mode)),
    textArray(found.map(({ mail }) => mail.hash)),
    textArray(found.map(({ mail }) => checkMail(mail))),
    textArray(found.map(({ mail }) => (mail.outcome === null ? null : storeText(mail.outcome)))),
    numberArray(found.map(({ mail }) => mail.appendedAt)),
    numberArray(found.map(({ mail }) => mail.handledAt)),
  ]
}

function handledParameters(changes: readonly Change[]): unknown[] {
  const found = changes.flatMap(({ handled }, index) => (handled === undefined ? [] : [{ handled, owner: index + 1 }]))
  if (found.length === 0) return [null, null, null, null]
  return [
    numberArray(found.map(({ owner }) => owner)),
    numberArray(found.map(({ handled }) => handled.seq)),
    textArray(found.map(({ handled }) => storeText(handled.outcome))),
    numberArray(found.map(({ handled }) => handled.at)),
  ]
}

/** In the order in which `polaris_append_2` takes them, between the clock and the channel. */
function appendParametersOf(appends: readonly Append[]): unknown[] {
  const headers = appends.map(({ header }) => header)
  const mails = appends.map(({ mail }) => mail)
  return [
    textArray(headers.map(({ id }) => id)),
    textArray(appends.map(({ expect }) => expect ?? null)),
    `{${appends.map(({ cancels = false }) => cancels).join()}}`,
    textArray(headers.map(({ incarnation }) => incarnation)),
    numberArray(headers.map(({ revision }) => revision)),
    numberArray(headers.map(({ fence }) => fence)),
    textArray(headers.map(({ workflow }) => workflow)),
    numberArray(headers.map(({ version }) => version)),
    textArray(headers.map(({ status }) => status)),
    textArray(headers.map(({ holder }) => holder)),
    numberArray(headers.map(({ mailHandled }) => mailHandled)),
    numberArray(headers.map(({ claims }) => claims)),
    numberArray(headers.map(({ createdAt }) => createdAt)),
    textArray(headers.map(headerRest)),
    textArray(mails.map(({ requestId }) => requestId)),
    textArray(mails.map(({ mode }) => mode)),
    textArray(mails.map(({ hash }) => hash)),
    textArray(mails.map(checkMail)),
    numberArray(mails.map(({ appendedAt }) => appendedAt)),
  ]
}
