import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Polaris } from 'polaris-workflow'
import type { Clock, DeltaOf } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { simulatedClock } from 'polaris-workflow/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { fakeOutside } from '../../examples/checkout/services.ts'
import type { Outside } from '../../examples/checkout/services.ts'
import { Abandoned, Basket, Card, checkout, OrderConfirmed } from '../../examples/checkout/workflow.ts'

const basket = Basket({ customer: 'Ada', items: [{ sku: 'lamp', count: 2 }] })
const visa = Card({ token: 'tok_visa' })

const opened: Polaris[] = []
afterEach(() => Promise.all(opened.splice(0).map((polaris) => polaris.close())))

function newShop() {
  const clock = simulatedClock()
  const outside = fakeOutside(clock.now)
  const store = memoryStore({ now: clock.now, strict: true })
  const shared = { ...store, close: () => undefined }
  const process = (services: Outside['services'] = outside.services, its: Clock = clock) =>
    new Polaris({ clock: its, store: shared, services }).register(checkout)
  const polaris = process()
  polaris.worker().start()
  opened.push(polaris)
  const feed = (...delta: DeltaOf<typeof checkout>[]) => polaris.executor().parallel(checkout, 'c', ...delta)
  const done = () => outside.books.map(({ what }) => what.split(':')[0])
  return { clock, outside, process, polaris, feed, done }
}

describe('the checkout', () => {
  it('takes the money and sends the parcel; who has paid is not reminded', async () => {
    const { clock, polaris, feed, done } = newShop()
    expect((await feed(basket)).waitingFor).toEqual(['Card'])
    await clock.advance('29m')
    const paid = await feed(visa)
    expect(paid).toMatchObject({ status: 'completed', targetName: 'OrderConfirmed' })
    await clock.advance('30d')
    expect(done()).toEqual(['reserved 2 lamp', 'charged 5980 to tok_visa', 'shipped', 'told Ada'])
    expect((await polaris.get('c'))?.latest(OrderConfirmed)).toEqual({ receipt: 'R-1', parcel: 'P-2' })
  })

  it('reminds after half an hour, gives the items back after two, and takes no money after that', async () => {
    const { clock, outside, polaris, feed, done } = newShop()
    const start = clock.now()
    await feed(basket)
    await clock.advance('2h')
    expect(outside.books.map(({ at, what }) => [(at - start) / 60_000, what.split(':')[0]])).toEqual([
      [0, 'reserved 2 lamp'],
      [30, 'told Ada'],
      [120, 'released'],
    ])
    const view = await polaris.get('c')
    expect(view?.status).toBe('completed')
    expect(view?.latest(Abandoned)).toEqual({ at: new Date(start + 7_200_000) })
    await feed(visa)
    await clock.advance('30d')
    expect(done()).toHaveLength(3)
    expect((await polaris.explain('c'))?.builders.find(({ name }) => name === 'takePayment')).toMatchObject({
      because: 'the time to pay is over',
    })
  })

  it('asks for another card when one is declined, and charges what is fed twice once', async () => {
    const { clock, polaris, feed, done } = newShop()
    await feed(basket)
    expect((await feed(Card({ token: 'tok_empty' }))).waitingFor).toEqual(['Card'])
    expect((await feed(visa)).status).toBe('completed')
    await feed(visa)
    await feed(basket)
    await clock.advance('30d')
    expect(done().filter((what) => what?.startsWith('charged'))).toEqual(['charged 5980 to tok_visa'])
    expect((await polaris.get('c'))?.status).toBe('completed')
  })

  it('gives the money back when the parcel cannot be sent, then the items; and does it all anew on demand', async () => {
    const { clock, outside, polaris, feed, done } = newShop()
    outside.closed = true
    await feed(basket)
    expect((await feed(visa)).status).toBe('retrying')
    await clock.advance('10m')
    expect(done()).toEqual(['reserved 2 lamp', 'charged 5980 to tok_visa', 'refunded', 'released'])
    expect(await polaris.get('c')).toMatchObject({
      status: 'failed',
      failure: { builder: 'bookShipment', message: 'the warehouse is closed' },
      compensation: { done: true, left: 0 },
    })
    await clock.advance('30d')
    expect(done()).toHaveLength(4)
    outside.closed = false
    expect((await polaris.executor().resume(checkout, 'c')).status).toBe('completed')
    expect(done().slice(4)).toEqual(['reserved 2 lamp', 'charged 5980 to tok_visa', 'shipped', 'told Ada'])
  })

  it.each([
    ['charge', 'completed', ['charged 5980 to tok_visa', 'shipped', 'told Ada']],
    ['ship', 'completed', ['charged 5980 to tok_visa', 'shipped', 'told Ada']],
  ] as const)('charges once though the process dies after its %s', async (where, status, expected) => {
    const { clock, outside, process, polaris, feed, done } = newShop()
    await feed(basket)
    const { payments, warehouse, messages } = outside.services
    const never = (): Promise<never> => new Promise(() => undefined)
    const dying = {
      messages,
      payments:
        where === 'charge' ? { ...payments, charge: (given: never) => payments.charge(given).then(never) } : payments,
      warehouse:
        where === 'ship'
          ? { ...warehouse, ship: (...given: [string, string]) => warehouse.ship(...given).then(never) }
          : warehouse,
    }
    // It renews no lease any more: nothing of it goes on but the call that hangs.
    const dead = process(dying, { now: clock.now, after: () => () => undefined })
    void dead
      .executor()
      .parallel(checkout, 'c', visa)
      .catch(() => undefined)
    await clock.advance('1m')
    expect((await polaris.get('c'))?.status).toBe(status)
    expect(done()).toEqual(['reserved 2 lamp', ...expected])
  })

  it('is a program that tells what happened when', () => {
    const program = fileURLToPath(new URL('../../.build/examples/checkout/main.js', import.meta.url))
    const { stdout, stderr, status } = spawnSync(process.execPath, [program], { encoding: 'utf8' })
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    expect(stdout).toContain('   120.0 min  released')
    expect(stdout).toContain('refunded')
    expect(stdout).toContain('failed: the warehouse is closed')
  })
})
