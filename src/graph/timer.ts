import { builder } from './builder.ts'
import type { AnyBuilder, Anything } from './builder.ts'
import { isData } from './data.ts'
import type { AnyData, Data, ValueOf } from './data.ts'
import { durationMs, durationProblem } from './duration.ts'
import type { Duration } from './duration.ts'
import { describeValue, GraphError } from './errors.ts'
import type { Frozen, Given } from './frozen.ts'
import { nameProblem, unknownKeys, versionProblem } from './naming.ts'

/** What a timer knows when it goes off. */
export interface Elapsed {
  /** The moment it was due. */
  readonly at: Date
  /** 1 for the first time since the `after` datum came. */
  readonly count: number
}

/** A datum that appears by itself. Listed among a workflow's builders. */
export interface Timer<Reads = AnyData, Produces = AnyData> {
  readonly kind: 'timer'
  readonly name: string
  readonly after: AnyData
  readonly unless: readonly AnyData[]
  readonly produces: Produces
  readonly services: {}
  readonly version: number
  /** Only a type: all data the timer reads. */
  readonly types?: { readonly reads: Reads }
}

/** Any timer, whatever sets it and whatever it produces. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every timer is assignable to
export type AnyTimer = Timer<any, any>

/** A moment: a date, or milliseconds since the epoch. */
export type Moment = Date | number

type OneOrMore<T> = T | readonly T[]
type DataIn<Unless> = Unless extends readonly (infer Each)[] ? Each : Unless

/** What {@link timer} makes a timer of. */
export interface TimerDefinition<
  After extends AnyData,
  Unless extends OneOrMore<AnyData>,
  Name extends string,
  Out,
  In,
  Value,
> {
  /** Unique among the workflow's builders and timers. Default: the name of what it produces. */
  readonly name?: string
  /** The datum that sets it. A new one sets it anew, whatever became of it before. */
  readonly after: After
  /**
   * How long after that datum came: `'10m'`, milliseconds, or what a function makes of the datum (`undefined`: this one sets
   * no timer). The function must be pure: it is asked again and again.
   */
  readonly delay?: Duration | ((this: void, datum: Frozen<ValueOf<After>>) => Duration | undefined)
  /** Instead of `delay`: the moment itself, read from the datum. One that has passed is due at once. */
  readonly at?: (this: void, datum: Frozen<ValueOf<After>>) => Moment | undefined
  /** Goes off again and again, so far apart. Without `delay` or `at`, the first time is that long after the datum. */
  readonly every?: Duration
  /** With `every`: at most so many times. */
  readonly times?: number
  /** With `every`: not after so much time has passed since the datum, or not after a moment read from it. */
  readonly until?: Duration | ((this: void, datum: Frozen<ValueOf<After>>) => Moment | undefined)
  /** Any of these that comes first ends it until the next `after` datum. So does a target of the workflow. */
  readonly unless?: Unless
  /** It goes off even if a target of the workflow came first. Not needed where `after` comes from a target. */
  readonly evenWhenCompleted?: boolean
  readonly produces: Data<Name, Out, In>
  /**
   * What it produces, or a pure function that makes it of the `after` datum. Default: `{ at }`, the moment it was due; data that
   * do not take that need a value.
   */
  readonly value?: Value | ((this: void, datum: Frozen<ValueOf<After>>, elapsed: Elapsed) => Value)
  /** Raise it when a function of it changes its meaning; part of the graph's fingerprint. Default 1. */
  readonly version?: number
}

/** What is produced if a timer does not say: the moment it was due. */
type DefaultValue = Pick<Elapsed, 'at'>
/** What the compiler shows where the value must not be left out, since the data does not take the default. */
type ValueIfNeeded<In> = [DefaultValue] extends [Given<In>] ? {} : { readonly value: unknown }

/** A timer as the engine knows it: checked, with spans in milliseconds. */
export interface TimerRule {
  readonly after: AnyData
  readonly unless: readonly AnyData[]
  readonly delay: number | ((datum: unknown) => unknown) | undefined
  readonly at: ((datum: unknown) => unknown) | undefined
  readonly every: number | undefined
  readonly times: number
  readonly evenWhenCompleted: boolean
  readonly until: number | ((datum: unknown) => unknown) | undefined
  readonly value: ((datum: unknown, elapsed: Elapsed) => unknown) | undefined
}

/** When a timer goes off. Spans are milliseconds; `'read'`: a function reads it from the datum. */
export interface TimerTimes {
  readonly delay?: number | 'read'
  readonly at?: 'read'
  readonly every?: number
  readonly times?: number
  readonly until?: number | 'read'
  readonly evenWhenCompleted?: true
}

const OPTIONS = [
  ...(['name', 'after', 'delay', 'at', 'every', 'times', 'until'] as const),
  ...(['unless', 'evenWhenCompleted', 'produces', 'value', 'version'] as const),
]
type Options = Partial<Record<(typeof OPTIONS)[number], unknown>>

/** What stands for a timer in a graph, by the timer. */
const standIns = new WeakMap<object, AnyBuilder>()
const rules = new WeakMap<AnyBuilder, TimerRule>()

/**
 * Declares a datum that appears by itself: so long after another one came, or at a moment that one names; once, or again
 * and again. It is listed among the `builders` of a workflow, and needs a worker.
 *
 * ```ts
 * timer({ after: RideRequested, delay: '10m', unless: DriverFound, produces: NobodyCame })
 * ```
 *
 * @typeParam Value inferred as `const`, so that enums, literals and tuples need no `as const`; checked against `In`
 * @throws `GRAPH_INVALID` with everything that is wrong with the definition
 */
export function timer<
  After extends AnyData,
  Name extends string,
  Out,
  In extends Anything,
  const Unless extends OneOrMore<AnyData> = readonly [],
  const Value extends Given<In> = Given<In>,
>(
  definition: TimerDefinition<After, Unless, Name, Out, In, Value> & ValueIfNeeded<NoInfer<In>>,
): Timer<After | DataIn<Unless>, Data<Name, Out, In>> {
  const problems = definitionProblems(definition)
  const given = definition as Options
  if (problems.length > 0) throw new GraphError(subjectOf(given), problems)
  const { produces, version = 1 } = definition
  const rule = ruleOf(given)
  const { after, unless } = rule
  const name = definition.name ?? produces.name
  const made: Timer<never, Data<Name, Out, In>> = Object.freeze({
    kind: 'timer',
    name,
    after,
    unless,
    produces,
    services: Object.freeze({}),
    version,
  })
  const standIn = builder({
    ...{ name, produces, version, consumes: { after } },
    accesses: Object.fromEntries(unless.map((data, at) => [`unless${at}`, data])),
    process: () => {
      throw new TypeError(`Timer '${name}' is nothing to run.`)
    },
  }) as AnyBuilder
  standIns.set(made, standIn)
  rules.set(standIn, rule)
  return made
}

/** What stands for a timer among builders, or `undefined` for anything that {@link timer} did not make. */
export function standInOf(made: unknown): AnyBuilder | undefined {
  return typeof made === 'object' && made !== null ? standIns.get(made) : undefined
}

/** When a timer goes off, as plain JSON. */
export function timesOf({ delay, at, every, times, until, evenWhenCompleted }: TimerRule): TimerTimes {
  const span = (given: number | ((datum: unknown) => unknown)): number | 'read' =>
    typeof given === 'function' ? 'read' : given
  return {
    ...(delay !== undefined && { delay: span(delay) }),
    ...(at !== undefined && { at: 'read' }),
    ...(every !== undefined && { every }),
    ...(every !== undefined && times !== Infinity && { times }),
    ...(until !== undefined && { until: span(until) }),
    ...(evenWhenCompleted && { evenWhenCompleted }),
  }
}

/** The timer that a builder stands for, if it does. */
export function timerRuleOf(standIn: AnyBuilder): TimerRule | undefined {
  return rules.get(standIn)
}

function subjectOf({ name, produces }: Options): string {
  const called = name ?? (isData(produces) ? produces.name : undefined)
  return nameProblem(called) === undefined ? `Timer '${called as string}'` : 'A timer'
}

function ruleOf({ after, unless, delay, at, every, times, until, evenWhenCompleted, value }: Options): TimerRule {
  type Of = (datum: unknown, elapsed?: Elapsed) => unknown
  const span = (given: unknown): number | Of | undefined =>
    typeof given === 'function' ? (given as Of) : durationMs(given)
  const first = delay ?? (at === undefined ? every : undefined)
  return Object.freeze({
    after: after as AnyData,
    unless: Object.freeze([...new Set(listed(unless))]) as readonly AnyData[],
    delay: span(first),
    at: at as Of | undefined,
    every: durationMs(every),
    times: every === undefined ? 1 : ((times as number | undefined) ?? Infinity),
    until: span(until),
    evenWhenCompleted: evenWhenCompleted === true,
    value: value === undefined || typeof value === 'function' ? (value as Of | undefined) : () => value,
  })
}

function listed(unless: unknown): readonly unknown[] {
  return unless === undefined ? [] : Array.isArray(unless) ? Array.from<unknown>(unless) : [unless]
}

function definitionProblems(definition: unknown): string[] {
  if (typeof definition !== 'object' || definition === null) {
    throw new GraphError('A timer', [`it is defined by an object, but got ${describeValue(definition)}`])
  }
  const given = definition as Options
  const name = given.name === undefined ? undefined : nameProblem(given.name)
  return [
    ...(name === undefined ? [] : [name]),
    ...unknownKeys('a timer', definition, OPTIONS),
    ...dataProblems(given),
    ...timeProblems(given),
    ...repetitionProblems(given),
    ...[versionProblem(given.version), flagProblem(given)].filter((problem) => problem !== undefined),
  ]
}

function flagProblem({ evenWhenCompleted: flag }: Options): string | undefined {
  if (flag === undefined || typeof flag === 'boolean') return undefined
  return `'evenWhenCompleted' must be true or false, but is ${describeValue(flag)}`
}

function dataProblems({ after, unless, produces }: Options): string[] {
  const problems: string[] = []
  if (!isData(after)) problems.push(`'after' must be a data, but is ${describeValue(after)}`)
  if (!isData(produces)) problems.push(`'produces' must be a data, but is ${describeValue(produces)}`)
  else if (produces === after)
    problems.push(`'${produces.name}' is both 'after' and 'produces': use every to repeat it`)
  for (const data of listed(unless)) {
    if (!isData(data)) problems.push(`'unless' must be a data or an array of data, but has ${describeValue(data)}`)
    else if (data === after) problems.push(`'${data.name}' is both 'after' and 'unless': it would never go off`)
    else if (data === produces) problems.push(`'${data.name}' is both 'produces' and 'unless'`)
  }
  return problems
}

function timeProblems({ delay, at, every }: Options): string[] {
  const problems: string[] = []
  if (delay === undefined && at === undefined && every === undefined) {
    problems.push("it needs a time: 'delay', 'at' or 'every'")
  }
  if (delay !== undefined && at !== undefined) problems.push("it has both 'delay' and 'at': take one")
  if (delay !== undefined && typeof delay !== 'function') problems.push(...spanProblems('delay', delay, 0))
  if (at !== undefined && typeof at !== 'function') {
    problems.push(`'at' must be a function that reads a moment from the datum, but is ${describeValue(at)}`)
  }
  if (every !== undefined) problems.push(...spanProblems('every', every, 1))
  return problems
}

function repetitionProblems({ every, times, until }: Options): string[] {
  const problems: string[] = []
  if (times !== undefined && !(Number.isSafeInteger(times) && (times as number) >= 1)) {
    problems.push(`'times' must be a whole number from 1, but is ${describeValue(times)}`)
  }
  if (until !== undefined && typeof until !== 'function') problems.push(...spanProblems('until', until, 1))
  for (const [option, value] of Object.entries({ times, until })) {
    if (value !== undefined && every === undefined)
      problems.push(`'${option}' says how long to repeat, without 'every'`)
  }
  return problems
}

function spanProblems(option: string, given: unknown, least: 0 | 1): string[] {
  const problem = durationProblem(option, given, least)
  return problem === undefined ? [] : [problem]
}
