/* eslint @typescript-eslint/no-unsafe-call: off, @typescript-eslint/no-unsafe-member-access: off -- these are errors */
import { builder, data, nothing, settled, Polaris, service, step, waitFor, workflow } from 'polaris-workflow'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { Coupon, executor, Order, Payments, polaris, Quote, quote, Receipt, ride, Stranger } from './ride.ts'

// The compiler is the test: `tsc` fails where one of these mistakes is no mistake any more. Where its message points and
// what it says is in messages.test.ts. Nothing here runs.
const consumes = { order: Order }
const FareV1 = z.object({ cents: z.number() })
const FareV2 = z.object({ amount: z.number(), currency: z.enum(['EUR', 'USD']) })

export const mistakes = {
  async 'feeding data that the workflow does not know'() {
    // @ts-expect-error -- not a data of the workflow
    await executor.sequential(ride, 'r', Stranger({ x: 1 }))
    // @ts-expect-error -- among others
    await executor.parallel(ride, 'r', Coupon({ percent: 1 }), Stranger({ x: 1 }))
    // @ts-expect-error -- without an instance
    await executor.compute(ride, Stranger({ x: 1 }))
    // @ts-expect-error -- a value that is no datum
    await executor.sequential(ride, 'r', { percent: 1 })
    // @ts-expect-error -- by name, too
    await executor.sequential('ride', 'r', { percent: 1 })
    // @ts-expect-error -- the data, not a datum
    await executor.sequential(ride, 'r', Coupon)
    // @ts-expect-error -- a namesake of another type
    await executor.sequential(ride, 'r', data('Coupon', z.object({ cents: z.number() }))({ cents: 1 }))
  },

  'feeding a value of the wrong type'() {
    // @ts-expect-error -- not a number
    Coupon({ percent: '10' })
    // @ts-expect-error -- missing
    Coupon({})
    // @ts-expect-error -- unknown
    Coupon({ percent: 10, code: 'X' })
    // @ts-expect-error -- no value at all
    Coupon(undefined)
    // @ts-expect-error -- undefined is no value, whatever the schema says
    data('Maybe', z.string().optional())(undefined)
    // @ts-expect-error -- not known yet
    Coupon(JSON.parse('{}') as unknown)
  },

  'a duration that is none'() {
    // @ts-expect-error -- no unit
    builder({ name: 'b', consumes, produces: Quote, timeout: '30', process: () => nothing() })
    // @ts-expect-error -- words
    builder({ name: 'b', consumes, produces: Quote, timeout: 'soon', process: () => nothing() })
    // @ts-expect-error -- a unit that there is none of
    builder({ name: 'b', consumes, produces: Quote, timeout: '3y', process: () => nothing() })
  },

  'steps between versions that do not fit'() {
    const toV2 = step(FareV1, (old) => ({ amount: old.cents, currency: 'EUR' }))
    const toText = step(FareV1, (old) => ({ amount: old.cents, currency: 'XXX' }))
    // @ts-expect-error -- the old value is no text
    step(FareV1, (old: { cents: string }) => old.cents)
    // @ts-expect-error -- the old value has no such member
    step(FareV1, (old) => String(old.amount))
    // @ts-expect-error -- it makes no value of the next version
    data('Fare', FareV2, { version: 2, from: { 1: step(FareV1, (old) => ({ amount: old.cents })) } })
    // @ts-expect-error -- a literal that the next version does not have
    data('Fare', FareV2, { version: 2, from: { 1: toText } })
    data('Fare', FareV1, {
      version: 3,
      // @ts-expect-error -- the first step has to lead to version 2, not to version 3
      from: { 1: step(FareV1, (old) => old), 2: step(FareV2, (old) => ({ cents: old.amount })) },
    })
    // @ts-expect-error -- there is no step from version 2
    data('Fare', FareV2, { version: 3, from: { 1: toV2 } })
    data('Fare', FareV2, {
      version: 2,
      from: { 1: toV2 },
      // @ts-expect-error -- the way down does not make the older version
      down: { 1: (value) => ({ cents: value.currency }) },
    })
  },

  async 'outcomes where there are none'() {
    // @ts-expect-error -- only what is consumed can be
    builder({ name: 'b', optionals: { quote: settled(Quote) }, produces: Receipt, process: () => nothing() })
    // @ts-expect-error -- nor what is looked at
    builder({ name: 'b', accesses: { quote: settled(Quote) }, produces: Receipt, process: () => nothing() })
    // @ts-expect-error -- nor what is made
    builder({ name: 'b', consumes, produces: settled(Quote), process: () => nothing() })
    // @ts-expect-error -- no data
    settled('Quote')
    const take = { quote: settled(Quote) }
    // @ts-expect-error -- the value is there only if it is ok
    builder({ name: 'b', consumes: take, produces: Receipt, process: ({ quote }) => ({ paid: quote.value.fare }) })
    // @ts-expect-error -- not the value itself
    builder({ name: 'b', consumes: take, produces: Receipt, process: ({ quote }) => ({ paid: quote.fare }) })
    const taking = builder({ name: 'b', consumes: take, produces: Receipt, process: () => nothing() })
    const flow = workflow({ name: 'w', builders: [quote, taking], target: Receipt })
    const result = await executor.compute(flow)
    // @ts-expect-error -- results have data, not outcomes
    result.latest(settled(Quote))
  },

  'what stands in for a failed builder'() {
    // @ts-expect-error -- not a number
    builder({ name: 'b', consumes, produces: Quote, process: () => nothing(), fallback: () => ({ fare: '1' }) })
    // @ts-expect-error -- a forgotten return
    builder({ name: 'b', consumes, produces: Quote, process: () => nothing(), fallback: () => undefined })
    builder({
      name: 'b',
      consumes,
      produces: Quote,
      process: () => nothing(),
      // @ts-expect-error -- an input that was not declared
      fallback: (_, { coupon }) => nothing(String(coupon)),
    })
    // @ts-expect-error -- waits for what is no input
    builder({ name: 'b', consumes, produces: Quote, process: () => nothing(), fallback: () => waitFor(Coupon) })
    // @ts-expect-error -- no number of attempts
    builder({ name: 'b', consumes, produces: Quote, retry: {}, process: () => nothing() })
    // @ts-expect-error -- a promise is not an answer
    builder({ name: 'b', produces: Quote, retry: { attempts: 2, retryIf: async () => true }, process: () => nothing() })
  },

  'a migration that forgets a datum, or makes the wrong one'() {
    const Fare = data('Fare', FareV1)
    const Price = data('Price', FareV1)
    const Amount = data('Amount', FareV2)
    const Note = data('Note', z.string())
    const older = builder({ name: 'x', consumes: { note: Note }, produces: Fare, process: () => ({ cents: 1 }) })
    const from = workflow({ name: 'w', builders: [older], target: Fare })
    const newer = builder({ name: 'y', optionals: { amount: Amount }, produces: Price, process: () => ({ cents: 1 }) })
    const two = { name: 'w', version: 2, builders: [newer], target: Price } as const
    // @ts-expect-error -- nothing becomes of Note
    workflow({ ...two, migrate: { from, data: { Fare: 'Price' } } })
    // @ts-expect-error -- nothing becomes of anything
    workflow({ ...two, migrate: { from } })
    // @ts-expect-error -- nothing becomes of a listed one
    workflow({ ...two, migrate: { from: { version: 1, data: [Fare, Note] }, data: { Fare: 'Price' } } })
    // @ts-expect-error -- Amount does not take the values of Fare
    workflow({ ...two, migrate: { from, data: { Fare: 'Amount', Note: null } } })
    // @ts-expect-error -- there is no such data
    workflow({ ...two, migrate: { from, data: { Fare: 'Prize', Note: null } } })
    // @ts-expect-error -- it makes what the newer version does not have
    workflow({ ...two, migrate: { from, data: { Fare: 'Price', Note: (note) => Note(note) } } })
    // @ts-expect-error -- Note has no such member
    workflow({ ...two, migrate: { from, data: { Fare: 'Price', Note: (note) => Price({ cents: note.cents }) } } })
    // @ts-expect-error -- the function for all says nothing of Note
    workflow({ ...two, migrate: { from, data: ({ Fare: fare }) => ({ Fare: undefined, Price: fare }) } })
    workflow({
      ...two,
      // @ts-expect-error -- it keeps Note, which the newer version does not have
      migrate: { from, data: ({ Fare: fare, Note: note }) => ({ Fare: undefined, Note: note, Price: fare }) },
    })
    workflow({
      ...two,
      // @ts-expect-error -- the second one forgets
      migrate: [{ from, data: { Fare: 'Price', Note: null } }, { from: { version: 3, data: [Note] } }],
    })
  },

  'a product of the wrong type'() {
    // @ts-expect-error -- not a number
    builder({ name: 'b', consumes, produces: Quote, process: ({ order }) => ({ fare: order.id }) })
    // @ts-expect-error -- neither later
    builder({ name: 'b', consumes, produces: Quote, process: async ({ order }) => ({ fare: order.id }) })
    // @ts-expect-error -- not an object
    builder({ name: 'b', consumes, produces: Quote, process: ({ order }) => order.items.length })
    // @ts-expect-error -- null is a value, but not this one
    builder({ name: 'b', consumes, produces: Quote, process: () => null })
    // @ts-expect-error -- a datum is not its value
    builder({ name: 'b', consumes, produces: Quote, process: () => Quote({ fare: 1 }) })
    builder({
      name: 'b',
      consumes,
      produces: Quote,
      // @ts-expect-error -- on one path only
      process({ order }) {
        if (order.id === '') return { fare: 1 }
        return { fair: 1 }
      },
    })
    // @ts-expect-error -- the function itself instead of a call
    builder({ name: 'b', consumes, produces: Quote, process: () => nothing })
  },

  'a missing return'() {
    // @ts-expect-error -- none at all
    builder({ name: 'b', consumes, produces: Quote, process: ({ order }) => void order.id })
    // @ts-expect-error -- undefined
    builder({ name: 'b', consumes, produces: Quote, process: () => undefined })
    builder({
      name: 'b',
      consumes,
      produces: Quote,
      // @ts-expect-error -- later
      async process({ order }) {
        await Promise.resolve(order.id)
      },
    })
    builder({
      name: 'b',
      consumes,
      produces: data('Maybe', z.string().optional()),
      // @ts-expect-error -- undefined is no value, whatever the schema says
      process({ order }) {
        void order.id
      },
    })
  },

  'a target that no builder produces'() {
    // @ts-expect-error -- nobody makes it
    workflow({ name: 'w', builders: [quote], target: Receipt })
    // @ts-expect-error -- it is only read
    workflow({ name: 'w', builders: [quote], target: Order })
    // @ts-expect-error -- one of several
    workflow({ name: 'w', builders: [quote], target: [Quote, Receipt] })
    // @ts-expect-error -- none
    workflow({ name: 'w', builders: [quote] })
  },

  'reading what is not declared'() {
    // @ts-expect-error -- not among the inputs
    builder({ name: 'b', consumes, produces: Quote, process: ({ coupon }) => ({ fare: Number(coupon) }) })
    // @ts-expect-error -- by the data's name instead of the key
    builder({ name: 'b', consumes, produces: Quote, process: (input) => ({ fare: input.Order.items.length }) })
    // @ts-expect-error -- a source has no inputs
    builder({ name: 'b', produces: Quote, process: ({ order }) => ({ fare: Number(order) }) })
    // @ts-expect-error -- a service that was not asked for
    builder({ name: 'b', consumes, produces: Quote, process: (_, { services }) => ({ fare: services.bank }) })
    const optionals = { coupon: Coupon }
    // @ts-expect-error -- an optional may be absent
    builder({ name: 'b', consumes, optionals, produces: Quote, process: (input) => ({ fare: input.coupon.percent }) })
    const accesses = { coupon: Coupon }
    // @ts-expect-error -- so may an access
    builder({ name: 'b', consumes, accesses, produces: Quote, process: (input) => ({ fare: input.coupon.percent }) })
  },

  'writing to an input'() {
    builder({
      name: 'b',
      consumes,
      produces: Quote,
      process(input) {
        const { order } = input
        // @ts-expect-error -- the inputs
        input.order = order
        // @ts-expect-error -- a member
        order.id = 'x'
        // @ts-expect-error -- an array
        order.items.push({ name: 'x' })
        // @ts-expect-error -- an element
        order.items[0] = { name: 'x' }
        // @ts-expect-error -- deep within
        for (const item of order.items) item.name = 'x'
        // @ts-expect-error -- a set
        order.marks.add('x')
        // @ts-expect-error -- a map
        order.prices.clear()
        // @ts-expect-error -- what a map holds
        for (const price of order.prices.values()) price.amount = 1
        // @ts-expect-error -- by deletion
        delete order.id
        return { fare: 1 }
      },
    })
  },

  async 'writing to a result'() {
    const result = await executor.sequential(ride, 'r')
    // @ts-expect-error -- a product
    result.require(Quote).fare = 1
    // @ts-expect-error -- the list of products
    result.produced.pop()
    // @ts-expect-error -- a fed value
    result.latest(Order)?.items.pop()
  },

  'one key for two inputs'() {
    // @ts-expect-error -- consumes and optionals
    builder({ name: 'b', consumes, optionals: { order: Coupon }, produces: Quote, process: () => ({ fare: 1 }) })
    // @ts-expect-error -- consumes and accesses
    builder({ name: 'b', consumes, accesses: { order: Coupon }, produces: Quote, process: () => ({ fare: 1 }) })
    const optionals = { coupon: Coupon }
    // @ts-expect-error -- optionals and accesses
    builder({ name: 'b', optionals, accesses: { coupon: Order }, produces: Quote, process: () => ({ fare: 1 }) })
  },

  async 'asking a result for what it cannot have'() {
    const result = await executor.sequential(ride, 'r')
    // @ts-expect-error -- no builder produces it
    result.get(Order)
    // @ts-expect-error -- not a data of the workflow
    result.require(Stranger)
    // @ts-expect-error -- not a data of the workflow
    result.latest(Stranger)
    // @ts-expect-error -- the target of an instance that may be waiting
    void result.target.paid
    // @ts-expect-error -- the target of an instance that waits
    if (result.status === 'waiting') void result.target.paid
    // @ts-expect-error -- a state that no call ends in
    if (result.status === 'done') return
    // @ts-expect-error -- what was fed may be absent
    void result.latest(Order).id
  },

  'a service that nobody gave'() {
    // @ts-expect-error -- no services
    new Polaris().register(ride)
    // @ts-expect-error -- not this one
    new Polaris({ services: { bank: 1 } }).register(ride)
    // @ts-expect-error -- of another type
    new Polaris({ services: { payments: { charge: (amount: string) => Promise.resolve(amount) } } }).register(ride)
    const perhaps: { payments?: { charge(amount: number): Promise<number> } } = {}
    // @ts-expect-error -- perhaps not given
    new Polaris({ services: perhaps }).register(ride)
    const Bank = service<{ pay(): void }>()('bank')
    const pay = builder({ name: 'pay', produces: Receipt, services: { bank: Bank }, process: () => ({ paid: 1 }) })
    // @ts-expect-error -- for one workflow of two
    polaris.register(ride, workflow({ name: 'bank', builders: [pay], target: Receipt }))
    // @ts-expect-error -- a data is not a service
    builder({ name: 'b', services: { payments: Order }, produces: Quote, process: () => ({ fare: 1 }) })
    // @ts-expect-error -- nor is a service a data
    builder({ name: 'b', consumes: { payments: Payments }, produces: Quote, process: () => ({ fare: 1 }) })
  },

  'waiting for what is not an own input'() {
    // @ts-expect-error -- not an input at all
    builder({ name: 'b', consumes, produces: Quote, process: () => waitFor(Coupon) })
    // @ts-expect-error -- later
    builder({ name: 'b', consumes, produces: Quote, process: async () => waitFor(Coupon, 'because') })
    // @ts-expect-error -- an access would not make it run again
    builder({ name: 'b', consumes, accesses: { c: Coupon }, produces: Quote, process: () => waitFor(Coupon) })
    // @ts-expect-error -- the own product
    builder({ name: 'b', consumes, produces: Quote, process: () => waitFor(Quote) })
    // @ts-expect-error -- a source has no inputs
    builder({ name: 'b', produces: Quote, process: () => waitFor(Order) })
    // @ts-expect-error -- a name is no data
    waitFor('Order')
  },

  'a schema that refuses its own output'() {
    const toDate = (text: string): Date => new Date(text)
    // @ts-expect-error -- takes a string, gives a date
    data('When', z.string().transform(toDate))
    // @ts-expect-error -- deep within
    data('When', z.object({ all: z.array(z.object({ at: z.string().transform(toDate) })) }))
    // @ts-expect-error -- takes one literal, gives any string
    data('When', z.literal('now').transform(String))
    // @ts-expect-error -- not a schema
    data('When', { at: 'string' })
  },

  async 'slips in definitions and calls'() {
    // @ts-expect-error -- consumes
    builder({ name: 'b', consume: { order: Order }, produces: Quote, process: () => ({ fare: 1 }) })
    // @ts-expect-error -- loops
    workflow({ name: 'w', builders: [quote], target: Quote, loop: true })
    // @ts-expect-error -- only data that builders produce can be resolved
    workflow({ name: 'w', builders: [quote], target: Quote, resolve: { Order: 'quote' } })
    // @ts-expect-error -- only data of the workflow can be transient
    workflow({ name: 'w', builders: [quote], target: Quote, transients: [Stranger] })
    // @ts-expect-error -- a list of two
    workflow({ name: 'w', builders: [quote], target: Quote, durability: 'none' })
    // @ts-expect-error -- what no builder produces may be fed anyway
    workflow({ name: 'w', builders: [quote], target: Quote, feedable: [Order] })
    // @ts-expect-error -- a switch
    data('X', z.string(), { sensitive: 'yes' })
    // @ts-expect-error -- data, not names
    builder({ name: 'b', consumes: { order: 'Order' }, produces: Quote, process: () => ({ fare: 1 }) })
    // @ts-expect-error -- one datum
    builder({ name: 'b', consumes, produces: [Quote, Receipt], process: () => ({ fare: 1 }) })
    // @ts-expect-error -- ids are strings
    await executor.sequential(ride, 17)
    // @ts-expect-error -- neither a workflow nor its name
    await executor.sequential(quote, 'r')
    // @ts-expect-error -- 'new' or 'existing'
    executor.with({ expect: 'old' })
  },
}

it('holds functions that only the compiler looks at', () => {
  expect(Object.keys(mistakes)).toHaveLength(19)
})
