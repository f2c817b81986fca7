import { checkOption } from '../../graph/naming.ts'
import type { DataStore, Header, ListQuery, Page, Snapshot } from '../../stores/contract.ts'
import { breathe } from './counts.ts'
import { summarise } from './inspect.ts'
import type { InstanceSummary } from './views.ts'
import { readLiving } from '../instances/living.ts'

/** What instances are looked for by, besides what stores have an index for. */
export interface SearchTerms {
  /** What the id begins with. The instances come in order of ids then, where the store has that order. */
  readonly prefix?: string
  /** Only those that wait for this data; each says all that it waits for. */
  readonly waitingFor?: string
}

export interface SearchQuery extends Omit<ListQuery, 'limit'>, SearchTerms {
  readonly limit: number
}

/** An instance, and what it waits for if that was asked. */
export interface FoundInstance extends InstanceSummary {
  readonly waitingFor?: readonly string[]
}

/** A page of a search may be short, even empty, and still have a next one: it says how far it has looked. */
export interface SearchPage extends Page<FoundInstance> {
  readonly looked: number
}

/** What an instance waits for; `undefined` where this process does not serve its version. */
export type Lacks = (snapshot: Snapshot) => readonly string[] | undefined

/** So many headers are looked at for one page, and so many instances read. */
const MOST_HEADERS = 5_000
const MOST_READS = 500
const AT_ONCE = 32

/** @throws `OPTION_INVALID` */
export function checkTerms({ prefix, waitingFor }: { readonly [K in keyof SearchTerms]?: unknown }): void {
  const isText = (value: unknown): boolean => value === undefined || (typeof value === 'string' && value !== '')
  checkOption('prefix', isText(prefix), 'what ids begin with', prefix)
  checkOption('waitingFor', isText(waitingFor), 'the name of a data', waitingFor)
}

/**
 * Goes through instances in bounded pages. What an instance waits for stands in no index: it changes with every commit, and an
 * index on the status alone costs 15 to 40 % of them.
 */
export async function search(store: DataStore, query: SearchQuery, lacks: Lacks): Promise<SearchPage> {
  const { prefix, waitingFor, limit } = query
  // A page of the store is taken whole, so that its cursor leads on.
  const size = Math.max(1, Math.ceil(limit / 4))
  const most = waitingFor === undefined ? MOST_HEADERS : MOST_READS
  const items: FoundInstance[] = []
  let { cursor } = query
  let looked = 0
  do {
    const page = await pageOf(store, { ...query, limit: size }, cursor)
    cursor = page.next
    looked += page.items.length
    const kept = page.items.filter(
      (header) => fits(header, query) && (prefix === undefined || header.id.startsWith(prefix)),
    )
    if (waitingFor === undefined) items.push(...kept.map(summarise))
    else items.push(...(await waiters(store, kept, lacks)).filter((each) => each.waitingFor?.includes(waitingFor)))
    await breathe()
  } while (cursor !== undefined && items.length + size <= limit && looked < most)
  return { items, looked, ...(cursor !== undefined && { next: cursor }) }
}

/** By id where the store has that order: a cursor is the last id then. */
async function pageOf(store: DataStore, query: SearchQuery, cursor: string | undefined): Promise<Page<Header>> {
  const { prefix, waitingFor: _, cursor: _1, limit, ...filters } = query
  if (prefix === undefined || store.find === undefined) {
    return store.list({ ...filters, limit, ...(cursor !== undefined && { cursor }) })
  }
  const items = await store.find({ prefix, limit, ...(cursor !== undefined && { after: cursor }) })
  const last = items.at(-1)
  return { items, ...(items.length === limit && last !== undefined && { next: last.id }) }
}

function fits(header: Header, { workflow, version, status, createdFrom, createdBefore }: SearchQuery): boolean {
  return (
    (workflow === undefined || header.workflow === workflow) &&
    (version === undefined || header.version === version) &&
    (status === undefined || [status].flat().includes(header.status)) &&
    header.createdAt >= (createdFrom ?? -Infinity) &&
    header.createdAt < (createdBefore ?? Infinity)
  )
}

/** Instances with what they wait for. One that is gone since is left out. */
async function waiters(store: DataStore, headers: readonly Header[], lacks: Lacks): Promise<FoundInstance[]> {
  const found: FoundInstance[] = []
  for (let from = 0; from < headers.length; from += AT_ONCE) {
    const some = headers.slice(from, from + AT_ONCE)
    const snapshots = await Promise.all(some.map(({ id }) => readLiving(store, id)))
    for (const snapshot of snapshots) {
      if (snapshot === undefined) continue
      const waitingFor = lacks(snapshot)
      found.push({ ...summarise(snapshot.header), ...(waitingFor !== undefined && { waitingFor }) })
    }
    await breathe()
  }
  return found
}
