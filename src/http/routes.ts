/** Which request leads where. */
import type { Clock, Counts, Executor, Polaris } from '../index.ts'
import type { HttpAction } from './auth.ts'
import type { BodyLimits } from './body.ts'
import type { Catalogue, Entry } from './catalogue.ts'
import type { Checked } from './checks.ts'
import type { Kept } from './kept.ts'
import { Problem } from './problems.ts'
import type { Standing } from './standing.ts'
import type { Streams } from './stream.ts'
import type { Veil } from './veil.ts'

/** What routes work with. */
export interface Service {
  readonly polaris: Polaris
  readonly executor: Executor
  readonly catalogue: Catalogue
  readonly veil: Veil
  readonly streams: Streams
  readonly limits: BodyLimits & { readonly clock: Clock }
  /** Counts over all instances. */
  readonly counts: Kept<Counts>
  /** What the code here means for open instances, of which so many are looked at. */
  readonly checks: (sample: number) => Kept<Checked>
  /** Where the instances of a version stand. */
  readonly standing: (entry: Entry) => Kept<Standing>
  /** Path of the API, such as `/polaris/api`. */
  readonly api: string
  readonly document: () => object
}

/** A request that was let in. */
export interface Asked {
  readonly request: Request
  /** Parts of the path, by the names that the route has for them. */
  readonly params: Readonly<Record<string, string>>
  readonly query: ReadonlyMap<string, string>
  /** Who it is, as `authorize` says. */
  readonly meta: Readonly<Record<string, unknown>> | undefined
}

export type Method = 'GET' | 'POST' | 'DELETE'

export interface Route {
  readonly method: Method
  /** Below the API's path. `{name}` stands for one part, whatever is in it. */
  readonly path: string
  readonly action: HttpAction
  /** Parameters of the query that it knows. */
  readonly query: readonly string[]
  /** What has to be allowed besides where the parameter of this name is `true`. */
  readonly besides?: HttpAction
  run(service: Service, asked: Asked): Promise<Response>
}

export interface Found {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

/**
 * Paths are compared part by part, and each is decoded once: what is in an id stays in it, slashes and dots included.
 *
 * @param path below the API's path, as it came
 * @throws Problem `NOT_FOUND`, `METHOD_NOT_ALLOWED`
 */
export function findRoute(routes: readonly Route[], method: string, path: string): Found {
  const parts = path.split('/').slice(1)
  const fitting: Found[] = []
  for (const route of routes) {
    const params = match(patternOf(route), parts)
    if (params !== undefined) fitting.push({ route, params })
  }
  if (fitting.length === 0) {
    const slash = path.endsWith('/') ? ', and none ends in a slash' : ''
    throw new Problem('NOT_FOUND', `There is nothing of this path: openapi.json, below api, has all there are${slash}.`)
  }
  const wanted = method === 'HEAD' ? 'GET' : method
  const found = fitting.find(({ route }) => route.method === wanted)
  if (found !== undefined) return found
  const allowed = fitting.flatMap(({ route }) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]))
  const allow = [...new Set(allowed)].join(', ')
  const feeds = method !== 'GET' && fitting.some(({ route }) => route.path === '/instances/{id}')
  const advice = feeds ? ' Data are fed by POST to /workflows/{workflow}/instances/{id}.' : ''
  throw new Problem('METHOD_NOT_ALLOWED', `This path takes ${allow}.${advice}`, {}, { allow })
}

const patterns = new WeakMap<Route, readonly string[]>()

function patternOf(route: Route): readonly string[] {
  let pattern = patterns.get(route)
  if (pattern === undefined) patterns.set(route, (pattern = route.path.split('/').slice(1)))
  return pattern
}

function match(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined
  const params: Record<string, string> = {}
  for (let i = 0; i < pattern.length; i++) {
    const [wanted = '', part = ''] = [pattern[i], parts[i]]
    if (!wanted.startsWith('{')) {
      if (wanted !== part) return undefined
      continue
    }
    const text = decoded(part)
    if (text === undefined || text === '') return undefined
    params[wanted.slice(1, -1)] = text
  }
  return params
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/** @throws Problem `QUERY_INVALID`: what nobody reads must not pass in silence */
export function readQuery(search: URLSearchParams, known: readonly string[]): ReadonlyMap<string, string> {
  const query = new Map<string, string>()
  for (const [name, value] of search) {
    if (!known.includes(name)) {
      const takes = known.length === 0 ? 'takes none' : `takes ${known.join(', ')}`
      throw new Problem('QUERY_INVALID', `There is no parameter ${shortly(name)}: this path ${takes}.`)
    }
    if (query.has(name)) throw new Problem('QUERY_INVALID', `The parameter ${name} comes twice.`)
    query.set(name, value)
  }
  return query
}

/** @throws Problem `QUERY_INVALID` */
export function wholeNumber({ query }: Asked, name: string): number | undefined {
  const text = query.get(name)
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new Problem('QUERY_INVALID', `${name} must be a whole number, but is ${shortly(text)}.`)
}

/** @throws Problem `QUERY_INVALID` */
export function oneOf<const Choice extends string>(
  { query }: Asked,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = query.get(name)
  const found = choices.find((choice) => choice === text)
  if (text === undefined || found !== undefined) return found
  throw new Problem('QUERY_INVALID', `${name} must be one of ${choices.join(', ')}, but is ${shortly(text)}.`)
}

/** @throws Problem `QUERY_INVALID` for what is neither `true` nor `false` */
export function isTrue(asked: Asked, name: string): boolean {
  return oneOf(asked, name, ['true', 'false']) === 'true'
}

/** Milliseconds since the epoch of a time in ISO 8601. @throws Problem `QUERY_INVALID` */
export function instant({ query }: Asked, name: string): number | undefined {
  const text = query.get(name)
  if (text === undefined) return undefined
  const time = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : NaN
  if (!Number.isNaN(time)) return time
  throw new Problem('QUERY_INVALID', `${name} must be a time such as 2026-01-31T09:30:00Z, but is ${shortly(text)}.`)
}

export function shortly(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}
