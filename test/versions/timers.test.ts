import { builder, data, step, timer, type, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eachSimulated } from '../support/simulated.ts'

const DAY = 86_400_000
const v1 = z.string()
const Order1 = data('Order', v1)
const Order2 = data('Order', z.object({ item: z.string() }), {
  version: 2,
  from: { 1: step(v1, (item) => ({ item })) },
})
const Payment = data('Payment', type<number>())
const Reminder = data('Reminder', z.object({ at: z.date() }))
const Done = data('Done', type<string>())
const options = { delay: '1d', every: '1d', times: 3, unless: Payment, produces: Reminder } as const
const done = builder({
  name: 'done',
  consumes: { order: Order1, paid: Payment },
  produces: Done,
  process: ({ order }) => order,
})
const one = workflow({
  ...{ name: 'shop', target: Done },
  builders: [done, timer({ name: 'remind', after: Order1, ...options })],
})
const two = workflow({
  ...{ name: 'shop', version: 2, target: Done, policy: 'upgrade' },
  builders: [
    builder({
      name: 'done',
      consumes: { order: Order2, paid: Payment },
      produces: Done,
      process: ({ order }) => order.item,
    }),
    timer({ name: 'remind', after: Order2, ...options }),
  ],
} as const)

eachSimulated((world) => {
  describe('a timer of an instance that moves', () => {
    it('goes off when it would have, and as often, though the datum that set it has another shape now', async () => {
      const { clock, process } = world(one)
      const polaris = process()
      const start = clock.now()
      await polaris.executor().parallel(one, 'o', Order1('book'))
      const reminders = async () =>
        (await polaris.history('o')).filter(({ builder: by, outcome }) => by === 'remind' && outcome === 'produced')
      await clock.advance('1d')
      expect(await reminders()).toHaveLength(1)
      await clock.advance('12h')
      polaris.register(two as never)
      expect(await polaris.upgrade({ workflow: 'shop' })).toMatchObject({ moved: 1 })
      await clock.advance('12h')
      expect((await reminders()).map(({ startedAt }) => startedAt)).toEqual([start + DAY, start + 2 * DAY])
      await clock.advance('10d')
      expect(await reminders()).toHaveLength(3)
      expect(await polaris.executor().parallel(two, 'o', Payment(1))).toMatchObject({ version: 2, target: 'book' })
    })

    it('has gone off as often as it had, though it and what it makes have another name or shape now', async () => {
      const Reminder2 = data('Reminder', z.object({ at: z.date(), text: z.string() }), {
        version: 2,
        from: { 1: step(z.object({ at: z.date() }), ({ at }) => ({ at, text: 'again' })) },
      })
      const value = (): { at: Date; text: string } => ({ at: new Date(0), text: 'new' })
      const shape = workflow({
        ...{ name: 'shop', version: 2, target: Done, policy: 'upgrade' },
        builders: [done, timer({ name: 'remind', after: Order1, ...options, produces: Reminder2, value })],
      } as const)
      const renamed = workflow({
        ...{
          name: 'shop',
          version: 3,
          target: Done,
          policy: 'upgrade',
          migrate: { from: shape, builders: { nudge: 'remind' } },
        },
        builders: [done, timer({ name: 'nudge', after: Order1, ...options, produces: Reminder2, value })],
      } as const)
      const { clock, process } = world(one)
      const polaris = process()
      await polaris.executor().parallel(one, 'o', Order1('book'))
      const count = async (): Promise<number | undefined> => (await polaris.explain('o'))?.timers[0]?.count
      await clock.advance('1d')
      polaris.register(shape as never)
      expect(await polaris.upgrade({ workflow: 'shop' })).toMatchObject({ moved: 1 })
      expect(await count()).toBe(1)
      await clock.advance('1d')
      expect(await count()).toBe(2)
      polaris.register(renamed as never)
      expect(await polaris.upgrade({ workflow: 'shop' })).toMatchObject({ moved: 1 })
      expect(await count()).toBe(2)
      await clock.advance('10d')
      const fired = (await polaris.history('o')).filter(
        ({ data: name, outcome }) => name === 'Reminder' && outcome === 'produced',
      )
      expect(fired.map(({ builder: by }) => by)).toEqual(['remind', 'remind', 'nudge'])
      expect((await polaris.explain('o'))?.timers).toMatchObject([{ name: 'nudge', state: 'done', count: 3 }])
    })
  })
})
