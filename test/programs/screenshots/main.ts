// Takes the pictures of docs/pictures that are not of terminals: the dashboard over rides of the cab-ride example. Run it after a change that shows.
//
//   npm run screenshots
//
// CHROMIUM names the browser; default /usr/bin/chromium.
import { serve } from '@hono/node-server'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import { rideService } from '../../../examples/cab-ride/app.ts'
import { fakeServices } from '../../../examples/cab-ride/services.ts'

// From .build, where it runs.
const IMAGES = fileURLToPath(new URL('../../../../docs/pictures/', import.meta.url))
const TOKEN = 'token-of-the-screenshots'
const folder = mkdtempSync(join(tmpdir(), 'polaris-screenshots-'))
const services = fakeServices({ ledger: join(folder, 'payments.log'), serviceMs: 20 })
const rides = rideService({ store: sqliteStore(join(folder, 'rides.db')), services, token: TOKEN })
await rides.start()
const server = await new Promise<Server>((resolve) => {
  const made = serve({ fetch: rides.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(made)) as Server
})
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

async function send(ride: string, name: string, body: object): Promise<void> {
  const answer = await fetch(`${url}/rides/${ride}/${name}`, { method: 'POST', body: JSON.stringify(body) })
  await answer.text()
}

const STEPS = [
  ['PickupArrival', { odometerKm: 48210.5 }],
  ['Departure', { waitedMinutes: 5 }],
  ['DestinationArrival', { odometerKm: 48216.3 }],
] as const
const CARDS = ['tok_visa', 'tok_visa', 'tok_visa', 'tok_declined', 'tok_visa', 'tok_flaky']
for (let number = 0; number < 36; number++) {
  const ride = `ride-${1041 + number}`
  const [rider, card] = [['Ada', 'Bob', 'Cleo', 'Dan'][number % 4], CARDS[number % CARDS.length]]
  await send(ride, 'RideRequest', { rider, from: 'Station', to: ['Airport', 'Museum'][number % 2], card, seats: 2 })
  for (const [name, body] of STEPS.slice(0, number % 5 === 0 ? (number / 5) % 3 : 3)) await send(ride, name, body)
}

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
})
const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' })
mkdirSync(IMAGES, { recursive: true })
await page.goto(`${url}/polaris/instances#token=${TOKEN}`)
await page.getByRole('link', { name: 'ride-1041' }).waitFor()
for (const [name, path, seen] of [
  ['overview', '/', 'In trouble'],
  ['instance', '/instances/ride-1044', 'insufficient funds'],
  ['workflow', '/workflows/cabRide?show=standing', 'instances'],
] as const) {
  await page.goto(`${url}/polaris${path}`)
  await page.getByText(seen).first().waitFor()
  await page.locator('.loading').first().waitFor({ state: 'detached' })
  await page.screenshot({ path: `${IMAGES}dashboard-${name}.png`, animations: 'disabled' })
  console.log(`docs/pictures/dashboard-${name}.png`)
}
await browser.close()
rides.hangUp()
server.closeAllConnections()
server.close()
await rides.close()
rmSync(folder, { recursive: true, force: true })
