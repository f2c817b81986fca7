/** One connection to Redis, made at the first use: runs scripts, and gives up in time. */
import type { RedisOptions } from 'ioredis'
import { PolarisError } from '../../graph/errors.ts'
import { type Client, loadDriver, type RedisClient } from './driver.ts'
import { translate } from './failure.ts'
import type { Keys } from './keys.ts'
import type { Script } from './script.ts'

export interface ConnectionOptions {
  readonly url: string | undefined
  readonly client: RedisClient | undefined
  readonly connection: RedisOptions
  readonly timeout: number
  readonly requireDurable: boolean
  /** Whose clock counts instead of the server's. */
  readonly now: (() => number) | undefined
  readonly keys: Keys
}

/** Keys in one slot (on a cluster), and the arguments behind them. */
export interface Call {
  readonly keys: readonly string[]
  readonly args: readonly (string | number)[]
}

export interface Connection {
  /** Runs one script for each call, all of them in one go; answers in the order given. */
  run(script: Script, calls: readonly Call[]): Promise<readonly unknown[]>
  /** Whether keys of different partitions may not meet in a call. */
  readonly cluster: boolean
  /** Another connection of the same kind, for Pub/Sub. The caller's to end. */
  duplicate(): Promise<Client>
  close(): Promise<void>
}

/** Raised whenever what is stored changes its form. */
const SCHEMA = 2
const LONGEST_PAUSE_MS = 500

export function connect(options: ConnectionOptions): Connection {
  const { timeout, keys } = options
  let opening: Promise<Client> | undefined
  let client: Client | undefined
  let closed = false

  const open = (): Promise<Client> => {
    if (closed) return Promise.reject(new PolarisError('CLOSED', 'The Redis store is closed.'))
    opening ??= prepare().catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }
  const prepare = async (): Promise<Client> => {
    client ??= (options.client as Client | undefined) ?? (await createClient(options))
    if (closed) {
      if (options.client === undefined) client.disconnect()
      throw new PolarisError('CLOSED', 'The Redis store is closed.')
    }
    await checkMeta(client, keys)
    if (options.requireDurable) await checkDurable(client)
    return client
  }
  /** Trouble in the words of the contract, after `timeout` at the latest. */
  const bounded = async <T>(work: Promise<T>): Promise<T> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const message = `Redis did not answer within ${timeout} ms (the option \`timeout\`): is it reachable?`
      timer = setTimeout(() => reject(new PolarisError('STORE_UNAVAILABLE', message)), timeout)
    })
    try {
      return await Promise.race([work, late])
    } catch (error) {
      throw translate(error)
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    get cluster() {
      return options.client?.isCluster === true
    },
    run: (script, calls) => bounded(open().then((ready) => runAll(ready, ...timed(options.now, script, calls)))),
    duplicate: () => bounded(open().then((ready) => duplicate(ready))),
    async close() {
      closed = true
      const ours = options.client === undefined ? client : undefined
      if (ours === undefined) return
      if (ours.status === 'ready') await bounded(ours.quit()).catch(() => undefined)
      ours.disconnect()
    },
  }
}

/** What is run where the store brings a clock. */
function timed(now: (() => number) | undefined, script: Script, calls: readonly Call[]): [Script, readonly Call[]] {
  if (now === undefined || script.given === undefined) return [script, calls]
  const time = Math.floor(now())
  return [script.given, calls.map(({ keys, args }) => ({ keys, args: [...args, time] }))]
}

async function createClient({ url, connection }: ConnectionOptions): Promise<Client> {
  const { Redis } = await loadDriver()
  const settings: RedisOptions = {
    // Known to every server, and to whatever stands between.
    protocol: 2,
    connectTimeout: 5_000,
    retryStrategy: (times) => Math.min(times * 50, LONGEST_PAUSE_MS),
    // After a failover the name may lead elsewhere.
    reconnectOnError: (error) => error.message.includes('READONLY'),
    ...connection,
    // The engine sends again what was lost, and knows how: commands shall neither wait for a server that is gone...
    maxRetriesPerRequest: 0,
    // ...nor be sent a second time behind its back.
    autoResendUnfulfilledCommands: false,
    lazyConnect: true,
  }
  const client = url === undefined ? new Redis(settings) : new Redis(url, settings)
  quieten(client)
  return client
}

/** Every command tells of trouble by itself; an 'error' event that nobody hears would be printed. */
function quieten(client: Client): void {
  client.on('error', () => undefined)
}

function duplicate(client: Client): Client {
  const copy = client.isCluster ? client.duplicate() : client.duplicate({ maxRetriesPerRequest: null })
  quieten(copy)
  return copy
}

/** Promises of the same tick leave in one packet, and are answered in the order sent. */
async function runAll(client: Client, script: Script, calls: readonly Call[]): Promise<readonly unknown[]> {
  const [only] = calls
  if (calls.length === 1 && only !== undefined) return [await runOne(client, script, only)]
  const answers = await Promise.allSettled(calls.map((call) => runOne(client, script, call)))
  return answers.map((answer) => {
    if (answer.status === 'rejected') throw answer.reason
    return answer.value
  })
}

async function runOne(client: Client, { sha, lua }: Script, { keys, args }: Call): Promise<unknown> {
  const all = [...keys, ...args]
  try {
    return await client.evalsha(sha, keys.length, ...all)
  } catch (error) {
    // The server is new, or forgot: nothing was run.
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return client.eval(lua, keys.length, ...all)
  }
}

/** Written by whoever comes first; all others must agree with it. */
async function checkMeta(client: Client, { meta, partitions }: Keys): Promise<void> {
  const count = partitions.length
  let found = await client.get(meta)
  if (found === null) {
    await client.set(meta, describe(count), 'NX')
    found = await client.get(meta)
  }
  const known = readMeta(found ?? '')
  if (known === undefined) {
    throw new PolarisError('STORE_INVALID', `${meta} is not this store's: give the store a prefix of its own.`)
  }
  if (known.schema > SCHEMA) {
    const message =
      `${meta} was written by a newer version of polaris-workflow (schema ${known.schema}, this one knows ${SCHEMA}): ` +
      'update the package.'
    throw new PolarisError('STORE_NEWER', message)
  }
  if (known.partitions !== count) {
    const message =
      `${meta} says that this store has ${known.partitions} partitions, and it was opened with ${count}: ` +
      `pass \`partitions: ${known.partitions}\`, or another prefix. The number cannot be changed later.`
    throw new PolarisError('STORE_INVALID', message)
  }
  // What older versions wrote is read as it is; they could not read what is written from now on.
  if (known.schema < SCHEMA) await client.set(meta, describe(count), 'XX')
}

function describe(partitions: number): string {
  return JSON.stringify({ schema: SCHEMA, partitions })
}

function readMeta(text: string): { readonly schema: number; readonly partitions: number } | undefined {
  try {
    const { schema, partitions } = JSON.parse(text) as { readonly schema?: unknown; readonly partitions?: unknown }
    return typeof schema === 'number' && typeof partitions === 'number' ? { schema, partitions } : undefined
  } catch {
    return undefined
  }
}

async function checkDurable(client: Client): Promise<void> {
  const nodes = client.nodes?.('master') ?? [client]
  for (const node of nodes) {
    const settings = new Map<string, unknown>()
    for (const name of ['appendonly', 'appendfsync']) settings.set(name, (await readConfig(node, name))?.[1])
    if (settings.get('appendonly') === 'yes' && settings.get('appendfsync') === 'always') continue
    const message =
      'requireDurable: every acknowledged write survives a power failure only with `appendonly yes` and `appendfsync always`; ' +
      `this server has appendonly ${String(settings.get('appendonly'))}, appendfsync ${String(settings.get('appendfsync'))}.`
    throw new PolarisError('STORE_INVALID', message)
  }
}

async function readConfig(node: Client, name: string): Promise<readonly unknown[] | undefined> {
  try {
    const answer = await node.config('GET', name)
    return Array.isArray(answer) ? answer : undefined
  } catch (error) {
    const message = `requireDurable: the server does not tell its settings (CONFIG GET ${name}): allow it, or leave the option out.`
    throw new PolarisError('STORE_INVALID', message, { cause: translate(error) })
  }
}
