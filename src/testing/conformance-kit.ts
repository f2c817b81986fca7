/** What the cases of the conformance suite are made with. */
import { inspect, isDeepStrictEqual } from 'node:util'
import { isPolarisError } from '../index.ts'
import { decode, encode } from '../stores/codec.ts'
import type { Awaitable, Change, DataStore, Header, ListQuery, Row, Written } from '../stores/contract.ts'

/** One case's own place in a medium: an own file, schema, key prefix or the like, empty at first. */
export interface Medium {
  /** A store on it. Called again, it gives another one on the same contents, as another process would have it. */
  open(): Awaitable<DataStore>
  /** Removes it. The stores that were opened are closed by then. */
  dispose(): Awaitable<void>
}

export interface Kit {
  readonly store: DataStore
  /** One more store on the same medium. */
  readonly open: () => Promise<DataStore>
  /** A value as the store keeps it. */
  readonly keep: (value: unknown) => unknown
  /** The value back from what the store gave. */
  readonly value: (kept: unknown) => unknown
}

/** What a case needs that not every store declares. */
export type Need = 'shared' | 'text'

export interface CaseBody {
  readonly name: string
  readonly needs?: Need
  readonly run: (kit: Kit) => Promise<void>
}

export interface Group {
  readonly group: string
  readonly cases: readonly CaseBody[]
}

export async function useMedium(medium: Medium, body: (kit: Kit) => Promise<void>): Promise<void> {
  const opened: DataStore[] = []
  const open = async (): Promise<DataStore> => {
    const store = await medium.open()
    opened.push(store)
    return store
  }
  try {
    const store = await open()
    const text = store.capabilities.values === 'text'
    await body({
      store,
      open,
      keep: (value) => (text ? encode(value) : value),
      value: (kept) => (text ? decode(kept as string) : kept),
    })
  } finally {
    for (const store of opened) await store.close()
    await medium.dispose()
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
    wakeAt: null,
    mailAppended: 0,
    mailHandled: 0,
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

/** A change that applies to `before`: one revision further. */
export function update(before: Header, fields: Partial<Header> = {}, rows: readonly Row[] = []): Change {
  const { incarnation, revision, fence } = before
  const after = { ...before, revision: revision + 1, token: `t-${revision + 1}`, ...fields }
  return { expected: { incarnation, revision, fence }, header: after, rows }
}

/** Writes changes that must all apply. */
export async function put(store: DataStore, ...changes: readonly Change[]): Promise<void> {
  const written = await store.write(changes)
  same(written, new Array<Written>(changes.length).fill({ ok: true }), 'what became of the changes')
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
