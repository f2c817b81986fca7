/**
 * The servers that tests talk to, found or started once for a whole run (vitest's `globalSetup`): what `POSTGRES_URL`
 * and `REDIS_URL` name, else one on the standard local port that lets us in, else one of our own that ends with the run.
 */
import { connect } from 'node:net'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startPostgres } from './server-embedded.ts'

/** Where a server is, or why there is none. */
export type ServerPlace = { readonly url: string } | { readonly missing: string }

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: ServerPlace
    redis: ServerPlace
  }
}

/** One that was started for this run. */
export interface OwnServer {
  readonly url: string
  stop(): Promise<void>
}

type StartedServer = OwnServer | { readonly missing: string }

/** Vitest calls it before the first test, and what it gives back after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const own: OwnServer[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(own.splice(0).map((server) => server.stop()))
  }
  // Vitest leaves at Ctrl-C without what follows the tests.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())
  const place = async (found: ServerPlace | undefined, start: () => Promise<StartedServer>): Promise<ServerPlace> => {
    if (found !== undefined) return found
    const started = await start().catch((error: unknown) => ({ missing: String(error) }))
    if ('missing' in started) return started
    own.push(started)
    return { url: started.url }
  }
  const [postgres, redis] = await Promise.all([
    place(named('POSTGRES_URL') ?? (await localPostgres()), startPostgres),
    place(named('REDIS_URL') ?? (await localRedis()), startRedis),
  ])
  project.provide('postgres', postgres)
  project.provide('redis', redis)
  return stop
}

function named(variable: string): ServerPlace | undefined {
  const url = process.env[variable]
  return url === undefined || url === '' ? undefined : { url }
}

/** As the environment says (`PGUSER` and so on), where that may make schemas. */
async function localPostgres(): Promise<ServerPlace | undefined> {
  const user = process.env['PGUSER'] ?? 'postgres'
  const password = process.env['PGPASSWORD'] ?? 'postgres'
  const database = process.env['PGDATABASE'] ?? 'postgres'
  const login = [user, password].map(encodeURIComponent).join(':')
  const url = `postgres://${login}@127.0.0.1:5432/${encodeURIComponent(database)}`
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query(
      "SELECT has_database_privilege(current_database(), 'CREATE') AND rolsuper AS fit FROM pg_roles WHERE rolname = current_user",
    )
    return (rows[0] as { fit: boolean }).fit ? { url } : undefined
  } catch {
    return undefined
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function localRedis(): Promise<ServerPlace | undefined> {
  const answer = await new Promise<string>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: 6379, timeout: 1_000 })
    const done = (text: string): void => {
      socket.destroy()
      resolve(text)
    }
    socket.on('connect', () => socket.write('PING\r\n'))
    socket.on('data', (data) => done(data.toString()))
    socket.on('timeout', () => done(''))
    socket.on('error', () => done(''))
  })
  return answer.startsWith('+PONG') ? { url: 'redis://127.0.0.1:6379' } : undefined
}

async function startRedis(): Promise<StartedServer> {
  // Only where it is needed: it brings the store with it.
  const module = await import('./redis-server.ts')
  return module.startRedis()
}
