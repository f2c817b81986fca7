/** Real processes, really killed; `npm run chaos` does the same for longer, see RESULTS.md. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, inject, it } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../../.build/test/programs/chaos/main.js', import.meta.url))
const WORKFLOWS = 120
const KILLS = 5
const LEASE_MS = 1_000
/** What `npm run chaos` allows is a lease and 2 s. */
const WITHIN_MS = 10 * (LEASE_MS + 2_000)

async function chaos(store: string, url?: string) {
  const options = { store, kills: KILLS, workflows: WORKFLOWS, lease: LEASE_MS, within: WITHIN_MS, ...(url && { url }) }
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
  const child = spawn(process.execPath, ['--enable-source-maps', PROGRAM, '--json', ...args])
  const [printed, complaint] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect(complaint).toBe('')
  const found = JSON.parse(printed) as Readonly<Record<string, unknown>>
  expect(found, `seed ${String(found['seed'])}`).toMatchObject({
    ...{ problems: [], kills: KILLS, workflows: WORKFLOWS },
    ...{ scopes: 4 * WORKFLOWS, products: 7 * WORKFLOWS },
  })
}

describe('four workers and two feeders, five of which are killed, lose, double and leave behind nothing', () => {
  it('on SQLite', async () => {
    await chaos('sqlite')
  }, 60_000)

  for (const store of ['postgres', 'redis'] as const) {
    it(`on ${store}`, async ({ skip }) => {
      const place = inject(store)
      if ('missing' in place) return skip(`no ${store}: ${place.missing}`)
      await chaos(store, place.url)
    }, 60_000)
  }
})
