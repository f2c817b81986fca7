import { describeValue } from './errors.ts'

type Unit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w'

/**
 * A span of time: milliseconds, or as a person writes it, from the largest unit to the smallest: `'500ms'`, `'30s'`,
 * `'15m'`, `'1h30m'`, `'1.5d'`, `'2w'`. A day has 24 hours, whatever the clocks on the wall do.
 *
 * The compiler checks that a text begins like one; the rest is checked at definition. All combinations of units written
 * out would be 1,956 types.
 */
export type Duration = number | `${number}${Unit}` | `${number}${Unit}${number}${string}`

/** From the largest to the smallest, as they are written. */
const UNITS: readonly (readonly [Unit, number])[] = [
  ['w', 7 * 24 * 3_600_000],
  ['d', 24 * 3_600_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

const WRITTEN = new RegExp(`^${UNITS.map(([unit]) => String.raw`(?:(\d+(?:\.\d+)?)${unit})?`).join(' ?')}$`)

/** 100 years of 365 days: beyond it a slip (seconds for milliseconds, twice) is likelier than a plan. */
const LONGEST = 100 * 365 * 24 * 3_600_000

/**
 * A duration in milliseconds, rounded to whole ones.
 *
 * @returns `undefined` if it is none: not a number or text of the kind, negative, or longer than 100 years
 */
export function durationMs(duration: unknown): number | undefined {
  const ms = typeof duration === 'string' ? parse(duration) : duration
  return typeof ms === 'number' && ms >= 0 && ms <= LONGEST ? Math.round(ms) : undefined
}

/**
 * What is wrong with an option that takes a duration, if anything.
 *
 * @param least the shortest that makes sense, in milliseconds
 */
export function durationProblem(option: string, given: unknown, least: 0 | 1): string | undefined {
  const ms = durationMs(given)
  if (ms !== undefined && ms >= least) return undefined
  const kind = least === 0 ? 'a duration' : 'a duration of at least 1 ms'
  return `'${option}' must be ${kind} (milliseconds, or a text such as '30s', '15m', '1h30m', at most 100 years), but is ${describeValue(given)}`
}

/** A duration as a person writes it, without weeks: `'1d12h'`. */
export function durationText(ms: number): string {
  let left = ms
  let text = ''
  for (const [unit, size] of UNITS.slice(1)) {
    const count = Math.floor(left / size)
    if (count > 0) text += `${count}${unit}`
    left -= count * size
  }
  return text === '' ? '0ms' : text
}

function parse(text: string): number | undefined {
  const parts = /^\d.*[a-z]$/.test(text) ? WRITTEN.exec(text) : null
  if (parts === null) return undefined
  return UNITS.reduce((sum, [, ms], at) => sum + Number(parts[at + 1] ?? 0) * ms, 0)
}
