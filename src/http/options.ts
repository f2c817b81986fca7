import type { Clock, Executor } from '../index.ts'
import { checkOption, checkOptions, PolarisError } from '../index.ts'
import type { Authorize } from './auth.ts'
import type { RateOptions } from './guards.ts'

/** What {@link httpHandler} needs, and how it behaves. */
export interface HttpOptions {
  /** Who may do what: `tokenAuthorize()`, or a function of your own. There is no default. */
  readonly authorize: Authorize
  /** Where the handler is mounted, such as `/polaris`. Default `/`. The API is at `api` below it. */
  readonly basePath?: string
  /**
   * The host names the service is reached by, such as `rides.example.com`, with or without a port; requests to any other are
   * refused. `'*'` where something before it checks them. Default: those of the own machine.
   */
  readonly hosts?: readonly string[] | '*'
  /** Other origins whose pages may call the API, such as `https://admin.example.com`. Default: none. */
  readonly origins?: readonly string[]
  /** What runs the scopes, with its hooks. Default: `polaris.executor()`. */
  readonly executor?: Executor
  /** How often a client may ask. Default: as often as it likes. */
  readonly rate?: RateOptions
  /** The largest body, in bytes. Default 1,048,576. */
  readonly maxBody?: number
  /** The deepest body: containers within containers, 1 to 200. Default 64. */
  readonly maxDepth?: number
  /** A body that is not there after so many milliseconds is given up. Default 10,000. */
  readonly bodyTimeout?: number
  /** At most so many requests at once, streams aside. Default 1,000. */
  readonly maxRequests?: number
  /** At most so many event streams at once. Default 1,000. */
  readonly maxStreams?: number
  /** Told of every answer with a status from 500, and of what `authorize` threw: for the log. Clients learn less. */
  readonly onError?: (error: unknown, request: Request) => unknown
  /**
   * Whether the dashboard is served at the base path, or the folder of another build of it. It needs the files of this package,
   * and so a platform that has a file system. Default: no; `serve` does.
   */
  readonly dashboard?: boolean | string
  readonly clock?: Clock
}

export type Settings = Required<Omit<HttpOptions, 'executor' | 'rate' | 'onError'>> &
  Pick<HttpOptions, 'executor' | 'rate' | 'onError'>

const KNOWN = [
  ...(['authorize', 'basePath', 'hosts', 'origins', 'executor', 'rate', 'maxBody', 'maxDepth', 'bodyTimeout'] as const),
  ...(['maxRequests', 'maxStreams', 'onError', 'dashboard', 'clock'] as const),
] as const satisfies readonly (keyof HttpOptions)[]

const systemClock: Clock = { now: () => Date.now() }
/** What a timer of the platform can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** @throws `OPTION_INVALID` */
export function checkHttpOptions(options: HttpOptions): Settings {
  checkOptions('httpHandler', options, KNOWN)
  checkAuthorize(options.authorize)
  const { basePath = '/', hosts = ['localhost', '127.0.0.1', '[::1]'], origins = [], clock = systemClock } = options
  const { maxBody = 1_048_576, maxDepth = 64, bodyTimeout = 10_000, maxRequests = 1_000, maxStreams = 1_000 } = options
  const { rate, onError, dashboard = false } = options
  checkOption('basePath', isPath(basePath), "a path such as '/polaris'", basePath)
  checkOption('hosts', hosts === '*' || isTexts(hosts, isHost), "host names such as 'rides.example.com', or '*'", hosts)
  checkOption('origins', isTexts(origins, isOrigin), "origins such as 'https://admin.example.com'", origins)
  checkCount('maxBody', maxBody, 1, 2 ** 29)
  checkCount('maxDepth', maxDepth, 1, 200)
  checkCount('bodyTimeout', bodyTimeout, 1, LONGEST_TIMER_MS)
  checkCount('maxRequests', maxRequests, 1, Number.MAX_SAFE_INTEGER)
  checkCount('maxStreams', maxStreams, 0, Number.MAX_SAFE_INTEGER)
  checkOption('onError', onError === undefined || typeof onError === 'function', 'a function', onError)
  const isFolder = typeof dashboard === 'string' && dashboard.trim() !== ''
  checkOption('dashboard', typeof dashboard === 'boolean' || isFolder, 'true, false, or a folder', dashboard)
  checkOption(
    'clock',
    typeof (clock as Partial<Clock> | null)?.now === 'function',
    'an object with a method now()',
    clock,
  )
  if (rate !== undefined) checkRate(rate)
  const limits = { maxBody, maxDepth, bodyTimeout, maxRequests, maxStreams }
  return { ...options, ...limits, basePath: basePath === '/' ? '' : basePath, hosts, origins, dashboard, clock }
}

function checkAuthorize(authorize: unknown): void {
  if (typeof authorize === 'function') return
  throw new PolarisError(
    'OPTION_INVALID',
    'httpHandler needs `authorize`, which says who may do what; without it the door would be open. ' +
      'Use tokenAuthorize({ token }), or a function such as (request, { action, changes }) => isAdmin(request).',
  )
}

function checkCount(option: string, given: unknown, least: number, most: number): void {
  const passes = Number.isSafeInteger(given) && (given as number) >= least && (given as number) <= most
  checkOption(option, passes, `a whole number from ${least} to ${most}`, given)
}

function checkRate(rate: RateOptions): void {
  checkOptions('rate', rate, ['perSecond', 'burst', 'client'])
  const { perSecond, burst, client } = rate
  const isRate = (given: unknown, least: number): boolean => typeof given === 'number' && given >= least
  checkOption('rate.perSecond', isRate(perSecond, Number.MIN_VALUE), 'a number above 0', perSecond)
  checkOption('rate.burst', burst === undefined || isRate(burst, 1), 'a number from 1', burst)
  checkOption('rate.client', client === undefined || typeof client === 'function', 'a function', client)
}

function isTexts(given: unknown, passes: (text: string) => boolean): boolean {
  return Array.isArray(given) && given.every((each) => typeof each === 'string' && passes(each))
}

function isPath(given: unknown): boolean {
  return typeof given === 'string' && (given === '/' || /^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/.test(given))
}

function isHost(text: string): boolean {
  return /^([\w.-]+|\[[\da-f:.]+\])(:\d+)?$/i.test(text)
}

function isOrigin(text: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\/([\w.-]+|\[[\da-f:.]+\])(:\d+)?$/i.test(text)
}
