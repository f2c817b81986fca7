/** How items are put together into calls: as few as the server allows. */
import type { Call } from './connection.ts'
import type { Partition } from './keys.ts'

/** What one item adds to a call. */
export interface Item {
  readonly partition: Partition
  readonly keys: readonly string[]
  readonly args: readonly (string | number)[]
}

export interface Batch extends Call {
  /** Index of each item, in the order of its answer. */
  readonly items: readonly number[]
}

/** A script runs alone: more items in one would keep everybody else waiting. 64 changes take the server about a millisecond. */
const MOST_ITEMS = 64
const MOST_CHARACTERS = 1_000_000

/**
 * Items in calls of the same script. On a cluster a call keeps to one partition; on a single server it takes what comes.
 * Items of one partition stay in order.
 *
 * @param first arguments in front of those of the items
 */
export function batch(items: readonly Item[], cluster: boolean, first: readonly (string | number)[] = []): Batch[] {
  const batches: (Batch & { keys: string[]; args: (string | number)[]; items: number[] })[] = []
  const open = new Map<number, { readonly at: number; size: number }>()
  for (const [index, { partition, keys, args }] of items.entries()) {
    const group = cluster ? partition.index : 0
    let size = 0
    for (const arg of args) size += typeof arg === 'string' ? arg.length : 8
    let current = open.get(group)
    let target = current && batches[current.at]
    if (!current || !target || target.items.length >= MOST_ITEMS || current.size + size > MOST_CHARACTERS) {
      target = { keys: [], args: [...first], items: [] }
      current = { at: batches.push(target) - 1, size: 0 }
      open.set(group, current)
    }
    current.size += size
    for (const key of keys) target.keys.push(key)
    for (const arg of args) target.args.push(arg)
    target.items.push(index)
  }
  return batches
}

/** The answers of batches in the order of their items. */
export function unbatch(batches: readonly Batch[], answers: readonly unknown[], count: number): string[] {
  const ordered = new Array<string>(count).fill('')
  for (const [index, { items }] of batches.entries()) {
    const some = answers[index] as readonly string[]
    for (const [place, item] of items.entries()) ordered[item] = some[place] ?? ''
  }
  return ordered
}
