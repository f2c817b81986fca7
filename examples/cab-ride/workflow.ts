// A cab ride, from the request to the closed ride. Each builder says what it needs and what it makes; nothing says in
// which order things happen. A driver's app that reports its departure before the dispatcher has found the match, a
// coupon that comes late, a card that is declined: none of these needs a line of code that joins the pieces up.
import { builder, data, nothing, service, waitFor, workflow } from 'polaris-workflow'
import * as z from 'zod'
import type { CityMap, Coupons, Demand, Fleet, Messages, PaymentProvider } from './services.ts'
import { PLACES } from './services.ts'

const place = z.enum(PLACES)
const cents = z.int().nonnegative()
const card = z.string().startsWith('tok_', 'expected a card token such as "tok_visa"')

// What people and their apps tell us. `strictObject` refuses a misspelt key rather than drop it.

/** Step 1: a user asks for a ride. */
export const RideRequest = data(
  'RideRequest',
  z.strictObject({
    rider: z.string().trim().min(1),
    from: place,
    to: place,
    card,
    seats: z.int().min(1).max(8).default(1),
  }),
)
export const Coupon = data('Coupon', z.strictObject({ code: z.string().trim().min(1) }))
/** Step 3: the cab is at the pick-up. */
export const PickupArrival = data('PickupArrival', z.strictObject({ odometerKm: z.number().nonnegative() }))
/** Step 4: off they go. */
export const Departure = data('Departure', z.strictObject({ waitedMinutes: z.int().min(0).max(120) }))
/** Step 5: they are there. */
export const DestinationArrival = data('DestinationArrival', z.strictObject({ odometerKm: z.number().nonnegative() }))
/** Instead of a card that was declined. */
export const OtherCard = data('OtherCard', z.strictObject({ card }))
export const Rating = data('Rating', z.strictObject({ stars: z.int().min(1).max(5), words: z.string().optional() }))

// What the builders make of it.

const Route = data('Route', z.object({ km: z.number().positive(), minutes: z.int().positive() }))
const Surge = data('Surge', z.object({ factor: z.number().min(1), because: z.string() }))
const Discount = data('Discount', z.object({ percent: z.number().min(1).max(100) }))
const Quote = data('Quote', z.object({ cents }))
/** Step 2: a cabbie is found. */
const CabbieMatch = data('CabbieMatch', z.object({ cabbie: z.string(), plate: z.string(), minutesAway: z.int() }))
const RiderMessage = data('RiderMessage', z.object({ text: z.string() }))
const Trip = data('Trip', z.object({ cabbie: z.string(), km: z.number(), waitedMinutes: z.int() }))
const Fare = data('Fare', z.object({ cents, quoted: cents, waiting: cents, detour: cents }))
/** Step 6: the ride is paid. */
export const Payment = data('Payment', z.object({ receipt: z.string(), cents, card }))
/** Step 7: the ride is closed. */
const RideClosed = data(
  'RideClosed',
  z.object({ rider: z.string(), cabbie: z.string(), km: z.number(), cents, stars: z.int().optional() }),
)

const CityMap = service<CityMap>()('cityMap')
const Demand = service<Demand>()('demand')
const Coupons = service<Coupons>()('coupons')
const Fleet = service<Fleet>()('fleet')
const Messages = service<Messages>()('messages')
const Payments = service<PaymentProvider>()('payments')

const BASE = 350
const PER_KM = 180
const PER_WAITING_MINUTE = 40
const FREE_WAITING_MINUTES = 3

const planRoute = builder({
  name: 'planRoute',
  consumes: { request: RideRequest },
  services: { map: CityMap },
  produces: Route,
  process({ request: { from, to } }, { services: { map } }) {
    if (from === to) return waitFor(RideRequest, `the ride would begin and end at the ${from}`)
    return map.route(from, to)
  },
})

const readDemand = builder({
  name: 'readDemand',
  consumes: { request: RideRequest },
  services: { demand: Demand },
  produces: Surge,
  process: ({ request: { from } }, { services: { demand } }) => demand.at(from),
})

const checkCoupon = builder({
  name: 'checkCoupon',
  consumes: { coupon: Coupon },
  services: { coupons: Coupons },
  produces: Discount,
  async process({ coupon: { code } }, { services: { coupons } }) {
    const percent = await coupons.percentOf(code)
    return percent === undefined ? nothing(`'${code}' is none of our coupons`) : { percent }
  },
})

const quoteFare = builder({
  name: 'quoteFare',
  consumes: { route: Route, surge: Surge },
  optionals: { discount: Discount },
  produces: Quote,
  pure: true,
  process: ({ route, surge, discount }) => ({
    cents: Math.round((BASE + PER_KM * route.km) * surge.factor * (1 - (discount?.percent ?? 0) / 100)),
  }),
})

const matchCabbie = builder({
  name: 'matchCabbie',
  consumes: { request: RideRequest },
  services: { fleet: Fleet },
  produces: CabbieMatch,
  async process({ request: { from, seats } }, { workflowId, services: { fleet } }) {
    const match = await fleet.nearest(workflowId, from, seats)
    return match ?? waitFor(RideRequest, `no cab takes ${seats}: ask again with fewer seats, or take two rides`)
  },
})

// No way leads from here to the target. It runs all the same, again whenever the match or the price changes.
const tellRider = builder({
  name: 'tellRider',
  consumes: { request: RideRequest, match: CabbieMatch, quote: Quote },
  services: { messages: Messages },
  produces: RiderMessage,
  async process({ request, match, quote }, { services: { messages }, idempotencyKey }) {
    const text = `${match.cabbie} (${match.plate}) picks you up in ${match.minutesAway} min; about ${euros(quote.cents)}`
    await messages.send(request.rider, text, idempotencyKey)
    return { text }
  },
})

const recordTrip = builder({
  name: 'recordTrip',
  consumes: { match: CabbieMatch, pickup: PickupArrival, departure: Departure, arrival: DestinationArrival },
  produces: Trip,
  pure: true,
  process({ match, pickup, departure, arrival }) {
    const km = Math.round((arrival.odometerKm - pickup.odometerKm) * 10) / 10
    if (km < 0) return waitFor(DestinationArrival, `the odometer ran backwards: ${pickup.odometerKm} km at the pick-up`)
    return { cabbie: match.cabbie, km, waitedMinutes: departure.waitedMinutes }
  },
})

const settleFare = builder({
  name: 'settleFare',
  consumes: { quote: Quote, route: Route, trip: Trip },
  produces: Fare,
  pure: true,
  process({ quote, route, trip }) {
    const waiting = PER_WAITING_MINUTE * Math.max(0, trip.waitedMinutes - FREE_WAITING_MINUTES)
    const detour = Math.round(PER_KM * Math.max(0, trip.km - route.km * 1.2))
    return { cents: quote.cents + waiting + detour, quoted: quote.cents, waiting, detour }
  },
})

const takePayment = builder({
  name: 'takePayment',
  consumes: { request: RideRequest, fare: Fare },
  optionals: { other: OtherCard },
  services: { payments: Payments },
  produces: Payment,
  // Never twice for one ride, whatever is fed again. The key covers what `once` cannot know: a process killed between
  // the provider's booking and our commit asks again with the same key, and the provider sees that it has been paid.
  once: true,
  async process({ request, fare, other }, { workflowId, services: { payments }, idempotencyKey, signal }) {
    const card = other?.card ?? request.card
    const answer = await payments.charge({ ride: workflowId, card, cents: fare.cents, idempotencyKey, signal })
    if (!answer.paid) return waitFor(OtherCard, `the card ${card} was declined: ${answer.reason}`)
    return { receipt: answer.receipt, cents: fare.cents, card }
  },
})

const closeRide = builder({
  name: 'closeRide',
  consumes: { request: RideRequest, trip: Trip, payment: Payment },
  optionals: { rating: Rating },
  produces: RideClosed,
  process: ({ request, trip, payment, rating }) => ({
    rider: request.rider,
    cabbie: trip.cabbie,
    km: trip.km,
    cents: payment.cents,
    stars: rating?.stars,
  }),
})

export const cabRide = workflow({
  name: 'cabRide',
  builders: [
    planRoute,
    readDemand,
    checkCoupon,
    quoteFare,
    matchCabbie,
    tellRider,
    recordTrip,
    settleFare,
    takePayment,
    closeRide,
  ],
  target: RideClosed,
})

function euros(amount: number) {
  return `€${(amount / 100).toFixed(2)}`
}
