import type { Datum } from './data.ts'
import type { AnyWorkflow } from './workflow.ts'

/** A moment at which a schedule starts an instance. */
export interface Tick {
  /** By the clock of the store, not the moment at which a worker got to it. */
  readonly at: Date
  /** The id of the instance: the schedule's name and the moment, `nightly@2030-01-01T02:00:00.000Z`. */
  readonly id: string
}

/** What becomes of ticks that nobody started in time: none of them, the newest, or all. */
export type Missed = 'skip' | 'last' | 'all'

/** Starts instances at the times that a cron expression names. */
export interface Schedule {
  readonly kind: 'schedule'
  readonly name: string
  readonly workflow: AnyWorkflow
  readonly cron: string
  readonly timeZone: string
  readonly missed: Missed
  /** The next ticks after a moment, for looking at: as many as asked for, one by default, or as many as there are. */
  next(after: Date | number, count?: number): Date[]
}

/** A schedule as the engine knows it: checked, with times in milliseconds. */
export interface ScheduleRule {
  readonly missed: Missed
  readonly atMost: number
  readonly within: number
  readonly grace: number
  /** The first tick after a moment. */
  after(moment: number): number | undefined
  /** The newest ticks up to a moment, that one included; the oldest of them first. */
  upTo(moment: number, count: number): number[]
  delta(tick: Tick): readonly Datum[]
}

const rules = new WeakMap<object, ScheduleRule>()

export function giveRule(schedule: Schedule, rule: ScheduleRule): void {
  rules.set(schedule, rule)
}

/** `undefined` for anything that is no schedule. */
export function scheduleRuleOf(schedule: unknown): ScheduleRule | undefined {
  return typeof schedule === 'object' && schedule !== null ? rules.get(schedule) : undefined
}
