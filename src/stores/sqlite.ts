/**
 * A store in a SQLite file: for one machine.
 *
 * @module polaris-workflow/stores/sqlite
 */
import { resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { describeValue, PolarisError } from '../graph/errors.ts'
import { checkOptions } from '../graph/naming.ts'
import type { Awaitable, DataStore, FindQuery, Header } from './contract.ts'
import { type Claimer, prepareClaimer } from './sqlite/claiming.ts'
import { makeCounter, prepareFind } from './sqlite/counting.ts'
import { loadDriver, type SqliteDatabase, type SqliteDriver } from './sqlite/driver.ts'
import { isBusy, isRefusal, translate } from './sqlite/failure.ts'
import { type MetaTable, prepareMeta } from './sqlite/meta.ts'
import { makeNews, type NewsReader, prepareNews } from './sqlite/news.ts'
import { prepareReader, type Reader } from './sqlite/reading.ts'
import { prepareRemover, type Remover } from './sqlite/removing.ts'
import { closeInOrder, closeQuietly, inTransaction, openDatabase, type Transact } from './sqlite/schema.ts'
import { makeTurns } from './sqlite/turns.ts'
import { prepareWriter, type Writer } from './sqlite/writing.ts'

export type { SqliteDatabase, SqliteDriver, SqliteStatement, SqlValue } from './sqlite/driver.ts'

/** How {@link sqliteStore} behaves. Everything may be left out. */
export interface SqliteOptions {
  /**
   * `'full'` (the default): what was acknowledged survives a power failure. `'normal'`: it survives the end of the
   * process, but a power failure may take the last moments.
   */
  readonly synchronous?: 'full' | 'normal'
  /** How long to wait for another process that holds the file's write lock, in milliseconds. Default: 5,000. */
  readonly patience?: number
  /** The store's clock, by which leases end and instances become due, in milliseconds. Default: `Date.now`. */
  readonly now?: () => number
  /** Another module with the `DatabaseSync` of `node:sqlite`. Default: that, or else `@photostructure/sqlite`. */
  readonly driver?: () => SqliteDriver
}

/** How long SQLite itself waits for a lock: all the while the process stands still, so the rest is waited with timers. */
const BLOCKING_WAIT_MS = 5
const LONGEST_PAUSE_MS = 20

/** The gate beside the file at which processes wait for their turn to write. */
const GATE_SUFFIX = '-gate'

/** What is prepared on one connection. */
interface Connection {
  readonly db: SqliteDatabase
  readonly reader: Reader
  readonly writer: Writer
  readonly claimer: Claimer
  readonly remover: Remover
  readonly meta: MetaTable
  readonly find: (query: FindQuery) => readonly Header[]
  readonly news: NewsReader
}

interface Link {
  /** @throws `CLOSED` */
  check(): void
  /** The connection, opened if there is none. */
  get(): Connection
  /** What the user gets to see of an error. */
  recover(error: unknown): unknown
  close(): void
}

/**
 * A store in an SQLite file of its own, opened at the first use. `':memory:'` keeps it in this process's memory.
 *
 * Several processes may use one file. A call that meets another process's lock waits for its turn without holding up the
 * event loop, up to `patience`; all other calls are done when they return.
 */
export function sqliteStore(file: string | URL, options: SqliteOptions = {}): DataStore {
  checkOptions('sqliteStore', options, ['synchronous', 'patience', 'now', 'driver'])
  const path = pathOf(file)
  const inMemory = path === ':memory:'
  const { patience = 5_000, now = Date.now, driver = loadDriver } = options
  const turns = makeTurns({ gate: inMemory ? undefined : { driver, file: path + GATE_SUFFIX }, patience })
  const news = makeNews(inMemory ? undefined : () => link.get().news)
  const link = makeLink(path, options, { entered: turns.entered, onMail: news.tell })

  const attempt = <T>(call: () => Awaitable<T>): Awaitable<T> => {
    try {
      const answer = call()
      return isPromise(answer) ? answer.catch(fail) : answer
    } catch (error) {
      return fail(error)
    }
  }
  const fail = (error: unknown): never => {
    throw link.recover(error)
  }
  const look = <T>(work: (connection: Connection) => T): Awaitable<T> =>
    attempt(() => patiently(() => work(link.get()), patience))
  const read = <T>(work: (reader: Reader) => T): Awaitable<T> => look(({ reader }) => work(reader))
  const write = <T>(work: (connection: Connection) => T): Awaitable<T> =>
    attempt(() => turns.run(() => work(link.get())))

  // What is in memory, or in another driver's hands, has no second connection: the engine goes through lists then.
  const counter = inMemory || options.driver !== undefined ? undefined : makeCounter(path, () => look(() => undefined))

  return {
    name: 'sqlite',
    capabilities: { durable: !inMemory, values: 'text', lists: true },
    read: (id) => read((reader) => reader.read(id)),
    find: (query) => look(({ find }) => find(query)),
    ...(counter !== undefined && { tally: (since) => counter.tally(since) }),
    list: (query) => read((reader) => reader.list(query)),
    history: (id, query) => read((reader) => reader.history(id, query)),
    mail: (id, query) => read((reader) => reader.mail(id, query)),
    request: (id, requestId) => read((reader) => reader.request(id, requestId)),
    write: (changes) => write(({ writer }) => writer.write(changes, now())),
    append: (appends) => write(({ writer }) => writer.append(appends, now())),
    remove: (removals) => write(({ remover }) => remover.remove(removals)),
    claim: (query) => write(({ claimer }) => claimer.claim(query, now())),
    ...(options.now !== undefined && { now }),
    prune: (handledBefore, limit) =>
      write(({ claimer, meta }) => {
        const pruned = claimer.prune(handledBefore, limit)
        return pruned + meta.prune(limit - pruned, now())
      }),
    meta: (kind, key) => look(({ meta }) => meta.get(kind, key, now())),
    setMeta: (record, expectedRevision) => write(({ meta }) => meta.set(record, expectedRevision, now())),
    listMeta: (kind, query) => look(({ meta }) => meta.list(kind, query, now())),
    subscribe(onMail) {
      link.check()
      return news.subscribe(onMail)
    },
    close() {
      news.close()
      turns.close()
      link.close()
      return counter?.close()
    },
  }
}

function makeLink(
  path: string,
  { synchronous = 'full', driver = loadDriver }: SqliteOptions,
  { entered, onMail }: { readonly entered: () => void; readonly onMail: (id: string) => void },
): Link {
  let connection: Connection | undefined
  let closed = false

  const open = (): Connection => {
    const db = openDatabase(driver(), path, { synchronous, busyTimeout: BLOCKING_WAIT_MS })
    const transact: Transact = (work) =>
      inTransaction(db, 'IMMEDIATE', () => {
        entered()
        return work()
      })
    try {
      return {
        db,
        reader: prepareReader(db),
        writer: prepareWriter({ db, file: path, transact, onMail }),
        claimer: prepareClaimer(db, transact),
        remover: prepareRemover({ db, file: path, transact, onMail }),
        meta: prepareMeta(db, transact),
        find: prepareFind(db),
        news: prepareNews(db),
      }
    } catch (error) {
      closeQuietly(db)
      throw error
    }
  }
  const check = (): void => {
    if (closed) throw new PolarisError('CLOSED', `The SQLite store of ${path} is closed.`)
  }
  return {
    check,
    get() {
      check()
      return (connection ??= open())
    },
    recover(error) {
      if (error instanceof PolarisError) return error
      const known = translate(error, path)
      // A connection that reported trouble may be in any state: the next call begins with a new one.
      if (!isBusy(error) && !isRefusal(known) && path !== ':memory:' && connection !== undefined) {
        closeQuietly(connection.db)
        connection = undefined
      }
      return known
    },
    close() {
      closed = true
      const last = connection
      connection = undefined
      if (last !== undefined) closeInOrder(last.db)
    },
  }
}

function isPromise<T>(answer: Awaitable<T>): answer is Promise<T> {
  return answer instanceof Promise
}

/** Readers seldom meet a lock: while a file is opened, closed or repaired. */
function patiently<T>(work: () => T, patience: number): Awaitable<T> {
  try {
    return work()
  } catch (error) {
    if (!isBusy(error) || patience <= 0) throw error
    return retry(work, patience)
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
