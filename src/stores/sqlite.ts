import { resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { describeValue, PolarisError } from '../graph/errors.ts'
import type { Awaitable, Change, DataStore, Written } from './contract.ts'
import { writeInHalves } from './halving.ts'
import { loadDriver, type SqliteDatabase, type SqliteDriver } from './sqlite/driver.ts'
import { isBusy, isRefusal, translate } from './sqlite/failure.ts'
import { prepareReader, type Reader } from './sqlite/reading.ts'
import { closeInOrder, closeQuietly, openDatabase } from './sqlite/schema.ts'
import { prepareWriter, type Writer } from './sqlite/writing.ts'

export type { SqliteDatabase, SqliteDriver, SqliteStatement, SqlValue } from './sqlite/driver.ts'

export interface SqliteOptions {
  /**
   * `'full'` (the default): what was acknowledged survives a power failure. `'normal'`: it survives the end of the
   * process, but a power failure may take the last moments.
   */
  readonly synchronous?: 'full' | 'normal'
  /** How long to wait for another process that holds the file's write lock, in milliseconds. Default: 5,000. */
  readonly patience?: number
  /** Another module with the `DatabaseSync` of `node:sqlite`. Default: that, or else `@photostructure/sqlite`. */
  readonly driver?: () => SqliteDriver
}

/** How long SQLite itself waits for a lock: all the while the process stands still, so the rest is waited with timers. */
const BLOCKING_WAIT_MS = 5
const LONGEST_PAUSE_MS = 20

interface Connection {
  readonly db: SqliteDatabase
  readonly reader: Reader
  readonly write: Writer
}

/**
 * A store in an SQLite file of its own, opened at the first use. `':memory:'` keeps it in this process's memory.
 *
 * Several processes may use one file. A call that meets another process's lock waits for it without holding up the event
 * loop, up to `patience`; all other calls are done when they return.
 */
export function sqliteStore(file: string | URL, options: SqliteOptions = {}): DataStore {
  const path = pathOf(file)
  const inMemory = path === ':memory:'
  const { synchronous = 'full', patience = 5_000, driver = loadDriver } = options
  let connection: Connection | undefined
  let closed = false

  const connect = (): Connection => {
    if (closed) throw new PolarisError('CLOSED', `The SQLite store of ${path} is closed.`)
    if (connection !== undefined) return connection
    const db = openDatabase(driver(), path, { synchronous, busyTimeout: BLOCKING_WAIT_MS })
    try {
      connection = { db, reader: prepareReader(db), write: prepareWriter(db) }
      return connection
    } catch (error) {
      closeQuietly(db)
      throw error
    }
  }
  /** A connection that reported trouble may be in any state: the next call begins with a new one. */
  const recover = (error: unknown): unknown => {
    if (error instanceof PolarisError) return error
    const known = translate(error, path)
    if (!isBusy(error) && !isRefusal(known) && !inMemory && connection !== undefined) {
      closeQuietly(connection.db)
      connection = undefined
    }
    return known
  }
  const attempt = <T>(work: (connection: Connection) => T): Awaitable<T> => {
    try {
      return work(connect())
    } catch (error) {
      if (!isBusy(error) || patience <= 0) throw recover(error)
      return retry(() => work(connect()), patience).catch((reason: unknown) => {
        throw recover(reason)
      })
    }
  }
  const write = (changes: readonly Change[]): Awaitable<readonly Written[]> => attempt((open) => open.write(changes))

  return {
    name: 'sqlite',
    capabilities: { durable: !inMemory, values: 'text' },
    read: (id) => attempt(({ reader }) => reader.read(id)),
    list: (query) => attempt(({ reader }) => reader.list(query)),
    history: (id, query) => attempt(({ reader }) => reader.history(id, query)),
    write: (changes) => orInHalves(changes, write),
    close() {
      closed = true
      const open = connection
      connection = undefined
      if (open !== undefined) closeInOrder(open.db)
    },
  }
}

/** Plainly where all goes well; only a batch with a change that cannot be stored is written piece by piece. */
function orInHalves(
  changes: readonly Change[],
  write: (changes: readonly Change[]) => Awaitable<readonly Written[]>,
): Awaitable<readonly Written[]> {
  if (changes.length === 0) return []
  try {
    const answer = write(changes)
    if (!('then' in answer)) return answer
    return answer.then(undefined, (error: unknown) => {
      if (!isRefusal(error)) throw error
      return writeInHalves(changes, write, isRefusal)
    })
  } catch (error) {
    if (!isRefusal(error)) throw error
    return writeInHalves(changes, write, isRefusal)
  }
}

/** Tries again after pauses that grow, and differ from process to process, until it is done or patience is at its end. */
async function retry<T>(work: () => T, patience: number): Promise<T> {
  const end = performance.now() + patience
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    await new Promise((done) => setTimeout(done, pause * (0.5 + Math.random())))
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= end) throw error
    }
  }
}

function pathOf(file: string | URL): string {
  if (file === ':memory:') return file
  if (file instanceof URL) return fileURLToPath(file)
  if (typeof file === 'string' && file.trim() !== '' && !file.includes('\0')) {
    return file.startsWith('file:') ? fileURLToPath(file) : resolve(file)
  }
  throw new PolarisError('OPTION_INVALID', `sqliteStore needs the name of a file; got ${describeValue(file)}.`)
}
