import type { PolarisError } from '../../graph/errors.ts'
import type { DataStore, Handled, Header, InstanceStatus } from '../../stores/contract.ts'
import { agenda } from '../state/agenda.ts'
import type { Clock } from '../clock.ts'
import { NO_META } from '../values/meta.ts'
import type { Trigger, Warm } from './driver.ts'
import { Left } from '../commit/left.ts'
import type { AcceptedDatum, Form } from '../values/intake.ts'
import type { HeaderPatch, Journal, JournalFacts } from '../commit/journal.ts'
import type { Leases } from '../commit/leases.ts'
import { operate } from './operation.ts'
import { handledBy } from './records.ts'
import { crashLoop } from '../refusals.ts'
import { ScopeResult } from '../scope/result.ts'
import { callRow, feed, reasonRow } from '../state/rows.ts'
import { Undoing } from './undoing.ts'

export interface CloserFacts {
  readonly store: DataStore
  readonly clock: Clock
  readonly leases: Leases
  readonly longestWait: number
  readonly form: Form
  readonly decode: (stored: unknown) => unknown
  readonly journal: (
    warm: Warm,
    draft: Header,
    own: Pick<JournalFacts, 'direct' | 'mail' | 'committed' | 'startedAt'>,
  ) => Journal
  /** An instance has come to rest. */
  readonly settle: (warm: Warm, journal: Journal) => void
}

/** Ends scopes in which no builder runs: those given up, those that cancel an instance, those that undo what it has done. */
export class Closer {
  private readonly facts: CloserFacts
  private readonly undoings = new Map<string, Undoing>()

  constructor(facts: CloserFacts) {
    this.facts = facts
  }

  /**
   * Closes a scope, begun or not, that cannot be run. What was fed is kept.
   *
   * @param delta of a scope that was not begun
   * @throws the reason
   */
  async giveUp(warm: Warm, header: Header, delta: readonly AcceptedDatum[], reason: PolarisError): Promise<never> {
    const { clock, form } = this.facts
    const startedAt = clock.now()
    const { state } = warm
    const isSettled = state.settled >= state.newest
    const scope = header.pass > 0 ? header.scope : header.scope + 1
    const journal = this.journal(warm, header, header.pass > 0 ? 'begun' : 'mail', startedAt)
    for (const datum of delta) journal.add(feed(state, { scope, pass: 1, startedAt, took: 0 }, datum, form === 'live'))
    journal.add(reasonRow(state, scope, startedAt, reason))
    const { code, message } = reason
    const handled = handledBy(scope, startedAt, { status: 'failed', error: { code, message } })
    // Who came too late with a decision has changed nothing.
    const isLate = code === 'DATA_OUTDATED'
    if (isLate && isSettled) state.settle()
    const status = isLate ? header.status : state.isUndoing ? 'retrying' : 'failed'
    await this.close(warm, journal, patchOf(warm, header, status, scope, startedAt), handled)
    throw reason
  }

  /** Ends an instance that is at rest, since its time has come: a scope of its own says why. */
  async endNow(warm: Warm, header: Header, reason: PolarisError): Promise<void> {
    const startedAt = this.facts.clock.now()
    const scope = header.mailAppended + 1
    const journal = this.journal(warm, header, 'time', startedAt)
    journal.add(reasonRow(warm.state, scope, startedAt, reason))
    await this.close(warm, journal, patchOf(warm, header, 'failed', scope, startedAt), undefined)
  }

  /** Ends an instance for good: what it has stays to be looked at. What it did is undone if that is asked for. */
  async cancel(warm: Warm, header: Header, { operation, meta }: Trigger): Promise<ScopeResult> {
    const { state } = warm
    const { cancelling: scope } = header
    const startedAt = this.facts.clock.now()
    const journal = this.journal(warm, header, 'mail', startedAt)
    const left = state.settled < state.newest
    if (meta !== undefined) journal.add(callRow(state, scope, startedAt, meta))
    if (operation !== undefined) journal.add(operate(state, scope, startedAt, operation))
    if (!left) state.settle()
    const undoes = state.isUndoing || (operation?.kind === 'cancel' && operation.compensate === true)
    if (undoes) return this.undo(warm, header, journal, scope)
    return this.end(warm, header, journal, scope, 'cancelled')
  }

  /** A worker stops: what is at hand is left to others. */
  leave(id: string, reason: Left): void {
    this.undoings.get(id)?.leave(reason)
  }

  /** A scope of its own for what is still to be undone. */
  undoMore(warm: Warm, header: Header): Promise<ScopeResult> {
    return this.undo(warm, header, this.journal(warm, header, 'time'), header.mailAppended + 1)
  }

  /** Goes on with undoing where a crash cut it short. */
  undoInterrupted(warm: Warm, header: Header, crashes: boolean): Promise<ScopeResult> {
    const reason = crashes ? crashLoop(header) : undefined
    return this.undo(warm, header, this.journal(warm, header, 'begun'), header.scope, reason)
  }

  /** Gives back an instance on which there was nothing to do. */
  async release(warm: Warm, header: Header): Promise<void> {
    const { status, scope, pass, updatedAt: startedAt } = header
    const journal = this.journal(warm, header, 'begun', startedAt)
    const patch = {
      ...patchOf(warm, header, status, scope, startedAt),
      pass,
      settled: header.settled,
      rows: header.rows,
    }
    await this.close(warm, journal, patch, undefined, pass === 0)
  }

  /** @param from what sets the scope off: mail, its time, or somebody who has begun it */
  private journal(
    warm: Warm,
    header: Header,
    from: 'mail' | 'time' | 'begun',
    startedAt = this.facts.clock.now(),
  ): Journal {
    const committed = from === 'begun' ? header.rows : undefined
    return this.facts.journal(warm, header, { direct: from === 'time', mail: undefined, committed, startedAt })
  }

  /** Commits the last of a scope, and gives the instance back. */
  private async close(
    warm: Warm,
    journal: Journal,
    patch: HeaderPatch,
    handled: Handled | undefined,
    settled = true,
  ): Promise<void> {
    await journal.close(patch, { settled, handled, keep: false })
    this.facts.settle(warm, journal)
  }

  private async undo(
    warm: Warm,
    header: Header,
    journal: Journal,
    scope: number,
    postponed?: PolarisError,
  ): Promise<ScopeResult> {
    const { store, clock, leases, longestWait, decode } = this.facts
    const { served, state } = warm
    const patch = (): HeaderPatch => ({
      ...patchOf(warm, header, 'running', scope, clock.now()),
      pass: 1,
      wakeAt: null,
    })
    const undoing = new Undoing({
      ...{ store, clock, leases, longestWait, decode, served, state, journal, scope, patch },
      ...{ meta: NO_META, random: Math.random },
    })
    this.undoings.set(header.id, undoing)
    let done: boolean
    try {
      done = await undoing.run(postponed)
    } catch (error) {
      if (error instanceof Left) await journal.close(patch(), { settled: false, handled: undefined, keep: false })
      throw error
    } finally {
      this.undoings.delete(header.id)
    }
    // One that waits to cancel it is still to be told.
    const cancelled = header.cancelling > 0 && header.cancelling <= scope
    return this.end(warm, header, journal, scope, done ? (cancelled ? 'cancelled' : 'failed') : 'retrying')
  }

  private async end(
    warm: Warm,
    header: Header,
    journal: Journal,
    scope: number,
    status: 'cancelled' | 'failed' | 'retrying',
  ): Promise<ScopeResult> {
    const at = this.facts.clock.now()
    await this.close(warm, journal, patchOf(warm, header, status, scope, at), handledBy(scope, at, { status }))
    const { state } = warm
    const { id } = header
    return new ScopeResult({
      id,
      scope,
      state: state.snapshot(false),
      slots: [],
      status,
      target: undefined,
      lost: undefined,
    })
  }
}

function patchOf(
  { state }: Warm,
  { mode }: Header,
  status: InstanceStatus,
  scope: number,
  updatedAt: number,
): HeaderPatch {
  const { settled, newest: rows } = state
  return { status, scope, pass: 0, mode, settled, rows, updatedAt, wakeAt: agenda(state, status, updatedAt) }
}
