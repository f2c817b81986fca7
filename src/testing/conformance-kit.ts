/** What the cases of the conformance suite are made with. */
import { inspect, isDeepStrictEqual } from 'node:util'
import { isPolarisError } from '../index.ts'
import { decode, encode } from '../stores/codec.ts'
import type {
  Append,
  Appended,
  Awaitable,
  Change,
  ClaimQuery,
  DataStore,
  Expected,
  Header,
  ListQuery,
  Mail,
  Row,
  Written,
} from '../stores/contract.ts'

/** One case's own place in a medium: an own file, schema, key prefix or the like, empty at first. */
export interface Medium {
  /** A store on it. Called again, it gives another one on the same contents, as another process would have it. */
  open(): Awaitable<DataStore>
  /** Removes it. The stores that were opened are closed by then. */
  dispose(): Awaitable<void>
  /**
   * Moves the clock that leases and `wakeAt` go by, of every store on the medium, so many milliseconds on. Left out where
   * it is a server's own: cases then use leases of some milliseconds and ask until they are over.
   */
  advance?(ms: number): Awaitable<void>
}

export interface Kit {
  readonly store: DataStore
  /** One more store on the same medium. */
  readonly open: () => Promise<DataStore>
  /** One more store on the same medium, or the same one where a medium has no more. */
  readonly another: () => Promise<DataStore>
  /** A value as the store keeps it. */
  readonly keep: (value: unknown) => unknown
  /** The value back from what the store gave. */
  readonly value: (kept: unknown) => unknown
  /** A lease of so many milliseconds is one that a case can see the end of: see `later`. */
  readonly soon: number
  /** What `probe` answers once `soon` milliseconds of the store's clock have passed. */
  readonly later: <T>(what: string, probe: () => Awaitable<T | undefined>) => Promise<T>
  /** The medium's, if it has one. */
  readonly advance: ((ms: number) => Awaitable<void>) | undefined
}

/** What a case needs that not every store declares. */
export type Need = 'shared' | 'text' | 'lists' | 'unlisted' | 'subscribes' | 'clock' | 'tallies' | 'finds'

export interface CaseBody {
  readonly name: string
  readonly needs?: Need | readonly Need[]
  readonly run: (kit: Kit) => Promise<void>
}

export interface Group {
  readonly group: string
  readonly cases: readonly CaseBody[]
}

export async function useMedium(medium: Medium, shared: boolean, body: CaseBody['run']): Promise<void> {
  const opened: DataStore[] = []
  const open = async (): Promise<DataStore> => {
    const store = await medium.open()
    opened.push(store)
    return store
  }
  try {
    const store = await open()
    const text = store.capabilities.values === 'text'
    const advance = medium.advance?.bind(medium)
    const soon = advance === undefined ? 30 : 1_000
    await body({
      soon,
      advance,
      async later(what, probe) {
        await advance?.(soon + 1)
        return until(what, probe)
      },
      store,
      open,
      another: async () => (shared ? open() : store),
      keep: (value) => (text ? encode(value) : value),
      value: (kept) => (text ? decode(kept as string) : kept),
    })
  } finally {
    for (const store of opened) await store.close()
    await medium.dispose()
  }
}

/** What `probe` answers, asked until it is not `undefined`. */
export async function until<T>(what: string, probe: () => Awaitable<T | undefined>): Promise<T> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const answer = await probe()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) fail(`${what}: not within ten seconds`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export function fail(message: string): never {
  throw new Error(message)
}

export function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return
  const show = (value: unknown): string => inspect(value, { depth: 6, maxStringLength: 200, maxArrayLength: 20 })
  fail(`${what}: expected ${show(expected)}, got ${show(actual)}`)
}

export function holds(condition: boolean, what: string): void {
  if (!condition) fail(`${what}: it is not so`)
}

export async function refuses(code: string, what: string, call: () => unknown): Promise<void> {
  try {
    await call()
  } catch (error) {
    if (isPolarisError(error) && error.code === code) return
    fail(`${what}: expected a PolarisError with ${code}, got ${inspect(error)}`)
  }
  fail(`${what}: expected a PolarisError with ${code}, but it succeeded`)
}

export function header(id: string, fields: Partial<Header> = {}): Header {
  return {
    id,
    incarnation: 'i-1',
    revision: 1,
    fence: 1,
    workflow: 'ride',
    version: 1,
    fingerprint: 'f0',
    status: 'running',
    holder: null,
    wakeAt: null,
    mailAppended: 0,
    mailHandled: 0,
    cancelling: 0,
    scope: 1,
    pass: 1,
    mode: 'sequential',
    settled: 0,
    rows: 0,
    claims: 0,
    token: 't-1',
    createdAt: 1_700_000_000_000,
    updatedAt: 1_700_000_000_000,
    ...fields,
  }
}

export function row(seq: number, fields: Partial<Row> = {}): Row {
  return {
    seq,
    place: `d:${seq}`,
    scope: 1,
    pass: 1,
    builder: null,
    data: 'Order',
    outcome: 'fed',
    value: undefined,
    inputs: [],
    startedAt: 1_700_000_000_000 + seq,
    endedAt: 1_700_000_000_001 + seq,
    note: null,
    ...fields,
  }
}

/** Rows `from` to `to`, each at the place that `place` names. */
export function rowsOf(from: number, to: number, place: (seq: number) => string): Row[] {
  return Array.from({ length: to - from + 1 }, (_, index) => row(from + index, { place: place(from + index) }))
}

export function insertion(id: string, fields: Partial<Header> = {}, rows: readonly Row[] = []): Change {
  return { expected: null, header: header(id, fields), rows }
}

export function expectedOf({ incarnation, revision, fence }: Header): Expected {
  return { incarnation, revision, fence }
}

/** A change that applies to `before`: one revision further. */
export function update(before: Header, fields: Partial<Header> = {}, rows: readonly Row[] = []): Change {
  const { revision } = before
  const after = { ...before, revision: revision + 1, token: `t-${revision + 1}`, ...fields }
  return { expected: expectedOf(before), before, header: after, rows }
}

/** The answer to a change that applied, where the header's counter of mail is the store's. */
function won({ header: { mailAppended } }: Change): Written {
  return stood(mailAppended)
}

/** What a change that applied is answered. */
export function stood(mailAppended: number, cancelling = 0): Written {
  return { ok: true, mailAppended, cancelling }
}

/** Writes changes that must all apply. */
export async function put(store: DataStore, ...changes: readonly Change[]): Promise<void> {
  same(await store.write(changes), changes.map(won), 'what became of the changes')
}

export async function putOne(store: DataStore, change: Change): Promise<Header> {
  await put(store, change)
  return change.header
}

export async function snapshot(store: DataStore, id: string): Promise<{ header: Header; rows: readonly Row[] }> {
  return (await store.read(id)) ?? fail(`read(${JSON.stringify(id)}): expected the instance, got undefined`)
}

/** The instance is as described and nothing else. */
export async function stands(store: DataStore, expected: Header, seqs: readonly number[]): Promise<void> {
  const { header: found, rows } = await snapshot(store, expected.id)
  same(found, expected, `the header of '${expected.id}'`)
  const history = await store.history(expected.id, { limit: 1_000_000 })
  same(seqsOf(history), seqs, `the history of '${expected.id}'`)
  holds(rows.length <= history.length, 'read gives no more rows than there are')
}

export function seqsOf(rows: readonly Row[]): number[] {
  return rows.map(({ seq }) => seq)
}

/** All there is is this, where the store can tell. */
export async function listsAll(store: DataStore, ids: readonly string[]): Promise<void> {
  if (!store.capabilities.lists) return
  same((await walk(store, { limit: 3 })).sort(), [...ids].sort(), 'the list')
}

/** Ids of all pages, one after the other; `between` runs after each page. */
export async function walk(
  store: DataStore,
  query: ListQuery,
  between?: (page: number) => Promise<void>,
): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  for (let page = 1; page <= 10_000; page += 1) {
    const answer = await store.list(cursor === undefined ? query : { ...query, cursor })
    holds(answer.items.length <= query.limit, `page ${page} holds at most ${query.limit}`)
    ids.push(...answer.items.map(({ id }) => id))
    if (answer.next === undefined) return ids
    await between?.(page)
    cursor = answer.next
  }
  return fail('list: 10,000 pages without an end')
}

/** An append of a delta to the instance, which is made if need be. */
export function delta(id: string, requestId: string, fields: Omit<Partial<Append>, 'mail'> = {}): Append {
  const mail = {
    requestId,
    mode: 'sequential',
    hash: 'h0',
    body: `of ${requestId}`,
    appendedAt: 1_700_000_000_000,
  } as const
  return { header: header(id, { status: 'waiting', token: `a-${requestId}` }), mail, ...fields }
}

/** The mail that an append put in, while it waits. */
export function waiting({ mail }: Append, seq: number): Mail {
  return { ...mail, seq, outcome: null, handledAt: null }
}

/** Appends what must be accepted; answers the header. */
export async function post(store: DataStore, ...appends: readonly Append[]): Promise<Header> {
  const answers = await store.append(appends)
  const last = answers[answers.length - 1]
  if (answers.length === appends.length && answers.every(({ ok }) => ok) && last?.ok) return last.header
  return fail(`append: expected all to be accepted, got ${inspect(answers, { depth: 4 })}`)
}

/** The `seq` of mail that was accepted; what else became of it in short. */
export function brief(answer: Appended | undefined): number | string {
  if (answer === undefined) return 'no answer'
  if (answer.ok) return answer.seq
  if ('known' in answer) return `known ${answer.known.seq}`
  if ('error' in answer) return `error ${answer.error.code}`
  return answer.current === undefined ? 'not there' : 'refused'
}

export const LONG = 3_600_000

/** Claims for an hour what is due of workflow 'ride'. */
export async function claim(store: DataStore, fields: Partial<ClaimQuery> = {}): Promise<readonly Header[]> {
  const serves = [{ workflow: 'ride', version: 1 }]
  return store.claim({ holder: 'w-1', lease: LONG, limit: 1_000, serves, ...fields })
}

/** Claims the instance if it is due, wherever instances cannot be listed too. */
export async function claimOne(
  store: DataStore,
  id: string,
  fields: Partial<ClaimQuery> = {},
): Promise<Header | undefined> {
  const claimed = await claim(store, { ids: [id], ...fields })
  holds(claimed.length <= 1, `a claim of one id gives at most one instance`)
  return claimed[0]
}

/** The instance is due now: it can be claimed. It is claimed then. */
export async function isDue(store: DataStore, id: string): Promise<Header> {
  return (await claimOne(store, id)) ?? fail(`'${id}' is due: a claim did not give it`)
}

export async function isNotDue(store: DataStore, id: string): Promise<void> {
  same(await claimOne(store, id), undefined, `a claim of '${id}', which is not due`)
}

/** Waits for all, then fails with what one of them failed with: none is left at work behind a case that failed. */
export async function all<T extends readonly unknown[] | []>(
  tasks: T,
): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  await Promise.allSettled(tasks)
  return Promise.all(tasks)
}

/** Lets others have their turn, also where answers come at once. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** `i-000`, `i-001` and so on. */
export function named(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(3, '0')}`)
}

export function oneToN(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}
