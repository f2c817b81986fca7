import type { AnyBuilder } from '../../graph/builder.ts'
import { callTold, failureTold, toldOf } from './telling.ts'
import type { Told } from './telemetry.ts'
import type { PolarisError } from '../../graph/errors.ts'
import type { Node, Slot } from '../../graph/graph.ts'
import { Nothing, WaitFor } from '../../graph/outcome.ts'
import type { Awaitable, RowNote } from '../../stores/contract.ts'
import { isThenable } from '../awaitable.ts'
import { after } from '../clock.ts'
import { Tries } from './care.ts'
import { invalidProduct, rowError, threwUp, tookTooLong } from '../failure.ts'
import type { Failure } from '../failure.ts'
import { callHook } from './hooks.ts'
import type { Hooks } from './hooks.ts'
import { acceptProduct, answerProblem, takePlain } from '../values/intake.ts'
import type { Accepted } from '../values/intake.ts'
import type { HeaderPatch, Journal } from '../commit/journal.ts'
import type { Tenant } from '../commit/leases.ts'
import type { Step } from '../state/program.ts'
import { emptyScope, Recorder } from './recorder.ts'
import { callerGaveUp, cancelledMeanwhile, leaseLost } from '../refusals.ts'
import { Refusal } from '../values/schema.ts'
import type { ScopeRunFacts, Sequel } from './scope-facts.ts'
import type { Scope } from './scope.ts'
import { hookInfo, shown } from './shown.ts'
import type { State } from '../state/state.ts'
import { ACCEPTED, MADE, OUTLASTED, THREW, Waits } from './waits.ts'
import type { Reached } from './waits.ts'
import { keyOf } from './work.ts'
import type { ScopeContext, Work } from './work.ts'

/**
 * Drives one scope: asks {@link Scope} what to run, runs it, has what came of it recorded. The only place where builders
 * are awaited; those that return plainly are not. One that has to wait for a commit counts as running.
 */
export class ScopeRun implements ScopeContext, Tenant {
  readonly id: string
  readonly incarnation: string
  readonly meta: Readonly<Record<string, unknown>>
  readonly recorder: Recorder
  failure: Failure | undefined
  /** Set when the caller's signal, a cancel, or the end of the instance's time ended the scope: what the call rejects with. */
  aborted: PolarisError | undefined
  private readonly facts: ScopeRunFacts
  readonly scope: Scope
  private tries: Tries | undefined
  private readonly state: State
  private readonly journal: Journal | undefined
  private readonly limit: number
  private active = 0
  private held: Work[] | undefined
  private controller: AbortController | undefined
  /** What the store threw, or the clock: nothing can be kept any more. */
  private trouble: { readonly error: unknown } | undefined
  private caller: { readonly resolve: (end: unknown) => void; readonly reject: (error: unknown) => void } | undefined
  private sequel: Sequel<unknown> | undefined
  private waits: Waits | undefined
  private onAbort: (() => void) | undefined
  private ended = false
  private abortReason: unknown
  /** Calls off that a cancelled scope ends without builders that still run. */
  private uncut: (() => void) | undefined
  /** Absent where nobody watches: the rest costs a comparison then. */
  private readonly told: Told<Work> | undefined

  constructor(facts: ScopeRunFacts) {
    this.facts = facts
    this.id = facts.id
    this.incarnation = facts.incarnation
    this.meta = facts.meta
    this.scope = facts.scope
    this.state = facts.scope.state
    this.journal = facts.journal
    this.limit = facts.limit
    // A look at the clock takes 70 ns, a fifth of what a builder costs in memory and nothing beside a commit.
    const coarse = facts.journal?.eager !== true
    const { program, scope, journal, clock, form, startedAt } = facts
    this.told = facts.hooks.telemetry === undefined ? undefined : toldOf(facts)
    this.recorder = new Recorder(program, scope, journal, clock, coarse, form === 'live', startedAt)
  }

  /**
   * Runs until nothing can run, and answers what its sequel makes of that. A builder's throw is kept in `failure`, the
   * caller's giving up in `aborted`.
   */
  run<T>(sequel: Sequel<T>): Awaitable<T> {
    const { signal } = this.facts
    if (signal !== undefined) {
      this.onAbort = () => this.giveUp(callerGaveUp(this.id, signal.reason), signal.reason)
      signal.addEventListener('abort', this.onAbort, { once: true })
      if (signal.aborted) this.onAbort() // while a restart read the instance
    }
    this.facts.leases?.add(this)
    this.pump()
    if (this.ended) return this.end(sequel)
    // The one promise of the scope: what follows is called by it and not awaited, since each further one costs as much as a builder.
    this.sequel = sequel
    sequel.waits()
    return new Promise<T>((resolve, reject) => (this.caller = { resolve: resolve as (end: unknown) => void, reject }))
  }

  private end<T>(sequel: Sequel<T>): Awaitable<T> {
    if (this.onAbort !== undefined) this.facts.signal?.removeEventListener('abort', this.onAbort)
    this.facts.leases?.remove(this)
    this.uncut?.()
    this.tries?.end()
    const { trouble } = this
    if (this.told !== undefined) {
      return this.told.ending(() => (trouble === undefined ? sequel.ended() : sequel.broken(trouble.error)))
    }
    return trouble === undefined ? sequel.ended() : sequel.broken(trouble.error)
  }

  /** Tells the caller that the scope has ended, if that has to wait for it. */
  private settle(): void {
    this.ended = true
    if (this.caller === undefined || this.sequel === undefined) return
    try {
      this.caller.resolve(this.end(this.sequel))
    } catch (error) {
      this.caller.reject(error)
    }
  }

  get leasedAt(): number | undefined {
    return this.journal?.leasedAt
  }

  get progressAt(): number {
    return this.journal?.progressAt ?? 0
  }

  renew(now: number): void {
    const renewing = this.ended ? undefined : this.journal?.keepLease(now)
    if (renewing !== undefined) this.follow(renewing)
  }

  lose(): void {
    this.breakDown(leaseLost(this.id))
  }

  /** Leaves the scope as it stands: its builders get the signal, and what they still make is nobody's. */
  leave(reason: unknown): void {
    this.breakDown(reason)
  }

  servicesOf(node: Node): Readonly<Record<string, unknown>> {
    return this.facts.servicesOf(node)
  }

  onceGeneration({ index }: Node): string {
    const empty = emptyScope(this.state.run(index))
    const asked = this.state.askedAgain(index)
    return asked === 0 ? `once${empty}` : `once${empty}.${asked}`
  }

  attemptOf(work: Work): number {
    return this.care.attemptOf(work)
  }

  signalOf(work: Work): AbortSignal {
    return this.care.signalOf(work)
  }

  /** Made for the first builder that needs it. */
  private get care(): Tries {
    return (this.tries ??= new Tries(this, this.facts.endurance))
  }

  /** Whether a builder is to be tried again after this scope. */
  get parked(): boolean {
    return this.tries !== undefined && this.tries.parked
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      const reason = this.abortReason ?? this.trouble?.error
      if (this.aborted !== undefined || reason !== undefined) this.controller.abort(reason)
    }
    return this.controller.signal
  }

  /** Whether a builder or the caller cut the scope short. */
  get failed(): boolean {
    return this.failure !== undefined || this.aborted !== undefined
  }

  get stopped(): boolean {
    return this.failed || this.trouble !== undefined
  }

  private giveUp(error: PolarisError, reason: unknown = error): void {
    if (this.ended || this.aborted !== undefined) return
    this.aborted = error
    this.abortReason = reason
    this.controller?.abort(reason)
    this.pumpLater()
  }

  /** Somebody cancels the instance, or it has had its time: running builders get the signal, and some time to end (P10). */
  cut(error: PolarisError): void {
    const { clock, patience } = this.facts
    if (this.ended || this.uncut !== undefined || clock === undefined) return
    this.uncut = after(clock, patience, () => this.cutOff())
    this.giveUp(error)
  }

  /** Ends the scope without the builders that did not heed their signal: what they still make is nobody's. */
  private cutOff(): void {
    this.active = 0
    this.held = undefined
    this.pumpLater()
  }

  /** {@link pump} where nobody is there to catch what it throws: that must not leave the scope hanging. */
  private pumpLater(): void {
    try {
      this.pump()
    } catch (error) {
      this.breakDown(error)
    }
  }

  /**
   * The store refused, or the engine's own work threw: nothing this scope does can be kept any more, so nobody waits for
   * its builders.
   */
  private breakDown(error: unknown): void {
    if (this.ended) return
    this.trouble = { error }
    this.controller?.abort(error)
    this.settle()
  }

  /** Starts whatever can start; ends the scope when nothing runs and nothing can. */
  private pump(): void {
    while (!this.ended) {
      if (this.stopped) this.dropWaiting()
      else this.startAll()
      if (this.active > 0) {
        if (this.journal === undefined || !this.commit(this.journal)) return
      } else if (this.stopped || this.parked || !this.scope.nextPass()) {
        this.settle()
      }
    }
  }

  private startAll(): void {
    const { journal } = this
    if (this.held !== undefined) this.startReleased(this.held, journal)
    while (this.active < this.limit && !this.failed) {
      const work = this.scope.next()
      if (work === undefined) return
      this.active++
      if (work.node.builder.compensate !== undefined) this.begins(work)
      if (journal?.holds(work) === true) (this.held ??= []).push(work)
      else this.start(work)
    }
  }

  /** Before a builder does what may have to be undone, it is written down that it may have. */
  private begins(work: Work): void {
    this.journal?.begin(this.recorder.begins(work, keyOf(this, work)), work.node)
  }

  private startReleased(held: readonly Work[], journal: Journal | undefined): void {
    this.held = undefined
    for (const work of held) {
      const waits = journal !== undefined && (journal.holds(work) || !journal.knows(work))
      if (this.stopped || waits) (this.held ??= []).push(work)
      else this.start(work)
    }
  }

  private dropWaiting(): void {
    this.tries?.stopWaiting()
    if (this.held === undefined) return
    this.active -= this.held.length
    this.held = undefined
  }

  /** Commits what others wait for, unless a commit is under way; says whether that is done already. */
  private commit(journal: Journal): boolean {
    if (journal.busy || (this.held === undefined && !journal.pressing)) return false
    try {
      const patch = this.patch()
      const done = journal.unsure ? journal.renew(patch.updatedAt) : journal.flush(patch)
      if (!isThenable(done)) return true
      this.follow(done)
      return false
    } catch (error) {
      this.breakDown(error)
      return true
    }
  }

  /** Goes on when a commit is done. */
  private follow(done: PromiseLike<void>): void {
    const goOn = (): void => {
      this.recorder.pause()
      if (this.journal?.cancelled === true) this.cut(cancelledMeanwhile(this.id))
      this.pumpLater()
    }
    done.then(goOn, (error: unknown) => this.breakDown(error))
  }

  /** What a commit says about the scope as it stands. Held until it ends, the lease decides when anybody else may look. */
  patch(): HeaderPatch {
    return this.patchOf('running', this.scope.pass, null)
  }

  /** What the last commit says. */
  lastPatch(status: HeaderPatch['status'], wakeAt: number | null): HeaderPatch {
    return this.patchOf(status, 0, wakeAt)
  }

  private patchOf(status: HeaderPatch['status'], pass: number, wakeAt: number | null): HeaderPatch {
    return {
      status,
      scope: this.scope.number,
      pass,
      mode: this.facts.mode,
      settled: this.state.settled,
      rows: this.state.newest,
      updatedAt: this.recorder.start(),
      wakeAt,
    }
  }

  private announce(builder: AnyBuilder, before: NonNullable<Hooks['before']>): void {
    const { hooks, delta, mode } = this.facts
    const seen = delta.map((datum) => shown(this.state, datum))
    callHook(hooks, 'before', builder, seen, hookInfo(this, mode), before)
  }

  private start(given: Work): void {
    const { builder, care } = given.node
    const work = care === undefined ? given : this.care.admit(given)
    if (work === undefined) return
    const { before } = this.facts.hooks
    if (before !== undefined) this.announce(builder, before)
    work.start(this, this.recorder.startAfter())
    let made: unknown
    try {
      made = this.told === undefined ? builder.process(work.input, work) : callTold(this.told, this.scope, work)
      // In here, since what was returned may throw as soon as it is looked at.
      if (isThenable(made)) {
        this.wait(work, made)
        return
      }
    } catch (error) {
      this.threw(work, error)
      return
    }
    if (care !== undefined && this.care.isLate(work)) this.outlasted(work)
    else this.made(work, made)
  }

  /** Starts a builder again whose wait is over. It waits until its last try is durable, so that a crash cannot add to them. */
  again(work: Work): void {
    if (this.ended) return
    this.recorder.pause()
    ;(this.held ??= []).push(work)
    this.pumpLater()
  }

  standIn(work: Work, startedAfter: number, error: unknown, fallback: NonNullable<AnyBuilder['fallback']>): void {
    work.start(this, startedAfter)
    this.wait(work, new Promise((resolve) => resolve(fallback(error, work.input, work))))
  }

  leaves(): void {
    this.active--
  }

  late(work: Work): void {
    this.goOn(OUTLASTED, work, undefined)
  }

  private wait(work: Work, made: PromiseLike<unknown>): void {
    if (work.node.care !== undefined) this.care.watch(work)
    this.waitFor(MADE, work, made)
  }

  private waitFor(reached: Reached, work: Work, answer: PromiseLike<unknown>): void {
    this.waits ??= new Waits(this)
    this.waits.add(reached, work, answer)
  }

  /** Goes on after a wait. Nobody catches what is thrown here, and it must not leave the scope hanging. */
  goOn(reached: Reached, work: Work, value: unknown): void {
    if (this.ended || (this.tries !== undefined && this.tries.isOver(work))) return
    try {
      this.recorder.pause()
      if (reached === MADE) this.made(work, value)
      else if (reached === ACCEPTED) this.accepted(work, value as Accepted | Refusal)
      else if (reached === THREW) this.threw(work, value)
      else this.outlasted(work)
      this.pump()
    } catch (error) {
      this.breakDown(error)
    }
  }

  private made(work: Work, made: unknown): void {
    const step = this.facts.program.steps[work.node.index] as Step
    const { transient } = this.state.graph.slots[work.node.out] as Slot
    let plain = false
    let accepted: Awaitable<Accepted | Refusal> | undefined
    try {
      if (made instanceof Nothing || made instanceof WaitFor) accepted = answerProblem(step, made)
      else if (takePlain(step, made, transient, this.facts.form)) plain = true
      else accepted = acceptProduct(step, made, transient, this.facts.form)
    } catch (error) {
      this.threw(work, error)
      return
    }
    if (plain) {
      this.recorder.produced(work, made, made, false, this.noteOf(work))
      this.done(work, 'produced')
    } else if (accepted === undefined) {
      this.recorder.empty(work, made as Nothing | WaitFor, this.noteOf(work))
      this.done(work, made instanceof WaitFor ? 'waitFor' : 'nothing')
    } else if (isThenable(accepted)) this.waitFor(ACCEPTED, work, accepted)
    else this.accepted(work, accepted)
  }

  private accepted(work: Work, accepted: Accepted | Refusal): void {
    if (Refusal.is(accepted)) {
      this.fails(work, invalidProduct(this.id, work.node, this.state.graph, accepted))
      return
    }
    this.recorder.produced(work, accepted.value, accepted.stored, accepted.bytes, this.noteOf(work))
    this.done(work, 'produced')
  }

  /** What the row of a run that came to its end says about how it did. */
  private noteOf(work: Work): RowNote | null {
    return work.node.care === undefined ? null : this.care.ends(work)
  }

  private outlasted(work: Work): void {
    this.fails(work, tookTooLong(this.id, work.node, this.state.graph))
  }

  private threw(work: Work, error: unknown): void {
    this.fails(work, threwUp(this.id, work.node, this.state.graph, error))
  }

  private done(work: Work, outcome: 'produced' | 'nothing' | 'waitFor'): void {
    this.active--
    if (this.told !== undefined) this.told.builderEnded(work, { outcome })
    const { hooks } = this.facts
    if (hooks.after === undefined) return
    const product = outcome === 'produced' ? shown(this.state, this.recorder.newest()) : undefined
    callHook(hooks, 'after', work.node.builder, product, hookInfo(this, this.facts.mode), hooks.after)
  }

  /** What a builder throws once the caller has given up is part of that, and not why the call fails. */
  private fails(work: Work, given: Failure): void {
    if (this.told !== undefined) this.told.builderEnded(work, failureTold(given))
    const failure = work.node.care === undefined ? given : this.care.faces(work, given)
    if (failure === undefined) return
    const { attempt } = failure
    const error = rowError(failure)
    const note = attempt === undefined ? { error } : { error, attempt }
    this.active--
    if (this.aborted === undefined && work.node.care?.taken === true) {
      this.recorder.settled(work, note)
      return
    }
    this.recorder.failed(work, note)
    if (this.aborted === undefined) this.failure ??= failure
  }
}
