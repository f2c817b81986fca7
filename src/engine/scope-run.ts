import type { Datum } from '../graph/data.ts'
import { PolarisError } from '../graph/errors.ts'
import type { Node, Slot } from '../graph/graph.ts'
import { Nothing, WaitFor } from '../graph/outcome.ts'
import type { Awaitable, Mode } from '../stores/contract.ts'
import { isThenable } from './awaitable.ts'
import type { Clock } from './clock.ts'
import { Context } from './context.ts'
import type { ScopeContext } from './context.ts'
import { invalidProduct, messageOf, rowError, threwUp } from './failure.ts'
import type { Failure } from './failure.ts'
import { callHook } from './hooks.ts'
import type { HookInfo, Hooks } from './hooks.ts'
import { acceptProduct, answerProblem, Refusal } from './intake.ts'
import type { Accepted, Form } from './intake.ts'
import type { HeaderPatch, Journal } from './journal.ts'
import type { Program, Step } from './program.ts'
import { Recorder } from './recorder.ts'
import type { Scope, Work } from './scope.ts'
import type { State } from './state.ts'

export interface ScopeRunFacts {
  readonly program: Program
  readonly scope: Scope
  readonly mode: Mode
  /** At most so many builders at once. */
  readonly limit: number
  readonly hooks: Hooks
  readonly delta: readonly Datum[]
  readonly id: string
  readonly incarnation: string
  readonly meta: Readonly<Record<string, unknown>>
  /** The caller's. */
  readonly signal: AbortSignal | undefined
  readonly servicesOf: (node: Node) => Readonly<Record<string, unknown>>
  readonly form: Form
  /** Absent in `compute`: nothing is kept, and nobody will ask when. */
  readonly journal: Journal | undefined
  readonly clock: Clock | undefined
}

/**
 * Drives one scope: asks {@link Scope} what to run, runs it, has what came of it recorded. The only place where builders
 * are awaited; those that return plainly are not. One that has to wait for a commit counts as running.
 */
export class ScopeRun implements ScopeContext {
  readonly id: string
  readonly incarnation: string
  readonly meta: Readonly<Record<string, unknown>>
  readonly recorder: Recorder
  failure: Failure | undefined
  /** Set when the caller's signal ended the scope. */
  aborted: { readonly reason: unknown } | undefined
  private readonly facts: ScopeRunFacts
  private readonly scope: Scope
  private readonly state: State
  private readonly journal: Journal | undefined
  private readonly limit: number
  private active = 0
  private held: Work[] | undefined
  private controller: AbortController | undefined
  /** What the store threw: nothing can be kept any more. */
  private trouble: { readonly error: unknown } | undefined
  private settle: (() => void) | undefined
  private ended = false

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
    this.recorder = new Recorder(facts.program, facts.scope, facts.journal, facts.clock, coarse)
  }

  /**
   * Runs until nothing can run. A builder's throw is kept in `failure`, the caller's giving up in `aborted`.
   *
   * @throws what the store threw, `LEASE_LOST`
   */
  run(): Awaitable<void> {
    const { signal } = this.facts
    const onAbort = signal === undefined ? undefined : (): void => this.giveUp(signal.reason)
    if (onAbort !== undefined) signal?.addEventListener('abort', onAbort, { once: true })
    this.pump()
    if (this.ended) return this.end(onAbort)
    return new Promise<void>((resolve) => (this.settle = resolve)).then(() => this.end(onAbort))
  }

  private end(onAbort: (() => void) | undefined): void {
    if (onAbort !== undefined) this.facts.signal?.removeEventListener('abort', onAbort)
    this.scope.release()
    if (this.trouble !== undefined) throw this.trouble.error
  }

  servicesOf(node: Node): Readonly<Record<string, unknown>> {
    return this.facts.servicesOf(node)
  }

  emptyRunOf(node: Node): number {
    const run = this.state.runs.get(node.index)
    return run === undefined || run.outcome === 'produced' ? 0 : run.scope
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      const reason = this.aborted ?? (this.trouble === undefined ? undefined : { reason: this.trouble.error })
      if (reason !== undefined) this.controller.abort(reason.reason)
    }
    return this.controller.signal
  }

  private get stopped(): boolean {
    return this.failure !== undefined || this.aborted !== undefined || this.trouble !== undefined
  }

  private giveUp(reason: unknown): void {
    if (this.ended) return
    this.aborted = { reason }
    this.controller?.abort(reason)
    this.pump()
  }

  /** The store refused: nothing this scope does can be kept any more, so nobody waits for its builders. */
  private storeFailed(error: unknown): void {
    if (this.ended) return
    this.trouble = { error }
    this.controller?.abort(error)
    this.ended = true
    this.settle?.()
  }

  /** Starts whatever can start; ends the scope when nothing runs and nothing can. */
  private pump(): void {
    while (!this.ended) {
      if (this.stopped) this.dropHeld()
      else this.startAll()
      if (this.active > 0) {
        if (this.journal === undefined || !this.commit(this.journal)) return
      } else if (this.stopped || !this.scope.nextPass()) {
        this.ended = true
        this.settle?.()
      }
    }
  }

  private startAll(): void {
    const { journal } = this
    if (this.held !== undefined && journal !== undefined) this.startReleased(this.held, journal)
    while (this.active < this.limit && this.failure === undefined) {
      const work = this.scope.next()
      if (work === undefined) return
      this.active++
      if (journal?.holds(work) === true) (this.held ??= []).push(work)
      else this.start(work)
    }
  }

  private startReleased(held: readonly Work[], journal: Journal): void {
    this.held = undefined
    for (const work of held) {
      if (this.stopped || journal.holds(work)) (this.held ??= []).push(work)
      else this.start(work)
    }
  }

  private dropHeld(): void {
    if (this.held === undefined) return
    this.active -= this.held.length
    this.held = undefined
  }

  /** Commits what others wait for, unless a commit is under way; says whether that is done already. */
  private commit(journal: Journal): boolean {
    if (journal.busy || (this.held === undefined && !journal.pressing)) return false
    try {
      const done = journal.flush(this.patch())
      if (!isThenable(done)) return true
      done.then(
        () => {
          this.recorder.pause()
          this.pump()
        },
        (error: unknown) => this.storeFailed(error),
      )
      return false
    } catch (error) {
      this.storeFailed(error)
      return true
    }
  }

  /** What a commit says about the scope as it stands. */
  patch(): HeaderPatch {
    return {
      status: 'running',
      scope: this.scope.number,
      pass: this.scope.pass,
      mode: this.facts.mode,
      settled: this.state.settled,
      rows: this.state.newest,
      updatedAt: this.recorder.start(),
    }
  }

  private start(work: Work): void {
    const { builder } = work.node
    const { hooks, delta } = this.facts
    if (hooks.before !== undefined) callHook(hooks, 'before', builder, delta, this.info(), hooks.before)
    const startedAt = this.recorder.start()
    let made: unknown
    try {
      made = builder.process(work.input, new Context(this, work))
    } catch (error) {
      this.fails(work, threwUp(this.id, work.node, this.state.graph, error), startedAt)
      return
    }
    if (isThenable(made)) this.wait(work, made, startedAt)
    else this.made(work, made, startedAt)
  }

  private wait(work: Work, made: PromiseLike<unknown>, startedAt: number): void {
    // A foreign thenable may answer at once, twice or throw: a promise of our own makes it behave.
    const promise = made instanceof Promise ? made : Promise.resolve(made)
    promise.then(
      (value: unknown) => {
        if (this.ended) return
        this.recorder.pause()
        this.made(work, value, startedAt)
        this.pump()
      },
      (error: unknown) => {
        if (this.ended) return
        this.recorder.pause()
        this.fails(work, threwUp(this.id, work.node, this.state.graph, error), startedAt)
        this.pump()
      },
    )
  }

  private made(work: Work, made: unknown, startedAt: number): void {
    const step = this.facts.program.steps[work.node.index] as Step
    if (made instanceof Nothing || made instanceof WaitFor) {
      const problem = answerProblem(step, made)
      if (problem === undefined) {
        this.recorder.empty(work, made, startedAt)
        this.done(work, false)
      } else this.fails(work, invalidProduct(this.id, work.node, this.state.graph, problem), startedAt)
      return
    }
    const { transient } = this.state.graph.slots[work.node.out] as Slot
    const accepted = acceptProduct(step, made, transient, this.facts.form)
    if (!isThenable(accepted)) {
      this.accepted(work, accepted, startedAt)
      return
    }
    accepted.then(
      (checked) => {
        if (this.ended) return
        this.recorder.pause()
        this.accepted(work, checked, startedAt)
        this.pump()
      },
      (error: unknown) => this.storeFailed(error),
    )
  }

  private accepted(work: Work, accepted: Accepted | Refusal, startedAt: number): void {
    if (accepted instanceof Refusal) {
      this.fails(work, invalidProduct(this.id, work.node, this.state.graph, accepted), startedAt)
      return
    }
    this.recorder.produced(work, accepted, startedAt)
    this.done(work, true)
  }

  private done({ node }: Work, produced: boolean): void {
    this.active--
    const { hooks } = this.facts
    if (hooks.after === undefined) return
    callHook(hooks, 'after', node.builder, produced ? this.recorder.newest() : undefined, this.info(), hooks.after)
  }

  private fails(work: Work, failure: Failure, startedAt: number): void {
    this.recorder.failed(work, rowError(failure), startedAt)
    this.failure ??= failure
    this.active--
  }

  private info(): HookInfo {
    const { id, meta, scope, facts } = this
    const { name, version } = scope.graph
    return { id, workflow: name, version, scope: scope.number, pass: scope.pass, mode: facts.mode, meta }
  }
}

/** What a call that its caller gave up rejects with. */
export function abortedError(id: string, reason: unknown): PolarisError {
  return new PolarisError(
    'ABORTED',
    `The caller gave up on '${id}': ${messageOf(reason)}. What was produced before is kept; resume goes on from there.`,
    { cause: reason },
  )
}
