import type { Datum, DatumOf } from '../graph/data.ts'
import { durationMs, durationProblem } from '../graph/duration.ts'
import { describeValue, GraphError } from '../graph/errors.ts'
import { nameProblem, unknownKeys } from '../graph/naming.ts'
import { giveRule } from '../graph/schedule.ts'
import type { Missed, Schedule, ScheduleRule, Tick } from '../graph/schedule.ts'
import type { Duration } from '../graph/duration.ts'
import { graphOf } from '../graph/workflow.ts'
import type { AnyWorkflow, Workflow } from '../graph/workflow.ts'
import { knownZone, momentsOf } from './cron.ts'
import type { Moments } from './cron.ts'

type FedTo<W> =
  W extends Workflow<infer Reads, infer Makes, infer _Target, infer _Uses> ? DatumOf<Reads | Makes> & {} : never

/** What {@link schedule} makes a schedule of. */
export interface ScheduleDefinition<W extends AnyWorkflow> {
  /** Unique among the schedules of a store: with the tick's time it makes the instance's id. */
  readonly name: string
  /** What is started; on its newest version. */
  readonly workflow: W
  /**
   * `minute hour day month weekday`, `'0 3 * * 1-5'`; with six fields the first is the second. Also names of months and days,
   * `L` for the last day, `#2` for the second of a month, and `@daily` and the like.
   */
  readonly cron: string
  /** By whose clock: a name of the IANA database, `'Europe/Berlin'`. Default: `'UTC'`. */
  readonly timeZone?: string
  /** What the instance is fed. Pure: made of the tick's time, it may be made again. Default: nothing. */
  readonly delta?: (this: void, tick: Tick) => FedTo<W> | readonly FedTo<W>[]
  /**
   * What becomes of ticks that no worker was there to start within `grace`: `'skip'`: nothing; `'last'`: the newest is
   * started unless one that is in time is; `'all'`: each is, oldest first. Default: `'last'`.
   */
  readonly missed?: Missed
  /** How late a tick may be before it counts as missed. Default: a minute. */
  readonly grace?: Duration
  /** Ticks that are older than this are never made up for. Default: no bound. */
  readonly within?: Duration
  /** At most so many ticks are started at once, the newest; what is older than those is left out. Default: 100. */
  readonly atMost?: number
}

const OPTIONS = ['name', 'workflow', 'cron', 'timeZone', 'delta', 'missed', 'grace', 'within', 'atMost'] as const
type Options = Partial<Record<(typeof OPTIONS)[number], unknown>>

const MISSED: readonly unknown[] = ['skip', 'last', 'all'] satisfies Missed[]

/**
 * Declares that instances of a workflow are started at the times a cron expression names. Given to `polaris.schedule`, the
 * workers of all processes see to it, each tick at most once.
 *
 * ```ts
 * schedule({ name: 'nightly', workflow: report, cron: '0 3 * * *', timeZone: 'Europe/Berlin', delta: ({ at }) => Day(at) })
 * ```
 *
 * @throws `GRAPH_INVALID` with everything that is wrong with the definition
 */
export function schedule<W extends AnyWorkflow>(definition: ScheduleDefinition<W>): Schedule {
  const given: unknown = definition
  if (typeof given !== 'object' || given === null) {
    throw new GraphError('A schedule', [`it is defined by an object, but got ${describeValue(given)}`])
  }
  const options = given as Options
  const { name, cron, timeZone = 'UTC' } = options
  const zone = knownZone(timeZone)
  const moments = typeof cron === 'string' ? momentsOf(cron, zone ?? 'UTC') : 'it is no text'
  const problems = [
    ...definitionProblems(options),
    ...(zone === undefined ? [zoneProblem(timeZone)] : []),
    ...(typeof moments === 'string' ? [cronProblem(cron, moments)] : []),
  ]
  if (problems.length > 0 || typeof moments === 'string') {
    throw new GraphError(nameProblem(name) === undefined ? `Schedule '${name as string}'` : 'A schedule', problems)
  }
  const made: Schedule = Object.freeze({
    kind: 'schedule',
    name: definition.name,
    workflow: definition.workflow,
    cron: definition.cron,
    timeZone: timeZone as string,
    missed: definition.missed ?? 'last',
    next: (after: Date | number, count = 1) => moments.after(Number(after), count).map((moment) => new Date(moment)),
  })
  giveRule(made, ruleOf(options, moments))
  return made
}

function ruleOf({ missed, grace, within, atMost, delta }: Options, moments: Moments): ScheduleRule {
  const make = delta as ((tick: Tick) => Datum | readonly Datum[]) | undefined
  return {
    missed: (missed as Missed | undefined) ?? 'last',
    atMost: (atMost as number | undefined) ?? 100,
    within: within === undefined ? Infinity : (durationMs(within) as number),
    grace: durationMs(grace ?? '1m') as number,
    after: (moment) => moments.after(moment, 1)[0],
    upTo: (moment, count) => moments.before(moment + 1, count),
    delta(tick) {
      const made = make?.(tick) ?? []
      return Array.isArray(made) ? (made as readonly Datum[]) : [made as Datum]
    },
  }
}

function definitionProblems(given: Options): string[] {
  const { name, workflow, delta, missed, grace, within, atMost } = given
  const problems = [nameProblem(name), grace === undefined ? undefined : durationProblem('grace', grace, 0)]
  if (within !== undefined) problems.push(durationProblem('within', within, 1))
  if (graphOf(workflow) === undefined) {
    problems.push(`'workflow' must be made by workflow({ … }), but is ${describeValue(workflow)}`)
  }
  if (delta !== undefined && typeof delta !== 'function') {
    problems.push(`'delta' must be a function that makes data of the tick, but is ${describeValue(delta)}`)
  }
  if (missed !== undefined && !MISSED.includes(missed)) {
    problems.push(`'missed' must be 'skip', 'last' or 'all', but is ${describeValue(missed)}`)
  }
  if (atMost !== undefined && !(Number.isSafeInteger(atMost) && (atMost as number) >= 1)) {
    problems.push(`'atMost' must be a whole number from 1, but is ${describeValue(atMost)}`)
  }
  return [...unknownKeys('a schedule', given, OPTIONS), ...problems.filter((problem) => problem !== undefined)]
}

function zoneProblem(timeZone: unknown): string {
  return `'timeZone' must name a zone of the IANA database, such as 'Europe/Berlin', but is ${describeValue(timeZone)}`
}

function cronProblem(cron: unknown, problem: string): string {
  return `'cron' must be an expression such as '0 3 * * 1-5' (minute hour day month weekday), but is ${describeValue(cron)}: ${problem}`
}
