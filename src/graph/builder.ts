import { isData } from './data.ts'
import type { AnyData, Data, ValueOf } from './data.ts'
import { durationMs, durationProblem } from './duration.ts'
import type { Duration } from './duration.ts'
import { describeValue, GraphError } from './errors.ts'
import type { Frozen, Given } from './frozen.ts'
import { checkName, isPlainObject, nameProblem, unknownKeys, versionProblem } from './naming.ts'
import type { Outcome } from './outcome.ts'
import { retryPolicy, retryProblems } from './retry.ts'
import type { Retry, RetryPolicy } from './retry.ts'
import { isSettled } from './settled.ts'
import type { Settled, SettledData } from './settled.ts'

/** Something a process brings for its builders: a client, a setting. Asked for by name, given once to `Polaris`. */
export interface Service<Name extends string = string, T = unknown> {
  readonly kind: 'service'
  readonly name: Name
  /** Only a type: the service itself is given to `Polaris`. */
  readonly type?: T
}

/**
 * Declares a service: `const Payments = service<PaymentClient>()('payments')`. It is given to
 * `new Polaris({ services: { payments } })`.
 *
 * @throws `GRAPH_INVALID` if the name cannot be used
 */
export function service<T>(): <const Name extends string>(name: Name) => Service<Name, T> {
  return (name) => {
    checkName('service', name)
    return Object.freeze({ kind: 'service', name })
  }
}

/** What a builder is told besides its inputs. */
export interface BuildContext<Services = unknown> {
  readonly workflowId: string
  /** Aborts when the result can no longer be used: the caller gave up, the instance was cancelled, the lease was lost. */
  readonly signal: AbortSignal
  /** 1 for the first try of this run. */
  readonly attempt: number
  /** The same over retries and crashes of this run, different for every other one: hand it on to whoever is paid. */
  readonly idempotencyKey: string
  readonly services: Services
  /** What the caller said about who, why and within which trace. */
  readonly meta: Readonly<Record<string, unknown>>
}

export type Inputs = Readonly<Record<string, AnyData>>
/** What may be consumed: data, or what became of them. */
export type Consumed = Readonly<Record<string, AnyData | SettledData>>
export type Services = Readonly<Record<string, Service>>
export type ServiceValues<S extends Services> = {
  readonly [K in keyof S]: S[K] extends Service<string, infer T> ? T : never
}

/** The names of all data in records of inputs. */
type NamesIn<I extends Consumed> = I[keyof I]['name']
/** The data behind one that is consumed. */
type DataIn<D> = D extends SettledData<infer Of> ? Of : D
type ConsumedValues<C extends Consumed> = {
  readonly [K in keyof C]: C[K] extends SettledData<infer D> ? Settled<Frozen<ValueOf<D>>> : Frozen<ValueOf<C[K]>>
}
type Values<I extends Inputs> = { readonly [K in keyof I]: Frozen<ValueOf<I[K]>> }
type Simplify<T> = { [K in keyof T]: T[K] } & {}
/** What the compiler shows for a key that two kinds of inputs use. */
interface KeyAlreadyUsed<Key> {
  readonly key: Key
}
/** Makes the second use of a key an error at that key. Where keys are not known before run time, it is found then. */
type Distinct<Used, Given> = string extends keyof Used
  ? Given
  : { [K in keyof Given]: K extends keyof Used ? KeyAlreadyUsed<K> : Given[K] }
/** What `process` is called with: every consumed datum, and those of the others that are there. */
export type InputOf<C extends Consumed, O extends Inputs, A extends Inputs> = Simplify<
  ConsumedValues<C> & Partial<Values<O>> & Partial<Values<A>>
>

/** A method's type, so that builders of different inputs are alike to whoever lists them, as they are by `process`. */
type Fallback<Input, Context> = { of(this: void, error: unknown, input: Input, context: Context): unknown }['of']
type Compensate<Input, Context> = { of(this: void, product: never, input: Input, context: Context): unknown }['of']

/** A unit of work: what it reads, the one datum it produces, and how. */
export interface Builder<Input = unknown, Reads = AnyData, Produces = AnyData, Uses extends Services = Services> {
  readonly name: string
  readonly consumes: Inputs
  /** Keys of what it consumes as an outcome, be it a failure. */
  readonly settles: readonly string[]
  readonly optionals: Inputs
  readonly accesses: Inputs
  readonly services: Uses
  readonly produces: Produces
  readonly once: boolean
  readonly pure: boolean
  readonly cutoff: boolean
  readonly version: number
  /** Milliseconds that one try may take. */
  readonly timeout: number | undefined
  /** Its own; without one, the workflow's holds. */
  readonly retry: RetryPolicy | undefined
  /** Stands in once all tries have failed. */
  readonly fallback: Fallback<Input, BuildContext<ServiceValues<Uses>>> | undefined
  /** Undoes what a run did. */
  readonly compensate: Compensate<Input, BuildContext<ServiceValues<Uses>>> | undefined
  /** What it was defined with, to be called in tests: nothing is checked, tried again or timed here. */
  process(input: Input, context: BuildContext<ServiceValues<Uses>>): unknown
  /** Only a type: all data the builder reads. */
  readonly types?: { readonly reads: Reads }
}

/** Any builder, whatever it reads and produces. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every builder is assignable to
export type AnyBuilder = Builder<any, any, any>

/** What {@link builder} makes a builder of. */
export interface BuilderDefinition<
  C extends Consumed,
  O extends Inputs,
  A extends Inputs,
  S extends Services,
  Name extends string,
  Out,
  In,
  Product,
> {
  /** Unique within a workflow. */
  readonly name: string
  /**
   * Data without which it cannot run, by the names `process` knows them by. A new one makes it run again. `settled(Data)`: it
   * takes the failure of the builder that makes the data for an answer, too.
   */
  readonly consumes?: C
  /** Data that it takes if they are there. A new one makes it run again. */
  readonly optionals?: O & Distinct<C, O>
  /** Data that it may look at. They neither make it run nor are waited for. */
  readonly accesses?: A & Distinct<C & O, A>
  readonly services?: S
  readonly produces: Data<Name, Out, In>
  /** Never runs again by itself once it has produced: for what must not happen twice, such as a charge. */
  readonly once?: boolean
  /** Has no effects outside: its product may stay uncommitted until a builder that has some depends on it. */
  readonly pure?: boolean
  /** A product that equals the one it replaces wakes nobody: what depends on it counts as renewed without a run. */
  readonly cutoff?: boolean
  /** Raise it when `process` changes its meaning; part of the graph's fingerprint. Default 1. */
  readonly version?: number
  /** How long one try may take: `'30s'`, `'2m'`, or milliseconds. Then it has failed with `BUILDER_TIMEOUT`. */
  readonly timeout?: Duration
  /** Whether and when it is tried again after it failed; `{ attempts: 1 }` where the workflow's default shall not hold. */
  readonly retry?: Retry
  /**
   * What stands in for the product when it has failed for good, so that the scope goes on. `error` is what the last try
   * threw. The row of its product says so, and the error. What it throws ends the scope.
   */
  fallback?(
    this: void,
    error: unknown,
    input: InputOf<C, O, A>,
    context: BuildContext<ServiceValues<S>>,
  ): Outcome<Given<In>, NamesIn<C> | NamesIn<O>>
  /**
   * Undoes what a run has done outside: refunds, releases, takes back; when the instance is cancelled with
   * `{ compensate: true }`, or fails in a workflow with `onFailure: 'compensate'`. Every run of the history is undone once, the
   * newest first. One that throws is tried again with the backoff of `retry`, for ever.
   *
   * `product` is `undefined` where nobody knows whether the run came to one: it threw, took too long, or its process died. Then
   * it may or may not have done something. `context.idempotencyKey` is that of the run. Transient inputs are left out.
   */
  compensate?(
    this: void,
    product: Frozen<Out> | undefined,
    input: InputOf<C, O, A>,
    context: BuildContext<ServiceValues<S>>,
  ): void | Promise<void>
  /** Makes the product, at once or later; or says `nothing()` or `waitFor(Data)`. */
  process(
    this: void,
    input: InputOf<C, O, A>,
    context: BuildContext<ServiceValues<S>>,
  ): Outcome<Product, NamesIn<C> | NamesIn<O>>
}

const OPTIONS = [
  'name',
  'consumes',
  'optionals',
  'accesses',
  'services',
  'produces',
  'once',
  'pure',
  'cutoff',
  'version',
  'timeout',
  'retry',
  'fallback',
  'compensate',
  'process',
] as const satisfies readonly (keyof AnyDefinition)[]

type AnyDefinition = BuilderDefinition<Inputs, Inputs, Inputs, Services, string, unknown, unknown, unknown>

const definedHere = new WeakSet<object>()

/**
 * As wide as `unknown`, but TypeScript 5.9 keeps the literal of `process: () => 'red'` only where the type that it
 * returns into is seen to allow strings.
 */
export type Anything = string | number | bigint | boolean | {} | null | undefined

/**
 * Declares a builder.
 *
 * @typeParam Product inferred as `const`, so that enums, literals and tuples need no `as const`; checked against `In`
 * @throws `GRAPH_INVALID` with everything that is wrong with the definition
 */
export function builder<
  Name extends string,
  Out,
  In extends Anything,
  const C extends Consumed = {},
  const O extends Inputs = {},
  const A extends Inputs = {},
  const S extends Services = {},
  const Product extends Given<In> = Given<In>,
>(
  definition: BuilderDefinition<C, O, A, S, Name, Out, In, Product>,
): Builder<InputOf<C, O, A>, DataIn<C[keyof C]> | O[keyof O] | A[keyof A], Data<Name, Out, In>, S> {
  const problems = definitionProblems(definition)
  if (problems.length > 0) throw new GraphError(subjectOf(definition), problems)
  const made = Object.freeze({
    name: definition.name,
    consumes: Object.freeze(dataOf(definition.consumes ?? {})),
    settles: Object.freeze(settledKeys(definition)),
    optionals: Object.freeze({ ...definition.optionals }),
    accesses: Object.freeze({ ...definition.accesses }),
    services: Object.freeze({ ...definition.services }) as S,
    produces: definition.produces,
    once: definition.once ?? false,
    pure: definition.pure ?? false,
    cutoff: definition.cutoff ?? false,
    version: definition.version ?? 1,
    timeout: definition.timeout === undefined ? undefined : durationMs(definition.timeout),
    retry: definition.retry === undefined ? undefined : retryPolicy(definition.retry),
    fallback: definition.fallback,
    compensate: definition.compensate,
    process: definition.process,
  })
  definedHere.add(made)
  return made
}

function dataOf(consumes: Consumed): Inputs {
  const entries = Object.entries(consumes).map(([key, given]) => [key, isSettled(given) ? given.data : given] as const)
  return Object.fromEntries(entries)
}

/** Also of a definition that was spread from a builder, whose `settles` says so. */
function settledKeys({ consumes = {}, settles }: { consumes?: Consumed; settles?: unknown }): string[] {
  const known: readonly unknown[] = Array.isArray(settles) ? settles : []
  return Object.keys(consumes).filter((key) => isSettled(consumes[key]) || known.includes(key))
}

export function isBuilder(value: unknown): value is AnyBuilder {
  return typeof value === 'object' && value !== null && definedHere.has(value)
}

function subjectOf(definition: unknown): string {
  const name = (definition as { readonly name?: unknown } | null | undefined)?.name
  return nameProblem(name) === undefined ? `Builder '${name as string}'` : 'A builder'
}

function definitionProblems(definition: unknown): string[] {
  if (typeof definition !== 'object' || definition === null) {
    return [`it is defined by an object, but got ${describeValue(definition)}`]
  }
  const given = definition as Partial<Record<(typeof OPTIONS)[number], unknown>>
  const name = nameProblem(given.name)
  const problems = [
    ...(name === undefined ? [] : [name]),
    ...unknownKeys('a builder', withoutSettles(definition), OPTIONS),
  ]
  const keys = new Map<string, string>()
  for (const kind of ['consumes', 'optionals', 'accesses'] as const) {
    problems.push(...inputProblems(kind, given[kind], keys))
  }
  problems.push(...serviceProblems(given.services))
  if (!isData(given.produces)) problems.push(`'produces' must be a data, but is ${describeValue(given.produces)}`)
  if (typeof given.process !== 'function') {
    problems.push(`'process' must be a function, but is ${describeValue(given.process)}`)
  }
  for (const flag of ['once', 'pure', 'cutoff'] as const) {
    if (given[flag] !== undefined && typeof given[flag] !== 'boolean') {
      problems.push(`'${flag}' must be true or false, but is ${describeValue(given[flag])}`)
    }
  }
  const problem = versionProblem(given.version)
  if (problem !== undefined) problems.push(problem)
  const timeout = given.timeout === undefined ? undefined : durationProblem('timeout', given.timeout, 1)
  if (timeout !== undefined) problems.push(timeout)
  if (given.fallback !== undefined && typeof given.fallback !== 'function') {
    problems.push(`'fallback' must be a function, but is ${describeValue(given.fallback)}`)
  }
  if (given.compensate !== undefined && typeof given.compensate !== 'function') {
    problems.push(`'compensate' must be a function, but is ${describeValue(given.compensate)}`)
  }
  if (given.compensate !== undefined && given.pure === true) {
    problems.push("it is 'pure' and has 'compensate': what has no effects outside has nothing to undo")
  }
  return [...problems, ...retryProblems(given.retry)]
}

function inputProblems(kind: string, inputs: unknown, keys: Map<string, string>): string[] {
  if (inputs === undefined) return []
  if (!isPlainObject(inputs)) {
    return [
      `'${kind}' must be a plain object of data by name, such as { quote: Quote }, but is ${describeValue(inputs)}`,
    ]
  }
  const problems: string[] = []
  for (const [key, value] of Object.entries(inputs)) {
    const used = keys.get(key)
    if (used !== undefined) problems.push(`key '${key}' is in both '${used}' and '${kind}'`)
    if (key === '__proto__')
      problems.push(`'${kind}' cannot have the key '__proto__': process could not tell its value`)
    keys.set(key, kind)
    if (isData(value) || (kind === 'consumes' && isSettled(value))) continue
    const given = isSettled(value) ? `settled(${value.name}), which only 'consumes' may have` : describeValue(value)
    problems.push(`'${kind}.${key}' must be a data, but is ${given}`)
  }
  return problems
}

function serviceProblems(services: unknown): string[] {
  if (services === undefined) return []
  if (!isPlainObject(services)) {
    return [`'services' must be a plain object of services by name, but is ${describeValue(services)}`]
  }
  return Object.entries(services).flatMap(([key, value]) =>
    (value as Partial<Service> | null | undefined)?.kind === 'service'
      ? []
      : [`'services.${key}' must be made by service<T>()(name), but is ${describeValue(value)}`],
  )
}

function withoutSettles(definition: object): object {
  return Object.fromEntries(Object.entries(definition).filter(([key]) => key !== 'settles'))
}
