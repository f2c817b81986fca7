import type { Datum } from '../graph/data.ts'
import type { Slot } from '../graph/graph.ts'
import type { AnyWorkflow } from '../graph/workflow.ts'
import { decode } from '../stores/codec.ts'
import type { Awaitable, DataStore, Header, Mode, Snapshot } from '../stores/contract.ts'
import { isThenable } from './awaitable.ts'
import { BuilderError } from './builder-error.ts'
import type { Clock } from './clock.ts'
import { Committer } from './committer.ts'
import { NO_META } from './context.ts'
import { answerOf, endingOf } from './ending.ts'
import { freezeDeep } from './freeze.ts'
import type { Hooks } from './hooks.ts'
import { acceptDelta } from './intake.ts'
import type { AcceptedDatum, Form } from './intake.ts'
import { Journal, Overtaken } from './journal.ts'
import { CALL } from './program.ts'
import { fedSlots, heldBefore, keepProduced } from './recovery.ts'
import {
  checkExpectation,
  checkId,
  closed,
  gaveUp,
  overtaken,
  refuseTransientTarget,
  versionChanged,
} from './refusals.ts'
import type { Registry, Served } from './registry.ts'
import { ScopeResult } from './result.ts'
import { callRow, feed } from './rows.ts'
import { needsHistory, Scope } from './scope.ts'
import { ScopeRun } from './scope-run.ts'
import { loadState, State } from './state.ts'
import { Turns } from './turns.ts'
import { completedTarget } from './verdict.ts'

/** What one call on an instance wants. */
export interface Call {
  readonly workflow: AnyWorkflow | string
  readonly id: string
  readonly delta: readonly Datum[]
  readonly mode: Mode
  readonly limit: number
  readonly hooks: Hooks
  /** Goes on with what is there: refused for an instance that does not exist, and content with an interrupted scope. */
  readonly resume: boolean
  readonly expect: 'new' | 'existing' | undefined
  readonly meta: Readonly<Record<string, unknown>> | undefined
  readonly signal: AbortSignal | undefined
}

/** An instance kept at hand, so that its next scope starts without a read. */
interface Warm {
  readonly served: Served
  readonly state: State
  header: Header | undefined
  /** What the open scope's caller said about itself. */
  readonly meta: Readonly<Record<string, unknown>>
}

export interface InstancesFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly clock: Clock
  /** Makes incarnations and commit tokens. */
  readonly ids: () => string
  /** At most so many instances are kept at hand. */
  readonly warm: number
}

const NO_TOKEN = (): string => ''

/** So often may another process get in between a read and the first commit before the call gives up. */
const ATTEMPTS = 20

/** Moves instances on: one call at a time each, whatever runs in between. */
export class Instances {
  private readonly facts: InstancesFacts
  private readonly form: Form
  private readonly decode: (stored: unknown) => unknown
  private readonly committer: Committer
  private readonly turns = new Turns()
  private closed = false
  private readonly warm = new Map<string, Warm>()
  private oldest: IterableIterator<string> | undefined

  constructor(facts: InstancesFacts) {
    this.facts = facts
    this.form = facts.store.capabilities.values
    this.decode = this.form === 'text' ? (stored) => decode(stored as string) : (stored) => stored
    this.committer = new Committer(facts.store)
  }

  /** Refuses further calls; resolves once none is under way any more. */
  close(): Promise<void> {
    this.closed = true
    return this.turns.idle()
  }

  async run(call: Call): Promise<ScopeResult> {
    if (this.closed) throw closed()
    const { name } = this.facts.registry.find(call.workflow).program.graph
    checkId(call.id)
    const turn = this.turns.take(call.id)
    if (turn !== undefined) await turn
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          const result = this.runOnce(call, name)
          return isThenable(result) ? await result : result
        } catch (error) {
          if (!(error instanceof BuilderError)) this.warm.delete(call.id)
          if (!(error instanceof Overtaken)) throw error
          if (attempt === ATTEMPTS) throw overtaken(call.id)
        }
      }
    } finally {
      this.turns.pass(call.id)
    }
  }

  private runOnce(call: Call, name: string): Awaitable<ScopeResult> {
    const warm = this.warm.get(call.id)
    return warm === undefined ? this.runCold(call, name) : this.runOn(call, name, warm)
  }

  private runCold(call: Call, name: string): Awaitable<ScopeResult> {
    const read = this.facts.store.read(call.id)
    return isThenable(read)
      ? read.then((snapshot) => this.runRead(call, name, snapshot))
      : this.runRead(call, name, read)
  }

  private runRead(call: Call, name: string, snapshot: Snapshot | undefined): Awaitable<ScopeResult> {
    return this.runOn(call, name, snapshot === undefined ? undefined : this.load(snapshot))
  }

  private load({ header, rows }: Snapshot): Warm {
    const served = this.facts.registry.serving(header.id, header.workflow, header.version)
    if (served.workflow.plan.fingerprint !== header.fingerprint) throw versionChanged(header)
    const state = loadState(served.program.graph, header.settled, rows, this.decode)
    state.newest = header.rows
    const call = rows.find(({ place, scope }) => place === CALL && scope === header.scope)
    const meta = call?.note?.meta ?? NO_META
    freezeDeep(meta)
    return { served, state, header, meta }
  }

  private runOn(call: Call, name: string, warm: Warm | undefined): Awaitable<ScopeResult> {
    checkExpectation(call, name, warm?.header)
    const served = warm?.served ?? this.facts.registry.find(name)
    refuseTransientTarget(served.program.graph)
    const accepted = acceptDelta(served.program, call.delta, this.form)
    if (!isThenable(accepted)) return this.runAccepted(call, served, warm, accepted)
    return accepted.then((delta) => this.runAccepted(call, served, warm, delta))
  }

  private runAccepted(
    call: Call,
    served: Served,
    warm: Warm | undefined,
    delta: readonly AcceptedDatum[],
  ): Awaitable<ScopeResult> {
    if (call.signal?.aborted === true) {
      throw gaveUp(call.id, call.signal.reason)
    }
    if (warm?.header === undefined) {
      const fresh: Warm = { served, state: new State(served.program.graph), header: undefined, meta: NO_META }
      return this.runScope(call, fresh, delta)
    }
    if (warm.header.pass === 0) return this.runScope(call, warm, delta)
    return this.runInterrupted(call, warm, warm.header).then((result) =>
      call.resume ? result : this.runScope(call, warm, delta),
    )
  }

  /** Finishes, alone, a scope that a crash cut short. Its own caller is gone: unless this call resumes, its throw is nobody's. */
  private async runInterrupted(call: Call, warm: Warm, header: Header): Promise<ScopeResult> {
    const { state } = warm
    const scope = new Scope(state, header.scope)
    const looked = needsHistory(state, header.scope, header.pass)
    scope.recover(header.pass, await heldBefore(this.facts.store, state, header, looked, this.decode))
    const journal = this.journal(warm, header, header.rows)
    const fed = fedSlots(state, header.scope)
    const delta = fed.map((slot) => ({ name: (state.graph.slots[slot] as Slot).name, value: state.values.get(slot) }))
    const run = this.scopeRun({ ...call, mode: header.mode, delta, meta: warm.meta }, warm, scope, journal)
    keepProduced(state, scope, run.recorder)
    const running = run.run()
    if (isThenable(running)) await running
    try {
      const finished = this.finish(call, warm, scope, run, journal, fed)
      return isThenable(finished) ? await finished : finished
    } catch (error) {
      if (error instanceof BuilderError && !call.resume) return error.result as unknown as ScopeResult
      throw error
    }
  }

  private runScope(call: Call, warm: Warm, delta: readonly AcceptedDatum[]): Awaitable<ScopeResult> {
    const { state, header } = warm
    const number = (header?.scope ?? 0) + 1
    const now = this.facts.clock.now()
    const draft = header ?? this.draft(call.id, warm.served, now)
    const journal = this.journal(warm, draft, -1)
    if (call.meta !== undefined) journal.add(callRow(state, number, now, call.meta))
    for (const datum of delta) journal.add(feed(state, number, now, datum))
    const scope = new Scope(state, number)
    scope.begin()
    if (
      header !== undefined &&
      delta.length === 0 &&
      scope.idle &&
      header.status !== 'failed' &&
      call.meta === undefined
    ) {
      scope.release()
      return this.untouched(warm, header)
    }
    const run = this.scopeRun(call, warm, scope, journal)
    const fed = delta.map(({ intake }) => intake.slot.index)
    const running = run.run()
    if (!isThenable(running)) return this.finish(call, warm, scope, run, journal, fed)
    return running.then(() => this.finish(call, warm, scope, run, journal, fed))
  }

  /** A call that brings nothing and finds nothing due leaves no trace. */
  private untouched(warm: Warm, header: Header): ScopeResult {
    const { state } = warm
    const target = completedTarget(state, header.scope, [])
    this.keep(header.id, warm)
    return new ScopeResult({
      id: header.id,
      scope: header.scope,
      state: state.snapshot(target !== undefined),
      slots: [],
      values: [],
      status: target === undefined ? 'waiting' : 'completed',
      target,
      lost: undefined,
    })
  }

  private scopeRun(
    call: Pick<Call, 'mode' | 'limit' | 'hooks' | 'delta' | 'id' | 'meta' | 'signal'>,
    { served }: Warm,
    scope: Scope,
    journal: Journal,
  ): ScopeRun {
    return new ScopeRun({
      program: served.program,
      scope,
      mode: call.mode,
      limit: call.mode === 'sequential' ? 1 : call.limit,
      hooks: call.hooks,
      delta: call.delta,
      id: call.id,
      incarnation: journal.incarnation,
      meta: call.meta ?? NO_META,
      signal: call.signal,
      servicesOf: served.servicesOf,
      form: this.form,
      journal,
      clock: this.facts.clock,
    })
  }

  private journal(warm: Warm, draft: Header, committed: number): Journal {
    const { durable } = this.facts.store.capabilities
    return new Journal({
      committer: this.committer,
      header: warm.header,
      draft,
      graph: warm.served.program.graph,
      // Only an answer that crosses a boundary can be lost.
      token: durable ? this.facts.ids : NO_TOKEN,
      eager: durable && warm.served.program.graph.durability === 'builder',
      committed,
    })
  }

  private draft(id: string, { program, workflow }: Served, now: number): Header {
    return {
      id,
      incarnation: this.facts.ids(),
      revision: 0,
      fence: 0,
      workflow: program.graph.name,
      version: program.graph.version,
      fingerprint: workflow.plan.fingerprint,
      status: 'running',
      wakeAt: null,
      mailAppended: 0,
      mailHandled: 0,
      scope: 0,
      pass: 0,
      mode: 'sequential',
      settled: 0,
      rows: 0,
      claims: 0,
      token: '',
      createdAt: now,
      updatedAt: now,
    }
  }

  /** Settles a scope that has ended, and makes its result. */
  private finish(
    call: Call,
    warm: Warm,
    scope: Scope,
    run: ScopeRun,
    journal: Journal,
    fed: readonly number[],
  ): Awaitable<ScopeResult> {
    const { state } = warm
    if (run.failed) state.stale = []
    else state.settle()
    const { status, target } = endingOf(run, scope)
    const { lost } = scope
    const closed = journal.close({ ...run.patch(), status, pass: 0 })
    const conclude = (): ScopeResult => {
      warm.header = journal.header
      const result = new ScopeResult({
        id: call.id,
        scope: scope.number,
        state: state.snapshot(status === 'completed'),
        slots: run.recorder.slots,
        values: run.recorder.values,
        status,
        target,
        lost,
      })
      run.recorder.forgetTransients(fed)
      this.keep(call.id, warm)
      return answerOf(run, result)
    }
    return isThenable(closed) ? closed.then(conclude) : conclude()
  }

  private keep(id: string, warm: Warm): void {
    if (this.warm.get(id) === warm) return
    this.warm.set(id, warm)
    if (this.warm.size <= this.facts.warm) return
    // One iterator for good: a new one would step over all that was deleted before, at four times the cost of the scope.
    let oldest = (this.oldest ??= this.warm.keys()).next()
    if (oldest.done === true) oldest = (this.oldest = this.warm.keys()).next()
    if (oldest.done !== true) this.warm.delete(oldest.value)
  }
}
