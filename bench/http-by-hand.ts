/** The service as one would write it by hand: the same checks and the same inserts, in one transaction a request. */
import * as driver from '@photostructure/sqlite'
import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import pg from 'pg'
import { fareOf, paidOf, RideEnded, RideRequest, TOKEN } from './http-ride.ts'
import type { Place } from './stores-servers.ts'

interface Rides {
  begin(id: string, ride: string, quote: string): unknown
  /** The newest quote. */
  quoteOf(id: string): Promise<string | undefined> | string | undefined
  end(id: string, ended: string, receipt: string): unknown
  close(): unknown
}

export async function serveByHand(place: Place): Promise<{ readonly url: string; close(): Promise<void> }> {
  const rides = place.store === 'sqlite' ? onSqlite(place) : await onPostgres(place)
  const server = createServer((request, response) => {
    answer(rides, request).then(
      ({ status, body }) => {
        const text = JSON.stringify(body)
        response
          .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
          .end(text)
      },
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      await closed(server)
      await rides.close()
    },
  }
}

async function answer(rides: Rides, request: IncomingMessage): Promise<{ status: number; body: object }> {
  if (request.headers.authorization !== `Bearer ${TOKEN}`) return { status: 401, body: { error: 'no token' } }
  const id = decodeURIComponent((request.url ?? '').slice('/api/workflows/cabRide/instances/'.length))
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
  if ('RideRequest' in body) {
    const ride = RideRequest.safeParse(body['RideRequest'])
    if (!ride.success) return { status: 422, body: ride.error.issues }
    const quote = fareOf(ride.data)
    await rides.begin(id, JSON.stringify(ride.data), JSON.stringify(quote))
    return { status: 200, body: { id, status: 'waiting', produced: { Quote: quote } } }
  }
  const ended = RideEnded.safeParse(body['RideEnded'])
  if (!ended.success) return { status: 422, body: ended.error.issues }
  const quote = await rides.quoteOf(id)
  if (quote === undefined) return { status: 409, body: { error: 'no quote yet' } }
  const { fare } = JSON.parse(quote) as { fare: number }
  const receipt = paidOf(fare, ended.data.minutes)
  await rides.end(id, JSON.stringify(ended.data), JSON.stringify(receipt))
  return { status: 200, body: { id, status: 'completed', produced: { Receipt: receipt } } }
}

const TABLES = `
  CREATE TABLE rides (id text PRIMARY KEY, status text NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL);
  CREATE TABLE ride_data (ride text NOT NULL, seq integer NOT NULL, name text NOT NULL, value text NOT NULL, at bigint NOT NULL,
    PRIMARY KEY (ride, seq));`

function onSqlite({ at }: Place): Rides {
  const database = new driver.DatabaseSync(`${at}.hand`)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
  database.exec(TABLES)
  const newRide = database.prepare('INSERT INTO rides VALUES (?, ?, ?, ?)')
  const newDatum = database.prepare('INSERT INTO ride_data VALUES (?, ?, ?, ?, ?)')
  const update = database.prepare('UPDATE rides SET status = ?, updated_at = ? WHERE id = ?')
  const quote = database.prepare(
    `SELECT value FROM ride_data WHERE ride = ? AND name = 'Quote' ORDER BY seq DESC LIMIT 1`,
  )
  const atomically = (work: () => void): void => {
    database.exec('BEGIN IMMEDIATE')
    try {
      work()
      database.exec('COMMIT')
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }
  return {
    begin(id, ride, made) {
      const now = Date.now()
      atomically(() => {
        newRide.run(id, 'waiting', now, now)
        newDatum.run(id, 1, 'RideRequest', ride, now)
        newDatum.run(id, 2, 'Quote', made, now)
      })
    },
    quoteOf: (id) => (quote.get(id) as { value: string } | undefined)?.value,
    end(id, ended, receipt) {
      const now = Date.now()
      atomically(() => {
        newDatum.run(id, 3, 'RideEnded', ended, now)
        newDatum.run(id, 4, 'Receipt', receipt, now)
        update.run('completed', now, id)
      })
    },
    close: () => database.close(),
  }
}

async function onPostgres({ at, name }: Place): Promise<Rides> {
  const schema = `${name}_raw`
  const pool = new pg.Pool({ connectionString: at, max: 10, options: `-c search_path=${schema}` })
  await pool.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
  await pool.query(TABLES)
  // One statement is one transaction and one round trip: nobody writes it faster by hand.
  const begin = {
    name: 'begin',
    text: `WITH ride AS (INSERT INTO rides VALUES ($1, 'waiting', $4, $4))
      INSERT INTO ride_data VALUES ($1, 1, 'RideRequest', $2, $4), ($1, 2, 'Quote', $3, $4)`,
  }
  const end = {
    name: 'end',
    text: `WITH ride AS (UPDATE rides SET status = 'completed', updated_at = $4 WHERE id = $1)
      INSERT INTO ride_data VALUES ($1, 3, 'RideEnded', $2, $4), ($1, 4, 'Receipt', $3, $4)`,
  }
  const quote = {
    name: 'quote',
    text: `SELECT value FROM ride_data WHERE ride = $1 AND name = 'Quote' ORDER BY seq DESC LIMIT 1`,
  }
  return {
    begin: (id, ride, made) => pool.query({ ...begin, values: [id, ride, made, Date.now()] }),
    quoteOf: async (id) => (await pool.query<{ value: string }>({ ...quote, values: [id] })).rows[0]?.value,
    end: (id, ended, receipt) => pool.query({ ...end, values: [id, ended, receipt, Date.now()] }),
    close: () => pool.end(),
  }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => void server.close(() => resolve()))
}
