import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs, retryPolicy } from '../../src/graph/retry.ts'

describe('backoff', () => {
  it('has defaults: a second, twice as long each time, an hour at most, half of it by chance', () => {
    const policy = retryPolicy({ attempts: 3 })
    expect(policy).toEqual({ attempts: 3, initial: 1000, factor: 2, max: 3_600_000, jitter: 0.5, retryIf: undefined })
    expect([1, 2, 3, 12, 13].map((attempt) => backoffMs(policy, attempt, 0))).toEqual([
      1000, 2000, 4000, 2_048_000, 3_600_000,
    ])
    expect(backoffMs(policy, 1, 0.5)).toBe(750)
    expect(backoffMs(retryPolicy({ attempts: 9, backoff: { initial: 0, factor: 1000 } }), 1_000_000, 0)).toBe(0)
  })

  it('never leaves its bounds, however often it was tried', () => {
    const policies = fc.record({
      initial: fc.nat(),
      factor: fc.double({ min: 1, max: 1000, noNaN: true }),
      max: fc.nat(),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    const tries = fc.tuple(policies, fc.integer({ min: 1, max: 1_000_000 }), fc.double({ min: 0, max: 1, noNaN: true }))
    fc.assert(
      fc.property(tries, ([backoff, attempt, random]) => {
        const policy = retryPolicy({ attempts: 2, backoff })
        const wait = backoffMs(policy, attempt, random)
        expect(Number.isSafeInteger(wait)).toBe(true)
        expect(wait).toBeLessThanOrEqual(policy.max)
        expect(wait).toBeGreaterThanOrEqual(Math.floor(Math.min(policy.initial, policy.max) * (1 - policy.jitter)))
      }),
    )
  })
})
