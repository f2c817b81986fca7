import type { Clock, Polaris } from '../index.ts'
import { checkOption } from '../index.ts'
import { ACTING } from './acting.ts'
import { isTokenAuthorize } from './auth.ts'
import type { Grant, TokenAuthorize, Wish } from './auth.ts'
import { readObject } from './body.ts'
import { catalogueOf } from './catalogue.ts'
import type { Entry } from './catalogue.ts'
import { checksOf } from './checks.ts'
import { filled, setAnswering } from './direct.ts'
import { GRAPHS } from './graphs.ts'
import { checkHost, checkOrigin, rateLimiter } from './guards.ts'
import { kept } from './kept.ts'
import type { Kept } from './kept.ts'
import { LOOKING } from './looking.ts'
import { openapiDocument } from './openapi.ts'
import { checkHttpOptions } from './options.ts'
import type { HttpOptions, Settings } from './options.ts'
import { OVERVIEW } from './overview.ts'
import { pagesOf } from './pages.ts'
import type { Pages } from './pages.ts'
import { Problem, problemOf } from './problems.ts'
import { READING } from './reading.ts'
import { emptyReply, problemReply } from './reply.ts'
import { findRoute, readQuery } from './routes.ts'
import type { Found, Route, Service } from './routes.ts'
import { standingOf } from './standing.ts'
import type { Standing } from './standing.ts'
import { streamsOf } from './stream.ts'
import { veilOver } from './veil.ts'

/** The API as a function: for `Bun.serve`, `Deno.serve`, workers, Hono, Next, or one of the adapters. Never rejects. */
export interface HttpHandler {
  /** @param context what the platform hands over besides: read for the client's address, if `rate` is given */
  (request: Request, context?: unknown): Promise<Response>
  /** Where it is mounted; empty for `/`. */
  readonly basePath: string
  /** The OpenAPI document of the API, for what is registered now. */
  openapi(): object
  /** Ends the event streams. */
  close(): void
}

const ROUTES: readonly Route[] = [...READING, ...OVERVIEW, ...GRAPHS, ...LOOKING, ...ACTING]
/** What pages of allowed origins may send. */
const SENDABLE = 'authorization, content-type, idempotency-key, last-event-id'

/**
 * Puts instances behind HTTP: feed, look at, watch and operate them.
 *
 * @throws `OPTION_INVALID`, also if there is no `authorize`
 */
export function httpHandler(polaris: Polaris, options: HttpOptions): HttpHandler {
  checkOption('polaris', typeof (polaris as Partial<Polaris> | null)?.executor === 'function', 'a Polaris', polaris)
  const settings = checkHttpOptions(options)
  const service = serviceOf(polaris, settings)
  const pages = settings.dashboard === false ? undefined : pagesOf(settings.basePath, folderOf(settings))
  const limited = settings.rate && rateLimiter(settings.rate, settings.clock)
  let underWay = 0
  const handle = async (request: Request, context: unknown): Promise<Response> => {
    underWay++
    try {
      const url = new URL(request.url)
      const host = request.headers.get('host') ?? url.host
      checkHost(host, settings.hosts)
      checkOrigin(request.headers, url, host, settings.origins)
      limited?.(request, context)
      if (underWay > settings.maxRequests) throw busy(settings.maxRequests)
      const response = (await pageOf(pages, service, request, url)) ?? (await answer(service, settings, request, url))
      return request.method === 'HEAD' ? headOf(response) : response
    } catch (error) {
      const problem = problemOf(error, service.veil)
      if (problem.status >= 500) report(settings, error, request)
      return problemReply(problem)
    } finally {
      underWay--
    }
  }
  const answering = async (request: Request, context: unknown): Promise<Response> =>
    allowing(settings, request, await handle(request, context))
  const handler = async (request: Request, context?: unknown): Promise<Response> =>
    filled(await answering(request, context))
  const more = { basePath: settings.basePath, openapi: service.document, close: () => service.streams.close() }
  return setAnswering(Object.assign(handler, more), answering)
}

function serviceOf(polaris: Polaris, settings: Settings): Service {
  const catalogue = catalogueOf(() => polaris.workflows)
  const veil = veilOver(catalogue)
  const { clock, maxStreams, basePath, authorize } = settings
  const api = `${basePath}/api`
  return {
    polaris,
    executor: settings.executor ?? polaris.executor(),
    ...{ catalogue, veil, api },
    limits: settings,
    counts: kept(clock, () => polaris.counts(), { earlier: () => polaris.countsKept() }),
    checks: checksOf(polaris, clock),
    standing: standings(polaris, clock),
    streams: streamsOf({ polaris, veil, clock, maxStreams }),
    document: () => openapiDocument(ROUTES, catalogue, api, isTokenAuthorize(authorize)),
  }
}

function folderOf({ dashboard }: Settings): string | undefined {
  return typeof dashboard === 'string' ? dashboard : undefined
}

/** Kept for each version that somebody has asked about. */
function standings(polaris: Polaris, clock: Clock): Service['standing'] {
  const known = new WeakMap<Entry, Kept<Standing>>()
  return (entry) => {
    const found = known.get(entry) ?? kept(clock, () => standingOf(polaris, entry, clock))
    known.set(entry, found)
    return found
  }
}

/** What is not below the API's path is the dashboard's, where there is one. */
async function pageOf(
  pages: Pages | undefined,
  { api }: Service,
  request: Request,
  { pathname }: URL,
): Promise<Response | undefined> {
  const basePath = api.slice(0, -'/api'.length)
  const within = pathname === basePath || pathname.startsWith(`${basePath}/`)
  const asked = pathname === api || pathname.startsWith(`${api}/`)
  return within && !asked ? pages?.answer(request, pathname.slice(basePath.length)) : undefined
}

async function answer(service: Service, settings: Settings, request: Request, url: URL): Promise<Response> {
  const { authorize, origins } = settings
  const { api } = service
  if (url.pathname !== api && !url.pathname.startsWith(`${api}/`)) {
    throw new Problem('NOT_FOUND', 'There is nothing of this path.')
  }
  const path = url.pathname.slice(api.length)
  if (request.method === 'OPTIONS' && origins.includes(request.headers.get('origin') ?? '')) return preflight()
  if (path === '/session' && isTokenAuthorize(authorize)) return session(authorize, settings, request, url)
  const found = findRoute(ROUTES, request.method, path)
  const meta = await admit(settings, request, found, url)
  const { besides } = found.route
  if (besides !== undefined && url.searchParams.get(besides) === 'true') {
    await admit(settings, request, { ...found, route: { ...found.route, action: besides } }, url)
  }
  const query = readQuery(url.searchParams, found.route.query)
  return found.route.run(service, { request, params: found.params, query, meta })
}

/** @throws Problem `UNAUTHENTICATED`, `FORBIDDEN` */
async function admit(
  { authorize }: Settings,
  request: Request,
  { route, params }: Found,
  url: URL,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { id } = params
  const workflow = params['workflow'] ?? (route.action === 'list' ? url.searchParams.get('workflow') : undefined)
  const wish: Wish = {
    ...{ action: route.action, changes: route.method !== 'GET' },
    ...(workflow != null && { workflow }),
    ...(id !== undefined && { id }),
  }
  const grant: Grant = await authorize(isTokenAuthorize(authorize) ? request : headOnly(request), wish)
  if (grant === true) return undefined
  if (grant === 'forbidden') throw new Problem('FORBIDDEN', `You may not do this: ${route.action}.`)
  // Whatever else comes, from a forgotten return on, opens no door.
  if (typeof grant === 'object' && (grant as Grant | null) !== null && grant.allowed === true) return grant.meta
  throw unauthenticated()
}

/** A request whose body `authorize` cannot take away from the route. */
function headOnly(request: Request): Request {
  if (request.body === null) return request
  const { url, method, headers, signal } = request
  return new Request(url, { method, headers, signal })
}

function unauthenticated(): Problem {
  const detail = 'The request shows no token, or a wrong one: send authorization: Bearer <token>.'
  return new Problem('UNAUTHENTICATED', detail, {}, { 'www-authenticate': 'Bearer' })
}

/** A browser gets a cookie for the token, which no script can read, and gives it back. */
async function session(authorize: TokenAuthorize, settings: Settings, request: Request, url: URL): Promise<Response> {
  const secure = url.protocol === 'https:' || request.headers.get('origin')?.startsWith('https:') === true
  const path = settings.basePath === '' ? '/' : settings.basePath
  if (request.method === 'DELETE') return emptyReply({ 'set-cookie': authorize.signOut(secure, path) })
  if (request.method !== 'POST') {
    throw new Problem('METHOD_NOT_ALLOWED', 'This path takes POST, DELETE.', {}, { allow: 'POST, DELETE' })
  }
  const token = (await readObject(request, settings, false)).get('token')
  const cookie = typeof token === 'string' ? authorize.signIn(token, secure, path) : undefined
  if (cookie === undefined) throw unauthenticated()
  return emptyReply({ 'set-cookie': cookie })
}

function preflight(): Response {
  return emptyReply({
    'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
    'access-control-allow-headers': SENDABLE,
    'access-control-max-age': '600',
  })
}

/** Lets pages of allowed origins read the answer. */
function allowing({ origins }: Settings, { headers }: Request, response: Response): Response {
  const origin = headers.get('origin')
  if (origins.length > 0) response.headers.set('vary', 'origin')
  if (origin === null || !origins.includes(origin)) return response
  response.headers.set('access-control-allow-origin', origin)
  response.headers.set('access-control-expose-headers', 'location, retry-after')
  response.headers.set('cross-origin-resource-policy', 'cross-origin')
  return response
}

function headOf(response: Response): Response {
  void response.body?.cancel().catch(() => undefined)
  const { status, headers } = response
  return new Response(null, { status, headers })
}

function busy(maxRequests: number): Problem {
  const detail = `There are ${maxRequests} requests under way already: try again later.`
  return new Problem('BUSY', detail, {}, { 'retry-after': '1' })
}

function report({ onError }: Settings, error: unknown, request: Request): void {
  try {
    const told: unknown = onError?.(error, request)
    if (told instanceof Promise) told.catch(() => undefined)
  } catch {
    // Nobody is left to tell.
  }
}
