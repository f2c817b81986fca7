/** Where the stores that are measured live: servers that the environment names, or own ones that keep what they acknowledge. */
import * as driver from '@photostructure/sqlite'
import { Redis } from 'ioredis'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { DataStore } from 'polaris-workflow'
import { postgresStore } from 'polaris-workflow/stores/postgres'
import { redisStore } from 'polaris-workflow/stores/redis'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import { startRedis } from '../test/support/redis-server.ts'
import { startPostgres } from '../test/support/server-embedded.ts'

export const STORES = ['sqlite', 'postgres', 'redis'] as const
export type StoreName = (typeof STORES)[number]

/** Plain data, to be handed to the processes of the contenders. */
export interface Place {
  readonly store: StoreName
  /** A file, or a server's url. */
  readonly at: string
  /** What everything in it begins with. */
  readonly name: string
}

export interface OpenPlace {
  readonly place: Place
  /** Removes what the bench has put there. */
  readonly close: () => Promise<void>
}

const TMPFS = 0x01021994

/** The folder for temporary files, or another one if that is only memory; `POLARIS_BENCH_DIR` before all. */
export function realDisk(): string {
  return [process.env['POLARIS_BENCH_DIR'], tmpdir(), '/var/tmp', process.cwd()].find(
    (folder): folder is string => folder !== undefined && statfsSync(folder).type !== TMPFS,
  ) as string
}

/** Closed as well where somebody ends the bench before it has: its servers would be left for ever. */
export async function openPlace(store: StoreName): Promise<OpenPlace> {
  const { place, close } = await open(store)
  const end = (): void => void close().finally(() => process.exit(130))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  return {
    place,
    async close() {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end)
      await close()
    },
  }
}

async function open(store: StoreName): Promise<OpenPlace> {
  const name = `bench_${randomUUID().slice(0, 8)}`
  // Where the servers put their files.
  process.env['TMPDIR'] = realDisk()
  switch (store) {
    case 'sqlite': {
      const folder = mkdtempSync(join(realDisk(), 'polaris-bench-'))
      return {
        place: { store, at: join(folder, 'bench.db'), name },
        close: async () => rmSync(folder, { recursive: true, force: true }),
      }
    }
    case 'postgres': {
      const given = process.env['POSTGRES_URL']
      if (given) return { place: { store, at: given, name }, close: () => cleanPostgres(given, name) }
      const server = await startPostgres()
      return { place: { store, at: server.url, name }, close: () => server.stop() }
    }
    case 'redis': {
      const given = process.env['REDIS_URL']
      if (given) return { place: { store, at: given, name }, close: () => cleanRedis(given, name) }
      const server = await startRedis()
      if ('missing' in server) throw new Error(server.missing)
      return { place: { store, at: server.url, name }, close: () => server.stop() }
    }
  }
}

/** With the durability that acknowledges nothing which a power failure could take. */
export function openStore({ store, at, name }: Place): DataStore {
  switch (store) {
    case 'sqlite':
      return sqliteStore(at, { driver: () => driver })
    case 'postgres':
      return postgresStore({ connectionString: at, schema: name })
    case 'redis':
      return redisStore({ url: at, prefix: name })
  }
}

async function cleanPostgres(url: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`DROP SCHEMA IF EXISTS ${name} CASCADE`)
    await client.query(`DROP SCHEMA IF EXISTS ${name}_raw CASCADE`)
    await client.query(`DROP DATABASE IF EXISTS ${name}_peer WITH (FORCE)`)
  } finally {
    await client.end()
  }
}

async function cleanRedis(url: string, name: string): Promise<void> {
  const client = new Redis(url)
  try {
    for await (const keys of client.scanStream({ match: `*${name}*`, count: 1_000 })) {
      if ((keys as string[]).length > 0) await client.unlink(...(keys as string[]))
    }
  } finally {
    client.disconnect()
  }
}
