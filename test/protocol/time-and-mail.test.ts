/** Scopes that nobody called for, beside mail that comes meanwhile: what the simulation found, at its smallest. */
import { builder, data, timer, type, workflow } from 'polaris-workflow'
import type { AnyWorkflow, DataStore } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { deferred, failure } from '../support/lab.ts'

import { silenced } from '../support/mortal.ts'
import { eachSimulated } from '../support/simulated.ts'
import type { Simulated } from '../support/simulated.ts'
import { unobserved } from '../support/timed.ts'

const Order = data('Order', type<string>())
const Note = data('Note', type<string>())
const Rang = data('Rang', type<{ readonly at: Date }>())
const Paid = data('Paid', type<string>())
const Sent = data('Sent', type<string>())

/** Is paid, and has failed with that: from then on it is to be undone, which fails as long as the bank is closed. */
function shop() {
  const bank = { open: false, asked: 0 }
  const pay = builder({
    ...{ name: 'pay', consumes: { order: Order }, produces: Paid },
    retry: { attempts: 1, backoff: { initial: '1m', factor: 1, jitter: 0 } },
    process: ({ order }) => `paid ${order}`,
    compensate() {
      bank.asked++
      if (!bank.open) throw new Error('closed')
    },
  })
  const send = builder({
    ...{ name: 'send', consumes: { paid: Paid }, optionals: { note: Note }, produces: Sent },
    process(): string {
      throw new Error('no van')
    },
  })
  return { bank, flow: workflow({ name: 'shop', builders: [pay, send], target: Sent, onFailure: 'compensate' }) }
}

/** A process that sets an instance off, and dies when it is to say that something is undone. */
function dies({ idle, clock }: Simulated, flow: AnyWorkflow) {
  let dead = false
  const through = (medium: DataStore): DataStore => {
    const store = clock.observe(medium)
    return {
      ...silenced(store, () => dead),
      write(changes) {
        dead ||= changes.some(({ rows }) => rows.some(({ outcome }) => outcome === 'compensated'))
        return dead ? new Promise(() => undefined) : store.write(changes)
      },
    }
  }
  const dying = idle({ clock: unobserved(clock), through })
  dying
    .executor()
    .parallel(flow as never, 'i', ...([Order('1')] as never[]))
    .catch(() => undefined)
  return { dying, isDead: () => dead }
}

eachSimulated((world) => {
  describe('rule 25: scopes that time sets off, and mail', () => {
    it('mail that waits when undoing is to go on is told first, so that each scope has its own number', async () => {
      const { bank, flow } = shop()
      const { clock, process, idle } = world(flow)
      const first = idle()
      const call = first.executor().parallel(flow, 'i', Order('1'))
      const failed = failure(call)
      await clock.advance('10s')
      await failed
      expect((await first.get('i'))?.status).toBe('retrying')
      const feeder = idle()
      await feeder.executor().submit(flow, 'i', Note('a'))
      await feeder.executor().submit(flow, 'i', Note('b'))
      await clock.jump('10m')
      bank.open = true
      const polaris = process()
      await clock.advance('10m')
      const history = await polaris.history('i')
      expect(history.filter(({ data: name }) => name === 'Note').map(({ scope, value }) => [scope, value])).toEqual([
        [3, 'a'],
        [4, 'b'],
      ])
      expect(history.filter(({ outcome }) => outcome === 'compensated').map(({ scope }) => scope)).toContain(5)
      expect(await polaris.get('i')).toMatchObject({
        status: 'failed',
        compensation: { done: true },
        data: { Note: 'b' },
      })
    })

    it('an instance is cancelled in the scope of who cancels it, also where that waits behind undoing', async () => {
      const { bank, flow } = shop()
      const here = world(flow)
      const { clock, process, abandon } = here
      bank.open = true
      // Everything up to the point where the payment is undone, which is never heard of.
      const { dying, isDead } = dies(here, flow)
      await clock.advance('1s')
      expect(isDead()).toBe(true)
      abandon(dying)
      const statuses: string[] = []
      const other = process({
        through: (store) => ({
          ...store,
          write(changes) {
            statuses.push(...changes.map(({ header }) => `${header.scope} ${header.status}`))
            return store.write(changes)
          },
        }),
      })
      const cancelling = other.cancel('i')
      await clock.advance('5m')
      await cancelling
      expect(new Set(statuses.filter((text) => text.endsWith('cancelled')))).toEqual(new Set(['3 cancelled']))
      expect(await other.get('i')).toMatchObject({ status: 'cancelled', compensation: { done: true } })
    })

    it('that undoing is to be tried again is no try of its builder', async () => {
      const tries: number[] = []
      let undoings = 0
      const pay = builder({
        ...{ name: 'pay', consumes: { order: Order }, produces: Paid },
        retry: { attempts: 2, backoff: { initial: 800, factor: 1, jitter: 0 } },
        process(_, { attempt }): string {
          tries.push(attempt)
          throw new Error('no answer')
        },
        compensate() {
          if (++undoings === 1) throw new Error('closed')
        },
      })
      const flow = workflow({ name: 'w', builders: [pay], target: Paid, onFailure: 'compensate' })
      const here = world(flow)
      const { clock, process, abandon } = here
      // It dies when the payment is undone at last, and another process goes on with what is stored.
      const { dying, isDead } = dies(here, flow)
      for (let i = 0; i < 10; i++) await clock.advance('1s')
      expect([isDead(), tries, undoings]).toEqual([true, [1, 2], 2])
      abandon(dying)
      const other = process()
      await clock.advance('5m')
      expect(await other.get('i')).toMatchObject({ status: 'failed', compensation: { done: true } })
      const again = failure(other.executor().resume(flow, 'i'))
      await clock.advance('5s')
      await again
      expect(tries).toEqual([1, 2, 1, 2])
    })

    it('a lease that is renewed before the first commit leaves the scope its number', async () => {
      const gate = deferred()
      const run = builder({
        ...{ name: 'run', consumes: { rang: Rang }, optionals: { note: Note }, produces: Sent },
        process: async ({ note }) => (await gate.promise, `sent ${note ?? '-'}`),
      })
      const ring = timer({ name: 'ring', after: Order, delay: '1h', produces: Rang })
      const flow = workflow({ name: 'w', builders: [ring, run], target: Sent, durability: 'scope' })
      const { clock, process, idle, store } = world(flow)
      const polaris = process()
      await polaris.executor().parallel(flow, 'i', Order('1'))
      await clock.advance('1h')
      await clock.advance('16s')
      const feeder = idle()
      await feeder.executor().submit(flow, 'i', Note('a'))
      gate.resolve()
      await clock.advance('1m')
      const history = await polaris.history('i')
      expect(history.map(({ scope, outcome, value }) => [scope, outcome, value])).toContainEqual([
        expect.any(Number),
        'fed',
        'a',
      ])
      expect((await polaris.get('i'))?.data).toMatchObject({ Note: 'a', Sent: 'sent a' })
      const { header } = (await store().read('i'))!
      expect(header).toMatchObject({ scope: 2, mailAppended: 2, mailHandled: 2, holder: null })
    })
  })
})
