import type { AnyBuilder } from './builder.ts'
import type { AnyData } from './data.ts'
import { GraphError } from './errors.ts'
import { ancestry } from './ancestry.ts'
import { aboutLoopProblems, aboutPlace, aboutProblems, aboutSlots, bereaved } from './compile-about.ts'
import { impliedProducers, looksBack, subjectsOf } from './compile-about.ts'
import { compileTimes, timerProblems, withEnds } from './compile-timers.ts'
import { careOf, settledLoopProblems, takenNames } from './compile-care.ts'
import { components, cutEdges, cycleIn, ranks } from './cycles.ts'
import type { Adjacency } from './cycles.ts'
import { ACCESS, CONSUMES, OPTIONAL, SETTLED } from './graph.ts'
import type { Durability, Graph, Input, InputKind, Node, OnFailure, Slot } from './graph.ts'
import type { Migration, Policy } from './migration.ts'
import { listNames } from './naming.ts'
import { timerRuleOf } from './timer.ts'
import type { RetryPolicy } from './retry.ts'

/** A workflow's definition with every default filled in. */
export interface Definition {
  readonly name: string
  readonly version: number
  readonly builders: readonly AnyBuilder[]
  readonly targets: readonly AnyData[]
  readonly transients: readonly AnyData[]
  /** Name of the chosen builder by the name of what it produces. */
  readonly resolve: ReadonlyMap<string, string>
  readonly loops: boolean
  readonly durability: Durability
  readonly retention: Graph['retention']
  readonly onFailure: OnFailure
  /** Products that callers from outside may feed. */
  readonly feedable: readonly AnyData[]
  readonly timeout: number | undefined
  /** Of builders that have no policy of their own. */
  readonly retry: RetryPolicy | undefined
  readonly policy: Policy
  readonly migrations: ReadonlyMap<number, Migration>
}

const KINDS = [
  ['consumes', CONSUMES],
  ['optionals', OPTIONAL],
  ['accesses', ACCESS],
] as const satisfies readonly (readonly [string, InputKind])[]

/**
 * Compiles a definition; the same one always to the same graph.
 *
 * @param slips what is wrong with the definition already, so that one error tells it all
 * @throws `GRAPH_INVALID` with everything that is wrong
 */
export function compile(definition: Definition, slips: readonly string[]): Graph {
  const problems = [...slips, ...nameProblems(definition), ...resolveProblems(definition)]
  const builders = chosenBuilders(definition)
  const data = collectData(definition, builders, problems)
  const producerOf = new Map(builders.map((builder, declared) => [outName(builder), declared]))
  problems.push(...targetProblems(definition, producerOf), ...builderProblems(definition, builders))
  problems.push(...feedableProblems(definition, data, producerOf))
  problems.push(...timerProblems(builders, definition.transients))
  problems.push(...aboutProblems(data, builders, definition.transients))
  const edges = dataEdges(builders, producerOf)
  if (!definition.loops) problems.push(...cycleProblems(builders, edges))
  if (problems.length > 0) throw new GraphError(`Workflow '${definition.name}'`, problems)
  return assemble(definition, builders, data, edges)
}

function nameProblems({ builders }: Definition): string[] {
  const problems = new Set<string>()
  const known = new Map<string, AnyBuilder>()
  for (const builder of builders) {
    const namesake = known.get(builder.name)
    if (namesake === undefined) known.set(builder.name, builder)
    else if (namesake === builder) problems.add(`builder '${builder.name}' is listed twice`)
    else problems.add(`two builders are named '${builder.name}'`)
  }
  return [...problems]
}

function resolveProblems({ builders, resolve }: Definition): string[] {
  const problems: string[] = []
  const makers = new Map<string, Set<string>>()
  for (const builder of builders) {
    const names = makers.get(outName(builder)) ?? new Set()
    makers.set(outName(builder), names.add(builder.name))
  }
  for (const [out, names] of makers) {
    if (names.size < 2 || resolve.has(out)) continue
    const [first = ''] = names
    const choice = `{ ${/^[A-Za-z_$][\w$]*$/.test(out) ? out : JSON.stringify(out)}: ${JSON.stringify(first)} }`
    problems.push(`data '${out}' is produced by ${listNames([...names])}: choose one, as in resolve: ${choice}`)
  }
  for (const [out, name] of resolve) {
    const names = makers.get(out)
    if (names === undefined) problems.push(`resolve names data '${out}', which no builder produces`)
    else if (!names.has(name)) {
      problems.push(`resolve names builder '${name}' for data '${out}', which is produced by ${listNames([...names])}`)
    }
  }
  return problems
}

/** The builders that take part: all but those that lose to a producer named by `resolve`. */
function chosenBuilders({ builders, resolve }: Definition): AnyBuilder[] {
  return builders.filter((builder) => (resolve.get(outName(builder)) ?? builder.name) === builder.name)
}

/** All data in order of first appearance. */
function collectData(
  { targets, transients }: Definition,
  builders: readonly AnyBuilder[],
  problems: string[],
): Map<string, AnyData> {
  const found = new Map<string, AnyData>()
  const whereFound = new Map<AnyData, string>()
  const add = (data: AnyData, where: string): void => {
    const known = found.get(data.name)
    if (known === undefined) found.set(data.name, data)
    else if (known !== data && !whereFound.has(data)) {
      problems.push(
        `two different data are named '${data.name}' (in ${whereFound.get(known) ?? ''} and in ${where}): ` +
          'declare it once and share it',
      )
    }
    if (!whereFound.has(data)) whereFound.set(data, where)
  }
  for (const builder of builders) {
    const where = `${timerRuleOf(builder) === undefined ? 'builder' : 'timer'} '${builder.name}'`
    for (const [kind] of KINDS) for (const data of Object.values(builder[kind])) add(data, where)
    add(builder.produces as AnyData, where)
  }
  for (const data of targets) if (found.has(data.name)) add(data, 'target')
  for (const data of transients) {
    if (found.has(data.name)) add(data, 'transients')
    else problems.push(`transient '${data.name}' is neither read nor produced by any builder`)
  }
  return found
}

function targetProblems({ targets }: Definition, producerOf: ReadonlyMap<string, number>): string[] {
  const problems: string[] = []
  if (targets.length === 0) problems.push('it has no target: name the data that the workflow is for')
  const seen = new Set<string>()
  for (const { name } of targets) {
    if (seen.has(name)) problems.push(`target '${name}' is named twice`)
    else if (!producerOf.has(name)) problems.push(`no builder produces target '${name}'`)
    seen.add(name)
  }
  return problems
}

function feedableProblems(
  { feedable }: Definition,
  data: ReadonlyMap<string, AnyData>,
  producerOf: ReadonlyMap<string, number>,
): string[] {
  return feedable.flatMap((fed, i) => {
    const { name } = fed
    const known = data.get(name)
    if (feedable.indexOf(fed) < i) return [`feedable '${name}' is named twice`]
    if (known === undefined) return [`feedable '${name}' is neither read nor produced by any builder`]
    if (known !== fed) return [`feedable '${name}' is not the data that builders have, but a namesake: share it`]
    return producerOf.has(name)
      ? []
      : [`feedable '${name}' is produced by no builder, so it may be fed anyway: leave it out`]
  })
}

function builderProblems(
  { builders: all, transients, durability }: Definition,
  builders: readonly AnyBuilder[],
): string[] {
  const problems: string[] = []
  if (all.length === 0) problems.push('it has no builders')
  const transient = new Set(transients.map((data) => data.name))
  for (const builder of builders) {
    const out = outName(builder)
    if (builder.once && transient.has(out)) {
      problems.push(
        `builder '${builder.name}' is once, but its product '${out}' is transient and would be lost for good`,
      )
    }
    if (builder.cutoff && transient.has(out)) {
      problems.push(
        `builder '${builder.name}' has cutoff, but its product '${out}' is transient: there is none to compare it with`,
      )
    }
    if (builder.compensate !== undefined && transient.has(out)) {
      problems.push(
        `builder '${builder.name}' has compensate, but its product '${out}' is transient and would not be there`,
      )
    }
    if (builder.compensate !== undefined && durability === 'scope') {
      problems.push(
        `builder '${builder.name}' has compensate, which needs durability 'builder': after a crash nobody would know what to undo`,
      )
    }
    for (const kind of ['consumes', 'optionals'] as const) {
      if (Object.values(builder[kind]).every((data) => data.name !== out)) continue
      problems.push(`builder '${builder.name}' has its own product '${out}' in ${kind}: use accesses to see it`)
    }
  }
  return problems
}

function dataEdges(builders: readonly AnyBuilder[], producerOf: ReadonlyMap<string, number>): number[][] {
  const next: number[][] = builders.map(() => [])
  builders.forEach((builder, to) => {
    // A timer orders nothing: what it makes comes in a later scope than what sets it.
    if (timerRuleOf(builder) !== undefined) return
    const from = new Set<number>()
    for (const data of [...Object.values(builder.consumes), ...Object.values(builder.optionals)]) {
      const producer = producerOf.get(data.name)
      if (producer !== undefined && producer !== to) from.add(producer)
    }
    for (const producer of impliedProducers(builder, producerOf)) if (producer !== to) from.add(producer)
    for (const producer of from) next[producer]?.push(to)
  })
  return next
}

function cycleProblems(builders: readonly AnyBuilder[], edges: Adjacency): string[] {
  return components(edges).map((component) => {
    const cycle = cycleIn(component, edges).map((node) => builders[node] as AnyBuilder)
    const path = cycle.map((builder) => `${builder.name} -(${outName(builder)})-> `).join('')
    const implied = cycle.flatMap((builder, at) => impliedBy(builder, cycle[(at + 1) % cycle.length]))
    return `there is a cycle: ${path}${cycle[0]?.name ?? ''}${implied.join('')}; break it, or allow it with loops: true`
  })
}

/** Why an edge is there that the reader does not declare. */
function impliedBy(from: AnyBuilder, to: AnyBuilder | undefined): string[] {
  const read = to === undefined ? [] : [...Object.values(to.consumes), ...Object.values(to.optionals)]
  if (read.some(({ name }) => name === outName(from))) return []
  const data = read.find((each) => subjectsOf(each).some(({ name }) => name === outName(from)))
  return data === undefined
    ? []
    : [`, where '${to?.name ?? ''}' reads '${data.name}', which is about '${outName(from)}'`]
}

/** Which builder comes when, and which edges order nothing. */
function orderOf({ loops }: Definition, builders: readonly AnyBuilder[], edges: Adjacency) {
  const cut = loops ? cutEdges(edges) : new Set<number>()
  const isCut = (from: number, to: number): boolean => cut.size > 0 && cut.has(from * builders.length + to)
  const byRank = ranks(edges, (from, to) => !isCut(from, to))
  const order = byRank.flat()
  const rankOf = byRank.flatMap((rank, number) => rank.map(() => number))
  const indexOf = new Uint32Array(builders.length)
  order.forEach((declared, index) => (indexOf[declared] = index))
  const before: number[][] = builders.map(() => [])
  edges.forEach((next, from) => {
    for (const to of next) if (!isCut(from, to)) before[indexOf[to] ?? 0]?.push(indexOf[from] ?? 0)
  })
  return { order, rankOf, indexOf, before, isCut }
}

/** Reads a builder's inputs, by its place in the declaration and its index. */
function inputReader(
  builders: readonly AnyBuilder[],
  slotOf: ReadonlyMap<string, number>,
  producers: Int32Array,
  { order, isCut, isAncestor }: Pick<ReturnType<typeof orderOf>, 'order' | 'isCut'> & Pick<Graph, 'isAncestor'>,
): (declared: number, index: number) => Input[] {
  const isBefore = (name: string, index: number): boolean => {
    const producer = producers[slotOf.get(name) ?? -1] ?? -1
    return producer < 0 || isAncestor(producer, index)
  }
  return (declared, index) =>
    KINDS.flatMap(([kind, code]) =>
      Object.entries((builders[declared] as AnyBuilder)[kind]).map(([key, data]): Input => {
        const slot = slotOf.get(data.name) ?? 0
        const producer = producers[slot] ?? -1
        const lookback =
          code === ACCESS
            ? looksBack(data, (name) => isBefore(name, index))
            : producer >= 0 && isCut(order[producer] ?? 0, declared)
        const isSettled = code === CONSUMES && (builders[declared] as AnyBuilder).settles.includes(key)
        return { key, slot, kind: isSettled ? SETTLED : code, lookback }
      }),
    )
}

function assemble(
  definition: Definition,
  builders: readonly AnyBuilder[],
  data: ReadonlyMap<string, AnyData>,
  edges: Adjacency,
): Graph {
  const { order, rankOf, indexOf, before, isCut } = orderOf(definition, builders, edges)
  const isAncestor = ancestry(before)
  const slotOf = new Map([...data.keys()].map((name, slot) => [name, slot]))
  const producers = new Int32Array(data.size).fill(-1)
  builders.forEach((builder, declared) => {
    producers[slotOf.get(outName(builder)) ?? 0] = indexOf[declared] ?? -1
  })
  const inputsOf = inputReader(builders, slotOf, producers, { order, isCut, isAncestor })
  const taken = takenNames(builders)
  const nodes = order.map((declared, index): Node => {
    const builder = builders[declared] as AnyBuilder
    const rule = timerRuleOf(builder)
    const inputs = rule === undefined ? inputsOf(declared, index) : []
    const source = rule === undefined && inputs.every(({ kind }) => kind === ACCESS)
    const [out, rank] = [slotOf.get(outName(builder)) ?? 0, rankOf[index] ?? 0]
    const timer = rule && { rule, after: slotOf.get(rule.after.name) ?? 0, ends: [] }
    const own = { name: builder.name, builder, cutoff: builder.cutoff, settles: builder.settles.length > 0 }
    const care = rule === undefined ? careOf(builder, definition.retry, taken.has(outName(builder))) : undefined
    return { index, rank, declared, inputs, out, source, timer, care, aboutAt: aboutPlace(builder, inputs), ...own }
  })
  const producerOf = new Map(builders.map((builder, declared) => [outName(builder), declared]))
  const loops = [...settledLoopProblems(nodes), ...aboutLoopProblems(builders, producerOf, isCut)]
  if (loops.length > 0) throw new GraphError(`Workflow '${definition.name}'`, loops)
  const targets = definition.targets.map(({ name }) => slotOf.get(name) ?? 0)
  const abouts = aboutSlots([...data.values()], slotOf)
  return {
    name: definition.name,
    version: definition.version,
    nodes: withEnds(nodes, slotOf, targets, producers),
    slots: compileSlots(definition, data, nodes, producers, abouts),
    abouts: abouts.order,
    slotOf,
    nodeOf: new Map(nodes.map((node) => [node.name, node.index])),
    targets,
    sources: nodes.filter(({ source }) => source).map(({ index }) => index),
    ...compileTimes(nodes, definition.timeout),
    loops: definition.loops,
    durability: definition.durability,
    retention: definition.retention,
    policy: definition.policy,
    migrations: definition.migrations,
    undoes: definition.onFailure === 'compensate',
    before,
    isAncestor,
  }
}

function compileSlots(
  { targets, transients, feedable }: Definition,
  data: ReadonlyMap<string, AnyData>,
  nodes: readonly Node[],
  producers: Int32Array,
  abouts: ReturnType<typeof aboutSlots>,
): Slot[] {
  const readers = Array.from(data, () => new Set<number>())
  const laterReaders = Array.from(data, () => new Set<number>())
  const settlers = Array.from(data, () => new Set<number>())
  const lookedBack = new Set<number>()
  const sets = Array.from(data, (): number[] => [])
  for (const { index, inputs, timer } of nodes) {
    if (timer !== undefined) sets[timer.after]?.push(index)
    for (const { slot, kind, lookback } of inputs) {
      if (lookback) lookedBack.add(slot)
      if (kind === SETTLED) settlers[slot]?.add(index)
      if (kind !== ACCESS) (lookback ? laterReaders : readers)[slot]?.add(index)
    }
  }
  for (const [slot, nodesOf] of bereaved(nodes, abouts)) for (const node of nodesOf) readers[slot]?.add(node)
  const transient = new Set(transients.map(({ name }) => name))
  const target = new Set(targets.map(({ name }) => name))
  return Array.from(data.values(), (token, index) => ({
    index,
    name: token.name,
    data: token,
    producer: producers[index] ?? -1,
    transient: transient.has(token.name),
    target: target.has(token.name),
    feedable: (producers[index] ?? -1) < 0 || feedable.includes(token),
    readers: [...(readers[index] ?? [])],
    laterReaders: [...(laterReaders[index] ?? [])],
    settlers: [...(settlers[index] ?? [])],
    lookedBack: lookedBack.has(index),
    sets: sets[index] ?? [],
    about: abouts.about[index] ?? -1,
    regarded: abouts.regarded[index] ?? [],
  }))
}

function outName(builder: AnyBuilder): string {
  return (builder.produces as AnyData).name
}
