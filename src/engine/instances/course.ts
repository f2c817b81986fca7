import type { Awaitable } from '../../stores/contract.ts'
import { isThenable } from '../awaitable.ts'
import { after } from '../clock.ts'
import type { Clock } from '../clock.ts'
import type { Journal } from '../commit/journal.ts'
import { Left } from '../commit/left.ts'
import { workflowTimeout } from '../refusals.ts'
import { answerOf, endingOf } from '../scope/ending.ts'
import type { Ending } from '../scope/ending.ts'
import type { Firing } from '../scope/firing.ts'
import { ScopeResult } from '../scope/result.ts'
import type { Sequel } from '../scope/scope-facts.ts'
import type { ScopeRun } from '../scope/scope-run.ts'
import type { Scope } from '../scope/scope.ts'
import { deadline } from '../scope/timers.ts'
import { agenda } from '../state/agenda.ts'
import { reasonRow } from '../state/rows.ts'
import type { State } from '../state/state.ts'
import type { ById } from './by-id.ts'
import type { Warm } from './opening.ts'
import { handledBy, outcomeOf } from './records.ts'
import { beginUndoing } from './undoing.ts'

/** What the scopes of a process have in common. */
export interface CourseHost {
  readonly clock: Clock
  /** Scopes that wait for something. */
  readonly runs: ById<ScopeRun>
  /** An instance has come to rest. */
  readonly settle: (warm: Warm, journal: Journal) => void
}

export interface CourseFacts {
  readonly warm: Warm
  readonly scope: Scope
  readonly run: ScopeRun
  readonly journal: Journal
  /** Whether a record of the request may wait for its outcome. */
  readonly noted: boolean
  /** Whether this process goes on with the instance at once. */
  readonly keep: boolean
  /** Of a workflow with timers. */
  readonly firing: Firing | undefined
}

/** What follows on the scope of an instance: when it has ended it is settled, and its result made. */
export class Course implements Sequel<ScopeResult> {
  private readonly host: CourseHost
  private readonly facts: CourseFacts
  private waiting = false
  private unbound: (() => void) | undefined

  constructor(host: CourseHost, facts: CourseFacts) {
    this.host = host
    this.facts = facts
  }

  waits(): void {
    const { run, warm } = this.facts
    this.waiting = true
    this.host.runs.set(run.id, run)
    if (warm.state.timing !== undefined) this.unbound = this.bound(run, warm.state)
  }

  /** Ends the scope when the instance has had its time; answers how to call that off. */
  private bound(run: ScopeRun, state: State): (() => void) | undefined {
    const { clock } = this.host
    const left = (deadline(state) ?? 0) - clock.now()
    if (left <= 0) return undefined
    const expire = (): void => {
      if (deadline(state) !== undefined) run.cut(workflowTimeout(run.id, state.graph))
    }
    return after(clock, left, expire, true)
  }

  private leave(): void {
    if (!this.waiting) return
    this.unbound?.()
    const { runs } = this.host
    const { run } = this.facts
    if (runs.get(run.id) === run) runs.delete(run.id)
  }

  broken(error: unknown): Promise<never> {
    this.leave()
    if (error instanceof Left) return this.abandon(error)
    throw error
  }

  private async abandon(reason: unknown): Promise<never> {
    const { run, journal } = this.facts
    await journal.close(run.patch(), { settled: false, handled: undefined, keep: false })
    throw reason
  }

  ended(): Awaitable<ScopeResult> {
    this.leave()
    const { warm, scope, run, journal, noted, keep, firing } = this.facts
    const { state } = warm
    firing?.conclude(run)
    // Without it, nobody could tell from the rows alone that something was left undone.
    if (run.aborted !== undefined) journal.add(reasonRow(state, scope.number, run.recorder.now(), run.aborted))
    if (run.failed || run.parked) state.stale = undefined
    else state.settle()
    const ending = endingOf(run, scope)
    scope.release()
    const undoes = ending.status === 'failed' && run.failure !== undefined && state.graph.undoes
    if (undoes) journal.add(beginUndoing(state, scope.number, run.recorder.start()))
    const status = undoes ? 'retrying' : ending.status
    const patch = run.lastPatch(status, agenda(state, status, run.recorder.start()))
    const handled = noted ? handledBy(scope.number, patch.updatedAt, outcomeOf(run, scope, ending)) : undefined
    const closed = journal.close(patch, { settled: true, handled, keep })
    return isThenable(closed) ? this.concludeAfter(closed, ending) : this.conclude(ending)
  }

  private concludeAfter(closed: PromiseLike<void>, ending: Ending): PromiseLike<ScopeResult> {
    return closed.then(() => this.conclude(ending))
  }

  private conclude({ status, target }: Ending): ScopeResult {
    const { warm, scope, run, journal, keep } = this.facts
    this.host.settle(warm, journal)
    if (keep) warm.leasedAt = journal.leasedAt
    const { id } = run
    const { slots } = run.recorder
    const state = warm.state.snapshot(status === 'completed')
    const result = new ScopeResult({ id, scope: scope.number, state, slots, status, target, lost: scope.lost })
    warm.state.forgetTransients()
    return answerOf(run, result)
  }
}
