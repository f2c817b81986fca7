import { durationMs, durationProblem } from '../../graph/duration.ts'
import { describeValue } from '../../graph/errors.ts'
import type { Node, TimerEnd } from '../../graph/graph.ts'
import type { TimerRule } from '../../graph/timer.ts'
import type { Row } from '../../stores/contract.ts'
import { copyBytes } from '../values/freeze.ts'
import type { State } from '../state/state.ts'

/**
 * How a timer stands. `idle`: the datum that sets it is not there, or says that this one sets none. `ended`: by what came
 * first. `done`: it has gone off as often as it is to. `broken`: what tells its time threw, or told none. `set`: it goes off
 * at a time, for the `count`th time since the datum came; `failed`, if it could not when it was due.
 */
export type TimerStatus =
  | { readonly is: 'idle' }
  | { readonly is: 'ended'; readonly by: number; readonly count: number }
  | { readonly is: 'done'; readonly count: number }
  | { readonly is: 'broken'; readonly error: unknown }
  | { readonly is: 'set'; readonly at: number; readonly count: number; readonly failed: Row | undefined }

/** A timer that is to go off. */
export interface Due {
  readonly node: Node
  /** When it was due. */
  readonly at: number
  readonly count: number
  /** It could not when it was due. */
  readonly failed: boolean
}

/** What a Date can hold. */
const LAST_MOMENT = 8.64e15

const IDLE: TimerStatus = Object.freeze({ is: 'idle' })

/** How a timer stands: a function of rows, asked whenever somebody wants to know. Nothing else is kept of it. */
export function timerStatus(state: State, { index, out, timer }: Node): TimerStatus {
  if (timer === undefined) return IDLE
  const { rule, after, ends } = timer
  const set = state.rows.get(after)
  const datum = state.value(after)
  if (set === undefined || datum === undefined) return IDLE
  const fired = newerThan(set, state.run(index))
  const count = fired === undefined ? 0 : (fired.note?.count ?? 1)
  if (count >= rule.times || isDoneByHand(state, rule, out, set)) return { is: 'done', count }
  const end = ends.find((each) => hasEnded(state, each, set))
  if (end !== undefined) return { is: 'ended', by: end.slot, count }
  try {
    const at = nextTime(state, rule, set, state.hasBytes(after) ? copyBytes(datum) : datum, fired)
    if (at === undefined) return fired === undefined ? IDLE : { is: 'done', count }
    const failed = newerThan(fired ?? set, state.timing?.failures.get(index))
    return { is: 'set', at, count: count + 1, failed }
  } catch (error) {
    return { is: 'broken', error }
  }
}

/** The timers that are due by a time, those due the longest first. */
export function dueTimers(state: State, by: number): Due[] {
  const { nodes, timers } = state.graph
  const due: Due[] = []
  if (state.isUndoing) return due
  for (const index of timers) {
    const node = nodes[index] as Node
    const status = timerStatus(state, node)
    if (status.is === 'set' && status.at <= by) due.push({ node, ...status, failed: status.failed !== undefined })
  }
  return due.sort((a, b) => a.at - b.at)
}

/** When the next timer goes off by itself; `null` if none does. One that failed waits for the next call. */
export function nextTimer(state: State): number | null {
  if (!goesOn(state)) return null
  let next: number | null = null
  for (const index of state.graph.timers) {
    const status = timerStatus(state, state.graph.nodes[index] as Node)
    if (status.is === 'set' && status.failed === undefined && (next === null || status.at < next)) next = status.at
  }
  return next
}

/** A timer whose time cannot be told, and why. */
export function brokenTimer(state: State): { readonly node: Node; readonly error: unknown } | undefined {
  for (const index of state.graph.timers) {
    const node = state.graph.nodes[index] as Node
    const status = timerStatus(state, node)
    if (status.is === 'broken') return { node, error: status.error }
  }
  return undefined
}

/**
 * When an instance has had its time to reach a target; `undefined` if it has all the time there is, was told already, or has
 * reached one, from which on its time no longer counts.
 */
export function deadline(state: State): number | undefined {
  const { timing } = state
  const { timeout, targets } = state.graph
  if (timeout === undefined || timing === undefined || timing.timedOut !== undefined) return undefined
  // What was undone has failed already.
  if (state.undoing !== undefined || !goesOn(state)) return undefined
  if (targets.some((slot) => state.value(slot) !== undefined || state.outdated?.has(slot) === true)) return undefined
  return (state.restarted?.endedAt ?? timing.createdAt) + timeout
}

/**
 * Whether anything may happen by itself: not once the instance was given up, nor while what it has done is undone, nor after
 * that, before somebody resumes it or feeds it.
 */
export function goesOn({ timing, newest, undoing, isUndoing }: State): boolean {
  return timing !== undefined && !timing.isHalted(newest) && !isUndoing && undoing?.seq !== newest
}

function newerThan(row: Row, other: Row | undefined): Row | undefined {
  return other !== undefined && other.seq > row.seq ? other : undefined
}

/** Somebody fed the product himself. Of one that repeats that is one more, and not the last. */
function isDoneByHand(state: State, rule: TimerRule, out: number, set: Row): boolean {
  const product = state.rows.get(out)
  if (rule.every !== undefined || product?.outcome !== 'fed') return false
  if (product.seq > set.seq) return true
  return set.outcome === 'fed' && scopeOf(state, product) === scopeOf(state, set)
}

/**
 * Whether what ends a timer came after what set it. Within a scope the order of rows is a matter of chance, so there it counts
 * as having come after, unless builders lead from it to what set the timer.
 */
function hasEnded(state: State, { slot, above }: TimerEnd, set: Row): boolean {
  const end = state.rows.get(slot)
  if (end === undefined || state.value(slot) === undefined) return false
  const [ended, began] = [scopeOf(state, end), scopeOf(state, set)]
  return ended > began || (ended === began && !(above && set.outcome !== 'fed'))
}

/** The scope a row counts as of: what was fed before a restart is active in that one anew. */
function scopeOf({ restarted }: State, row: Row): number {
  return restarted !== undefined && row.seq < restarted.seq ? restarted.scope : row.scope
}

/** When the datum that sets a timer came. What came before a restart or a fork counts from there. */
function timeOf({ restarted, timing }: State, row: Row): number {
  let time = row.endedAt
  for (const begun of [restarted, timing?.forked]) if (begun !== undefined && row.seq < begun.seq) time = begun.endedAt
  return time
}

/** When a timer goes off next; `undefined` if it does not. Throws what tells its time, or that it told none. */
function nextTime(
  state: State,
  { delay, at, every, until }: TimerRule,
  set: Row,
  datum: unknown,
  fired: Row | undefined,
): number | undefined {
  const since = timeOf(state, set)
  const first = at !== undefined ? momentOf('at', at(datum)) : spanAfter(since, delay, datum)
  if (first === undefined) return undefined
  let next = first
  if (every !== undefined && fired !== undefined) {
    // Times that passed while nobody was there to see them are not made up for.
    const passed = Math.max(fired.startedAt, fired.endedAt) - first
    next = first + (Math.floor(passed / every) + 1) * every
  }
  const last = typeof until === 'function' ? momentOf('until', until(datum)) : until && since + until
  return last !== undefined && next > last ? undefined : next
}

function spanAfter(since: number, delay: TimerRule['delay'], datum: unknown): number | undefined {
  const given = typeof delay === 'function' ? delay(datum) : delay
  if (given === undefined) return undefined
  const problem = durationProblem('delay', given, 0)
  if (problem !== undefined) throw new TypeError(problem)
  return since + (durationMs(given) ?? 0)
}

function momentOf(option: string, given: unknown): number | undefined {
  if (given === undefined) return undefined
  const ms = given instanceof Date ? given.getTime() : given
  if (typeof ms === 'number' && Math.abs(ms) <= LAST_MOMENT) return Math.round(ms)
  throw new TypeError(
    `'${option}' must give a valid Date, milliseconds since the epoch or undefined, but gave ${describeValue(given)}`,
  )
}
