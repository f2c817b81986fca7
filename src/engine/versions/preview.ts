import type { Graph, Node, Slot } from '../../graph/graph.ts'
import type { Header } from '../../stores/contract.ts'
import type { Stranding } from './carry.ts'
import { copyBytes } from '../values/freeze.ts'
import type { Moved, Stranded } from './move.ts'
import type { State } from '../state/state.ts'
import { completedTarget, waitingFor } from '../scope/verdict.ts'

/** What would become of an instance if it moved to another version now. Nothing of it is stored. */
export type Preview = PossibleMove | ImpossibleMove

interface PreviewBase {
  readonly id: string
  readonly workflow: string
  /** The versions. */
  readonly from: number
  readonly to: number
}

/** The instance could move, and this is what would come of it. */
export interface PossibleMove extends PreviewBase {
  readonly possible: true
  /** What would be done to data, in words. */
  readonly steps: readonly string[]
  /** Data that the instance has and that would go, as `migrate` says. */
  readonly dropped: readonly string[]
  /** Builders that would run at once. */
  readonly due: readonly string[]
  /** Those, and all that would or could run after them. */
  readonly wouldRun: readonly string[]
  /** The data set after, before anything runs. */
  readonly data: Readonly<Record<string, unknown>>
  readonly status: 'completed' | 'waiting'
  readonly waitingFor: readonly string[]
}

/** The instance could not move, and this is why. */
export interface ImpossibleMove extends PreviewBase {
  readonly possible: false
  readonly because: readonly Stranding[]
}

export function previewOf(header: Header, graph: Graph, moved: Moved | Stranded): Preview {
  const base = { id: header.id, workflow: graph.name, from: header.version, to: graph.version }
  if ('strandings' in moved) return { ...base, possible: false, because: moved.strandings }
  const { state, move, due } = moved
  const data: Record<string, unknown> = {}
  for (const { index, name } of graph.slots) {
    const value = state.value(index)
    if (value !== undefined) data[name] = state.hasBytes(index) ? copyBytes(value) : value
  }
  const completed = due.length === 0 && completedTarget(state, 0, []) !== undefined
  return {
    ...base,
    ...{ possible: true, steps: move.steps, dropped: move.dropped, due, wouldRun: reachedFrom(state, due), data },
    status: completed ? 'completed' : 'waiting',
    waitingFor: completed ? [] : waitingFor(state, graph.targets),
  }
}

/** Builders, and all that their products would make run, in the order they would. */
export function reachedFrom(state: State, names: readonly string[]): string[] {
  const { graph } = state
  const reached = new Set(names.map((name) => graph.nodeOf.get(name) ?? -1))
  for (const index of reached) {
    const node = graph.nodes[index]
    if (node === undefined) continue
    const { readers, laterReaders } = graph.slots[node.out] as Slot
    for (const reader of [...readers, ...laterReaders]) {
      if (!state.isSpent(graph.nodes[reader] as Node)) reached.add(reader)
    }
  }
  return [...reached].sort((a, b) => a - b).map((index) => graph.nodes[index]?.name ?? '')
}
