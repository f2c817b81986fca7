import { createRequire } from 'node:module'
import { PolarisError } from '../../graph/errors.ts'

/** What the store binds to a statement. */
export type SqlValue = string | number | null

/** What the store uses of a prepared statement of `node:sqlite`. */
export interface SqliteStatement {
  /** Executes it for its effect. */
  run(...values: SqlValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint }
  /** The first row as an object by columns, or `undefined`. */
  /** Of a statement that gives no rows `undefined`, at a lower price than `run`, which makes an object. */
  get(...values: SqlValue[]): unknown
  /** All rows, as objects by columns. */
  all(...values: SqlValue[]): unknown[]
}

/** What the store uses of a connection of `node:sqlite`. */
export interface SqliteDatabase {
  /** Executes one or more statements without values. */
  exec(sql: string): void
  /** Compiles a statement, to be executed again and again. */
  prepare(sql: string): SqliteStatement
  /** Ends the connection. Statements of it are of no use any more. */
  close(): void
}

/** `node:sqlite`, or a module with the same `DatabaseSync`. */
export interface SqliteDriver {
  readonly DatabaseSync: new (file: string) => SqliteDatabase
}

/** Where the drivers come from; tests give other sources. */
export interface DriverSources {
  /** The built-in module, `undefined` where this Node has none or wants a flag for it. */
  builtin(): unknown
  require(name: string): unknown
}

const PACKAGE = '@photostructure/sqlite'

const installed: DriverSources = {
  // `getBuiltinModule` (Node 20.16) answers `undefined` where an import would fail, and no bundler stumbles over it.
  builtin: () => process.getBuiltinModule?.('node:sqlite'),
  require: (name) => createRequire(import.meta.url)(name) as unknown,
}

/** @throws `DRIVER_MISSING` if this Node has no SQLite and the package that brings one is not there or does not load. */
export function loadDriver(sources: DriverSources = installed): SqliteDriver {
  const builtin = sources.builtin()
  if (isDriver(builtin)) return builtin
  try {
    const module = sources.require(PACKAGE)
    if (isDriver(module)) return module
    throw new TypeError(`${PACKAGE} exports no DatabaseSync.`)
  } catch (cause) {
    const message =
      `The SQLite store found no driver: Node ${process.versions.node} has no node:sqlite (from 22.13 on it does), ` +
      `and ${PACKAGE} could not be loaded. Run \`npm install ${PACKAGE}\`.`
    throw new PolarisError('DRIVER_MISSING', message, { cause })
  }
}

function isDriver(module: unknown): module is SqliteDriver {
  return typeof (module as Partial<SqliteDriver> | undefined)?.DatabaseSync === 'function'
}
