/** The stores that the semantics must hold on, each as a medium that several processes may open. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, inject } from 'vitest'
import type { Awaitable, DataStore } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import type { MemoryOptions } from 'polaris-workflow/stores/memory'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import type { SqliteOptions } from 'polaris-workflow/stores/sqlite'
import { redisMedium } from './redis-server.ts'
import { needsServer, postgresMedium, serverUrl } from './server-media.ts'
import { storeTime } from './time.ts'

/** What outlives a process. */
export interface Medium {
  /** A store over it, as a process opens it, long after all that were opened before. */
  open(): DataStore
  /** The same beside those that are open, whose leases go on. */
  join(): DataStore
}

export interface StoreKind {
  readonly name: string
  /** Keeps text, and so refuses what rule 20 does not list. */
  readonly text: boolean
  /** Whether time is the test's; where not, it is a server's, and leases end when they end. */
  readonly timed: boolean
  /**
   * An empty one.
   *
   * @param now the clock of its stores, where time is the test's. Default: `storeTime.now`, which moves on for each `open`.
   */
  medium(now?: () => number): Medium
  /** Resolves once every lease of `SHORT_LEASE_MS` is over. */
  endLeases(): Awaitable<void>
}

/** The shortest there is: of processes that are to lose theirs on a server. */
export const SHORT_LEASE_MS = 100

const outlive = (): void => storeTime.outliveLeases()

function mediumOf(newStore: () => DataStore): Medium {
  return {
    join: newStore,
    open() {
      outlive()
      return newStore()
    },
  }
}

export function memoryKind(options: MemoryOptions): StoreKind {
  const { strict = false } = options
  return {
    ...{ name: strict ? 'memory (strict)' : 'memory', text: strict, timed: true, endLeases: outlive },
    medium(now = storeTime.now) {
      const store = memoryStore({ now, ...options })
      // Closing is the end of a process, not of the medium.
      return mediumOf(() => ({ ...store, close: () => undefined }))
    },
  }
}

export const memory: StoreKind = memoryKind({})
export const strictMemory: StoreKind = memoryKind({ strict: true })

/**
 * Calls `define` once per kind of store, within a `describe` that names it. `'all'`: where a process has the store, or its
 * file, to itself; `'text'`: of these, those that keep text. `'servers'`: the latter, and Postgres and Redis besides, whose
 * tests are skipped where there is no server. `'timed'`: the same, with the test's time everywhere; `'everywhere'`: all of
 * them, with that time.
 */
export function eachStore(
  define: (kind: StoreKind) => void,
  kinds: 'all' | 'text' | 'servers' | 'timed' | 'everywhere' = 'all',
): void {
  for (const kind of kinds === 'all' || kinds === 'everywhere' ? [memory, strictMemory] : [strictMemory]) {
    describe(`on ${kind.name}`, () => define(kind))
  }
  describe('on SQLite', () => define(sqliteKind({})))
  if (kinds === 'servers') eachServer(define)
  if (kinds === 'timed' || kinds === 'everywhere') eachServer(define, () => storeTime.now)
}

/**
 * Postgres and Redis only.
 *
 * @param clockOf the clock of the stores of each, where that is not to be the server's
 */
export function eachServer(
  define: (kind: StoreKind) => void,
  clockOf?: (name: 'Postgres' | 'Redis') => () => number,
): void {
  describe('on Postgres', () => {
    needsServer('postgres')
    define(serverKind('Postgres', 'postgres', clockOf?.('Postgres'), () => postgresMedium()))
  })
  describe('on Redis', () => {
    needsServer('redis')
    define(serverKind('Redis', 'redis', clockOf?.('Redis'), () => redisMedium(serverUrl('redis'))))
  })
}

/** Only within a `describe`: its files are removed at the end. */
export function sqliteKind(options: SqliteOptions): StoreKind {
  let folder: string | undefined
  let files = 0
  const opened: DataStore[] = []
  afterAll(async () => {
    for (const store of opened) await store.close()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })
  return {
    ...{ name: 'SQLite', text: true, timed: true, endLeases: outlive },
    medium(now = storeTime.now) {
      folder ??= mkdtempSync(join(tmpdir(), 'polaris-semantics-'))
      const file = join(folder, `${++files}.db`)
      return mediumOf(() => {
        const store = sqliteStore(file, { now, ...options })
        opened.push(store)
        return store
      })
    },
  }
}

interface ServerMedium {
  open(options: { readonly now?: () => number }): DataStore
  dispose(): Promise<void>
}

/** Only within a `describe`: what it made on the server is removed at the end. */
function serverKind(
  name: string,
  server: 'postgres' | 'redis',
  clock: (() => number) | undefined,
  newMedium: () => ServerMedium,
): StoreKind {
  const media: ServerMedium[] = []
  const opened: DataStore[] = []
  const timed = clock !== undefined
  afterAll(async () => {
    if ('missing' in inject(server)) return
    for (const store of opened) await store.close()
    for (const medium of media) await medium.dispose()
  })
  return {
    name,
    text: true,
    timed,
    endLeases: () => (timed ? outlive() : new Promise((resolve) => setTimeout(resolve, SHORT_LEASE_MS * 1.5))),
    medium(now = clock) {
      const medium = newMedium()
      media.push(medium)
      const open = (): DataStore => {
        const store = medium.open(timed && now !== undefined ? { now } : {})
        opened.push(store)
        return store
      }
      return timed ? mediumOf(open) : { open, join: open }
    },
  }
}
