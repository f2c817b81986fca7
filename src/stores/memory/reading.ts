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
  const [start, end] = spanOf(order, query)
  const newest = query.order === 'newest'
  for (let n = 0; n < end - start; n += 1) {
    const { header, gone } = order[newest ? end - 1 - n : start + n] as Entry
    if (gone || !matches(header)) continue
    const last = items[query.limit - 1]
    if (last !== undefined) return { items, next: writeCursor(last) }
    items.push(giveHeader(memory, header))
  }
  return { items }
}

/** Between which indexes the entries lie that the page could hold, the second one exclusive. */
function spanOf(order: readonly Entry[], query: ListQuery): readonly [number, number] {
  const { cursor, createdFrom = -Infinity, createdBefore = Infinity } = query
  const position = cursor === undefined ? undefined : readCursor(cursor)
  const newest = query.order === 'newest'
  const start = firstIndex(
    order,
    ({ header }) =>
      header.createdAt >= createdFrom && (position === undefined || newest || compare(header, position) > 0),
  )
  const end = firstIndex(
    order,
    ({ header }) =>
      header.createdAt >= createdBefore || (position !== undefined && newest && compare(header, position) >= 0),
  )
  return [start, end]
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
