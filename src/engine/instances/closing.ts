import type { PolarisError } from '../../graph/errors.ts'
import type { DataStore, Header, InstanceStatus } from '../../stores/contract.ts'
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
    const { clock, form, settle } = this.facts
    const startedAt = clock.now()
    const { state } = warm
    const isSettled = state.settled >= state.newest
    const scope = header.pass > 0 ? header.scope : header.scope + 1
    const committed = header.pass > 0 ? header.rows : undefined
    const journal = this.facts.journal(warm, header, { direct: false, mail: undefined, committed, startedAt })
    for (const datum of delta) journal.add(feed(state, { scope, pass: 1, startedAt, took: 0 }, datum, form === 'live'))
    journal.add(reasonRow(state, scope, startedAt, reason))
    const { code, message } = reason
    const handled = handledBy(scope, startedAt, { status: 'failed', error: { code, message } })
    // Who came too late with a decision has changed nothing.
    const isLate = code === 'DATA_OUTDATED'
    if (isLate && isSettled) state.settle()
    const status = isLate ? header.status : state.isUndoing ? 'retrying' : 'failed'
    const patch = patchOf(warm, header, status, scope, startedAt)
    await journal.close(patch, { settled: true, handled, keep: false })
    settle(warm, journal)
    throw reason
  }

  /** Ends an instance that is at rest, since its time has come: a scope of its own says why. */
  async endNow(warm: Warm, header: Header, reason: PolarisError): Promise<void> {
    const { clock, settle } = this.facts
    const startedAt = clock.now()
    const { state } = warm
    const scope = header.mailAppended + 1
    const own = { direct: true, mail: undefined, committed: undefined, startedAt }
    const journal = this.facts.journal(warm, header, own)
    journal.add(reasonRow(state, scope, startedAt, reason))
    const patch = patchOf(warm, header, 'failed', scope, startedAt)
    await journal.close(patch, { settled: true, handled: undefined, keep: false })
    settle(warm, journal)
  }

  /** Ends an instance for good: what it has stays to be looked at. What it did is undone if that is asked for. */
  async cancel(warm: Warm, header: Header, { operation, meta }: Trigger): Promise<ScopeResult> {
    const { state } = warm
    const { cancelling: scope } = header
    const startedAt = this.facts.clock.now()
    const own = { direct: false, mail: undefined, committed: undefined, startedAt }
    const journal = this.facts.journal(warm, header, own)
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
    const startedAt = this.facts.clock.now()
    const own = { direct: true, mail: undefined, committed: undefined, startedAt }
    return this.undo(warm, header, this.facts.journal(warm, header, own), header.mailAppended + 1)
  }

  /** Goes on with undoing where a crash cut it short. */
  undoInterrupted(warm: Warm, header: Header, crashes: boolean): Promise<ScopeResult> {
    const startedAt = this.facts.clock.now()
    const own = { direct: false, mail: undefined, committed: header.rows, startedAt }
    const reason = crashes ? crashLoop(header) : undefined
    return this.undo(warm, header, this.facts.journal(warm, header, own), header.scope, reason)
  }

  /** Gives back an instance on which there was nothing to do. */
  async release(warm: Warm, header: Header): Promise<void> {
    const { status, scope, pass, updatedAt: startedAt } = header
    const own = { direct: false, mail: undefined, committed: header.rows, startedAt }
    const journal = this.facts.journal(warm, header, own)
    const patch = {
      ...patchOf(warm, header, status, scope, startedAt),
      pass,
      settled: header.settled,
      rows: header.rows,
    }
    await journal.close(patch, { settled: pass === 0, handled: undefined, keep: false })
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
    const handled = handledBy(scope, at, { status })
    await journal.close(patchOf(warm, header, status, scope, at), { settled: true, handled, keep: false })
    this.facts.settle(warm, journal)
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
