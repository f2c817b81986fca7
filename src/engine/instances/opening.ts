import type { Datum } from '../../graph/data.ts'
import type { Awaitable, Header, Mail, Mode, Row } from '../../stores/contract.ts'
import { isThenable } from '../awaitable.ts'
import type { Firing } from '../scope/firing.ts'
import type { Journal } from '../commit/journal.ts'
import type { Hooks } from '../scope/hooks.ts'
import type { AcceptedDatum } from '../values/intake.ts'
import { operate } from './operation.ts'
import type { Operation } from './operation.ts'
import type { Served } from './registry.ts'
import type { State } from '../state/state.ts'
import { workflowTimeout } from '../refusals.ts'
import { callRow, feed, reasonRow } from '../state/rows.ts'
import { deadline, dueTimers } from '../scope/timers.ts'

/** An instance kept at hand, so that its next scope starts without a read. */
export interface Warm {
  /** What it runs on, or is to from its next commit on. */
  readonly served: Served
  state: State
  /** As committed last; `undefined` before the first commit. */
  header: Header | undefined
  /** The tombstone that its first commit takes the place of. */
  readonly grave?: Header | undefined
  /** When the lease was taken that this process holds on it between two scopes. */
  leasedAt: number | undefined
  /** What the open scope's caller said about itself. */
  readonly meta: Readonly<Record<string, unknown>>
  /** Rows that bring it to the version it is to run on: they go with its next commit. */
  moved?: readonly Row[] | undefined
}

/** Who runs a scope, and how. */
export interface Manner {
  readonly id: string
  readonly limit: number
  readonly hooks: Hooks
  readonly signal: AbortSignal | undefined
}

/** What sets a scope off. */
export interface Trigger {
  readonly mode: Mode
  /** As hooks see it. */
  readonly delta: readonly Datum[]
  readonly accepted: readonly AcceptedDatum[]
  readonly meta: Readonly<Record<string, unknown>> | undefined
  readonly operation: Operation | undefined
}

/** Where a scope comes from: its caller is here, its delta waited in the mailbox, or its time has come (`wake`). */
export type Origin =
  | {
      readonly request: Pick<Mail, 'requestId' | 'hash'> | undefined
      readonly seq?: undefined
      readonly wake?: boolean
    }
  /** `more`: the next one waits already, and is handled by this process too. `arrivedAt`: when it came. */
  | { readonly seq: number; readonly more: boolean; readonly arrivedAt: number }

/** A scope whose first rows are about to be written. */
export interface Opening {
  readonly manner: Manner
  readonly warm: Warm
  readonly trigger: Trigger
  readonly origin: Origin
  readonly journal: Journal
  readonly number: number
  readonly now: number
  /** Rows stay in this process. */
  readonly live: boolean
}

export function isWake(origin: Origin): boolean {
  return origin.seq === undefined && origin.wake === true
}

/**
 * Takes in what sets off a scope of a workflow with timers or a timeout. Timers that were due when the delta came go off before it counts, so that what happens does
 * not depend on how soon somebody looked; those that the delta makes due, after it.
 */
export function enterInTime(opening: Opening, firing: Firing): Awaitable<void> {
  const { warm, trigger, origin, number, now } = opening
  const { state } = warm
  const over = deadline(state)
  // What was due after the instance had had its time is not to happen any more.
  const latest = isWake(origin) && over !== undefined && over <= now ? over - 1 : now
  const goOn = (): Awaitable<void> => {
    const isOver = over !== undefined && over <= now && !isWake(origin) && trigger.operation?.kind !== 'restart'
    if (isOver) opening.journal.add(reasonRow(state, number, now, workflowTimeout(opening.manner.id, state.graph)))
    enter(opening)
    return firing.fire(dueTimers(state, latest))
  }
  // A restart has taken the state back to what was fed already.
  if (trigger.operation?.kind === 'restart') return goOn()
  const fired = firing.fire(dueTimers(state, origin.seq === undefined ? latest : Math.min(latest, origin.arrivedAt)))
  return isThenable(fired) ? fired.then(goOn) : goOn()
}

/** Takes in what sets a scope off. */
export function enter({ warm: { state }, trigger, journal, number, now, live }: Opening): void {
  if (trigger.meta !== undefined) journal.add(callRow(state, number, now, trigger.meta))
  if (trigger.operation !== undefined) journal.add(operate(state, number, now, trigger.operation))
  const at = { scope: number, pass: 1, startedAt: now, took: 0 }
  const { accepted } = trigger
  for (let i = 0; i < accepted.length; i++) journal.add(feed(state, at, accepted[i] as AcceptedDatum, live))
}
