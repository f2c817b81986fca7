import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { PLACES } from '../services.ts'

export const STEPS = [
  'RideRequest',
  'CabbieMatch',
  'PickupArrival',
  'Departure',
  'DestinationArrival',
  'Payment',
  'RideClosed',
]

/** Something the service said is safe: an event it took, or a product it showed. */
interface Acknowledged {
  readonly name: string
  readonly value: unknown
}

/** What the people around one ride do, and what they have been told. */
export interface Ride {
  readonly id: string
  readonly acknowledged: Acknowledged[]
  /** Of {@link STEPS}, those that the service has confirmed. */
  readonly done: Set<string>
  sending: string | undefined
  /** Requests whose answer was lost, and that were sent again. */
  retries: number
  closed: boolean
}

interface Answer {
  readonly status: string
  readonly waitingFor: readonly string[]
  readonly produced?: Readonly<Record<string, unknown>>
  readonly data?: Readonly<Record<string, unknown>>
}

export interface Driver {
  /** Where the service listens at the moment. */
  readonly url: () => string
  readonly changed: (ride: Ride, what: string) => void
  /** How long people take from one step to the next. */
  readonly paceMs: number
}

export function newRide(number: number): Ride {
  const id = `ride-${String(number + 1).padStart(2, '0')}`
  return { id, acknowledged: [], done: new Set(), sending: undefined, retries: 0, closed: false }
}

/** Drives a ride to its end: sends whatever the ride says it waits for, until it waits for nothing. */
export async function drive(ride: Ride, number: number, driver: Driver) {
  const events = eventsOf(number)
  let answer = await send(ride, 'RideRequest', events.RideRequest, driver)
  if (number % 5 === 1) answer = await send(ride, 'Coupon', events.Coupon, driver)
  while (answer.status !== 'completed') {
    await sleep(driver.paceMs * (0.5 + ((number * 7 + ride.acknowledged.length * 3) % 10) / 10))
    // Some drivers' apps report late, so that a departure comes before the arrival. It waits, and nothing minds.
    const name = number % 4 === 3 ? answer.waitingFor.at(-1) : answer.waitingFor[0]
    if (answer.status === 'failed') answer = await send(ride, 'resume', {}, driver)
    else if (name !== undefined && name in events)
      answer = await send(ride, name, events[name as keyof typeof events], driver)
    else throw new Error(`${ride.id} is ${answer.status} and waits for ${String(name)}, which nobody here can send.`)
  }
  ride.closed = true
  driver.changed(ride, 'closed')
}

function eventsOf(number: number) {
  const from = PLACES[number % PLACES.length] ?? 'Station'
  const to = PLACES[(number + 1 + (number % 4)) % PLACES.length] ?? 'Airport'
  // Most pay at once. Some cards are declined, and for some the payment provider fails at first.
  const card = number % 10 === 4 ? 'tok_declined' : number % 10 === 7 ? 'tok_flaky' : 'tok_visa'
  const start = 10_000 + number * 137
  return {
    RideRequest: { rider: `rider-${number + 1}`, from, to, card, seats: 1 + (number % 3) },
    Coupon: { code: 'HELLO20' },
    PickupArrival: { odometerKm: start },
    Departure: { waitedMinutes: number % 7 },
    DestinationArrival: { odometerKm: start + 4 + (number % 9) },
    OtherCard: { card: 'tok_mastercard' },
  }
}

/** Sends one event until it is answered. A retry may feed it twice: there is no request id yet that would prevent it. */
async function send(ride: Ride, name: string, event: object, driver: Driver) {
  ride.sending = name
  driver.changed(ride, `sends ${name}`)
  for (let attempt = 1; ; attempt++) {
    const response = await request(driver, `/rides/${ride.id}/${name}`, { method: 'POST', body: JSON.stringify(event) })
    if (response === undefined) {
      ride.retries++
      await sleep(40)
      continue
    }
    // 502: the payment provider failed; what was sent is kept, and resume goes on. 409 to a retry: the ride is paid, so the
    // first attempt got through, and only its answer was lost.
    const accepted = response.status === 200 || response.status === 502 || (response.status === 409 && attempt > 1)
    if (!accepted) throw new Error(`${ride.id}: ${name} was refused with ${response.status}:\n${response.text}`)
    if (name !== 'resume') note(ride, { [name]: event })
    let answer = JSON.parse(response.text) as Answer
    note(ride, answer.produced)
    // What was made while nobody listened is in no answer: look.
    if (attempt > 1) {
      answer = await look(ride, driver)
      note(ride, answer.data)
    }
    ride.sending = undefined
    driver.changed(ride, response.status === 502 ? `${name} taken, but the payment provider failed` : `${name} taken`)
    return answer
  }
}

/** Where the ride stands, once no call works on it any more. */
async function look(ride: Ride, driver: Driver) {
  for (;;) {
    const response = await request(driver, `/rides/${ride.id}`)
    const answer = response?.status === 200 && (JSON.parse(response.text) as Answer)
    if (answer && answer.status !== 'running') return answer
    await sleep(40)
  }
}

function note(ride: Ride, values: Readonly<Record<string, unknown>> = {}) {
  for (const [name, value] of Object.entries(values)) {
    const known = ride.acknowledged.some((one) => one.name === name && isDeepStrictEqual(one.value, value))
    if (!known) ride.acknowledged.push({ name, value })
    if (STEPS.includes(name)) ride.done.add(name)
  }
}

/** The answer, or `undefined` if the connection broke: killed before, while, or after it worked; who knows. */
export async function request({ url }: Pick<Driver, 'url'>, path: string, init: RequestInit = {}) {
  try {
    const response = await fetch(url() + path, { ...init, signal: AbortSignal.timeout(10_000) })
    return { status: response.status, text: await response.text() }
  } catch {
    return undefined
  }
}
