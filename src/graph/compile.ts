import type { AnyBuilder } from './builder.ts'
import type { AnyData } from './data.ts'
import { GraphError } from './errors.ts'
import { ancestry } from './ancestry.ts'
import { components, cutEdges, cycleIn, ranks } from './cycles.ts'
import { ACCESS, CONSUMES, OPTIONAL } from './graph.ts'
import type { Durability, Graph, Input, InputKind, Node, Slot } from './graph.ts'

/** A workflow's definition with every default filled in. */
export interface Definition {
  readonly name: string
  readonly version: number
  readonly builders: readonly AnyBuilder[]
  readonly targets: readonly AnyData[]
  readonly transients: readonly AnyData[]
  readonly resolve: Readonly<Record<string, string>>
  readonly loops: boolean
  readonly durability: Durability
}

const KINDS = [
  ['consumes', CONSUMES],
  ['optionals', OPTIONAL],
  ['accesses', ACCESS],
] as const satisfies readonly (readonly [string, InputKind])[]

/**
 * Compiles a definition; the same one always to the same graph.
 *
 * @throws `GRAPH_INVALID` with everything that is wrong
 */
export function compile(definition: Definition): Graph {
  const problems: string[] = []
  const builders = chosenBuilders(definition, problems)
  const names = collectData(definition, builders, problems)
  const producerOf = new Map(builders.map((builder, declared) => [outName(builder), declared]))
  problems.push(...targetProblems(definition, builders, producerOf), ...builderProblems(definition, builders))
  const edges = dataEdges(builders, producerOf)
  const cut = definition.loops ? cutEdges(builders.length, edges) : new Set<number>()
  if (!definition.loops) problems.push(...cycleProblems(builders, edges))
  if (problems.length > 0) throw new GraphError(`Workflow '${definition.name}'`, problems)
  return assemble(definition, builders, names, edges, cut)
}

/** The builders that take part: all but those that lose to a producer named by `resolve`. */
function chosenBuilders({ builders, resolve }: Definition, problems: string[]): AnyBuilder[] {
  const makers = new Map<string, string[]>()
  const seen = new Set<string>()
  for (const builder of builders) {
    if (seen.has(builder.name)) problems.push(`two builders are named '${builder.name}'`)
    seen.add(builder.name)
    const out = outName(builder)
    makers.set(out, [...(makers.get(out) ?? []), builder.name])
  }
  for (const [out, names] of makers) {
    if (names.length < 2 || Object.hasOwn(resolve, out)) continue
    const list = names.map((name) => `'${name}'`).join(' and ')
    problems.push(`data '${out}' is produced by ${list}: choose one with resolve: { ${out}: '${names[0] ?? ''}' }`)
  }
  for (const [out, name] of Object.entries(resolve)) {
    const names = makers.get(out)
    if (names === undefined) problems.push(`resolve names data '${out}', which no builder produces`)
    else if (!names.includes(name)) {
      problems.push(`resolve names builder '${name}' for data '${out}', which is produced by ${names.join(', ')}`)
    }
  }
  return builders.filter((builder) => {
    const out = outName(builder)
    return !Object.hasOwn(resolve, out) || resolve[out] === builder.name
  })
}

/** All data in order of first appearance. */
function collectData(
  { targets, transients, name }: Definition,
  builders: readonly AnyBuilder[],
  problems: string[],
): Map<string, AnyData> {
  const found = new Map<string, AnyData>()
  const owner = new Map<string, string>()
  const add = (data: AnyData, who: string): void => {
    const known = found.get(data.name)
    if (known === undefined) {
      found.set(data.name, data)
      owner.set(data.name, who)
    } else if (known !== data) {
      problems.push(
        `two different data are named '${data.name}' (in ${owner.get(data.name) ?? name} and in ${who}): ` +
          'declare it once and share it',
      )
    }
  }
  for (const builder of builders) {
    for (const [kind] of KINDS) for (const data of Object.values(builder[kind])) add(data, `builder '${builder.name}'`)
    add(builder.produces as AnyData, `builder '${builder.name}'`)
  }
  for (const data of targets) if (found.has(data.name)) add(data, 'target')
  for (const data of transients) {
    if (found.has(data.name)) add(data, 'transients')
    else problems.push(`transient '${data.name}' is neither read nor produced by any builder`)
  }
  return found
}

function targetProblems(
  { targets, transients }: Definition,
  builders: readonly AnyBuilder[],
  producerOf: ReadonlyMap<string, number>,
): string[] {
  const problems: string[] = []
  if (targets.length === 0) problems.push('it has no target: name the data that the workflow is for')
  const transient = new Set(transients.map((data) => data.name))
  const seen = new Set<string>()
  for (const { name } of targets) {
    if (seen.has(name)) problems.push(`target '${name}' is named twice`)
    seen.add(name)
    if (!producerOf.has(name)) problems.push(`no builder produces target '${name}'`)
  }
  for (const { name, once, produces } of builders) {
    const out = (produces as AnyData).name
    if (once && transient.has(out)) {
      problems.push(`builder '${name}' is once, but its product '${out}' is transient and would be lost for good`)
    }
  }
  return problems
}

function builderProblems({ builders: all }: Definition, builders: readonly AnyBuilder[]): string[] {
  const problems: string[] = []
  if (all.length === 0) problems.push('it has no builders')
  for (const builder of builders) {
    for (const kind of ['consumes', 'optionals'] as const) {
      for (const data of Object.values(builder[kind])) {
        if (data.name === outName(builder)) {
          problems.push(
            `builder '${builder.name}' has its own product '${data.name}' in ${kind}: use accesses to see it`,
          )
        }
      }
    }
  }
  return problems
}

function dataEdges(builders: readonly AnyBuilder[], producerOf: ReadonlyMap<string, number>): number[][] {
  const next: number[][] = builders.map(() => [])
  builders.forEach((builder, to) => {
    const from = new Set<number>()
    for (const data of [...Object.values(builder.consumes), ...Object.values(builder.optionals)]) {
      const producer = producerOf.get(data.name)
      if (producer !== undefined && producer !== to) from.add(producer)
    }
    for (const producer of from) next[producer]?.push(to)
  })
  return next
}

function cycleProblems(builders: readonly AnyBuilder[], edges: readonly (readonly number[])[]): string[] {
  const all = builders.map((_, node) => node)
  return components(all, edges, () => true).map((component) => {
    const cycle = cycleIn(component, edges)
      .map((node) => builders[node])
      .filter((b) => b !== undefined)
    const path = cycle.map((builder) => `${builder.name} -(${outName(builder)})-> `).join('')
    return `there is a cycle: ${path}${cycle[0]?.name ?? ''}. Break it, or allow it with loops: true`
  })
}

function assemble(
  definition: Definition,
  builders: readonly AnyBuilder[],
  names: ReadonlyMap<string, AnyData>,
  edges: readonly (readonly number[])[],
  cut: ReadonlySet<number>,
): Graph {
  const count = builders.length
  const isCut = (from: number, to: number): boolean => cut.has(from * count + to)
  const byRank = ranks(count, edges, (from, to) => !isCut(from, to))
  const order = byRank.flat()
  const rankOf = byRank.flatMap((rank, number) => rank.map(() => number))
  const indexOf = new Uint32Array(count)
  order.forEach((declared, index) => (indexOf[declared] = index))
  const before: number[][] = builders.map(() => [])
  edges.forEach((next, from) => {
    for (const to of next) if (!isCut(from, to)) before[indexOf[to] ?? 0]?.push(indexOf[from] ?? 0)
  })
  const isAncestor = ancestry(before)
  const slotOf = new Map([...names.keys()].map((name, slot) => [name, slot]))
  const producers = new Int32Array(names.size).fill(-1)
  builders.forEach((builder, declared) => {
    producers[slotOf.get(outName(builder)) ?? 0] = indexOf[declared] ?? -1
  })
  const nodes = order.map((declared, index): Node => {
    const builder = builders[declared] as AnyBuilder
    const inputs = KINDS.flatMap(([kind, code]) =>
      Object.entries(builder[kind]).map(([key, data]): Input => {
        const slot = slotOf.get(data.name) ?? 0
        const producer = producers[slot] ?? -1
        const lookback =
          producer >= 0 && (code === ACCESS ? !isAncestor(producer, index) : isCut(order[producer] ?? 0, declared))
        return { key, slot, kind: code, lookback }
      }),
    )
    const source = inputs.every(({ kind }) => kind === ACCESS)
    const out = slotOf.get(outName(builder)) ?? 0
    return { index, rank: rankOf[index] ?? 0, declared, name: builder.name, builder, inputs, out, source }
  })
  return {
    name: definition.name,
    version: definition.version,
    nodes,
    slots: compileSlots(definition, names, nodes, producers),
    slotOf,
    nodeOf: new Map(nodes.map((node) => [node.name, node.index])),
    targets: definition.targets.map(({ name }) => slotOf.get(name) ?? 0),
    sources: nodes.filter(({ source }) => source).map(({ index }) => index),
    loops: definition.loops,
    durability: definition.durability,
    before,
    isAncestor,
  }
}

function compileSlots(
  { targets, transients }: Definition,
  names: ReadonlyMap<string, AnyData>,
  nodes: readonly Node[],
  producers: Int32Array,
): Slot[] {
  const readers = Array.from(names, () => new Set<number>())
  const laterReaders = Array.from(names, () => new Set<number>())
  const lookedBack = new Set<number>()
  for (const { index, inputs } of nodes) {
    for (const { slot, kind, lookback } of inputs) {
      if (lookback) lookedBack.add(slot)
      if (kind !== ACCESS) (lookback ? laterReaders : readers)[slot]?.add(index)
    }
  }
  const transient = new Set(transients.map(({ name }) => name))
  const target = new Set(targets.map(({ name }) => name))
  return [...names].map(([name, data], index) => ({
    index,
    name,
    data,
    producer: producers[index] ?? -1,
    transient: transient.has(name),
    target: target.has(name),
    readers: [...(readers[index] ?? [])],
    laterReaders: [...(laterReaders[index] ?? [])],
    lookedBack: lookedBack.has(index),
  }))
}

function outName(builder: AnyBuilder): string {
  return (builder.produces as AnyData).name
}
