import { describe, expect, it } from 'vitest'
import { heapSlope, watchLeaks } from '../../bench/leak.ts'

const SCOPES = 50_000
/** A million scopes may leave 8 MiB; with tenfold slack, since the collector leaves now more, now less. */
const ALLOWED_BYTES = (10 * 8 * 1024 ** 2) / 1_000_000

describe.each(['memory', 'sqlite'] as const)('scope after scope on the %s store', (store) => {
  it.each(['reused', 'fresh'] as const)(
    'leaves nothing behind in the process, on %s ids',
    { timeout: 120_000 },
    async (ids) => {
      const looks = await watchLeaks({ store, ids, scopes: SCOPES, every: SCOPES / 10 })
      expect(looks).toHaveLength(11)
      expect(heapSlope(looks)).toBeLessThan(ALLOWED_BYTES)
      const [first, last] = [looks[0], looks.at(-1)]
      expect((last?.handles ?? NaN) - (first?.handles ?? NaN)).toBeLessThan(SCOPES / 1_000)
    },
  )
})

it('would see a leak of one short text for each scope', () => {
  const looks = Array.from({ length: 11 }, (_, i) => i * (SCOPES / 10)).map((scopes) => ({
    scopes,
    heap: scopes * 100,
  }))
  expect(heapSlope(looks)).toBeCloseTo(100)
  expect(heapSlope(looks)).toBeGreaterThan(ALLOWED_BYTES)
})
