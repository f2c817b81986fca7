import { describe, expect, it } from 'vitest'
import { durationMs, durationProblem } from '../../src/graph/duration.ts'

const HOUR = 3_600_000

describe('durations', () => {
  it.each([
    [0, 0],
    [1500, 1500],
    [0.6, 1],
    ['0s', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['15m', 900_000],
    ['1h30m', 1.5 * HOUR],
    ['1h 30m', 1.5 * HOUR],
    ['1.5d', 36 * HOUR],
    ['2w', 14 * 24 * HOUR],
    ['1w1d1h1m1s1ms', (7 * 24 + 24 + 1) * HOUR + 61_001],
    ['36500d', 36500 * 24 * HOUR],
  ])('%s is %i ms', (written, ms) => {
    expect(durationMs(written)).toBe(ms)
  })

  it.each([
    '',
    ' ',
    '30',
    's',
    '-1s',
    '1s2m',
    '1m1m',
    '1h  30m',
    ' 1s',
    '1s ',
    '1,5h',
    '.5s',
    '1e3s',
    'Infinityd',
    '15 minutes',
    '1M',
    '36500d1ms',
    '9'.repeat(400) + 'd',
    -1,
    NaN,
    Infinity,
    36501 * 24 * HOUR,
    null,
    undefined,
    true,
    10n,
    ['1s'],
    new Date(0),
    { valueOf: () => 5 },
  ])('%s is none', (written) => {
    expect(durationMs(written)).toBeUndefined()
  })

  it('says what an option takes and what came', () => {
    expect(durationProblem('timeout', '30s', 1)).toBeUndefined()
    expect(durationProblem('initial', 0, 0)).toBeUndefined()
    expect(durationProblem('timeout', 0, 1)).toBe(
      `'timeout' must be a duration of at least 1 ms (milliseconds, or a text such as '30s', '15m', '1h30m', at most 100 years), but is 0`,
    )
    expect(durationProblem('delay', 'soon', 0)).toBe(
      `'delay' must be a duration (milliseconds, or a text such as '30s', '15m', '1h30m', at most 100 years), but is "soon"`,
    )
  })
})
