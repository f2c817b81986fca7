import type { Cluster, Redis, RedisOptions } from 'ioredis'
import { PolarisError } from '../../graph/errors.ts'

/** What the store takes: one server, or a cluster. */
export type RedisClient = Redis | Cluster

/** What the store uses of either. */
export interface Client {
  readonly status: string
  readonly isCluster: boolean
  evalsha(sha: string, keys: number, ...rest: (string | number)[]): Promise<unknown>
  eval(lua: string, keys: number, ...rest: (string | number)[]): Promise<unknown>
  get(key: string): Promise<string | null>
  set(key: string, value: string, condition: 'NX' | 'XX'): Promise<unknown>
  config(command: 'GET', name: string): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  quit(): Promise<unknown>
  disconnect(): void
  duplicate(options?: RedisOptions): Client
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  /** Of a cluster. */
  nodes?(role: 'master'): Client[]
}

export interface RedisDriver {
  readonly Redis: {
    new (settings: RedisOptions): Client
    new (url: string, settings: RedisOptions): Client
  }
}

/** @throws `DRIVER_MISSING` if `ioredis` is not there or does not load. */
export async function loadDriver(load: () => Promise<unknown> = () => import('ioredis')): Promise<RedisDriver> {
  try {
    const module = await load()
    if (isDriver(module)) return module
    throw new TypeError('ioredis exports no Redis.')
  } catch (cause) {
    const message = 'The Redis store found no driver: ioredis could not be loaded. Run `npm install ioredis`.'
    throw new PolarisError('DRIVER_MISSING', message, { cause })
  }
}

function isDriver(module: unknown): module is RedisDriver {
  return typeof (module as Partial<RedisDriver> | null | undefined)?.Redis === 'function'
}
