/** What both contenders of the bench of HTTP do for a ride: the same checks, the same sum, the same answers. */
import * as z from 'zod'

export const RideRequest = z.object({ userId: z.string(), from: z.string(), to: z.string() })
export const RideEnded = z.object({ minutes: z.number() })
export type Ride = z.infer<typeof RideRequest>

export const fareOf = ({ from, to }: Ride): { fare: number } => ({ fare: 10 + from.length + to.length })
export const paidOf = (fare: number, minutes: number): { paid: number } => ({ paid: fare + minutes })

/** The requests of one ride, as paths of either service and bodies. */
export const REQUESTS = [
  { name: 'RideRequest', body: JSON.stringify({ RideRequest: { userId: 'u1', from: 'Harbour', to: 'Museum' } }) },
  { name: 'RideEnded', body: JSON.stringify({ RideEnded: { minutes: 12 } }) },
] as const

/** Where either service takes data of a ride. */
export const pathOf = (id: string): string => `/api/workflows/cabRide/instances/${id}`
export const TOKEN = 'the-token-of-the-bench'
