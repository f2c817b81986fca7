import { builder } from './builder.ts'
import type { AnyBuilder } from './builder.ts'
import { compile } from './compile.ts'
import { data, type } from './data.ts'
import type { AnyData, Data } from './data.ts'
import { describeGraph } from './description.ts'
import type { DataDescription, Description } from './description.ts'
import { describeValue, PolarisError } from './errors.ts'
import { fingerprint } from './fingerprint.ts'
import type { Graph } from './graph.ts'
import { listNames } from './naming.ts'
import { nothing } from './outcome.ts'
import { standInOf, timer } from './timer.ts'
import type { TimerTimes } from './timer.ts'

/** A workflow's graph as plain JSON, to be kept where its code is not: beside instances, or in a repository. */
export interface Manifest extends Description {
  readonly version: number
  readonly fingerprint: string
}

export function manifestOf(graph: Graph): Manifest {
  return { ...describeGraph(graph), version: graph.version, fingerprint: fingerprintOf(graph) }
}

const prints = new WeakMap<Graph, string>()

export function fingerprintOf(graph: Graph): string {
  const known = prints.get(graph) ?? fingerprint(describeGraph(graph))
  prints.set(graph, known)
  return known
}

const REVIVED = {
  ...({
    durability: 'builder',
    feedable: [],
    retention: {},
    retry: undefined,
    onFailure: 'keep',
    policy: 'pin',
  } as const),
  migrations: new Map<never, never>(),
}

/**
 * The graph that a manifest describes. It can be looked at, and states can be read with it, but it does not run: its
 * builders do nothing and its data take everything.
 */
export function graphOfManifest({ workflow, version, targets, transients, loops, ...described }: Manifest): Graph {
  const known = tokensOf(described.data)
  const tokens = (names: readonly string[]): Token[] => names.flatMap((name) => known.get(name) ?? [])
  const keyed = (kind: string, names: readonly string[]): Record<string, AnyData> =>
    Object.fromEntries(tokens(names).map((token, i) => [`${kind}${i}`, token]))
  const builders = described.builders.map(({ name, produces, once, version, timer: times, ...reads }) => {
    const out = tokens([produces])[0] ?? data(produces, type<unknown>())
    const after = tokens(reads.consumes)[0]
    if (times !== undefined && after !== undefined) {
      const unless = tokens(reads.accesses)
      return standInOf(timer({ name, after, unless, produces: out, version, ...rulesOf(times) })) as AnyBuilder
    }
    const inputs = { consumes: keyed('c', reads.consumes), optionals: keyed('o', reads.optionals) }
    const accesses = keyed('a', reads.accesses)
    return builder({ name, once, version, ...inputs, accesses, produces: out, process: () => nothing() })
  })
  const definition = { name: workflow, version, builders, targets: tokens(targets), transients: tokens(transients) }
  const { timeout } = described
  return compile({ ...definition, resolve: new Map(), loops, timeout, ...REVIVED }, [])
}

type Token = AnyData & Data<string, unknown, unknown>

/** Each behind what it is about. What is about something that is not there, or about itself, is a slip of whoever wrote it. */
function tokensOf(described: readonly DataDescription[]): Map<string, Token> {
  const known = new Map<string, Token>()
  let left = described
  while (left.length > 0) {
    const ready = left.filter(({ about }) => about === undefined || known.has(about))
    if (ready.length === 0)
      throw badManifest(`one where ${listNames(left.map(({ name }) => name))} are about nothing it has`)
    for (const { name, version, sensitive = false, about } of ready) {
      const subject = about === undefined ? undefined : known.get(about)
      const options = { version, sensitive, ...(subject !== undefined && { about: subject }) }
      known.set(name, data(name, type<unknown>(), options))
    }
    left = left.filter((each) => !ready.includes(each))
  }
  return known
}

/** A timer's times as its options; what it read from the datum, nobody knows any more. */
function rulesOf({ delay, at, every, times, until, evenWhenCompleted }: TimerTimes) {
  const read = (): undefined => undefined
  return {
    ...(delay !== undefined && { delay: delay === 'read' ? read : delay }),
    ...(at !== undefined && { at: read }),
    ...(every !== undefined && { every }),
    ...(times !== undefined && { times }),
    ...(until !== undefined && { until: until === 'read' ? read : until }),
    ...(evenWhenCompleted === true && { evenWhenCompleted }),
    value: null,
  }
}

/**
 * Reads a manifest from JSON that may come from anywhere.
 *
 * @throws `MANIFEST_INVALID`
 */
export function readManifest(given: unknown): Manifest {
  const isText = (value: unknown): value is string => typeof value === 'string'
  const isVersion = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1
  const isList = (is: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(is)
  const texts = isList(isText)
  const isFlag = (value: unknown): boolean => typeof value === 'boolean'
  const has = (shape: Readonly<Record<string, (value: unknown) => boolean>>) => (value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(shape).every(([key, is]) => is((value as Readonly<Record<string, unknown>>)[key]))
  const reads = { consumes: texts, optionals: texts, accesses: texts }
  const isBuilder = has({ name: isText, ...reads, produces: isText, once: isFlag, version: isVersion })
  const isManifest = has({
    ...{ workflow: isText, version: isVersion, fingerprint: isText, targets: texts, transients: texts, loops: isFlag },
    ...{ builders: isList(isBuilder), data: isList(has({ name: isText, version: isVersion })) },
  })
  if (isManifest(given)) return given as Manifest
  const isObject = typeof given === 'object' && given !== null
  throw badManifest(describeValue(given) + (isObject ? ' that lacks some of it, or was made by another version' : ''))
}

function badManifest(is: string): PolarisError {
  return new PolarisError(
    'MANIFEST_INVALID',
    `A manifest describes one version of one workflow as polaris.manifest() does, but this is ${is}.`,
  )
}
