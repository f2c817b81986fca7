// The service: npm start. PORT (default 8080; 0 takes a free one) and RIDES_DB (default data/rides.db) may be set;
// SERVICE_MS and PAYMENT_MS slow the services down that a ride asks. RIDES_TOKEN is what the dashboard asks for; default: a
// fresh one each time.
import { serve } from '@hono/node-server'
import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import { DASHBOARD, rideService } from './app.ts'
import { helpText } from './help.ts'
import { fakeServices } from './services.ts'

const port = setting('PORT', 8080, 65_535)
const serviceMs = setting('SERVICE_MS', 0, 60_000)
const paymentMs = setting('PAYMENT_MS', serviceMs, 60_000)
const file = resolve(process.env['RIDES_DB'] || 'data/rides.db')
try {
  mkdirSync(dirname(file), { recursive: true })
} catch (error) {
  fail(`RIDES_DB cannot be kept in ${dirname(file)}: ${(error as Error).message}`)
}

const services = fakeServices({ ledger: `${file}.payments.log`, serviceMs, paymentMs })
const token = process.env['RIDES_TOKEN'] || undefined
const log = (line: string) => console.log(line)
const rides = rideService({ store: sqliteStore(file), services, log, ...(token !== undefined && { token }) })
await rides.start().catch((error: unknown) => fail((error as Error).message))

let stopping = false
const answer = async (request: Request) => {
  const response = await rides.fetch(request)
  // Or the client keeps the connection, and the server waits for its next request.
  if (stopping) response.headers.set('connection', 'close')
  return response
}
const server = serve({ fetch: answer, port, hostname: '127.0.0.1' }, ({ port }) => {
  const origin = `http://127.0.0.1:${port}`
  const dashboard = `Look at them live: ${origin}${DASHBOARD}/#token=${rides.token}`
  console.log(`Cab rides on ${origin}, kept in ${file}\n${dashboard}\n\n${helpText(origin)}`)
})
server.on('error', (error: NodeJS.ErrnoException) => {
  const other = `Choose another one: PORT=${port < 1024 || port === 65_535 ? 8081 : port + 1} npm start`
  if (error.code === 'EADDRINUSE') fail(`Port ${port} is taken, perhaps by this service in another terminal. ${other}`)
  fail(error.code === 'EACCES' ? `Port ${port} may not be used by everyone. ${other}` : error.message)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Whoever asks twice does not want to wait. Nothing is lost: another process goes on, or the next start.
    if (stopping) process.exit(130)
    stopping = true
    console.log(`${signal}: finishing the calls under way. Once more ends at once.`)
    rides.hangUp()
    server.close(() => void rides.close().then(() => console.log('Closed.')))
  })
}

function setting(name: string, byDefault: number, largest: number) {
  const text = process.env[name] ?? ''
  if (text === '') return byDefault
  if (/^\d{1,9}$/.test(text) && Number(text) <= largest) return Number(text)
  return fail(`${name} must be a whole number from 0 to ${largest}, but is ${JSON.stringify(text)}.`)
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
