import { bindDelta } from '../state/about.ts'
import { isPolarisError } from '../../graph/errors.ts'
import type { Awaitable, DataStore, Header, Mail, Snapshot } from '../../stores/contract.ts'
import { isThenable, rejected } from '../awaitable.ts'
import { Backlog, hasMail } from '../mail/backlog.ts'
import { BuilderError } from '../scope/builder-error.ts'
import type { Claimed } from '../commit/claiming.ts'
import { Driver } from './driver.ts'
import type { Warm } from './driver.ts'
import { acceptDelta } from '../values/intake.ts'
import type { AcceptedDatum } from '../values/intake.ts'
import { Overtaken } from '../commit/journal.ts'
import type { Tenure } from '../commit/journal.ts'
import { hashOf } from '../mail/mail.ts'
import { Lives } from './lives.ts'
import { Mailbox } from '../mail/mailbox.ts'
import { checkGrave } from './graves.ts'
import { operationProblem } from './operation.ts'
import {
  checkExpectation,
  checkId,
  checkWorkflow,
  closed,
  gaveUp,
  overtaken,
  refuseTransientTarget,
} from '../refusals.ts'
import type { Registry, Served } from './registry.ts'
import { Posting } from './posting.ts'
import { Remover } from './removal.ts'
import { replay } from './replay.ts'
import { ScopeResult } from '../scope/result.ts'
import type { StoreClock } from '../store-clock.ts'
import { asItIs, ATTEMPTS, hurried, isRegarding, sameRequest, unpack } from './call.ts'
import type { Call, Submitted, Waiting } from './call.ts'
import { ById } from './by-id.ts'
import { Turns } from './turns.ts'
import { Fleet } from '../versions/fleet.ts'
import { IdleUpgrades } from '../versions/idle-upgrades.ts'
import { KeptGraphs } from '../versions/kept-graphs.ts'
import { Startup } from '../versions/startup.ts'
import { Upgrades } from '../versions/upgrades.ts'
import { Upkeep } from '../upkeep.ts'
import { Versions } from '../versions/versions.ts'
import { WarmOnes } from './warm.ts'

export interface InstancesFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly clock: StoreClock
  /** Makes incarnations and commit tokens. */
  readonly ids: () => string
  /** At most so many instances are kept at hand. */
  readonly warm: number
  readonly tenure: Tenure
  readonly longestRun: number
  /** Whether graphs may change without their version. */
  readonly acceptChanged: boolean
  /** Called when a scope has ended here. */
  readonly atRest: (id: string) => void
  /** For how long the ids of removed instances are remembered, in milliseconds. */
  readonly tombstones: number
  /** A retry that is further away than this, in milliseconds, is not waited for within a call. */
  readonly longestWait: number
}

/** What a turn on an instance comes to: a result, or a delta in the mailbox whose scope has to be waited for. */
type Turn = ScopeResult | Waiting

/** How sure it can get that ids are new, or not. */
const MOST_NEWNESS = 16

/** Moves instances on: one scope at a time each, whatever runs in between. */
export class Instances {
  readonly mailbox: Mailbox
  private readonly posting: Posting
  readonly lives: Lives
  readonly upgrades: Upgrades
  readonly idleUpgrades: IdleUpgrades
  readonly upkeep: Upkeep
  private readonly facts: InstancesFacts
  private readonly driver: Driver
  private readonly turns = new Turns()
  private readonly warm: WarmOnes
  readonly backlog: Backlog
  readonly versions: Versions
  readonly startup: Startup
  private readonly fleet: Fleet
  /** Above zero while ids that are not at hand mostly are new. */
  private newness = 0
  private closed = false
  /** What this process holds though a call has to queue behind other mail: the call's turn ends by handling that. */
  private readonly held = new ById<Claimed>()
  /** Submits under way. */
  private readonly submits = new Set<Promise<Submitted>>()

  constructor(facts: InstancesFacts) {
    this.facts = facts
    const { store, registry, clock, ids, tenure, longestRun, longestWait } = facts
    this.warm = new WarmOnes(facts.warm)
    const atRest = (id: string, warm: Warm): void => {
      this.warm.keep(id, warm)
      facts.atRest(id)
    }
    this.driver = new Driver({ store, clock, ids, tenure, longestRun, longestWait, atRest })
    const { driver, turns, warm } = this
    const graphs = new KeptGraphs(store)
    const fleet = (this.fleet = new Fleet({ store, registry, clock, holder: tenure.holder }))
    this.startup = new Startup({ store, registry, graphs, fleet, acceptChanged: facts.acceptChanged })
    const { form, decode } = driver
    this.versions = new Versions({ store, registry, graphs, fleet, clock, form, decode })
    const { versions } = this
    const settled: Mailbox['settled'] = (id, mail, answer) => this.mailbox.settled(id, mail, answer)
    const remover = new Remover({ store, clock, ids, keep: facts.tombstones })
    this.backlog = new Backlog({ store, remover, registry, versions, clock, tenure, driver, turns, warm, settled })
    this.mailbox = new Mailbox({
      store,
      clock,
      patience: tenure.ms,
      // What was claimed as everything ends has to be given back.
      help: (id, helper) => this.lives.track(this.backlog.help(id, helper)),
      replay: (id, mail) => replay({ store, registry, decode }, id, mail),
    })
    const { mailbox, backlog } = this
    this.posting = new Posting({ store, clock, ids, driver, mailbox, backlog })
    const passTurn = (id: string): void => this.passTurn({ id, hooks: {}, limit: Infinity })
    this.upgrades = new Upgrades({ store, registry, versions, clock, driver, backlog, turns, passTurn })
    this.idleUpgrades = new IdleUpgrades({ store, registry, clock, fleet, upgrades: this.upgrades })
    this.upkeep = new Upkeep({ store, registry, versions, driver })
    this.lives = new Lives({ store, registry, clock, driver, mailbox, remover, warm })
    this.mailbox.hear((id) => void this.lives.noticed(id))
  }

  /** Refuses further calls; resolves once none is under way any more. */
  async close(): Promise<void> {
    this.closed = true
    this.backlog.close()
    this.upgrades.close()
    await Promise.allSettled(this.submits)
    await this.turns.idle()
    this.mailbox.close()
    await this.lives.idle()
    await this.fleet.leave()
  }

  /** Not an async function, and one promise where nothing waits: each further one costs as much as a builder. */
  run(call: Call): Promise<ScopeResult> {
    try {
      if (this.closed) throw closed()
      const { name } = this.facts.registry.find(call.workflow).program.graph
      checkId(call.id)
      const taken = this.turns.take(call.id)
      return taken === undefined ? this.inTurn(call, name) : taken.then(() => this.inTurn(call, name))
    } catch (error) {
      return rejected(error)
    }
  }

  private inTurn(call: Call, name: string): Promise<ScopeResult> {
    let ready
    try {
      ready = this.ready()
    } catch (error) {
      return this.refuse(call, error)
    }
    if (ready === undefined) return this.from(call, name, 1)
    return Promise.resolve(ready).then(
      () => this.from(call, name, 1),
      (error: unknown) => this.refuse(call, error),
    )
  }

  /** What has to be known first: the store's time, and once whether this process may start at all. */
  private ready(): PromiseLike<void> | undefined {
    const time = this.facts.clock.ready()
    return time === undefined ? this.startup.ready() : time.then(() => this.startup.ready())
  }

  /** Makes this attempt, and if another process was faster, further ones; then passes the turn. */
  private from(call: Call, name: string, attempt: number): Promise<ScopeResult> {
    let taking: Awaitable<Turn>
    try {
      taking = this.attempt(call, name, attempt)
    } catch (error) {
      return this.goOn(call, name, attempt, error)
    }
    if (!isThenable(taking)) return Promise.resolve(this.leave(call, taking))
    return Promise.resolve(taking).then(
      (turn) => this.leave(call, turn),
      (error: unknown) => this.goOn(call, name, attempt, error),
    )
  }

  private goOn(call: Call, name: string, attempt: number, error: unknown): Promise<ScopeResult> {
    try {
      this.checkTrouble(call, attempt, error)
    } catch (thrown) {
      return this.refuse(call, thrown)
    }
    return this.from(call, name, attempt + 1)
  }

  private refuse(call: Call, error: unknown): Promise<never> {
    this.passTurn(call)
    return rejected(error)
  }

  private leave(call: Call, turn: Turn): Awaitable<ScopeResult> {
    this.passTurn(call)
    if (turn instanceof ScopeResult) return turn
    const { hooks, limit, signal } = call
    const { scope: seq, requestId } = turn
    return this.mailbox.wait(call.id, { seq, requestId }, { hooks, limit }, signal)
  }

  /** Stores a delta for whoever works on the instance. */
  submit(call: Call): Promise<Submitted> {
    const submitting = this.post(call).finally(() => this.submits.delete(submitting))
    this.submits.add(submitting)
    return submitting
  }

  private async post(call: Call): Promise<Submitted> {
    if (this.closed) throw closed()
    const { name } = this.facts.registry.find(call.workflow).program.graph
    checkId(call.id)
    await this.ready()
    const served = await this.servedFor(call, name)
    refuseTransientTarget(served.program.graph)
    const accepted = await acceptDelta(served.program, call.delta, this.driver.form)
    for (let attempt = 1; ; attempt++) {
      try {
        const { id, scope } = isRegarding(call)
          ? await this.posting.appendBound(call, served, accepted)
          : await this.posting.append(call, served, accepted)
        return { id, scope }
      } catch (error) {
        if (!(error instanceof Overtaken)) throw error
        if (attempt === ATTEMPTS) throw overtaken(call.id)
      }
    }
  }

  private attempt(call: Call, name: string, attempt: number): Awaitable<Turn> {
    return attempt === 1 && this.mayBeNew(call, name) ? this.asNew(call, name) : this.once(hurried(call, attempt), name)
  }

  /** @throws what ended an attempt, unless another may do better */
  private checkTrouble({ id }: Call, attempt: number, error: unknown): void {
    if (!(error instanceof BuilderError)) this.warm.drop(id)
    if (isPolarisError(error, 'STORE_UNAVAILABLE')) this.backlog.strand(id)
    if (!(error instanceof Overtaken)) throw error
    if (attempt === ATTEMPTS) throw overtaken(id)
  }

  /** Ends a turn; if mail came meanwhile, only after that is handled. */
  private passTurn({ id, hooks, limit }: Pick<Call, 'id' | 'hooks' | 'limit'>): void {
    const held = this.held.get(id)
    if (held !== undefined) {
      this.held.delete(id)
      void this.backlog.drain(id, { hooks, limit }, held)
      return
    }
    const warm = this.warm.get(id)
    const header = warm?.header
    const goesOn = header !== undefined && header.holder === null && (hasMail(header) || warm?.state.isUndoing === true)
    if (!goesOn || this.closed) this.turns.pass(id)
    else void this.backlog.drain(id, { hooks, limit }, undefined)
  }

  /**
   * Whether to begin without a read, as if there were no such instance: if there is one, the first commit loses, before any
   * builder has run, and the call reads it. That pays where ids that are not at hand mostly are new.
   */
  private mayBeNew({ id, delta, expect }: Call, name: string): boolean {
    const { store, registry } = this.facts
    if (!store.capabilities.durable || this.newness < 0 || delta.length === 0 || expect === 'existing') return false
    // With several versions, only the instance tells which one the delta is for.
    if (this.warm.get(id) !== undefined || registry.hasSeveral(name) || isRegarding({ delta })) return false
    return registry.find(name).program.graph.durability === 'builder'
  }

  private async asNew(call: Call, name: string): Promise<Turn> {
    try {
      const turn = await this.onNew(call, name, undefined)
      this.noteNew(true)
      return turn
    } catch (error) {
      this.noteNew(!(error instanceof Overtaken))
      throw error
    }
  }

  /** One that was there after all has cost a commit for nothing: it weighs as much as four that were new. */
  private noteNew(isNew: boolean): void {
    this.newness = Math.max(-MOST_NEWNESS, Math.min(MOST_NEWNESS, this.newness + (isNew ? 1 : -4)))
  }

  private noteRead(snapshot: Snapshot | undefined): Snapshot | undefined {
    this.noteNew(snapshot === undefined)
    return snapshot
  }

  private once(call: Call, name: string): Awaitable<Turn> {
    const warm = this.warm.get(call.id)
    // A call that brings nothing commits nothing, and so would not find out that another process was faster.
    // Nor would one be told rightly what a datum is about, or that it is outdated.
    const trusted = !this.facts.store.capabilities.durable || (call.delta.length > 0 && !isRegarding(call))
    if (warm !== undefined && trusted) return this.onKnown(call, name, warm)
    const read = this.facts.store.read(call.id)
    return isThenable(read)
      ? read.then((snapshot) => this.onRead(call, name, this.noteRead(snapshot)))
      : this.onRead(call, name, this.noteRead(read))
  }

  private onRead(call: Call, name: string, snapshot: Snapshot | undefined): Awaitable<Turn> {
    if (snapshot?.header.status !== 'deleted') return this.onKnown(call, name, this.backlog.load(snapshot))
    checkGrave(call, snapshot.header)
    return this.onKnown({ ...call, grave: snapshot.header }, name, undefined)
  }

  private onKnown(call: Call, name: string, warm: Warm | undefined): Awaitable<Turn> {
    if (call.requestId === undefined || warm === undefined) return this.onCurrent(call, name, warm)
    const known = this.facts.store.request(call.id, call.requestId)
    const goOn = (mail: Mail | undefined): Awaitable<Turn> => {
      if (mail === undefined) return this.onCurrent(call, name, warm)
      if (warm.header !== undefined) checkWorkflow(call.id, name, warm.header)
      return sameRequest(call, mail)
    }
    return isThenable(known) ? known.then(goOn) : goOn(known)
  }

  /** An instance that is to be on another version moves there first, if this call is to begin a scope at once. */
  private onCurrent(call: Call, name: string, warm: Warm | undefined): Awaitable<Turn> {
    const to = warm === undefined || !this.isAtRest(call, warm.header) ? undefined : this.versions.destination(warm)
    if (warm === undefined || to === undefined) return this.onNew(call, name, warm)
    checkExpectation(call, name, warm.header)
    return this.versions.moved(warm, to).then((moved) => this.onNew(call, name, moved))
  }

  private isAtRest(call: Call, header: Header | undefined): boolean {
    if (header === undefined || !this.backlog.isFree(header)) return false
    return header.pass === 0 && !hasMail(header) && call.queues !== true
  }

  private onNew(call: Call, name: string, warm: Warm | undefined): Awaitable<Turn> {
    checkExpectation(call, name, warm?.header)
    const served = warm === undefined ? this.versions.begins(name, call.version) : asItIs(warm)
    refuseTransientTarget(served.program.graph)
    const problem = call.operation && operationProblem(served.program.graph, call.operation)
    if (problem !== undefined) throw problem
    const accepted = acceptDelta(served.program, call.delta, this.driver.form)
    if (!isThenable(accepted)) return this.onAccepted(call, served, warm, accepted)
    return accepted.then((delta) => this.onAccepted(call, served, warm, delta))
  }

  private onAccepted(
    call: Call,
    served: Served,
    warm: Warm | undefined,
    accepted: readonly AcceptedDatum[],
  ): Awaitable<Turn> {
    if (call.signal?.aborted === true) throw gaveUp(call.id, call.signal.reason)
    const header = warm?.header
    if (warm === undefined || header === undefined) {
      const fresh = this.driver.fresh(served, call.grave)
      return this.begin(call, fresh, bindDelta(fresh.state, call.id, accepted))
    }
    if (!warm.state.isUndoing && this.isAtRest(call, header)) {
      const bound = bindDelta(warm.state, call.id, accepted)
      this.held.delete(call.id)
      return this.begin(call, warm, bound)
    }
    if (this.backlog.isFree(header) && header.holder !== null && header.pass > 0) {
      return this.takeUp(call, warm, header, accepted)
    }
    return this.queue(call, warm, header, accepted)
  }

  private begin(call: Call, warm: Warm, accepted: readonly AcceptedDatum[]): Awaitable<ScopeResult> {
    const { mode, delta, meta, operation, requestId } = call
    const request = requestId === undefined ? undefined : { requestId, hash: hashOf(delta, operation) }
    const trigger = { mode, delta, accepted, meta, operation }
    return this.driver.run(call, warm, trigger, { request })
  }

  /** Finishes a scope that trouble cut short in this process, or a crash in another, and goes on with the call. */
  private async takeUp(call: Call, warm: Warm, header: Header, accepted: readonly AcceptedDatum[]): Promise<Turn> {
    this.held.delete(call.id)
    const answer = await this.backlog.interrupted(call, warm, header)
    if (call.resume && call.operation === undefined) return unpack(answer)
    return this.onAccepted(call, warm.served, warm, accepted)
  }

  /** Puts the delta behind what is under way or waits already. */
  private async queue(call: Call, from: Warm, header: Header, accepted: readonly AcceptedDatum[]): Promise<Turn> {
    const served = asItIs(from)
    const { state } = from
    if (header.holder === this.facts.tenure.holder) {
      // When that lease began is not known: it is renewed first.
      if (this.held.get(call.id) === undefined) this.held.set(call.id, { header, at: -Infinity })
    } else if (header.pass > 0 && !hasMail(header)) {
      const claimed = await this.backlog.claim(call.id)
      if (claimed !== undefined) this.held.set(call.id, claimed)
      const warm = claimed && (await this.backlog.current(call.id, claimed))
      // Since it was looked at, others may have cancelled it, or have handled this very request.
      if (warm?.header !== undefined) return this.onKnown(call, served.program.graph.name, warm)
    }
    const submitted = await this.posting.append(call, served, bindDelta(state, call.id, accepted, true))
    // What is at hand says that there is no mail, and the next call would believe it.
    this.warm.drop(call.id)
    return submitted
  }

  /** What a delta is checked against before it waits: the version of the instance it is for. */
  private async servedFor({ id, version }: Call, name: string): Promise<Served> {
    const newest = this.versions.begins(name, version)
    if (!this.facts.registry.hasSeveral(name)) return newest
    const warm = this.warm.get(id) ?? (await this.backlog.read(id))
    return warm === undefined ? newest : asItIs(warm)
  }
}
