/**
 * A store in the memory of one process: for tests and for what need not outlive it.
 *
 * @module polaris-workflow/stores/memory
 */
import { describeValue, PolarisError } from '../graph/errors.ts'
import { checkOptions } from '../graph/naming.ts'
import type {
  Append,
  Appended,
  Change,
  ClaimQuery,
  DataStore,
  Header,
  HistoryQuery,
  ListQuery,
  Mail,
  MetaQuery,
  MetaRecord,
  MetaWritten,
  Page,
  Removal,
  Row,
  Snapshot,
  StoreCapabilities,
  Written,
} from './contract.ts'
import { beginsAnew, isLeft } from './waking.ts'
import {
  addEntry,
  copyRow,
  differs,
  dropEntry,
  type Entry,
  giveHeader,
  type Memory,
  setHeader,
} from './memory/entries.ts'
import { append, mailAfter, noteOutcome, oddBody, prune, putMail, request, tell } from './memory/mail.ts'
import { listMeta, meta, pruneMeta, setMeta } from './memory/meta.ts'
import { remove } from './memory/removing.ts'
import { history, list, read } from './memory/reading.ts'

/** How {@link memoryStore} behaves. Everything may be left out. */
export interface MemoryOptions {
  /**
   * Behave as the durable stores do, so that tests find what those would refuse: values are encoded as text, every
   * commit is made, and nothing that was handed over or given out is shared. Default: false.
   */
  readonly strict?: boolean
  /** The store's clock, in milliseconds since the epoch: what leases are measured by. Default: `Date.now`. */
  readonly now?: () => number
}

/** The methods of {@link memoryStore} answer at once. */
export interface MemoryStore extends DataStore {
  read(id: string): Snapshot | undefined
  write(changes: readonly Change[]): readonly Written[]
  append(appends: readonly Append[]): readonly Appended[]
  remove(removals: readonly Removal[]): readonly Written[]
  mail(id: string, query: HistoryQuery): readonly Mail[]
  request(id: string, requestId: string): Mail | undefined
  claim(query: ClaimQuery): readonly Header[]
  list(query: ListQuery): Page<Header>
  history(id: string, query: HistoryQuery): readonly Row[]
  prune(handledBefore: number, limit: number): number
  meta(kind: string, key: string): MetaRecord | undefined
  setMeta(record: MetaRecord, expectedRevision: number | null): MetaWritten
  listMeta(kind: string, query: MetaQuery): readonly MetaRecord[]
  now?(): number
  subscribe(onMail: (id: string) => void): () => void
  close(): void
}

/**
 * A store in this process's memory: for tests, for short-lived work, and as the reference that other stores are measured
 * by. Everything is gone with the process, and histories grow for as long as it lives.
 */
export function memoryStore(options: MemoryOptions = {}): MemoryStore {
  checkOptions('memoryStore', options, ['strict', 'now'])
  const { strict = false, now } = options
  const capabilities: StoreCapabilities = { durable: strict, values: strict ? 'text' : 'live', lists: true }
  const memory: Memory = {
    entries: new Map(),
    order: [],
    unordered: false,
    gone: 0,
    waking: new Set(),
    metas: new Map(),
    strict,
    listeners: new Set(),
    now: now ?? Date.now,
  }
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
    append: (appends) => appends.map((each) => append(open(), each)),
    remove: (removals) => removals.map((each) => remove(open(), each)),
    mail: (id, query) => mailAfter(open(), id, query),
    request: (id, requestId) => request(open(), id, requestId),
    claim: (query) => claim(open(), query),
    list: (query) => list(open(), query),
    history: (id, query) => history(open(), id, query),
    ...(now !== undefined && { now }),
    prune(handledBefore, limit) {
      const pruned = prune(open(), handledBefore, limit)
      return pruned + pruneMeta(memory, limit - pruned)
    },
    meta: (kind, key) => meta(open(), kind, key),
    setMeta: (record, expectedRevision) => setMeta(open(), record, expectedRevision),
    listMeta: (kind, query) => listMeta(open(), kind, query),
    subscribe(onMail) {
      const listener = (id: string): void => onMail(id)
      open().listeners.add(listener)
      return () => memory.listeners.delete(listener)
    },
    close() {
      closed = true
      memory.entries.clear()
      memory.waking.clear()
      memory.metas.clear()
      memory.listeners.clear()
      memory.order = []
    },
  }
}

function write(memory: Memory, changes: readonly Change[]): readonly Written[] {
  if (memory.strict) return writeStrictly(memory, changes)
  const [only] = changes
  return changes.length === 1 ? [apply(memory, only as Change)] : changes.map((change) => apply(memory, change))
}

function writeStrictly(memory: Memory, changes: readonly Change[]): readonly Written[] {
  return changes.map((change) => {
    const error = findRefusal(change)
    return error === undefined ? apply(memory, copyChange(change)) : { ok: false, error }
  })
}

function apply(memory: Memory, change: Change): Written {
  const { expected, header, rows, mail } = change
  let entry = memory.entries.get(header.id)
  let current = entry?.header
  const stale = expected === null ? current !== undefined : current === undefined || differs(current, expected)
  if (stale || (mail !== undefined && entry?.requests?.has(mail.requestId) === true)) {
    return { ok: false, current: current && giveHeader(memory, current) }
  }
  if (entry !== undefined && beginsAnew(change)) {
    dropEntry(memory, entry)
    entry = current = undefined
  }
  const kept = expected !== null && expected.mailAppended === undefined
  const mailAppended = kept ? (current as Header).mailAppended : header.mailAppended
  const cancelling = current?.cancelling ?? 0
  const next = asItStands(memory, change, current, { mailAppended, cancelling })
  if (entry === undefined) entry = addEntry(memory, next, rows)
  else {
    setHeader(memory, entry, next)
    if (rows.length > 0) entry.added.push(rows)
  }
  noteMail(memory, entry, change)
  if (next.wakeAt !== null && isLeft(next, memory.now())) tell(memory, next.id)
  return { ok: true, mailAppended, cancelling }
}

function asItStands(
  memory: Memory,
  { header, lease }: Change,
  current: Header | undefined,
  own: Pick<Header, 'mailAppended' | 'cancelling'>,
): Header {
  const { holder, mailHandled, wakeAt } = header
  if (lease !== undefined) return { ...header, ...own, wakeAt: memory.now() + lease }
  if (holder !== null && current !== undefined) return { ...header, ...own, wakeAt: current.wakeAt }
  if (holder === null && own.mailAppended > mailHandled) return { ...header, ...own, wakeAt: memory.now() }
  const same = header.mailAppended === own.mailAppended && header.cancelling === own.cancelling
  return same ? header : { ...header, ...own, wakeAt }
}

function noteMail(memory: Memory, entry: Entry, { mail, handled }: Change): void {
  if (mail !== undefined) putMail(entry, mail)
  if (handled !== undefined) noteOutcome(memory, entry, handled)
}

function claim(memory: Memory, { holder, lease, limit, serves, ids }: ClaimQuery): Header[] {
  const now = memory.now()
  const due: Entry[] = []
  for (const entry of candidates(memory, ids)) {
    const { wakeAt, workflow, version } = entry.header
    if (wakeAt === null || wakeAt > now) continue
    if (serves.some((served) => served.workflow === workflow && served.version === version)) due.push(entry)
  }
  due.sort((a, b) => (a.header.wakeAt ?? 0) - (b.header.wakeAt ?? 0))
  return due.slice(0, limit).map((entry) => {
    const { header } = entry
    const { fence, claims } = header
    setHeader(memory, entry, { ...header, holder, fence: fence + 1, claims: claims + 1, wakeAt: now + lease })
    return giveHeader(memory, entry.header)
  })
}

function candidates({ entries, waking }: Memory, ids: readonly string[] | undefined): Iterable<Entry> {
  return ids === undefined ? waking : [...new Set(ids)].flatMap((id) => entries.get(id) ?? [])
}

function copyChange(change: Change): Change {
  return { ...change, header: { ...change.header }, rows: change.rows.map(copyRow) }
}

function findRefusal({ header, rows, mail }: Change): PolarisError | undefined {
  const odd = rows.find(({ value }) => value !== undefined && typeof value !== 'string')
  if (odd === undefined) return mail === undefined ? undefined : oddBody(header.id, mail.body)
  const message = `Row ${odd.seq} of instance '${header.id}' holds ${describeValue(odd.value)}; a store keeps text.`
  return new PolarisError('DATA_INVALID', message)
}
