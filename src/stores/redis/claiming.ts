/** `claim`: looks who is due the longest, then takes those over one by one. */
import type { ClaimQuery, Header } from '../contract.ts'
import { quote } from '../codec.ts'
import { checkLimit } from '../paging.ts'
import { batch, type Item, unbatch } from './calls.ts'
import type { Connection } from './connection.ts'
import { translate } from './failure.ts'
import { instanceKey, type Keys } from './keys.ts'
import * as records from './records.ts'
import { HEADERS } from './reading-scripts.ts'
import { CLAIM, DUE } from './scripts.ts'

interface Due {
  readonly wakeAt: number
  readonly id: string
}

/** At most this many members of each wake set in one answer, however many of them are not served. */
const MOST_LOOKED_AT = 1_000

export async function claim(connection: Connection, keys: Keys, query: ClaimQuery): Promise<readonly Header[]> {
  checkLimit(query.limit)
  if (query.serves.length === 0) return []
  const kinds = query.serves.map(({ workflow, version }) => records.kindOf(workflow, version))
  const claimed: { readonly wakeAt: number; readonly header: Header }[] = []
  let due =
    query.ids === undefined ? await findDue(connection, keys, kinds, query.limit) : await pick(connection, keys, query)
  // What another process was faster with is made up for by those that are due next.
  while (due.length > 0 && claimed.length < query.limit) {
    const some = due.slice(0, query.limit - claimed.length)
    due = due.slice(some.length)
    claimed.push(...(await take(connection, keys, query, kinds, some)))
  }
  return claimed.sort((a, b) => a.wakeAt - b.wakeAt).map(({ header }) => header)
}

/** The ids asked for; if they are more than the limit, those first that are due the longest. */
async function pick(connection: Connection, keys: Keys, { ids = [], limit }: ClaimQuery): Promise<readonly Due[]> {
  const wanted = [...new Set(ids)]
  if (wanted.length <= limit) return wanted.map((id) => ({ wakeAt: 0, id }))
  const items = wanted.map((id): Item => {
    const partition = keys.partition(id)
    return { partition, keys: [instanceKey(partition, id)], args: [] }
  })
  const batches = batch(items, connection.cluster)
  const texts = unbatch(batches, await connection.run(HEADERS, batches), items.length)
  const due: Due[] = []
  for (const [index, id] of wanted.entries()) {
    const text = texts[index] ?? ''
    const wakeAt = text === '' ? null : records.toHeader(id, text).wakeAt
    if (wakeAt !== null) due.push({ wakeAt, id })
  }
  return due.sort((a, b) => a.wakeAt - b.wakeAt)
}

/**
 * Those due the longest in all partitions. A few of each partition are looked at first, since they are spread evenly;
 * more where one partition may hold more of the oldest, or what was found is not served.
 */
async function findDue(
  connection: Connection,
  keys: Keys,
  kinds: readonly string[],
  limit: number,
): Promise<readonly Due[]> {
  const sets = keys.partitions.map((partition): Item => ({ partition, keys: [partition.wake], args: [] }))
  let width = 2 + Math.ceil((4 * limit) / sets.length)
  for (;;) {
    const answers = await connection.run(DUE, batch(sets, connection.cluster, [width, ...kinds]))
    const due: Due[] = []
    /** Up to here all partitions were looked through. */
    let horizon = Infinity
    for (const answer of answers as readonly (readonly string[])[]) {
      for (let index = 0; index < answer.length; index += 2) {
        const wakeAt = Number(answer[index])
        const member = answer[index + 1] ?? ''
        if (member === '') horizon = Math.min(horizon, wakeAt)
        else due.push({ wakeAt, id: records.wokenId(member) })
      }
    }
    due.sort((a, b) => a.wakeAt - b.wakeAt)
    const last = due[limit - 1]
    if (horizon === Infinity || (last !== undefined && last.wakeAt <= horizon)) return due
    if (width >= MOST_LOOKED_AT && due.length > 0) return due
    width *= 4
  }
}

async function take(
  connection: Connection,
  keys: Keys,
  { holder, lease }: ClaimQuery,
  kinds: readonly string[],
  due: readonly Due[],
): Promise<{ wakeAt: number; header: Header }[]> {
  const items = due.map(({ id }): Item => {
    const partition = keys.partition(id)
    return { partition, keys: [instanceKey(partition, id), partition.wake], args: [records.packLine(id)] }
  })
  const first = [lease, quote(holder), kinds.length, ...kinds]
  const batches = batch(items, connection.cluster, first)
  const answers = unbatch(batches, await connection.run(CLAIM, batches), items.length)
  return answers.flatMap((answer, index) => {
    if (answer.startsWith('!')) throw translate(new Error(answer.slice(1)))
    if (!answer.startsWith('+')) return []
    const end = answer.indexOf('\n')
    const header = records.toHeader(due[index]?.id ?? '', answer.slice(end + 1))
    return [{ wakeAt: Number(answer.slice(1, end)), header }]
  })
}
