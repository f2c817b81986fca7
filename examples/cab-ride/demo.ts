// npm run demo: a fleet of rides against a server that is killed again and again. DEMO_RIDES sets how many (default 40).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import colors from 'picocolors'
import { check } from './demo/check.ts'
import type { Ride } from './demo/ride.ts'
import { drive, newRide, STEPS } from './demo/ride.ts'
import { graphText, openScreen } from './demo/screen.ts'
import { ServerProcess } from './demo/server-process.ts'
import { readLedger } from './services.ts'

const wanted = process.env['DEMO_RIDES'] || '40'
if (!/^[1-9]\d{0,3}$/.test(wanted)) {
  console.error(`DEMO_RIDES must be a whole number from 1 to 9999, but is ${JSON.stringify(wanted)}.`)
  process.exit(1)
}
const rides = Array.from({ length: Number(wanted) }, (_, number) => newRide(number))

const folder = mkdtempSync(join(tmpdir(), 'cab-rides-'))
const file = join(folder, 'rides.db')
const ledger = `${file}.payments.log`
const server = new ServerProcess(new URL('./server.js', import.meta.url), {
  RIDES_DB: file,
  SERVICE_MS: '25',
  PAYMENT_MS: '150',
})
const url = () => server.url
let kills = 0
let ending = false

console.log(graphText(process.stdout.isTTY ? process.stdout.columns : 0))
const screen = openScreen(rides, process.stdout)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end(130))
try {
  await server.start()
  screen.say(`${rides.length} rides set out; the server keeps them in ${file}`)
  await Promise.all([...rides.map(setOut), killAgainAndAgain()])
  screen.close()
  await end((await report()) ? 0 : 1)
} catch (error) {
  // Told to stop, the rides break off with all kinds of errors, of which none is news.
  if (!ending) {
    screen.close()
    console.error(colors.red(error instanceof Error ? error.message : String(error)))
    await end(1)
  }
}

async function setOut(ride: Ride, number: number) {
  await sleep(number * 90)
  await drive(ride, number, { url, changed: (...news) => screen.changed(...news), paceMs: 600 })
}

/** Each kill waits for a moment at which there is something to lose. */
async function killAgainAndAgain() {
  const moments = [
    () => progress() > 0.15 && (sending() > 0 || progress() > 0.25),
    () => progress() > 0.4 && (sending() > 0 || progress() > 0.5),
    () => progress() > 0.6 && chargedInSilence() > 0,
  ]
  for (const isNow of moments) {
    while (!isNow()) {
      if (rides.every(({ closed }) => closed)) return
      await sleep(2)
    }
    const risk = `requests under way: ${sending()}, charges booked that no ride has heard of: ${chargedInSilence()}`
    await server.kill()
    kills++
    screen.say(`kill -9; ${risk}`)
    const started = performance.now()
    await server.start()
    screen.say(`the server is back after ${Math.round(performance.now() - started)} ms`)
  }
}

/** How much of all steps is confirmed, from 0 to 1. */
function progress() {
  return rides.reduce((sum, { done }) => sum + done.size, 0) / (rides.length * STEPS.length)
}

function sending() {
  return rides.filter((ride) => ride.sending !== undefined).length
}

/** Charges that the provider has booked, but whose ride has not been told so. */
function chargedInSilence() {
  const unpaid = new Set(rides.filter(({ done }) => !done.has('Payment')).map(({ id }) => id))
  return readLedger(ledger).filter(({ ride, kind }) => kind === 'charge' && unpaid.has(ride)).length
}

async function report() {
  const { acknowledged, fedTwice, askedTwice, charged, problems } = await check(rides, readLedger(ledger), url)
  const lost = rides.reduce((sum, { retries }) => sum + retries, 0)
  if (kills < 2) problems.push(`the server was killed ${kills} times, too few to show anything`)
  console.log(`
Killed ${kills} times; requests that got no answer and were sent again: ${lost}.
  ${acknowledged} acknowledged data and products, each one looked up in the history of its ride
  ${charged} charges; times the provider was asked again with a key it knew, and booked nothing: ${askedTwice}
  ${fedTwice} events in the histories twice: stored, but the answer was lost, and the retry fed them again. A request id
  would make it once, and is still to come; here it does no harm, since the payment is made once.
`)
  for (const problem of problems) console.log(colors.red(`✗ ${problem}`))
  if (problems.length > 0) console.log(colors.red(`\nThe database is kept for you to look at: ${file}`))
  else console.log(colors.green('✓ nothing acknowledged was lost, nobody was charged twice, all rides are closed'))
  return problems.length === 0
}

async function end(code: number) {
  ending = true
  screen.close()
  await server.kill()
  if (code !== 1) rmSync(folder, { recursive: true, force: true })
  process.exit(code)
}
