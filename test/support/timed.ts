/** Stores and processes on a clock that the test moves. */
import { describe } from 'vitest'
import { testClock } from '../protocol/bench.ts'
import type { TestClock } from '../protocol/bench.ts'
import { memoryKind, sqliteKind } from './media.ts'
import type { StoreKind } from './media.ts'

/** Calls `define` once per kind of store, with the clock that its processes have to be given. */
export function eachTimedStore(define: (kind: StoreKind, clock: TestClock) => void): void {
  for (const strict of [false, true]) {
    describe(`on memory${strict ? ' (strict)' : ''}, with time of its own`, () => {
      const clock = testClock()
      define(memoryKind({ strict, now: clock.now }), clock)
    })
  }
  describe('on SQLite, with time of its own', () => {
    const clock = testClock()
    define(sqliteKind({ now: clock.now }), clock)
  })
}
