/** Timers that hang together, and timers beside what is fed by hand. */
import { builder, data, timer, type, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachSimulated } from '../support/simulated.ts'

const HOUR = 3_600_000

const Asked = data('Asked', type<string>())
const First = data('First', type<string>())
const Second = data('Second', type<string>())
const Told = data('Told', type<string>())

const tell = builder({ name: 'tell', consumes: { second: Second }, produces: Told, process: ({ second }) => second })

eachSimulated((world) => {
  describe('timers together', () => {
    it('one that was due is set anew by another that was due before it, however late somebody looks', async () => {
      const flow = workflow({
        name: 'flow',
        builders: [
          timer({ name: 'first', after: Asked, delay: '1h', produces: First, value: (asked) => `first ${asked}` }),
          timer({ name: 'second', after: First, delay: '2h', produces: Second, value: (first) => `second ${first}` }),
          tell,
        ],
        target: Told,
      })
      const { clock, process, idle } = world(flow)
      const start = clock.now()
      const early = process()
      await early.executor().parallel(flow, 'i', Asked('a'))
      await clock.advance('1h10m')
      await early.executor().parallel(flow, 'i', Asked('b'))
      await early.close()
      // First again at 2:10, second of the older first at 3:00: nobody looks before 5:00.
      await clock.jump('3h50m')
      const late = idle()
      await late.executor().resume(flow, 'i')
      expect((await late.get('i'))?.data).toEqual({ Asked: 'b', First: 'first b' })
      expect((await late.get('i'))?.timers).toEqual([{ name: 'second', produces: 'Second', at: start + 7 * HOUR }])
      process()
      await clock.advance('3h')
      const fired = (await late.history('i')).filter((entry) => entry.builder === 'second')
      expect(fired.map(({ value, startedAt }) => [value, startedAt - start])).toEqual([['second first b', 7 * HOUR]])
    })

    it('rule 14: what a timer made before the delta counted is not the product of its scope if the delta replaces it', async () => {
      const flow = workflow({
        name: 'flow',
        builders: [timer({ name: 'first', after: Asked, delay: '1h', produces: First, value: 'by itself' }), end()],
        target: Told,
      })
      const { clock, idle } = world(flow)
      const polaris = idle()
      await polaris.executor().parallel(flow, 'i', Asked('a'))
      await clock.jump('2h')
      const result = await polaris.executor().parallel(flow, 'i', First('by hand'))
      expect(result.produced).toEqual([{ name: 'Told', value: 'by hand' }])
      expect(result.latest(First)).toBe('by hand')
      expect((await polaris.history('i')).map(({ value }) => value)).toEqual(['a', 'by itself', 'by hand', 'by hand'])
    })
  })
})

function end() {
  return builder({ name: 'tell', consumes: { first: First }, produces: Told, process: ({ first }) => first })
}
