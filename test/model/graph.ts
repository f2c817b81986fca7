/** The reference's picture of a workflow's graph, straight from rules 1 to 3: sets of names and plain recursion. */
import { subjectsOf, type BuilderSpec, type WorkflowSpec } from './spec.ts'

export interface Edge {
  readonly from: string
  readonly to: string
  readonly data: string
  readonly kind: 'consumes' | 'optionals'
  /** What the reader reads is about this data, which it does not read itself. */
  readonly implied?: true
}

export interface Graph {
  readonly spec: WorkflowSpec
  /** Builders by (rank, declaration). */
  readonly order: readonly BuilderSpec[]
  readonly rank: ReadonlyMap<string, number>
  /** All edges that order builders. */
  readonly edges: readonly Edge[]
  /** Edges that `loops` makes wait for the next pass. */
  readonly cut: readonly Edge[]
  /** Per builder: all builders from which uncut edges lead to it. */
  readonly ancestors: ReadonlyMap<string, ReadonlySet<string>>
}

function edgesOf(spec: WorkflowSpec): Edge[] {
  const producers = new Map(spec.builders.map((b) => [b.produces, b.name]))
  const impliedBy = (read: string, to: string, kind: Edge['kind']): Edge[] =>
    subjectsOf(spec, read).flatMap((data) => {
      const from = producers.get(data)
      return from === undefined || from === to ? [] : [{ from, to, data, kind, implied: true as const }]
    })
  return spec.builders.flatMap((b) =>
    (['consumes', 'optionals'] as const).flatMap((kind) =>
      b[kind].flatMap((data) => {
        const from = producers.get(data)
        return [...(from === undefined ? [] : [{ from, to: b.name, data, kind }]), ...impliedBy(data, b.name, kind)]
      }),
    ),
  )
}

/** All builders that can be reached from `name` over at least one edge. */
function reachable(edges: readonly Edge[], name: string, found: Set<string> = new Set()): Set<string> {
  for (const edge of edges) {
    if (edge.from !== name || found.has(edge.to)) continue
    found.add(edge.to)
    reachable(edges, edge.to, found)
  }
  return found
}

/** Sets of builders that lie on common cycles, each in order of declaration. */
function knots(spec: WorkflowSpec, edges: readonly Edge[]): string[][] {
  const from = new Map(spec.builders.map((b) => [b.name, reachable(edges, b.name)]))
  const knotOf = (name: string): string[] =>
    spec.builders
      .map((b) => b.name)
      .filter((other) => from.get(name)!.has(other) && from.get(other)!.has(name) && from.get(name)!.has(name))
  const found = new Map(spec.builders.map((b) => [knotOf(b.name).join(), knotOf(b.name)]))
  return [...found.values()].filter((members) => members.length > 1)
}

export function isCyclic(spec: WorkflowSpec): boolean {
  return knots(spec, edgesOf(spec)).length > 0
}

export function graphOf(spec: WorkflowSpec): Graph {
  let edges = edgesOf(spec)
  const cut: Edge[] = []
  for (let left = knots(spec, edges); left.length > 0; left = knots(spec, edges)) {
    const through = edges.filter((e) => left.some((knot) => knot[0] === e.to && knot.includes(e.from)))
    cut.push(...through)
    edges = edges.filter((e) => !through.includes(e))
  }
  const rank = new Map<string, number>()
  const rankOf = (name: string): number => {
    const known = rank.get(name)
    if (known !== undefined) return known
    const value = Math.max(-1, ...edges.filter((e) => e.to === name).map((e) => rankOf(e.from))) + 1
    rank.set(name, value)
    return value
  }
  const order = spec.builders
    .map((builder, declared) => ({ builder, declared, rank: rankOf(builder.name) }))
    .sort((a, b) => a.rank - b.rank || a.declared - b.declared)
    .map(({ builder }) => builder)
  const names = spec.builders.map((b) => b.name)
  const ancestors = new Map(
    names.map((name) => [name, new Set(names.filter((other) => reachable(edges, other).has(name)))]),
  )
  return { spec, order, rank, edges, cut, ancestors }
}

export function builderNamed(graph: Graph, name: string): BuilderSpec {
  const found = graph.spec.builders.find((b) => b.name === name)
  if (found === undefined) throw new Error(`no builder ${name}`)
  return found
}

export function producerOf(graph: Graph, data: string): BuilderSpec | undefined {
  return graph.spec.builders.find((b) => b.produces === data)
}

/** Whether what one builder makes may reach another, over edges that are cut too. */
export function dependsOn(graph: Graph, name: string, on: string): boolean {
  // What only takes something away asks nobody to run who cannot do without.
  const asks = ({ implied, kind }: Edge): boolean => implied === undefined || kind === 'optionals'
  return reachable([...graph.edges, ...graph.cut].filter(asks), on).has(name)
}

export function isCut(graph: Graph, data: string, reader: string): boolean {
  return graph.cut.some((e) => e.data === data && e.to === reader)
}

/** Names of the builders on no path to any target. Edges that are cut are paths too. */
export function unreachableIn(graph: Graph): string[] {
  const all = [...graph.edges, ...graph.cut]
  const ends = graph.spec.builders.filter((b) => graph.spec.targets.includes(b.produces)).map((b) => b.name)
  const leads = (name: string): boolean => ends.includes(name) || ends.some((end) => reachable(all, name).has(end))
  return graph.spec.builders.map((b) => b.name).filter((name) => !leads(name))
}
