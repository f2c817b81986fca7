import { PolarisError } from '../../graph/errors.ts'

/** A statement as the store hands it to `pg`. */
export interface PostgresQuery {
  /** Parsed and planned once on each connection. */
  readonly name?: string
  readonly text: string
  readonly values?: unknown[]
  readonly rowMode: 'array'
  /** What values become of the server's texts. */
  readonly types: {
    /** The same for every type. */
    getTypeParser(): (value: string) => unknown
  }
}

/** What came of a statement: rows as lists of texts. */
export interface PostgresResult {
  readonly rows: unknown[]
}

/** What the store uses of a connection of `pg`. */
export interface PostgresClient {
  /** Runs a statement. Rejects with what `pg` throws: its `code` says why. */
  query(query: PostgresQuery): Promise<PostgresResult>
}

/** One that a pool has lent. */
export interface PooledClient extends PostgresClient {
  /** The connection broke. */
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Ends what `on` began. */
  off(event: 'error', listener: (error: Error) => void): unknown
  /**
   * Gives the connection back.
   *
   * @param broken whether the pool shall throw it away
   */
  release(broken?: boolean): void
}

/** What the store uses of a pool of `pg`. */
export interface PostgresPool {
  /** Runs a statement on any connection. */
  query(query: PostgresQuery): Promise<PostgresResult>
  /** Lends a connection, once one is free. */
  connect(): Promise<PooledClient>
  /** An idle connection broke: without a listener, that would end the process. */
  on(event: 'error', listener: (error: Error) => void): unknown
  /** A connection is lent. */
  on(event: 'acquire', listener: (client: PooledClient) => void): unknown
  /** A connection was given back. */
  on(event: 'release', listener: (error: unknown, client: PooledClient) => void): unknown
  /** Ends what `on` began. */
  off(event: 'error', listener: (error: Error) => void): unknown
  /** Ends what `on` began. */
  off(event: 'acquire', listener: (client: PooledClient) => void): unknown
  /** Ends what `on` began. */
  off(event: 'release', listener: (error: unknown, client: PooledClient) => void): unknown
  /** Closes all connections, once they are given back. */
  end(): Promise<void>
  /** What its connections are made with: the one that listens is made the same way, beside the pool. */
  readonly options?: object
}

export interface ListeningClient extends PostgresClient {
  connect(): Promise<unknown>
  on(event: 'error' | 'end' | 'notification', listener: (detail?: { readonly payload?: string }) => void): unknown
  end(): Promise<void>
}

export interface PostgresDriver {
  readonly Pool: new (options: object) => PostgresPool
  readonly Client: new (options: object) => ListeningClient
}

/** @throws `DRIVER_MISSING` if `pg` is not there or does not load. */
export async function loadDriver(load: () => Promise<unknown> = () => import('pg')): Promise<PostgresDriver> {
  try {
    const module = (await load()) as { readonly default?: unknown }
    // A CommonJS module: its exports are all on `default`, whatever names Node made out besides.
    for (const candidate of [module.default, module]) if (isDriver(candidate)) return candidate
    throw new TypeError('pg exports no Pool and Client.')
  } catch (cause) {
    const message = 'The Postgres store needs the package pg, which could not be loaded. Run `npm install pg`.'
    throw new PolarisError('DRIVER_MISSING', message, { cause })
  }
}

function isDriver(module: unknown): module is PostgresDriver {
  const { Pool, Client } = (module ?? {}) as Partial<PostgresDriver>
  return typeof Pool === 'function' && typeof Client === 'function'
}
