import { ACCESS, isConsumed, SETTLED } from '../../graph/graph.ts'
import type { Input, Node, Slot } from '../../graph/graph.ts'
import type { Row } from '../../stores/contract.ts'
import { standingFailure } from './settling.ts'
import type { State } from '../state/state.ts'
import { timerStatus } from './timers.ts'

/** Why a target no longer counts. */
export interface Staleness {
  /** Runs of builders upstream that did not renew it. */
  readonly causes: readonly Row[]
  /** Builders upstream whose product still stands, but for which a datum counted that is about what no longer stands. */
  readonly bereft: readonly Node[]
  /** The builders between those and the target, its own included, that would have had to run. */
  readonly below: readonly Node[]
}

/**
 * Which of a graph's targets is there and not stale: the first in declared order, as its slot. Cheap where a scope
 * renewed the target, or where none of the builders that ran is upstream of it.
 *
 * @param ran the nodes that ran in the scope that ends
 */
export function completedTarget(state: State, scope: number, ran: readonly number[]): number | undefined {
  const { graph } = state
  const stale = (state.stale ??= new Array<boolean | undefined>(graph.targets.length))
  for (let i = 0; i < graph.targets.length; i++) {
    const slot = graph.targets[i] as number
    const row = state.rows.get(slot)
    if (row === undefined || state.value(slot) === undefined) continue
    if (row.scope === scope && !hasOutdated(state)) stale[i] = false
    else {
      const { producer } = graph.slots[slot] as Slot
      const concerned = ran.some((node) => node === producer || graph.isAncestor(node, producer))
      if (concerned || stale[i] === undefined) stale[i] = isStale(staleness(state, slot, true))
    }
    if (stale[i] === false) return slot
  }
  return undefined
}

export function isStale({ causes, bereft }: Staleness): boolean {
  return causes.length > 0 || bereft.length > 0
}

function hasOutdated({ outdated }: State): boolean {
  return outdated !== undefined && outdated.size > 0
}

/** A builder upstream of a target, as reached along paths that are alike. */
interface Visit {
  readonly node: Node
  /** Only `consumes` edges lie between the node and the target. */
  readonly strict: boolean
  /** A run in a later scope than this one has not been answered by the builders in between. */
  readonly since: number
  /** `seq` of the newest datum between the node and the target that a caller has fed instead of it; 0 if none. */
  readonly fed: number
  /** Where it was reached from. */
  readonly below: Visit[]
}

/**
 * The builders upstream of a target that ran in a later scope than the one its datum is from (rule 15). One that returned
 * `nothing`, or whose failure stands as data, counts along `consumes` edges only; along others it has answered what came from above it. A `once` builder
 * with its product counts as renewed, and so does what lies above it. One whose product equalled the one before it (`cutoff`)
 * has answered what came from above it; what counts is when that one was made. One that cannot run any more, since what it
 * consumed was about something that has been replaced, counts along all edges, also if others have run on its product since.
 *
 * @param firstOnly stop at the first cause, and leave `below` empty
 */
export function staleness(state: State, target: number, firstOnly: boolean): Staleness {
  const { graph } = state
  const datum = state.rows.get(target)
  const producer = graph.nodes[(graph.slots[target] as Slot).producer]
  if (datum === undefined || producer === undefined) return { causes: [], bereft: [], below: [] }
  const causes: Row[] = []
  const bereft: Node[] = []
  const caused: Visit[] = []
  const seen = new Map<string, Visit>()
  const stack: Visit[] = []
  const bereaved = hasOutdated(state)
  const reach = (node: Node, strict: boolean, since: number, from: Visit | undefined): void => {
    const fed = bereaved ? Math.max(from?.fed ?? 0, fedSeq(state, node)) : 0
    const key = `${node.index}/${strict ? 1 : 0}/${since}/${fed}`
    let visit = seen.get(key)
    if (visit === undefined) {
      seen.set(key, (visit = { node, strict, since, fed, below: [] }))
      stack.push(visit)
    }
    if (from !== undefined) visit.below.push(from)
  }
  reach(producer, true, datum.scope, undefined)
  for (let visit = stack.pop(); visit !== undefined; visit = stack.pop()) {
    if (bereaved && isBereft(state, visit.node, visit)) {
      bereft.push(visit.node)
      if (firstOnly) return { causes, bereft, below: [] }
      caused.push({ ...visit, below: [visit] })
      continue
    }
    const run = state.run(visit.node.index)
    const later = run !== undefined && run.scope > visit.since
    const made = run?.note?.sameAs === undefined ? run : producedRow(state, visit.node)
    if (made !== undefined && made.scope > visit.since && (visit.strict || !isEmpty(made))) {
      causes.push(made)
      if (firstOnly) return { causes, bereft, below: [] }
      caused.push(visit)
      continue
    }
    if (state.isSpent(visit.node)) continue
    for (const { slot, kind, lookback } of visit.node.inputs) {
      if (kind === ACCESS || lookback) continue
      const above = graph.nodes[(graph.slots[slot] as Slot).producer]
      if (above !== undefined) reach(above, visit.strict && isConsumed(kind), later ? run.scope : visit.since, visit)
    }
  }
  return { causes, bereft, below: nodesBelow(caused) }
}

/**
 * Whether what a builder made counts no longer, since a datum that it consumed is about what was replaced later.
 *
 * @param since the scope in which what came of it was renewed, where it has never run
 */
function isBereft(state: State, node: Node, { since, fed }: Pick<Visit, 'since' | 'fed'>): boolean {
  const { outdated } = state
  const { index, inputs } = node
  if (outdated === undefined || state.isSpent(node)) return false
  const run = state.run(index)
  const answered = Math.max(run?.seq ?? 0, fed)
  const isLater = ({ seq, scope }: Row): boolean => (answered > 0 ? seq > answered : scope > since)
  return inputs.some(({ slot, kind }) => {
    const { row, by } = (isConsumed(kind) ? outdated.get(slot) : undefined) ?? {}
    if (row === undefined || by === undefined) return false
    // In an older version, where such data stood for themselves, it may have run on it later.
    return isLater(by) || (fed < answered && by.seq < answered && run?.inputs.includes(row.seq) === true)
  })
}

/** `seq` of a builder's product, where a caller has fed it. */
function fedSeq({ rows }: State, { out }: Node): number {
  const row = rows.get(out)
  return row?.outcome === 'fed' ? row.seq : 0
}

/** Whether a run gave nothing, so that whoever can do without has been answered. */
function isEmpty({ outcome }: Row): boolean {
  return outcome === 'nothing' || outcome === 'failed'
}

/** The row of a builder's product as it stands; none where a caller has replaced it. */
function producedRow(state: State, { out }: Node): Row | undefined {
  const row = state.rows.get(out)
  return row?.outcome === 'produced' ? row : undefined
}

function nodesBelow(visits: readonly Visit[]): Node[] {
  const below = new Set(visits.flatMap((visit) => visit.below))
  for (const visit of below) for (const next of visit.below) below.add(next)
  return [...new Set(Array.from(below, ({ node }) => node))]
}

/** Whether a datum is missing in earnest: a transient that its builder makes again when it is needed is not. */
export function isLacking(state: State, slot: number): boolean {
  if (state.value(slot) !== undefined) return false
  const { transient, producer } = state.graph.slots[slot] as Slot
  return !(transient && producer >= 0 && state.run(producer)?.outcome === 'produced')
}

/** What targets wait for. */
interface Wants {
  /** Slots that somebody has to feed. */
  readonly fed: Set<number>
  /** Slots that only a timer makes, which is over. */
  readonly over: Set<number>
  /** Whether a timer that is set is to make some of it. */
  timed: boolean
}

/**
 * Names of the data that a target which is absent or stale waits for, in order of the workflow's data (rule 15). What a timer
 * is going to produce is not among them: nobody has to do anything for it. What one does not produce any more is, where
 * there is nothing else to wait for.
 */
export function waitingFor(state: State, targets: readonly number[]): string[] {
  const { graph } = state
  const slots = new Set<number>()
  const over = new Set<number>()
  let timed = false
  for (const target of targets) {
    const wants: Wants = { fed: new Set(), over, timed: false }
    if (state.value(target) === undefined) addLacking(state, [target], wants)
    else {
      const stale = staleness(state, target, false)
      if (!isStale(stale)) continue
      const { causes, below } = stale
      for (const run of causes) if (run.outcome !== 'produced') addAnswer(state, run, wants.fed)
      for (const node of below) addLacking(state, neededBy(state, node), wants)
    }
    if (wants.fed.size === 0 && !wants.timed && over.size === 0) slots.add(target)
    for (const slot of wants.fed) slots.add(slot)
    timed ||= wants.timed
  }
  const named = slots.size > 0 || timed ? slots : over
  return [...named].sort((a, b) => a - b).map((slot) => (graph.slots[slot] as Slot).name)
}

/** Slots of what a builder cannot run without, but for failures that stand for it. */
function neededBy(state: State, { inputs }: Node): number[] {
  const needs = ({ kind, slot }: Input): boolean =>
    isConsumed(kind) && (kind !== SETTLED || standingFailure(state, slot) === undefined)
  return inputs.filter(needs).map(({ slot }) => slot)
}

/** Adds what has to come from outside before the slots that are lacking can be there. */
function addLacking(state: State, wanted: readonly number[], wants: Wants): void {
  const stack = [...wanted]
  const seen = new Set<number>()
  for (let slot = stack.pop(); slot !== undefined; slot = stack.pop()) {
    if (seen.has(slot)) continue
    seen.add(slot)
    const { producer, transient } = state.graph.slots[slot] as Slot
    // A transient is gone by the next scope, so it counts as lacking if something it is made from does.
    if (!transient && state.value(slot) !== undefined) continue
    const node = state.graph.nodes[producer]
    const run = node === undefined ? undefined : state.run(producer)
    if (node === undefined) wants.fed.add(slot)
    else if (node.timer !== undefined) addTimed(state, node, stack, wants)
    else if (run !== undefined && run.outcome !== 'produced' && !isBereft(state, node, { since: run.scope, fed: 0 }))
      addAnswer(state, run, wants.fed)
    else stack.push(...neededBy(state, node))
  }
}

/** Adds what has to come before a timer makes what is lacking. */
function addTimed(state: State, node: Node, lacking: number[], wants: Wants): void {
  const after = node.timer?.after ?? -1
  if (state.value(after) === undefined) lacking.push(after)
  else if (timerStatus(state, node).is === 'set') wants.timed = true
  else wants.over.add(node.out)
}

/** Adds what a builder that returned no product asked for. */
function addAnswer(state: State, run: Row, found: Set<number>): void {
  const name = run.outcome === 'waitFor' ? run.note?.awaits : undefined
  const node = state.graph.nodes[state.graph.nodeOf.get(run.builder ?? '') ?? -1]
  const slot = name === undefined ? node?.out : state.graph.slotOf.get(name)
  if (slot !== undefined) found.add(slot)
}
