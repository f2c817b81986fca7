import { builder, data, type, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { failure, refusal } from '../support/lab.ts'
import { eachTimedStore } from '../support/timed.ts'
import { auditAfterEach, newBench } from './bench.ts'

const Order = data('Order', type<number>())
const Paid = data('Paid', type<number>())
const Sent = data('Sent', type<string>())

/** Is paid, then fails to send: `send` says how. What was paid is paid back. */
function shop(send: () => unknown, undo: () => void = () => undefined) {
  const charge = builder({
    ...{ name: 'charge', consumes: { order: Order }, produces: Paid },
    process: ({ order }) => order,
    retry: { attempts: 1, backoff: { initial: '1m', jitter: 0 } },
    compensate: undo,
  })
  const dispatch = builder({
    ...{ name: 'dispatch', consumes: { paid: Paid }, produces: Sent },
    process: async (): Promise<string> => String(await send()),
  })
  return workflow({ name: 'shop', builders: [charge, dispatch], target: Sent, onFailure: 'compensate' })
}

describe('what waits while an instance is undone', () => {
  auditAfterEach()

  eachTimedStore((kind, clock) => {
    it('mail that came before the failure is handled, and its caller told', async () => {
      let fail: (error: Error) => void = () => undefined
      const w = shop(() => new Promise((_resolve, reject) => (fail = reject)))
      const bench = newBench(kind, w)
      const polaris = bench.process({ clock })
      const first = failure(polaris.executor().parallel(w, 'i', Order(1)))
      await clock.advance(10)
      const second = refusal(bench.process({ clock }).executor().parallel(w, 'i', Order(2)), 'COMPENSATING')
      await clock.advance(10)
      fail(new Error('no van'))
      await first
      await clock.advance(60_000)
      await second
      expect(await polaris.get('i')).toMatchObject({
        status: 'failed',
        compensation: { done: true },
        data: { Order: 2 },
      })
    })

    it('a cancel that comes when the next try is due is not lost', async () => {
      let down = true
      const w = shop(
        () => Promise.reject(new Error('no van')),
        () => {
          if (down) throw new Error('bank closed')
        },
      )
      const bench = newBench(kind, w)
      const polaris = bench.process({ clock })
      await failure(polaris.executor().parallel(w, 'i', Order(1)))
      await clock.advance(10)
      expect((await polaris.get('i'))?.status).toBe('retrying')
      down = false
      await clock.jump(120_000)
      const cancelling = polaris.cancel('i')
      await clock.advance(60_000)
      expect(await cancelling).toMatchObject({ status: 'cancelled', compensation: { done: true } })
    })
  }, 'text')
})
