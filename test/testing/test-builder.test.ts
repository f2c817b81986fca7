import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { builder, data, nothing, service, settled, waitFor } from 'polaris-workflow'
import { testBuilder } from 'polaris-workflow/testing'

const Order = data('Order', z.object({ amount: z.number() }))
const Coupon = data('Coupon', z.object({ percent: z.number() }))
const Receipt = data('Receipt', z.object({ paid: z.number() }))
const Payments = service<{ charge(amount: number): Promise<number> }>()('payments')

const charge = builder({
  name: 'charge',
  consumes: { order: Order },
  optionals: { coupon: Coupon },
  services: { bank: Payments },
  produces: Receipt,
  once: true,
  async process({ order, coupon }, { services: { bank } }) {
    if (order.amount === 0) return nothing('free of charge')
    if (order.amount > 100 && coupon === undefined) return waitFor(Coupon, 'large orders need one')
    return { paid: await bank.charge(order.amount) }
  },
})
const services = { bank: { charge: async (amount: number) => amount } }

describe('testBuilder', () => {
  it('gives the product, with the services under the keys the builder knows', async () => {
    const tested = await testBuilder(charge, { order: { amount: 7 } }, { services })
    expect(tested).toEqual({ outcome: 'produced', product: { paid: 7 } })
    expect(Object.isFrozen(tested.product)).toBe(true)
  })

  it('tells why there is none', async () => {
    expect(await testBuilder(charge, { order: { amount: 0 } }, { services })).toEqual({
      outcome: 'nothing',
      because: 'free of charge',
    })
    expect(await testBuilder(charge, { order: { amount: 101 } }, { services })).toEqual({
      outcome: 'waitFor',
      because: 'large orders need one',
      awaits: 'Coupon',
    })
  })

  it('rejects with what the builder throws', async () => {
    const declined = new Error('declined')
    const failing = { bank: { charge: () => Promise.reject(declined) } }
    await expect(testBuilder(charge, { order: { amount: 7 } }, { services: failing })).rejects.toBe(declined)
  })

  it('gives outcomes, of a failure as well', async () => {
    const Page = data('Page', z.object({ text: z.string() }))
    const page = builder({
      name: 'page',
      consumes: { receipt: settled(Receipt), order: Order },
      produces: Page,
      process: ({ receipt, order }) => ({
        text: receipt.ok
          ? `paid ${receipt.value.paid} of ${order.amount}`
          : `${receipt.error.code}: ${receipt.error.message}`,
      }),
    })
    const paid = await testBuilder(page, { receipt: { ok: true, value: { paid: 3 } }, order: { amount: 7 } })
    expect(paid.product).toEqual({ text: 'paid 3 of 7' })
    const error = { name: 'CardError', message: 'declined', code: 'E_CARD' }
    const declined = await testBuilder(page, { receipt: { ok: false, error }, order: { amount: 7 } })
    expect(declined.product).toEqual({ text: 'E_CARD: declined' })
    const wrong = { receipt: { ok: true as const, value: { paid: 'x' as unknown as number } }, order: { amount: 7 } }
    await expect(testBuilder(page, wrong)).rejects.toMatchObject({ code: 'DATA_INVALID', data: 'Receipt' })
  })

  it('checks inputs and the product', async () => {
    const wrong = { order: { amount: 'x' as unknown as number } }
    await expect(testBuilder(charge, wrong, { services })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      data: 'Order',
    })
    const odd = { bank: { charge: async () => 'x' as unknown as number } }
    await expect(testBuilder(charge, { order: { amount: 7 } }, { services: odd })).rejects.toMatchObject({
      code: 'PRODUCT_INVALID',
    })
  })

  it('names an input that is missing or unknown, and a service', async () => {
    const none = {} as { order: { amount: number } }
    await expect(testBuilder(charge, none, { services })).rejects.toThrow(/consumes it as 'order'/)
    const slip = { order: { amount: 1 }, cupon: {} }
    await expect(testBuilder(charge, slip, { services })).rejects.toThrow(/'charge' has order, coupon/)
    await expect(testBuilder(charge, { order: { amount: 1 } })).rejects.toMatchObject({ code: 'SERVICE_MISSING' })
  })
})
