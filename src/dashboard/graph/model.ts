/** The execution graph as it is drawn: builders and timers, and the data that callers feed. */
import type { Builder, Plan } from '../api/wire.ts'

export type NodeKind = 'builder' | 'timer' | 'data'

export interface Node {
  /** `b:quoteFare`, `d:RideRequest`: builders and data may share a name. */
  readonly id: string
  readonly kind: NodeKind
  readonly name: string
  /** Second line: what a builder makes. */
  readonly about: string
  readonly target: boolean
  /** The data that it stands for, or makes. */
  readonly data: string
}

export type EdgeKind = 'consumes' | 'optional' | 'access'

export interface Edge {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly data: string
  readonly kind: EdgeKind
}

export interface Graph {
  readonly nodes: readonly Node[]
  readonly edges: readonly Edge[]
}

export function builderId(name: string): string {
  return `b:${name}`
}

export function dataId(name: string): string {
  return `d:${name}`
}

/** Without the mark of what it is. */
export function nameOf(id: string): string {
  return id.slice(2)
}

export function graphOf({ builders, data, targets }: Plan): Graph {
  const producers = new Map(builders.map(({ name, produces }) => [produces, builderId(name)]))
  const read = new Set(builders.flatMap((builder) => inputsOf(builder).map(([name]) => name)))
  const nodes: Node[] = builders.map(({ name, produces, timer }) => ({
    ...{ id: builderId(name), name, data: produces, target: targets.includes(produces) },
    kind: timer === undefined ? 'builder' : 'timer',
    about: timer === undefined ? produces : timer.when,
  }))
  for (const { name, producer } of data) {
    // What nobody reads is not worth a place, unless it is what all is about.
    if (producer !== undefined || !(read.has(name) || targets.includes(name))) continue
    nodes.push({ id: dataId(name), kind: 'data', name, about: 'fed', target: targets.includes(name), data: name })
  }
  const edges = builders.flatMap((builder) =>
    inputsOf(builder).map(([name, kind]): Edge => {
      const from = producers.get(name) ?? dataId(name)
      const to = builderId(builder.name)
      return { id: `${from}\0${to}\0${kind}\0${name}`, from, to, data: name, kind }
    }),
  )
  return { nodes, edges }
}

function inputsOf({ consumes, optionals, accesses }: Builder): (readonly [name: string, kind: EdgeKind])[] {
  return [
    ...consumes.map((name) => [name, 'consumes'] as const),
    ...optionals.map((name) => [name, 'optional'] as const),
    ...accesses.map((name) => [name, 'access'] as const),
  ]
}

/** All that leads to some nodes (`from`), or that they lead to (`into`), themselves excepted unless in a cycle. */
export function closure(edges: readonly Edge[], start: readonly string[], way: 'from' | 'into'): Set<string> {
  const [near, far] = way === 'from' ? (['to', 'from'] as const) : (['from', 'to'] as const)
  const steps = new Map<string, string[]>()
  for (const edge of edges) {
    // Accesses see, but set nothing off.
    if (edge.kind !== 'access') steps.set(edge[near], [...(steps.get(edge[near]) ?? []), edge[far]])
  }
  const found = new Set(start.flatMap((id) => steps.get(id) ?? []))
  for (const id of found) for (const next of steps.get(id) ?? []) found.add(next)
  return found
}
