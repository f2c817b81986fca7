import type { Expected, Header, Mail, Row } from '../contract.ts'
import type { Position } from '../paging.ts'
import type { MetaRecords } from './meta.ts'

export interface Entry {
  /** The newest there was, also of an entry that is gone. */
  header: Header
  gone: boolean
  /** In order of `seq`. */
  readonly rows: Row[]
  /** Rows of later changes, kept as they came: writing is frequent, reading is not. */
  added: (readonly Row[])[]
  /** Newest row of each place in order of `seq`, up to `indexed` rows; made when somebody reads. */
  places: Map<string, Row> | undefined
  indexed: number
  /** By `seq`, in its order. */
  mail: Map<number, Mail> | undefined
  /** `seq` by request id. */
  requests: Map<string, number> | undefined
}

export interface Memory {
  readonly entries: Map<string, Entry>
  /** All entries by creation, ties by id, unless `unordered`; and some that are `gone`, whose number is kept. */
  order: Entry[]
  unordered: boolean
  gone: number
  /** Those with a `wakeAt`. */
  readonly waking: Set<Entry>
  readonly metas: MetaRecords
  readonly strict: boolean
  readonly listeners: Set<(id: string) => void>
  now(): number
}

export function compare(a: Position, b: Position): number {
  if (a.createdAt !== b.createdAt) return a.createdAt - b.createdAt
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1
}

export function addEntry(memory: Memory, header: Header, rows: readonly Row[] = []): Entry {
  const entry: Entry = {
    header,
    gone: false,
    rows: [],
    added: [rows],
    places: undefined,
    indexed: 0,
    mail: undefined,
    requests: undefined,
  }
  const { order, entries } = memory
  entries.set(header.id, entry)
  // Clocks mostly move forward, so mostly the order is that of insertion; where it is not, the next list sorts.
  const last = order[order.length - 1]
  if (last !== undefined && compare(last.header, header) > 0) memory.unordered = true
  order.push(entry)
  if (header.wakeAt !== null) memory.waking.add(entry)
  return entry
}

export function setHeader(memory: Memory, entry: Entry, header: Header): void {
  if (header.wakeAt === null) {
    if (entry.header.wakeAt !== null) memory.waking.delete(entry)
  } else if (entry.header.wakeAt === null) memory.waking.add(entry)
  entry.header = header
}

/** Takes an entry out. To find its place in the order would take long: now and then all that are gone leave together. */
export function dropEntry(memory: Memory, entry: Entry): void {
  memory.entries.delete(entry.header.id)
  memory.waking.delete(entry)
  entry.gone = true
  memory.gone += 1
  if (memory.gone <= 100 || memory.gone * 2 < memory.order.length) return
  memory.order = memory.order.filter(({ gone }) => !gone)
  memory.gone = 0
}

export function differs(current: Header, { incarnation, revision, fence, mailAppended }: Expected): boolean {
  return (
    current.revision !== revision ||
    current.fence !== fence ||
    current.incarnation !== incarnation ||
    (mailAppended !== undefined && current.mailAppended !== mailAppended)
  )
}

/** What is handed out of a strict memory is nobody else's. */
export function giveHeader({ strict }: Memory, header: Header): Header {
  return strict ? { ...header } : header
}

/** Notes are plain JSON: what JSON would lose is lost here as well. */
export function copyRow(row: Row): Row {
  const note = row.note === null ? null : (JSON.parse(JSON.stringify(row.note)) as Row['note'])
  return { ...row, inputs: [...row.inputs], note }
}
