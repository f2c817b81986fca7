import type { Datum } from '../graph/data.ts'
import { PolarisError } from '../graph/errors.ts'
import type { Node, Slot } from '../graph/graph.ts'
import { Nothing, WaitFor } from '../graph/outcome.ts'
import type { Awaitable, Mode, Row, RowNote, RowOutcome } from '../stores/contract.ts'
import { isThenable } from './awaitable.ts'
import type { Clock } from './clock.ts'
import { Context } from './context.ts'
import type { ScopeContext } from './context.ts'
import { callHook } from './hooks.ts'
import type { HookInfo, Hooks } from './hooks.ts'
import { acceptProduct, answerProblem, describeRefusal, messageOf, Refusal } from './intake.ts'
import type { Accepted, Form } from './intake.ts'
import type { HeaderPatch, Journal } from './journal.ts'
import type { Program, Step } from './program.ts'
import type { ProducedDatum } from './result.ts'
import type { Scope, Work } from './scope.ts'
import type { State } from './state.ts'

/** Why a scope ended before its time. */
export interface Failure {
  readonly code: 'BUILDER_FAILED' | 'PRODUCT_INVALID'
  readonly node: Node
  readonly cause: unknown
  readonly message: string
}

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
 * Drives one scope: asks {@link Scope} what to run, runs it, tells it what came of it. The only place where builders are
 * awaited; those that return plainly are not. One that is told to wait for a commit counts as running.
 */
export class ScopeRun implements ScopeContext {
  readonly id: string
  readonly incarnation: string
  readonly meta: Readonly<Record<string, unknown>>
  readonly produced: ProducedDatum[] = []
  failure: Failure | undefined
  private readonly facts: ScopeRunFacts
  private readonly scope: Scope
  private readonly state: State
  private readonly journal: Journal | undefined
  private readonly info: HookInfo | undefined
  private readonly limit: number
  private active = 0
  private held: Work[] = []
  private supplied: number[] = []
  private controller: AbortController | undefined
  private abort: { readonly reason: unknown } | undefined
  private trouble: { readonly error: unknown } | undefined
  private settle: (() => void) | undefined
  private ended = false
  private time = 0

  constructor(facts: ScopeRunFacts) {
    this.facts = facts
    this.id = facts.id
    this.incarnation = facts.incarnation
    this.meta = facts.meta
    this.scope = facts.scope
    this.state = facts.scope.state
    this.journal = facts.journal
    this.limit = facts.limit
    const { before, after } = facts.hooks
    this.info = before === undefined && after === undefined ? undefined : this.hookInfo()
  }

  /**
   * Runs until nothing can run. A builder's throw is kept in `failure`.
   *
   * @throws what the store threw, `LEASE_LOST`, or `ABORTED`
   */
  run(): Awaitable<void> {
    const { signal } = this.facts
    const onAbort = (): void => this.stopFor(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.pump()
    if (this.ended) {
      signal?.removeEventListener('abort', onAbort)
      return this.outcome()
    }
    return new Promise<void>((resolve) => (this.settle = resolve)).then(() => {
      signal?.removeEventListener('abort', onAbort)
      this.outcome()
    })
  }

  private outcome(): void {
    if (this.trouble !== undefined) throw this.trouble.error
  }

  /** Set when the caller's signal ended the scope. */
  get aborted(): { readonly reason: unknown } | undefined {
    return this.abort
  }

  /** Drops what is not stored, once the result has been photographed. */
  forgetTransients(fed: readonly number[]): void {
    const { graph, values } = this.state
    for (const { slot } of this.produced) if ((graph.slots[slot] as Slot).transient) values.set(slot, undefined)
    for (const slot of this.supplied) values.set(slot, undefined)
    for (const slot of fed) if ((graph.slots[slot] as Slot).transient) values.set(slot, undefined)
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
      if (this.abort !== undefined) this.controller.abort(this.abort.reason)
      else if (this.trouble !== undefined) this.controller.abort(this.trouble.error)
    }
    return this.controller.signal
  }

  private get stopped(): boolean {
    return this.failure !== undefined || this.abort !== undefined || this.trouble !== undefined
  }

  private stopFor(reason: unknown): void {
    if (this.ended) return
    this.abort = { reason }
    this.controller?.abort(reason)
    this.pump()
  }

  /** Starts whatever can start; ends the scope when nothing runs and nothing can. */
  private pump(): void {
    for (;;) {
      if (this.ended) return
      if (!this.stopped) this.startAll()
      else this.dropHeld()
      const { journal } = this
      if (journal !== undefined && this.trouble === undefined && this.active > 0 && !journal.busy) {
        if (this.held.length > 0 || journal.pressing) {
          const flushed = this.flush(journal)
          if (flushed) continue
        }
      }
      if (this.active > 0) return
      if (!this.stopped && this.scope.nextPass()) continue
      this.ended = true
      this.settle?.()
      return
    }
  }

  private startAll(): void {
    const { journal } = this
    if (this.held.length > 0 && journal !== undefined) this.startReleased(journal)
    while (this.active < this.limit && !this.stopped) {
      const work = this.scope.next()
      if (work === undefined) return
      this.active++
      if (journal?.holds(work) === true) this.held.push(work)
      else this.start(work)
    }
  }

  private startReleased(journal: Journal): void {
    const { held } = this
    this.held = []
    for (const work of held) {
      if (this.stopped || journal.holds(work)) this.held.push(work)
      else this.start(work)
    }
  }

  private dropHeld(): void {
    this.active -= this.held.length
    this.held = []
  }

  /** Commits what there is; says whether it is done already. */
  private flush(journal: Journal): boolean {
    try {
      const done = journal.flush(this.patch())
      if (!isThenable(done)) return true
      done.then(
        () => {
          this.time = 0
          this.pump()
        },
        (error: unknown) => this.giveUp(error),
      )
      return false
    } catch (error) {
      this.giveUp(error)
      return true
    }
  }

  /** The store refused: nothing this scope does can be kept any more, so nobody waits for its builders. */
  private giveUp(error: unknown): void {
    if (this.ended) return
    this.trouble = { error }
    this.controller?.abort(error)
    this.ended = true
    this.settle?.()
  }

  patch(): HeaderPatch {
    return {
      status: 'running',
      scope: this.scope.number,
      pass: this.scope.pass,
      mode: this.facts.mode,
      settled: this.state.settled,
      rows: this.state.newest,
      updatedAt: this.now(),
    }
  }

  private now(): number {
    return this.facts.clock === undefined ? 0 : this.facts.clock.now()
  }

  private start(work: Work): void {
    const { builder } = work.node
    const { before } = this.facts.hooks
    if (before !== undefined)
      callHook(this.facts.hooks, 'before', builder, this.facts.delta, this.currentInfo(), before)
    // A builder begins when the one before it ended: the clock, 70 ns a look, is read again only after a pause.
    const startedAt = this.time === 0 ? this.now() : this.time
    this.time = startedAt
    let made: unknown
    try {
      made = builder.process(work.input, new Context(this, work) as never)
    } catch (error) {
      this.threw(work, error, startedAt)
      return
    }
    if (!isThenable(made)) {
      this.made(work, made, startedAt)
      return
    }
    this.wait(work, made, startedAt)
  }

  private wait(work: Work, made: PromiseLike<unknown>, startedAt: number): void {
    // A foreign thenable may answer at once, twice or throw: a promise of our own makes it behave.
    const promise = made instanceof Promise ? made : Promise.resolve(made)
    promise.then(
      (value: unknown) => {
        if (this.ended) return
        this.made(work, value, startedAt)
        this.pump()
      },
      (error: unknown) => {
        if (this.ended) return
        this.threw(work, error, startedAt)
        this.pump()
      },
    )
  }

  private made(work: Work, made: unknown, startedAt: number): void {
    const step = this.facts.program.steps[work.node.index] as Step
    if (made instanceof Nothing || made instanceof WaitFor) {
      this.answered(work, step, made, startedAt)
      return
    }
    const slot = this.state.graph.slots[work.node.out] as Slot
    const accepted = acceptProduct(step, made, slot.transient, this.facts.form)
    if (!isThenable(accepted)) {
      this.accepted(work, step, accepted, startedAt)
      return
    }
    accepted.then(
      (checked) => {
        if (this.ended) return
        this.accepted(work, step, checked, startedAt)
        this.pump()
      },
      (error: unknown) => this.giveUp(error),
    )
  }

  private answered(work: Work, step: Step, answer: Nothing | WaitFor, startedAt: number): void {
    const problem = answerProblem(step, answer)
    if (problem !== undefined) {
      this.refused(work, problem, startedAt)
      return
    }
    const awaits = answer instanceof WaitFor ? answer.data.name : undefined
    const note: RowNote | null =
      awaits === undefined && answer.because === undefined
        ? null
        : {
            ...(awaits !== undefined && { awaits }),
            ...(answer.because !== undefined && { because: String(answer.because) }),
          }
    const outcome = awaits === undefined ? 'nothing' : 'waitFor'
    const row = this.row(work, outcome, work.supply ? step.supplied : step.empty, null, undefined, startedAt, note)
    if (!work.supply) this.state.runs.set(work.node.index, row)
    this.journal?.add(row, !work.node.builder.pure)
    this.done(work, outcome, undefined)
  }

  private accepted(work: Work, step: Step, accepted: Accepted | Refusal, startedAt: number): void {
    if (accepted instanceof Refusal) {
      this.refused(work, accepted, startedAt)
      return
    }
    const { out } = work.node
    const { name } = this.state.graph.slots[out] as Slot
    const { value, stored } = accepted
    const datum: ProducedDatum = { slot: out, name, value }
    if (work.supply) {
      const row = this.row(work, 'supplied', step.supplied, name, undefined, startedAt, null)
      this.journal?.add(row, false)
      this.state.protect(out, value)
      this.state.values.set(out, value)
      this.supplied.push(out)
    } else {
      const row = this.row(work, 'produced', step.produced, name, stored, startedAt, null)
      this.journal?.add(row, !work.node.builder.pure)
      this.scope.replacing(out)
      this.state.protect(out, value)
      this.state.setDatum(out, value, row)
      this.state.runs.set(work.node.index, row)
    }
    this.produced.push(datum)
    this.done(work, work.supply ? 'supplied' : 'produced', datum)
  }

  private done(work: Work, outcome: RowOutcome, datum: ProducedDatum | undefined): void {
    this.active--
    this.scope.finish(work, outcome)
    const { after } = this.facts.hooks
    if (after !== undefined) callHook(this.facts.hooks, 'after', work.node.builder, datum, this.currentInfo(), after)
  }

  private refused(work: Work, refusal: Refusal, startedAt: number): void {
    const { name } = this.state.graph.slots[work.node.out] as Slot
    const message =
      `Builder '${work.node.name}' of '${this.state.graph.name}' (${this.id}) returned no valid ${name}: ` +
      `${describeRefusal(refusal)}. What was produced before is kept; the builder runs again with the next call or resume.`
    this.fails(
      work,
      { code: 'PRODUCT_INVALID', node: work.node, cause: refusal.cause ?? refusal.issues, message },
      startedAt,
    )
  }

  private threw(work: Work, error: unknown, startedAt: number): void {
    const message =
      `Builder '${work.node.name}' of '${this.state.graph.name}' (${this.id}) threw: ${messageOf(error)}. ` +
      'What was produced before is kept; the builder runs again with the next call or resume.'
    this.fails(work, { code: 'BUILDER_FAILED', node: work.node, cause: error, message }, startedAt)
  }

  private fails(work: Work, failure: Failure, startedAt: number): void {
    const step = this.facts.program.steps[work.node.index] as Step
    const row = this.row(work, 'failed', step.failed, null, undefined, startedAt, { error: describeError(failure) })
    this.journal?.add(row, false)
    this.failure ??= failure
    this.active--
    this.scope.fail(work)
  }

  private row(
    { node, inputs }: Work,
    outcome: RowOutcome,
    place: string,
    data: string | null,
    value: unknown,
    startedAt: number,
    note: RowNote | null,
  ): Row {
    const endedAt = this.now()
    this.time = endedAt
    return {
      seq: ++this.state.newest,
      place,
      scope: this.scope.number,
      pass: this.scope.pass,
      builder: node.name,
      data,
      outcome,
      value,
      inputs,
      startedAt,
      endedAt,
      note,
    }
  }

  private currentInfo(): HookInfo {
    const { info } = this
    return info !== undefined && info.pass === this.scope.pass ? info : this.hookInfo()
  }

  private hookInfo(): HookInfo {
    const { id, meta, facts } = this
    const { name, version } = facts.scope.graph
    return { id, workflow: name, version, scope: facts.scope.number, pass: facts.scope.pass, mode: facts.mode, meta }
  }
}

function describeError({ cause, code, message }: Failure): NonNullable<RowNote['error']> {
  if (code === 'PRODUCT_INVALID') return { name: 'PolarisError', code, message }
  if (!(cause instanceof Error)) return { name: 'Thrown', message: messageOf(cause) }
  const given: unknown = (cause as { code?: unknown }).code
  return {
    name: String(cause.name),
    message: String(cause.message),
    ...(typeof given === 'string' && { code: given }),
    ...(typeof cause.stack === 'string' && { stack: cause.stack }),
  }
}

export function abortedError(id: string, reason: unknown): PolarisError {
  return new PolarisError(
    'ABORTED',
    `The caller gave up on '${id}': ${messageOf(reason)}. What was produced before is kept; resume goes on from there.`,
    { cause: reason },
  )
}
