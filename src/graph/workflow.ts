import { isBuilder } from './builder.ts'
import type { AnyBuilder, Service } from './builder.ts'
import { compile } from './compile.ts'
import type { Definition } from './compile.ts'
import { isData } from './data.ts'
import type { AnyData, NameOf } from './data.ts'
import { durationMs, durationProblem } from './duration.ts'
import type { Duration } from './duration.ts'
import { describeValue, GraphError } from './errors.ts'
import type { Durability, Graph, OnFailure } from './graph.ts'
import { POLICIES, readMigrations } from './migration.ts'
import type { Known, Migrations, Older, Parts, Policy } from './migration.ts'
import { isPlainObject, nameProblem, unknownKeys, versionProblem } from './naming.ts'
import { planOf } from './plan.ts'
import type { Plan } from './plan.ts'
import { standInOf } from './timer.ts'
import type { AnyTimer } from './timer.ts'
import { retryPolicy, retryProblems } from './retry.ts'
import type { Retry } from './retry.ts'

/** A compiled set of builders with a target. `Reads`, `Makes` and `Uses` are all its data and services, as types. */
export interface Workflow<Reads = AnyData, Makes = AnyData, Target = AnyData, Uses = Service> {
  readonly name: string
  readonly version: number
  /** The execution graph, to look at and to ask. */
  readonly plan: Plan
  /** Only types. */
  readonly types?: { readonly reads: Reads; readonly makes: Makes; readonly target: Target; readonly uses: Uses }
}

/** Any workflow, whatever its builders. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every workflow is assignable to
export type AnyWorkflow = Workflow<any, any, any, any>

type ReadsOf<B> = B extends { readonly types?: { readonly reads: infer Reads } } ? Reads : never
type MakesOf<B> = B extends { readonly produces: infer Produces } ? Produces : never
type UsesOf<B> = B extends { readonly services: infer Uses } ? Uses[keyof Uses] : never

/** What {@link workflow} compiles. */
export interface WorkflowDefinition<Bs extends readonly (AnyBuilder | AnyTimer)[], T> {
  readonly name: string
  /** Raise it whenever the graph changes. Default 1. */
  readonly version?: number
  /** Builders and timers. */
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
  /**
   * Products that callers from outside may feed too, by HTTP. Data that no builder produces need not be named: they always
   * may. Calls within the process may feed any data.
   */
  readonly feedable?: readonly MakesOf<Bs[number]>[]
  /**
   * How long an instance has, from its creation or `restart`, to reach a target for the first time: `'30d'`, or milliseconds.
   * Then it is `failed` with `WORKFLOW_TIMEOUT`, and goes on only by `resume` or new data.
   */
  readonly timeout?: Duration
  /** Of all builders that have none of their own. Default: a builder that fails is not tried again by itself. */
  readonly retry?: Retry
  /**
   * What becomes of an instance when a builder has failed for good: `'keep'` what it has done, until `resume` or new data go on;
   * or `'compensate'`: undo it first, so that it begins with that again. Default `'keep'`.
   */
  readonly onFailure?: OnFailure
  /**
   * How long after it came to rest an instance is kept that is completed, failed or cancelled; then a worker removes it.
   * Default: for ever.
   */
  readonly retention?: Retention
  /**
   * What becomes of instances of other versions once this is the newest. `'pin'`: they finish on their own. `'upgrade'`:
   * they move to this one with their next scope; those that nobody calls on are moved by `polaris.upgrade`. `'upgrade-idle'`:
   * they move once all live processes serve this one, with their next scope or, a few at a time, by workers. Default `'pin'`.
   */
  readonly policy?: Policy
}

/** By status, for how long instances are kept. */
export interface Retention {
  readonly completed?: Duration
  readonly failed?: Duration
  readonly cancelled?: Duration
}

const OPTIONS = [
  ...(['name', 'version', 'builders', 'target', 'transients'] as const),
  ...(['resolve', 'loops', 'durability', 'feedable', 'timeout', 'retention', 'retry'] as const),
  ...(['policy', 'migrate', 'onFailure'] as const),
] as const

const graphs = new WeakMap<object, Graph>()

/**
 * Declares a workflow and compiles its execution graph.
 *
 * @throws `GRAPH_INVALID` with everything that is wrong with the definition
 */
export function workflow<
  const Bs extends readonly (AnyBuilder | AnyTimer)[],
  T extends MakesOf<Bs[number]>,
  const F extends Older = never,
  const Fs extends readonly Older[] = [],
>(
  definition: WorkflowDefinition<Bs, T> & {
    /**
     * How the data of an older version's instances become those of this one, where that does not follow from names and from
     * the steps of data: `{ from: cabRideV1, data: { Fare: 'Price', Note: null } }`. Every datum that this version does not
     * have must be named. Several, for several older versions, in an array.
     */
    readonly migrate?: Migrations<F, Fs, ReadsOf<Bs[number]> | MakesOf<Bs[number]>>
  },
): Workflow<ReadsOf<Bs[number]>, MakesOf<Bs[number]>, T, UsesOf<Bs[number]>> {
  const graph = compile(...normalise(definition))
  const made = Object.freeze({ name: graph.name, version: graph.version, plan: planOf(graph) })
  graphs.set(made, graph)
  return made
}

/** The graph behind a workflow, or `undefined` for anything that `workflow()` did not make. */
export function graphOf(made: unknown): Graph | undefined {
  return typeof made === 'object' && made !== null ? graphs.get(made) : undefined
}

/** The definition with its defaults, and what is wrong with its options. */
function normalise(definition: unknown): [Definition, string[]] {
  if (typeof definition !== 'object' || definition === null) {
    throw new GraphError('A workflow', [`it is defined by an object, but got ${describeValue(definition)}`])
  }
  const given = definition as Partial<Record<(typeof OPTIONS)[number], unknown>>
  const name = nameProblem(given.name)
  const subject = name === undefined ? `Workflow '${given.name as string}'` : 'A workflow'
  const problems = [...(name === undefined ? [] : [name]), ...unknownKeys('a workflow', definition, OPTIONS)]
  const flaws: string[] = []
  const parts = listed(given.builders, 'builders', isPart, 'made by builder() or timer()', flaws)
  const builders = parts.map((part) => standInOf(part) ?? (part as AnyBuilder))
  const targets = Array.isArray(given.target)
    ? listed(given.target, 'target', isData, 'a data', flaws)
    : isData(given.target)
      ? [given.target]
      : []
  if (given.target !== undefined && !Array.isArray(given.target) && !isData(given.target)) {
    flaws.push(`'target' must be a data or an array of data, but is ${describeValue(given.target)}`)
  }
  const transients = listed(given.transients ?? [], 'transients', isData, 'a data', flaws)
  const feedable = listed(given.feedable ?? [], 'feedable', isData, 'a data', flaws)
  const { version, loops, durability, timeout, retry } = given
  const slips = retryProblems(retry)
  problems.push(...flaws, ...optionProblems(given), ...slips)
  const resolve = resolved(given.resolve, problems)
  const retention = retained(given.retention, problems)
  // Without all builders and data at hand, much would seem to be missing from the graph that is not.
  if (name !== undefined || flaws.length > 0) throw new GraphError(subject, problems)
  const result = {
    name: given.name as string,
    version: (version as number | undefined) ?? 1,
    builders,
    targets,
    transients,
    resolve,
    loops: loops === true,
    durability: (durability as Durability | undefined) ?? 'builder',
    retention,
    onFailure: (given.onFailure as OnFailure | undefined) ?? 'keep',
    feedable,
    timeout: timeout === undefined ? undefined : durationMs(timeout),
    retry: retry === undefined || slips.length > 0 ? undefined : retryPolicy(retry as Retry),
    policy: (given.policy as Policy | undefined) ?? 'pin',
    migrations: readMigrations(given.migrate, partsOf(given, builders, resolve), knownOf, problems),
  }
  return [result, problems]
}

function partsOf(
  { name, version = 1 }: { readonly name?: unknown; readonly version?: unknown },
  builders: readonly AnyBuilder[],
  resolve: ReadonlyMap<string, string>,
): Parts {
  const outOf = ({ produces }: AnyBuilder): string => (produces as AnyData).name
  const chosen = builders.filter((builder) => (resolve.get(outOf(builder)) ?? builder.name) === builder.name)
  const produced = new Set(chosen.map(outOf))
  const data = new Set(produced)
  for (const { consumes, optionals, accesses } of chosen) {
    for (const inputs of [consumes, optionals, accesses]) for (const { name } of Object.values(inputs)) data.add(name)
  }
  return { workflow: name, version, builders: new Set(chosen.map((builder) => builder.name)), data, produced }
}

/** An older workflow, as a migration has to know it. Transients are never stored, so nothing need become of them. */
function knownOf(older: unknown): Known | undefined {
  const graph = graphOf(older)
  if (graph === undefined) return undefined
  const data = graph.slots.filter(({ transient }) => !transient).map(({ name }) => name)
  return { version: graph.version, workflow: graph.name, data }
}

function isPart(value: unknown): value is AnyBuilder | AnyTimer {
  return isBuilder(value) || standInOf(value) !== undefined
}

function optionProblems(given: Partial<Record<(typeof OPTIONS)[number], unknown>>): string[] {
  const { version, loops, durability, timeout, policy, onFailure } = given
  const problems: string[] = []
  const problem = versionProblem(version)
  if (problem !== undefined) problems.push(problem)
  if (loops !== undefined && typeof loops !== 'boolean') {
    problems.push(`'loops' must be true or false, but is ${describeValue(loops)}`)
  }
  if (durability !== undefined && durability !== 'builder' && durability !== 'scope') {
    problems.push(`'durability' must be 'builder' or 'scope', but is ${describeValue(durability)}`)
  }
  if (onFailure !== undefined && onFailure !== 'keep' && onFailure !== 'compensate') {
    problems.push(`'onFailure' must be 'keep' or 'compensate', but is ${describeValue(onFailure)}`)
  }
  const late = timeout === undefined ? undefined : durationProblem('timeout', timeout, 1)
  if (late !== undefined) problems.push(late)
  if (policy !== undefined && !POLICIES.includes(policy)) {
    problems.push(`'policy' must be 'pin', 'upgrade' or 'upgrade-idle', but is ${describeValue(policy)}`)
  }
  return problems
}

function retained(given: unknown, problems: string[]): Graph['retention'] {
  if (given === undefined) return {}
  if (!isPlainObject(given)) {
    problems.push(`'retention' must be an object such as { completed: '30d' }, but is ${describeValue(given)}`)
    return {}
  }
  problems.push(...unknownKeys('retention', given, ['completed', 'failed', 'cancelled']))
  const kept = Object.entries(given).filter(([, duration]) => duration !== undefined)
  for (const [status, duration] of kept) {
    const problem = durationProblem(`retention.${status}`, duration, 0)
    if (problem !== undefined) problems.push(problem)
  }
  return Object.fromEntries(kept.map(([status, duration]) => [status, durationMs(duration) ?? 0]))
}

function resolved(given: unknown, problems: string[]): Map<string, string> {
  if (given === undefined) return new Map()
  if (!isPlainObject(given)) {
    problems.push(`'resolve' must be an object such as { Quote: 'quoteByZone' }, but is ${describeValue(given)}`)
    return new Map()
  }
  const entries = Object.entries(given).filter(([, name]) => name !== undefined)
  for (const [out, name] of entries) {
    if (typeof name === 'string') continue
    problems.push(`'resolve.${out}' must be the name of a builder, but is ${describeValue(name)}`)
  }
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
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
  // Array.from visits holes, which filter would skip.
  return Array.from<unknown>(given).filter((item, index): item is T => {
    if (is(item)) return true
    problems.push(`'${what}[${index}]' must be ${kind}, but is ${describeValue(item)}`)
    return false
  })
}
