import { builder, data, type, workflow } from 'polaris-workflow'
import type { Duration } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { failure, refusal } from '../support/lab.ts'
import { eachTimedStore, testClock } from '../support/timed.ts'
import { auditAfterEach, newBench } from './bench.ts'

const Order = data('Order', type<number>())
const Paid = data('Paid', type<number>())
const Sent = data('Sent', type<string>())

/** Is paid, then fails to send: `send` says how. What was paid is paid back. */
function shop(send: () => unknown, undo: () => void | Promise<void> = () => undefined, initial: Duration = '1m') {
  const charge = builder({
    ...{ name: 'charge', consumes: { order: Order }, produces: Paid },
    process: ({ order }) => order,
    retry: { attempts: 1, backoff: { initial, jitter: 0 } },
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

    it('a worker that stops does not wait for the next try, and does not make it', async () => {
      let tries = 0
      const undo = (): void => {
        if (++tries === 1) throw new Error('bank closed')
      }
      const w = shop(() => Promise.reject(new Error('no van')), undo, '10s')
      const bench = newBench(kind, w)
      const polaris = bench.process({ clock, longestWait: 60_000 })
      const worker = polaris.worker({ grace: 1_000 }).start()
      await polaris.executor().submit(w, 'i', Order(1))
      await clock.advance(1_000)
      expect(tries).toBe(1)
      let stopped = false
      const stopping = worker.stop().then(() => (stopped = true))
      await clock.advance(2_000)
      expect(stopped).toBe(true)
      await stopping
      expect(await bench.header('i')).toMatchObject({ holder: null, status: 'running' })
      await clock.advance(60_000)
      expect(tries).toBe(1)
      bench.process({ clock }).worker().start()
      await clock.advance(1_000)
      expect(tries).toBe(2)
      expect(await polaris.get('i')).toMatchObject({ status: 'failed', compensation: { done: true } })
    })

    it('who lost the lease while it waited makes no further try', async () => {
      let tries = 0
      const undo = (): void => {
        if (++tries === 1) throw new Error('bank closed')
      }
      const w = shop(() => Promise.reject(new Error('no van')), undo, '10s')
      const bench = newBench(kind, w)
      // Its own time stands still for a while.
      const own = testClock()
      const victim = bench.process({ clock: own, longestWait: 60_000 })
      await failure(victim.executor().parallel(w, 'i', Order(1)))
      await own.advance(1_000)
      expect(tries).toBe(1)
      await clock.advance(120_000)
      const other = bench.process({ clock })
      other.worker().start()
      await clock.advance(1_000)
      expect(tries).toBe(2)
      expect(await other.get('i')).toMatchObject({ status: 'failed', compensation: { done: true } })
      await own.jump(600_000)
      expect(tries).toBe(2)
    })
  }, 'text')
})
