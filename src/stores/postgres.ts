/**
 * A store in Postgres: for any number of processes.
 *
 * @module polaris-workflow/stores/postgres
 */
import { createHash } from 'node:crypto'
import { describeValue, PolarisError } from '../graph/errors.ts'
import { checkOptions } from '../graph/naming.ts'
import type { DataStore } from './contract.ts'
import { connectTo } from './postgres/connection.ts'
import type { PostgresPool } from './postgres/driver.ts'
import { makeCounter } from './postgres/counting.ts'
import { listenOn } from './postgres/listening.ts'
import { makeMeta } from './postgres/meta.ts'
import { makeClock, makeReader } from './postgres/reading.ts'
import { makeRemover } from './postgres/removing.ts'
import { quoteName } from './postgres/schema.ts'
import { makeAppender, makeWriter } from './postgres/writing.ts'

export type { PooledClient, PostgresClient, PostgresPool, PostgresQuery, PostgresResult } from './postgres/driver.ts'

/** Options of `pg`'s pool and its connections, handed over as they are. Whatever is missing comes from `PGHOST` and so on. */
export interface PostgresConnectionOptions {
  /** `postgres://user:password@host:port/database` */
  readonly connectionString?: string
  readonly host?: string
  readonly port?: number
  readonly database?: string
  readonly user?: string
  /** Or a function that gives it, for passwords that change. */
  readonly password?: string | (() => string | Promise<string>)
  /** `true`, or options of `tls.connect`. */
  readonly ssl?: boolean | object
  /** Connections at most, besides the one that listens. Default: 10. */
  readonly max?: number
  readonly min?: number
  /** How long to wait for a connection, in milliseconds. Default: 10,000. */
  readonly connectionTimeoutMillis?: number
  readonly idleTimeoutMillis?: number
  readonly maxLifetimeSeconds?: number
  readonly allowExitOnIdle?: boolean
  /** How long a statement may take, in milliseconds, by the server's measure. Default: 30,000. */
  readonly statement_timeout?: number | false
  /** The same by ours: for a server that no longer answers at all. Default: 40,000. */
  readonly query_timeout?: number
  readonly lock_timeout?: number
  readonly keepAlive?: boolean
  readonly keepAliveInitialDelayMillis?: number
  readonly application_name?: string
  /** Further settings of the session, as `-c name=value`. */
  readonly options?: string
}

/** Where {@link postgresStore} keeps instances, and how it behaves. Everything may be left out. */
export interface PostgresOptions extends PostgresConnectionOptions {
  /** A pool of `pg` to use instead of an own one. It stays open when the store is closed. */
  readonly pool?: PostgresPool
  /** The schema that holds the tables; made if it is not there. Default: `'polaris'`. */
  readonly schema?: string
  /**
   * `'full'` (the default): what was acknowledged survives a crash of the server. `'relaxed'`: the server's last
   * moments may be lost, but never half a change.
   */
  readonly durability?: 'full' | 'relaxed'
  /**
   * Whose clock counts instead of the server's, in milliseconds since the epoch: for tests. All processes on a schema have to
   * have the same one.
   */
  readonly now?: () => number
}

const CONNECTION_OPTIONS = [
  'connectionString',
  'host',
  'port',
  'database',
  'user',
  'password',
  'ssl',
  'max',
  'min',
  'connectionTimeoutMillis',
  'idleTimeoutMillis',
  'maxLifetimeSeconds',
  'allowExitOnIdle',
  'statement_timeout',
  'query_timeout',
  'lock_timeout',
  'keepAlive',
  'keepAliveInitialDelayMillis',
  'application_name',
  'options',
] as const satisfies readonly (keyof PostgresConnectionOptions)[]

const DEFAULTS: PostgresConnectionOptions = {
  connectionTimeoutMillis: 10_000,
  statement_timeout: 30_000,
  query_timeout: 40_000,
  keepAlive: true,
  application_name: 'polaris-workflow',
}

/**
 * A store in a schema of a Postgres database (14 or newer, encoding UTF8), for any number of processes. Needs the package
 * `pg`. Connects, and makes or updates the schema, at the first call. Leases go by the database's clock.
 *
 * @throws `OPTION_INVALID`
 */
export function postgresStore(options: PostgresOptions = {}): DataStore {
  checkOptions('postgresStore', options, [...CONNECTION_OPTIONS, 'pool', 'schema', 'durability', 'now'])
  const { pool, schema: name = 'polaris', durability = 'full', now, ...config } = options
  checkSchema(name)
  if (pool !== undefined && Object.keys(config).length > 0) {
    const message = `postgresStore takes a pool or connection options, but got both: ${Object.keys(config).join(', ')}.`
    throw new PolarisError('OPTION_INVALID', message)
  }
  const connection = connectTo({ schema: name, pool, config: { ...DEFAULTS, ...config } })
  const channel = `polaris_${name}`
  const listening = listenOn(channel, connection.listener)
  // A connection of a shared pool may serve stores of several schemas, and `pg` wants names to mean one text each.
  const suffix = createHash('sha256').update(name).digest('hex').slice(0, 12)
  const parts = {
    ask: connection.ask,
    checkOpen: connection.checkOpen,
    schema: quoteName(name),
    named: (statement: string) => `polaris_${statement}_${suffix}`,
    channel,
    relaxed: durability === 'relaxed',
    clock: () => (now === undefined ? null : Math.floor(now())),
  }
  const write = makeWriter(parts)
  const append = makeAppender(parts)
  const reader = makeReader(parts)
  const { prune: pruneMeta, ...meta } = makeMeta(parts)
  return {
    name: 'postgres',
    lanes: 2,
    capabilities: { durable: true, values: 'text', lists: true },
    ...reader,
    ...meta,
    ...makeCounter(parts),
    async prune(handledBefore, limit) {
      const pruned = await reader.prune(handledBefore, limit)
      return pruned < limit ? pruned + (await pruneMeta(limit - pruned)) : pruned
    },
    write,
    append,
    now: now ?? makeClock(parts),
    remove: makeRemover(parts),
    subscribe(onMail) {
      connection.checkOpen()
      return listening.subscribe(onMail)
    },
    async close() {
      const closing = connection.close()
      await listening.close()
      await closing
    },
  }
}

/** Room for the prefix of the channel's name, whose limit is Postgres' 63 bytes. */
const LONGEST_SCHEMA = 50

function checkSchema(name: unknown): void {
  if (typeof name === 'string' && name.length <= LONGEST_SCHEMA && /^(?!pg_)[a-z_]\w*$/i.test(name)) return
  const message =
    `The name of a Postgres schema has up to ${LONGEST_SCHEMA} letters, digits and underscores, begins with no digit ` +
    `and not with pg_; got ${describeValue(name)}.`
  throw new PolarisError('OPTION_INVALID', message)
}
