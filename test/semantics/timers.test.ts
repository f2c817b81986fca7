import { builder, data, timer, type, workflow } from 'polaris-workflow'
import type { Elapsed } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { failure, refusal } from '../support/lab.ts'
import { mortal } from '../support/mortal.ts'
import type { Mortal } from '../support/mortal.ts'
import { eachSimulated } from '../support/simulated.ts'
import { unobserved } from '../support/timed.ts'

const DAY = 86_400_000
const HOUR = 3_600_000

const Order = data('Order', type<{ readonly item: string; readonly by?: Date }>())
const Payment = data('Payment', type<number>())
const Late = data('Late', z.object({ at: z.date() }))
const Reminder = data('Reminder', type<number>())
const Reminded = data('Reminded', type<string>())
const Paid = data('Paid', type<string>())
const Closed = data('Closed', type<string>())

const take = builder({
  ...{ name: 'take', consumes: { order: Order, payment: Payment }, produces: Paid },
  process: ({ order, payment }) => `${order.item} for ${payment}`,
})
const close = builder({
  ...{ name: 'close', consumes: { order: Order, late: Late }, produces: Closed },
  process: ({ order, late }) => `${order.item} closed ${late.at.toISOString()}`,
})
const deadline = timer({ name: 'deadline', after: Order, delay: '1d', unless: Payment, produces: Late })
const shop = workflow({ name: 'shop', builders: [take, close, deadline], target: [Paid, Closed] })

const book = Order({ item: 'book' })

eachSimulated((world, kind) => {
  describe('a timer', () => {
    it('goes off at its time, once, and what it produces is active like something fed', async () => {
      const { clock, process } = world(shop)
      const polaris = process()
      const start = clock.now()
      const result = await polaris.executor().parallel(shop, 'o', book)
      expect(result.status).toBe('waiting')
      await clock.advance('23h59m')
      expect((await polaris.get('o'))?.status).toBe('waiting')
      await clock.advance('1m')
      const done = await polaris.get('o')
      expect(done?.status).toBe('completed')
      expect(done?.latest(Closed)).toBe(`book closed ${new Date(start + DAY).toISOString()}`)
      await clock.advance('30d')
      const history = await polaris.history('o')
      expect(history.map(({ builder, outcome, scope }) => [builder, outcome, scope])).toEqual([
        [undefined, 'fed', 1],
        ['deadline', 'produced', 2],
        ['close', 'produced', 2],
      ])
      expect(history[1]).toMatchObject({
        ...{ data: 'Late', value: { at: new Date(start + DAY) }, inputs: [{ data: 'Order', seq: 1 }] },
        ...{ startedAt: start + DAY, endedAt: start + DAY, pass: 0 },
      })
    })

    it('is ended by what it names as unless', async () => {
      const { clock, process } = world(shop)
      const polaris = process()
      await polaris.executor().parallel(shop, 'o', book)
      await clock.advance('12h')
      await polaris.executor().parallel(shop, 'o', Payment(7))
      expect((await polaris.explain('o'))?.timers).toMatchObject([{ state: 'ended', endedBy: 'Payment', count: 0 }])
      await clock.advance('30d')
      expect((await polaris.get('o'))?.data).toEqual({ Order: { item: 'book' }, Payment: 7, Paid: 'book for 7' })
    })

    it('is not set by a datum that comes together with what ends it', async () => {
      const { clock, process } = world(shop)
      const polaris = process()
      await polaris.executor().parallel(shop, 'o', Payment(7), book)
      await polaris.executor().parallel(shop, 'p', book, Payment(7))
      expect(await Promise.all(['o', 'p'].map(async (id) => (await polaris.get(id))?.timers))).toEqual([[], []])
      await clock.advance('30d')
      expect(await polaris.history('o')).toHaveLength(3)
    })

    it('is set anew by a newer datum, and then no longer ended by what came before', async () => {
      const Asked = data('Asked', type<string>())
      const flow = workflow({
        name: 'flow',
        builders: [
          timer({ name: 't', after: Asked, delay: '1d', unless: Payment, produces: Late }),
          builder({ name: 'end', consumes: { late: Late, order: Order }, produces: Closed, process: () => 'late' }),
        ],
        target: Closed,
      })
      const { clock, process } = world(flow)
      const polaris = process()
      const executor = polaris.executor()
      const start = clock.now()
      await executor.parallel(flow, 'o', Asked('first'))
      await clock.advance('12h')
      await executor.parallel(flow, 'o', Asked('second'))
      expect((await polaris.get('o'))?.timers).toEqual([{ name: 't', produces: 'Late', at: start + 1.5 * DAY }])
      await executor.parallel(flow, 'o', Payment(1))
      await executor.parallel(flow, 'o', Asked('third'))
      await clock.advance('5d')
      const lates = (await polaris.history('o')).filter(({ outcome }) => outcome === 'produced')
      expect(lates.map(({ endedAt }) => endedAt - start)).toEqual([1.5 * DAY])
    })

    it('that is due goes off before the delta that ends it, however late it is looked at', async () => {
      const { clock, process, idle } = world(shop)
      await idle().executor().parallel(shop, 'o', book)
      await clock.jump('25h')
      const polaris = process()
      const result = await polaris.executor().parallel(shop, 'o', Payment(7))
      expect(result.produced.map(({ name }) => name).sort()).toEqual(['Closed', 'Late', 'Paid'])
    })

    it('that is due does not overtake a delta that waited before that in the mailbox', async () => {
      const { clock, process, idle } = world(shop)
      const feeder = idle()
      await feeder.executor().parallel(shop, 'o', book)
      await clock.advance('23h')
      await feeder.executor().submit(shop, 'o', Payment(7))
      await clock.jump('5h')
      const polaris = process()
      await clock.advance('1s')
      expect((await polaris.get('o'))?.data).toEqual({ Order: { item: 'book' }, Payment: 7, Paid: 'book for 7' })
    })

    it('needs no worker where a call comes after its time', async () => {
      const { clock, idle } = world(shop)
      const polaris = idle()
      await polaris.executor().parallel(shop, 'o', book)
      await clock.advance('2d')
      expect((await polaris.get('o'))?.status).toBe('waiting')
      const result = await polaris.executor().resume(shop, 'o')
      expect(result.status).toBe('completed')
      expect(result.get(Late)).toEqual({ at: new Date(clock.now() - DAY) })
    })

    it('is done when somebody feeds its product himself', async () => {
      const { clock, process } = world(shop)
      const polaris = process()
      await polaris.executor().parallel(shop, 'o', book)
      const at = new Date(0)
      const result = await polaris.executor().parallel(shop, 'o', Late({ at }))
      expect(result.target).toBe('book closed 1970-01-01T00:00:00.000Z')
      await clock.advance('30d')
      expect(await polaris.history('o')).toHaveLength(3)
      const both = await polaris.executor().parallel(shop, 'p', Late({ at }), book)
      expect(both.status).toBe('completed')
      await clock.advance('30d')
      expect(await polaris.history('p')).toHaveLength(3)
    })

    it('of months is no timer of the platform', async () => {
      const Year = data('Year', type<{ readonly at: Date }>())
      const flow = workflow({
        name: 'flow',
        builders: [timer({ after: Order, delay: '52w', produces: Year })],
        target: Year,
      })
      const { clock, process } = world(flow)
      const polaris = process()
      await polaris.executor().parallel(flow, 'o', book)
      await clock.advance(364 * DAY - 1)
      expect((await polaris.get('o'))?.status).toBe('waiting')
      await clock.advance(1)
      expect((await polaris.get('o'))?.status).toBe('completed')
    })

    it.each([
      [1, 'unsent'],
      [1, 'answer lost'],
      [2, 'unsent'],
      [2, 'answer lost'],
    ] as const)('goes off once, though the process dies with its write %i %s', async (fatal, how) => {
      const { clock, process, idle, abandon } = world(shop)
      await idle().executor().parallel(shop, 'o', book)
      let victim: Mortal | undefined
      const dying = idle({
        clock: unobserved(clock),
        through: (store) => (victim = mortal(clock.observe(store), fatal, how)).store,
      })
      abandon(dying)
      dying.worker().start()
      await clock.advance('24h')
      // In memory, a scope has one write.
      expect(victim?.writes()).toBe(kind === 'memory' ? 1 : fatal)
      const polaris = process()
      await clock.advance('1m')
      const fired = (await polaris.history('o')).filter(({ builder }) => builder === 'deadline')
      expect(fired).toHaveLength(1)
      expect((await polaris.get('o'))?.status).toBe('completed')
    })
  })

  describe('what tells the time of a timer', () => {
    it('is a function of the datum, or a moment in it, or says that there is none', async () => {
      const Wished = data('Wished', type<{ readonly at: Date }>())
      const flow = workflow({
        name: 'flow',
        builders: [
          timer({
            name: 'long',
            after: Order,
            delay: ({ item }) => (item === 'none' ? undefined : '2h'),
            produces: Late,
          }),
          timer({ name: 'by', after: Order, at: ({ by }) => by, produces: Wished }),
          builder({ name: 'end', consumes: { late: Late, wished: Wished }, produces: Closed, process: () => 'end' }),
        ],
        target: Closed,
      })
      const { clock, process } = world(flow)
      const polaris = process()
      const start = clock.now()
      await polaris.executor().parallel(flow, 'o', Order({ item: 'book', by: new Date(start + HOUR) }))
      expect((await polaris.get('o'))?.timers).toEqual([
        { name: 'by', produces: 'Wished', at: start + HOUR },
        { name: 'long', produces: 'Late', at: start + 2 * HOUR },
      ])
      await polaris.executor().parallel(flow, 'p', Order({ item: 'none' }))
      expect((await polaris.explain('p'))?.timers.map(({ state }) => state)).toEqual(['idle', 'idle'])
      await clock.advance('2h')
      expect((await polaris.get('o'))?.status).toBe('completed')
    })

    it('may name a moment that has passed: then it goes off in the same scope', async () => {
      const flow = workflow({
        name: 'flow',
        builders: [timer({ after: Order, at: ({ by }) => by, produces: Late })],
        target: Late,
      })
      const { clock, idle } = world(flow)
      const past = new Date(clock.now() - DAY)
      const result = await idle()
        .executor()
        .parallel(flow, 'o', Order({ item: 'x', by: past }))
      expect(result.target).toEqual({ at: past })
    })

    it('that throws fails the scope which sets it, and is kept in mind', async () => {
      let broken = true
      const flow = workflow({
        name: 'flow',
        builders: [
          timer({
            ...{ name: 't', after: Order, produces: Late },
            delay: () => {
              if (broken) throw new Error('no calendar')
              return '1h'
            },
          }),
          builder({ name: 'b', consumes: { order: Order }, produces: Paid, process: () => 'made' }),
          close,
        ],
        target: Closed,
      })
      const { clock, process } = world(flow)
      const polaris = process()
      const error = await failure(polaris.executor().parallel(flow, 'o', book))
      expect(error).toMatchObject({ builder: 't', message: expect.stringContaining('no calendar') as string })
      expect(error.result.get(Paid)).toBe('made')
      expect(await polaris.get('o')).toMatchObject({
        status: 'failed',
        failure: { builder: 't', message: 'no calendar' },
      })
      expect((await polaris.explain('o'))?.timers).toMatchObject([
        { state: 'failed', error: { message: 'no calendar' } },
      ])
      await clock.advance('30d')
      expect(await polaris.history('o')).toHaveLength(3)
      broken = false
      expect((await polaris.executor().resume(flow, 'o')).status).toBe('completed')
    })

    it('that could not go off has failed its scope also where a crash cut that short', async () => {
      const Note = data('Note', type<string>())
      const Filed = data('Filed', type<string>())
      const flow = workflow({
        name: 'flow',
        builders: [
          timer({
            ...{ name: 't', after: Order, delay: '1h', produces: Late },
            value: () => {
              throw new Error('no calendar')
            },
          }),
          builder({ name: 'file', consumes: { note: Note }, produces: Filed, process: ({ note }) => note }),
          close,
        ],
        target: Closed,
      })
      const { clock, idle, process, abandon } = world(flow)
      await idle().executor().parallel(flow, 'o', book)
      await clock.advance('2h')
      let victim: Mortal | undefined
      const dying = idle({ clock: unobserved(clock), through: (store) => (victim = mortal(store, 2, 'unsent')).store })
      abandon(dying)
      const call = dying.executor().with({ expect: 'existing' }).parallel(flow, 'o', Note('n'))
      const death = (victim as unknown as Mortal).death
      const died = (await Promise.race([call.catch(() => 'failed'), death])) === 'died'
      // In memory, a scope has one write.
      expect(died).toBe(kind !== 'memory')
      process()
      await clock.advance('2m')
      const view = await process().get('o')
      expect(view).toMatchObject({ status: 'failed', failure: { builder: 't', message: 'no calendar' } })
      expect(view?.data).toMatchObject({ Filed: 'n' })
    })

    it.each([['NaN'], ['an invalid Date'], ['a text']])('must be a time: %s is none', async (what) => {
      const at = { NaN: Number.NaN, 'an invalid Date': new Date(Number.NaN), 'a text': 'tomorrow' }[what] as never
      const flow = workflow({
        name: 'flow',
        builders: [timer({ after: Order, at: () => at, produces: Late })],
        target: Late,
      })
      const { idle } = world(flow)
      const error = await failure(idle().executor().parallel(flow, 'o', book))
      expect(error.message).toContain("'at' must give a valid Date")
    })
  })

  describe('what a timer produces', () => {
    const made = (value: (order: { readonly item: string }, elapsed: Elapsed) => unknown) =>
      workflow({
        name: 'flow',
        builders: [
          timer({ name: 't', after: Order, delay: '1h', produces: Late, value: value as never }),
          builder({ name: 'b', consumes: { late: Late }, produces: Paid, process: () => 'late' }),
        ],
        target: Paid,
      })

    it('is made of the datum and the time', async () => {
      const flow = workflow({
        name: 'flow',
        builders: [
          timer({
            ...{ name: 't', after: Order, delay: '1h', produces: Closed },
            value: ({ item }, { at, count }) => `${item} ${at.toISOString()} ${count}`,
          }),
        ],
        target: Closed,
      })
      const { clock, process } = world(flow)
      const polaris = process()
      await polaris.executor().parallel(flow, 'o', book)
      await clock.advance('1h')
      expect((await polaris.get('o'))?.latest(Closed)).toBe(`book ${new Date(clock.now()).toISOString()} 1`)
    })

    it.each<[string, () => unknown, string]>([
      [
        'a throw',
        () => {
          throw new Error('no value')
        },
        'no value',
      ],
      ['what the schema refuses', () => ({ at: 'soon' }), 'no valid Late'],
      ['nothing', () => undefined, 'undefined'],
      ['a promise', async () => ({ at: new Date() }), 'a promise'],
    ])('%s fails the scope, and is tried again only with the next one', async (_, value, message) => {
      let good = false
      const flow = made(() => (good ? { at: new Date(0) } : value()))
      const { clock, process } = world(flow)
      const polaris = process()
      await polaris.executor().parallel(flow, 'o', book)
      await clock.advance('30d')
      const view = await polaris.get('o')
      expect(view).toMatchObject({ status: 'failed', timers: [], failure: { builder: 't' } })
      expect(view?.failure?.message).toContain(message)
      expect(await polaris.history('o')).toHaveLength(2)
      await failure(
        polaris.executor().resume(flow, 'o'),
        _ === 'a throw' || _ === 'a promise' ? 'BUILDER_FAILED' : 'PRODUCT_INVALID',
      )
      good = true
      expect((await polaris.executor().resume(flow, 'o')).target).toBe('late')
    })
  })

  describe('a timer that repeats', () => {
    const flow = workflow({
      name: 'flow',
      builders: [
        timer({
          ...{ name: 't', after: Order, every: '1d', times: 3, unless: Payment, produces: Reminder },
          value: (_, { count }) => count,
        }),
        builder({
          ...{ name: 'remind', consumes: { reminder: Reminder }, produces: Reminded },
          process: ({ reminder }) => `reminded ${reminder}`,
        }),
        take,
      ],
      target: Paid,
    })

    it('goes off again and again, as often as it is to', async () => {
      const { clock, process } = world(flow)
      const polaris = process()
      const start = clock.now()
      await polaris.executor().parallel(flow, 'o', book)
      await clock.advance('30d')
      const fired = (await polaris.history('o')).filter(({ builder }) => builder === 't')
      expect(fired.map(({ value, startedAt }) => [value, (startedAt - start) / DAY])).toEqual([
        [1, 1],
        [2, 2],
        [3, 3],
      ])
      expect((await polaris.explain('o'))?.timers).toMatchObject([{ state: 'done', count: 3 }])
      await polaris.executor().parallel(flow, 'o', Order({ item: 'pen' }))
      await clock.advance('1d')
      expect((await polaris.get('o'))?.data).toMatchObject({ Reminder: 1, Reminded: 'reminded 1' })
    })

    it('stops when what ends it comes', async () => {
      const { clock, process } = world(flow)
      const polaris = process()
      await polaris.executor().parallel(flow, 'o', book)
      await clock.advance('36h')
      await polaris.executor().parallel(flow, 'o', Payment(1))
      await clock.advance('30d')
      expect((await polaris.get('o'))?.data).toMatchObject({ Reminder: 1, Paid: 'book for 1' })
    })

    it('makes up for none of the times that passed while no process was there, and keeps its step', async () => {
      const { clock, process, idle } = world(flow)
      const start = clock.now()
      await idle().executor().parallel(flow, 'o', book)
      await clock.jump('60h')
      const polaris = process()
      await clock.advance('5d')
      const fired = (await polaris.history('o')).filter(({ builder }) => builder === 't')
      expect(fired.map(({ value, endedAt }) => [value, Math.floor((endedAt - start) / HOUR)])).toEqual([
        [1, 60],
        [2, 72],
        [3, 96],
      ])
    })

    it('goes on though somebody feeds its product in between', async () => {
      const { clock, process } = world(flow)
      const polaris = process()
      await polaris.executor().parallel(flow, 'o', book)
      await polaris.executor().parallel(flow, 'o', Reminder(100))
      await clock.advance('30d')
      const fired = (await polaris.history('o')).filter(({ builder }) => builder === 't')
      expect(fired.map(({ value }) => value)).toEqual([1, 2, 3])
    })

    it('ends with its until', async () => {
      const Wish = data('Wish', type<{ readonly until: Date }>())
      const bounded = workflow({
        name: 'flow',
        builders: [
          timer({ name: 'span', after: Wish, delay: '1h', every: '1d', until: '3d', produces: Reminder, value: 1 }),
          timer({
            name: 'moment',
            after: Wish,
            every: '1d',
            until: ({ until }) => until,
            produces: Reminded,
            value: 'x',
          }),
          builder({ name: 'end', consumes: { order: Order }, produces: Closed, process: () => 'end' }),
        ],
        target: Closed,
      })
      const { clock, process } = world(bounded)
      const polaris = process()
      await polaris.executor().parallel(bounded, 'o', Wish({ until: new Date(clock.now() + 2 * DAY) }))
      await clock.advance('30d')
      const fired = (await polaris.history('o')).map(({ builder }) => builder)
      expect(fired.filter((name) => name === 'span')).toHaveLength(3)
      expect(fired.filter((name) => name === 'moment')).toHaveLength(2)
    })
  })

  describe('the target of a workflow and its timers', () => {
    it('a target ends timers that nobody remembered to end', async () => {
      const careless = workflow({
        name: 'flow',
        builders: [take, close, timer({ name: 't', after: Order, delay: '1d', produces: Late })],
        target: [Paid, Closed],
      })
      const { clock, process } = world(careless)
      const polaris = process()
      await polaris.executor().parallel(careless, 'o', book, Payment(1))
      expect((await polaris.explain('o'))?.timers).toMatchObject([{ state: 'ended', endedBy: 'Paid' }])
      await clock.advance('30d')
      expect((await polaris.get('o'))?.data).not.toHaveProperty('Closed')
    })

    it('but not those that come after it, nor those that say so', async () => {
      const Survey = data('Survey', type<{ readonly at: Date }>())
      const flow = workflow({
        name: 'flow',
        builders: [
          take,
          close,
          timer({ name: 'survey', after: Paid, delay: '2d', produces: Survey }),
          timer({ name: 't', after: Order, delay: '1d', evenWhenCompleted: true, produces: Late }),
        ],
        target: Paid,
      })
      const { clock, process } = world(flow)
      const polaris = process()
      const result = await polaris.executor().parallel(flow, 'o', book, Payment(1))
      expect(result.status).toBe('completed')
      await clock.advance('30d')
      const names = Object.keys((await polaris.get('o'))?.data ?? {})
      expect(names.sort()).toEqual(['Closed', 'Late', 'Order', 'Paid', 'Payment', 'Survey'])
    })

    it('a reminder that sets itself anew goes round until the target is there', async () => {
      const flow = workflow({
        name: 'flow',
        builders: [
          timer({ name: 'first', after: Order, delay: '1d', produces: Late }),
          builder({
            ...{ name: 'remind', optionals: { late: Late, again: Reminder }, produces: Reminded },
            process: ({ again }) => `reminded ${again ?? 0}`,
          }),
          timer({
            name: 'again',
            after: Reminded,
            delay: '2d',
            produces: Reminder,
            value: (text) => Number(text.slice(9)) + 1,
          }),
          take,
        ],
        target: Paid,
      })
      const { clock, process } = world(flow)
      const polaris = process()
      await polaris.executor().parallel(flow, 'o', book)
      await clock.advance('6d')
      expect((await polaris.get('o'))?.latest(Reminded)).toBe('reminded 2')
      await polaris.executor().parallel(flow, 'o', Payment(1))
      await clock.advance('60d')
      expect((await polaris.get('o'))?.latest(Reminded)).toBe('reminded 2')
    })
  })

  it('rule 15: waitingFor names nothing that a timer is going to produce', async () => {
    const { clock, process } = world(shop)
    const polaris = process()
    const only = await polaris.executor().parallel(shop, 'o', book)
    expect(only.waitingFor).toEqual(['Payment'])
    const flow = workflow({
      name: 'flow',
      builders: [close, timer({ after: Order, delay: '1d', produces: Late })],
      target: Closed,
    })
    polaris.register(flow)
    const timed = await polaris.executor().parallel(flow, 'p', book)
    expect(timed.status).toBe('waiting')
    expect(timed.waitingFor).toEqual([])
    expect((await polaris.explain('p'))?.builders).toMatchObject([
      { name: 'close', state: 'lacking', lacks: [{ data: 'Late', from: 'Late' }] },
    ])
    await clock.advance('1d')
    expect((await polaris.get('p'))?.status).toBe('completed')
  })

  it('rule 15: what a timer that is over would have made is waited for where there is nothing else', async () => {
    const flow = workflow({
      name: 'flow',
      builders: [close, timer({ name: 't', after: Order, delay: '1d', unless: Payment, produces: Late })],
      target: Closed,
    })
    const { process } = world(flow)
    const result = await process().executor().parallel(flow, 'o', book, Payment(1))
    expect(result.waitingFor).toEqual(['Late'])
    expect((await process().executor().parallel(flow, 'p', Payment(1))).waitingFor).toEqual(['Order'])
  })

  it('rule 24: a restart sets timers anew, from its own time', async () => {
    const { clock, process } = world(shop)
    const polaris = process()
    await polaris.executor().parallel(shop, 'o', book)
    await clock.advance('23h')
    await polaris.executor().restart(shop, 'o')
    expect((await polaris.get('o'))?.timers).toMatchObject([{ at: clock.now() + DAY }])
    await clock.advance('1d')
    expect((await polaris.get('o'))?.status).toBe('completed')
    await polaris.executor().restart(shop, 'o')
    expect(await polaris.get('o')).toMatchObject({ status: 'waiting', timers: [{ at: clock.now() + DAY }] })
    await polaris.executor().parallel(shop, 'o', Payment(1))
    await polaris.executor().restart(shop, 'o')
    expect(await polaris.get('o')).toMatchObject({ status: 'completed', timers: [] })
  })

  it('rule 24: rerun of what sets a timer sets it anew', async () => {
    const Asked = data('Asked', type<string>())
    const flow = workflow({
      name: 'flow',
      builders: [
        builder({ name: 'ask', consumes: { order: Order }, produces: Asked, process: () => 'asked' }),
        timer({ name: 't', after: Asked, delay: '1d', produces: Late }),
        close,
      ],
      target: Closed,
    })
    const { clock, process } = world(flow)
    const polaris = process()
    await polaris.executor().parallel(flow, 'o', book)
    await clock.advance('1d')
    await polaris.executor().rerun(flow, 'o', 'ask')
    expect((await polaris.get('o'))?.timers).toMatchObject([{ at: clock.now() + DAY }])
  })

  it('a fork waits as long as the original did from its beginning', async () => {
    const { clock, process } = world(shop)
    const polaris = process()
    await polaris.executor().parallel(shop, 'o', book)
    await clock.advance('12h')
    await polaris.fork('o', 'copy')
    expect((await polaris.get('copy'))?.timers).toMatchObject([{ at: clock.now() + DAY }])
    await clock.advance('1d')
    expect((await polaris.get('copy'))?.status).toBe('completed')
  })

  it('compute refuses timers before anything runs', async () => {
    const { idle } = world(shop)
    const error = await refusal(idle().executor().compute(shop, book), 'GRAPH_INVALID')
    expect(error.message).toContain(`has 'deadline' go off later`)
  })
})
