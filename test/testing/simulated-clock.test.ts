import { builder, data, Polaris, timer, type, workflow } from 'polaris-workflow'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { simulatedClock } from 'polaris-workflow/testing'
import { describe, expect, it } from 'vitest'
import { refusal, thrown } from '../support/lab.ts'

const Order = data('Order', type<string>())
const Late = data('Late', type<{ readonly at: Date }>())
const Seen = data('Seen', type<string>())

const shop = workflow({
  name: 'shop',
  builders: [
    timer({ after: Order, delay: '1d', produces: Late }),
    builder({ name: 'see', consumes: { late: Late }, produces: Seen, process: ({ late }) => late.at.toISOString() }),
  ],
  target: Seen,
})

describe('simulatedClock', () => {
  it('stands still until it is told, and then stops at each moment at which something happens', async () => {
    const clock = simulatedClock({ start: new Date('2030-03-01T00:00Z') })
    expect(clock.now()).toBe(Date.UTC(2030, 2, 1))
    const seen: number[] = []
    for (const delay of [3_000, 1_000, 2_000]) clock.after(delay, () => seen.push(clock.now() - delay), false)
    void clock.sleep('1500ms').then(() => seen.push(clock.now()))
    const off = clock.after(10, () => seen.push(-1), false)
    off()
    await clock.advance('2s')
    expect(seen).toEqual([Date.UTC(2030, 2, 1), Date.UTC(2030, 2, 1) + 1_500, Date.UTC(2030, 2, 1)])
    await clock.advanceTo(Date.UTC(2030, 2, 2))
    expect(seen).toHaveLength(4)
    expect(clock.now()).toBe(Date.UTC(2030, 2, 2))
  })

  it('jump lets what was due happen late, as after a pause', async () => {
    const clock = simulatedClock()
    const start = clock.now()
    const seen: number[] = []
    clock.after(1_000, () => seen.push(clock.now() - start), false)
    await clock.jump('1h')
    expect(seen).toEqual([3_600_000])
  })

  it('finds what instances wait for that were stored before it was made', async () => {
    let clock = simulatedClock()
    const store = { ...memoryStore({ now: () => clock.now() }), close: () => undefined }
    await new Polaris({ store, clock }).register(shop).executor().parallel(shop, 'o', Order('x'))
    clock = simulatedClock()
    const polaris = new Polaris({ store, clock }).register(shop)
    polaris.worker().start()
    await clock.advance('30d')
    expect((await polaris.get('o'))?.latest(Seen)).toBe('2030-01-02T00:00:00.000Z')
    expect((await polaris.history('o')).at(-1)?.endedAt).toBe(Date.UTC(2030, 0, 2))
    await polaris.close()
  })

  it('goes on though a store that it was to look into was closed before', async () => {
    const clock = simulatedClock()
    const first = new Polaris({ store: sqliteStore(':memory:', { now: clock.now }), clock }).register(shop)
    await first.executor().parallel(shop, 'o', Order('x'))
    await first.close()
    await clock.advance('1d')
    const start = clock.now()
    await clock.jump('1d')
    expect(clock.now() - start).toBe(86_400_000)
  })

  it('refuses what is no time', async () => {
    thrown(() => simulatedClock({ start: NaN }), 'OPTION_INVALID')
    const clock = simulatedClock()
    const start = clock.now()
    for (const wrong of ['soon', -1, NaN]) {
      await refusal((async () => clock.advance(wrong as never))(), 'OPTION_INVALID')
      await refusal((async () => clock.jump(wrong as never))(), 'OPTION_INVALID')
    }
    await refusal((async () => clock.advanceTo('2030' as never))(), 'OPTION_INVALID')
    expect(clock.now()).toBe(start)
  })
})
