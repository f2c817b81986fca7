import type { Header, HistoryQuery, ListQuery, Page, Row, Snapshot } from '../contract.ts'
import { checkLimit, matcherOf, readCursor, writeCursor } from '../paging.ts'
import { compare, copyRow, type Entry, giveHeader, type Memory } from './entries.ts'

/** The rows of an entry in order of `seq`, with those that came since somebody last asked put in their places. */
function rowsOf(entry: Entry): readonly Row[] {
  const { added, rows } = entry
  if (added.length === 0) return rows
  let ordered = true
  for (const some of added) {
    for (const row of some) {
      if (row.seq < (rows.at(-1)?.seq ?? 0)) ordered = false
      rows.push(row)
    }
  }
  entry.added = []
  if (ordered) return rows
  entry.places = undefined
  entry.indexed = 0
  return rows.sort((a, b) => a.seq - b.seq)
}

export function read(memory: Memory, id: string): Snapshot | undefined {
  const entry = memory.entries.get(id)
  if (entry === undefined) return undefined
  const { header } = entry
  const rows = rowsOf(entry)
  const places = (entry.places ??= new Map<string, Row>())
  for (; entry.indexed < rows.length; entry.indexed += 1) {
    const row = rows[entry.indexed] as Row
    // Deleted first, so that the map's order is that of the newest rows.
    places.delete(row.place)
    places.set(row.place, row)
  }
  return { header: giveHeader(memory, header), rows: Array.from(places.values(), (row) => giveRow(memory, row)) }
}

export function list(memory: Memory, query: ListQuery): Page<Header> {
  checkLimit(query.limit)
  if (memory.unordered) {
    memory.order.sort((a, b) => compare(a.header, b.header))
    memory.unordered = false
  }
  const { order } = memory
  const matches = matcherOf(query)
  const items: Header[] = []
  for (let index = startOf(order, query); index < order.length; index += 1) {
    const { header, gone } = order[index] as Entry
    if (query.createdBefore !== undefined && header.createdAt >= query.createdBefore) break
    if (gone || !matches(header)) continue
    const last = items[query.limit - 1]
    if (last !== undefined) return { items, next: writeCursor(last) }
    items.push(giveHeader(memory, header))
  }
  return { items }
}

/** Index of the first entry that the page could hold. */
function startOf(order: readonly Entry[], { cursor, createdFrom = -Infinity }: ListQuery): number {
  const behind = cursor === undefined ? undefined : readCursor(cursor)
  return firstIndex(
    order,
    ({ header }) => header.createdAt >= createdFrom && (behind === undefined || compare(header, behind) > 0),
  )
}

/** Index of the first item that passes, where all behind one that passes do so too: found by halving. */
function firstIndex<T>(items: readonly T[], passes: (item: T) => boolean): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (passes(items[middle] as T)) high = middle
    else low = middle + 1
  }
  return low
}

export function history(memory: Memory, id: string, { after = 0, limit }: HistoryQuery): readonly Row[] {
  checkLimit(limit)
  const entry = memory.entries.get(id)
  const rows = entry === undefined ? [] : rowsOf(entry)
  const start = firstIndex(rows, ({ seq }) => seq > after)
  return rows.slice(start, start + limit).map((row) => giveRow(memory, row))
}

function giveRow({ strict }: Memory, row: Row): Row {
  return strict ? copyRow(row) : row
}
