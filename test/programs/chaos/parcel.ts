/** The workflow that the run is about. Every builder has an effect outside of the store: a line in a ledger. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { builder, data, service, type, workflow } from 'polaris-workflow'
import type { BuildContext } from 'polaris-workflow'

export interface Fed {
  /** Tells the delta from all others. */
  readonly request: string
  /** How long what follows takes at least, in milliseconds. */
  readonly takes?: number
}
export interface Made {
  /** Tells this run of the builder from all others. */
  readonly run: string
  /** What it was made of: the runs and requests it read. */
  readonly of: string
}

/** One effect: what a payment provider or a printer would have seen. */
export interface Effect {
  readonly key: string
  readonly id: string
  readonly builder: string
  readonly run: string
  readonly of: string
}
interface Ledger {
  add(effect: Effect): void
}

const Ledger = service<Ledger>()('ledger')
const services = { ledger: Ledger }

export const Order = data('Order', type<Fed>())
export const Note = data('Note', type<Fed>())
export const Payment = data('Payment', type<Fed>())
const Quote = data('Quote', type<Made>())
const Label = data('Label', type<Made>())
const Reservation = data('Reservation', type<Made>())
const Charge = data('Charge', type<Made>())
const Receipt = data('Receipt', type<Made>())
const Shipment = data('Shipment', type<Made>())

type Context = BuildContext<{ readonly ledger: Ledger }>

function make(name: string, { workflowId, idempotencyKey, services: { ledger } }: Context, ...parts: string[]): Made {
  const made = { run: randomUUID(), of: parts.join(' ') }
  ledger.add({ key: idempotencyKey, id: workflowId, builder: name, ...made })
  return made
}

const quote = builder({
  name: 'quote',
  consumes: { order: Order },
  services,
  produces: Quote,
  process: ({ order }, context) => make('quote', context, order.request),
})
const label = builder({
  name: 'label',
  consumes: { order: Order },
  services,
  produces: Label,
  async process({ order }, context) {
    if (order.takes !== undefined) await sleep(order.takes)
    return make('label', context, order.request)
  },
})
const reserve = builder({
  name: 'reserve',
  consumes: { quote: Quote },
  services,
  produces: Reservation,
  async process({ quote }, context) {
    const made = make('reserve', context, quote.run)
    // Killed here, the reservation is made and nobody knows.
    await sleep(1)
    return made
  },
})
const charge = builder({
  name: 'charge',
  consumes: { reservation: Reservation, payment: Payment },
  services,
  produces: Charge,
  once: true,
  process: ({ reservation, payment }, context) => make('charge', context, reservation.run, payment.request),
})
const acknowledge = builder({
  name: 'acknowledge',
  consumes: { note: Note },
  services,
  produces: Receipt,
  process: ({ note }, context) => make('acknowledge', context, note.request),
})
const ship = builder({
  name: 'ship',
  consumes: { charge: Charge, label: Label },
  services,
  produces: Shipment,
  process: ({ charge, label }, context) => make('ship', context, charge.run, label.run),
})

export const parcel = workflow({
  name: 'parcel',
  builders: [quote, label, reserve, charge, acknowledge, ship],
  target: Shipment,
})

/** How often each builder's product is to be committed in an instance that had all its deltas. */
export const PRODUCTS: Readonly<Record<string, number>> = {
  quote: 1,
  label: 1,
  reserve: 1,
  charge: 1,
  acknowledge: 2,
  ship: 1,
}
