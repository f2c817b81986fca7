import { builder, data, type, workflow } from 'polaris-workflow'
import { expect, it } from 'vitest'
import { eachSimulated } from '../support/simulated.ts'

const Order = data('Order', type<string>())
const Payment = data('Payment', type<number>())
const Paid = data('Paid', type<string>())
const take = builder({
  ...{ name: 'take', consumes: { order: Order, payment: Payment }, produces: Paid },
  process: ({ order, payment }) => `${order} for ${payment}`,
})
const shop = workflow({ name: 'shop', builders: [take], target: Paid, timeout: '30d' })

eachSimulated((world) => {
  it('an instance that reached no target in its time is failed, and goes on by new data without a limit', async () => {
    const { clock, process } = world(shop)
    const polaris = process()
    const deadline = clock.now() + 30 * 86_400_000
    await polaris.executor().parallel(shop, 'o', Order('book'))
    expect((await polaris.get('o'))?.deadline).toBe(deadline)
    await clock.advance('30d')
    expect(await polaris.get('o')).toMatchObject({ status: 'failed', failure: { code: 'WORKFLOW_TIMEOUT' } })
    expect(await polaris.get('o')).not.toHaveProperty('deadline')
    const result = await polaris.executor().parallel(shop, 'o', Payment(1))
    expect(result.target).toBe('book for 1')
  })

  it('one that has reached it has all the time there is', async () => {
    const { clock, process } = world(shop)
    const polaris = process()
    await polaris.executor().parallel(shop, 'o', Order('book'), Payment(1))
    await clock.advance('60d')
    expect((await polaris.get('o'))?.status).toBe('completed')
  })
})
