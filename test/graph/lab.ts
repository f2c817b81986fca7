import {
  builder,
  data,
  GraphError,
  settled,
  type,
  workflow,
  type AnyBuilder,
  type AnyData,
  type AnyWorkflow,
} from 'polaris-workflow'
import { graphOf } from '../../src/graph/workflow.ts'
import type { Graph } from '../../src/graph/graph.ts'

/** A builder in short: what it reads and makes, by names of data. */
export interface Parts {
  readonly name: string
  readonly consumes?: readonly string[]
  readonly optionals?: readonly string[]
  readonly accesses?: readonly string[]
  readonly makes: string
  readonly once?: boolean
  readonly cutoff?: boolean
  /** Of `consumes`, what it takes as outcomes. */
  readonly settles?: readonly string[]
  readonly version?: number
}

export interface Options {
  readonly name?: string
  readonly version?: number
  readonly target?: string | readonly string[]
  readonly transients?: readonly string[]
  readonly resolve?: Readonly<Record<string, string>>
  readonly loops?: boolean
  readonly feedable?: readonly string[]
}

/** Makes data by name, each once. */
export function dataSource(versions: Readonly<Record<string, number>> = {}): (name: string) => AnyData {
  const known = new Map<string, AnyData>()
  return (name) => {
    const found =
      known.get(name) ??
      data(name, type<unknown>(), { version: Object.hasOwn(versions, name) ? (versions[name] as number) : 1 })
    known.set(name, found)
    return found
  }
}

export function builderOf(parts: Parts, token: (name: string) => AnyData, key = (name: string) => name): AnyBuilder {
  const inputs = (kind: string, names: readonly string[] = []): Record<string, AnyData> =>
    Object.fromEntries(names.map((name) => [`${kind}_${key(name)}`, token(name)]))
  return builder({
    name: parts.name,
    consumes: Object.fromEntries(
      Object.entries(inputs('c', parts.consumes)).map(([key, of]) => [
        key,
        parts.settles?.includes(of.name) === true ? settled(of) : of,
      ]),
    ),
    optionals: inputs('o', parts.optionals),
    accesses: inputs('a', parts.accesses),
    produces: token(parts.makes) as ReturnType<typeof data<string, unknown, unknown>>,
    ...(parts.once !== undefined && { once: parts.once }),
    ...(parts.cutoff !== undefined && { cutoff: parts.cutoff }),
    ...(parts.version !== undefined && { version: parts.version }),
    process: () => null,
  })
}

/** Compiles builders given in short; the target is what the last one makes unless told otherwise. */
export function compileAll(parts: readonly Parts[], options: Options = {}, token = dataSource()): AnyWorkflow {
  const builders = parts.map((part) => builderOf(part, token))
  return compileBuilders(builders, { target: parts.at(-1)?.makes ?? '', ...options }, token)
}

export function compileBuilders(
  builders: readonly AnyBuilder[],
  { target = '', transients, feedable, ...options }: Options,
  token: (name: string) => AnyData,
): AnyWorkflow {
  return workflow({
    name: 'test',
    builders,
    target: typeof target === 'string' ? token(target) : target.map(token),
    ...(transients !== undefined && { transients: transients.map(token) }),
    ...(feedable !== undefined && { feedable: feedable.map(token) }),
    ...options,
  })
}

export function graphFor(made: AnyWorkflow): Graph {
  const graph = graphOf(made)
  if (graph === undefined) throw new Error('not a workflow')
  return graph
}

/** What a definition is refused for. */
export function problemsOf(define: () => unknown): readonly string[] {
  try {
    define()
  } catch (error) {
    if (error instanceof GraphError && error.code === 'GRAPH_INVALID') return error.problems
    throw error
  }
  return []
}
