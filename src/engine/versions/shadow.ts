import type { Graph, Node, Slot } from '../../graph/graph.ts'
import { ACCESS, CONSUMES } from '../../graph/graph.ts'
import { Nothing, WaitFor } from '../../graph/outcome.ts'
import type { Snapshot } from '../../stores/contract.ts'
import { isEqual } from '../values/canonical.ts'
import type { Stranding } from './carry.ts'
import { refusalOf } from '../values/convert.ts'
import { messageOf } from '../failure.ts'
import { copyBytes } from '../values/freeze.ts'
import { acceptProduct, answerProblem } from '../values/intake.ts'
import type { Moved, Stranded } from './move.ts'
import { programOf } from '../state/program.ts'
import type { Step } from '../state/program.ts'
import { Refusal } from '../values/schema.ts'
import type { State } from '../state/state.ts'

/** A product that would be another one. */
export interface ShadowDifference {
  readonly builder: string
  readonly data: string
  /** What is stored; absent where nothing is. */
  readonly stored?: unknown
  /** What the builder made; absent where it made nothing. */
  readonly made?: unknown
  /** What it said when it made nothing. */
  readonly because?: string
  /** What it threw, or why its product was refused. */
  readonly error?: string
}

/** What pure builders make of an instance's stored data. */
export interface Shadow {
  readonly id: string
  readonly from: number
  readonly to: number
  /** How many builders ran. */
  readonly ran: number
  readonly differences: readonly ShadowDifference[]
  /** Why the instance cannot be brought to the version at all. */
  readonly because?: readonly Stranding[]
}

/** What became of one builder. */
type Made = Pick<ShadowDifference, 'made' | 'because' | 'error'>

/**
 * Runs the pure builders of a graph over an instance's data, in order of rank, each on what those before it made; of all
 * others the stored products count. Changes nothing.
 */
export async function shadowOf(
  { header }: Snapshot,
  graph: Graph,
  moved: Moved | Stranded | State,
  servicesOf: (node: Node) => Readonly<Record<string, unknown>>,
): Promise<Shadow> {
  const base = { id: header.id, from: header.version, to: graph.version }
  if ('strandings' in moved) return { ...base, ran: 0, differences: [], because: moved.strandings }
  const state = 'move' in moved ? moved.state : moved
  const made = new Map<number, unknown>()
  const differences: ShadowDifference[] = []
  let ran = 0
  for (const node of graph.nodes) {
    const input = node.builder.pure && node.timer === undefined ? inputOf(state, node, made) : undefined
    if (input === undefined) continue
    ran++
    const outcome = await runAlone(graph, node, input, header.id, servicesOf(node))
    if (outcome.error === undefined) made.set(node.out, outcome.made)
    const difference = differenceOf(state, node, outcome)
    if (difference !== undefined) differences.push(difference)
  }
  return { ...base, ran, differences }
}

function inputOf(
  state: State,
  { inputs }: Node,
  made: ReadonlyMap<number, unknown>,
): Record<string, unknown> | undefined {
  const input: Record<string, unknown> = {}
  for (const { key, slot, kind } of inputs) {
    const value = made.has(slot) && kind !== ACCESS ? made.get(slot) : state.value(slot)
    if (value === undefined && kind === CONSUMES) return undefined
    if (value !== undefined) input[key] = copyBytes(value)
  }
  return input
}

async function runAlone(
  graph: Graph,
  node: Node,
  input: Record<string, unknown>,
  id: string,
  services: Readonly<Record<string, unknown>>,
): Promise<Made> {
  const step = programOf(graph).steps[node.index] as Step
  const slot = graph.slots[node.out] as Slot
  const context = {
    ...{ workflowId: id, signal: new AbortController().signal, attempt: 1, services },
    ...{ idempotencyKey: `shadow:${id}:${node.name}`, meta: {} },
  }
  try {
    const given: unknown = await node.builder.process(input, context)
    if (given instanceof Nothing || given instanceof WaitFor) {
      const problem = answerProblem(step, given)
      if (problem !== undefined) return { error: refusalOf(slot, problem) }
      return given.because === undefined ? {} : { because: given.because }
    }
    const accepted = await acceptProduct(step, given, slot.transient, 'live')
    return Refusal.is(accepted) ? { error: refusalOf(slot, accepted) } : { made: accepted.value }
  } catch (error) {
    return { error: messageOf(error) }
  }
}

function differenceOf(state: State, { name, out }: Node, outcome: Made): ShadowDifference | undefined {
  const { name: data, transient } = state.graph.slots[out] as Slot
  const stored = state.value(out)
  if (outcome.error === undefined && (transient || isEqual(stored, outcome.made))) return undefined
  return { builder: name, data, ...(stored !== undefined && { stored }), ...outcome }
}
