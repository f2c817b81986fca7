/* eslint @typescript-eslint/no-unsafe-call: off, @typescript-eslint/no-unsafe-member-access: off -- these are errors */
import { builder, data, Polaris, timer, type, workflow } from 'polaris-workflow'
import type { Data, DeltaOf, Elapsed, Timer } from 'polaris-workflow'
import { expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod'

const Order = data('Order', z.object({ items: z.array(z.string()), by: z.date().optional() }))
const Payment = data('Payment', z.object({ cents: z.number() }))
const Refund = data('Refund', z.object({ cents: z.number() }))
const Late = data('Late', z.object({ at: z.date() }))
const Level = data('Level', type<'reminded' | 'warned'>())
const Closed = data('Closed', z.object({ why: z.string() }))
const Stranger = data('Stranger', z.string())

const deadline = timer({ after: Order, delay: '1d', unless: [Payment, Refund], produces: Late })
const close = builder({ name: 'close', consumes: { late: Late }, produces: Closed, process: () => ({ why: 'late' }) })
const shop = workflow({ name: 'shop', builders: [deadline, close], target: Closed, timeout: '30d' })

it('a timer knows what it reads and makes', () => {
  expectTypeOf(deadline).toEqualTypeOf<
    Timer<typeof Order | typeof Payment | typeof Refund, Data<'Late', { at: Date }, { at: Date }>>
  >()
  const alone = timer({ after: Order, delay: 1, unless: Payment, produces: Late })
  expectTypeOf(alone.types).toEqualTypeOf<{ readonly reads: typeof Order | typeof Payment } | undefined>()
  const bare = timer({ after: Order, delay: 1, produces: Late })
  expectTypeOf(bare.types).toEqualTypeOf<{ readonly reads: typeof Order } | undefined>()
})

it('functions get the datum, typed and readonly', () => {
  timer({
    after: Order,
    delay: (order) => {
      expectTypeOf(order.items).toEqualTypeOf<readonly string[]>()
      return order.items.length > 3 ? '2h' : undefined
    },
    every: '1d',
    until: ({ by }) => by,
    produces: Level,
    value: (order, elapsed) => {
      expectTypeOf(order.by).toEqualTypeOf<Date | undefined>()
      expectTypeOf(elapsed).toEqualTypeOf<Elapsed>()
      return elapsed.count > 1 ? 'warned' : 'reminded'
    },
  })
  timer({ after: Order, at: ({ by }) => by, produces: Level, value: 'reminded' })
  timer({ after: Order, at: () => 0, produces: Level, value: () => 'warned' })
  expect(true).toBe(true)
})

it('the workflow takes its data, and its product may be fed and asked for', async () => {
  expectTypeOf(Order({ items: [] })).toExtend<DeltaOf<typeof shop>>()
  expectTypeOf(Refund({ cents: 1 })).toExtend<DeltaOf<typeof shop>>()
  expectTypeOf(Late({ at: new Date() })).toExtend<DeltaOf<typeof shop>>()
  expectTypeOf(Stranger('x')).not.toExtend<DeltaOf<typeof shop>>()
  const executor = new Polaris().register(shop).executor()
  const asks = async () => (await executor.parallel(shop, 'id', Order({ items: [] }))).get(Late)
  expectTypeOf<Awaited<ReturnType<typeof asks>>>().toEqualTypeOf<{ readonly at: Date } | undefined>()
  expect(asks).toBeTypeOf('function')
})

export const mistakes = {
  'no value for data that do not take the moment'() {
    // @ts-expect-error -- the value is missing
    timer({ after: Order, delay: 1, produces: Closed })
    // @ts-expect-error -- no such level
    timer({ after: Order, delay: 1, produces: Level, value: 'fired' })
    // @ts-expect-error -- neither from a function
    timer({ after: Order, delay: 1, produces: Level, value: () => 'fired' })
    // @ts-expect-error -- not a string
    timer({ after: Order, delay: 1, produces: Closed, value: { why: 1 } })
  },
  'times that are none'() {
    // @ts-expect-error -- words
    timer({ after: Order, delay: 'soon', produces: Late })
    // @ts-expect-error -- a moment has to be read from the datum
    timer({ after: Order, at: new Date(), produces: Late })
    // @ts-expect-error -- a text is no moment
    timer({ after: Order, at: ({ items }) => items[0], produces: Late })
    // @ts-expect-error -- no such member
    timer({ after: Order, at: ({ deadline }: { deadline: Date }) => deadline, produces: Late })
    // @ts-expect-error -- nor for a workflow
    workflow({ name: 'w', builders: [close], target: Closed, timeout: 'soon' })
  },
  'what is no data'() {
    // @ts-expect-error -- a name
    timer({ after: 'Order', delay: 1, produces: Late })
    // @ts-expect-error -- a name
    timer({ after: Order, delay: 1, unless: 'Payment', produces: Late })
    // @ts-expect-error -- a builder
    timer({ after: Order, delay: 1, produces: close })
  },
  'an option that there is none of'() {
    // @ts-expect-error -- misspelt
    timer({ after: Order, delay: 1, produces: Late, untill: '1d' })
  },
  'a target that nobody produces'() {
    // @ts-expect-error -- read by a timer only
    workflow({ name: 'w', builders: [deadline], target: Order })
  },
}
