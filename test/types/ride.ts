import { builder, data, Polaris, service, workflow } from 'polaris-workflow'
import * as z from 'zod'

/** The workflow that the tests of types feed, read and get wrong. */
export const Order = data(
  'Order',
  z.object({
    id: z.string(),
    items: z.array(z.object({ name: z.string() })),
    due: z.date(),
    marks: z.set(z.string()),
    prices: z.map(z.string(), z.object({ amount: z.number() })),
    scan: z.instanceof(Uint8Array),
  }),
)
export const Coupon = data('Coupon', z.object({ percent: z.number() }))
export const Quote = data('Quote', z.object({ fare: z.number() }))
export const Receipt = data('Receipt', z.object({ paid: z.number() }))
/** Not part of the workflow. */
export const Stranger = data('Stranger', z.object({ x: z.number() }))

export interface PaymentClient {
  charge(amount: number): Promise<number>
}
export const Payments = service<PaymentClient>()('payments')

export const quote = builder({
  name: 'quote',
  consumes: { order: Order },
  optionals: { coupon: Coupon },
  produces: Quote,
  process: ({ order, coupon }) => ({ fare: order.items.length * (1 - (coupon?.percent ?? 0) / 100) }),
})
export const charge = builder({
  name: 'charge',
  consumes: { quote: Quote },
  services: { payments: Payments },
  produces: Receipt,
  once: true,
  async process({ quote }, { services: { payments } }) {
    return { paid: await payments.charge(quote.fare) }
  },
})
export const ride = workflow({ name: 'ride', builders: [quote, charge], target: Receipt })

const payments: PaymentClient = { charge: async (amount) => amount }
export const polaris = new Polaris({ services: { payments } }).register(ride)
export const executor = polaris.executor()
