/** Redis servers of a test's own, and places of one's own on the one that the whole run shares. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { DataStore } from 'polaris-workflow'
import { redisStore, type RedisStoreOptions } from 'polaris-workflow/stores/redis'

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** A process's id, to be paused or killed by. */
  readonly pid: number
  /** Ends it at once, as a crash does; what it had acknowledged is on the disk. */
  kill(): Promise<void>
  /** Starts it again at the same place, with the same data. */
  start(): Promise<void>
  restart(): Promise<void>
  /** For good: the data are removed. */
  stop(): Promise<void>
}

export interface RedisServerOptions {
  /** More settings: `{ maxmemory: '4mb' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A `redis-server` from the PATH that keeps what it acknowledges (`appendfsync always`), on a free port. */
export async function startRedis({ settings = {} }: RedisServerOptions = {}): Promise<
  RedisServer | { readonly missing: string }
> {
  const folder = mkdtempSync(join(tmpdir(), 'polaris-redis-'))
  const port = await freePort()
  const all = {
    port: `${port}`,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
    loglevel: 'warning',
    ...settings,
  }
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    child = await run(args)
    await answers(port, settings['requirepass'])
  }
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  try {
    await start()
  } catch (error) {
    await kill()
    rmSync(folder, { recursive: true, force: true })
    return { missing: error instanceof Error ? error.message : String(error) }
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return child?.pid ?? 0
    },
    kill,
    start,
    async restart() {
      await kill()
      await start()
    },
    async stop() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function run(args: readonly string[]): Promise<ChildProcess> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.resume()
  child.stderr.resume()
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw new Error('redis-server is not on the PATH: install Redis or Valkey, or set REDIS_URL.', { cause })
  }
  // A server that outlives a test run that was ended by force would be left for ever.
  process.once('exit', () => child.kill('SIGKILL'))
  return child
}

async function answers(port: number, password = ''): Promise<void> {
  const client = new Redis(port, '127.0.0.1', { password, lazyConnect: true, retryStrategy: (times) => 10 + times })
  client.on('error', () => undefined)
  const deadline = setTimeout(() => client.disconnect(), 15_000)
  try {
    await client.ping()
  } catch (cause) {
    throw new Error(`redis-server did not answer on port ${port}.`, { cause })
  } finally {
    clearTimeout(deadline)
    client.disconnect()
  }
}

/** Below the range that outgoing connections take theirs from, and far enough from its end for a cluster's second port. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 16_000 + Math.floor(Math.random() * 14_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    const { port: taken } = server.address() as AddressInfo
    await new Promise((done) => server.close(done))
    return taken
  }
}

export interface RedisMedium {
  readonly prefix: string
  open(options?: RedisStoreOptions): DataStore
  /** Removes every key below the prefix. */
  dispose(): Promise<void>
}

/** A prefix of its own. */
export function redisMedium(url: string): RedisMedium {
  const prefix = `test:${randomUUID()}`
  return {
    prefix,
    open: (options = {}) => redisStore({ url, prefix, ...options }),
    async dispose() {
      const client = new Redis(url)
      try {
        for await (const keys of client.scanStream({ match: `{${prefix}*`, count: 1_000 })) {
          if ((keys as string[]).length > 0) await client.unlink(keys as string[])
        }
      } finally {
        client.disconnect()
      }
    },
  }
}
