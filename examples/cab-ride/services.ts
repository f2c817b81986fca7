// What a ride asks of the world. The builders know these interfaces only; here are stand-ins that need no network: every
// answer follows from the question, so that an example is the same each time.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export const PLACES = ['Airport', 'Harbour', 'Museum', 'Station', 'Stadium', 'University'] as const
type Place = (typeof PLACES)[number]

export interface CityMap {
  route(from: Place, to: Place): Promise<{ km: number; minutes: number }>
}

export interface Demand {
  at(place: Place): Promise<{ factor: number; because: string }>
}

export interface Coupons {
  percentOf(code: string): Promise<number | undefined>
}

export interface Fleet {
  /** The same ride gets the same cab, as long as that has the seats. */
  nearest(
    ride: string,
    place: Place,
    seats: number,
  ): Promise<{ cabbie: string; plate: string; minutesAway: number } | undefined>
}

export interface Messages {
  send(rider: string, text: string, idempotencyKey: string): Promise<void>
}

export interface ChargeRequest {
  readonly ride: string
  readonly card: string
  readonly cents: number
  /** A charge under a key that was seen before is answered as before, and booked no second time. */
  readonly idempotencyKey: string
  readonly signal?: AbortSignal
}

export type ChargeAnswer =
  { readonly paid: true; readonly receipt: string } | { readonly paid: false; readonly reason: string }

export interface PaymentProvider {
  charge(request: ChargeRequest): Promise<ChargeAnswer>
}

/** All that the ride asks for, by the names it asks with. */
export interface Services {
  readonly cityMap: CityMap
  readonly demand: Demand
  readonly coupons: Coupons
  readonly fleet: Fleet
  readonly messages: Messages
  readonly payments: PaymentProvider
}

/** Somebody else's service did not do its part: nobody's mistake here, and worth another try. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError'
}

export interface FakeOptions {
  /** Where the payment provider keeps its books. */
  readonly ledger: string
  /** How long services take to answer. Default 0. */
  readonly serviceMs?: number
  /** How long the payment provider takes from booking a charge to saying so. Default: like any other. */
  readonly paymentMs?: number
}

export function fakeServices({ ledger, serviceMs = 0, paymentMs = serviceMs }: FakeOptions): Services {
  const answer = async <T>(value: T) => {
    if (serviceMs > 0) await sleep(serviceMs)
    return value
  }
  const cityMap: CityMap = {
    route: (from, to) => {
      const km = 2 + (((PLACES.indexOf(from) + 1) * (PLACES.indexOf(to) + 1) * 17) % 13)
      return answer({ km, minutes: Math.ceil(km * 2.2) })
    },
  }
  const demand: Demand = {
    at: (place) =>
      answer(
        place === 'Stadium' ? { factor: 1.5, because: 'a match has just ended' } : { factor: 1, because: 'a calm day' },
      ),
  }
  const coupons: Coupons = {
    percentOf: (code) =>
      answer(
        new Map([
          ['HELLO20', 20],
          ['HALF', 50],
        ]).get(code),
      ),
  }
  const fleet: Fleet = {
    nearest: (ride, place, seats) => {
      const cabs = CABS.filter((cab) => cab.seats >= seats)
      const cab = cabs[hash(ride + place) % cabs.length]
      return answer(cab && { cabbie: cab.cabbie, plate: cab.plate, minutesAway: 2 + (hash(ride) % 9) })
    },
  }
  const messages: Messages = { send: () => answer(undefined) }
  return { cityMap, demand, coupons, fleet, messages, payments: paymentProvider(ledger, paymentMs) }
}

const CABS = [
  { cabbie: 'Amina', plate: 'PL 204', seats: 4 },
  { cabbie: 'Bruno', plate: 'PL 311', seats: 4 },
  { cabbie: 'Chiyo', plate: 'PL 118', seats: 6 },
  { cabbie: 'Dario', plate: 'PL 590', seats: 4 },
  { cabbie: 'Esther', plate: 'PL 077', seats: 6 },
]

/** A line of the provider's books. */
export interface LedgerLine {
  readonly ride: string
  readonly key: string
  readonly cents: number
  /** `repeat`: asked again under a key that had been answered; no money moved. */
  readonly kind: 'charge' | 'declined' | 'repeat'
}

export function readLedger(file: string): LedgerLine[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LedgerLine)
}

/**
 * Pays with anything that begins with `tok_`, but for `tok_declined`, and for `tok_flaky`, for which every first request
 * under a key fails. Its books are a file, since a provider outlives the services that call it; it books first and answers
 * later, the worst that can happen to a caller that is killed in between.
 */
function paymentProvider(ledger: string, answerMs: number): PaymentProvider {
  mkdirSync(dirname(ledger), { recursive: true })
  const answers = new Map(
    readLedger(ledger)
      .filter(({ kind }) => kind !== 'repeat')
      .map(({ key, kind }) => [key, kind]),
  )
  const stumbled = new Set<string>()
  const book = (line: LedgerLine) => appendFileSync(ledger, `${JSON.stringify(line)}\n`)

  return {
    async charge({ ride, card, cents, idempotencyKey: key, signal }) {
      const earlier = answers.get(key)
      if (earlier === undefined && card === 'tok_flaky' && !stumbled.has(key)) {
        stumbled.add(key)
        throw new ProviderError('the payment provider did not answer')
      }
      const kind = earlier ?? (card === 'tok_declined' ? 'declined' : 'charge')
      answers.set(key, kind)
      book({ ride, key, cents, kind: earlier === undefined ? kind : 'repeat' })
      if (answerMs > 0) await sleep(answerMs, undefined, signal && { signal })
      if (kind === 'declined') return { paid: false, reason: 'insufficient funds' }
      return { paid: true, receipt: `r-${hash(key).toString(36)}` }
    },
  }
}

function hash(text: string): number {
  let sum = 7
  for (const char of text) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) >>> 0
  return sum
}
