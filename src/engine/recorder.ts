import type { Datum } from '../graph/data.ts'
import type { Slot } from '../graph/graph.ts'
import { WaitFor } from '../graph/outcome.ts'
import type { Nothing } from '../graph/outcome.ts'
import type { Row, RowNote, RowOutcome } from '../stores/contract.ts'
import type { Clock } from './clock.ts'
import type { Journal } from './journal.ts'
import { listOf, ProductRow } from './product-row.ts'
import type { Pass } from './product-row.ts'
import type { Program, Step } from './program.ts'
import type { Scope, Work } from './scope.ts'
import type { State } from './state.ts'

/**
 * Writes down what came of each run: the row, the state, the scope's next candidates. What a scope produced is kept as two
 * lists, slots and values, since most of it is never asked for by name.
 */
export class Recorder {
  readonly slots: number[] = []
  readonly values: unknown[] = []
  private readonly program: Program
  private readonly scope: Scope
  private readonly state: State
  private readonly journal: Journal | undefined
  private readonly clock: Clock | undefined
  /** The clock as last read; 0 after a pause. */
  private time = 0

  private readonly coarse: boolean
  private readonly live: boolean
  private pass: Pass | undefined

  /**
   * @param clock absent where nobody will ask when
   * @param coarse read the clock once for builders that run on one another's heels without a pause
   * @param live rows stay in this process
   */
  constructor(
    program: Program,
    scope: Scope,
    journal: Journal | undefined,
    clock: Clock | undefined,
    coarse: boolean,
    live: boolean,
  ) {
    this.program = program
    this.scope = scope
    this.state = scope.state
    this.journal = journal
    this.clock = clock
    this.coarse = coarse
    this.live = live
  }

  /** When the builder that starts now started: when the one before it ended, unless there was a pause. */
  start(): number {
    return this.time === 0 ? this.now() : this.time
  }

  private end(): number {
    return this.coarse ? this.start() : this.now()
  }

  now(): number {
    return this.clock === undefined ? 0 : (this.time = this.clock.now())
  }

  /** Time passes unseen: whoever asks next has to look. */
  pause(): void {
    this.time = 0
  }

  /**
   * @param stored the value as the store keeps it; `undefined` for a transient
   * @param bytes whether it holds a Uint8Array
   */
  produced(work: Work, value: unknown, stored: unknown, bytes: boolean, startedAt: number): void {
    const { node } = work
    const { index, out } = node
    const { state } = this
    if (bytes) state.noteBytes(out)
    if (work.supply) {
      this.supplied(work, value, startedAt)
      return
    }
    const row = this.productRow(work, stored, startedAt)
    this.journal?.add(row, node)
    this.scope.replacing(out)
    state.setDatum(out, value, row)
    state.runs.set(index, row)
    this.keep(out, value)
    this.scope.finish(work, 'produced')
  }

  private supplied(work: Work, value: unknown, startedAt: number): void {
    const { index, out } = work.node
    const { supplied, product } = this.program.steps[index] as Step
    this.journal?.add(this.row(work, 'supplied', supplied, product, undefined, startedAt, null))
    this.scope.replacing(out)
    this.state.values.set(out, value)
    this.keep(out, value)
    this.scope.finish(work, 'supplied')
  }

  /** Notes a product of this scope, also one from before a crash. */
  keep(slot: number, value: unknown): void {
    this.slots.push(slot)
    this.values.push(value)
  }

  /** The builder gave no product. */
  empty(work: Work, answer: Nothing | WaitFor, startedAt: number): void {
    const { index } = work.node
    const step = this.program.steps[index] as Step
    const outcome = answer instanceof WaitFor ? 'waitFor' : 'nothing'
    const place = work.supply ? step.supplied : step.empty
    const row = this.row(work, outcome, place, null, undefined, startedAt, noteOf(answer))
    if (!work.supply) this.state.runs.set(index, row)
    this.journal?.add(row, work.supply ? undefined : work.node)
    this.scope.finish(work, outcome)
  }

  failed(work: Work, error: NonNullable<RowNote['error']>, startedAt: number): void {
    const { failed } = this.program.steps[work.node.index] as Step
    this.journal?.add(this.row(work, 'failed', failed, null, undefined, startedAt, { error }))
    this.scope.fail(work)
  }

  /** The newest product of a scope's builder, as hooks see it. */
  newest(): Datum {
    const last = this.slots.length - 1
    return { name: (this.state.graph.slots[this.slots[last] ?? -1] as Slot).name, value: this.values[last] }
  }

  /** Drops what is not stored, once the result has been photographed. */
  forgetTransients(fed: readonly number[]): void {
    const { graph, values } = this.state
    for (const slot of this.slots) if ((graph.slots[slot] as Slot).transient) values.set(slot, undefined)
    for (const slot of fed) if ((graph.slots[slot] as Slot).transient) values.set(slot, undefined)
  }

  private productRow(work: Work, stored: unknown, startedAt: number): Row {
    const step = this.program.steps[work.node.index] as Step
    if (!this.live) return this.row(work, 'produced', step.produced, step.product, stored, startedAt, null)
    const { number: scope, pass } = this.scope
    if (this.pass?.pass !== pass) this.pass = { scope, pass, startedAt }
    return new ProductRow(++this.state.newest, step, this.pass, stored, work.reads, startedAt, this.end())
  }

  private row(
    { node, reads }: Work,
    outcome: RowOutcome,
    place: string,
    data: string | null,
    value: unknown,
    startedAt: number,
    note: RowNote | null,
  ): Row {
    return {
      seq: ++this.state.newest,
      place,
      scope: this.scope.number,
      pass: this.scope.pass,
      builder: node.name,
      data,
      outcome,
      value,
      inputs: listOf(reads),
      startedAt,
      endedAt: this.end(),
      note,
    }
  }
}

function noteOf(answer: Nothing | WaitFor): RowNote | null {
  const awaits = answer instanceof WaitFor ? answer.data.name : undefined
  const { because } = answer
  if (awaits === undefined && because === undefined) return null
  return { ...(awaits !== undefined && { awaits }), ...(because !== undefined && { because: String(because) }) }
}
