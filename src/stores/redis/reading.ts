/** `read`, `history`, `mail`, `request` and `list`. */
import type { Header, HistoryQuery, ListQuery, Mail, Page, Row, Snapshot } from '../contract.ts'
import { checkLimit, compareCodePoints, LISTED, matcherOf, readCursor, statusesOf, writeCursor } from '../paging.ts'
import { quote } from '../codec.ts'
import { batch, type Item, unbatch } from './calls.ts'
import type { Connection } from './connection.ts'
import { instanceKey, type Keys, mailKey, oldRowsKey } from './keys.ts'
import * as records from './records.ts'
import { HEADERS, HISTORY, MAIL, NOW, READ, REQUEST, SCAN } from './reading-scripts.ts'

export async function read(connection: Connection, keys: Keys, id: string): Promise<Snapshot | undefined> {
  const [answer] = await connection.run(READ, [{ keys: [instanceKey(keys.partition(id), id)], args: [] }])
  const fields = answer as readonly string[]
  let header: Header | undefined
  const rows: Row[] = []
  for (let index = 0; index < fields.length; index += 2) {
    const field = fields[index] ?? ''
    const text = fields[index + 1] ?? ''
    if (field === 'h') header = records.toHeader(id, text)
    else rows.push(records.toRow(field, text))
  }
  return header === undefined ? undefined : { header, rows: rows.sort((a, b) => a.seq - b.seq) }
}

export async function history(
  connection: Connection,
  keys: Keys,
  id: string,
  { after = 0, limit }: HistoryQuery,
): Promise<readonly Row[]> {
  checkLimit(limit)
  const partition = keys.partition(id)
  const names = [instanceKey(partition, id), oldRowsKey(partition, id)]
  const [answer] = await connection.run(HISTORY, [{ keys: names, args: [after, limit] }])
  return (answer as readonly string[]).map(records.toOldRow)
}

export async function mail(
  connection: Connection,
  keys: Keys,
  id: string,
  { after = 0, limit }: HistoryQuery,
): Promise<readonly Mail[]> {
  checkLimit(limit)
  const partition = keys.partition(id)
  const names = [instanceKey(partition, id), mailKey(partition, id)]
  const [answer] = await connection.run(MAIL, [{ keys: names, args: [after, limit] }])
  return (answer as readonly string[]).map(records.toMail)
}

export async function request(
  connection: Connection,
  keys: Keys,
  id: string,
  requestId: string,
): Promise<Mail | undefined> {
  const call = { keys: [mailKey(keys.partition(id), id)], args: [records.requestField(requestId)] }
  const [answer] = await connection.run(REQUEST, [call])
  return answer === '' ? undefined : records.toMail(answer as string)
}

/** Of a cluster, that of one server. */
export async function serverTime(connection: Connection, keys: Keys): Promise<number> {
  const [answer] = await connection.run(NOW, [{ keys: [keys.meta], args: [] }])
  return Number(answer)
}

/** Looked at in one round, over all partitions, when most do not fit: about 20 ms of the server's time. */
const BUDGET = 20_000

/** Goes from position to position, a round of all partitions at a time, until the page is full or nothing is left. */
export async function list(connection: Connection, keys: Keys, query: ListQuery): Promise<Page<Header>> {
  const { limit, cursor, createdFrom = 0, createdBefore = Infinity } = query
  checkLimit(limit)
  const position = cursor === undefined ? undefined : readCursor(cursor)
  const from = Math.max(0, Math.ceil(createdFrom))
  const before = Math.min(Number.MAX_SAFE_INTEGER + 1, Math.ceil(createdBefore))
  if (!(from < before)) return { items: [] }
  const matches = matcherOf(query)
  const items: Header[] = []
  const newest = query.order === 'newest'
  // Inclusive of what begins with it, except behind a position.
  let low = `[${records.timeKey(from)}`
  let high = `(${records.timeKey(before)}`
  /** Members begin with their position and a NUL, which no id has. */
  const goOn = (seen: string): void => {
    const bound = newest ? seen : `${seen}\x01`
    if (newest && compareCodePoints(bound, high.slice(1)) < 0) high = `(${bound}`
    if (!newest && compareCodePoints(bound, low.slice(1)) > 0) low = `(${bound}`
  }
  if (position !== undefined) goOn(records.positionOf(position))
  let wanted = 3 + Math.ceil((2 * limit) / keys.partitions.length)
  for (;;) {
    const round = await scan(connection, keys, query, { low, high, wanted })
    const headers = await readHeaders(connection, keys, round.listed.slice(0, limit + 1 - items.length))
    for (const header of headers) if (header !== undefined && matches(header)) items.push(header)
    if (items.length > limit) {
      const page = items.slice(0, limit)
      return { items: page, next: writeCursor(page[limit - 1] as Header) }
    }
    const seen = round.listed.length > headers.length ? round.listed[headers.length - 1]?.position : round.horizon
    if (seen === undefined) return { items }
    goOn(seen)
    wanted = Math.min(wanted * 2, 256)
  }
}

interface Round {
  /** In order, up to the horizon. */
  readonly listed: readonly records.Listed[]
  /** How far all partitions were looked through; `undefined`: to the end. */
  readonly horizon: string | undefined
}

async function scan(
  connection: Connection,
  keys: Keys,
  query: ListQuery,
  { low, high, wanted }: { readonly low: string; readonly high: string; readonly wanted: number },
): Promise<Round> {
  const newest = query.order === 'newest'
  const bounds = (statusesOf(query) ?? LISTED).flatMap((status) => {
    const letter = records.letterOf(status)
    return (newest ? [high, low] : [low, high]).map((bound) => `${bound.slice(0, 1)}${letter}${bound.slice(1)}`)
  })
  const { version, workflow } = query
  const inOrder = (a: string, b: string): number => (newest ? compareCodePoints(b, a) : compareCodePoints(a, b))
  const command = newest ? 'ZREVRANGEBYLEX' : 'ZRANGEBYLEX'
  const budget = Math.ceil(BUDGET / keys.partitions.length)
  const args = [wanted, budget, version ?? '', workflow === undefined ? '' : quote(workflow), command, ...bounds]
  const indexes = keys.partitions.map((partition): Item => ({ partition, keys: [partition.list], args: [] }))
  const answers = await connection.run(SCAN, batch(indexes, connection.cluster, args))
  const listed: records.Listed[] = []
  let horizon: string | undefined
  for (const [stop, ...members] of answers.flat() as readonly (readonly string[])[]) {
    for (const member of members) listed.push(records.toListed(member))
    if (stop === undefined || stop === '') continue
    const { position } = records.toListed(stop)
    if (horizon === undefined || inOrder(position, horizon) < 0) horizon = position
  }
  listed.sort((a, b) => inOrder(a.position, b.position))
  const end = horizon
  return {
    horizon,
    listed: end === undefined ? listed : listed.filter((one) => inOrder(one.position, end) <= 0),
  }
}

async function readHeaders(
  connection: Connection,
  keys: Keys,
  listed: readonly records.Listed[],
): Promise<readonly (Header | undefined)[]> {
  const items = listed.map(({ id }): Item => {
    const partition = keys.partition(id)
    return { partition, keys: [instanceKey(partition, id)], args: [] }
  })
  const batches = batch(items, connection.cluster)
  const texts = unbatch(batches, await connection.run(HEADERS, batches), items.length)
  return texts.map((text, index) => (text === '' ? undefined : records.toHeader(listed[index]?.id ?? '', text)))
}
