/** Places of one's own on the servers that `servers.ts` found or started. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { beforeEach, inject } from 'vitest'
import type { DataStore } from 'polaris-workflow'
import { postgresStore, type PostgresOptions } from 'polaris-workflow/stores/postgres'

/** Groups of the conformance suite that go by the time: they also run by a clock of the test's instead of the server's. */
export const BY_TIME = /^(lease|claim|clock|append|mail in changes|cancel)$/

interface Timed {
  open(options: { readonly now: () => number }): DataStore
  dispose(): Promise<void>
}

/** A medium by a clock that the test moves. */
export function movable({
  open,
  dispose,
}: Timed): Omit<Timed, 'open'> & { open(): DataStore; advance(ms: number): void } {
  let ahead = 0
  const now = (): number => Date.now() + ahead
  return { open: () => open({ now }), dispose, advance: (ms) => void (ahead += ms) }
}

/** Skips every test of the file or `describe` where the server is missing; the run's last lines say how many, and why. */
export function needsServer(name: 'postgres' | 'redis'): void {
  const place = inject(name)
  beforeEach((context) => {
    if ('missing' in place) context.skip(`no ${name} server: ${place.missing}`)
  })
}

/** @throws where the server is missing: see {@link needsServer} */
export function serverUrl(name: 'postgres' | 'redis'): string {
  const place = inject(name)
  if ('missing' in place) throw new Error(`There is no ${name} server: ${place.missing}`)
  return place.url
}

export interface PostgresMedium {
  readonly schema: string
  open(options?: PostgresOptions): DataStore
  /** Any statement, as the server's owner. */
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  /** Drops the schema. Stores that are open still would make it anew. */
  dispose(): Promise<void>
}

/** A schema of its own. */
export function postgresMedium(url: string = serverUrl('postgres')): PostgresMedium {
  const schema = `test_${randomUUID().replaceAll('-', '').slice(0, 20)}`
  const query: PostgresMedium['query'] = async (text, values = []) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return (await client.query(text, values)).rows as Record<string, unknown>[]
    } finally {
      await client.end()
    }
  }
  return {
    schema,
    query,
    open: (options = {}) => postgresStore({ connectionString: url, schema, ...options }),
    async dispose() {
      await query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
    },
  }
}
