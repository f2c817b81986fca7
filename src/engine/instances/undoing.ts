import type { BuildContext } from '../../graph/builder.ts'
import { PolarisError } from '../../graph/errors.ts'
import type { Node } from '../../graph/graph.ts'
import { backoffMs, retryPolicy } from '../../graph/retry.ts'
import type { RetryPolicy } from '../../graph/retry.ts'
import type { DataStore, Row, RowNote } from '../../stores/contract.ts'
import { after } from '../clock.ts'
import type { Clock } from '../clock.ts'
import { thrownError } from '../failure.ts'
import { copyBytes, freezeDeep } from '../values/freeze.ts'
import type { HeaderPatch, Journal } from '../commit/journal.ts'
import type { Leases, Tenant } from '../commit/leases.ts'
import { UNDOING, UNDONE } from '../state/program.ts'
import { leaseLost } from '../refusals.ts'
import type { Served } from './registry.ts'
import { callerRow } from '../state/rows.ts'
import type { State } from '../state/state.ts'
import { readRow, readUndoList } from './undo-list.ts'
import type { Undoable } from './undo-list.ts'

export interface UndoingFacts {
  readonly store: DataStore
  readonly clock: Clock
  readonly served: Served
  readonly state: State
  readonly journal: Journal
  readonly leases: Leases
  readonly decode: (stored: unknown) => unknown
  readonly meta: Readonly<Record<string, unknown>>
  /** Number of the scope. */
  readonly scope: number
  /** A retry that is further away than this, in milliseconds, parks the instance. */
  readonly longestWait: number
  readonly random: () => number
  /** What commits say of the instance while it is undone. */
  readonly patch: () => HeaderPatch
}

/** A compensation is never given up: what has to be paid back has to be paid back. */
const ALWAYS: RetryPolicy = retryPolicy({ attempts: Number.MAX_SAFE_INTEGER })

/**
 * Undoes what an instance has done outside, the newest first, one at a time: each is committed before the next begins, so
 * that a crash in the middle goes on where it was. One that throws is tried again, for ever, with the backoff of its builder.
 */
export class Undoing implements Tenant {
  private readonly facts: UndoingFacts
  private trouble: { readonly error: unknown } | undefined
  /** Ends the attempt under way. */
  private interrupt: ((reason: Error) => void) | undefined
  private ended = false
  private renewing: Promise<void> | undefined

  constructor(facts: UndoingFacts) {
    this.facts = facts
  }

  get leasedAt(): number | undefined {
    return this.facts.journal.leasedAt
  }

  get progressAt(): number {
    return this.facts.journal.progressAt
  }

  renew(now: number): void {
    const renewing = this.ended ? undefined : this.facts.journal.keepLease(now)
    if (renewing !== undefined) this.renewing = renewing.catch((error: unknown) => this.breakDown(error))
  }

  lose(): void {
    this.breakDown(leaseLost(this.facts.journal.id))
  }

  /** Leaves it as it stands: whoever is at hand gets the signal, and is not waited for. */
  leave(reason: unknown): void {
    this.breakDown(reason)
  }

  private breakDown(error: unknown): void {
    if (this.ended) return
    this.trouble ??= { error }
    this.interrupt?.(error as Error)
  }

  /** @throws why nothing more is to be done */
  private checkTrouble(): void {
    if (this.trouble !== undefined) throw this.trouble.error
  }

  /**
   * Undoes all there is; answers whether it came to the end. If not, the newest row says when to go on.
   *
   * @param postponed why it is not to be tried now
   * @throws what the store threw, `LEASE_LOST`
   */
  async run(postponed: PolarisError | undefined): Promise<boolean> {
    const { journal, store, leases, state, clock } = this.facts
    leases.add(this)
    try {
      const list = await readUndoList(store, journal.id)
      let attempt = state.isUndoing ? (state.undoing?.note?.attempt ?? 0) : 0
      if (postponed !== undefined) {
        const retryAt = clock.now() + ALWAYS.max
        await this.note(list[0], { left: list.length, attempt, retryAt, error: thrownError(postponed) })
        return false
      }
      await this.note(list[0], { left: list.length, ...(attempt > 0 && { attempt }) })
      for (const [at, undoable] of list.entries()) {
        if (!(await this.undo(undoable, list.length - at, attempt))) return false
        attempt = 0
      }
      this.done()
      return true
    } finally {
      this.ended = true
      leases.remove(this)
    }
  }

  /** Undoes one run; `false` if it has to be tried again after a time that nobody should wait for. */
  private async undo(undoable: Undoable, left: number, before: number): Promise<boolean> {
    const { clock, served, longestWait, random } = this.facts
    const { graph } = served.program
    const node = graph.nodes[graph.nodeOf.get(undoable.builder) ?? -1]
    for (let attempt = before + 1; ; attempt++) {
      const error = await this.attempt(node, undoable, attempt)
      this.checkTrouble()
      if (error === undefined) {
        await this.undone(undoable, node)
        return true
      }
      const wait = backoffMs(node?.builder.retry ?? ALWAYS, attempt, random())
      const retryAt = clock.now() + wait
      await this.note(undoable, { left, attempt, retryAt, error: error.row })
      if (wait > longestWait) return false
      await this.pause(wait)
      // The process may have slept for longer, and others have taken the instance.
      this.renew(clock.now())
      await this.renewing
      this.checkTrouble()
    }
  }

  /** Waits before the next attempt, unless there is not to be one. */
  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel()
        this.interrupt = undefined
        resolve()
      }
      const cancel = after(this.facts.clock, ms, end)
      this.interrupt = end
    })
  }

  private async attempt(
    node: Node | undefined,
    undoable: Undoable,
    attempt: number,
  ): Promise<{ readonly row: NonNullable<RowNote['error']> } | undefined> {
    if (node?.builder.compensate === undefined) return { row: thrownError(this.nobody(undoable)) }
    const product = undoable.product === undefined ? undefined : await this.valueAt(undoable.product)
    const inputs = await this.inputsOf(node, undoable)
    const controller = new AbortController()
    const context = this.contextOf(node, undoable, attempt, controller.signal)
    try {
      await this.within(node, controller, async () =>
        node.builder.compensate?.(product as never, inputs, context as never),
      )
      return undefined
    } catch (error) {
      return { row: thrownError(error) }
    }
  }

  /** Waits for an attempt, but not longer than its builder may take, nor once the lease is lost. */
  private async within(node: Node, controller: AbortController, attempt: () => Promise<unknown>): Promise<void> {
    // What it is called with was read from the store: meanwhile another process may have begun with the same.
    this.checkTrouble()
    const { timeout } = node.builder
    let uncut: (() => void) | undefined
    const cut = new Promise<never>((_resolve, reject) => {
      this.interrupt = (reason) => {
        controller.abort(reason)
        reject(reason)
      }
      if (timeout === undefined) return
      const late = `What undoes '${node.name}' took longer than its timeout of ${timeout} ms.`
      uncut = after(this.facts.clock, timeout, () => this.interrupt?.(new PolarisError('BUILDER_TIMEOUT', late)))
    })
    try {
      await Promise.race([attempt(), cut])
    } finally {
      uncut?.()
      this.interrupt = undefined
    }
  }

  private contextOf(node: Node, { key }: Undoable, attempt: number, signal: AbortSignal): BuildContext {
    const { journal, served, meta } = this.facts
    return {
      workflowId: journal.id,
      signal,
      attempt,
      idempotencyKey: key,
      services: served.servicesOf(node),
      meta,
    }
  }

  private async inputsOf(node: Node, { inputs }: Undoable): Promise<Readonly<Record<string, unknown>>> {
    const input: Record<string, unknown> = {}
    for (const [index, { key }] of node.inputs.entries()) {
      const seq = inputs[index] ?? 0
      const value = seq === 0 ? undefined : await this.valueAt(seq)
      if (value !== undefined) input[key] = value
    }
    return input
  }

  private async valueAt(seq: number): Promise<unknown> {
    const { store, journal, decode } = this.facts
    const row = await readRow(store, journal.id, seq)
    if (row?.value === undefined) return undefined
    const value = decode(row.value)
    return freezeDeep(value) ? copyBytes(value) : value
  }

  private nobody({ builder }: Undoable): PolarisError {
    const { name, version } = this.facts.served.program.graph
    return new PolarisError(
      'BUILDER_UNKNOWN',
      `Builder '${builder}' has effects that are to be undone, and version ${version} of workflow '${name}' has no such ` +
        'builder with compensate.',
    )
  }

  private async undone({ builder, key, seq }: Undoable, node: Node | undefined): Promise<void> {
    const { state, scope, clock, journal } = this.facts
    const fields = { data: null, outcome: 'compensated', value: undefined, note: { key } } as const
    const row = callerRow(state, scope, clock.now(), { place: UNDONE + builder, ...fields }, builder)
    journal.add({ ...row, inputs: [seq] })
    if (node !== undefined) state.noteUndone(row)
    await this.commit()
  }

  /** Notes how far it is, and which one is next. */
  private async note(next: Undoable | undefined, note: RowNote): Promise<void> {
    const { state, scope, clock, journal } = this.facts
    const fields = { data: null, outcome: 'compensating', value: undefined, note } as const
    state.undoing = callerRow(state, scope, clock.now(), { place: UNDOING, ...fields }, next?.builder ?? null)
    journal.add(state.undoing)
    await this.commit()
  }

  private done(): void {
    const { state, scope, clock, journal } = this.facts
    const fields = { data: null, outcome: 'compensated', value: undefined, note: null } as const
    state.undoing = callerRow(state, scope, clock.now(), { place: UNDOING, ...fields })
    journal.add(state.undoing)
  }

  private async commit(): Promise<void> {
    const { journal, patch } = this.facts
    await this.renewing
    if (journal.unsure) await journal.renew(this.facts.clock.now())
    await journal.flush(patch())
    this.checkTrouble()
  }
}

/** The row that says that all an instance has done is to be undone, from the next scope on. */
export function beginUndoing(state: State, scope: number, now: number): Row {
  const fields = { data: null, outcome: 'compensating', value: undefined, note: null } as const
  return (state.undoing = callerRow(state, scope, now, { place: UNDOING, ...fields }))
}
