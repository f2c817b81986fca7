// A checkout, from the basket to the parcel. The customer is reminded, and loses the reservation when they do not pay in
// time; they pay once, whatever crashes; and if the parcel cannot be sent in the end, they get their money back. None of
// that is a state machine: each builder says what it needs, what it makes and, if it did something outside, how to undo it.
import { builder, data, nothing, service, timer, waitFor, workflow } from 'polaris-workflow'
import * as z from 'zod'
import type { Messages, PaymentProvider, Warehouse } from './services.ts'

const cents = z.int().positive()

/** What the customer's browser tells us. */
export const Basket = data(
  'Basket',
  z.strictObject({
    customer: z.string().trim().min(1),
    items: z.array(z.strictObject({ sku: z.string().min(1), count: z.int().min(1).max(99) })).min(1),
  }),
)
/** A token of the payment provider; another one may follow if this one is declined. */
export const Card = data('Card', z.strictObject({ token: z.string().startsWith('tok_') }))

const Reservation = data('Reservation', z.object({ key: z.string(), cents }))
const ReminderDue = data('ReminderDue', z.object({ at: z.date() }))
const Reminder = data('Reminder', z.object({ text: z.string() }))
const DeadlinePassed = data('DeadlinePassed', z.object({ at: z.date() }))
const Payment = data('Payment', z.object({ receipt: z.string(), cents }))
const Shipment = data('Shipment', z.object({ parcel: z.string() }))
/** One end: the parcel is on its way. */
export const OrderConfirmed = data('OrderConfirmed', z.object({ receipt: z.string(), parcel: z.string() }))
/** The other end: nobody paid. */
export const Abandoned = data('Abandoned', z.object({ at: z.date() }))

const Warehouse = service<Warehouse>()('warehouse')
const Payments = service<PaymentProvider>()('payments')
const Messages = service<Messages>()('messages')

const reserveItems = builder({
  name: 'reserveItems',
  consumes: { basket: Basket },
  services: { warehouse: Warehouse },
  produces: Reservation,
  once: true,
  process: async ({ basket }, { services: { warehouse }, idempotencyKey: key }) => ({
    key,
    cents: await warehouse.reserve(basket.items, key),
  }),
  // By the key of the run: it also finds what was reserved by a run that nobody ever heard the end of.
  compensate: (_, __, { services: { warehouse }, idempotencyKey }) => warehouse.release(idempotencyKey),
})

const remindLater = timer({
  ...{ name: 'remindLater', after: Reservation, delay: '30m', unless: Payment, produces: ReminderDue },
})

const remind = builder({
  name: 'remind',
  consumes: { due: ReminderDue, basket: Basket, reservation: Reservation },
  services: { messages: Messages },
  produces: Reminder,
  async process({ basket, reservation }, { services: { messages }, idempotencyKey }) {
    const text = `Your basket is kept for you: ${euros(reservation.cents)}`
    await messages.send(basket.customer, text, idempotencyKey)
    return { text }
  },
  // A mail server that is down is no reason to undo an order.
  fallback: (error) => nothing(`the reminder was not sent: ${String(error)}`),
})

const paymentDeadline = timer({
  ...{ name: 'paymentDeadline', after: Reservation, delay: '2h', unless: Payment, produces: DeadlinePassed },
})

const takePayment = builder({
  name: 'takePayment',
  consumes: { reservation: Reservation, card: Card },
  optionals: { passed: DeadlinePassed },
  services: { payments: Payments },
  produces: Payment,
  // `once` keeps it from running again, whatever is fed; the key keeps the provider from booking twice what a process did
  // that died before it could say so.
  once: true,
  async process({ reservation, card, passed }, { services: { payments }, idempotencyKey, signal }) {
    if (passed !== undefined) return nothing('the time to pay is over')
    const answer = await payments.charge({ token: card.token, cents: reservation.cents, idempotencyKey, signal })
    return answer.paid ? { receipt: answer.receipt, cents: reservation.cents } : waitFor(Card, answer.reason)
  },
  compensate: (_, __, { services: { payments }, idempotencyKey }) => payments.refund(idempotencyKey),
})

const giveUp = builder({
  name: 'giveUp',
  consumes: { passed: DeadlinePassed, reservation: Reservation },
  services: { warehouse: Warehouse },
  produces: Abandoned,
  async process({ passed, reservation }, { services: { warehouse } }) {
    await warehouse.release(reservation.key)
    return { at: passed.at }
  },
})

const bookShipment = builder({
  name: 'bookShipment',
  consumes: { reservation: Reservation, payment: Payment },
  services: { warehouse: Warehouse },
  produces: Shipment,
  once: true,
  process: async ({ reservation }, { services: { warehouse }, idempotencyKey }) => ({
    parcel: await warehouse.ship(reservation.key, idempotencyKey),
  }),
})

const confirmOrder = builder({
  name: 'confirmOrder',
  consumes: { basket: Basket, payment: Payment, shipment: Shipment },
  services: { messages: Messages },
  produces: OrderConfirmed,
  async process({ basket, payment, shipment }, { services: { messages }, idempotencyKey }) {
    const text = `Paid ${euros(payment.cents)}; your parcel is ${shipment.parcel}`
    await messages.send(basket.customer, text, idempotencyKey)
    return { receipt: payment.receipt, parcel: shipment.parcel }
  },
})

export const checkout = workflow({
  name: 'checkout',
  builders: [reserveItems, remindLater, remind, paymentDeadline, takePayment, giveUp, bookShipment, confirmOrder],
  target: [OrderConfirmed, Abandoned],
  retry: { attempts: 4, backoff: { initial: '10s', factor: 3, max: '10m' } },
  // What cannot be finished is taken back: the money first, then what was reserved.
  onFailure: 'compensate',
})

function euros(amount: number) {
  return `€${(amount / 100).toFixed(2)}`
}
