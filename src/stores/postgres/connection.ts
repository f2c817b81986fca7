/** The pool, made at the first call, and the schema behind it. */
import { PolarisError } from '../../graph/errors.ts'
import {
  loadDriver,
  type ListeningClient,
  type PooledClient,
  type PostgresDriver,
  type PostgresPool,
  type PostgresQuery,
} from './driver.ts'
import { isConflict, isMissing, translate } from './failure.ts'
import { type Ask, migrate } from './schema.ts'

export interface Connection {
  /** Rows as arrays of texts. Throws `PolarisError`s only. */
  readonly ask: (text: string, values: unknown[], name?: string) => Promise<readonly unknown[]>
  /** One of its own, beside the pool, not connected yet. */
  readonly listener: () => Promise<ListeningClient>
  /** Throws `CLOSED` once it is. */
  readonly checkOpen: () => void
  readonly close: () => Promise<void>
}

export interface ConnectionOptions {
  readonly schema: string
  readonly pool: PostgresPool | undefined
  /** For `pg`, where there is no pool yet. */
  readonly config: object
  readonly load?: () => Promise<PostgresDriver>
}

/** Whatever the process has told `pg` about types, these come as they were sent. */
const RAW = {
  getTypeParser:
    () =>
    (value: string): unknown =>
      value,
}

/** A deadlock is found after a second, and one of the two goes on: more than a few in a row is something else. */
const ATTEMPTS = 5

const ignore = (): void => undefined

export function connectTo(options: ConnectionOptions): Connection {
  const { schema, pool: theirs, load = loadDriver } = options
  const getPool = remembered(() => openPool(options))
  const prepared = remembered(async () => {
    const pool = await getPool()
    await migrateOn(pool, schema)
    return pool
  })
  let closing: Promise<void> | undefined
  const checkOpen = (): void => {
    if (closing !== undefined) throw new PolarisError('CLOSED', `The Postgres store of schema '${schema}' is closed.`)
  }
  const attempt = async (query: PostgresQuery): Promise<readonly unknown[]> => {
    const pool = await prepared()
    for (let attempts = 1; ; attempts += 1) {
      try {
        return (await pool.query(query)).rows
      } catch (error) {
        if (isMissing(error)) prepared.forget()
        if (!isConflict(error) || attempts === ATTEMPTS) throw error
      }
    }
  }
  return {
    async ask(text, values, name) {
      checkOpen()
      const query = { text, values, rowMode: 'array', types: RAW } as const
      try {
        return await attempt(name === undefined ? query : { ...query, name })
      } catch (error) {
        checkOpen()
        throw translate(error, schema)
      }
    },
    async listener() {
      checkOpen()
      const pool = await getPool()
      const { Client } = await clientOf(pool, load)
      return new Client(pool.options ?? {})
    },
    checkOpen,
    close: () => (closing ??= getPool.known() === undefined ? Promise.resolve() : end(getPool(), theirs)),
  }
}

interface Remembered<T> {
  (): Promise<T>
  /** What it came to, or comes to; `undefined` before the first call. */
  known(): Promise<T> | undefined
  forget(): void
}

/** Made at the first call; what failed is tried again at the next. */
function remembered<T>(make: () => Promise<T>): Remembered<T> {
  let made: Promise<T> | undefined
  const get = (): Promise<T> =>
    (made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    }))
  return Object.assign(get, { known: () => made, forget: () => void (made = undefined) })
}

async function openPool({ pool: theirs, config, load = loadDriver }: ConnectionOptions): Promise<PostgresPool> {
  const pool = theirs ?? new (await load()).Pool(config)
  // A connection that breaks while nobody listens would end the process. That one which the pool has lent is listened to from
  // within the pool: who waits for it goes on later, and the server's farewell may come together with its greeting.
  pool.on('error', ignore)
  pool.on('acquire', guard)
  pool.on('release', unguard)
  return pool
}

async function end(opening: Promise<PostgresPool>, theirs: PostgresPool | undefined): Promise<void> {
  const pool = await opening.catch(() => undefined)
  if (pool === undefined) return
  if (pool !== theirs) return pool.end()
  pool.off('error', ignore)
  pool.off('acquire', guard)
  pool.off('release', unguard)
}

function guard(client: PooledClient): void {
  client.on('error', ignore)
}

function unguard(_error: unknown, client: PooledClient): void {
  client.off('error', ignore)
}

/** The class that the pool itself makes connections of, which need not be that of the package found from here. */
async function clientOf(
  pool: PostgresPool,
  load: () => Promise<PostgresDriver>,
): Promise<Pick<PostgresDriver, 'Client'>> {
  const { Client } = pool as Partial<Pick<PostgresDriver, 'Client'>>
  return Client === undefined ? load() : { Client }
}

async function migrateOn(pool: PostgresPool, schema: string): Promise<void> {
  const client = await pool.connect()
  let broken = true
  try {
    const ask: Ask = async (text, values = []) => {
      const { rows } = await client.query({ text, values, rowMode: 'array', types: RAW })
      return rows as (string | null)[][]
    }
    await migrate(ask, schema)
    broken = false
  } finally {
    client.release(broken)
  }
}
