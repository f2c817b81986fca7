/** Who feeds what, in which order: the same in every start of a feeder, so that it can go on where it was killed. */
import type { Datum } from 'polaris-workflow'
import { Note, Order, Payment } from './parcel.ts'

export const FEEDERS = ['anna', 'bert'] as const
export type Feeder = (typeof FEEDERS)[number]

type How = 'sequential' | 'parallel' | 'submit'

export interface Step {
  readonly id: string
  readonly request: string
  readonly how: How
  readonly datum: Datum<'Order' | 'Note' | 'Payment', { readonly request: string }>
}

/** What a feeder was told about a step. */
export interface Told {
  readonly feeder: Feeder
  readonly id: string
  readonly request: string
  readonly scope: number
  /** Of what a call resolved with; left out where the delta was only submitted. */
  readonly status?: string
  /** The runs of builders whose products the call got. */
  readonly produced?: readonly string[]
}

const HOW: readonly How[] = ['sequential', 'parallel', 'submit']
/** So many instances later does the second feeder come to those where it is not to meet the first. */
const LATER = 150
/** Among so many instances is one whose label takes longer than a lease, unless it is among the last. */
const SLOW = 100

export const idOf = (number: number): string => `parcel-${number}`

/** Both feed each instance twice: one an order and a note, the other a note and the payment. */
export function stepsOf(feeder: Feeder, number: number, { workflows, lease }: Scale): readonly Step[] {
  const first = feeder === 'anna'
  return [0, 1].map((index) => {
    const id = idOf(number)
    const request = `${feeder}-${number}-${index}`
    const slow = number % SLOW === 7 && number < workflows * 0.8
    const order = (): Step['datum'] => Order({ request, ...(slow && { takes: 1.5 * lease }) })
    const datum = first === (index === 0) ? (first ? order() : Payment({ request })) : Note({ request })
    return { id, request, how: HOW[(number + index + (first ? 0 : 1)) % HOW.length] ?? 'parallel', datum }
  })
}

interface Scale {
  readonly workflows: number
  readonly lease: number
}

/** The numbers of the instances, in the order in which a feeder comes to them. */
export function courseOf(feeder: Feeder, workflows: number): readonly number[] {
  const numbers = Array.from({ length: workflows }, (_, number) => number)
  if (feeder === 'anna') return numbers
  const placeOf = (number: number): number => number + (number % 2 === 1 ? LATER + 0.5 : 0)
  return numbers.sort((a, b) => placeOf(a) - placeOf(b))
}

export const stepsIn = (workflows: number): number => workflows * FEEDERS.length * 2
