import type { ScheduleRule } from '../../graph/schedule.ts'

/** What has to be done about the ticks that have passed. */
export interface DueTicks {
  /** To be started, oldest first. */
  readonly due: readonly number[]
  /** Once that is done, all up to here are dealt with. */
  readonly upTo: number
}

/**
 * Which ticks are to be started, by the schedule's policy.
 *
 * @param from up to where they are dealt with
 */
export function dueTicks(
  rule: Pick<ScheduleRule, 'missed' | 'atMost' | 'within' | 'grace' | 'upTo'>,
  from: number,
  now: number,
): DueTicks {
  const passed = rule.upTo(now, rule.atMost).filter((tick) => tick > from)
  const newest = passed.at(-1)
  if (newest === undefined) return { due: [], upTo: from }
  const inTime = passed.filter((tick) => tick >= now - rule.grace)
  const due = rule.missed === 'all' ? passed : rule.missed === 'last' && inTime.length === 0 ? [newest] : inTime
  return { due: due.filter((tick) => tick >= now - rule.within), upTo: newest }
}
