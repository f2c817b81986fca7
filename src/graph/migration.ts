import type { StandardSchemaV1 } from '@standard-schema/spec'
import { isData } from './data.ts'
import type { AnyData, DatumOf, NameOf, ValueOf } from './data.ts'
import { describeValue } from './errors.ts'
import type { Frozen, Given } from './frozen.ts'
import { isPlainObject, unknownKeys } from './naming.ts'

/** What becomes of instances of other versions than the newest: see `policy` of a workflow. */
export type Policy = 'pin' | 'upgrade' | 'upgrade-idle'
export const POLICIES: readonly unknown[] = ['pin', 'upgrade', 'upgrade-idle'] satisfies readonly Policy[]

/** What a workflow object tells about its data, as types. */
export interface Typed<Reads, Makes> {
  readonly version: number
  readonly types?: { readonly reads: Reads; readonly makes: Makes }
}

/** An older version of a workflow: the workflow itself, its number, or, where its code is gone, its number and its data. */
export type Older = number | Typed<unknown, unknown> | { readonly version: number; readonly data: readonly AnyData[] }

type DataOf<F> = F extends { readonly data: readonly (infer D)[] }
  ? D
  : F extends Typed<infer R, infer M>
    ? R | M
    : never
type Named<D, N> = D extends { readonly name: N } ? D : never
type Vanished<Old, New> = Exclude<NameOf<Old>, NameOf<New>>
type TypeOf<Old, New, N> = Frozen<ValueOf<N extends NameOf<New> ? Named<New, N> : Named<Old, N>>>

/** The older version's data set, after the steps of its data: what an instance does not have is `undefined`. */
type OldSet<Old, New> = { readonly [N in NameOf<Old>]: TypeOf<Old, New, N> | undefined }
type Taken<D> = D extends { readonly schema: StandardSchemaV1<infer In, infer _Out> } ? Given<In> : never
/** All data of both versions: those of the newer one with their values, the others `undefined`, to say that they go. */
type NewSet<Old, New> = {
  readonly [N in NameOf<Old>]: N extends NameOf<New> ? Taken<Named<New, N>> | undefined : undefined
} & { readonly [N in Exclude<NameOf<New>, NameOf<Old>>]?: Taken<Named<New, N>> | undefined }

/** Those of the newer data that take the values of an older one. */
type Taking<New, Value> = New extends AnyData ? ([Value] extends [Taken<New>] ? New : never) : never
type Fate<Old, New, N> =
  | NameOf<Taking<New, Frozen<ValueOf<Named<Old, N>>>>>
  | null
  | ((value: Frozen<ValueOf<Named<Old, N>>>, old: OldSet<Old, New>) => DatumOf<New> | readonly DatumOf<New>[])

type Fates<Old, New> = { readonly [N in Vanished<Old, New>]: Fate<Old, New, N> } & {
  readonly [N in NameOf<Old> & NameOf<New>]?: Fate<Old, New, N>
}
/** For an older version of which only the number is known. */
type AnyFates<New> = Readonly<
  Record<
    string,
    string | null | ((value: never, old: Readonly<Record<string, never>>) => DatumOf<New> | readonly DatumOf<New>[])
  >
>

type Changes<Old, New> = Fates<Old, New> | ((old: OldSet<Old, New>) => NewSet<Old, New>)

interface Common<F, New> {
  readonly from: F
  /** What a builder was called, where it has another name now: `{ quoteFare: 'quote' }`. `null`: it is a new one after all. */
  readonly builders?: Readonly<Record<string, string | null>>
  /** Data that a builder made in the older version, and that callers feed now. */
  readonly feeds?: readonly New[]
}

/** How instances of an older version move to the one that says so. */
export type MigrationFrom<F, New> = Common<F, New> &
  (F extends number
    ? { readonly data?: AnyFates<New> | ((old: never) => Readonly<Record<string, unknown>>) }
    : [Vanished<DataOf<F>, New>] extends [never]
      ? { readonly data?: Changes<DataOf<F>, New> }
      : { readonly data: Changes<DataOf<F>, New> })

/** One of them, or one for each older version. */
export type Migrations<F, Fs extends readonly unknown[], New> =
  MigrationFrom<F, New> | { readonly [I in keyof Fs]: MigrationFrom<Fs[I], New> }

/** What becomes of one older datum: another name, data made of it, or nothing. */
export type Becomes = string | null | ((value: unknown, old: Readonly<Record<string, unknown>>) => unknown)

/** How instances of one older version move to a graph. */
export interface Migration {
  readonly from: number
  readonly data: ReadonlyMap<string, Becomes> | ((old: Readonly<Record<string, unknown>>) => unknown)
  /** By builder what it was called in the older version; `null`: it is new. */
  readonly builders: ReadonlyMap<string, string | null>
  readonly feeds: ReadonlySet<string>
}

/** What a workflow is made of, as far as its migrations have to fit it. */
export interface Parts {
  readonly workflow: unknown
  readonly version: unknown
  readonly builders: ReadonlySet<string>
  readonly data: ReadonlySet<string>
  readonly produced: ReadonlySet<string>
}

/** What is known of an older version: its number, and its data where it was given with them. */
export interface Known {
  readonly version: number
  readonly workflow?: string
  readonly data?: readonly string[]
}

/**
 * Reads a workflow's `migrate` option; adds what is wrong with it to `problems`.
 *
 * @param knownOf what an older workflow is, for the ones made by workflow()
 */
export function readMigrations(
  given: unknown,
  parts: Parts,
  knownOf: (older: unknown) => Known | undefined,
  problems: string[],
): ReadonlyMap<number, Migration> {
  const found = new Map<number, Migration>()
  if (given === undefined) return found
  for (const each of Array.isArray(given) ? (given as readonly unknown[]) : [given]) {
    const own: string[] = []
    const migration = readMigration(each, parts, knownOf, own)
    const where = migration === undefined ? 'migrate' : `migrate from version ${migration.from}`
    problems.push(...own.map((problem) => `'${where}': ${problem}`))
    if (migration === undefined) continue
    if (found.has(migration.from)) problems.push(`'migrate' has two entries from version ${migration.from}`)
    found.set(migration.from, migration)
  }
  return found
}

const OPTIONS = ['from', 'data', 'builders', 'feeds'] as const

function readMigration(
  given: unknown,
  parts: Parts,
  knownOf: (older: unknown) => Known | undefined,
  problems: string[],
): Migration | undefined {
  if (!isPlainObject(given)) {
    problems.push(`it must be an object such as { from: 1, data: { Fare: 'Price' } }, but is ${describeValue(given)}`)
    return undefined
  }
  problems.push(...unknownKeys('it', given, OPTIONS))
  const known = readFrom(given['from'], knownOf)
  if (known === undefined) {
    const wanted = "a version's number, the older workflow, or { version, data: [ … ] }"
    problems.push(`'from' must be ${wanted}, but is ${describeValue(given['from'])}`)
    return undefined
  }
  const { version: from } = known
  if (from === parts.version) problems.push('it leads from the version to itself')
  if (known.workflow !== undefined && known.workflow !== parts.workflow) {
    problems.push(`it is from another workflow, '${known.workflow}'`)
  }
  const data = readData(given['data'], parts, problems)
  if (typeof data !== 'function') problems.push(...forgotten(known, parts, data))
  const builders = readBuilders(given['builders'], parts, problems)
  return { from, data, builders, feeds: readFeeds(given['feeds'], parts, problems) }
}

function readFrom(given: unknown, knownOf: (older: unknown) => Known | undefined): Known | undefined {
  const isVersion = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1
  if (isVersion(given)) return { version: given }
  const known = knownOf(given)
  if (known !== undefined || !isPlainObject(given)) return known
  const { version, data } = given
  if (!isVersion(version) || !Array.isArray(data) || !data.every(isData)) return undefined
  return { version, data: data.map(({ name }) => name) }
}

/** Data must not vanish without being named. */
function forgotten({ data: older }: Known, { data }: Parts, named: ReadonlyMap<string, unknown>): string[] {
  return (older ?? [])
    .filter((name) => !data.has(name) && !named.has(name))
    .map((name) => `'data' must say what becomes of '${name}': null if it goes, or the name of the data it becomes`)
}

function readData(given: unknown, parts: Parts, problems: string[]): Migration['data'] {
  if (typeof given === 'function') return given as Extract<Migration['data'], (old: never) => unknown>
  const found = new Map<string, Becomes>()
  if (given === undefined) return found
  if (!isPlainObject(given)) {
    const wanted = "an object by older data, such as { Fare: 'Price', Note: null }, or a function"
    problems.push(`'data' must be ${wanted}, but is ${describeValue(given)}`)
    return found
  }
  for (const [name, becomes] of Object.entries(given)) {
    if (becomes === undefined) continue
    if (typeof becomes === 'string' && !parts.data.has(becomes)) {
      problems.push(`'data.${name}' becomes '${becomes}', which is no data of this version`)
    } else if (becomes === null || typeof becomes === 'string' || typeof becomes === 'function') {
      found.set(name, becomes as Becomes)
    } else {
      const wanted = 'the name of a data, a function, or null'
      problems.push(`'data.${name}' must be ${wanted}, but is ${describeValue(becomes)}`)
    }
  }
  return found
}

function readBuilders(given: unknown, { builders }: Parts, problems: string[]): ReadonlyMap<string, string | null> {
  const found = new Map<string, string | null>()
  if (given === undefined) return found
  if (!isPlainObject(given)) {
    const wanted = "an object such as { quote: 'quoteFare' }"
    problems.push(`'builders' must be ${wanted}, but is ${describeValue(given)}`)
    return found
  }
  for (const [name, was] of Object.entries(given)) {
    if (was === undefined) continue
    if (!builders.has(name)) problems.push(`'builders' names '${name}', which is no builder of this version`)
    else if (was !== null && typeof was !== 'string') {
      problems.push(`'builders.${name}' must be the name it had, or null, but is ${describeValue(was)}`)
    } else found.set(name, was)
  }
  return found
}

function readFeeds(given: unknown, { data, produced }: Parts, problems: string[]): ReadonlySet<string> {
  const found = new Set<string>()
  if (given === undefined) return found
  if (!Array.isArray(given) || !given.every(isData)) {
    problems.push(`'feeds' must be an array of data, but is ${describeValue(given)}`)
    return found
  }
  for (const { name } of given) {
    if (!data.has(name)) problems.push(`'feeds' names '${name}', which is no data of this version`)
    else if (produced.has(name)) problems.push(`'feeds' names '${name}', which a builder of this version makes`)
    found.add(name)
  }
  return found
}
