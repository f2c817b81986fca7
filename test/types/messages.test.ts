import { beforeAll, describe, expect, it } from 'vitest'
import { check, COMPILERS, type Checked } from './compiler.ts'

interface Mistake {
  readonly title: string
  /** `‸` stands before what the compiler has to point at. */
  readonly source: string
  /** What its message has to say. */
  readonly says: string
}

const MISTAKES: readonly Mistake[] = [
  {
    title: 'feeding data that the workflow does not know',
    source: `await executor.sequential(ride, 'r', Coupon({ percent: 1 }), ‸Stranger({ x: 1 }))`,
    says: `Argument of type 'Datum<"Stranger", { x: number; }>' is not assignable to parameter of type 'Datum<"`,
  },
  {
    title: 'feeding a value of the wrong type',
    source: `await executor.sequential(ride, 'r', Coupon({ ‸percent: '10' }))`,
    says: `Type 'string' is not assignable to type 'number'`,
  },
  {
    title: 'a product of the wrong type',
    source: `builder({ name: 'b', consumes, produces: Quote, process: ({ order }) => ({ ‸fare: order.id }) })`,
    says: `Type 'string' is not assignable to type 'number'`,
  },
  {
    title: 'a product of the wrong type, later',
    source: `builder({ name: 'b', consumes, produces: Quote, async ‸process({ order }) { return { fare: order.id } } })`,
    says: `Type '{ readonly fare: string; }' is not assignable to type '{ readonly fare: number; }'`,
  },
  {
    title: 'a missing return',
    source: `builder({ name: 'b', consumes, produces: Quote, ‸process({ order }) { order.items.map(String) } })`,
    says: `Type 'void' is not assignable to type 'Outcome<{ readonly fare: number; }, "Order">'`,
  },
  {
    title: 'a missing return, later',
    source: `builder({ name: 'b', consumes, produces: Quote, async ‸process() { await 1 } })`,
    says: `Type 'Promise<void>' is not assignable to type 'Outcome<{ readonly fare: number; }, "Order">'`,
  },
  {
    title: 'a return missing on one path',
    source: `builder({ name: 'b', consumes, produces: Quote, ‸process({ order }) { if (order.id) return { fare: 1 } } })`,
    says: `Type 'undefined' is not assignable to type 'Outcome<{ readonly fare: number; }, "Order">'`,
  },
  {
    title: 'a target that no builder produces',
    source: `workflow({ name: 'w', builders: [quote], ‸target: Receipt })`,
    says: `Type '"Receipt"' is not assignable to type '"Quote"'`,
  },
  {
    title: 'one of several targets that no builder produces',
    source: `workflow({ name: 'w', builders: [quote], target: [Quote, ‸Receipt] })`,
    says: `Type '"Receipt"' is not assignable to type '"Quote"'`,
  },
  {
    title: 'reading an undeclared input',
    source: `builder({ name: 'b', consumes, produces: Quote, process: ({ ‸coupon }) => ({ fare: 1 }) })`,
    says: `Property 'coupon' does not exist on type '{ readonly order:`,
  },
  {
    title: 'reading an optional as if it were there',
    source: `builder({ name: 'b', optionals: { c: Coupon }, produces: Quote, process: (i) => ({ fare: ‸i.c.percent }) })`,
    says: `'i.c' is possibly 'undefined'`,
  },
  {
    title: 'writing to an input',
    source: `builder({ name: 'b', consumes, produces: Quote, process: (i) => { i.order.‸id = ''; return { fare: 1 } } })`,
    says: `Cannot assign to 'id' because it is a read-only property`,
  },
  {
    title: 'writing deep into an input',
    source: `builder({ name: 'b', consumes, produces: Quote, process: (i) => ({ fare: i.order.items.‸push({ name: '' }) }) })`,
    says: `Property 'push' does not exist on type 'readonly { readonly name: string; }[]'`,
  },
  {
    title: 'one key in both consumes and optionals',
    source: `builder({ name: 'b', consumes, optionals: { ‸order: Coupon }, produces: Quote, process: () => ({ fare: 1 }) })`,
    says: `KeyAlreadyUsed<"order">`,
  },
  {
    title: 'get of data no builder produces',
    source: `void (await executor.compute(ride)).get(‸Coupon)`,
    says: `Argument of type 'Data<"Coupon", { percent: number; }, { percent: number; }>' is not assignable to parameter of type 'Data<"`,
  },
  {
    title: 'a service nobody gave',
    source: `new Polaris({ services: { bank: 1 } }).register(‸ride)`,
    says: `ServiceNotGiven<Service<"payments", PaymentClient>>`,
  },
  {
    title: 'a service of the wrong type',
    source: `new Polaris({ services: { payments: { charge: 1 } } }).register(‸ride)`,
    says: `ServiceNotGiven<Service<"payments", PaymentClient>>`,
  },
  {
    title: 'a service nobody gave, to one workflow of several',
    source: `new Polaris().register(workflow({ name: 'w', builders: [quote], target: Quote }), ‸ride)`,
    says: `ServiceNotGiven<Service<"payments", PaymentClient>>`,
  },
  {
    title: 'waitFor of something not an own input',
    source: `builder({ name: 'b', consumes, produces: Quote, process: () => ‸waitFor(Coupon) })`,
    says: `Type 'WaitFor<"Coupon">' is not assignable to type 'WaitFor<"Order">'`,
  },
  {
    title: 'waitFor in a source',
    source: `builder({ name: 'b', produces: Quote, process: () => ‸waitFor(Order) })`,
    says: `Type 'WaitFor<"Order">' is not assignable to type 'WaitFor<never>'`,
  },
  {
    title: 'a schema that refuses its own output',
    source: `data('When', ‸z.string().transform((text) => new Date(text)))`,
    says: `SchemaMustAcceptItsOwnOutput<string, Date>`,
  },
  {
    title: 'reading target without asking for the status',
    source: `void ‸(await executor.compute(ride)).target.paid`,
    says: `Object is possibly 'undefined'`,
  },
  {
    title: 'a misspelt option of a builder',
    source: `builder({ name: 'b', ‸consume: consumes, produces: Quote, process: () => ({ fare: 1 }) })`,
    says: `Did you mean to write 'consumes'?`,
  },
  {
    title: 'a misspelt option of a workflow',
    source: `workflow({ name: 'w', builders: [quote], target: Quote, ‸loop: true })`,
    says: `Did you mean to write 'loops'?`,
  },
]

const HEAD = `import { builder, data, Polaris, waitFor, workflow } from 'polaris-workflow'
import * as z from 'zod'
import { Coupon, executor, Order, Quote, quote, Receipt, ride, Stranger } from '#ride'
const consumes = { order: Order }
`
const FIRST_LINE = HEAD.split('\n').length
/** The compiler cuts what is longer, and nobody reads it. */
const LONGEST_LINE = 700

describe.each(COMPILERS)('%s', (compiler) => {
  let checked: Checked
  beforeAll(async () => {
    const programs = MISTAKES.map(
      ({ source }, index) => [`m${index}.ts`, `${HEAD}${source.replace('‸', '')}\n`] as const,
    )
    checked = await check(compiler, Object.fromEntries(programs))
  })

  it('finds these mistakes and no others', () => {
    const files = new Set(checked.diagnostics.map(({ file }) => file))
    expect([...files].sort()).toEqual(MISTAKES.map((_, index) => `m${index}.ts`).sort())
  })

  it.each(MISTAKES.map((mistake, index) => [mistake.title, mistake, index] as const))(
    'points at %s',
    (_, { source, says }, index) => {
      const [first] = checked.diagnostics.filter(({ file }) => file === `m${index}.ts`)
      expect(first).toMatchObject({ line: FIRST_LINE, column: source.indexOf('‸') + 1 })
      expect(first?.message).toContain(says)
      for (const line of first?.message.split('\n') ?? []) expect(line.length).toBeLessThan(LONGEST_LINE)
    },
  )
})
