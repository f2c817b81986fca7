import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DataStore } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { onTestFinished } from 'vitest'
import { rideService } from '../../examples/cab-ride/app.ts'
import { fakeServices, readLedger } from '../../examples/cab-ride/services.ts'
import type { Services } from '../../examples/cab-ride/services.ts'
import type { Answer } from './answer.ts'

type Body = string | Uint8Array<ArrayBuffer> | ReadableStream

interface Reply {
  status: number
  headers: Headers
  body: Answer
}

export const REQUEST = { rider: 'Ada', from: 'Station', to: 'Airport', card: 'tok_visa' }

/** The service over a store of its own, without a socket. */
export function openRides({
  store = memoryStore({ strict: true }),
  ...services
}: Partial<Services> & { store?: DataStore } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'polaris-rides-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const ledger = join(folder, 'payments.log')
  const logged: string[] = []
  const log = (line: string) => logged.push(line)
  const rides = rideService({ store, services: { ...fakeServices({ ledger }), ...services }, log })
  const call = async (method: string, path: string, body?: Body): Promise<Reply> => {
    const init = { method, duplex: 'half', ...(body !== undefined && { body }) } as const
    const response = await rides.fetch(new Request(`http://rides.test${path}`, init))
    const text = await response.text()
    const json = response.headers.get('content-type')?.startsWith('application/json')
    return { status: response.status, headers: response.headers, body: (json ? JSON.parse(text) : { text }) as Answer }
  }
  return {
    rides,
    logged,
    charges: () => readLedger(ledger).map(({ kind }) => kind),
    get: (path: string) => call('GET', path),
    call,
    post: (path: string, body: unknown = {}) => call('POST', path, JSON.stringify(body)),
    postText: (path: string, body: Body) => call('POST', path, body),
  }
}

export async function rideTo(
  end: 'Departure' | 'DestinationArrival',
  app: ReturnType<typeof openRides>,
  request: object = REQUEST,
) {
  await app.post('/rides/r/RideRequest', request)
  await app.post('/rides/r/PickupArrival', { odometerKm: 100 })
  const departed = await app.post('/rides/r/Departure', { waitedMinutes: 5 })
  return end === 'Departure' ? departed : app.post('/rides/r/DestinationArrival', { odometerKm: 105 })
}
