import type { Slot } from '../../graph/graph.ts'
import { decode } from '../../stores/codec.ts'
import type { Awaitable, Change, DataStore, Header } from '../../stores/contract.ts'
import { isThenable } from '../awaitable.ts'
import type { Endurance } from '../scope/care.ts'
import type { Clock } from '../clock.ts'
import { Closer } from './closing.ts'
import { Committer } from '../commit/committer.ts'
import { NO_META } from '../values/meta.ts'
import { ById } from './by-id.ts'
import { Course } from './course.ts'
import type { CourseFacts, CourseHost } from './course.ts'
import { Firing } from '../scope/firing.ts'
import type { Form } from '../values/intake.ts'
import { Journal, Overtaken } from '../commit/journal.ts'
import type { JournalFacts, Tenure } from '../commit/journal.ts'
import { Leases } from '../commit/leases.ts'
import { Left } from '../commit/left.ts'
import { draftOf, recordOf } from './records.ts'
import { cancelledMeanwhile } from '../refusals.ts'
import { fedSlots, heldBefore, keepProduced } from '../scope/recovery.ts'
import type { Served } from './registry.ts'
import { ScopeResult } from '../scope/result.ts'
import { newestRows } from '../state/rows.ts'
import { enter, enterInTime, isWake } from './opening.ts'
import type { Manner, Opening, Origin, Trigger, Warm } from './opening.ts'
import { needsHistory, Scope } from '../scope/scope.ts'
import { isFed } from '../state/standing.ts'
import { ScopeRun } from '../scope/scope-run.ts'
import { loadState } from '../state/loading.ts'
import { State } from '../state/state.ts'
import { Timing } from '../state/timing.ts'
import { completedTarget } from '../scope/verdict.ts'

export type { Manner, Trigger, Warm } from './opening.ts'

export interface DriverFacts {
  readonly store: DataStore
  readonly clock: Clock
  /** Makes incarnations and commit tokens. */
  readonly ids: () => string
  readonly tenure: Tenure
  readonly longestRun: number
  readonly longestWait: number
  /** Called with an instance each time it has come to rest. */
  readonly atRest: (id: string, warm: Warm) => void
}

const NO_TOKEN = (): string => ''

/** Runs the scopes of instances: begins them, takes up what a crash cut short, settles them. */
export class Driver {
  readonly form: Form
  readonly decode: (stored: unknown) => unknown
  private readonly facts: DriverFacts
  private readonly committer: Committer
  private readonly leases: Leases
  /** For scopes that a call set off, and for all others. */
  private readonly endurance: { readonly hasty: Endurance; readonly patient: Endurance }
  private readonly runs = new ById<ScopeRun>()
  private readonly courses: CourseHost
  readonly closer: Closer

  constructor(facts: DriverFacts) {
    this.facts = facts
    this.form = facts.store.capabilities.values
    this.decode = this.form === 'text' ? (stored) => decode(stored as string) : (stored) => stored
    this.committer = new Committer(facts.store, facts.clock)
    const { clock, longestWait } = facts
    const lasting = { clock, longestWait, parks: true }
    this.endurance = { hasty: { ...lasting, patient: false }, patient: { ...lasting, patient: true } }
    this.leases = new Leases(facts.clock, { ms: facts.tenure.ms, longestRun: facts.longestRun })
    const { form, decode: read, leases, runs } = this
    this.courses = { clock, runs, settle: (warm, journal) => this.settle(warm, journal) }
    this.closer = new Closer({
      ...{ store: facts.store, clock, leases, longestWait, form, decode: read },
      journal: (warm, draft, own) => this.journal(warm, draft, own),
      settle: (warm, journal) => this.settle(warm, journal),
    })
  }

  /** The header of an instance that does not exist yet. */
  draft(id: string, served: Served, now: number = this.facts.clock.now()): Header {
    return draftOf(id, served, this.facts.ids(), now)
  }

  /** In memory the look at the clock would be a good part of a scope. */
  private now(): number {
    const { store, clock } = this.facts
    return store.capabilities.durable || clock.coarse === undefined ? clock.now() : clock.coarse()
  }

  /** An instance that does not exist yet. */
  fresh(served: Served, grave?: Header): Warm {
    const none = { header: undefined, leasedAt: undefined, meta: NO_META }
    return { served, state: new State(served.program.graph), ...none, grave }
  }

  /**
   * Runs the scope that a delta or an operation sets off.
   *
   * @throws what the call is to reject with
   */
  run(manner: Manner, warm: Warm, trigger: Trigger, origin: Origin): Awaitable<ScopeResult> {
    const kind = trigger.operation?.kind
    if (kind === 'cancel') return this.closer.cancel(warm, warm.header as Header, trigger)
    if (warm.state.isUndoing) return this.closer.undoMore(warm, warm.header as Header)
    if (kind !== 'restart') return this.begin(manner, warm, trigger, origin)
    return this.rewind(warm).then(() => this.begin(manner, warm, trigger, origin))
  }

  private begin(manner: Manner, warm: Warm, trigger: Trigger, origin: Origin): Awaitable<ScopeResult> {
    const { state, header } = warm
    const now = this.now()
    const draft = header ?? this.draft(manner.id, warm.served, now)
    const number = origin.seq ?? draft.mailAppended + 1
    const journal = this.journal(warm, draft, {
      direct: origin.seq === undefined,
      mail: recordOf(origin, number, trigger.mode, now),
      committed: undefined,
      startedAt: now,
    })
    const opening: Opening = { manner, warm, trigger, origin, journal, number, now, live: this.form === 'live' }
    if (!state.graph.timed) {
      enter(opening)
      return this.launch(opening, undefined)
    }
    const timing = (state.timing ??= new Timing())
    timing.createdAt = draft.createdAt
    const firing = this.firing(warm, journal, number, now)
    const entered = enterInTime(opening, firing)
    return isThenable(entered) ? entered.then(() => this.launch(opening, firing)) : this.launch(opening, firing)
  }

  private firing({ served, state }: Warm, journal: Journal, scope: number, now: number): Firing {
    return new Firing({ program: served.program, state, journal, scope, now, form: this.form })
  }

  private launch(opening: Opening, firing: Firing | undefined): Awaitable<ScopeResult> {
    const { manner, warm, trigger, origin, journal, number } = opening
    const { state, header } = warm
    const scope = new Scope(state, number)
    scope.begin()
    if (warm.moved === undefined && this.isVoid(scope, header, opening)) {
      scope.release()
      return this.untouched(warm, header as Header)
    }
    const waited = origin.seq === undefined ? undefined : opening.now - origin.arrivedAt
    const run = this.scopeRun(manner, warm, scope, journal, trigger, isWake(origin) ? 'patient' : 'hasty', waited)
    if (firing !== undefined) run.recorder.fired(firing.fired)
    const noted = origin.seq !== undefined || origin.request !== undefined
    const keep = origin.seq !== undefined && origin.more
    return this.drive({ warm, scope, run, journal, noted, keep, firing })
  }

  /** A call that brings nothing and finds nothing due leaves no trace. */
  private isVoid(scope: Scope, header: Header | undefined, { warm, trigger, origin }: Opening): boolean {
    const { operation } = trigger
    if (header === undefined || warm.state.newest > header.rows || !scope.idle) return false
    if (operation !== undefined || origin.seq !== undefined || isWake(origin)) return false
    return header.status !== 'failed' && origin.request === undefined
  }

  /** Takes an instance back to what was fed, as its store has it: a product may have replaced a fed datum at hand. */
  private async rewind(warm: Warm): Promise<void> {
    const { header } = warm as Warm & { readonly header: Header }
    const snapshot = await this.facts.store.read(header.id)
    if (snapshot?.header.incarnation !== header.incarnation || snapshot.header.revision !== header.revision) {
      throw new Overtaken()
    }
    const { moved = [] } = warm
    const fed = newestRows(snapshot.rows, moved).filter(isFed)
    warm.state = loadState(warm.served.program.graph, 0, fed, this.decode)
    warm.state.newest = header.rows + moved.length
  }

  /** Finishes, alone, a scope that a crash cut short. */
  async runInterrupted(manner: Manner, warm: Warm, header: Header): Promise<ScopeResult> {
    const { state } = warm
    const scope = new Scope(state, header.scope)
    const looked = needsHistory(state, header.scope, header.pass)
    scope.recover(header.pass, await heldBefore(this.facts.store, state, header, looked, this.decode))
    const startedAt = this.facts.clock.now()
    const journal = this.journal(warm, header, { direct: false, mail: undefined, committed: header.rows, startedAt })
    const fed = fedSlots(state, header.scope)
    const delta = fed.map((slot) => ({ name: (state.graph.slots[slot] as Slot).name, value: state.value(slot) }))
    const trigger = { mode: header.mode, delta, meta: warm.meta }
    const run = this.scopeRun(manner, warm, scope, journal, trigger, 'patient')
    keepProduced(state, scope, run.recorder)
    // Nobody else may run the same builders meanwhile: where the lease was not just claimed, it is taken first.
    if (warm.leasedAt === undefined) await journal.flush(run.patch())
    const firing = state.graph.timed ? this.firing(warm, journal, header.scope, startedAt) : undefined
    firing?.recover()
    return this.drive({ warm, scope, run, journal, noted: true, keep: false, firing })
  }

  /** Puts an instance into the store that was not made by a scope; answers whether its id was free. */
  async insert(change: Change): Promise<boolean> {
    return (await this.committer.commit({ ...change, header: { ...change.header, token: this.facts.ids() } })).ok
  }

  /** Whether a scope is under way on an instance in this process. */
  isRunning(id: string): boolean {
    return this.runs.get(id) !== undefined
  }

  /** Tells the scope under way on an instance that somebody cancels it. */
  cancelRun(id: string): void {
    this.runs.get(id)?.cut(cancelledMeanwhile(id))
  }

  /** Stops the scope under way on an instance: what it has made is kept, the rest is left to others, at once. */
  leave(id: string): void {
    const reason = new Left(`The worker stopped before it was done with '${id}'.`)
    this.runs.get(id)?.leave(reason)
    this.closer.leave(id, reason)
  }

  /** A claim by this very process has taken the lease from a scope under way on an instance, which had let it run out. */
  lose(id: string): void {
    const run = this.runs.get(id)
    // One that has committed nothing yet finds out by its first commit, and begins anew.
    if (run?.leasedAt !== undefined) run.lose()
  }

  private drive(facts: CourseFacts): Awaitable<ScopeResult> {
    return facts.run.run(new Course(this.courses, facts))
  }

  private untouched(warm: Warm, { id, scope }: Header): ScopeResult {
    const { state } = warm
    this.facts.atRest(id, warm)
    const target = completedTarget(state, scope, [])
    const status = target === undefined ? 'waiting' : 'completed'
    const copy = state.snapshot(target !== undefined)
    return new ScopeResult({ id, scope, state: copy, slots: [], status, target, lost: undefined })
  }

  private scopeRun(
    { id, limit, hooks, signal }: Manner,
    { served }: Warm,
    scope: Scope,
    journal: Journal,
    { mode, delta, meta }: Pick<Trigger, 'mode' | 'delta' | 'meta'>,
    endurance: 'hasty' | 'patient',
    waited?: number,
  ): ScopeRun {
    return new ScopeRun({
      program: served.program,
      scope,
      mode,
      limit: mode === 'sequential' ? 1 : limit,
      hooks,
      delta,
      id,
      incarnation: journal.incarnation,
      meta: meta ?? NO_META,
      signal,
      servicesOf: served.servicesOf,
      form: this.form,
      journal,
      clock: this.facts.clock,
      startedAt: journal.progressAt,
      leases: journal.eager || journal.leasedAt !== undefined ? this.leases : undefined,
      patience: this.facts.tenure.ms,
      endurance: this.endurance[endurance],
      waited,
    })
  }

  private journal(
    warm: Warm,
    draft: Header,
    { direct, mail, committed, startedAt }: Pick<JournalFacts, 'direct' | 'mail' | 'committed' | 'startedAt'>,
  ): Journal {
    const { header, served, leasedAt, moved, grave } = warm
    const { durable } = this.facts.store.capabilities
    const { graph } = served.program
    const journal = new Journal({
      committer: this.committer,
      header,
      draft,
      grave,
      graph,
      fingerprint: served.workflow.plan.fingerprint,
      // Only an answer that crosses a boundary can be lost.
      token: durable ? this.facts.ids : NO_TOKEN,
      eager: durable && graph.durability === 'builder',
      tenure: this.facts.tenure,
      leasedAt,
      direct,
      mail,
      committed,
      startedAt,
    })
    if (moved !== undefined) journal.carry(moved)
    warm.moved = undefined
    return journal
  }

  private settle(warm: Warm, journal: Journal): void {
    warm.header = journal.header
    warm.leasedAt = undefined
    this.facts.atRest(journal.id, warm)
  }
}
