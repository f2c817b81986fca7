import { ACCESS, CONSUMES, OPTIONAL, SETTLED } from './graph.ts'
import type { CompiledTimer, Graph } from './graph.ts'

/**
 * What an edge means to the one it leads to. `settled`: it takes the failure of the producer for an answer, too. `sets` and
 * `ends`: it is a timer, and this is what sets it, or what it names as `unless`.
 */
export type EdgeKind = 'consumes' | 'optional' | 'access' | 'settled' | 'sets' | 'ends'

/** A datum on its way to a builder or timer, by indexes. */
export interface Edge {
  readonly slot: number
  /** Who makes it; -1 where callers feed it. */
  readonly from: number
  readonly to: number
  readonly kind: EdgeKind
  /** A loop was cut here: it is seen in the next pass only. */
  readonly cut: boolean
}

const KINDS = { [CONSUMES]: 'consumes', [OPTIONAL]: 'optional', [ACCESS]: 'access', [SETTLED]: 'settled' } as const

/** In order of those they lead to, and of the inputs of each. */
export function edgesOf(graph: Graph): Edge[] {
  const edge = (slot: number, to: number, kind: EdgeKind, cut = false): Edge => {
    return { slot, from: graph.slots[slot]?.producer ?? -1, to, kind, cut }
  }
  const ofTimer = ({ rule, after, ends }: CompiledTimer, to: number): Edge[] => [
    edge(after, to, 'sets'),
    // Targets end every timer: drawn each time, they would hide the rest.
    ...ends.slice(0, rule.unless.length).map(({ slot }) => edge(slot, to, 'ends')),
  ]
  return graph.nodes.flatMap(({ index, inputs, timer }) =>
    timer !== undefined
      ? ofTimer(timer, index)
      : inputs.map(({ slot, kind, lookback }) => edge(slot, index, KINDS[kind], lookback && kind !== ACCESS)),
  )
}
