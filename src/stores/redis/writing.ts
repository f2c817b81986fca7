/** `write`, `append` and `prune`. */
import { isPolarisError, type PolarisError } from '../../graph/errors.ts'
import { quote } from '../codec.ts'
import type { Append, Appended, Change, Handled, Row, Written } from '../contract.ts'
import { checkLimit } from '../paging.ts'
import { beginsAnew } from '../waking.ts'
import { batch, type Item, unbatch } from './calls.ts'
import type { Connection } from './connection.ts'
import { translate } from './failure.ts'
import { instanceKey, type Keys, mailKey, oldRowsKey } from './keys.ts'
import * as records from './records.ts'
import { APPEND, HANDLED, PRUNE, WRITE } from './scripts.ts'

export async function write(
  connection: Connection,
  keys: Keys,
  changes: readonly Change[],
): Promise<readonly Written[]> {
  const { items, refused } = prepare(changes, (change) => changeItem(keys, change))
  const answers = await send(connection, keys, WRITE, items)
  let next = 0
  return changes.map(({ header }, index): Written => {
    const error = refused.get(index)
    if (error !== undefined) return { ok: false, error }
    const answer = answers[next++] ?? ''
    if (answer.startsWith('+')) return { ok: true, ...records.readCounters(answer.slice(1)) }
    const current = answer.slice(1)
    return { ok: false, current: current === '' ? undefined : records.toHeader(header.id, current) }
  })
}

export async function append(
  connection: Connection,
  keys: Keys,
  appends: readonly Append[],
): Promise<readonly Appended[]> {
  const { items, refused } = prepare(appends, (one) => appendItem(keys, one))
  const answers = await send(connection, keys, APPEND, items)
  let next = 0
  return appends.map(({ header }, index): Appended => {
    const error = refused.get(index)
    if (error !== undefined) return { ok: false, error }
    const answer = answers[next++] ?? ''
    const text = answer.slice(1)
    if (answer.startsWith('=')) return { ok: false, known: records.toMail(text) }
    if (answer.startsWith('-')) {
      return { ok: false, current: text === '' ? undefined : records.toHeader(header.id, text) }
    }
    const end = text.indexOf('\n')
    return { ok: true, seq: Number(text.slice(0, end)), header: records.toHeader(header.id, text.slice(end + 1)) }
  })
}

/** Goes through the partitions in rounds; each takes its share of what is still to be deleted. */
export async function prune(connection: Connection, keys: Keys, before: number, limit: number): Promise<number> {
  checkLimit(limit)
  const partitions = keys.partitions.map((partition): Item => ({ partition, keys: [partition.handled], args: [] }))
  for (let deleted = 0; ;) {
    const share = Math.ceil((limit - deleted) / partitions.length)
    const looks = batch(partitions, connection.cluster, [before, share])
    const found = (await connection.run(HANDLED, looks)).flat() as readonly (readonly string[])[]
    const partitionOf = looks.flatMap((look) => look.items)
    const items = found.flatMap((members, index) => {
      const partition = keys.partitions[partitionOf[index] ?? 0]
      return partition === undefined ? [] : members.map((member) => pruneItem(partition, member))
    })
    if (items.length === 0) return deleted
    const batches = batch(items.slice(0, limit - deleted), connection.cluster, [before])
    for (const count of await connection.run(PRUNE, batches)) deleted += count as number
    if (deleted >= limit) return deleted
  }
}

function pruneItem(partition: Item['partition'], member: string): Item {
  const end = member.indexOf('\0')
  const id = member.slice(end + 1)
  return {
    partition,
    keys: [mailKey(partition, records.unpack(id)), partition.handled],
    args: [member.slice(0, end), id],
  }
}

/** Those that can be sent, and by index those that hold what Redis cannot keep. */
export function prepare<T>(
  all: readonly T[],
  toItem: (one: T) => Item,
): { readonly items: readonly Item[]; readonly refused: ReadonlyMap<number, PolarisError> } {
  const items: Item[] = []
  const refused = new Map<number, PolarisError>()
  for (const [index, one] of all.entries()) {
    try {
      items.push(toItem(one))
    } catch (error) {
      if (!isPolarisError(error, 'DATA_INVALID')) throw error
      refused.set(index, error)
    }
  }
  return { items, refused }
}

export async function send(
  connection: Connection,
  keys: Keys,
  script: typeof WRITE,
  items: readonly Item[],
): Promise<readonly string[]> {
  const batches = batch(items, connection.cluster, [keys.channel])
  const answers = unbatch(batches, await connection.run(script, batches), items.length)
  const failed = answers.find((answer) => answer.startsWith('!'))
  if (failed !== undefined) throw translate(new Error(failed.slice(1)))
  return answers
}

function changeItem(keys: Keys, change: Change): Item {
  const { expected, header, rows, lease, mail } = change
  const { id, holder, wakeAt } = header
  const partition = keys.partition(id)
  const { newest, older } = sortRows(id, rows)
  const handled = outcomeOf(change)
  const names = [instanceKey(partition, id), oldRowsKey(partition, id), partition.wake, partition.list]
  if (mail !== undefined || handled !== undefined) names.push(mailKey(partition, id), partition.handled)
  const args: (string | number)[] = [
    0,
    names.length,
    records.positionOf(header),
    expected === null ? '' : `${expected.fence}`,
    expected === null ? '' : records.versionLines(expected),
    expected?.mailAppended ?? '',
    lease ?? '',
    header.mailAppended,
    wakeAt ?? '',
    records.headerTail(header),
    header.mailHandled,
    holder === null ? 1 : 0,
    records.kindLines(header),
    newest.length / 2,
    older.length / 2,
    mail?.seq ?? '',
    handled?.seq ?? '',
    beginsAnew(change) ? 1 : 0,
    ...newest,
    ...older,
  ]
  if (mail !== undefined) {
    args.push(records.requestField(mail.requestId), `${mail.seq}\n${records.mailText(id, mail)}`)
  }
  if (handled !== undefined) args.push(records.outcomeText(handled.outcome, handled.at), handled.at)
  args[0] = args.length
  return { partition, keys: names, args }
}

function outcomeOf({ handled, mail }: Change): Handled | undefined {
  if (handled !== undefined || mail?.outcome == null) return handled
  return { seq: mail.seq, outcome: mail.outcome, at: mail.handledAt ?? mail.appendedAt }
}

/** Of each place the newest of these rows, and the others: fields and texts in turn. */
function sortRows(id: string, rows: readonly Row[]): { readonly newest: string[]; readonly older: string[] } {
  const newest: string[] = []
  const older: string[] = []
  const [only] = rows
  if (rows.length === 1 && only !== undefined) {
    newest.push(records.placeField(only.place), records.rowLines(id, only))
    return { newest, older }
  }
  const places = new Map<string, Row>()
  for (const row of rows) {
    const other = places.get(row.place)
    if (other === undefined || other.seq < row.seq) places.set(row.place, row)
  }
  for (const row of rows) {
    const field = records.placeField(row.place)
    const text = records.rowLines(id, row)
    if (places.get(row.place) === row) newest.push(field, text)
    else older.push(`${row.seq}`, records.oldRowText(field, text))
  }
  return { newest, older }
}

function appendItem(keys: Keys, { header, expect, cancels, mail }: Append): Item {
  const { id } = header
  const partition = keys.partition(id)
  return {
    partition,
    keys: [instanceKey(partition, id), mailKey(partition, id), partition.wake, partition.list],
    args: [
      records.packLine(id),
      expect ?? '',
      quote(header.workflow),
      records.headerTail(header),
      records.memberOf(header),
      records.requestField(mail.requestId),
      records.mailText(id, mail),
      cancels ? 1 : 0,
    ],
  }
}
