import type { AnyBuilder } from './builder.ts'
import type { AnyData } from './data.ts'
import type { Graph, Node, Slot } from './graph.ts'
import { timesOf } from './timer.ts'
import type { TimerTimes } from './timer.ts'

/** A builder as far as it makes a graph the graph it is. Names are sorted. */
export interface BuilderDescription {
  readonly name: string
  readonly consumes: readonly string[]
  readonly optionals: readonly string[]
  readonly accesses: readonly string[]
  readonly produces: string
  readonly once: boolean
  readonly version: number
  readonly cutoff?: true
  /** Of `consumes`, that whose failure it takes for an answer. */
  readonly settles?: readonly string[]
  /** Of a timer, which consumes what sets it and accesses what it names as `unless`. */
  readonly timer?: TimerTimes
}

/** A data as far as a manifest tells of it. */
export interface DataDescription {
  readonly name: string
  readonly version: number
  /** Whether its values stay on the server. It does not make a graph another one. */
  readonly sensitive?: true
  /** What its data are about. */
  readonly about?: string
}

/** All that makes a graph the graph it is, as plain JSON: two graphs are the same if this is. */
export interface Description {
  readonly workflow: string
  readonly targets: readonly string[]
  readonly transients: readonly string[]
  readonly loops: boolean
  /** Milliseconds an instance has to reach a target; absent if it has all the time there is. */
  readonly timeout?: number
  /** By name; with loops in declared order, which decides there which edges are cut. */
  readonly builders: readonly BuilderDescription[]
  /** All data by name. */
  readonly data: readonly DataDescription[]
}

export function describeGraph(graph: Graph): Description {
  const { name: workflow, loops } = graph
  const nodes = [...graph.nodes].sort((a, b) => (loops ? a.declared - b.declared : byName(a, b)))
  return {
    workflow,
    targets: graph.targets.map((slot) => (graph.slots[slot] as Slot).name),
    transients: graph.slots
      .filter(({ transient }) => transient)
      .map(({ name }) => name)
      .sort(),
    loops,
    ...(graph.timeout !== undefined && { timeout: graph.timeout }),
    builders: nodes.map((node) => describeNode(graph, node)),
    data: [...graph.slots].sort(byName).map(describeData),
  }
}

function describeData({ name, data: { version, sensitive, about } }: Slot): DataDescription {
  return { name, version, ...(sensitive && { sensitive }), ...(about !== undefined && { about: about.name }) }
}

export function describeNode(graph: Graph, { name, builder, out, timer }: Node): BuilderDescription {
  return {
    name,
    consumes: namesOf(builder.consumes),
    optionals: namesOf(builder.optionals),
    accesses: namesOf(builder.accesses),
    produces: (graph.slots[out] as Slot).name,
    once: builder.once,
    version: builder.version,
    ...(builder.cutoff && { cutoff: true as const }),
    ...(builder.settles.length > 0 && { settles: settledNames(builder) }),
    ...(timer !== undefined && { timer: timesOf(timer.rule) }),
  }
}

function settledNames({ settles, consumes }: AnyBuilder): string[] {
  return namesOf(Object.fromEntries(settles.map((key) => [key, consumes[key] as AnyData])))
}

function namesOf(inputs: Readonly<Record<string, AnyData>>): string[] {
  return [...new Set(Object.values(inputs).map(({ name }) => name))].sort()
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1
}
