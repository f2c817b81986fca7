import { ACCESS, CONSUMES } from '../graph/graph.ts'
import type { Node, Slot } from '../graph/graph.ts'
import type { Row } from '../stores/contract.ts'
import type { State } from './state.ts'

/** A builder because of which a target no longer counts, and the builders between the two, the target's own included. */
export interface StaleCause {
  readonly run: Row
  readonly path: readonly Node[]
}

/**
 * Which of a graph's targets is there and not stale: the first in declared order, as its slot. Cheap where a scope
 * renewed the target, or where none of the builders that ran is upstream of it.
 *
 * @param ran the nodes that ran in the scope that ends
 */
export function completedTarget(state: State, scope: number, ran: readonly number[]): number | undefined {
  const { graph } = state
  for (let i = 0; i < graph.targets.length; i++) {
    const slot = graph.targets[i] as number
    const row = state.rows.get(slot)
    if (row === undefined || state.values.get(slot) === undefined) continue
    if (row.scope === scope) state.stale[i] = false
    else {
      const { producer } = graph.slots[slot] as Slot
      const concerned = ran.some((node) => node === producer || graph.isAncestor(node, producer))
      if (concerned || state.stale[i] === undefined) state.stale[i] = staleCauses(state, slot, true).length > 0
    }
    if (state.stale[i] === false) return slot
  }
  return undefined
}

interface Reached {
  readonly node: Node
  /** Only `consumes` edges lie between the node and the target. */
  readonly strict: boolean
  /** A run in a later scope than this one has not been answered by the builders in between. */
  readonly since: number
  readonly from: Reached | undefined
}

/**
 * The builders upstream of a target that ran in a later scope than the one its datum is from (rule 15). One that returned
 * `nothing` counts along `consumes` edges only; along others it has answered what came from above it. A `once` builder
 * with its product counts as renewed, and so does what lies above it.
 *
 * @param firstOnly stop at the first one
 */
export function staleCauses(state: State, target: number, firstOnly: boolean): StaleCause[] {
  const { graph } = state
  const datum = state.rows.get(target)
  const producer = graph.nodes[(graph.slots[target] as Slot).producer]
  if (datum === undefined || producer === undefined) return []
  const causes: StaleCause[] = []
  const seen = new Set<string>()
  const stack: Reached[] = [{ node: producer, strict: true, since: datum.scope, from: undefined }]
  for (let reached = stack.pop(); reached !== undefined; reached = stack.pop()) {
    const key = `${reached.node.index}/${reached.strict ? 1 : 0}/${reached.since}`
    if (seen.has(key)) continue
    seen.add(key)
    const run = state.runs.get(reached.node.index)
    const later = run !== undefined && run.scope > reached.since
    if (later && (run.outcome !== 'nothing' || reached.strict)) {
      causes.push({ run, path: pathOf(reached) })
      if (firstOnly) return causes
      continue
    }
    if (state.isSpent(reached.node)) continue
    const since = later ? run.scope : reached.since
    for (const { slot, kind, lookback } of reached.node.inputs) {
      if (kind === ACCESS || lookback) continue
      const above = graph.nodes[(graph.slots[slot] as Slot).producer]
      if (above !== undefined)
        stack.push({ node: above, strict: reached.strict && kind === CONSUMES, since, from: reached })
    }
  }
  return causes
}

function pathOf(reached: Reached): Node[] {
  const path: Node[] = []
  for (let step: Reached | undefined = reached; step !== undefined; step = step.from) path.push(step.node)
  return path
}

/** Whether a datum is missing in earnest: a transient that its builder makes again when it is needed is not. */
export function isLacking(state: State, slot: number): boolean {
  if (state.values.get(slot) !== undefined) return false
  const { transient, producer } = state.graph.slots[slot] as Slot
  return !(transient && producer >= 0 && state.runs.get(producer)?.outcome === 'produced')
}

/** Names of the data that a target which is absent or stale waits for, in order of the workflow's data (rule 15). */
export function waitingFor(state: State, targets: readonly number[]): string[] {
  const { graph } = state
  const slots = new Set<number>()
  for (const target of targets) {
    const found = new Set<number>()
    if (state.values.get(target) === undefined) addLacking(state, [target], found)
    else {
      for (const { run, path } of staleCauses(state, target, false)) {
        if (run.outcome === 'produced') {
          for (const node of path)
            addLacking(
              state,
              node.inputs.filter(({ kind }) => kind === CONSUMES).map(({ slot }) => slot),
              found,
            )
        } else addAnswer(state, run, found)
      }
    }
    if (found.size === 0) found.add(target)
    for (const slot of found) slots.add(slot)
  }
  return [...slots].sort((a, b) => a - b).map((slot) => (graph.slots[slot] as Slot).name)
}

/** Adds what has to come from outside before the slots that are lacking can be there. */
function addLacking(state: State, wanted: readonly number[], found: Set<number>): void {
  const stack = [...wanted]
  const seen = new Set<number>()
  for (let slot = stack.pop(); slot !== undefined; slot = stack.pop()) {
    if (seen.has(slot)) continue
    seen.add(slot)
    if (!isLacking(state, slot)) continue
    const { producer } = state.graph.slots[slot] as Slot
    const node = state.graph.nodes[producer]
    const run = node === undefined ? undefined : state.runs.get(producer)
    if (node === undefined) found.add(slot)
    else if (run !== undefined && run.outcome !== 'produced') addAnswer(state, run, found)
    else for (const input of node.inputs) if (input.kind === CONSUMES) stack.push(input.slot)
  }
}

/** Adds what a builder that returned no product asked for. */
function addAnswer(state: State, run: Row, found: Set<number>): void {
  const name = run.outcome === 'waitFor' ? run.note?.awaits : undefined
  const node = state.graph.nodes[state.graph.nodeOf.get(run.builder ?? '') ?? -1]
  const slot = name === undefined ? node?.out : state.graph.slotOf.get(name)
  if (slot !== undefined) found.add(slot)
}
