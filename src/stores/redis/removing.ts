/** `remove`. */
import type { Removal, Written } from '../contract.ts'
import type { Item } from './calls.ts'
import type { Connection } from './connection.ts'
import { instanceKey, type Keys, mailKey, oldRowsKey } from './keys.ts'
import * as records from './records.ts'
import { REMOVE } from './scripts.ts'
import { prepare, send } from './writing.ts'

export async function remove(
  connection: Connection,
  keys: Keys,
  removals: readonly Removal[],
): Promise<readonly Written[]> {
  const { items, refused } = prepare(removals, (removal) => removalItem(keys, removal))
  const answers = await send(connection, keys, REMOVE, items)
  let next = 0
  return removals.map(({ id, tombstone }, index): Written => {
    const error = refused.get(index)
    if (error !== undefined) return { ok: false, error }
    const answer = answers[next++] ?? ''
    if (answer.startsWith('+')) return { ok: true, mailAppended: tombstone?.mailAppended ?? 0, cancelling: 0 }
    return { ok: false, current: answer.length < 2 ? undefined : records.toHeader(id, answer.slice(1)) }
  })
}

function removalItem(keys: Keys, { id, expected, tombstone }: Removal): Item {
  const partition = keys.partition(id)
  const { wake, list, handled } = partition
  return {
    partition,
    keys: [instanceKey(partition, id), oldRowsKey(partition, id), wake, list, mailKey(partition, id), handled],
    args: [
      records.packLine(id),
      `${expected.fence}`,
      records.versionLines(expected),
      expected.mailAppended ?? '',
      tombstone === undefined ? '' : records.headerText(tombstone),
      tombstone?.wakeAt ?? '',
      tombstone === undefined ? '' : records.memberOf(tombstone),
    ],
  }
}
