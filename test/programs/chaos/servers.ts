/** Where the run's instances live: a place of its own on a server that is there, or a server of its own, which may crash. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import { startRedis } from '../../support/redis-server.ts'
import { startPostgres } from '../../support/server-embedded.ts'
import type { Place, StoreKind } from './settings.ts'

export interface Medium {
  readonly place: Place
  /** Kills the server and starts it again; left out where there is none, or where it is not ours to kill. */
  crash?(): Promise<void>
  dispose(): Promise<void>
}

/** @param url of a server that others use too; without one, an own server is started */
export async function openMedium(kind: StoreKind, folder: string, url: string | undefined): Promise<Medium> {
  const name = `chaos_${randomUUID().slice(0, 8)}`
  switch (kind) {
    case 'sqlite':
      return { place: { kind, file: join(folder, 'chaos.db') }, dispose: async () => undefined }
    case 'postgres':
      return url === undefined ? ownPostgres(name) : sharedPostgres(url, name)
    case 'redis':
      return url === undefined ? ownRedis(name) : sharedRedis(url, name)
  }
}

async function ownPostgres(schema: string): Promise<Medium> {
  const server = await startPostgres()
  const [row] = await queryPostgres(server.url, 'SHOW data_directory')
  const pidFile = join(row?.['data_directory'] as string, 'postmaster.pid')
  let crashes = 0
  return {
    place: { kind: 'postgres', url: server.url, schema },
    async crash() {
      const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0])
      // What `pg_ctl stop -m immediate` sends, and what the kernel sends when memory is short.
      process.kill(pid, crashes++ % 2 === 0 ? 'SIGQUIT' : 'SIGKILL')
      await until(() => !isAlive(pid), 20_000, 'Postgres did not die')
      await startAgain(() => server.resume())
    },
    dispose: () => server.stop(),
  }
}

async function sharedPostgres(url: string, schema: string): Promise<Medium> {
  return {
    place: { kind: 'postgres', url, schema },
    dispose: async () => void (await queryPostgres(url, `DROP SCHEMA IF EXISTS ${schema} CASCADE`)),
  }
}

async function ownRedis(prefix: string): Promise<Medium> {
  const server = await startRedis()
  if ('missing' in server) throw new Error(server.missing)
  return {
    place: { kind: 'redis', url: server.url, prefix },
    crash: () => server.restart(),
    dispose: () => server.stop(),
  }
}

async function sharedRedis(url: string, prefix: string): Promise<Medium> {
  return {
    place: { kind: 'redis', url, prefix },
    async dispose() {
      const client = new Redis(url)
      for await (const keys of client.scanStream({ match: `{${prefix}*`, count: 1_000 })) {
        if ((keys as string[]).length > 0) await client.unlink(keys as string[])
      }
      client.disconnect()
    },
  }
}

async function queryPostgres(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

/** The backends of a killed postmaster may hold its memory for a moment. */
async function startAgain(start: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start()
    } catch (cause) {
      if (attempt === 100) throw new Error('Postgres did not start again.', { cause })
      await sleep(50)
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function until(holds: () => boolean, ms: number, complaint: string): Promise<void> {
  for (const deadline = Date.now() + ms; !holds(); await sleep(5)) {
    if (Date.now() > deadline) throw new Error(`${complaint} within ${ms} ms.`)
  }
}
