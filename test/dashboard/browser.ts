/** A real browser in front of the real service. */
import { serve } from '@hono/node-server'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import type { TestContext } from 'vitest'
import { rideService } from '../../examples/cab-ride/app.ts'
import type { Services } from '../../examples/cab-ride/services.ts'
import { fakeServices } from '../../examples/cab-ride/services.ts'
import { buildDashboard } from '../../scripts/dashboard.mjs'

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const ARGUMENTS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]
const TOKEN = 'token-of-the-dashboard-tests'
/** Where pictures of a run are kept: `coverage` is not committed either. */
const PICTURES = new URL('../../.build/screenshots/', import.meta.url).pathname
const PATIENCE_MS = 15_000

/** Skips a test where there is no browser; the run's last lines say so. */
export function needsBrowser(context: TestContext): void {
  if (!existsSync(CHROMIUM)) context.skip(`no browser at ${CHROMIUM}`)
}

/** One for all tests of a file; `undefined` where there is none. */
export async function launch(): Promise<Browser | undefined> {
  if (!existsSync(CHROMIUM)) return undefined
  await buildDashboard()
  mkdirSync(PICTURES, { recursive: true })
  return chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
}

/** The cab-ride service on a port, as `npm start` has it, on a store that ends with the test. */
export interface Town {
  readonly url: string
  /** Where the dashboard is. */
  readonly dashboard: string
  readonly token: string
  readonly post: (path: string, body: object) => Promise<number>
  /** Ends the process's part of it; the store stays. */
  readonly stop: () => Promise<void>
  /** And again, on the same port. */
  readonly start: () => Promise<void>
  readonly close: () => Promise<void>
}

interface TownOptions {
  readonly services?: Partial<Services>
}

export async function newTown({ services: own = {} }: TownOptions = {}): Promise<Town> {
  const folder = mkdtempSync(join(tmpdir(), 'polaris-dashboard-'))
  const services = { ...fakeServices({ ledger: join(folder, 'payments.log') }), ...own }
  let port = 0
  let running: { readonly server: Server; readonly rides: ReturnType<typeof rideService> } | undefined
  const start = async (): Promise<void> => {
    const rides = rideService({ store: sqliteStore(join(folder, 'rides.db')), services, token: TOKEN })
    await rides.start()
    const server = await new Promise<Server>((resolve) => {
      const made = serve({ fetch: rides.fetch, port, hostname: '127.0.0.1' }, () => resolve(made)) as Server
    })
    port = (server.address() as AddressInfo).port
    running = { server, rides }
  }
  const stop = async (): Promise<void> => {
    const { server, rides } = running ?? {}
    running = undefined
    rides?.hangUp()
    server?.closeAllConnections()
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)))
    await rides?.close()
  }
  await start()
  const url = `http://127.0.0.1:${port}`
  return {
    ...{ url, start, stop, dashboard: `${url}/polaris`, token: TOKEN },
    post: async (path, body) => {
      const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) })
      await response.arrayBuffer()
      return response.status
    },
    async close() {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A page of the dashboard that was signed in, and all that its browser had to complain about. */
export interface Visit {
  readonly page: Page
  /** Messages of the console about what was refused or failed, and errors nobody caught. */
  readonly complaints: string[]
  readonly go: (path: string) => Promise<void>
  readonly picture: (name: string) => Promise<void>
  /** Waits until nothing is loaded any more. */
  readonly settle: () => Promise<void>
}

export async function visit(
  browser: Browser,
  town: Pick<Town, 'dashboard' | 'token'>,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // That a request was refused is part of some tests; what the policy of the page refused never is.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  await page.goto(`${town.dashboard}/instances#token=${town.token}`)
  await page.getByRole('navigation', { name: 'Pages', exact: true }).waitFor()
  return {
    ...{ page, complaints },
    go: async (path) => {
      await page.goto(town.dashboard + path)
    },
    picture: async (name) => {
      await page.screenshot({ path: `${PICTURES}${name}.png`, animations: 'disabled' })
    },
    settle: () => page.locator('.loading').first().waitFor({ state: 'detached' }),
  }
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe takes for serious or critical, with some of the elements that have it. */
export async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof Axe }
    const { violations } = await axe.run()
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.slice(0, 6).map((node) => `${id}: ${node.html} (${node.failureSummary ?? ''})`))
  })
}

export const RIDE = { rider: 'Ada', from: 'Station', to: 'Airport', card: 'tok_visa', seats: 2 }

/** A ride up to its destination, where it is paid. */
export async function rideThrough(town: Town, id: string, request: object = RIDE): Promise<number> {
  await town.post(`/rides/${id}/RideRequest`, request)
  await town.post(`/rides/${id}/PickupArrival`, { odometerKm: 100 })
  await town.post(`/rides/${id}/Departure`, { waitedMinutes: 5 })
  return town.post(`/rides/${id}/DestinationArrival`, { odometerKm: 112 })
}
