/**
 * What the server and its driver allow: the headers and rows of our commits written by the driver alone, in batches as large
 * and as many at once as ours, compared with nothing, in tables keyed like ours and without any other index. And single rows, each
 * committed by itself.
 */
import * as sqlite from '@photostructure/sqlite'
import { Redis } from 'ioredis'
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Change } from 'polaris-workflow'
import type { Contender } from './stores-load.ts'
import { recordScope } from './stores-ours.ts'
import { openStore } from './stores-servers.ts'
import type { Place } from './stores-servers.ts'

interface Header {
  readonly id: string
  readonly createdAt: number
  readonly revision: number
  readonly text: string
}

interface Row {
  readonly id: string
  readonly createdAt: number
  readonly seq: number
  readonly text: string
  readonly value: string
}

interface Raw {
  /** Puts headers, new or not, and adds rows: one commit. */
  batch(headers: readonly Header[], rows: readonly Row[]): Promise<void> | void
  /** One row: one commit. */
  one(id: string, value: string): Promise<void> | void
  close(): Promise<void> | void
}

/** More than this many at once make single rows no faster. */
const MOST_ONES = 64

/** @param batched whole scopes in batches; else single rows, of which one counts as one scope */
export async function raw(place: Place, batched: boolean): Promise<Contender> {
  const driver = await openRaw(place)
  const store = openStore(place)
  const { lanes = 1 } = store
  await store.close()
  const scopes = new Map<number, readonly Commit[]>()
  for (const length of [3, 10]) scopes.set(length, (await recordScope(length)).map(textOf))
  const value = scopes.get(3)?.[0]?.rows[0]?.value ?? ''
  return {
    load({ length, inFlight, batch = 1 }) {
      if (!batched) return { inFlight: Math.min(inFlight, MOST_ONES), run: () => driver.one(randomUUID(), value) }
      const commits = scopes.get(length) ?? []
      return { inFlight: Math.min(lanes, inFlight), scopes: batch, run: () => lockstep(driver, commits, batch) }
    },
    close: () => driver.close(),
  }
}

interface Commit {
  readonly revision: number
  readonly header: string
  readonly rows: readonly { readonly seq: number; readonly text: string; readonly value: string }[]
}

function textOf({ header, rows }: Change): Commit {
  const { id: _id, revision, ...rest } = header
  return {
    revision,
    header: JSON.stringify(rest),
    rows: rows.map(({ seq, value, ...more }) => ({ seq, text: JSON.stringify(more), value: value as string })),
  }
}

/** So many scopes at once, a batch for each of their commits. */
async function lockstep(driver: Raw, commits: readonly Commit[], width: number): Promise<void> {
  const ids = Array.from({ length: width }, () => randomUUID()).sort()
  const createdAt = Date.now()
  for (const { revision, header, rows } of commits) {
    const headers = ids.map((id) => ({ id, createdAt, revision, text: header }))
    const written = driver.batch(
      headers,
      ids.flatMap((id) => rows.map((row) => ({ id, createdAt, ...row }))),
    )
    if (written !== undefined) await written
  }
}

async function openRaw(place: Place): Promise<Raw> {
  switch (place.store) {
    case 'sqlite':
      return openSqlite(`${place.at}-raw`)
    case 'postgres':
      return openPostgres(place.at, `${place.name}_raw`)
    case 'redis':
      return openRedis(place.at, `${place.name}-raw:`)
  }
}

function openSqlite(file: string): Raw {
  const db = new sqlite.DatabaseSync(file)
  db.exec(`PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS headers
      (created_at INTEGER, id TEXT, revision INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (created_at, id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS rows
      (created_at INTEGER, id TEXT, seq INTEGER, text TEXT NOT NULL, value TEXT, PRIMARY KEY (created_at, id, seq)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ones (id TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`)
  const header = db.prepare(
    `INSERT INTO headers VALUES (?, ?, ?, ?)
     ON CONFLICT (created_at, id) DO UPDATE SET revision = excluded.revision, text = excluded.text`,
  )
  const row = db.prepare('INSERT INTO rows VALUES (?, ?, ?, ?, ?)')
  const one = db.prepare('INSERT INTO ones VALUES (?, ?)')
  return {
    batch(headers, rows) {
      db.exec('BEGIN IMMEDIATE')
      for (const { id, createdAt, revision, text } of headers) header.run(createdAt, id, revision, text)
      for (const { id, createdAt, seq, text, value } of rows) row.run(createdAt, id, seq, text, value)
      db.exec('COMMIT')
    },
    one: (id, value) => void one.run(id, value),
    close: () => db.close(),
  }
}

async function openPostgres(url: string, schema: string): Promise<Raw> {
  const pool = new pg.Pool({ connectionString: url, max: 16 })
  await pool.query(`
    CREATE SCHEMA IF NOT EXISTS ${schema};
    CREATE TABLE IF NOT EXISTS ${schema}.headers (id text COLLATE "C" PRIMARY KEY, revision bigint NOT NULL, text text NOT NULL);
    CREATE TABLE IF NOT EXISTS ${schema}.rows
      (id text COLLATE "C", seq bigint, text text NOT NULL, value text, PRIMARY KEY (id, seq));
    CREATE TABLE IF NOT EXISTS ${schema}.ones (id text COLLATE "C" PRIMARY KEY, value text NOT NULL)`)
  const batch = {
    name: 'batch',
    text: `WITH headers AS (
        INSERT INTO ${schema}.headers SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])
        ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, text = excluded.text
      )
      INSERT INTO ${schema}.rows SELECT * FROM unnest($4::text[], $5::bigint[], $6::text[], $7::text[])`,
  }
  const one = { name: 'one', text: `INSERT INTO ${schema}.ones VALUES ($1, $2)` }
  return {
    async batch(headers, rows) {
      const values = [
        headers.map(({ id }) => id),
        headers.map(({ revision }) => revision),
        headers.map(({ text }) => text),
        rows.map(({ id }) => id),
        rows.map(({ seq }) => seq),
        rows.map(({ text }) => text),
        rows.map(({ value }) => value),
      ]
      await pool.query({ ...batch, values })
    },
    async one(id, value) {
      await pool.query({ ...one, values: [id, value] })
    },
    close: () => pool.end(),
  }
}

/** A command that writes is one step: header and rows of an instance are fields of one hash. */
function openRedis(url: string, prefix: string): Raw {
  const client = new Redis(url)
  return {
    async batch(headers, rows) {
      const pipeline = client.pipeline()
      const fields = new Map(headers.map(({ id, revision, text }) => [id, ['h', `${revision}\n${text}`]]))
      for (const { id, seq, text, value } of rows) fields.get(id)?.push(`${seq}`, `${text}\n${value}`)
      for (const [id, all] of fields) pipeline.hset(`${prefix}${id}`, ...all)
      const answers = (await pipeline.exec()) ?? []
      for (const [error] of answers) if (error !== null) throw error
    },
    async one(id, value) {
      await client.set(`${prefix}1:${id}`, value)
    },
    async close() {
      await client.quit()
    },
  }
}
