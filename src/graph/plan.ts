import { isBuilder } from './builder.ts'
import { isData } from './data.ts'
import type { AnyData } from './data.ts'
import { describeGraph } from './description.ts'
import { edgesOf } from './edges.ts'
import type { Edge, EdgeKind } from './edges.ts'
import { PolarisError } from './errors.ts'
import { fingerprint } from './fingerprint.ts'
import { ACCESS } from './graph.ts'
import type { Care, CompiledTimer, Graph, Node, Slot } from './graph.ts'
import { listNames } from './naming.ts'
import { timerText, toDot, toMermaid } from './render.ts'
import { timesOf } from './timer.ts'
import type { TimerTimes } from './timer.ts'
import type { RetryPolicy } from './retry.ts'

/** A builder as a plan shows it. */
export interface PlanBuilder {
  readonly name: string
  readonly rank: number
  readonly consumes: readonly string[]
  readonly optionals: readonly string[]
  readonly accesses: readonly string[]
  readonly services: readonly string[]
  readonly produces: string
  readonly once: boolean
  readonly pure: boolean
  /** Of what it consumes, that whose failure it takes for an answer. */
  readonly settles?: readonly string[]
  /** A product that equals the one it replaces wakes nobody. */
  readonly cutoff?: true
  readonly version: number
  /** Milliseconds that one try may take, if that is bounded. */
  readonly timeout?: number
  /** Where it is tried again after it failed: its own policy, or the workflow's. Times are in milliseconds. */
  readonly retry?: Omit<RetryPolicy, 'retryIf'>
  /** Something stands in for its product when it has failed for good. */
  readonly fallback?: true
  /** Only of a timer, which consumes what sets it and accesses what it names as `unless`. */
  readonly timer?: PlanTimer
}

/** What sets a timer, and what ends it. */
export interface PlanTimer extends TimerTimes {
  /** In words: `'10m after RideRequested'`. */
  readonly when: string
  readonly after: string
  /** All that ends it: what it names, and targets. */
  readonly unless: readonly string[]
}

/** A data as a plan shows it. */
export interface PlanData {
  readonly name: string
  /** The builder that makes it; absent where none does. */
  readonly producer?: string
  readonly target: boolean
  /** Lives no longer than a scope. */
  readonly transient: boolean
  /** Whether callers from outside, by HTTP, may feed it. */
  readonly feedable: boolean
  readonly version: number
  /** Whether its values stay on the server. */
  readonly sensitive: boolean
  /** The data that its data are about, if they are: they count no longer than that stands. */
  readonly about?: string
}

/** A datum on its way to a builder or timer, by names. */
export interface PlanEdge {
  readonly data: string
  /** The builder or timer that makes it; absent where callers feed it. */
  readonly from?: string
  readonly to: string
  readonly kind: EdgeKind
  /** A loop was cut here: it is seen in the next pass only. */
  readonly cut?: true
}

/** A plan as plain JSON. */
export interface PlanJson {
  readonly workflow: string
  readonly version: number
  readonly fingerprint: string
  readonly targets: readonly string[]
  readonly transients: readonly string[]
  readonly loops: boolean
  /** Milliseconds an instance has to reach a target; absent if it has all the time there is. */
  readonly timeout?: number
  readonly ranks: readonly (readonly string[])[]
  readonly builders: readonly PlanBuilder[]
  readonly data: readonly PlanData[]
  readonly inputs: readonly string[]
  readonly unreachable: readonly string[]
}

/** The execution graph of a workflow, to look at and to ask. Answers are names, in the order builders would run. */
export interface Plan {
  /** Names of builders and timers by rank; within a rank in declared order. */
  readonly ranks: string[][]
  /** Builders on no path to a target. They run all the same: their side effects count. */
  readonly unreachable: string[]
  /** Data that some builder or timer reads and none produces: what callers have to feed. */
  readonly inputs: string[]
  readonly targets: string[]
  /** Tells graphs apart: equal for the same graph whatever the source text, different for any difference that counts. */
  readonly fingerprint: string
  readonly builders: PlanBuilder[]
  /** All data of the workflow, in order of first appearance. */
  readonly data: PlanData[]
  /** What leads where, in order of those it leads to. */
  readonly edges: PlanEdge[]
  /** The data of this name, to feed or to ask for by. Throws `DATA_UNKNOWN` for one the workflow does not have. */
  dataNamed(name: string): AnyData
  /** Name of the builder that produces a data, if one does. Throws `DATA_UNKNOWN` for data the workflow does not have. */
  producerOf(data: string | { readonly name: string }): string | undefined
  /** Names of the builders that a new datum of this data makes run, and of the timers it sets. Throws `DATA_UNKNOWN`. */
  readersOf(data: string | { readonly name: string }): string[]
  /**
   * Builders whose products reach this builder, or this data, directly or through others; in a cycle, itself too. A text
   * that names both a builder and a data is taken for the builder. Throws `DATA_UNKNOWN`.
   */
  upstreamOf(name: string | { readonly name: string }): string[]
  /** Builders that this builder's product, or this data, reaches, directly or through others. Throws `DATA_UNKNOWN`. */
  downstreamOf(name: string | { readonly name: string }): string[]
  /** A flowchart in Mermaid's language. */
  toMermaid(): string
  /** A digraph in Graphviz's language. */
  toDot(): string
  /** The graph as plain JSON, for tools that draw it or look into it. */
  toJSON(): PlanJson
}

type Named = string | { readonly name: string }

export function planOf(graph: Graph): Plan {
  let print: string | undefined
  const plan: Plan = {
    get ranks() {
      const ranks: string[][] = []
      for (const { rank, name } of graph.nodes) (ranks[rank] ??= []).push(name)
      return ranks
    },
    get unreachable() {
      const reached = new Set(graph.targets.flatMap((slot) => closure(producersOf(graph, slot), upward(graph))))
      return graph.nodes.filter(({ index }) => !reached.has(index)).map(({ name }) => name)
    },
    get inputs() {
      return graph.slots.filter(({ producer }) => producer < 0).map(({ name }) => name)
    },
    get targets() {
      return graph.targets.map((slot) => slotAt(graph, slot).name)
    },
    get fingerprint() {
      return (print ??= fingerprint(describeGraph(graph)))
    },
    get builders() {
      return graph.nodes.map((node) => describe(graph, node))
    },
    get data() {
      return graph.slots.map((slot) => describeData(graph, slot))
    },
    get edges() {
      return edgesOf(graph).map((edge) => describeEdge(graph, edge))
    },
    dataNamed: (name) => slotNamed(graph, name).data,
    producerOf(data) {
      const { producer } = slotNamed(graph, data)
      return producer < 0 ? undefined : nodeAt(graph, producer).name
    },
    readersOf(data) {
      return namesOf(graph, readersOf(slotNamed(graph, data)))
    },
    upstreamOf(name) {
      const place = placeNamed(graph, name)
      const from = 'builder' in place ? upward(graph)(place.index) : producersOf(graph, place.index)
      return namesOf(graph, closure(from, upward(graph)))
    },
    downstreamOf(name) {
      const place = placeNamed(graph, name)
      const slot = 'builder' in place ? slotAt(graph, place.out) : place
      return namesOf(graph, closure(readersOf(slot), downward(graph)))
    },
    toMermaid: () => toMermaid(graph),
    toDot: () => toDot(graph),
    toJSON: () => plainPlan(graph, plan),
  }
  return Object.freeze(plan)
}

function plainPlan(graph: Graph, plan: Plan): PlanJson {
  return {
    workflow: graph.name,
    version: graph.version,
    fingerprint: plan.fingerprint,
    targets: plan.targets,
    transients: graph.slots.filter(({ transient }) => transient).map(({ name }) => name),
    loops: graph.loops,
    ...(graph.timeout !== undefined && { timeout: graph.timeout }),
    ranks: plan.ranks,
    builders: plan.builders,
    data: plan.data,
    inputs: plan.inputs,
    unreachable: plan.unreachable,
  }
}

function slotAt(graph: Graph, slot: number): Slot {
  return graph.slots[slot] as Slot
}

function nodeAt(graph: Graph, node: number): Node {
  return graph.nodes[node] as Node
}

function describe(graph: Graph, node: Node): PlanBuilder {
  const names = (kind: 'consumes' | 'optionals' | 'accesses'): string[] =>
    Object.values(node.builder[kind]).map(({ name }) => name)
  return {
    name: node.name,
    rank: node.rank,
    consumes: names('consumes'),
    optionals: names('optionals'),
    accesses: names('accesses'),
    services: Object.values(node.builder.services).map(({ name }) => name),
    produces: slotAt(graph, node.out).name,
    once: node.builder.once,
    pure: node.builder.pure,
    version: node.builder.version,
    ...(node.settles && { settles: node.builder.settles.map((key) => node.builder.consumes[key]?.name ?? '') }),
    ...(node.cutoff && { cutoff: true }),
    ...(node.timer !== undefined && { timer: describeTimer(graph, node.timer) }),
    ...(node.care !== undefined && describeCare(node.care)),
  }
}

function describeData(graph: Graph, { name, data, producer, target, transient, feedable }: Slot): PlanData {
  const { sensitive, version, about } = data
  const made = producer < 0 ? {} : { producer: nodeAt(graph, producer).name }
  return {
    name,
    ...made,
    target,
    transient,
    feedable,
    version,
    sensitive,
    ...(about !== undefined && { about: about.name }),
  }
}

function describeEdge(graph: Graph, { slot, from, to, kind, cut }: Edge): PlanEdge {
  const maker = from < 0 ? {} : { from: nodeAt(graph, from).name }
  return { data: slotAt(graph, slot).name, ...maker, to: nodeAt(graph, to).name, kind, ...(cut && { cut }) }
}

function describeTimer(graph: Graph, { rule, after, ends }: CompiledTimer): PlanTimer {
  const name = (slot: number): string => slotAt(graph, slot).name
  return { when: timerText(rule), after: name(after), ...timesOf(rule), unless: ends.map(({ slot }) => name(slot)) }
}

function describeCare({ timeout, retry, fallback }: Care): Pick<PlanBuilder, 'timeout' | 'retry' | 'fallback'> {
  return {
    ...(timeout !== undefined && { timeout }),
    ...(retry !== undefined && { retry: describeRetry(retry) }),
    ...(fallback !== undefined && { fallback: true }),
  }
}

/** A function has no place in JSON. */
function describeRetry({ attempts, initial, factor, max, jitter }: RetryPolicy): NonNullable<PlanBuilder['retry']> {
  return { attempts, initial, factor, max, jitter }
}

function nameOf(named: Named): string {
  return typeof named === 'string' ? named : named.name
}

function slotNamed(graph: Graph, named: Named): Slot {
  const slot = graph.slotOf.get(nameOf(named))
  if (slot !== undefined) return slotAt(graph, slot)
  throw unknown(graph, named, 'data', graph.slots)
}

/** A builder's node or a data's slot. A text that names both is taken for the builder; a data object is always a data. */
function placeNamed(graph: Graph, named: Named): Node | Slot {
  const node = isData(named) ? undefined : graph.nodeOf.get(nameOf(named))
  if (node !== undefined) return nodeAt(graph, node)
  const slot = isBuilder(named) ? undefined : graph.slotOf.get(nameOf(named))
  if (slot !== undefined) return slotAt(graph, slot)
  throw unknown(graph, named, 'builder or data', [...graph.nodes, ...graph.slots])
}

function unknown(graph: Graph, named: Named, what: string, all: readonly { readonly name: string }[]): PolarisError {
  const names = listNames(all.map(({ name }) => name))
  return new PolarisError(
    'DATA_UNKNOWN',
    `Workflow '${graph.name}' has no ${what} '${nameOf(named)}'. It has ${names}.`,
  )
}

function readersOf(slot: Slot): number[] {
  return [...slot.readers, ...slot.laterReaders, ...slot.sets]
}

function producersOf(graph: Graph, slot: number): number[] {
  const { producer } = slotAt(graph, slot)
  return producer < 0 ? [] : [producer]
}

type Step = (node: number) => number[]

/** Cut edges and timers count here: data do flow along them, if only in a later pass or scope. */
function upward(graph: Graph): Step {
  return (index) => {
    const { inputs, timer } = nodeAt(graph, index)
    const read = timer === undefined ? inputs.filter(({ kind }) => kind !== ACCESS) : [{ slot: timer.after }]
    return read.flatMap(({ slot }) => subjectsOf(graph, slot)).flatMap((slot) => producersOf(graph, slot))
  }
}

/** A slot, and what its data are about: that decides whether there is anything to read. */
function subjectsOf(graph: Graph, slot: number): number[] {
  const found: number[] = []
  for (let next = slot; next >= 0; next = slotAt(graph, next).about) found.push(next)
  return found
}

function downward(graph: Graph): Step {
  return (node) => readersOf(slotAt(graph, nodeAt(graph, node).out))
}

function closure(from: readonly number[], step: Step): number[] {
  const seen = new Set(from)
  for (const node of seen) for (const next of step(node)) seen.add(next)
  return [...seen]
}

function namesOf(graph: Graph, nodes: Iterable<number>): string[] {
  return [...new Set(nodes)].sort((a, b) => a - b).map((node) => nodeAt(graph, node).name)
}
