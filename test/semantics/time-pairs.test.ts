/** Two things at once that time has to do with: a timeout within a scope, timers and undoing, an abort within a try … */
import { builder, data, timer, type, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { deferred, failure, refusal } from '../support/lab.ts'
import { eachSimulated } from '../support/simulated.ts'

const Order = data('Order', type<string>())
const Note = data('Note', type<string>())
const Held = data('Held', type<string>())
const Paid = data('Paid', type<string>())
const Rang = data('Rang', type<string>())
const Draft = data('Draft', type<string>())
const Review = data('Review', type<string>(), { about: Draft })

const ring = timer({ name: 'ring', after: Held, delay: '1h', produces: Rang, value: (held) => `rang for ${held}` })

eachSimulated((world) => {
  describe('a timeout in the middle of a scope', () => {
    it('ends it: what ran is kept, what runs gets its signal, and nothing else starts', async () => {
      const ran: string[] = []
      const gate = deferred()
      let aborted = false
      const flow = workflow({
        ...{ name: 'w', target: Paid, timeout: '30m' },
        builders: [
          builder({
            ...{ name: 'hold', consumes: { order: Order }, produces: Held },
            process: ({ order }) => (ran.push('hold'), `held ${order}`),
          }),
          builder({
            ...{ name: 'wait', consumes: { held: Held }, produces: Rang },
            async process({ held }, { signal }) {
              ran.push('wait')
              signal.addEventListener('abort', () => (aborted = true))
              await gate.promise
              return `waited for ${held}`
            },
          }),
          builder({
            ...{ name: 'pay', consumes: { rang: Rang }, produces: Paid },
            process: ({ rang }) => (ran.push('pay'), `paid, ${rang}`),
          }),
        ],
      })
      const { clock, process } = world(flow)
      const polaris = process()
      const call = refusal(polaris.executor().parallel(flow, 'i', Order('1')), 'WORKFLOW_TIMEOUT')
      for (let i = 0; i < 4; i++) await clock.advance('10m')
      await call
      gate.resolve()
      await clock.advance('1h')
      expect([ran, aborted]).toEqual([['hold', 'wait'], true])
      const view = await polaris.get('i')
      expect(view).toMatchObject({ status: 'failed', data: { Order: '1', Held: 'held 1' } })
      expect(view?.data).not.toHaveProperty('Rang')
      const result = polaris.executor().resume(flow, 'i')
      await clock.advance('1m')
      expect((await result).target).toBe('paid, waited for held 1')
      expect(ran).toEqual(['hold', 'wait', 'wait', 'pay'])
    })

    it('late mail goes on without a limit, and timers with it', async () => {
      const flow = workflow({
        ...{ name: 'w', target: Paid, timeout: '30m' },
        builders: [
          builder({ name: 'hold', consumes: { note: Note }, produces: Held, process: ({ note }) => note }),
          ring,
          builder({ name: 'pay', consumes: { rang: Rang }, produces: Paid, process: ({ rang }) => rang }),
        ],
      })
      const { clock, process, idle } = world(flow)
      const polaris = process()
      await polaris.executor().parallel(flow, 'i')
      await clock.advance('2h')
      expect((await polaris.get('i'))?.status).toBe('failed')
      await idle().executor().submit(flow, 'i', Note('late'))
      await clock.advance('10m')
      expect(await polaris.get('i')).toMatchObject({ status: 'waiting', data: { Held: 'late' } })
      await clock.advance('2h')
      expect(await polaris.get('i')).toMatchObject({ status: 'completed', data: { Paid: 'rang for late' } })
      const reasons = (await polaris.history('i')).filter(({ error }) => error?.code === 'WORKFLOW_TIMEOUT')
      expect(reasons).toHaveLength(1)
    })
  })

  describe('timers together with compensation', () => {
    const shop = () => {
      const undone: string[] = []
      const bank = { open: true, failing: true }
      const flow = workflow({
        ...{ name: 'w', target: Paid, onFailure: 'compensate' },
        builders: [
          builder({
            ...{ name: 'hold', consumes: { order: Order }, produces: Held },
            retry: { attempts: 1, backoff: { initial: '2h', factor: 1, jitter: 0 } },
            process: ({ order }) => `held ${order}`,
            compensate(held) {
              if (!bank.open) throw new Error('closed')
              undone.push(held ?? '-')
            },
          }),
          ring,
          builder({
            ...{ name: 'check', consumes: { held: Held, note: Note }, produces: Draft },
            process({ note }) {
              if (bank.failing) throw new Error('no')
              return note
            },
          }),
          builder({ name: 'pay', consumes: { rang: Rang, draft: Draft }, produces: Paid, process: ({ rang }) => rang }),
        ],
      })
      return { flow, bank, undone }
    }

    it('none goes off while what was done is being undone, nor for what was undone', async () => {
      const { flow, bank, undone } = shop()
      const { clock, process } = world(flow)
      const polaris = process()
      bank.open = false
      await failure(polaris.executor().parallel(flow, 'i', Order('1'), Note('a')))
      await clock.advance('90m')
      expect(await polaris.get('i')).toMatchObject({ status: 'retrying', timers: [] })
      bank.open = true
      await clock.advance('10d')
      expect(undone).toEqual(['held 1'])
      expect(await polaris.get('i')).toMatchObject({ status: 'failed', timers: [], data: { Order: '1', Note: 'a' } })
      expect((await polaris.history('i')).map((entry) => entry.builder)).not.toContain('ring')
    })

    it('what is done anew after that sets them anew', async () => {
      const { flow, bank } = shop()
      const { clock, process } = world(flow)
      const polaris = process()
      await failure(polaris.executor().parallel(flow, 'i', Order('1'), Note('a')))
      await clock.advance('5h')
      expect((await polaris.get('i'))?.status).toBe('failed')
      bank.failing = false
      await polaris.executor().parallel(flow, 'i', Note('b'))
      expect((await polaris.get('i'))?.timers).toHaveLength(1)
      await clock.advance('1h')
      expect(await polaris.get('i')).toMatchObject({ status: 'completed', data: { Paid: 'rang for held 1' } })
      const fresh = process()
      expect((await fresh.get('i'))?.data).toMatchObject({ Draft: 'b', Rang: 'rang for held 1' })
    })
  })

  describe('an abort in the middle of a try', () => {
    it('is no try: the builder is due, and begins with its first one', async () => {
      const seen: string[] = []
      const pay = builder({
        ...{ name: 'pay', consumes: { order: Order }, produces: Paid },
        retry: { attempts: 3, backoff: { initial: 10, jitter: 0 } },
        async process({ order }, { attempt, signal }) {
          seen.push(`try ${attempt}`)
          if (attempt === 1 || seen.length > 3) throw new Error('busy')
          if (seen.length > 2) return order
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('told to stop'))))
          return 'never'
        },
      })
      const flow = workflow({ name: 'w', builders: [pay], target: Paid })
      const { clock, process } = world(flow)
      const polaris = process()
      const controller = new AbortController()
      const call = refusal(
        polaris.executor().with({ signal: controller.signal }).parallel(flow, 'i', Order('1')),
        'ABORTED',
      )
      for (let i = 0; i < 5; i++) await clock.advance(20)
      expect(seen).toEqual(['try 1', 'try 2'])
      controller.abort()
      await call
      expect((await polaris.get('i'))?.status).toBe('failed')
      // Nothing is tried again by itself: the caller has given up.
      await clock.advance('1d')
      expect(seen).toHaveLength(2)
      const again = failure(process().executor().resume(flow, 'i'))
      for (let i = 0; i < 5; i++) await clock.advance(20)
      await again
      expect(seen.slice(2)).toEqual(['try 1', 'try 2', 'try 3'])
    })
  })

  describe('a timer that replaces a draft in the very scope that feeds its review', () => {
    it('has the review be about the older draft: it does not count, and is asked for again', async () => {
      const flow = workflow({
        ...{ name: 'w', target: Paid },
        builders: [
          timer({ name: 'redo', after: Order, delay: '1h', produces: Draft, value: (order) => `redone ${order}` }),
          builder({
            ...{ name: 'publish', consumes: { draft: Draft, review: Review }, produces: Paid },
            process: ({ draft, review }) => `${draft}, ${review}`,
          }),
        ],
      })
      const { clock, idle } = world(flow)
      const polaris = idle()
      await polaris.executor().parallel(flow, 'i', Order('1'))
      await polaris.executor().parallel(flow, 'i', Draft('by hand'))
      await polaris.executor().parallel(flow, 'j', Order('2'), Draft('by hand'))
      await clock.jump('2h')
      // Done by hand, the timer does not go off for this order any more.
      expect((await polaris.executor().parallel(flow, 'i', Review('good'))).target).toBe('by hand, good')
      await polaris.executor().parallel(flow, 'k', Order('3'))
      await clock.jump('30m')
      await polaris.executor().parallel(flow, 'k', Order('4'))
      await clock.jump('2h')
      // A first draft is there by now, and nobody has seen it: the review is refused as that of none.
      await refusal(polaris.executor().parallel(flow, 'k', Review('good')), 'DATA_OUTDATED')
      await polaris.executor().resume(flow, 'k')
      expect((await polaris.get('k'))?.data).toMatchObject({ Draft: 'redone 4' })
      await polaris.executor().parallel(flow, 'k', Order('5'))
      await clock.jump('2h')
      const late = await polaris
        .executor()
        .parallel(flow, 'k', Review('good'))
        .catch((error: unknown) => error)
      const view = await polaris.get('k')
      expect(view?.data, String(late)).toMatchObject({ Draft: 'redone 5' })
      expect(view?.data).not.toHaveProperty('Review')
      expect(view?.data).not.toHaveProperty('Paid')
      expect(view?.waitingFor).toEqual(['Review'])
      const { target } = await polaris.executor().parallel(flow, 'k', Review('good'))
      expect(target).toBe('redone 5, good')
    })
  })
})
