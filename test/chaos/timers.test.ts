/** Real processes, real time; `npm run timers` does the same with 10,000 timers, see RESULTS.md. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, inject, it } from 'vitest'
import type { ExpectStatic } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../../.build/test/programs/timers/main.js', import.meta.url))
const TIMERS = 500

/** With ten times what `npm run timers` allows: other tests run meanwhile. */
async function timers(expect: ExpectStatic, store: string, url?: string) {
  const options = { store, timers: TIMERS, lead: 3_000, lease: 3_000, slack: 10, ...(url && { url }) }
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
  const child = spawn(process.execPath, ['--enable-source-maps', PROGRAM, '--json', ...args])
  const [printed, complaint] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect(complaint).toBe('')
  const { problems, shares } = JSON.parse(printed) as { problems: string[]; shares: Record<string, number> }
  expect(problems).toEqual([])
  // So few may all be one worker's before the others look.
  expect(Object.values(shares).reduce((a, b) => a + b, 0)).toBe(TIMERS)
}

// At the same time: they mostly wait.
describe.concurrent(
  'four workers let what was due while all were down, and much at once, go off once; one in an endless loop is left',
  () => {
    it('on SQLite', async ({ expect }) => {
      await timers(expect, 'sqlite')
    }, 150_000)

    for (const store of ['postgres', 'redis'] as const) {
      it(`on ${store}`, async ({ expect, skip }) => {
        const place = inject(store)
        if ('missing' in place) return skip(`no ${store}: ${place.missing}`)
        await timers(expect, store, place.url)
      }, 150_000)
    }
  },
)
