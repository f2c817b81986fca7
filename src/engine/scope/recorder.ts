import type { Datum } from '../../graph/data.ts'
import type { Node, Slot } from '../../graph/graph.ts'
import { WaitFor } from '../../graph/outcome.ts'
import type { Nothing } from '../../graph/outcome.ts'
import type { Row, RowNote, RowOutcome } from '../../stores/contract.ts'
import type { Clock } from '../clock.ts'
import { isEqual } from '../values/canonical.ts'
import { DatumRow, listOf, withValue } from '../state/datum-row.ts'
import type { Moment, RowKind } from '../state/datum-row.ts'
import type { Journal } from '../commit/journal.ts'
import { STARTED, UNCHANGED } from '../state/program.ts'
import type { Program, Step } from '../state/program.ts'
import type { Scope } from './scope.ts'
import type { Work } from './work.ts'
import type { State } from '../state/state.ts'

/**
 * Writes down what came of each run: the row, the state, the scope's next candidates. Of what a scope produced
 * it keeps the slots: the state has the values.
 */
export class Recorder {
  /** Slots of what this scope produced, in order, also before a crash. */
  readonly slots: number[] = []
  private readonly program: Program
  private readonly scope: Scope
  private readonly state: State
  private readonly journal: Journal | undefined
  private readonly clock: Clock | undefined
  /** When the clock was first read. Times are kept from there: a time of day takes an object of its own wherever it is kept. */
  private readonly origin: number
  /** What the clock told last, from there. */
  private passed = 0
  /** Whether time may have passed since. */
  private paused: boolean
  private readonly coarse: boolean
  private readonly live: boolean
  private at: Moment | undefined

  /**
   * @param clock absent where nobody will ask when
   * @param coarse read the clock once for builders that run on one another's heels without a pause
   * @param live rows stay in this process
   * @param startedAt when the clock was last read
   */
  constructor(
    program: Program,
    scope: Scope,
    journal: Journal | undefined,
    clock: Clock | undefined,
    coarse: boolean,
    live: boolean,
    startedAt: number,
  ) {
    this.program = program
    this.scope = scope
    this.state = scope.state
    this.journal = journal
    this.clock = clock
    this.coarse = coarse
    this.live = live
    this.origin = startedAt
    this.paused = !coarse
  }

  /** When the builder that starts now started: when the one before it ended, unless there was a pause. */
  start(): number {
    return this.origin + this.startAfter()
  }

  now(): number {
    return this.origin + this.look()
  }

  /** The same as {@link start}, in milliseconds after `startedAt`. */
  startAfter(): number {
    return this.paused ? this.look() : this.passed
  }

  private endAfter(): number {
    return this.coarse ? this.startAfter() : this.look()
  }

  private look(): number {
    const { clock } = this
    this.paused = false
    if (clock === undefined) return 0
    const now = this.coarse && clock.coarse !== undefined ? clock.coarse() : clock.now()
    return (this.passed = wholeOf(now - this.origin))
  }

  /** Time passes unseen: whoever asks next has to look. */
  pause(): void {
    this.paused = true
  }

  /**
   * @param stored the value as the store keeps it; `undefined` for a transient
   * @param bytes whether it holds a Uint8Array
   */
  produced(work: Work, value: unknown, stored: unknown, bytes: boolean, given: RowNote | null): void {
    const { node } = work
    const { index, out } = node
    const { state } = this
    if (bytes) state.noteBytes(out)
    if (work.supply) {
      this.supplied(work, value, given)
      return
    }
    if (node.cutoff && isEqual(state.value(out), value)) {
      this.unchanged(work, given)
      return
    }
    const { produced } = this.program.steps[index] as Step
    const kept = stored === undefined ? undefined : value
    const note = node.aboutAt < 0 ? given : { ...given, about: listOf(work.reads)[node.aboutAt] ?? 0 }
    const row =
      note === null
        ? this.plainRow(work, produced, kept)
        : this.row(work, 'produced', produced.place, produced.data, kept, note)
    this.journal?.add(this.live ? row : withValue(row, stored), node)
    this.scope.replacing(out)
    state.setDatum(out, value, row)
    this.slots.push(out)
    this.scope.finish(work, 'produced')
  }

  /** The datum that stands goes on to stand, with its row: so nobody is due, and whoever reads it later has the same key. */
  private unchanged(work: Work, given: RowNote | null): void {
    const { node } = work
    const { produced } = this.program.steps[node.index] as Step
    const note = { ...given, sameAs: this.state.rows.get(node.out)?.seq ?? 0 }
    const row = this.row(work, 'produced', UNCHANGED + node.name, produced.data, undefined, note)
    this.journal?.add(row, node)
    this.state.noteRun(node.index, row)
    this.slots.push(node.out)
    this.scope.renewed(work)
  }

  private supplied(work: Work, value: unknown, note: RowNote | null): void {
    const { index, out } = work.node
    const { supplied, produced } = this.program.steps[index] as Step
    this.journal?.add(this.row(work, 'supplied', supplied, produced.data, undefined, note))
    this.scope.replacing(out)
    this.state.setTransient(out, value)
    this.slots.push(out)
    this.scope.finish(work, 'supplied')
  }

  /** The builder gave no product. */
  empty(work: Work, answer: Nothing | WaitFor, note: RowNote | null): void {
    const { index } = work.node
    const step = this.program.steps[index] as Step
    const outcome = answer instanceof WaitFor ? 'waitFor' : 'nothing'
    const place = work.supply ? step.supplied : step.empty
    const row = this.row(work, outcome, place, null, undefined, noteOf(answer, note))
    if (!work.supply) this.state.noteRun(index, row)
    this.journal?.add(row, work.supply ? undefined : work.node)
    this.scope.finish(work, outcome)
  }

  failed(work: Work, note: RowNote): void {
    const { failed } = this.program.steps[work.node.index] as Step
    this.journal?.add(this.row(work, 'failed', failed, null, undefined, note))
    this.state.tries?.delete(work.node.index)
    this.scope.fail(work)
  }

  /** The builder failed for good, and those who consume the outcome have it: an end like any other. */
  settled(work: Work, given: RowNote): void {
    const { node, supply } = work
    const { index } = node
    const { produced, supplied, empty } = this.program.steps[index] as Step
    const since = node.builder.once ? emptyScope(this.state.run(index)) : 0
    const note = since === 0 ? given : { ...given, since }
    const row = this.row(work, 'failed', supply ? supplied : empty, produced.data, undefined, note)
    if (supply) (this.state.supplies ??= new Map()).set(index, row)
    else this.state.noteFailure(index, row)
    this.journal?.add(row, supply ? undefined : node)
    this.scope.settle(work)
  }

  /** A try failed and another one is to come: until then the builder counts as running. */
  tried(work: Work, note: RowNote): void {
    const { node } = work
    const { failed } = this.program.steps[node.index] as Step
    const row = this.row(work, 'failed', failed, null, undefined, note)
    this.state.noteTry(node.index, row)
    this.journal?.add(row, node)
  }

  /** Timers have gone off before the scope began, and what they made is of it. */
  fired(nodes: readonly number[]): void {
    for (const node of nodes) {
      const { out } = this.state.graph.nodes[node] as Node
      this.scope.ran.push(node)
      // What a timer made before the delta counted may be replaced by what was fed.
      if (this.state.rows.get(out)?.outcome === 'produced') this.slots.push(out)
    }
  }

  /** The row that says that a builder may have done something from now on. */
  begins(work: Work, key: string): Row {
    const row = this.row(work, 'started', STARTED + work.node.name, null, undefined, { key })
    return { ...row, startedAt: this.start() }
  }

  /** The newest product of a scope's builder, as hooks see it. */
  newest(): Datum {
    const slot = this.slots[this.slots.length - 1] ?? -1
    return { name: (this.state.graph.slots[slot] as Slot).name, value: this.state.value(slot) }
  }

  private plainRow(work: Work, kind: RowKind, value: unknown): Row {
    const seq = ++this.state.newest
    return new DatumRow(seq, kind, this.moment(work.startedAfter), value, work.reads)
  }

  private moment(startedAfter: number): Moment {
    const { at } = this
    const startedAt = this.origin + startedAfter
    const { number: scope, pass } = this.scope
    const took = this.endAfter() - startedAfter
    if (at !== undefined && at.startedAt === startedAt && at.took === took && at.pass === pass) return at
    return (this.at = { scope, pass, startedAt, took })
  }

  private row(
    { node, reads, startedAfter }: Work,
    outcome: RowOutcome,
    place: string,
    data: string | null,
    value: unknown,
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
      startedAt: this.origin + startedAfter,
      endedAt: this.origin + this.endAfter(),
      note,
    }
  }
}

/** The scope of a builder's last run that gave nothing, if it gave nothing last; 0 if not. A failure leaves it as it was. */
export function emptyScope(run: Row | undefined): number {
  if (run === undefined || run.outcome === 'produced') return 0
  return run.outcome === 'failed' ? (run.note?.since ?? 0) : run.scope
}

function noteOf(answer: Nothing | WaitFor, note: RowNote | null): RowNote | null {
  const awaits = answer instanceof WaitFor ? answer.data.name : undefined
  const { because } = answer
  if (awaits === undefined && because === undefined) return note
  return {
    ...note,
    ...(awaits !== undefined && { awaits }),
    ...(because !== undefined && { because: String(because) }),
  }
}

/** A number that takes no object of its own, if it is as small as it ought to be: a difference of two times of day has one. */
function wholeOf(ms: number): number {
  const whole = ms | 0
  return whole === ms ? whole : ms
}
