import type { Row } from '../../stores/contract.ts'
import type { Graph, Node, Slot } from '../../graph/graph.ts'
import { isAbout, outdatedBy } from './about.ts'
import type { Outdated } from './about.ts'
import { Paged } from './paged.ts'
import type { Timing } from './timing.ts'

/**
 * An instance's data set and what its builders last did, derived from rows and kept up to date row by row. It holds
 * no history: the newest row of each data, and the last finished run of each builder.
 */
export class State {
  readonly graph: Graph
  /** The newest row of each data, with its value as it is; without it for transients. */
  readonly rows: Paged<Row>
  /** By builder a run that came to an end, where no row of its product tells of it. */
  private runs: Paged<Row> | undefined
  /** The values of transients, by slot, until the scope ends. */
  private transients: Map<number, unknown> | undefined
  /** After loading: by builder the newest run that only made a transient again, or tried to. */
  supplies: Map<number, Row> | undefined
  /** The newest restart: everything has begun again with its scope. */
  restarted: Row | undefined
  /** How far it is with undoing what the instance has done; absent if that was never asked for. */
  undoing: Row | undefined
  /** By builder, the newest rerun that it has to answer: of itself, or of what it depends on. */
  reruns: Map<number, Row> | undefined
  /** By builder the newest try that failed and was not to be the last. */
  tries: Map<number, Row> | undefined
  /** Only of workflows with timers or a timeout. */
  timing: Timing | undefined
  /** Builders whose failure stands as data and is newer than `settled`. */
  failures: Set<number> | undefined
  /** By slot the newest datum, where it is about what no longer stands: it counts as absent. */
  outdated: Map<number, Outdated> | undefined
  /** `seq` of the newest row. */
  newest = 0
  /** Everything up to this `seq` is settled. */
  settled = 0
  /** Slots with a row newer than `settled`. */
  unsettled: number[] = []
  /** By target: whether its datum is stale; `undefined` where that has to be found out. */
  stale: (boolean | undefined)[] | undefined
  /** Slots whose value holds bytes, so that readers need copies. */
  private withBytes: Set<number> | undefined

  constructor(graph: Graph, rows: Paged<Row> = new Paged(graph.slots.length)) {
    this.graph = graph
    this.rows = rows
  }

  /** The value of a data; `undefined` where there is none, or where a transient is gone. */
  value(slot: number): unknown {
    const value = this.rows.get(slot)?.value
    return value === undefined ? this.transient(slot) : value
  }

  /** The value of a transient, where there is one. */
  transient(slot: number): unknown {
    return this.transients === undefined ? undefined : this.transients.get(slot)
  }

  /** The last run of a builder that came to an end: with a product, with nothing, or waiting. */
  run(node: number): Row | undefined {
    const known = this.graph.nodes[node]
    // What nobody produces has no producer either.
    if (known === undefined) return undefined
    const run = this.runs?.get(node)
    const row = this.rows.get(known.out)
    if (row === undefined || row.outcome !== 'produced' || row.builder !== known.name) return run
    return run === undefined || run.seq < row.seq ? row : run
  }

  /** Takes in that a builder came to an end without a row of its product. */
  noteRun(node: number, row: Row): void {
    ;(this.runs ??= new Paged(this.graph.nodes.length)).set(node, row)
  }

  hasBytes(slot: number): boolean {
    return this.withBytes !== undefined && this.withBytes.has(slot)
  }

  /** Remembers that a slot's readers need copies. */
  noteBytes(slot: number): void {
    ;(this.withBytes ??= new Set()).add(slot)
  }

  /** Takes in a new datum. `row` is the newest row of the instance, without the value if it is not stored. */
  setDatum(slot: number, value: unknown, row: Row): void {
    if (row.outcome === 'fed') this.keepRun(slot)
    if (row.value === undefined) this.setTransient(slot, value)
    this.rows.set(slot, row)
    this.unsettled.push(slot)
    if (this.graph.abouts.length > 0) this.regard(this.graph.slots[slot] as Slot, row)
  }

  /** Takes in what a new datum means for those that are about it, and whether it is itself about what stands there. */
  private regard(slot: Slot, row: Row): void {
    this.stale = undefined
    this.outdated?.delete(slot.index)
    this.bereave(slot, row)
    if (slot.about >= 0 && !isAbout(row, this.rows.get(slot.about))) this.withdraw(slot, outdatedBy(this, slot))
  }

  private bereave({ regarded }: Slot, by: Row): void {
    for (const each of regarded) this.withdraw(this.graph.slots[each] as Slot, by)
  }

  /** A datum no longer counts, nor do those that are about it. */
  withdraw(slot: Slot, by: Row): void {
    const row = this.rows.get(slot.index) ?? this.outdated?.get(slot.index)?.row
    if (row === undefined) return
    this.stale = undefined
    this.keepRun(slot.index)
    ;(this.outdated ??= new Map<number, Outdated>()).set(slot.index, { row, by })
    this.rows.set(slot.index, undefined)
    this.bereave(slot, by)
  }

  /** A product is no longer there, whose row told of its builder's run. */
  private keepRun(slot: number): void {
    const { producer } = this.graph.slots[slot] as Slot
    const run = producer < 0 ? undefined : this.run(producer)
    if (run !== undefined) this.noteRun(producer, run)
  }

  setTransient(slot: number, value: unknown): void {
    ;(this.transients ??= new Map()).set(slot, value)
  }

  /** Drops what is not stored. A photograph taken before keeps it. */
  forgetTransients(): void {
    this.transients = undefined
  }

  settle(): void {
    this.settled = this.newest
    if (this.unsettled.length > 0) this.unsettled = []
    if (this.failures !== undefined) this.failures = undefined
  }

  /** Takes in that a builder's failure stands as data. It has run to an end with that. */
  noteFailure(node: number, row: Row): void {
    this.noteRun(node, row)
    ;(this.failures ??= new Set()).add(node)
  }

  /** Remembers a try that another one is to follow. */
  noteTry(node: number, row: Row): void {
    ;(this.tries ??= new Map()).set(node, row)
  }

  /** The failed try that a builder's next one follows, unless it ran to an end, was asked to run again or everything was settled since. */
  pendingTry(node: number): Row | undefined {
    const row = this.tries?.get(node)
    if (row === undefined || row.seq <= this.settled || row.seq < (this.run(node)?.seq ?? 0)) return undefined
    return row.scope < this.askedAgain(node) ? undefined : row
  }

  /** Whether a builder has made its one product and is not to run again by itself. */
  isSpent({ index, builder }: Node): boolean {
    if (!builder.once) return false
    const run = this.run(index)
    return run?.outcome === 'produced' && (this.reruns === undefined || run.scope >= this.askedAgain(index))
  }

  /** The scope in which a builder was last asked to run again, by a restart or a rerun; 0 if never. */
  askedAgain(node: number): number {
    return Math.max(this.restarted?.scope ?? 0, this.reruns?.get(node)?.scope ?? 0)
  }

  /** Whether a rerun makes a builder due that has not answered it yet. */
  isRerunDue(node: number): boolean {
    const row = this.reruns?.get(node)
    return row !== undefined && row.seq > this.settled && row.scope > (this.run(node)?.scope ?? 0)
  }

  /** Whether something that the instance has done is still to be undone. */
  get isUndoing(): boolean {
    return this.undoing?.outcome === 'compensating'
  }

  /** Takes in that what a builder had done is undone: its product no longer counts, and it is due. */
  noteUndone(row: Row): void {
    const { graph } = this
    const index = graph.nodeOf.get(row.builder ?? '')
    if (index === undefined) return
    const { out } = graph.nodes[index] as Node
    if ((this.runs?.get(index)?.seq ?? 0) < row.seq) this.runs?.set(index, undefined)
    const datum = this.rows.get(out)
    if (datum?.builder === row.builder && datum !== undefined && datum.seq < row.seq) {
      this.rows.set(out, undefined)
      this.transients?.delete(out)
      this.bereave(graph.slots[out] as Slot, row)
      this.unsettled = this.unsettled.filter((slot) => slot !== out)
    }
    if (this.run(index) === undefined) (this.reruns ??= new Map<number, Row>()).set(index, row)
  }

  /**
   * Takes in that a builder is to run again, and with it all that depends on it; but for `once` builders downstream that
   * have made their product: who wants a second charge says so by its name.
   */
  noteRerun(row: Row): void {
    const { graph } = this
    const first = graph.nodeOf.get(row.builder ?? '')
    if (first === undefined) return
    // One that was spent, and so counted as renewed, may count no longer, also if it cannot run.
    this.stale = undefined
    const reruns = (this.reruns ??= new Map<number, Row>())
    const reached = new Set([first])
    for (const node of reached) {
      const { builder, out } = graph.nodes[node] as Node
      const run = this.run(node)
      const spent = builder.once && run?.outcome === 'produced' && run.scope < row.scope
      if (node === first || !spent) if ((reruns.get(node)?.seq ?? 0) < row.seq) reruns.set(node, row)
      const { readers, laterReaders } = graph.slots[out] as Slot
      for (const reader of readers) reached.add(reader)
      for (const reader of laterReaders) reached.add(reader)
    }
  }

  /** Takes in that builders are to run because a newer version has them new or different. */
  noteMove(row: Row): void {
    for (const name of row.note?.move?.due ?? []) {
      const node = this.graph.nodeOf.get(name)
      if (node === undefined) continue
      const reruns = (this.reruns ??= new Map<number, Row>())
      if ((reruns.get(node)?.seq ?? 0) < row.seq) reruns.set(node, row)
    }
  }

  /**
   * The state as it is now, to look at later.
   *
   * @param valuesOnly leave out what only `waitingFor` needs
   */
  snapshot(valuesOnly: boolean): State {
    const copy = new State(this.graph, this.rows.snapshot())
    if (!valuesOnly) copy.runs = this.runs?.snapshot()
    copy.transients = this.transients
    copy.newest = this.newest
    copy.settled = this.settled
    copy.restarted = this.restarted
    copy.timing = this.timing
    copy.withBytes = this.withBytes
    if (!valuesOnly && this.reruns !== undefined) copy.reruns = new Map(this.reruns)
    if (!valuesOnly && this.outdated !== undefined) copy.outdated = new Map(this.outdated)
    return copy
  }
}
