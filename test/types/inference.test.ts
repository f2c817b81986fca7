import { type as ark } from 'arktype'
import {
  builder,
  data,
  DataError,
  isPolarisError,
  nothing,
  Polaris,
  settled,
  step,
  type,
  waitFor,
  workflow,
  type AnyData,
  type AnyWorkflow,
  type BuilderError,
  type Datum,
  type ErrorCode,
  type Failed,
  type Issue,
  type Nothing,
  type Open,
  type PolarisError,
  type Settled,
  type ValueOf,
  type WaitFor,
} from 'polaris-workflow'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import { Coupon, executor, Order, Payments, polaris, Quote, quote, Receipt, ride, type PaymentClient } from './ride.ts'

const order = Order({
  id: 'o',
  items: [],
  due: new Date(0),
  marks: new Set(),
  prices: new Map(),
  scan: new Uint8Array(),
})

describe('data', () => {
  it('take their types from zod, valibot, arktype and type<T>()', () => {
    const zod = data('Z', z.object({ id: z.string(), tags: z.array(z.string()).default([]) }))
    const valibot = data('V', v.object({ id: v.string(), tags: v.optional(v.array(v.string()), []) }))
    const arktype = data('A', ark({ id: 'string', tags: ark('string[]').default(() => []) }))
    const plain = data('P', type<{ id: string; tags?: string[] }>())
    expectTypeOf<ValueOf<typeof zod>>().toEqualTypeOf<{ id: string; tags: string[] }>()
    expectTypeOf<ValueOf<typeof valibot>>().toEqualTypeOf<{ id: string; tags: string[] }>()
    expectTypeOf<ValueOf<typeof arktype>>().toEqualTypeOf<{ id: string; tags: string[] }>()
    expectTypeOf<ValueOf<typeof plain>>().toEqualTypeOf<{ id: string; tags?: string[] }>()
    expect([zod({ id: '' }), valibot({ id: '' }), arktype({ id: '' }), plain({ id: '' })]).toHaveLength(4)
    expectTypeOf(zod({ id: '' })).toEqualTypeOf<Datum<'Z', { id: string; tags?: string[] | undefined }>>()
    expectTypeOf(zod.name).toEqualTypeOf<'Z'>()
  })

  it('take readonly values, and what an unknown source has as untyped', () => {
    const list = data('List', z.array(z.string()))
    const frozen: readonly string[] = ['a']
    expectTypeOf(list(frozen)).toEqualTypeOf<Datum<'List', string[]>>()
    expectTypeOf(list.untyped(JSON.parse('[]'))).toEqualTypeOf<Datum<'List', string[]>>()
  })

  it('know their older versions: steps compose, and need no annotations', () => {
    const one = z.object({ cents: z.number() })
    const two = z.object({ amount: z.number(), currency: z.enum(['EUR', 'USD']) })
    const fare = data('Fare', z.object({ amount: z.number(), currency: z.enum(['EUR', 'USD']), at: z.date() }), {
      version: 3,
      from: {
        1: step(one, (old) => {
          expectTypeOf(old).toEqualTypeOf<{ readonly cents: number }>()
          return { amount: old.cents / 100, currency: 'EUR' }
        }),
        2: step(two, (old) => ({ ...old, at: new Date(0) })),
      },
      down: {
        2: ({ amount, currency, at }) => {
          expectTypeOf(at).toEqualTypeOf<Date>()
          return { amount, currency }
        },
        1: (value) => {
          expectTypeOf(value).toEqualTypeOf<{ readonly amount: number; readonly currency: 'EUR' | 'USD' }>()
          return { cents: value.amount * 100 }
        },
      },
    })
    expectTypeOf<ValueOf<typeof fare>>().toEqualTypeOf<{ amount: number; currency: 'EUR' | 'USD'; at: Date }>()
    expect(fare.version).toBe(3)
  })

  it('tell migrations what the older version had', () => {
    const old = data('Old', type<{ readonly a: number }>())
    const note = data('Note', type<string>())
    const kept = data('Kept', type<'x' | 'y'>())
    const fresh = data('Fresh', type<{ readonly a: number }>())
    const made = builder({ name: 'b', consumes: { old, note }, produces: kept, process: () => 'x' })
    const from = workflow({ name: 'w', builders: [made], target: kept })
    const newer = builder({ name: 'b', consumes: { fresh }, produces: kept, process: () => 'x' })
    const two = { name: 'w', version: 2, builders: [newer], target: kept } as const
    const each = workflow({
      ...two,
      migrate: {
        from,
        data: {
          Old: (value, set) => {
            expectTypeOf(value).toEqualTypeOf<{ readonly a: number }>()
            expectTypeOf(set.Note).toEqualTypeOf<string | undefined>()
            return fresh({ a: value.a + (set.Note?.length ?? 0) })
          },
          Note: null,
        },
      },
    })
    const all = workflow({
      ...two,
      migrate: {
        from,
        data: ({ Old: value, Note: text, ...rest }) => {
          expectTypeOf(rest).toEqualTypeOf<{ Kept: 'x' | 'y' | undefined }>()
          return { ...rest, Old: undefined, Note: undefined, Fresh: value && { a: value.a + (text?.length ?? 0) } }
        },
      },
    })
    const several = workflow({
      ...{ ...two, version: 4 },
      migrate: [
        { from, data: { Old: 'Fresh', Note: null } },
        { from: { version: 3, data: [note] }, data: { Note: (text) => fresh({ a: text.length }) } },
        { from: 2 },
      ],
    })
    expect([each, all, several].map(({ version }) => version)).toEqual([2, 2, 4])
  })

  it('may have schemas that coerce, brand, narrow or freeze, as long as they take their own output', () => {
    const when = data('When', z.object({ at: z.coerce.date() }))
    const branded = data('Branded', z.string().brand<'UserId'>())
    const frozen = data('Frozen', z.object({ tags: z.array(z.string()) }).readonly())
    const list = data('List', z.array(z.string()).readonly())
    const iso = data('Iso', v.pipe(v.string(), v.readonly(), v.trim()))
    expectTypeOf<ValueOf<typeof when>>().toEqualTypeOf<{ at: Date }>()
    expectTypeOf<ValueOf<typeof list>>().toEqualTypeOf<readonly string[]>()
    expect([when({ at: 'x' }), branded('u'), frozen({ tags: [] }), list(['a']), iso('a')]).toHaveLength(5)
  })

  it('may be any, unknown, null, tuples, records, recursive and unions', () => {
    type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
    const anything = data('Anything', z.any())
    const unknown = data('Unknown', z.unknown())
    const nil = data('Nil', z.null())
    const tuple = data('Tuple', z.tuple([z.string(), z.number()]))
    const json = data('Json', type<Json>())
    const made = builder({
      name: 'made',
      consumes: { anything, unknown, nil, tuple, json },
      produces: json,
      process: (input) => {
        expectTypeOf(input.anything).toBeAny()
        expectTypeOf(input.unknown).toBeUnknown()
        expectTypeOf(input.nil).toBeNull()
        expectTypeOf(input.tuple).toEqualTypeOf<readonly [string, number]>()
        return Array.isArray(input.json) ? [1, { a: null }] : 'x'
      },
    })
    expect([anything(1), unknown(1), nil(null), tuple(['a', 1]), json([{ a: [1] }])]).toHaveLength(5)
    expect(made.name).toBe('made')
  })

  it('are made by generic functions through untyped', () => {
    function listOf<T>(name: string, schema: z.ZodType<T, T>, values: readonly T[]) {
      const list = data(name, z.array(schema) as z.ZodType<T[], T[]>)
      return list.untyped(values)
    }
    expectTypeOf(listOf('Words', z.string(), ['a'])).toEqualTypeOf<Datum<string, string[]>>()
  })
})

describe('builders', () => {
  it('infer what process reads, readonly all the way down', () => {
    const made = builder({
      name: 'made',
      consumes: { order: Order },
      optionals: { coupon: Coupon },
      accesses: { receipt: Receipt },
      services: { payments: Payments },
      produces: Quote,
      process(input, context) {
        expectTypeOf(input.order.id).toEqualTypeOf<string>()
        expectTypeOf(input.order.items).toEqualTypeOf<readonly { readonly name: string }[]>()
        expectTypeOf(input.order.marks).toEqualTypeOf<ReadonlySet<string>>()
        expectTypeOf(input.order.prices).toEqualTypeOf<ReadonlyMap<string, { readonly amount: number }>>()
        // A Date as a type has no readonly form that functions take; its mutators throw. Bytes are a copy.
        expectTypeOf(input.order.due).toEqualTypeOf<Date>()
        expectTypeOf(input.order.scan).toExtend<Uint8Array>()
        expectTypeOf(input.coupon).toEqualTypeOf<{ readonly percent: number } | undefined>()
        expectTypeOf(input.receipt).toEqualTypeOf<{ readonly paid: number } | undefined>()
        expectTypeOf(context.services).toEqualTypeOf<{ readonly payments: PaymentClient }>()
        expectTypeOf(context.idempotencyKey).toEqualTypeOf<string>()
        expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>()
        return { fare: 1 }
      },
    })
    expectTypeOf(made.produces).toEqualTypeOf(Quote)
  })

  it('take a product of the input type, readers get the output type', () => {
    const Visit = data('Visit', z.object({ tags: z.array(z.string()).default([]), at: z.coerce.date() }))
    const visit = builder({ name: 'visit', produces: Visit, process: () => ({ at: '2026-01-01' }) })
    const read = builder({
      name: 'read',
      consumes: { visit: Visit },
      produces: Quote,
      process: ({ visit: { tags, at } }) => ({ fare: tags.length + at.getTime() }),
    })
    expect([visit.name, read.name]).toEqual(['visit', 'read'])
  })

  it('take literals for enums and discriminated unions without `as const`, at once and later', () => {
    const Kind = data(
      'Kind',
      z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('full'), items: z.array(z.string()) }),
        z.object({ kind: z.literal('empty') }),
      ]),
    )
    const Colour = data('Colour', z.enum(['red', 'green']))
    const consumes = { coupon: Coupon }
    const made = [
      builder({
        name: 'at once',
        consumes,
        produces: Kind,
        process: ({ coupon }) => (coupon.percent > 1 ? { kind: 'full', items: ['a'] } : { kind: 'empty' }),
      }),
      builder({
        name: 'later',
        consumes,
        produces: Kind,
        async process({ coupon }) {
          if (coupon.percent > 2) return { kind: 'full', items: [] }
          if (coupon.percent > 1) return nothing('no')
          if (coupon.percent > 0) return waitFor(Coupon, 'too little')
          return { kind: 'empty' }
        },
      }),
      builder({ name: 'colour', consumes, produces: Colour, process: () => 'red' }),
      builder({
        name: 'narrow',
        consumes: { kind: Kind },
        produces: Colour,
        process: ({ kind }) => (kind.kind === 'full' && kind.items[0] === 'a' ? 'green' : 'red'),
      }),
    ]
    expect(made).toHaveLength(4)
  })

  it('take tuples, arrays of literals and single literals without `as const`, whatever the form of process', () => {
    const Shape = data(
      'Shape',
      z.object({ tags: z.array(z.enum(['a', 'b'])), pair: z.tuple([z.string(), z.number()]), deep: z.literal([1, 2]) }),
    )
    const Pair = data('Pair', z.tuple([z.string(), z.literal(1)]))
    const Flag = data('Flag', z.literal(true))
    const consumes = { coupon: Coupon }
    const made = [
      builder({ name: 'a', produces: Shape, process: () => ({ tags: ['a', 'b'], pair: ['a', 1], deep: 1 }) }),
      builder({ name: 'b', produces: Shape, process: async () => ({ tags: ['a'], pair: ['a', 1], deep: 2 }) }),
      builder({
        name: 'c',
        consumes,
        produces: Shape,
        async process({ coupon }) {
          if (coupon.percent > 1) return { tags: [], pair: ['b', 2], deep: 1 }
          return { tags: ['b'], pair: ['a', coupon.percent], deep: 2 }
        },
      }),
      builder({ name: 'd', produces: Pair, process: () => ['a', 1] }),
      builder({ name: 'e', consumes, produces: Pair, process: async ({ coupon }) => [`${coupon.percent}`, 1] }),
      builder({ name: 'f', produces: Flag, process: () => true }),
      builder({ name: 'g', consumes, produces: Flag, process: () => true }),
      // TypeScript 5.9 widens the one literal that an async function returns; from 6.0 on it need not be told.
      builder({ name: 'h', produces: Flag, process: async () => true as const }),
    ]
    expect(made).toHaveLength(8)
  })

  it('have fallbacks that see the inputs and make what `process` makes, without `as const`', () => {
    const Colour = data('Colour', z.enum(['red', 'green']))
    const made = [
      builder({
        name: 'a',
        consumes: { order: Order },
        optionals: { coupon: Coupon },
        produces: Quote,
        retry: { attempts: 3, backoff: { initial: '1s', max: '1h30m' }, retryIf: (error) => error instanceof Error },
        process: ({ order }) => ({ fare: order.items.length }),
        fallback: (error, { order, coupon }, { attempt }) => {
          expectTypeOf(error).toEqualTypeOf<unknown>()
          expectTypeOf(attempt).toEqualTypeOf<number>()
          expectTypeOf(coupon).toEqualTypeOf<{ readonly percent: number } | undefined>()
          return coupon === undefined ? waitFor(Coupon) : { fare: order.items.length }
        },
      }),
      builder({ name: 'b', produces: Colour, process: () => 'red', fallback: () => 'green' }),
      builder({ name: 'c', produces: Colour, fallback: async () => nothing(), process: async () => 'red' as const }),
      builder({
        name: 'd',
        produces: Colour,
        fallback: (error) => (error === 1 ? 'red' : 'green'),
        process: () => 'red',
      }),
    ]
    expect(made).toHaveLength(4)
  })

  it('are given outcomes of what they consume as settled, and may wait for it', () => {
    const page = builder({
      name: 'page',
      consumes: { quote: settled(Quote), order: Order },
      produces: Receipt,
      process: ({ quote, order }) => {
        expectTypeOf(quote).toEqualTypeOf<Settled<{ readonly fare: number }>>()
        expectTypeOf(order.id).toEqualTypeOf<string>()
        if (quote.ok) return { paid: quote.value.fare }
        expectTypeOf(quote.error).toEqualTypeOf<Failed>()
        return quote.error.code === 'BUILDER_TIMEOUT' ? waitFor(Quote) : { paid: 0 }
      },
    })
    const flow = workflow({ name: 'pages', builders: [page], target: Receipt })
    const fed = (): unknown => executor.compute(flow, Quote({ fare: 1 }), Order({ ...order.value }))
    expect(fed).toBeTypeOf('function')
    expectTypeOf<Parameters<typeof page.process>[0]['quote']>().toEqualTypeOf<Settled<{ readonly fare: number }>>()
  })

  it('may hand on what they read', () => {
    const Copy = data('Copy', z.object({ order: Order.schema as z.ZodType<ValueOf<typeof Order>> }))
    const copy = builder({
      name: 'copy',
      consumes: { order: Order },
      produces: Copy,
      process: ({ order }) => ({ order }),
    })
    expect(copy.name).toBe('copy')
  })

  it('keep process callable, with typed inputs and services', async () => {
    const input = { order: { ...order.value, items: [{ name: 'a' }] } }
    const context = { workflowId: 'r', signal: new AbortController().signal, attempt: 1, idempotencyKey: 'k', meta: {} }
    expectTypeOf(quote.process)
      .parameter(0)
      .toHaveProperty('coupon')
      .toEqualTypeOf<{ readonly percent: number } | undefined>()
    expect(await quote.process({ ...input, coupon: { percent: 50 } }, { ...context, services: {} })).toEqual({
      fare: 0.5,
    })
    // @ts-expect-error -- the order is missing
    expect(() => quote.process({}, { ...context, services: {} })).toThrow(TypeError)
    const pay = builder({
      name: 'pay',
      services: { payments: Payments },
      produces: Receipt,
      process: async (_, { services }) => ({ paid: await services.payments.charge(1) }),
    })
    const services = { payments: { charge: async () => 7 } }
    expect(await pay.process({}, { ...context, services })).toEqual({ paid: 7 })
  })

  it('say nothing, or wait for one of their own inputs', () => {
    expectTypeOf(nothing('because')).toEqualTypeOf<Nothing>()
    expectTypeOf(waitFor(Order)).toEqualTypeOf<WaitFor<'Order'>>()
  })
})

describe('results', () => {
  it('are narrowed by status', async () => {
    const result = await executor.sequential(ride, 'r', order).catch(() => undefined)
    if (result === undefined) return
    expectTypeOf(result.status).toEqualTypeOf<'completed' | 'waiting' | 'failed' | 'retrying'>()
    expectTypeOf(result.get(Quote)).toEqualTypeOf<{ readonly fare: number } | undefined>()
    expectTypeOf(result.require(Receipt)).toEqualTypeOf<{ readonly paid: number }>()
    expectTypeOf(result.latest(Coupon)).toEqualTypeOf<{ readonly percent: number } | undefined>()
    expectTypeOf(result.target).toEqualTypeOf<{ readonly paid: number } | undefined>()
    if (result.status === 'completed') {
      expectTypeOf(result.target).toEqualTypeOf<{ readonly paid: number }>()
      expectTypeOf(result.targetName).toEqualTypeOf<'Receipt'>()
      expectTypeOf(result.waitingFor).toEqualTypeOf<readonly []>()
    } else {
      expectTypeOf(result.target).toEqualTypeOf<undefined>()
      expectTypeOf(result.waitingFor).toEqualTypeOf<readonly string[]>()
    }
  })

  it('tell by targetName which of several targets is there', async () => {
    const both = workflow({ name: 'both', builders: [quote], target: [Quote] })
    const Refusal = data('Refusal', z.object({ why: z.string() }))
    const refuse = builder({
      name: 'refuse',
      consumes: { order: Order },
      produces: Refusal,
      process: () => ({ why: '' }),
    })
    const ends = workflow({ name: 'ends', builders: [quote, refuse], target: [Quote, Refusal] })
    const result = await new Polaris().register(both, ends).executor().compute(ends, order)
    if (result.status !== 'completed') throw new Error('it has all it needs')
    expectTypeOf(result.targetName).toEqualTypeOf<'Quote' | 'Refusal'>()
    if (result.targetName === 'Quote') expectTypeOf(result.target).toEqualTypeOf<{ readonly fare: number }>()
    else expectTypeOf(result.target).toEqualTypeOf<{ readonly why: string }>()
    expect(result.targetName).toBe('Quote')
  })

  it('of a workflow given by name keep the types of the data, nothing else', async () => {
    const result = await executor.compute('ride', order)
    expectTypeOf(result.get(Quote)).toEqualTypeOf<{ readonly fare: number } | undefined>()
    expectTypeOf(result.target).toBeUnknown()
    expect(result.require(Quote)).toEqual({ fare: 0 })
    const name: string = 'ride'
    expectTypeOf(await executor.compute(name, order, Coupon({ percent: 1 }))).toEqualTypeOf(result)
  })
})

describe('workflows and services', () => {
  it('may be held as any workflow, by a process that does not know them', async () => {
    const all: AnyWorkflow[] = [ride]
    const payments: PaymentClient = { charge: async (amount) => amount }
    const executor = new Polaris({ services: { payments } }).register(...all).executor()
    const [first] = all
    if (first !== undefined) expect((await executor.compute(first, order)).status).toBe('completed')
  })

  it('get services that can do more than was asked for', () => {
    const payments = { charge: async (amount: number) => amount, refund: () => 1 }
    expect(new Polaris({ services: { payments, other: 1 } }).register(ride)).toBeInstanceOf(Polaris)
    expectTypeOf(polaris).toEqualTypeOf<Polaris<{ payments: PaymentClient }>>()
  })

  it('resolve by the names of data that builders produce', () => {
    const other = builder({ name: 'other', consumes: { order: Order }, produces: Quote, process: () => ({ fare: 2 }) })
    const made = workflow({ name: 'w', builders: [quote, other], target: Quote, resolve: { Quote: 'other' } })
    expect(made.plan.producerOf(Quote)).toBe('other')
  })

  it('take builders from an array that was built up', () => {
    const builders = [quote].filter(() => true)
    const made = workflow({ name: 'w', builders, target: Quote, transients: [Coupon] })
    type Types = NonNullable<typeof made.types>
    expectTypeOf<Types['reads']>().toEqualTypeOf<typeof Order | typeof Coupon>()
    expectTypeOf<Types['makes']>().toEqualTypeOf<typeof Quote>()
    expectTypeOf<Types['uses']>().toBeNever()
    expect(made.plan.targets).toEqual(['Quote'])
  })

  it('take any data where its type does not matter', () => {
    const all: AnyData[] = [Order, Coupon, data('X', type<never>()), data('Y', type<unknown>())]
    expect(all).toHaveLength(4)
  })
})

describe('errors', () => {
  it('are narrowed by their code', async () => {
    const error: unknown = await executor.compute(ride, Coupon.untyped('x')).catch((error: unknown) => error)
    if (isPolarisError(error)) expectTypeOf(error.code).toEqualTypeOf<ErrorCode>()
    if (isPolarisError(error, 'DATA_INVALID')) {
      expectTypeOf(error.code).toEqualTypeOf<'DATA_INVALID'>()
      expectTypeOf(error.data).toEqualTypeOf<string | undefined>()
      expectTypeOf(error.issues).toEqualTypeOf<readonly Issue[] | undefined>()
    }
    // @ts-expect-error -- only DATA_INVALID is about a datum
    if (isPolarisError(error, 'ABORTED')) void error.issues
    // @ts-expect-error -- no such code
    expect(isPolarisError(error, 'DATA_WRONG')).toBe(false)
    expect(isPolarisError(error, 'DATA_INVALID')).toBe(true)
    if (error instanceof DataError) expectTypeOf(error.data).toEqualTypeOf<string>()
    const known = error as PolarisError
    if (isPolarisError(known, 'ABORTED')) expectTypeOf(known.code).toEqualTypeOf<'ABORTED'>()
    else expectTypeOf(known).toEqualTypeOf<PolarisError>()
  })

  it('of builders hold the result of a scope that did not complete', () => {
    expectTypeOf<BuilderError['result']>().toEqualTypeOf<Open<AnyData, AnyData>>()
    expectTypeOf<BuilderError['result']['target']>().toEqualTypeOf<undefined>()
  })
})
