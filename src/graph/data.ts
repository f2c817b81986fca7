import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describeValue, GraphError } from './errors.ts'
import type { Frozen, Given } from './frozen.ts'
import { checkName, unknownKeys, versionProblem } from './naming.ts'
import { readSteps } from './steps.ts'
import type { Downwards, Fitting, Steps, StepsUp } from './steps.ts'

/** One value of a {@link Data}, as a call hands it over. It is validated when the call is made. */
export interface Datum<Name extends string = string, Value = unknown> {
  readonly name: Name
  readonly value: Value
}

interface Named<Name extends string, Out, In> {
  readonly name: Name
  readonly schema: StandardSchemaV1<In, Out>
  readonly sensitive: boolean
  readonly version: number
}

/**
 * A named, typed, validated kind of value. Call it with a value to get a {@link Datum} to feed. Feeding and producing
 * take the schema's input type, readers get its output type.
 */
export interface Data<Name extends string = string, Out = unknown, In = unknown> extends Named<Name, Out, In> {
  (value: Given<In>): Datum<Name, In>
  /** A datum of a value whose type is not known yet, such as a request's body. It is validated like any other. */
  untyped(value: unknown): Datum<Name, In>
}

/** Which datum another one is about. */
export interface Regarding {
  /**
   * `seq` of the history entry that the datum it is about is from, as `seqOf` of a result or `seqs` of `polaris.get` tell it:
   * where that is no longer the current one, the call is refused with `DATA_OUTDATED`. Default: the current one.
   */
  readonly about?: number | undefined
}

/** A {@link Data} whose every datum is about one datum of another, and counts only as long as that is the current one. */
export interface AboutData<
  Name extends string = string,
  Out = unknown,
  In = unknown,
  About extends AnyData = AnyData,
> extends Named<Name, Out, In> {
  readonly about: About
  (value: Given<In>, regarding?: Regarding): Datum<Name, In>
  /** Like that of {@link Data}. */
  untyped(value: unknown, regarding?: Regarding): Datum<Name, In>
}

/** Any data, whatever its value. */
export interface AnyData {
  readonly name: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every schema is assignable to
  readonly schema: StandardSchemaV1<any, any>
  readonly sensitive: boolean
  readonly version: number
  /** What its data are about, if they are about anything. */
  readonly about?: AnyData
  /** Like that of {@link Data}. */
  untyped(value: unknown, regarding?: Regarding): Datum
  (value: never): Datum
}

/** The type that readers of a data get. */
export type ValueOf<D> = D extends { readonly schema: StandardSchemaV1<unknown, infer Out> } ? Out : never
export type NameOf<D> = D extends { readonly name: infer Name extends string } ? Name : never
export type DatumOf<D> = D extends { untyped(value: unknown): infer Made } ? Made : never

/** What the compiler shows for a schema whose output cannot be fed again, such as `z.string().transform(toDate)`. */
interface SchemaMustAcceptItsOwnOutput<In, Out> {
  readonly takes: In
  readonly gives: Out
}
/** Readers' values are readonly, so a schema that only makes its output readonly does accept it. */
type Accepting<In, Out> = [Out] extends [In]
  ? unknown
  : [Frozen<Out>] extends [Frozen<In>]
    ? unknown
    : SchemaMustAcceptItsOwnOutput<In, Out>

/** What stands for a sensitive value wherever it would leave the process: that it is there may be known, nothing else. */
export const SENSITIVE: { readonly $sensitive: true } = Object.freeze({ $sensitive: true })

/** What console.log and most loggers in Node ask. */
const INSPECTED = Symbol.for('nodejs.util.inspect.custom')

/** A datum together with the data it was made from, so that a namesake made elsewhere can be told apart. */
export class FedDatum implements Datum {
  readonly name: string
  readonly value: unknown
  readonly data: AnyData
  /** `seq` of what it is about, if its caller names one. */
  declare readonly about?: unknown

  constructor(data: AnyData, value: unknown, about?: unknown) {
    this.name = data.name
    this.value = value
    this.data = data
    // Not enumerable: a datum is its name and its value.
    if (about !== undefined) Object.defineProperty(this, 'about', { value: about })
    if (data.sensitive) Object.defineProperty(this, INSPECTED, { value: () => this.toJSON() })
  }

  /** As loggers see it. */
  toJSON(): object {
    return { name: this.name, value: this.data.sensitive ? SENSITIVE : this.value }
  }
}

/** A datum as hooks and results show it: one that loggers write down without its value where that is sensitive. */
export function shownDatum(data: AnyData, value: unknown): Datum {
  return data.sensitive ? new FedDatum(data, value) : { name: data.name, value }
}

/** What {@link data} may be told besides name and schema. */
export interface DataOptions<
  V extends number = number,
  F extends StepsUp = StepsUp,
  Out = unknown,
  In = unknown,
  A extends AnyData | undefined = AnyData | undefined,
> {
  /** Raise it when the schema changes so that it no longer accepts what is stored. Part of the fingerprint. Default 1. */
  readonly version?: V
  /** How a value of an older version becomes one of the next, by that older version: `{ 1: step(schemaV1, …) }`. */
  readonly from?: F & Fitting<F, V, In>
  /** How a value of the version after becomes one of this older version, for a way back. Each needs its step in `from`. */
  readonly down?: Downwards<F, V, Out>
  /**
   * Values stay on the server: HTTP answers, telemetry, logs and error messages only say that they are there. Default
   * false.
   */
  readonly sensitive?: boolean
  /**
   * A datum is given for one datum of this data, the current one or the one its caller names, and counts as absent as soon
   * as that is replaced: for decisions about something that may change, such as the review of a draft.
   */
  readonly about?: A
}

const OPTIONS = ['version', 'from', 'down', 'sensitive', 'about'] as const satisfies readonly (keyof DataOptions)[]

const definedHere = new WeakMap<object, Steps>()

/**
 * Declares a kind of data.
 *
 * @param name 1 to 200 characters, unique within a workflow
 * @param schema any Standard Schema (zod, valibot, arktype, …) that accepts its own output, or {@link type}
 * @throws `GRAPH_INVALID` if the name, the schema or an option cannot be used
 */
export function data<
  const Name extends string,
  In,
  Out,
  const V extends number = 1,
  const F extends StepsUp = {},
  A extends AnyData | undefined = undefined,
>(
  name: Name,
  schema: StandardSchemaV1<In, Out> & Accepting<In, Out>,
  options: DataOptions<V, F, Out, In, A> = {},
): A extends AnyData ? AboutData<Name, Out, In, A> : Data<Name, Out, In> {
  checkName('data', name)
  checkSchema(name, schema)
  const steps = checkDataOptions(name, options)
  const token = (value: unknown, regarding?: Regarding): FedDatum =>
    new FedDatum(token as unknown as AnyData, value, regarding?.about)
  const properties: { [K in keyof AnyData]: PropertyDescriptor } = {
    name: { value: name, enumerable: true },
    schema: { value: schema, enumerable: true },
    sensitive: { value: options.sensitive === true, enumerable: true },
    version: { value: steps.version, enumerable: true },
    ...(options.about !== undefined && { about: { value: options.about, enumerable: true } }),
    untyped: { value: token },
  }
  Object.defineProperties(token, properties)
  definedHere.set(token, steps)
  return Object.freeze(token) as never
}

export function isData(value: unknown): value is AnyData {
  return typeof value === 'function' && definedHere.has(value)
}

/** The steps between the versions of a data. */
export function stepsOf(data: AnyData): Steps {
  return definedHere.get(data) as Steps
}

function checkDataOptions(name: string, options: unknown): Steps {
  if (typeof options !== 'object' || options === null) {
    const problem = `its options are an object such as { sensitive: true }, but are ${describeValue(options)}`
    throw new GraphError(`Data '${name}'`, [problem])
  }
  const given = options as Readonly<Record<string, unknown>>
  const problems = unknownKeys('a data', options, OPTIONS)
  const problem = versionProblem(given['version'])
  if (problem !== undefined) problems.push(problem)
  const { sensitive } = options as { readonly sensitive?: unknown }
  if (sensitive !== undefined && typeof sensitive !== 'boolean') {
    problems.push(`'sensitive' must be true or false, but is ${describeValue(sensitive)}`)
  }
  problems.push(...aboutProblems(name, given['about']))
  const steps = readSteps(given, problems)
  if (problems.length > 0) throw new GraphError(`Data '${name}'`, problems)
  return steps
}

function aboutProblems(name: string, about: unknown): string[] {
  if (about === undefined) return []
  if (!isData(about)) return [`'about' must be a data, but is ${describeValue(about)}`]
  return about.name === name ? [`it is about a data of its own name`] : []
}

function checkSchema(name: string, schema: unknown): void {
  const standard =
    (typeof schema === 'object' && schema !== null) || typeof schema === 'function'
      ? (schema as Partial<StandardSchemaV1>)['~standard']
      : undefined
  if (standard?.version === 1 && typeof standard.validate === 'function') return
  throw new GraphError(`Data '${name}'`, [
    `its schema must be a Standard Schema (zod, valibot, arktype, …), but is ${describeValue(schema)}; ` +
      'type<T>() is the one for data that need no validation',
  ])
}

const unchecked: StandardSchemaV1 = Object.freeze({
  '~standard': Object.freeze({
    version: 1 as const,
    vendor: 'polaris-workflow',
    validate: (value: unknown) => ({ value }),
  }),
})

/** The schema that checks nothing: `data('Quote', type<{ fare: number }>())`. */
export function type<T>(): StandardSchemaV1<T, T> {
  return unchecked as StandardSchemaV1<T, T>
}

/** Whether a schema lets every value pass as it is, so that calling it can be saved. */
export function checksNothing(schema: StandardSchemaV1): boolean {
  return schema === unchecked
}
