/**
 * One workflow before and after a change: a datum with another name, one that is split, builders more and a builder less. What
 * callers feed stays, as it has to where old and new processes run side by side.
 */
import { builder, data, Polaris, type, workflow } from 'polaris-workflow'
import type { AnyWorkflow } from 'polaris-workflow'
import { postgresStore } from 'polaris-workflow/stores/postgres'
import * as z from 'zod'

export interface Customer {
  readonly customer: string
  readonly cents: number
}

export const Order = data('Order', z.object({ customer: z.string(), cents: z.int() }))
const Ping = data('Ping', type<number>())
const Done = data('Done', type<true>())
const Bill = data('Bill', z.string())
const Pong = data('Pong', type<number>())
const pong = builder({ name: 'pong', consumes: { ping: Ping }, produces: Pong, process: ({ ping }) => ping })

const Name = data('Name', z.string())
const Fare = data('Fare', z.number())
const Memo = data('Memo', z.string())
const ordersV1 = workflow({
  name: 'order',
  version: 1,
  builders: [
    pong,
    builder({ name: 'nameOf', consumes: { order: Order }, produces: Name, process: ({ order }) => order.customer }),
    builder({ name: 'fare', consumes: { order: Order }, produces: Fare, process: ({ order }) => order.cents }),
    builder({
      name: 'memo',
      consumes: { order: Order },
      produces: Memo,
      process: ({ order }) => `memo ${order.cents}`,
    }),
    builder({
      name: 'bill',
      consumes: { name: Name, fare: Fare, done: Done },
      produces: Bill,
      process: ({ name, fare }) => `${name}: ${fare}`,
    }),
  ],
  target: Bill,
})

const First = data('First', z.string())
const Last = data('Last', z.string().min(1))
const Price = data('Price', z.number())
const Greeting = data('Greeting', z.string())
const ordersV2 = workflow({
  name: 'order',
  version: 2,
  builders: [
    pong,
    builder({
      name: 'firstOf',
      consumes: { order: Order },
      produces: First,
      process: ({ order }) => split(order.customer)[0],
    }),
    builder({
      name: 'lastOf',
      consumes: { order: Order },
      produces: Last,
      process: ({ order }) => split(order.customer)[1] || '-',
    }),
    builder({ name: 'fare', consumes: { order: Order }, produces: Price, process: ({ order }) => order.cents }),
    builder({ name: 'greet', consumes: { first: First }, produces: Greeting, process: ({ first }) => `Dear ${first}` }),
    builder({
      name: 'bill',
      consumes: { first: First, last: Last, price: Price, done: Done },
      produces: Bill,
      process: ({ first, last, price }) => `${first} ${last}: ${price}`,
    }),
  ],
  target: Bill,
  policy: 'upgrade',
  migrate: {
    from: ordersV1,
    data: {
      Fare: 'Price',
      // One without a last name does not fit, and so its instance stays.
      Name: (name) => [First(split(name)[0]), Last(split(name)[1])],
      Memo: null,
    },
    builders: { firstOf: 'nameOf' },
  },
})

function split(customer: string): readonly [string, string] {
  const [first = '', ...rest] = customer.split(' ')
  return [first, rest.join(' ')]
}

/** What a process of this generation serves. */
export function codeOf(generation: 1 | 2): readonly AnyWorkflow[] {
  return generation === 1 ? [ordersV1] : [ordersV1, ordersV2]
}

export interface Place {
  readonly url: string
  readonly schema: string
}

export function open({ url, schema }: Place, generation: 1 | 2): Polaris {
  const store = postgresStore({ connectionString: url, schema, max: 4 })
  return new Polaris({ store }).register(...(codeOf(generation) as never[]))
}

/** The data that an instance of a customer has at its end. */
export function dataAt(version: number, { customer, cents }: Customer, told: { done: boolean; ping?: number }): object {
  const [first, last] = split(customer)
  const own =
    version === 1
      ? { Name: customer, Fare: cents, Memo: `memo ${cents}` }
      : { First: first, Last: last || '-', Price: cents, Greeting: `Dear ${first}` }
  const bill = version === 1 ? `${customer}: ${cents}` : `${first} ${last || '-'}: ${cents}`
  return {
    ...{ Order: { customer, cents }, ...own },
    ...(told.ping !== undefined && { Ping: told.ping, Pong: told.ping }),
    ...(told.done && { Done: true, Bill: bill }),
  }
}

/** Every fifteenth customer has one name only. */
export function customer(i: number): Customer {
  return { customer: i % 15 === 4 ? `Mono${i}` : `First${i} Last${i}`, cents: 100 + i }
}
