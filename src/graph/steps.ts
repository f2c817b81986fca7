import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describeValue } from './errors.ts'
import type { Frozen, Given } from './frozen.ts'

/** How a value of one version of a data becomes one of the next. Made by {@link step}. */
export interface Step<Old = unknown, New = unknown, In = unknown> {
  readonly kind: 'step'
  /** What values of the older version look like. */
  readonly schema: StandardSchemaV1<In, Old>
  /** Makes a value of the next version. Pure, and answers at once. */
  up(old: Frozen<Old>): New
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every step is assignable to
export type AnyStep = Step<any, any, any>
export type StepsUp = Readonly<Record<number, AnyStep>>

const definedHere = new WeakSet<object>()

/**
 * Says how a value of an older version of a data becomes one of the version after it:
 * `data('Quote', schemaV2, { version: 2, from: { 1: step(schemaV1, (old) => ({ … })) } })`. Steps are pure, and answer at
 * once.
 *
 * @param schema of the older version; it checks what was stored before `up` sees it
 */
export function step<In, Old, const New>(
  schema: StandardSchemaV1<In, Old>,
  up: (old: Frozen<Old>) => New,
): Step<Old, New, In> {
  const made = Object.freeze({ kind: 'step' as const, schema, up })
  definedHere.add(made)
  return made
}

/** One step on the way of a value from one version of its data to another. */
export interface Stride {
  /** The version it leads to. */
  readonly to: number
  readonly apply: (value: unknown) => unknown
  /** Checks what `apply` is given; `undefined` where that has been checked already. */
  readonly before: StandardSchemaV1 | undefined
  /** Checks what `apply` made; `undefined` where the next stride does, or the data that the value is for. */
  readonly after: StandardSchemaV1 | undefined
}

export interface Steps {
  readonly version: number
  readonly from: ReadonlyMap<number, AnyStep>
  readonly down: ReadonlyMap<number, (value: unknown) => unknown>
}

/** From an older version to the one that has these steps; `undefined` where one is missing. */
export function stridesUp({ version, from }: Steps, older: number): Stride[] | undefined {
  const strides: Stride[] = []
  for (let at = older; at < version; at++) {
    const taken = from.get(at)
    if (taken === undefined) return undefined
    strides.push({ to: at + 1, apply: (value): unknown => taken.up(value), before: taken.schema, after: undefined })
  }
  return strides
}

/** From the version that has these steps to an older one; `undefined` where one is missing. */
export function stridesDown({ version, from, down }: Steps, older: number): Stride[] | undefined {
  const strides: Stride[] = []
  for (let at = version - 1; at >= older; at--) {
    const apply = down.get(at)
    if (apply === undefined) return undefined
    strides.push({ to: at, apply, before: undefined, after: from.get(at)?.schema })
  }
  return strides
}

/** The steps in the options of a data; adds what is wrong with them to `problems`. */
export function readSteps(given: Readonly<Record<string, unknown>>, problems: string[]): Steps {
  const version = given['version'] === undefined ? 1 : (given['version'] as number)
  const valid = Number.isSafeInteger(version) && version >= 1
  const isStep = (value: unknown): boolean => typeof value === 'object' && value !== null && definedHere.has(value)
  const from = readRecord(
    given['from'],
    'from',
    valid ? version : undefined,
    isStep,
    'made by step(schema, …)',
    problems,
  )
  const isFunction = (value: unknown): boolean => typeof value === 'function'
  const down = readRecord(given['down'], 'down', valid ? version : undefined, isFunction, 'a function', problems)
  for (const at of down.keys()) {
    if (from.has(at)) continue
    problems.push(`'down' leads to version ${at}, whose schema is not known: 'from' has no step from it`)
  }
  return { version: valid ? version : 1, from: from as Steps['from'], down: down as Steps['down'] }
}

function readRecord(
  given: unknown,
  what: 'from' | 'down',
  version: number | undefined,
  is: (value: unknown) => boolean,
  kind: string,
  problems: string[],
): Map<number, unknown> {
  const found = new Map<number, unknown>()
  if (given === undefined) return found
  if (typeof given !== 'object' || given === null) {
    problems.push(`'${what}' must be an object by version, such as { 1: … }, but is ${describeValue(given)}`)
    return found
  }
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue
    const at = /^[1-9]\d*$/.test(key) ? Number(key) : NaN
    if (!is(value)) problems.push(`'${what}.${key}' must be ${kind}, but is ${describeValue(value)}`)
    else if (version === undefined) continue
    else if (!(at < version)) {
      problems.push(`'${what}' has a step for version ${key}, but the data's version is ${version}: raise 'version'`)
    } else found.set(at, value)
  }
  for (const at of found.keys()) {
    if (version === undefined || at + 1 === version || found.has(at + 1)) continue
    problems.push(`'${what}' has a step for version ${at}, but none for version ${at + 1}: steps follow on one another`)
  }
  return found
}

type Counting = [never, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27]
/** The version after another, as far as the compiler counts. */
type After<V> = V extends keyof Counting ? Counting[V] : number

/** What a step has to give: what the next one's schema takes, or in the end the data's own. */
type Wanted<F, V, In, K> =
  After<K> extends V
    ? In
    : After<K> extends keyof F
      ? F[After<K>] extends Step<infer _Old, infer _New, infer NextIn>
        ? NextIn
        : never
      : number extends After<K>
        ? unknown
        : StepMissing<After<K>>

/** What the compiler shows for a step that leads to a version from which no step leads on. */
interface StepMissing<Version> {
  readonly 'no step from version': Version
}
/** What the compiler shows for a step that does not give what the version after it takes. */
interface StepGives<Given, Wanted> {
  readonly gives: Given
  readonly wanted: Wanted
}

/** Makes a step that does not fit the version after it an error at that step. */
export type Fitting<F, V, In> = {
  readonly [K in keyof F]: F[K] extends Step<infer _Old, infer New, infer _In>
    ? [New] extends [Given<Wanted<F, V, In, K>>]
      ? unknown
      : StepGives<New, Wanted<F, V, In, K>>
    : unknown
}

/** What readers get of the version after another. */
type OutAfter<F, V, Out, K> =
  After<K> extends V
    ? Out
    : After<K> extends keyof F
      ? F[After<K>] extends Step<infer Old, infer _New, infer _In>
        ? Old
        : never
      : never

export type Downwards<F, V, Out> = {
  readonly [K in keyof F]?: F[K] extends Step<infer _Old, infer _New, infer In>
    ? (value: Frozen<OutAfter<F, V, Out, K>>) => Given<In>
    : never
}
