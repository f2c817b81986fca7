import type { InstanceView } from 'polaris-workflow'
import {
  Coupon,
  Departure,
  DestinationArrival,
  OtherCard,
  Payment,
  PickupArrival,
  Rating,
  RideRequest,
} from './workflow.ts'

/** What may be sent to a ride, with an example of each: all that no builder makes. */
export const EVENTS = [
  {
    data: RideRequest,
    when: 'step 1, a user asks for a ride',
    example: { rider: 'Ada', from: 'Station', to: 'Airport', card: 'tok_visa', seats: 2 },
  },
  { data: Coupon, when: 'any time before the payment', example: { code: 'HELLO20' } },
  { data: PickupArrival, when: 'step 3, the cab is at the pick-up', example: { odometerKm: 48210.5 } },
  { data: Departure, when: 'step 4, the ride begins', example: { waitedMinutes: 5 } },
  { data: DestinationArrival, when: 'step 5, the ride ends', example: { odometerKm: 48216.3 } },
  { data: OtherCard, when: 'if the first card was declined', example: { card: 'tok_mastercard' } },
  { data: Rating, when: 'at any time, also afterwards', example: { stars: 5, words: 'Smooth!' } },
]
export type RideEvent = (typeof EVENTS)[number]

export function eventNamed(name: string) {
  return EVENTS.find(({ data }) => data.name === name)
}

/**
 * Why the ride, as it stands, cannot take this event any more; `undefined` if it can. A courtesy to the sender, not a lock:
 * an event that slips past it, since another call paid the ride meanwhile, changes no payment either, for that is `once`.
 */
export function conflict(ride: InstanceView, { data }: RideEvent) {
  if (ride.latest(Payment) !== undefined && data !== Rating) {
    return `Ride '${ride.id}' is paid, so it takes no ${data.name} any more; only a Rating can still be sent.`
  }
  if (ride.latest(Departure) !== undefined && data === RideRequest) {
    return `Ride '${ride.id}' is on the road, so its RideRequest can no longer be changed. Begin another ride.`
  }
  return undefined
}
