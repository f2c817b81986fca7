/**
 * A store in Redis: for any number of processes.
 *
 * @module polaris-workflow/stores/redis
 */
import type { RedisOptions } from 'ioredis'
import { describeValue, PolarisError } from '../graph/errors.ts'
import type { DataStore } from './contract.ts'
import { claim } from './redis/claiming.ts'
import { connect } from './redis/connection.ts'
import type { RedisClient } from './redis/driver.ts'
import { makeKeys } from './redis/keys.ts'
import { listMeta, meta, pruneMeta, setMeta } from './redis/meta.ts'
import { history, list, mail, read, request, serverTime } from './redis/reading.ts'
import { remove } from './redis/removing.ts'
import { makeSubscriptions } from './redis/subscription.ts'
import { append, prune, write } from './redis/writing.ts'

export type { RedisClient } from './redis/driver.ts'

/** Where {@link redisStore} keeps instances, and how it behaves. Everything may be left out. */
export interface RedisStoreOptions {
  /** `redis://` or `rediss://`, with user, password and number of the database if need be. Default: the local server. */
  readonly url?: string
  /**
   * A client of ioredis, `Redis` or `Cluster`, instead of a connection of the store's own. Its options are yours: with
   * `maxRetriesPerRequest` at its default, calls wait for a lost server up to `timeout`. The store never closes it.
   */
  readonly client?: RedisClient
  /** Options of ioredis for the store's own connection: TLS, sentinels, timeouts. */
  readonly connection?: RedisOptions
  /** What all keys begin with, `{prefix:…}`. Letters, digits, and any of `_ . : / -`. Default: `polaris`. */
  readonly prefix?: string
  /**
   * How many parts the instances are spread over; each is in one slot of a cluster. Fixed when the store is first used.
   * Default: 256.
   */
  readonly partitions?: number
  /** How long a call may take, in milliseconds, before it fails with `STORE_UNAVAILABLE`. Default: 5,000. */
  readonly timeout?: number
  /**
   * Refuse servers that could lose what they acknowledged: `STORE_INVALID` unless `CONFIG GET` says `appendonly yes`
   * and `appendfsync always`. Default: false.
   */
  readonly requireDurable?: boolean
  /**
   * Whose clock counts instead of the server's, in milliseconds since the epoch: for tests. All processes on a prefix have to
   * have the same one.
   */
  readonly now?: () => number
}

/**
 * A store in Redis 5 or later, Redis Cluster or Valkey, connected at the first use. Needs the package `ioredis`.
 *
 * What it acknowledged is as safe as the server is told to keep it. With `appendonly yes` and `appendfsync always` it
 * survives a power failure of the server; with `everysec` the last second or two may be lost, without a file everything.
 * Replication is asynchronous: after a failover instances stand as they once did, the newest changes may be missing.
 *
 * @throws `OPTION_INVALID` for options that cannot be meant.
 */
export function redisStore(options: RedisStoreOptions = {}): DataStore {
  const { url, client, connection: settings = {}, prefix = 'polaris', partitions = 256 } = options
  const { timeout = 5_000, requireDurable = false, now } = options
  checkOptions(options, timeout)
  const keys = makeKeys(prefix, partitions)
  const connection = connect({ url, client, connection: settings, timeout, requireDurable, now, keys })
  const subscriptions = makeSubscriptions(connection, keys.channel)
  let closed = false
  const refuseClosed = (): void => {
    if (closed) throw new PolarisError('CLOSED', 'The Redis store is closed.')
  }
  return {
    name: 'redis',
    lanes: 2,
    capabilities: { durable: true, values: 'text', lists: true },
    read: (id) => read(connection, keys, id),
    write: (changes) => write(connection, keys, changes),
    append: (appends) => append(connection, keys, appends),
    remove: (removals) => remove(connection, keys, removals),
    mail: (id, query) => mail(connection, keys, id, query),
    request: (id, requestId) => request(connection, keys, id, requestId),
    claim: (query) => claim(connection, keys, query),
    list: (query) => list(connection, keys, query),
    history: (id, query) => history(connection, keys, id, query),
    now: now ?? (() => serverTime(connection, keys)),
    async prune(handledBefore, limit) {
      const pruned = await prune(connection, keys, handledBefore, limit)
      return pruned < limit ? pruned + (await pruneMeta(connection, keys, limit - pruned)) : pruned
    },
    meta: (kind, key) => meta(connection, keys, kind, key),
    setMeta: (record, expectedRevision) => setMeta(connection, keys, record, expectedRevision),
    listMeta: (kind, query) => listMeta(connection, keys, kind, query),
    subscribe(onMail) {
      refuseClosed()
      return subscriptions.add(onMail)
    },
    async close() {
      closed = true
      subscriptions.close()
      await connection.close()
    },
  }
}

function checkOptions({ url, client, connection }: RedisStoreOptions, timeout: number): void {
  const refuse = (message: string): never => {
    throw new PolarisError('OPTION_INVALID', message)
  }
  // Never the text itself: it may hold a password.
  if (url !== undefined && (typeof url !== 'string' || !/^rediss?:\/\//.test(url))) {
    refuse('url begins with redis:// or rediss://; got something else.')
  }
  if (client !== undefined && (url !== undefined || connection !== undefined)) {
    refuse('Give the Redis store either a client, or the url and options of a connection, not both.')
  }
  if (client !== undefined && typeof client.evalsha !== 'function') {
    refuse(`client is a Redis or Cluster of ioredis; got ${describeValue(client)}.`)
  }
  if (connection?.keyPrefix || (client && 'keyPrefix' in client.options && client.options.keyPrefix)) {
    refuse('keyPrefix of ioredis would tear keys and channels apart: give the Redis store the option prefix instead.')
  }
  // The longest a timer of Node can wait.
  if (!Number.isSafeInteger(timeout) || timeout < 1 || timeout > 2 ** 31 - 1) {
    refuse(`timeout is a whole number of milliseconds; got ${describeValue(timeout)}.`)
  }
}
