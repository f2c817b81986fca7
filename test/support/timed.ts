/** Stores and processes on a clock that the test moves. */
import { describe } from 'vitest'
import type { Clock } from 'polaris-workflow'
import { simulatedClock } from 'polaris-workflow/testing'
import type { SimulatedClock } from 'polaris-workflow/testing'
import { eachServer, memoryKind, sqliteKind } from './media.ts'
import type { StoreKind } from './media.ts'
import { storeTime } from './time.ts'

type Define = (kind: StoreKind, clock: SimulatedClock) => void

/** One that shows what stores of tests have come to. */
export function testClock(): SimulatedClock {
  return simulatedClock({ start: storeTime.now() })
}

/** The same for a process that a test holds up: what it is not answered is not under way, or time would wait for it. */
export function unobserved({ now, monotonic, after, look }: Clock): Clock {
  return { now, ...(monotonic && { monotonic }), ...(after && { after }), ...(look && { look }) }
}

/**
 * Calls `define` once per kind of store, with the clock that its processes have to be given. `'text'`: only those that keep
 * text, and so what a process has begun.
 */
export function eachTimedStore(define: Define, kinds: 'all' | 'text' = 'all'): void {
  if (kinds === 'all') {
    describe('on memory, with time of its own', () => {
      const clock = testClock()
      define(memoryKind({ now: clock.now }), clock)
    })
  }
  eachLocalStore(define)
  const clocks = { Postgres: testClock(), Redis: testClock() }
  eachServer(
    (kind) => define(kind, clocks[kind.name as keyof typeof clocks]),
    (name) => clocks[name].now,
  )
}

/** The same where a process has the store to itself or its file: where all that is not under way needs only turns of the event loop. */
export function eachLocalStore(define: Define): void {
  describe('on memory (strict), with time of its own', () => {
    const clock = testClock()
    define(memoryKind({ strict: true, now: clock.now }), clock)
  })
  describe('on SQLite, with time of its own', () => {
    const clock = testClock()
    define(sqliteKind({ now: clock.now }), clock)
  })
}
