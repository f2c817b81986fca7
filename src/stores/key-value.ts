/**
 * A store around the two functions of any key-value client.
 *
 * @module polaris-workflow/stores/key-value
 */
import { PolarisError } from '../graph/errors.ts'
import { checkOptions } from '../graph/naming.ts'
import type { ClaimQuery, DataStore, Header, HistoryQuery, ListQuery, Page } from './contract.ts'
import { append, apply, claim, isDue, prune, remove, snapshotOf } from './key-value/document.ts'
import { type KeyValueFunctions, type KeyValueMedium, makeMedium } from './key-value/medium.ts'
import { makeMeta, pruneMeta } from './key-value/meta.ts'
import { isLeft } from './waking.ts'
import { checkLimit, matcherOf, type Position, readCursor, writeCursor } from './paging.ts'

export type { KeyValueFunctions } from './key-value/medium.ts'

/** The functions that {@link keyValueStore} works with, and how it behaves. */
export interface KeyValueOptions extends KeyValueFunctions {
  /** All keys begin with it. Default: `'polaris:'`. */
  readonly prefix?: string
  /** Whether what was written outlives the process. Default: true. */
  readonly durable?: boolean
  /** The store's clock, by which leases end and instances become due, in milliseconds. Default: `Date.now`. */
  readonly now?: () => number
}

/**
 * A store around any client that can get and set texts by key. One key holds one instance with all its history, and is
 * written whole with each commit.
 *
 * For one process; with `compareAndSet` for several. With `list`, workers can find what is due, by reading everything.
 * What the functions throw becomes `STORE_UNAVAILABLE`, with what was thrown as its `cause`.
 */
export function keyValueStore(options: KeyValueOptions): DataStore {
  checkOptions('keyValueStore', options, [
    'read',
    'write',
    'compareAndSet',
    'remove',
    'list',
    'prefix',
    'durable',
    'now',
  ])
  checkFunctions(options)
  const { prefix = 'polaris:', durable = true, now = Date.now } = options
  const medium = makeMedium(options, prefix)
  const listeners = new Set<(id: string) => void>()
  let closed = false
  const open = (): KeyValueMedium => {
    if (closed) throw new PolarisError('CLOSED', 'The key-value store is closed.')
    return medium
  }
  const tell = (id: string): void => {
    for (const listener of listeners) queueMicrotask(() => listeners.has(listener) && listener(id))
  }
  const subscribe = (onMail: (id: string) => void): (() => void) => {
    open()
    const listener = (id: string): void => onMail(id)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  return {
    name: 'key-value',
    capabilities: { durable, values: 'text', lists: options.list !== undefined },
    async read(id) {
      const document = await open().get(id)
      return document && snapshotOf(document)
    },
    ...makeSteps(open, tell, now),
    mail: async (id, query) => pageOf((await open().get(id))?.mail, query),
    history: async (id, query) => pageOf((await open().get(id))?.rows, query),
    async request(id, requestId) {
      const document = await open().get(id)
      return document?.mail.find((one) => one.requestId === requestId)
    },
    claim: async (query) => claimDue(open(), query, now),
    ...(options.now !== undefined && { now }),
    list: async (query) => listHeaders(open(), query),
    async prune(handledBefore, limit) {
      const pruned = await pruneAll(open(), handledBefore, limit)
      return pruned + (await pruneMeta(open(), limit - pruned, now))
    },
    ...makeMeta(open, now),
    // Between processes nobody would be told, and whoever relied on it would wait: there, all poll.
    ...(options.compareAndSet === undefined && { subscribe }),
    close() {
      closed = true
      listeners.clear()
    },
  }
}

function makeSteps(
  open: () => KeyValueMedium,
  tell: (id: string) => void,
  now: () => number,
): Pick<DataStore, 'write' | 'append' | 'remove'> {
  return {
    write: (changes) =>
      allOf(changes, async (change) => {
        const { id } = change.header
        let left = false
        const written = await open().take(id, (document) => {
          const step = apply(document, change, now())
          left = step.next != null && isLeft(step.next.header, now())
          return step
        })
        if (written.ok && (change.handled !== undefined || left)) tell(id)
        return written
      }),
    append: (appends) =>
      allOf(appends, async (one) => {
        const { id } = one.header
        const appended = await open().take(id, (document) => append(document, one, now()))
        if (appended.ok) tell(id)
        return appended
      }),
    remove: (removals) =>
      allOf(removals, async (removal) => {
        const removed = await open().take(removal.id, (document) => remove(document, removal))
        if (removed.ok) tell(removal.id)
        return removed
      }),
  }
}

function checkFunctions({ read, write, ...others }: KeyValueOptions): void {
  const { compareAndSet = read, remove: removes = read, list = read } = others
  const wrong = Object.entries({ read, write, compareAndSet, remove: removes, list }).find(
    ([, value]) => typeof value !== 'function',
  )
  if (wrong === undefined) return
  throw new PolarisError('OPTION_INVALID', `keyValueStore needs \`${wrong[0]}\` to be a function.`)
}

/** All at once; if some fail, only when every one has come to its end, so that nothing is at work behind the error. */
async function allOf<T, A>(items: readonly T[], work: (item: T) => Promise<A>): Promise<A[]> {
  const ends = await Promise.allSettled(items.map(work))
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason
    return end.value
  })
}

function pageOf<T extends { readonly seq: number }>(items: readonly T[] = [], { after = 0, limit }: HistoryQuery): T[] {
  checkLimit(limit)
  return items.filter(({ seq }) => seq > after).slice(0, limit)
}

async function claimDue(medium: KeyValueMedium, query: ClaimQuery, now: () => number): Promise<readonly Header[]> {
  checkLimit(query.limit)
  const { ids } = query
  const documents =
    ids === undefined ? await medium.all() : await Promise.all([...new Set(ids)].map((id) => medium.get(id)))
  const due = documents
    .flatMap((document) => (document !== undefined && isDue(document.header, query, now()) ? [document.header] : []))
    .sort((a, b) => Number(a.wakeAt) - Number(b.wakeAt))
    .slice(0, query.limit)
  const claimed = await allOf(due, ({ id }) => medium.take(id, (document) => claim(document, query, now())))
  return claimed.filter((header) => header !== undefined)
}

async function listHeaders(medium: KeyValueMedium, query: ListQuery): Promise<Page<Header>> {
  checkLimit(query.limit)
  const { cursor, limit } = query
  const behind = cursor === undefined ? undefined : readCursor(cursor)
  const matches = matcherOf(query)
  const inOrder = query.order === 'newest' ? (a: Position, b: Position): number => compare(b, a) : compare
  const items = (await medium.all())
    .map(({ header }) => header)
    .filter((header) => matches(header) && (behind === undefined || inOrder(header, behind) > 0))
    .sort(inOrder)
  const last = items[limit - 1]
  if (items.length <= limit || last === undefined) return { items }
  return { items: items.slice(0, limit), next: writeCursor(last) }
}

function compare(a: Position, b: Position): number {
  if (a.createdAt !== b.createdAt) return a.createdAt - b.createdAt
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1
}

async function pruneAll(medium: KeyValueMedium, handledBefore: number, limit: number): Promise<number> {
  checkLimit(limit)
  let pruned = 0
  for (const { header, mail } of await medium.all()) {
    if (pruned >= limit) break
    if (!mail.some(({ handledAt }) => handledAt !== null && handledAt < handledBefore)) continue
    pruned += await medium.take(header.id, (document) => prune(document, handledBefore, limit - pruned))
  }
  return pruned
}
