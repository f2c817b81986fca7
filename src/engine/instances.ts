import type { Datum } from '../graph/data.ts'
import { PolarisError } from '../graph/errors.ts'
import type { Slot } from '../graph/graph.ts'
import { decode } from '../stores/codec.ts'
import type { Awaitable, DataStore, Header, Mode, Row, Snapshot } from '../stores/contract.ts'
import { isThenable } from './awaitable.ts'
import { BuilderError } from './builder-error.ts'
import type { Clock } from './clock.ts'
import { Committer } from './committer.ts'
import type { Hooks } from './hooks.ts'
import { acceptDelta } from './intake.ts'
import type { AcceptedDatum, Form } from './intake.ts'
import { Journal, Overtaken } from './journal.ts'
import { CALL } from './program.ts'
import type { Registry, Served } from './registry.ts'
import { ScopeResult } from './result.ts'
import type { ProducedDatum } from './result.ts'
import { needsHistory, Scope } from './scope.ts'
import { abortedError, ScopeRun } from './scope-run.ts'
import { loadState, State } from './state.ts'
import { Turns } from './turns.ts'
import { completedTarget } from './verdict.ts'

/** What one call on an instance wants. */
export interface Call {
  readonly workflow: string
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

const NO_META: Readonly<Record<string, unknown>> = Object.freeze({})

/** So often may another process get in between a read and the first commit before the call gives up. */
const ATTEMPTS = 20

/** Moves instances on: one call at a time each, whatever runs in between. */
export class Instances {
  private readonly facts: InstancesFacts
  private readonly form: Form
  private readonly committer: Committer
  private readonly turns = new Turns()
  private readonly warm = new Map<string, Warm>()

  constructor(facts: InstancesFacts) {
    this.facts = facts
    this.form = facts.store.capabilities.values
    this.committer = new Committer(facts.store)
  }

  /** Resolves once no call is under way any more. */
  idle(): Promise<void> {
    return this.turns.idle()
  }

  async run(call: Call): Promise<ScopeResult> {
    const turn = this.turns.take(call.id)
    if (turn !== undefined) await turn
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          const result = this.runOnce(call)
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

  private runOnce(call: Call): Awaitable<ScopeResult> {
    const warm = this.warm.get(call.id)
    return warm === undefined ? this.runCold(call) : this.runOn(call, warm)
  }

  private async runCold(call: Call): Promise<ScopeResult> {
    const read = this.facts.store.read(call.id)
    const snapshot = isThenable(read) ? await read : read
    return this.runOn(call, snapshot === undefined ? undefined : this.load(snapshot))
  }

  private load({ header, rows }: Snapshot): Warm {
    const served = this.facts.registry.serving(header.id, header.workflow, header.version)
    if (served.workflow.plan.fingerprint !== header.fingerprint) throw changed(header)
    const state = loadState(served.program.graph, header.settled, rows, this.form === 'text' ? decodeText : asIs)
    state.newest = header.rows
    const call = rows.find(({ place, scope }) => place === CALL && scope === header.scope)
    return { served, state, header, meta: call?.note?.meta ?? NO_META }
  }

  private runOn(call: Call, warm: Warm | undefined): Awaitable<ScopeResult> {
    checkExpectation(call, warm?.header)
    const served = warm?.served ?? this.facts.registry.find(call.workflow)
    refuseTransientTarget(served)
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
      throw new PolarisError('ABORTED', `The caller gave up on '${call.id}' before anything was stored.`, {
        cause: call.signal.reason,
      })
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
    const before = looked.length === 0 ? new Map<number, never>() : await this.before(state, header, looked)
    scope.recover(header.pass, before)
    const journal = this.journal(warm, header, header.rows)
    const fed = state.unsettled.filter((slot) => {
      const row = state.rows.get(slot)
      return row?.outcome === 'fed' && row.scope === header.scope
    })
    const delta = fed.map((slot) => ({ name: (state.graph.slots[slot] as Slot).name, value: state.values.get(slot) }))
    const run = this.scopeRun({ ...call, mode: header.mode, delta, meta: warm.meta }, warm, scope, journal)
    run.produced.push(...producedBefore(state, scope))
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

  /** What slots held when the open pass began: the newest row from before it. */
  private async before(
    state: State,
    { id, scope, pass }: Header,
    slots: readonly number[],
  ): Promise<Map<number, { value: unknown; row: Row | undefined }>> {
    const found = new Map(
      slots.map((slot) => [slot, { value: undefined as unknown, row: undefined as Row | undefined }]),
    )
    for (let after = 0; ;) {
      const rows = await this.facts.store.history(id, { after, limit: 1000 })
      for (const row of rows) {
        const slot = row.data === null ? undefined : state.graph.slotOf.get(row.data)
        const inPass = row.scope === scope && row.pass === pass && row.outcome !== 'fed'
        if (slot === undefined || inPass || !found.has(slot) || row.value === undefined) continue
        const value = this.form === 'text' ? decodeText(row.value) : row.value
        state.protect(slot, value)
        found.set(slot, { value, row })
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < 1000) return found
      after = last.seq
    }
  }

  private runScope(call: Call, warm: Warm, delta: readonly AcceptedDatum[]): Awaitable<ScopeResult> {
    const { state, header } = warm
    const number = (header?.scope ?? 0) + 1
    const now = this.facts.clock.now()
    const draft = header ?? this.draft(call.id, warm.served, now)
    const journal = this.journal(warm, draft, -1)
    if (call.meta !== undefined) journal.add(callRow(state, number, now, call.meta), false)
    for (const datum of delta) journal.add(take(state, number, now, datum), false)
    const scope = new Scope(state, number)
    scope.begin()
    if (
      header !== undefined &&
      delta.length === 0 &&
      scope.idle &&
      header.status !== 'failed' &&
      call.meta === undefined
    ) {
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
      state: state.snapshot(),
      produced: [],
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
      token: this.facts.ids,
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
    const failed = run.failure !== undefined || run.aborted !== undefined
    if (!failed) state.settle()
    const target = failed ? undefined : completedTarget(state, scope.number, scope.ran)
    const status = failed ? 'failed' : target === undefined ? 'waiting' : 'completed'
    const { lost } = scope
    const { produced } = run
    const closed = journal.close({ ...run.patch(), status, pass: 0 })
    const conclude = (): ScopeResult => {
      warm.header = journal.header
      const result = new ScopeResult({
        id: call.id,
        scope: scope.number,
        state: state.snapshot(),
        produced,
        status,
        target,
        lost,
      })
      run.forgetTransients(fed)
      this.keep(call.id, warm)
      if (run.failure !== undefined) {
        const { code, node, cause, message } = run.failure
        throw new BuilderError(code, message, { builder: node.name, id: call.id, result: result as never, cause })
      }
      if (run.aborted !== undefined) throw abortedError(call.id, run.aborted.reason)
      return result
    }
    return isThenable(closed) ? closed.then(conclude) : conclude()
  }

  private keep(id: string, warm: Warm): void {
    if (this.warm.get(id) === warm) return
    this.warm.set(id, warm)
    if (this.warm.size <= this.facts.warm) return
    const oldest = this.warm.keys().next()
    if (oldest.done !== true) this.warm.delete(oldest.value)
  }
}

/** What an interrupted scope had produced, as far as it is stored. */
function producedBefore({ graph, runs, values }: State, { ran }: Scope): ProducedDatum[] {
  return ran
    .map((node) => runs.get(node))
    .filter((run) => run?.outcome === 'produced')
    .sort((a, b) => (a?.seq ?? 0) - (b?.seq ?? 0))
    .flatMap((run) => {
      const slot = graph.slots[graph.slotOf.get(run?.data ?? '') ?? -1]
      const value = slot === undefined ? undefined : values.get(slot.index)
      return slot === undefined || value === undefined ? [] : [{ slot: slot.index, name: slot.name, value }]
    })
}

function take(state: State, scope: number, now: number, { intake, value, stored }: AcceptedDatum): Row {
  const { slot, fed } = intake
  const row: Row = {
    seq: ++state.newest,
    place: fed,
    scope,
    pass: 1,
    builder: null,
    data: slot.name,
    outcome: 'fed',
    value: stored,
    inputs: [],
    startedAt: now,
    endedAt: now,
    note: null,
  }
  state.protect(slot.index, value)
  state.setDatum(slot.index, value, row)
  return row
}

function callRow(state: State, scope: number, now: number, meta: Readonly<Record<string, unknown>>): Row {
  return {
    seq: ++state.newest,
    place: CALL,
    scope,
    pass: 1,
    builder: null,
    data: null,
    outcome: 'call',
    value: undefined,
    inputs: [],
    startedAt: now,
    endedAt: now,
    note: { meta },
  }
}

function decodeText(stored: unknown): unknown {
  return decode(stored as string)
}

function asIs(stored: unknown): unknown {
  return stored
}

function checkExpectation({ id, expect, resume, workflow }: Call, header: Header | undefined): void {
  if (header === undefined) {
    if (expect !== 'existing' && !resume) return
    throw new PolarisError('INSTANCE_NOT_FOUND', `There is no instance '${id}'.`)
  }
  if (expect === 'new') {
    throw new PolarisError(
      'INSTANCE_EXISTS',
      `'${id}' exists already (workflow '${header.workflow}', ${header.status}).`,
    )
  }
  if (header.workflow !== workflow) {
    throw new PolarisError(
      'WORKFLOW_MISMATCH',
      `'${id}' belongs to workflow '${header.workflow}', not to '${workflow}': use another id.`,
    )
  }
  if (header.status === 'cancelled')
    throw new PolarisError('CANCELLED', `'${id}' was cancelled and takes no more data.`)
}

function refuseTransientTarget({ program: { graph } }: Served): void {
  for (const target of graph.targets) {
    const slot = graph.slots[target] as Slot
    if (!slot.transient) continue
    throw new PolarisError(
      'GRAPH_INVALID',
      `Target '${slot.name}' of workflow '${graph.name}' is transient, so no instance could keep it: ` +
        'use compute, or take it out of transients.',
    )
  }
}

function changed({ id, workflow, version }: Header): PolarisError {
  return new PolarisError(
    'VERSION_CHANGED',
    `'${id}' was begun with another graph of version ${version} of workflow '${workflow}': ` +
      'give the changed workflow a new version, and register the old one beside it.',
  )
}

function overtaken(id: string): PolarisError {
  return new PolarisError(
    'LEASE_LOST',
    `Another process keeps changing '${id}': this call never got its turn. Nothing was stored.`,
  )
}
