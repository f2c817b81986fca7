import { isBuilder, versionProblem } from './builder.ts'
import type { AnyBuilder, Service } from './builder.ts'
import { compile } from './compile.ts'
import type { Definition } from './compile.ts'
import { isData } from './data.ts'
import type { AnyData, NameOf } from './data.ts'
import { describeValue, GraphError, PolarisError } from './errors.ts'
import type { Durability, Graph } from './graph.ts'
import { checkName, unknownKeys } from './naming.ts'
import { planOf } from './plan.ts'
import type { Plan } from './plan.ts'

/** A compiled set of builders with a target. `Reads`, `Makes` and `Uses` are all its data and services, as types. */
export interface Workflow<Reads = AnyData, Makes = AnyData, Target = AnyData, Uses = Service> {
  readonly name: string
  readonly version: number
  /** The execution graph, to look at and to ask. */
  readonly plan: Plan
  /** Only types. */
  readonly types?: { readonly reads: Reads; readonly makes: Makes; readonly target: Target; readonly uses: Uses }
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every workflow is assignable to
export type AnyWorkflow = Workflow<any, any, any, any>

type ReadsOf<B> = B extends { readonly types?: { readonly reads: infer Reads } } ? Reads : never
type MakesOf<B> = B extends { readonly produces: infer Produces } ? Produces : never
type UsesOf<B> = B extends { readonly services: infer Uses } ? Uses[keyof Uses] : never

export interface WorkflowDefinition<Bs extends readonly AnyBuilder[], T> {
  readonly name: string
  /** Raise it whenever the graph changes. Default 1. */
  readonly version?: number
  readonly builders: Bs
  /** What the workflow is for; with several, the first that is there completes it. */
  readonly target: T | readonly T[]
  /** Data visible within a scope and in its result, but never stored. */
  readonly transients?: readonly (ReadsOf<Bs[number]> | MakesOf<Bs[number]>)[]
  /** Which builder makes a data that several produce: `{ Quote: 'quoteByZone' }`. The others are left out. */
  readonly resolve?: { readonly [Name in NameOf<MakesOf<Bs[number]>>]?: string }
  /** Allows cycles: what reaches back is seen in the next pass of the scope. */
  readonly loops?: boolean
  /** Default `'builder'`. */
  readonly durability?: Durability
}

const OPTIONS = ['name', 'version', 'builders', 'target', 'transients', 'resolve', 'loops', 'durability'] as const

const graphs = new WeakMap<object, Graph>()

/**
 * Declares a workflow and compiles its execution graph.
 *
 * @throws `GRAPH_INVALID` with everything that is wrong with the definition
 */
export function workflow<const Bs extends readonly AnyBuilder[], T extends MakesOf<Bs[number]>>(
  definition: WorkflowDefinition<Bs, T>,
): Workflow<ReadsOf<Bs[number]>, MakesOf<Bs[number]>, T, UsesOf<Bs[number]>> {
  const graph = compile(normalise(definition))
  const made = Object.freeze({ name: graph.name, version: graph.version, plan: planOf(graph) })
  graphs.set(made, graph)
  return made
}

/** The graph behind a workflow, or `undefined` for anything that `workflow()` did not make. */
export function graphOf(made: unknown): Graph | undefined {
  return typeof made === 'object' && made !== null ? graphs.get(made) : undefined
}

function normalise(definition: object): Definition {
  if (typeof definition !== 'object' || definition === null) {
    throw new PolarisError('GRAPH_INVALID', `A workflow is defined by an object, but got ${describeValue(definition)}.`)
  }
  const given = definition as Partial<Record<(typeof OPTIONS)[number], unknown>>
  checkName('workflow', given.name)
  const problems = unknownKeys('a workflow', definition, OPTIONS)
  const builders = listed(given.builders, 'builders', isBuilder, 'made by builder()', problems)
  const targets = Array.isArray(given.target) ? (given.target as unknown[]) : [given.target]
  const result: Definition = {
    name: given.name as string,
    version: (given.version as number | undefined) ?? 1,
    builders,
    targets: given.target === undefined ? [] : listed(targets, 'target', isData, 'a data', problems),
    transients: listed(given.transients ?? [], 'transients', isData, 'a data', problems),
    resolve: (given.resolve as Record<string, string> | undefined) ?? {},
    loops: given.loops === true,
    durability: given.durability === 'scope' ? 'scope' : 'builder',
  }
  const version = versionProblem(given.version)
  if (version !== undefined) problems.push(version)
  if (typeof result.resolve !== 'object') problems.push(`'resolve' must be an object such as { Quote: 'quoteByZone' }`)
  if (given.loops !== undefined && typeof given.loops !== 'boolean') {
    problems.push(`'loops' must be true or false, but is ${describeValue(given.loops)}`)
  }
  if (given.durability !== undefined && given.durability !== result.durability) {
    problems.push(`'durability' must be 'builder' or 'scope', but is ${describeValue(given.durability)}`)
  }
  if (problems.length > 0) throw new GraphError(`Workflow '${result.name}'`, problems)
  return result
}

function listed<T>(
  given: unknown,
  what: string,
  is: (value: unknown) => value is T,
  kind: string,
  problems: string[],
): T[] {
  if (!Array.isArray(given)) {
    problems.push(`'${what}' must be an array, but is ${describeValue(given)}`)
    return []
  }
  const items: readonly unknown[] = given
  return items.filter((item, index): item is T => {
    if (is(item)) return true
    problems.push(`'${what}[${index}]' must be ${kind}, but is ${describeValue(item)}`)
    return false
  })
}
