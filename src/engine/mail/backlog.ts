import { isPolarisError, PolarisError } from '../../graph/errors.ts'
import type { ErrorCode } from '../../graph/errors.ts'
import type { Awaitable, DataStore, Header, Mail, Snapshot } from '../../stores/contract.ts'
import { agenda, removalAt } from '../state/agenda.ts'
import { claimDue } from '../commit/claiming.ts'
import type { Claimed } from '../commit/claiming.ts'
import { NO_META } from '../values/meta.ts'
import type { Driver, Manner, Warm } from '../instances/driver.ts'
import { freezeDeep } from '../values/freeze.ts'
import { Overtaken } from '../commit/journal.ts'
import type { Tenure } from '../commit/journal.ts'
import type { Answer, Helper } from './mailbox.ts'
import { Stranded } from './stranded.ts'
import { CALL } from '../state/program.ts'
import { cancelledMeanwhile, crashLoop, undoingFirst, workflowTimeout } from '../refusals.ts'
import type { Registry } from '../instances/registry.ts'
import type { Remover } from '../instances/removal.ts'
import type { ScopeResult } from '../scope/result.ts'
import { bindDelta } from '../state/about.ts'
import { loadState } from '../state/loading.ts'
import type { StoreClock } from '../store-clock.ts'
import { deadline, dueTimers } from '../scope/timers.ts'
import type { Turns } from '../instances/turns.ts'
import type { Versions } from '../versions/versions.ts'
import type { WarmOnes } from '../instances/warm.ts'

/** What ended the work on an instance early. What is not handled stays in the store, and is found again. */
export interface Trouble {
  readonly error: unknown
}

export interface BacklogFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly versions: Versions
  readonly clock: StoreClock
  readonly tenure: Tenure
  readonly driver: Driver
  readonly turns: Turns
  readonly warm: WarmOnes
  readonly remover: Remover
  /** Told how each scope ended that somebody may be waiting for. */
  readonly settled: (id: string, mail: { readonly seq: number; readonly requestId?: string }, answer: Answer) => void
}

/** A scope that was claimed more often without any progress is given up (P11). */
const MOST_CLAIMS = 5
const MAILS = 32

/** Works on what waits: mail, and scopes that were cut short. Knows how instances come to hand. */
export class Backlog {
  private readonly facts: BacklogFacts
  private readonly stranded: Stranded
  /** On which instances workers work, each known by its `stopped`. */
  private readonly worked = new Map<string, Helper['stopped']>()
  private closed = false

  constructor(facts: BacklogFacts) {
    this.facts = facts
    this.stranded = new Stranded(facts.clock, facts.tenure.ms)
  }

  /** Begins no further scope. */
  close(): void {
    this.closed = true
  }

  /** Works on what this process holds: everything that waits, one scope after the other. Never rejects. */
  async work(id: string, claimed: Claimed | undefined, helper: Helper): Promise<Trouble | undefined> {
    if (claimed !== undefined) this.facts.driver.lose(id)
    const taken = this.facts.turns.take(id)
    if (taken !== undefined) await taken
    return this.drain(id, helper, claimed)
  }

  /** Stops what a worker has begun on an instance; never what a caller here waits for. */
  leave(id: string, stopped: Helper['stopped']): void {
    if (stopped !== undefined && this.worked.get(id) === stopped) this.facts.driver.leave(id)
  }

  /** Works on an instance for callers that wait for it, if it is due and nobody in this process does so already. */
  async help(id: string, helper: Helper): Promise<void> {
    if (this.closed || this.facts.turns.isTaken(id)) return
    const claimed = await this.claim(id)
    if (claimed === undefined && !this.stranded.has(id)) return
    const trouble = await this.work(id, claimed, helper)
    if (trouble !== undefined) throw trouble.error
  }

  /** Trouble with the store ended a scope of this process, whose lease may still stand: it need not wait for its end. */
  strand(id: string): void {
    this.stranded.add(id)
  }

  async claim(id: string): Promise<Claimed | undefined> {
    const [claimed] = await claimDue(this.facts, { limit: 1, ids: [id] })
    return claimed
  }

  isFree({ holder }: Header): boolean {
    return holder === null || holder === this.facts.tenure.holder
  }

  /** Handles what waits on an instance, and passes the turn, which has to be taken. */
  async drain(id: string, helper: Helper, claimed: Claimed | undefined): Promise<Trouble | undefined> {
    const manner: Manner = { id, ...helper, signal: undefined }
    let fresh = claimed
    // What is left of an instance that was removed goes as well when it has been remembered for long enough.
    const grave = claimed?.header.status === 'deleted' ? claimed.header : undefined
    this.stranded.delete(id)
    this.worked.set(id, helper.stopped)
    try {
      if (grave !== undefined) await this.facts.remover.remove(grave)
      while (grave === undefined) {
        const warm = await this.current(id, fresh)
        fresh = undefined
        if (warm?.header === undefined || !this.isFree(warm.header)) return undefined
        if (!(await this.step(manner, warm, warm.header, helper))) return undefined
      }
      return undefined
    } catch (error) {
      this.facts.warm.drop(id)
      if (isPolarisError(error, 'STORE_UNAVAILABLE')) this.strand(id)
      return error instanceof Overtaken ? undefined : { error }
    } finally {
      this.worked.delete(id)
      this.facts.turns.pass(id)
    }
  }

  /** One scope of what waits; `false` if nothing does. */
  private async step(manner: Manner, warm: Warm, header: Header, helper: Helper): Promise<boolean> {
    const goesOn = (): boolean => !this.closed && helper.stopped?.() !== true
    if (header.pass > 0 && goesOn()) {
      await this.interrupted(manner, warm, header)
      return true
    }
    const waits = hasMail(header) && goesOn()
    // Mail goes first, which has lower numbers: refused until all is undone, or it would set off what is being taken back.
    if (!waits && warm.state.isUndoing && header.pass === 0 && goesOn() && this.isDue(warm, header, agenda)) {
      return this.wake(manner, warm)
    }
    const mails = waits ? await this.facts.store.mail(manner.id, { after: header.mailHandled, limit: MAILS }) : []
    const current = mails.length > 0 && goesOn() ? await this.moved(warm) : warm
    for (const [at, mail] of mails.entries()) {
      if (!goesOn()) break
      const answer = await answerTo(() => this.handle(manner, current, mail, at + 1 < mails.length))
      this.facts.settled(manner.id, mail, answer)
    }
    if (mails.length > 0 && goesOn()) return true
    // One that was to move stands as it did before until something of that is committed.
    const stands = current.moved === undefined ? current : warm
    const rests = stands.header
    if (rests !== undefined && goesOn() && this.isDue(stands, rests, agenda)) {
      if (!this.isDue(stands, rests, removalAt)) return this.wake(manner, await this.moved(stands))
      await this.facts.remover.remove(rests)
      this.facts.warm.drop(manner.id)
      return true
    }
    if (rests !== undefined && rests.holder !== null) await this.facts.driver.closer.release(stands, rests)
    return false
  }

  /** An instance as the version has it that its next scope is to run on. */
  private moved(warm: Warm): Awaitable<Warm> {
    const to = this.facts.versions.destination(warm)
    return to === undefined ? warm : this.facts.versions.moved(warm, to)
  }

  /** What nobody fed and whose time has come: something to run, or the end of the instance. */
  private isDue({ state }: Warm, { status, pass, updatedAt }: Header, what: typeof agenda): boolean {
    const at = pass > 0 ? null : what(state, status, updatedAt)
    return at !== null && at <= this.facts.clock.now()
  }

  /** A scope that no delta sets off. Mail that came since the instance was read goes first. */
  private async wake(manner: Manner, warm: Warm): Promise<boolean> {
    const reason = this.reasonToEnd(warm)
    try {
      if (reason !== undefined) await this.facts.driver.closer.endNow(warm, warm.header as Header, reason)
      else {
        const trigger = { mode: 'parallel', delta: [], accepted: [], meta: undefined, operation: undefined } as const
        await answerTo(() => this.facts.driver.run(manner, warm, trigger, { request: undefined, wake: true }))
      }
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error
      this.facts.warm.drop(manner.id)
    }
    return true
  }

  /** Why an instance whose time has come for something is not to be woken, but ended. */
  private reasonToEnd({ state, header }: Warm): PolarisError | undefined {
    if (header === undefined) return undefined
    if (state.isUndoing) return undefined
    if (header.claims > MOST_CLAIMS) return crashLoop(header)
    const over = deadline(state)
    const now = this.facts.clock.now()
    // What was due before its time was over happens first, however late it is now.
    if (over === undefined || over > now || dueTimers(state, over - 1).some(({ failed }) => !failed)) return undefined
    return workflowTimeout(header.id, state.graph)
  }

  private async handle(manner: Manner, warm: Warm, mail: Mail, more: boolean): Promise<ScopeResult> {
    const { served, header } = warm as Warm & { readonly header: Header }
    const { mode, seq, body, appendedAt: arrivedAt } = mail
    // Another process has begun or handled it since this one saw the header.
    if (body === undefined) throw new Overtaken()
    const opened = await this.facts.versions.open(served, body)
    if (opened instanceof PolarisError) return this.facts.driver.closer.giveUp(warm, header, [], opened)
    const { meta, operation } = opened
    const { driver } = this.facts
    let { accepted } = opened
    if (isCancelled(header, seq)) return driver.closer.giveUp(warm, header, accepted, cancelledMeanwhile(header.id))
    if (operation?.kind !== 'cancel') {
      if (warm.state.isUndoing) return driver.closer.giveUp(warm, header, accepted, undoingFirst(header.id))
      if (header.claims > MOST_CLAIMS) return driver.closer.giveUp(warm, header, accepted, crashLoop(header))
    }
    const bound = orRefusal(() => bindDelta(warm.state, header.id, accepted))
    if (bound instanceof PolarisError) return driver.closer.giveUp(warm, header, [], bound)
    accepted = bound
    const delta = accepted.map(({ intake, value }) => ({ name: intake.slot.name, value }))
    return this.facts.driver.run(manner, warm, { mode, delta, accepted, meta, operation }, { seq, more, arrivedAt })
  }

  /** Finishes a scope that was cut short. Its throw is its caller's, who may be waiting. */
  async interrupted(manner: Manner, warm: Warm, header: Header): Promise<Answer> {
    const { driver } = this.facts
    const answer = await answerTo(() => {
      const crashes = header.claims > MOST_CLAIMS
      if (warm.state.isUndoing) return driver.closer.undoInterrupted(warm, header, crashes)
      if (isCancelled(header, header.scope))
        return driver.closer.giveUp(warm, header, [], cancelledMeanwhile(header.id))
      if (crashes) return driver.closer.giveUp(warm, header, [], crashLoop(header))
      return driver.runInterrupted(manner, warm, header)
    })
    this.facts.settled(manner.id, { seq: header.scope }, answer)
    return answer
  }

  /** The instance as it stands: as at hand, if that is what was claimed. */
  async current(id: string, claimed: Claimed | undefined): Promise<Warm | undefined> {
    const known = this.facts.warm.get(id)
    if (claimed === undefined) return known ?? this.read(id)
    const { header, at } = claimed
    const warm = known?.header !== undefined && isSame(known.header, header) ? known : await this.read(id)
    // Between the claim and its turn a call of this process may have moved the instance on.
    if (warm?.header === undefined || !isSame(warm.header, header)) return warm
    warm.header = header
    warm.leasedAt = at
    return warm
  }

  async read(id: string): Promise<Warm | undefined> {
    return this.load(await this.facts.store.read(id))
  }

  load(snapshot: Snapshot | undefined): Warm | undefined {
    if (snapshot === undefined || snapshot.header.status === 'deleted') return undefined
    const { header, rows } = snapshot
    const served = this.facts.registry.reading(header)
    const state = loadState(served.program.graph, header.settled, rows, this.facts.driver.decode)
    state.newest = header.rows
    if (state.timing !== undefined) state.timing.createdAt = header.createdAt
    const call = rows.find(({ place, scope }) => place === CALL && scope === header.scope)
    const meta = call?.note?.meta ?? NO_META
    freezeDeep(meta)
    return { served, state, header, leasedAt: undefined, meta }
  }
}

/** Whether mail waits behind what is under way. */
export function hasMail({ mailAppended, mailHandled, pass }: Header): boolean {
  return mailAppended > (pass > 0 ? mailHandled + 1 : mailHandled)
}

/** Whether a scope is no longer to run since somebody cancels the instance. */
function isCancelled({ cancelling }: Header, scope: number): boolean {
  return cancelling > scope
}

function isSame(known: Header, { incarnation, revision }: Header): boolean {
  return known.incarnation === incarnation && known.revision === revision
}

function orRefusal<T>(bind: () => T): T | PolarisError {
  try {
    return bind()
  } catch (error) {
    if (error instanceof PolarisError) return error
    throw error
  }
}

/** How a scope ended, be it by a builder's throw. What keeps it from ending is thrown. */
async function answerTo(run: () => Awaitable<ScopeResult>): Promise<Answer> {
  try {
    return { result: await run() }
  } catch (error) {
    if (isPolarisError(error) && IS_ANSWER.has(error.code)) return { error }
    throw error
  }
}

const IS_ANSWER: ReadonlySet<ErrorCode> = new Set([
  'BUILDER_FAILED',
  'PRODUCT_INVALID',
  'BUILDER_TIMEOUT',
  'ABORTED',
  'CRASH_LOOP',
  'WORKFLOW_TIMEOUT',
  'DATA_UNKNOWN',
  'DATA_OUTDATED',
  'MIGRATION_FAILED',
  'VERSION_NOT_SERVED',
  'BUILDER_UNKNOWN',
  'CANCELLED',
  'COMPENSATING',
])
