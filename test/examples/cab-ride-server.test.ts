import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ServerProcess } from '../../examples/cab-ride/demo/server-process.ts'
import { readLedger } from '../../examples/cab-ride/services.ts'
import type { Answer } from './answer.ts'

const PROGRAM = new URL('../../.build/examples/cab-ride/server.js', import.meta.url)
const DEMO = fileURLToPath(new URL('../../.build/examples/cab-ride/demo.js', import.meta.url))
const PATIENCE = { timeout: 20_000, interval: 10 }

let folder: string
let ledger: string
let server: ServerProcess

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'polaris-server-'))
  const file = join(folder, 'below', 'rides.db')
  ledger = `${file}.payments.log`
  server = new ServerProcess(PROGRAM, { RIDES_DB: file })
})
afterEach(async () => {
  await server.kill()
  rmSync(folder, { recursive: true, force: true })
})

async function get(path: string) {
  return (await (await fetch(server.url + path)).json()) as Answer
}

async function post(path: string, body: object) {
  const response = await fetch(server.url + path, { method: 'POST', body: JSON.stringify(body) })
  return { status: response.status, body: (await response.json()) as Answer }
}

const EVENTS: [string, object][] = [
  ['RideRequest', { rider: 'Ada', from: 'Station', to: 'Airport', card: 'tok_visa', seats: 1 }],
  ['PickupArrival', { odometerKm: 100 }],
  ['Departure', { waitedMinutes: 5 }],
]

async function rideUpToArrival() {
  for (const [name, event] of EVENTS) expect((await post(`/rides/r/${name}`, event)).status).toBe(200)
}

async function fedEvents() {
  const { entries } = await get('/rides/r/history')
  return entries.filter(({ outcome }) => outcome === 'fed').map(({ data, value }) => [data, value])
}

describe('the server, killed with kill -9 while a payment is under way', () => {
  beforeEach(async () => {
    await server.start({ PAYMENT_MS: '60000' })
    await rideUpToArrival()
    const unanswered = post('/rides/r/DestinationArrival', { odometerKm: 105 }).catch(() => 'no answer')
    await vi.waitFor(() => expect(readLedger(ledger)).toHaveLength(1), PATIENCE)
    expect(await get('/rides/r')).toMatchObject({ status: 'running' })
    await server.kill()
    expect(await unanswered).toBe('no answer')
  })

  it('goes on by itself after the restart, loses nothing and charges once', async () => {
    await server.start()
    await vi.waitFor(async () => expect(await get('/rides/r')).toMatchObject({ status: 'completed' }), PATIENCE)
    expect(await fedEvents()).toEqual([...EVENTS, ['DestinationArrival', { odometerKm: 105 }]])
    const [charge, repeat, ...more] = readLedger(ledger)
    expect(more).toEqual([])
    expect([charge?.kind, repeat?.kind]).toEqual(['charge', 'repeat'])
    expect(repeat?.key).toBe(charge?.key)
  })

  it('takes the retry of the request that got no answer, and still charges once', async () => {
    await server.start()
    const { status } = await post('/rides/r/DestinationArrival', { odometerKm: 105 })
    // 409: it had gone on by itself before the retry came, and the ride was paid.
    expect([200, 409]).toContain(status)
    expect(await get('/rides/r')).toMatchObject({ status: 'completed' })
    expect((await fedEvents()).slice(0, 4)).toEqual([...EVENTS, ['DestinationArrival', { odometerKm: 105 }]])
    expect(readLedger(ledger).map(({ kind }) => kind)).toEqual(['charge', 'repeat'])
  })
})

describe('the server', () => {
  it('finishes the calls under way on SIGTERM, then ends with 0', async () => {
    await server.start({ PAYMENT_MS: '300' })
    await rideUpToArrival()
    const last = post('/rides/r/DestinationArrival', { odometerKm: 105 })
    await vi.waitFor(() => expect(readLedger(ledger)).toHaveLength(1), PATIENCE)
    const ended = server.kill('SIGTERM')
    expect(await last).toMatchObject({ status: 200, body: { status: 'completed' } })
    expect(await ended).toBe(0)

    await server.start()
    expect(await get('/rides/r')).toMatchObject({ status: 'completed' })
  })

  it('says so when its port is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    await expect(server.start({ PORT: String(port) })).rejects.toThrow(
      new RegExp(`Port ${port} is taken.* PORT=\\d+ npm start`),
    )
    await new Promise((resolve) => other.close(resolve))
  })

  it('says so when its settings or its file make no sense', async () => {
    await expect(server.start({ PORT: '80a' })).rejects.toThrow('PORT must be a whole number from 0 to 65535')
    await expect(server.start({ RIDES_DB: fileURLToPath(PROGRAM) })).rejects.toThrow('is not an SQLite database')
  })
})

describe('the demo', () => {
  it('drives rides through several kills, and says that nothing was lost', () => {
    const env = { ...process.env, DEMO_RIDES: '6' }
    const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO], { env, encoding: 'utf8', timeout: 60_000 })
    expect(stderr).toBe('')
    expect(stdout).toContain('takePayment  RideRequest, Fare, [OtherCard] → Payment (once)')
    expect(stdout.match(/kill -9/g)?.length).toBeGreaterThanOrEqual(2)
    expect(stdout).toContain('✓ nothing acknowledged was lost, nobody was charged twice, all rides are closed')
    expect(status).toBe(0)
  }, 60_000)

  it('refuses a number of rides that is none', () => {
    const env = { ...process.env, DEMO_RIDES: 'many' }
    const { status, stderr } = spawnSync(process.execPath, [DEMO], { env, encoding: 'utf8' })
    expect(stderr).toMatch('DEMO_RIDES must be a whole number from 1 to 9999, but is "many".')
    expect(status).toBe(1)
  })
})
