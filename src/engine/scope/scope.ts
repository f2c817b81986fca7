import { ACCESS, CONSUMES } from '../../graph/graph.ts'
import type { Graph, Node, Slot } from '../../graph/graph.ts'
import type { Row } from '../../stores/contract.ts'
import type { Reads } from '../state/datum-row.ts'
import { copyBytes } from '../values/freeze.ts'
import { returnScratch, takeScratch } from '../state/scratch.ts'
import type { Scratch } from '../state/scratch.ts'
import { settleInputs } from './settling.ts'
import { subjectRows } from '../state/about.ts'
import type { Outdated } from '../state/about.ts'
import type { State } from '../state/state.ts'
import { heapPop, heapPush } from './heap.ts'
import { Work } from './work.ts'

/** What a slot held at some moment. */
export interface Held {
  readonly value: unknown
  readonly row: Row | undefined
}

const QUEUED = 1
const PARKED = 2
const RUNNING = 3
const RAN = 4

const NOBODY: Iterable<number> = []
const NO_RERUNS: Iterable<[number, Row]> = []
const NO_OUTDATED: Iterable<[number, Outdated]> = []

/**
 * Decides which builder runs next. Pure: it neither waits nor calls anything, and works on the {@link State} it is given.
 * Its cost follows the builders that are triggered.
 *
 * Candidates wait in a heap by order of rank: whatever leads the heap has no ancestor behind it. So only running builders
 * can stand in its way (rule 9): while an ancestor runs, the candidate is parked under it. In `sequential`, nothing runs
 * when the next builder is chosen, and the same heap gives rank order.
 */
export class Scope {
  readonly graph: Graph
  readonly state: State
  readonly number: number
  pass = 1
  /** Nodes that ran in this scope, supplied runs left out. */
  readonly ran: number[]
  private readonly scratch: Scratch
  private readonly marks: Uint8Array
  private readonly heap: number[]
  private readonly running: number[]
  private parked: Map<number, number[]> | undefined
  private demanded: Set<number> | undefined
  /** Slots of transients made before a crash and lost with it: they may be made again for a reader. */
  lost: Set<number> | undefined
  private supplied: Set<number> | undefined
  /** What slots held when the pass began, where a product has replaced it since. */
  private before: Map<number, Held> | undefined
  /** Slots that this pass produced, but for transients. */
  private fresh: number[] | undefined
  private targetMade = false
  /** Whether anything was ever asked to run again. */
  private readonly asked: boolean

  constructor(state: State, number: number) {
    this.graph = state.graph
    this.state = state
    this.number = number
    this.asked = state.restarted !== undefined || state.reruns !== undefined
    this.scratch = takeScratch(state.graph)
    this.marks = this.scratch.marks
    this.heap = this.scratch.heap
    this.running = this.scratch.running
    this.ran = this.scratch.ran
  }

  /**
   * Gives back what scopes share one after the other. Nothing may be asked of this one any more, so it is not for a scope
   * whose builders may still return.
   */
  release(): void {
    returnScratch(this.scratch)
  }

  /** Begins the scope: triggers what the delta, which the state holds already, reaches, and what is due from before. */
  begin(): void {
    this.wakeDue()
  }

  /**
   * Takes up a scope that a crash cut short, in the pass it had reached.
   *
   * @param before what slots held when that pass began, for those that {@link needsHistory} names
   */
  recover(pass: number, before: ReadonlyMap<number, Held>): void {
    this.pass = pass
    if (before.size > 0) this.before = new Map(before)
    for (const slot of this.state.unsettled) {
      const row = this.state.rows.get(slot)
      const { producer, transient, target } = this.graph.slots[slot] as Slot
      if (row === undefined || row.scope !== this.number || row.pass !== pass || row.outcome !== 'produced') continue
      if (!transient) (this.fresh ??= []).push(slot)
      if (target && producer >= 0) this.targetMade = true
    }
    for (const target of this.graph.targets) {
      const run = this.state.run((this.graph.slots[target] as Slot).producer)
      if (run?.scope === this.number && run.pass === pass && run.note?.sameAs !== undefined) this.targetMade = true
    }
    for (const [node, { scope, outcome }] of this.state.supplies ?? []) {
      if (scope !== this.number) continue
      this.marks[node] = RAN
      this.scratch.touched.push(node)
      if (outcome === 'supplied') (this.lost ??= new Set()).add((this.graph.nodes[node] as Node).out)
    }
    for (const node of touchedNodes(this.state)) {
      const run = this.state.run(node)
      if (run?.scope !== this.number) continue
      const { out } = this.graph.nodes[node] as Node
      if (run.outcome === 'produced' && this.state.value(out) === undefined) (this.lost ??= new Set()).add(out)
      this.marks[node] = RAN
      this.scratch.touched.push(node)
      this.ran.push(node)
    }
    this.wakeDue()
  }

  /** Nodes that are triggered or due, in order of rank; some may lack what they need. Only before the first {@link next}. */
  get candidates(): number[] {
    return [...this.heap].sort((a, b) => a - b)
  }

  /** Whether nothing waits to be run. */
  get idle(): boolean {
    return this.heap.length === 0
  }

  /** The next builder to run, or `undefined` if none can before a running one ends. It counts as running from now on. */
  next(): Work | undefined {
    for (;;) {
      const node = this.heap[0]
      if (node === undefined) return undefined
      heapPop(this.heap)
      const blocker = this.running.length === 0 ? -1 : this.blockerOf(node)
      if (blocker >= 0) {
        this.park(node, blocker)
        continue
      }
      const work = this.evaluate(this.graph.nodes[node] as Node)
      if (work !== undefined) return work
    }
  }

  /** Notes that a builder ended, and triggers what its product reaches. The state holds the product already. */
  finish(work: Work, outcome: Row['outcome']): void {
    const { index, out } = work.node
    this.leave(index)
    this.marks[index] = RAN
    if (work.supply) {
      if (outcome === 'supplied') (this.supplied ??= new Set()).add(out)
    } else {
      this.ran.push(index)
      if (outcome === 'produced') this.produced(out)
    }
    this.unpark(index)
  }

  /** Notes that a builder's product equalled the one before: it counts as made, and wakes nobody. */
  renewed(work: Work): void {
    if (this.graph.slots[work.node.out]?.target === true) this.targetMade = true
    this.finish(work, 'nothing')
  }

  /** Notes that a builder failed for good, and that this is an answer: it wakes those who take it for one. */
  settle(work: Work): void {
    const { settlers } = this.graph.slots[work.node.out] as Slot
    if (!work.supply) for (const settler of settlers) this.wake(settler)
    this.finish(work, 'failed')
  }

  /** Notes that a builder threw. Nothing further is asked of this scope. */
  fail(work: Work): void {
    this.leave(work.node.index)
  }

  /** Keeps what stood at the pass's start, for those who may not see what replaces it. Call it before the state changes. */
  replacing(slot: number): void {
    const { lookedBack, regarded } = this.graph.slots[slot] as Slot
    for (let i = 0; i < regarded.length; i++) this.replacing(regarded[i] as number)
    if (!lookedBack || this.before?.has(slot) === true) return
    this.before ??= new Map()
    this.before.set(slot, { value: this.state.value(slot), row: this.state.rows.get(slot) })
  }

  /** Begins another pass if rule 11 asks for one. Only when nothing runs and {@link next} has nothing. */
  nextPass(): boolean {
    const active = this.fresh
    if (!this.graph.loops || this.targetMade || active === undefined) return false
    this.fresh = undefined
    this.before = undefined
    this.demanded = undefined
    this.pass++
    for (const slot of active) this.wakeReaders(slot, true)
    return true
  }

  private produced(out: number): void {
    const slot = this.graph.slots[out]
    if (slot === undefined) return
    if (slot.target) this.targetMade = true
    if (this.graph.loops && !slot.transient) (this.fresh ??= []).push(out)
    this.wakeReaders(out, false)
  }

  private wakeReaders(slot: number, later: boolean): void {
    const compiled = this.graph.slots[slot]
    if (compiled === undefined) return
    const { readers, laterReaders } = compiled
    for (let i = 0; i < readers.length; i++) this.wake(readers[i] as number)
    if (later) for (const reader of laterReaders) this.wake(reader)
  }

  private wake(node: number): void {
    if (this.marks[node] !== 0 || this.state.isSpent(this.graph.nodes[node] as Node)) return
    this.marks[node] = QUEUED
    this.scratch.touched.push(node)
    heapPush(this.heap, node)
  }

  /**
   * Triggers what is due: see the design's terms. Only rows that are not settled can make anything due. Lists are gone through
   * by index, here and wherever each scope or builder comes by: in functions as large as this, iterators are made in earnest.
   */
  private wakeDue(): void {
    const { state, graph } = this
    const { unsettled } = state
    for (let i = 0; i < unsettled.length; i++) {
      const slot = unsettled[i] as number
      const row = state.rows.get(slot)
      if (row === undefined) continue
      const { readers, laterReaders } = graph.slots[slot] as Slot
      if (this.isActive(row, slot, false)) this.wakeThose(readers, row)
      if (laterReaders.length > 0 && this.isActive(row, slot, true)) this.wakeThose(laterReaders, row)
    }
    if (state.failures !== undefined || state.reruns !== undefined) this.wakeAsked(state)
    if (state.settled > 0 && state.unsettled.length === 0) return
    if (graph.sources.length > 0) this.wakeSources()
  }

  private wakeSources(): void {
    for (const source of this.graph.sources) if (this.state.run(source) === undefined) this.wake(source)
  }

  /** What a failure that stands as data wakes, or a rerun. */
  private wakeAsked({ failures, reruns }: State): void {
    for (const node of failures ?? NOBODY) this.wakeSettlers(this.state.run(node), (this.graph.nodes[node] as Node).out)
    for (const [node] of reruns ?? NO_RERUNS) if (this.state.isRerunDue(node)) this.wake(node)
  }

  private wakeSettlers(row: Row | undefined, slot: number): void {
    if (row === undefined || (row.scope === this.number && row.pass !== this.pass)) return
    for (const settler of (this.graph.slots[slot] as Slot).settlers) this.wakeIfDue(settler, row)
  }

  private wakeThose(readers: readonly number[], row: Row): void {
    for (let i = 0; i < readers.length; i++) this.wakeIfDue(readers[i] as number, row)
  }

  private wakeIfDue(node: number, row: Row): void {
    const run = this.state.run(node)
    if (run === undefined || row.scope > run.scope) this.wake(node)
  }

  /** Whether a row that is not settled wakes readers now: rows of the open scope only in the pass that follows them. */
  private isActive(row: Row, slot: number, later: boolean): boolean {
    if (later && row.outcome === 'produced' && this.graph.slots[slot]?.transient === true) return false
    if (row.scope !== this.number || this.pass === 1)
      return row.scope !== this.number || !later || row.outcome === 'fed'
    if (row.outcome === 'fed') return false
    return row.pass === this.pass ? !later : row.pass === this.pass - 1 && this.graph.slots[slot]?.transient !== true
  }

  private blockerOf(node: number): number {
    for (const running of this.running) if (this.graph.isAncestor(running, node)) return running
    return -1
  }

  private park(node: number, under: number): void {
    this.marks[node] = PARKED
    this.parked ??= new Map()
    const waiting = this.parked.get(under)
    if (waiting === undefined) this.parked.set(under, [node])
    else waiting.push(node)
  }

  private unpark(node: number): void {
    const waiting = this.parked?.get(node)
    if (waiting === undefined) return
    this.parked?.delete(node)
    for (const parked of waiting) {
      this.marks[parked] = QUEUED
      heapPush(this.heap, parked)
    }
  }

  private leave(node: number): void {
    const { running } = this
    const last = running.pop()
    if (last !== undefined && last !== node) running[running.indexOf(node)] = last
  }

  /** The work of a candidate whose ancestors have all run or cannot run; `undefined` if it cannot run now. */
  private evaluate(node: Node): Work | undefined {
    const { state } = this
    const { inputs } = node
    const input: Record<string, unknown> = {}
    const seqs = inputs.length === 1 ? undefined : new Array<number>(inputs.length)
    let seq = 0
    let cause = this.asked ? this.state.askedAgain(node.index) : 0
    let wanted = -1
    const looped: (Row | undefined)[] | undefined = this.graph.loops ? [] : undefined
    for (let i = 0; i < inputs.length; i++) {
      const { key, slot, kind, lookback } = inputs[i] as Node['inputs'][number]
      let row = state.rows.get(slot)
      let value = row?.value
      if (value === undefined) value = state.transient(slot)
      if (lookback && this.before !== undefined) {
        const before = this.before.get(slot)
        if (before !== undefined) ({ value, row } = before)
      }
      if (kind === ACCESS && this.supplied?.has(slot) === true) value = undefined
      if (kind !== ACCESS && row !== undefined && row.scope > cause) cause = row.scope
      looped?.push(kind === ACCESS ? undefined : row)
      // What takes a datum away is an answer to it: without it, the reader would run under the key it had before that datum.
      if (kind !== ACCESS && (this.graph.slots[slot] as Slot).about >= 0) {
        for (const subject of subjectRows(state, slot)) {
          if (subject.scope > cause) cause = subject.scope
          looped?.push(subject)
        }
      }
      seq = value === undefined || row === undefined ? 0 : row.seq
      if (seqs !== undefined) seqs[i] = seq
      if (value === undefined) {
        if (kind === ACCESS || (!lookback && wanted >= 0 && this.isSupplied(slot))) continue
        if (!lookback && this.canDemand(slot)) wanted = slot
        else if (kind === CONSUMES) return this.skip(node)
        continue
      }
      input[key] = this.state.hasBytes(slot) ? copyBytes(value) : value
    }
    // Only now that nothing else is lacking: a builder that cannot run anyway has nothing made for it.
    if (wanted >= 0) return this.demand(node, wanted)
    let reads: Reads = seqs ?? seq
    if (node.settles) {
      const told = settleInputs(this.state, this.number, node, input, reads)
      if (told === undefined) return this.skip(node)
      reads = told.reads
      if (told.cause > cause) cause = told.cause
    }
    this.marks[node.index] = RUNNING
    this.running.push(node.index)
    const supply = this.demanded !== undefined && this.demanded.has(node.index)
    return new Work(node, input, reads, looped === undefined ? cause : causeInLoop(cause, looped), supply)
  }

  /** Whether a slot that is absent is one that a builder makes again for whoever lacks it. */
  private isSupplied(slot: number): boolean {
    const { transient, producer } = this.graph.slots[slot] as Slot
    return transient && producer >= 0
  }

  /** Whether that builder can still be asked: it has not run in this scope, or its product was lost in a crash. */
  private canDemand(slot: number): boolean {
    if (!this.isSupplied(slot)) return false
    const { producer } = this.graph.slots[slot] as Slot
    if (this.demanded?.has(producer) === true) return false
    const mark = this.marks[producer]
    return mark === 0 || (mark === RAN && this.lost?.has(slot) === true)
  }

  /** Has a lacking transient made again before its reader runs (rule 18). */
  private demand(reader: Node, slot: number): undefined {
    const { producer } = this.graph.slots[slot] as Slot
    this.demanded ??= new Set()
    this.demanded.add(producer)
    this.marks[producer] = QUEUED
    this.scratch.touched.push(producer)
    heapPush(this.heap, producer)
    this.park(reader.index, producer)
    return undefined
  }

  private hasRun(node: number): boolean {
    return this.state.run(node)?.scope === this.number || this.state.supplies?.get(node)?.scope === this.number
  }

  private skip(node: Node): undefined {
    // A producer that was only to make a lost transient again has run in this scope all the same.
    this.marks[node.index] = this.hasRun(node.index) ? RAN : 0
    this.unpark(node.index)
    return undefined
  }
}

/**
 * In a loop an input may change after its reader ran in the same scope: made again for somebody, or tried again after a throw,
 * the reader has other inputs of the same scope. Each is told apart by its pass, which a crash or another order leaves alone.
 */
function causeInLoop(scope: number, rows: readonly (Row | undefined)[]): string {
  const passes = rows.map((row) => (row?.scope !== scope ? '' : row.outcome === 'fed' ? 'fed' : row.pass))
  return `${scope}.${passes.join('.')}`
}

/** Nodes that unsettled rows show to have run. */
function touchedNodes({ graph, unsettled, failures, reruns, settled }: State): Set<number> {
  const nodes = new Set<number>()
  for (const node of failures ?? NOBODY) {
    nodes.add(node)
    for (const settler of (graph.slots[(graph.nodes[node] as Node).out] as Slot).settlers) nodes.add(settler)
  }
  for (const [node, { seq }] of reruns ?? NO_RERUNS) if (seq > settled) nodes.add(node)
  for (const slot of unsettled) {
    const { producer, readers, laterReaders } = graph.slots[slot] as Slot
    if (producer >= 0) nodes.add(producer)
    for (const reader of readers) nodes.add(reader)
    for (const reader of laterReaders) nodes.add(reader)
  }
  for (const source of graph.sources) nodes.add(source)
  return nodes
}

/** Slots that the open pass has produced and that someone must see as they were before: only the history knows. */
export function needsHistory(state: State, scope: number, pass: number): number[] {
  const { slots } = state.graph
  const isOfPass = (row: Row | undefined): boolean =>
    row?.outcome === 'produced' && row.scope === scope && row.pass === pass
  const looked = state.unsettled.filter((slot) => slots[slot]?.lookedBack === true && isOfPass(state.rows.get(slot)))
  for (const [slot, { row, by }] of state.outdated ?? NO_OUTDATED) {
    if (slots[slot]?.lookedBack === true && (isOfPass(by) || isOfPass(row))) looked.push(slot)
  }
  // Whether one counted then is told by what it is about.
  const needed = new Set(looked)
  for (const slot of needed) if ((slots[slot] as Slot).about >= 0) needed.add((slots[slot] as Slot).about)
  return [...needed]
}
