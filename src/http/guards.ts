/** Who may knock at all: by which name the service was called, from which page, and how often. */
import type { Clock } from '../index.ts'
import { Problem } from './problems.ts'

/** Names that only lead to the own machine, and that a page elsewhere cannot be served from. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
const MOST_PORT = 65_535

/**
 * A page on the internet may have its own name lead to 127.0.0.1 (DNS rebinding): so a service answers only to names it knows.
 *
 * @param hosts with or without a port; without one, any port will do. Default: those of the own machine
 * @throws Problem `HOST_REFUSED`
 */
export function checkHost(host: string, hosts: readonly string[] | '*' = LOOPBACK): void {
  if (hosts === '*') return
  const given = host.toLowerCase()
  const name = given.replace(/:\d*$/, '')
  if (portFits(host) && hosts.some((known) => known.toLowerCase() === given || known.toLowerCase() === name)) return
  const shown = JSON.stringify(host.slice(0, 100))
  throw new Problem('HOST_REFUSED', `The service does not answer to ${shown}. Name it in \`hosts\` if it should.`)
}

/** Whether there is such a port, where one is named. */
export function portFits(host: string): boolean {
  return Number(/:(\d*)$/.exec(host)?.[1] ?? 0) <= MOST_PORT
}

/**
 * Refuses requests that a browser makes for pages of other origins.
 *
 * @param host what the request was sent to
 * @throws Problem `ORIGIN_REFUSED`
 */
export function checkOrigin(headers: Headers, url: URL, host: string, origins: readonly string[]): void {
  const origin = headers.get('origin')
  if (origin === null) {
    // Browsers that leave out the origin tell at least that it is another one; following a link is not calling.
    const site = headers.get('sec-fetch-site') ?? 'none'
    const follows = headers.get('sec-fetch-mode') === 'navigate'
    if (site === 'none' || site === 'same-origin' || follows) return
    throw new Problem('ORIGIN_REFUSED', 'Pages of other origins may not call the service.')
  }
  if (origins.includes(origin) || isSame(origin, url, host)) return
  const shown = JSON.stringify(origin.slice(0, 100))
  throw new Problem(
    'ORIGIN_REFUSED',
    `Pages of ${shown} may not call the service. Name the origin in \`origins\` if they may.`,
  )
}

function isSame(origin: string, { protocol }: URL, host: string): boolean {
  if (origin.toLowerCase() === `https://${host.toLowerCase()}`) return true
  // Behind a proxy that ends TLS, the page is of https and the request is not; never the other way round.
  return protocol === 'http:' && origin.toLowerCase() === `http://${host.toLowerCase()}`
}

/** How many requests a client may make. */
export interface RateOptions {
  /** So many requests a second may a client make in the long run. */
  readonly perSecond: number
  /** And so many at once. Default: twice as many. */
  readonly burst?: number
  /**
   * Tells clients apart. `context` is what the platform hands over with the request. Default: by address, where the adapters
   * of this package or Deno tell it; else all are one.
   */
  readonly client?: (request: Request, context: unknown) => string
}

/** At most so many clients are remembered; those who were not seen for the longest are forgotten first. */
const MOST_CLIENTS = 10_000

interface Bucket {
  tokens: number
  at: number
}

/** Throws Problem `RATE_LIMITED` for those who ask too often. */
export function rateLimiter(options: RateOptions, clock: Clock): (request: Request, context: unknown) => void {
  const { perSecond, burst = 2 * perSecond, client = addressOf } = options
  const buckets = new Map<string, Bucket>()
  return (request, context) => {
    const key = client(request, context)
    const now = clock.now()
    const bucket = buckets.get(key) ?? { tokens: burst, at: now }
    // In order of use, so that the first is the one to forget.
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size > MOST_CLIENTS) for (const oldest of buckets.keys()) if (buckets.delete(oldest)) break
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * perSecond)
    bucket.at = now
    if (bucket.tokens >= 1) {
      bucket.tokens--
      return
    }
    const wait = String(Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond)))
    const detail = `A client may make ${perSecond} requests a second: wait ${wait} s.`
    throw new Problem('RATE_LIMITED', detail, {}, { 'retry-after': wait })
  }
}

/** What our adapters hand over with a request. */
export interface RequestContext {
  readonly address: string
}

function addressOf(_request: Request, context: unknown): string {
  const { address, remoteAddr } = (context ?? {}) as { address?: unknown; remoteAddr?: { hostname?: unknown } }
  const found = address ?? remoteAddr?.hostname
  return typeof found === 'string' ? found : ''
}
