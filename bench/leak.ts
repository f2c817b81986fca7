import * as driver from '@photostructure/sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Polaris } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import { chain, feed } from './chains.ts'
import { realDisk } from './stores-servers.ts'

type LeakStore = 'memory' | 'sqlite'
type Ids = 'reused' | 'fresh'

interface LeakCase {
  readonly store: LeakStore
  readonly ids: Ids
  readonly scopes: number
  /** Looks are taken after so many each, with nothing under way. */
  readonly every: number
  /** Instances kept at hand: few enough that the first look finds as many as all others. Default 500. */
  readonly warm?: number
}

/** What there is after a collection. */
export interface Look {
  readonly scopes: number
  /** Bytes. */
  readonly heap: number
  readonly external: number
  readonly resident: number
  readonly handles: number
}

const IN_FLIGHT = 64
const REUSED = 200

/** Runs scopes of three builders, with a worker beside them, and looks at the process now and then. */
export async function watchLeaks(given: LeakCase, onLook?: (look: Look) => void): Promise<readonly Look[]> {
  const { ids, scopes, every, warm = 500 } = given
  const { store, forget, remove } = openFor(given.store)
  const { workflow, first } = chain(3, 'async')
  const polaris = new Polaris({ store, warm }).register(workflow)
  polaris.worker().start()
  const executor = polaris.executor()
  const looks: Look[] = []
  let done = 0
  const run = async (times: number): Promise<void> => {
    const end = done + times
    const lane = async (): Promise<void> => {
      while (done < end) {
        const n = ++done
        await executor.sequential(workflow, ids === 'fresh' ? `fresh-${n}` : `reused-${n % REUSED}`, feed(first, n))
      }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  }
  try {
    // Two before the first look: the compiler, and the caches of SQLite, keep something too.
    const before = 2 * every
    await run(before)
    for (;;) {
      forget()
      const look = { scopes: done - before, ...(await lookAround()) }
      looks.push(look)
      onLook?.(look)
      if (look.scopes >= scopes) break
      await run(Math.min(every, scopes - look.scopes))
    }
  } finally {
    await polaris.close()
    remove()
  }
  return looks
}

/** Bytes of heap that stay for each scope: the slope of a line through the looks. */
export function heapSlope(looks: readonly Pick<Look, 'scopes' | 'heap'>[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const x = mean(looks.map(({ scopes }) => scopes))
  const y = mean(looks.map(({ heap }) => heap))
  const squares = looks.reduce((sum, { scopes }) => sum + (scopes - x) ** 2, 0)
  return looks.reduce((sum, { scopes, heap }) => sum + (scopes - x) * (heap - y), 0) / squares
}

interface Opened {
  readonly store: DataStore
  /** Drops what a store in memory keeps by its nature. */
  readonly forget: () => void
  readonly remove: () => void
}

function openFor(store: LeakStore): Opened {
  if (store === 'memory') return forgetful()
  const folder = mkdtempSync(join(realDisk(), 'polaris-leak-'))
  return {
    store: sqliteStore(join(folder, 'leak.db'), { driver: () => driver, synchronous: 'normal' }),
    forget: () => undefined,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A store in memory that can be emptied: what then remains is not the instances. */
export function forgetful(): Opened {
  let inner = memoryStore()
  const store: DataStore = {
    name: inner.name,
    capabilities: inner.capabilities,
    read: (id) => inner.read(id),
    write: (changes) => inner.write(changes),
    append: (appends) => inner.append(appends),
    remove: (removals) => inner.remove(removals),
    mail: (id, query) => inner.mail(id, query),
    request: (id, requestId) => inner.request(id, requestId),
    claim: (query) => inner.claim(query),
    list: (query) => inner.list(query),
    history: (id, query) => inner.history(id, query),
    prune: (handledBefore, limit) => inner.prune(handledBefore, limit),
    meta: (kind, key) => inner.meta(kind, key),
    setMeta: (record, expectedRevision) => inner.setMeta(record, expectedRevision),
    listMeta: (kind, query) => inner.listMeta(kind, query),
    close: () => inner.close(),
  }
  return { store, forget: () => void (inner = memoryStore()), remove: () => undefined }
}

export async function lookAround(): Promise<Omit<Look, 'scopes'>> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 4; i++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed, external, resident: rss, handles: process.getActiveResourcesInfo().length }
}

interface LeakOptions {
  readonly json: boolean
  readonly stores: readonly LeakStore[]
  readonly scopes: number
}

const MIB = 1024 ** 2
/** What the heap may have grown by at the end. */
const ALLOWED = 8 * MIB

/** So many scopes on each store, on ids that come again and on fresh ones. */
export async function benchLeak({ json, stores, scopes }: LeakOptions): Promise<void> {
  const results: object[] = []
  for (const store of stores) {
    for (const ids of ['reused', 'fresh'] as const) {
      if (!json) console.log(`\n${store}, ${ids} ids\n     scopes   heap MiB   external   resident    handles`)
      const looks = await watchLeaks(
        { store, ids, scopes, every: Math.ceil(scopes / 10) },
        json ? undefined : printLook,
      )
      const grown = (looks.at(-1)?.heap ?? NaN) - (looks[0]?.heap ?? NaN)
      const slope = heapSlope(looks)
      const result = { store, ids, scopes, grown, allowed: ALLOWED, reached: grown <= ALLOWED, bytes_per_scope: slope }
      results.push({ ...result, looks })
      if (!json) console.log(`  ${(grown / MIB).toFixed(2)} MiB more, ${slope.toFixed(2)} bytes a scope`)
    }
  }
  if (json) console.log(JSON.stringify({ date: new Date().toISOString(), node: process.version, results }))
}

function printLook({ scopes, heap, external, resident, handles }: Look): void {
  const cells = [scopes, ...[heap, external, resident].map((bytes) => (bytes / MIB).toFixed(2)), handles]
  console.log(cells.map((cell) => String(cell).padStart(11)).join(''))
}
