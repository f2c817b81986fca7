import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/engine/clock.ts'
import { storeClock } from '../../src/engine/store-clock.ts'

const YEAR = 365 * 86_400_000

/** A process's two clocks, a server's, and answers that travel for a while. */
function world() {
  const time = { wall: 1_000_000, steady: 50, server: 5_000_000 }
  const answers: { readonly ok: () => void; readonly fail: (error: Error) => void }[] = []
  let asked = 0
  return {
    time,
    clock: { now: () => time.wall, monotonic: () => time.steady } satisfies Clock,
    store: {
      now(): Promise<number> {
        asked++
        const told = time.server
        return new Promise((resolve, reject) => answers.push({ ok: () => resolve(told), fail: reject }))
      },
    },
    pass(ms: number) {
      time.wall += ms
      time.steady += ms
      time.server += ms
    },
    answer: () => answers.shift()?.ok(),
    fail: (error: Error) => answers.shift()?.fail(error),
    asked: () => asked,
  }
}

/** One that was told the time by an answer that took so many milliseconds. */
async function told(took = 0) {
  const w = world()
  const clock = storeClock(w.store, w.clock)
  const ready = clock.ready()
  w.pass(took)
  w.answer()
  await ready
  return { ...w, mine: clock }
}

describe('a store without a clock', () => {
  it('goes by that of the process, as it is', () => {
    const { clock, time } = world()
    const mine = storeClock({}, clock)
    expect(mine.ready()).toBeUndefined()
    time.wall += YEAR
    mine.atLeast(9 * YEAR)
    expect(mine.now()).toBe(1_000_000 + YEAR)
    expect(mine.monotonic?.()).toBe(50)
  })
})

describe('a store that answers at once', () => {
  it('is asked each time', () => {
    const { clock, time } = world()
    let now = 7
    const mine = storeClock({ now: () => now }, clock)
    expect(mine.ready()).toBeUndefined()
    expect(mine.now()).toBe(7)
    now = 9
    time.wall += YEAR
    expect(mine.now()).toBe(9)
    expect(mine.ready()).toBeUndefined()
  })
})

describe("a server's clock", () => {
  it('is asked for once by all that wait for it, and carried on by the steady clock', async () => {
    const w = world()
    const mine = storeClock(w.store, w.clock)
    const [first, second] = [mine.ready(), mine.ready()]
    w.answer()
    await first
    await second
    expect(w.asked()).toBe(1)
    expect(mine.ready()).toBeUndefined()
    for (const ms of [0, 1, 250.5, 20_000]) {
      w.pass(ms)
      expect(mine.now()).toBe(Math.floor(w.time.server))
    }
    expect(w.asked()).toBe(1)
  })

  it.each([3_600_000, -3_600_000, YEAR, -YEAR])('stays what it is when the wall clock moves by %d', async (ms) => {
    const { mine, time, answer, asked } = await told()
    time.wall += ms
    expect(mine.now()).toBe(time.server)
    // Whether the process was asleep meanwhile cannot be known: what comes next asks first.
    const ready = mine.ready()
    expect(mine.now()).toBe(time.server)
    answer()
    await ready
    expect(mine.now()).toBe(time.server)
    expect(mine.ready()).toBeUndefined()
    expect(asked()).toBe(2)
  })

  it('is known again after the process was asleep, steady clock and all', async () => {
    const { mine, time, answer } = await told()
    time.wall += 3_600_000
    time.server += 3_600_000
    const ready = mine.ready()
    expect(ready).toBeDefined()
    answer()
    await ready
    expect(mine.now()).toBe(time.server)
  })

  it('is never ahead, and behind by the time of an answer at most', async () => {
    const { mine, time, pass, answer } = await told(300)
    expect(mine.now()).toBe(time.server - 300)
    pass(31_000)
    const ready = mine.ready()
    pass(10)
    answer()
    await ready
    // The faster answer says more: that it was behind by more than that cannot be.
    expect(mine.now()).toBe(time.server - 10)
    pass(31_000)
    const next = mine.ready()
    pass(2_000)
    answer()
    await next
    expect(mine.now()).toBe(time.server - 10)
  })

  it('was at least what a claim tells', async () => {
    const { mine, time, pass } = await told(300)
    mine.atLeast(time.server - 500)
    expect(mine.now()).toBe(time.server - 300)
    mine.atLeast(time.server - 20)
    expect(mine.now()).toBe(time.server - 20)
    pass(1_000)
    expect(mine.now()).toBe(time.server - 20)
  })

  it('that was set back is followed at the next look', async () => {
    const { mine, time, pass, answer } = await told()
    time.server -= 3_600_000
    pass(31_000)
    const ready = mine.ready()
    answer()
    await ready
    expect(mine.now()).toBe(time.server)
  })

  it('is looked for again while work goes on for long, and whether that works hinders nobody', async () => {
    const { mine, time, pass, answer, fail, asked } = await told()
    pass(31_000)
    time.server += 40
    expect(mine.now()).toBe(time.server - 40)
    expect(asked()).toBe(2)
    fail(new Error('gone'))
    await Promise.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    expect(mine.now()).toBe(time.server - 40)
    expect(asked()).toBe(3)
    answer()
    await new Promise((resolve) => setImmediate(resolve))
    expect(mine.now()).toBe(time.server)
    expect(asked()).toBe(3)
  })

  it('that cannot be had is told to whoever waits for it, and asked for again', async () => {
    const w = world()
    const mine = storeClock(w.store, w.clock)
    const ready = mine.ready()
    w.fail(new Error('gone'))
    await expect(ready).rejects.toThrow('gone')
    expect(mine.now()).toBe(w.time.wall)
    const again = mine.ready()
    w.answer()
    await again
    expect(mine.now()).toBe(w.time.server)
  })

  it('without a steady clock, one that was set back is noticed', async () => {
    const w = world()
    const mine = storeClock(w.store, { now: () => w.time.wall })
    const ready = mine.ready()
    w.answer()
    await ready
    w.time.wall -= YEAR
    const again = mine.ready()
    expect(again).toBeDefined()
    w.answer()
    await again
    expect(mine.now()).toBe(w.time.server)
  })
})
