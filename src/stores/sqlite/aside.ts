/** A second connection in a thread of its own, for what takes long: the event loop goes on meanwhile (P15). */
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { PolarisError } from '../../graph/errors.ts'
import type { SqlValue } from './driver.ts'
import { translate } from './failure.ts'

export interface Aside {
  /** The rows that a statement reads, once the thread has run it. Several wait for each other. */
  all(sql: string, values: readonly SqlValue[]): Promise<readonly unknown[]>
  /** Ends the thread, once what it is at has ended. */
  close(): Promise<void> | undefined
}

interface Answer {
  readonly n: number
  readonly rows?: readonly unknown[]
  readonly failure?: { readonly message: string; readonly errcode?: number }
}

interface Waiting {
  readonly resolve: (rows: readonly unknown[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * A text, since a thread is started from a file: that would be another one in the sources, in the package and in a bundle, and
 * Node 20 runs no TypeScript. The driver is that of the store, by its name or its file.
 */
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { DatabaseSync } = require(workerData.driver)
  const db = new DatabaseSync(workerData.file)
  db.exec('PRAGMA busy_timeout = 5000; PRAGMA query_only = 1')
  parentPort.on('message', (asked) => {
    if (asked === 'close') {
      db.close()
      parentPort.close()
      return
    }
    const { n, sql, values } = asked
    try {
      parentPort.postMessage({ n, rows: db.prepare(sql).all(...values).map((row) => ({ ...row })) })
    } catch ({ message, errcode }) {
      parentPort.postMessage({ n, failure: { message, errcode } })
    }
  })
`

/** @param file of a database that is there already */
export function makeAside(file: string): Aside {
  const waiting = new Map<number, Waiting>()
  let thread: Worker | undefined
  let asked = 0

  const fail = (of: Worker, error: unknown): void => {
    if (thread === of) thread = undefined
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const start = (): Worker => {
    const made = new Worker(THREAD, { eval: true, workerData: { file, driver: driverName() } })
    made.on('message', ({ n, rows, failure }: Answer) => {
      const { resolve, reject } = waiting.get(n) ?? {}
      waiting.delete(n)
      // An idle thread keeps no process alive.
      if (waiting.size === 0) made.unref()
      if (rows !== undefined) resolve?.(rows)
      else reject?.(translate(Object.assign(new Error(failure?.message), { errcode: failure?.errcode }), file))
    })
    made.on('error', (error) => fail(made, translate(error, file)))
    made.on('exit', () => fail(made, new PolarisError('CLOSED', `The SQLite store of ${file} is closed.`)))
    return made
  }
  return {
    all(sql, values) {
      const running = (thread ??= start())
      running.ref()
      return new Promise((resolve, reject) => {
        waiting.set(++asked, { resolve, reject })
        running.postMessage({ n: asked, sql, values })
      })
    },
    close() {
      const last = thread
      thread = undefined
      if (last === undefined) return undefined
      return new Promise((resolve) => {
        last.ref()
        last.once('exit', () => resolve())
        last.postMessage('close')
      })
    },
  }
}

/** What the thread loads: the same as `loadDriver`. */
function driverName(): string {
  if (process.getBuiltinModule?.('node:sqlite') !== undefined) return 'node:sqlite'
  return createRequire(import.meta.url).resolve('@photostructure/sqlite')
}
