import { Cron } from 'croner'

/** The moments that an expression names in a time zone, in milliseconds since the epoch. */
export interface Moments {
  after(moment: number, count: number): number[]
  /** The newest before a moment, the oldest first. */
  before(moment: number, count: number): number[]
}

/**
 * What an expression means, or what is wrong with it.
 *
 * @param timeZone one that is known to exist
 */
export function momentsOf(expression: string, timeZone: string): Moments | string {
  // Croner also takes a single date, which is a timer and no schedule.
  if (/^\s*\d{4}-/.test(expression)) return 'a date is no cron expression'
  let cron: Cron
  try {
    cron = new Cron(expression, { timezone: timeZone, paused: true })
    // Some expressions only turn out to be wrong when they are worked out.
    if (cron.nextRun(new Date(0)) === null) return 'no moment ever matches it'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  const times = (dates: Date[]): number[] => dates.map((date) => date.getTime())
  return {
    after: (moment, count) => times(cron.nextRuns(count, new Date(moment))),
    before: (moment, count) => times(cron.previousRuns(count, new Date(moment))).reverse(),
  }
}

/** The zone as the platform knows it, or `undefined`. */
export function knownZone(timeZone: unknown): string | undefined {
  if (typeof timeZone !== 'string' || timeZone === '') return undefined
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone && timeZone
  } catch {
    return undefined
  }
}
