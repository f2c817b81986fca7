import { describeValue, PolarisError } from '../graph/errors.ts'
import type {
  Change,
  DataStore,
  Header,
  HistoryQuery,
  ListQuery,
  Page,
  Row,
  Snapshot,
  StoreCapabilities,
  Written,
} from './contract.ts'
import { checkLimit, matcherOf, type Position, readCursor, writeCursor } from './paging.ts'

export interface MemoryOptions {
  /**
   * Behave as the durable stores do, so that tests find what those would refuse: values are encoded as text, every
   * commit is made, and nothing that was handed over or given out is shared. Default: false.
   */
  readonly strict?: boolean
}

interface Entry {
  header: Header
  /** In order of `seq`. */
  readonly rows: Row[]
  /** Rows of later changes, kept as they came: writing is frequent, reading is not. */
  added: (readonly Row[])[]
  /** Newest row of each place in order of `seq`, up to `indexed` rows; made when somebody reads. */
  places: Map<string, Row> | undefined
  indexed: number
}

interface Memory {
  readonly entries: Map<string, Entry>
  /** All entries by creation, ties by id, unless `unordered`. */
  order: Entry[]
  unordered: boolean
  readonly strict: boolean
}

/** The methods of {@link memoryStore} answer at once. */
export interface MemoryStore extends DataStore {
  read(id: string): Snapshot | undefined
  write(changes: readonly Change[]): readonly Written[]
  list(query: ListQuery): Page<Header>
  history(id: string, query: HistoryQuery): readonly Row[]
  close(): void
}

const WON: Written = { ok: true }

/**
 * A store in this process's memory: for tests, for short-lived work, and as the reference that other stores are measured
 * by. Everything is gone with the process, and histories grow for as long as it lives.
 */
export function memoryStore(options: MemoryOptions = {}): MemoryStore {
  const strict = options.strict ?? false
  const capabilities: StoreCapabilities = { durable: strict, values: strict ? 'text' : 'live' }
  const memory: Memory = { entries: new Map(), order: [], unordered: false, strict }
  let closed = false
  const open = (): Memory => {
    if (closed) throw new PolarisError('CLOSED', 'The memory store is closed.')
    return memory
  }
  return {
    name: 'memory',
    capabilities,
    read: (id) => read(open(), id),
    write: (changes) => write(open(), changes),
    list: (query) => list(open(), query),
    history: (id, query) => history(open(), id, query),
    close() {
      closed = true
      memory.entries.clear()
      memory.order = []
    },
  }
}

function write(memory: Memory, changes: readonly Change[]): readonly Written[] {
  const written: Written[] = []
  if (memory.strict) return writeStrictly(memory, changes)
  for (let index = 0; index < changes.length; index += 1) written.push(apply(memory, changes[index] as Change))
  return written
}

function writeStrictly(memory: Memory, changes: readonly Change[]): readonly Written[] {
  return changes.map((change) => {
    const error = findRefusal(change)
    return error === undefined ? apply(memory, copyChange(change)) : { ok: false, error }
  })
}

function apply(memory: Memory, { expected, header, rows }: Change): Written {
  const entry = memory.entries.get(header.id)
  if (expected === null) {
    if (entry !== undefined) return { ok: false, current: entry.header }
    insert(memory, { header, rows: [], added: [rows], places: undefined, indexed: 0 })
    return WON
  }
  if (entry === undefined) return { ok: false, current: undefined }
  const current = entry.header
  if (
    current.revision !== expected.revision ||
    current.fence !== expected.fence ||
    current.incarnation !== expected.incarnation
  ) {
    return { ok: false, current }
  }
  entry.header = header
  if (rows.length > 0) entry.added.push(rows)
  return WON
}

function insert(memory: Memory, entry: Entry): void {
  const { order, entries } = memory
  entries.set(entry.header.id, entry)
  // Clocks mostly move forward, so mostly the order is that of insertion; where it is not, the next list sorts.
  const last = order[order.length - 1]
  if (last !== undefined && compare(last.header, entry.header) > 0) memory.unordered = true
  order.push(entry)
}

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

function read(memory: Memory, id: string): Snapshot | undefined {
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

function list(memory: Memory, query: ListQuery): Page<Header> {
  checkLimit(query.limit)
  if (memory.unordered) {
    memory.order.sort((a, b) => compare(a.header, b.header))
    memory.unordered = false
  }
  const { order } = memory
  const matches = matcherOf(query)
  const items: Header[] = []
  for (let index = startOf(order, query); index < order.length; index += 1) {
    const { header } = order[index] as Entry
    if (query.createdBefore !== undefined && header.createdAt >= query.createdBefore) break
    if (!matches(header)) continue
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

function compare(a: Position, b: Position): number {
  if (a.createdAt !== b.createdAt) return a.createdAt - b.createdAt
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1
}

function history(memory: Memory, id: string, { after = 0, limit }: HistoryQuery): readonly Row[] {
  checkLimit(limit)
  const entry = memory.entries.get(id)
  const rows = entry === undefined ? [] : rowsOf(entry)
  const start = firstIndex(rows, ({ seq }) => seq > after)
  return rows.slice(start, start + limit).map((row) => giveRow(memory, row))
}

function giveHeader({ strict }: Memory, header: Header): Header {
  return strict ? { ...header } : header
}

function giveRow({ strict }: Memory, row: Row): Row {
  return strict ? copyRow(row) : row
}

function copyChange({ expected, header, rows }: Change): Change {
  return { expected, header: { ...header }, rows: rows.map(copyRow) }
}

/** Notes are plain JSON: what JSON would lose is lost here as well. */
function copyRow(row: Row): Row {
  const note = row.note === null ? null : (JSON.parse(JSON.stringify(row.note)) as Row['note'])
  return { ...row, inputs: [...row.inputs], note }
}

function findRefusal({ header, rows }: Change): PolarisError | undefined {
  const odd = rows.find(({ value }) => value !== undefined && typeof value !== 'string')
  if (odd === undefined) return undefined
  const message = `Row ${odd.seq} of instance '${header.id}' holds ${describeValue(odd.value)}; a store keeps text.`
  return new PolarisError('DATA_INVALID', message)
}
