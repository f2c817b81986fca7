/** Meta records: each in a partition by its kind and key. */
import { isPolarisError } from '../../graph/errors.ts'
import type { MetaQuery, MetaRecord, MetaWritten } from '../contract.ts'
import { checkLimit, compareCodePoints } from '../paging.ts'
import { batch, type Item } from './calls.ts'
import type { Connection } from './connection.ts'
import { type Keys, metaIndexKey, metaKey, type Partition } from './keys.ts'
import { META_EXPIRED, META_GET, META_LIST, META_PRUNE, META_SET } from './meta-scripts.ts'
import * as records from './records.ts'

function partitionOf(keys: Keys, kind: string, key: string): Partition {
  return keys.partition(memberOf(kind, key))
}

/** Control characters are in neither. */
function memberOf(kind: string, key: string): string {
  return `${kind}\n${key}`
}

function metaText({ kind, key, revision, value, expiresAt }: MetaRecord): string {
  if (!Number.isFinite(revision + (expiresAt ?? 0))) {
    records.refuse(`the ${kind} record '${key}': it has a number that is none`)
  }
  return `${revision}\n${expiresAt ?? ''}\n${records.packText(value)}`
}

function toMeta(kind: string, key: string, text: string): MetaRecord {
  const [revision = '', expires = ''] = text.split('\n', 2)
  const value = records.unpack(text.slice(revision.length + expires.length + 2))
  return { kind, key, revision: Number(revision), value, expiresAt: expires === '' ? null : Number(expires) }
}

export async function meta(
  connection: Connection,
  keys: Keys,
  kind: string,
  key: string,
): Promise<MetaRecord | undefined> {
  const names = [metaKey(partitionOf(keys, kind, key), kind)]
  const [answer] = await connection.run(META_GET, [{ keys: names, args: [records.packLine(key)] }])
  return answer === '' ? undefined : toMeta(kind, key, answer as string)
}

export async function setMeta(
  connection: Connection,
  keys: Keys,
  record: MetaRecord,
  expectedRevision: number | null,
): Promise<MetaWritten> {
  const { kind, key, expiresAt } = record
  const partition = partitionOf(keys, kind, key)
  let text: string
  try {
    text = metaText(record)
  } catch (error) {
    if (isPolarisError(error, 'DATA_INVALID')) return { ok: false, error }
    throw error
  }
  const names = [metaKey(partition, kind), metaIndexKey(partition, kind), partition.expiry]
  const args = [records.packLine(key), expectedRevision ?? '', text, expiresAt ?? '', memberOf(kind, key)]
  const [answer] = (await connection.run(META_SET, [{ keys: names, args }])) as [string]
  if (answer === '+') return { ok: true }
  return { ok: false, current: answer.length < 2 ? undefined : toMeta(kind, key, answer.slice(1)) }
}

export async function listMeta(
  connection: Connection,
  keys: Keys,
  kind: string,
  { after, limit }: MetaQuery,
): Promise<readonly MetaRecord[]> {
  checkLimit(limit)
  const items = keys.partitions.map((partition): Item => ({
    partition,
    keys: [metaKey(partition, kind), metaIndexKey(partition, kind)],
    args: [],
  }))
  const low = after === undefined ? '-' : `(${records.packLine(after)}`
  const answers = await connection.run(META_LIST, batch(items, connection.cluster, [low, limit]))
  const found: MetaRecord[] = []
  for (const some of answers.flat() as readonly (readonly string[])[]) {
    for (let index = 0; index < some.length; index += 2) {
      found.push(toMeta(kind, records.unpack(some[index] ?? ''), some[index + 1] ?? ''))
    }
  }
  return found.sort((a, b) => compareCodePoints(a.key, b.key)).slice(0, limit)
}

/** Deletes up to `limit` that have expired; answers how many it were. */
export async function pruneMeta(connection: Connection, keys: Keys, limit: number): Promise<number> {
  const sets = keys.partitions.map((partition): Item => ({ partition, keys: [partition.expiry], args: [] }))
  const looks = batch(sets, connection.cluster, [limit])
  const answers = (await connection.run(META_EXPIRED, looks)).flat() as readonly (readonly string[])[]
  const partitions = looks.flatMap((look) => look.items)
  const items = answers.flatMap((members, index) => {
    const partition = keys.partitions[partitions[index] ?? 0] as Partition
    return members.map((member) => pruneItem(partition, member))
  })
  let deleted = 0
  if (items.length === 0) return deleted
  const batches = batch(items.slice(0, limit), connection.cluster)
  for (const count of await connection.run(META_PRUNE, batches)) deleted += count as number
  return deleted
}

function pruneItem(partition: Partition, member: string): Item {
  const end = member.indexOf('\n')
  const kind = member.slice(0, end)
  return {
    partition,
    keys: [metaKey(partition, kind), metaIndexKey(partition, kind), partition.expiry],
    args: [records.packLine(member.slice(end + 1)), member],
  }
}
