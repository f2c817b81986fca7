import { CONSUMES } from '../../graph/graph.ts'
import type { Node, Slot } from '../../graph/graph.ts'
import type { State } from '../state/state.ts'
import { Scope } from './scope.ts'

/** Nodes that a scope would find triggered or due. */
export function candidates(state: State, number: number): Node[] {
  const scope = new Scope(state, number)
  scope.begin()
  const found = scope.candidates.map((index) => state.graph.nodes[index] as Node)
  scope.release()
  return found
}

/** Those that have what they need. */
export function runnable(state: State, nodes: readonly Node[]): Node[] {
  const isThere = (slot: number): boolean => {
    const { transient, producer } = state.graph.slots[slot] as Slot
    return state.value(slot) !== undefined || (transient && producer >= 0)
  }
  return nodes.filter(({ inputs }) => inputs.every(({ slot, kind }) => kind !== CONSUMES || isThere(slot)))
}
