/** What a Polaris is given, looked at before anything is done with it. */
import { describeValue, PolarisError } from '../graph/errors.ts'
import { checkOption } from '../graph/naming.ts'
import type { DataStore, InstanceStatus } from '../stores/contract.ts'
import type { Clock } from './clock.ts'
import type { InstanceQuery } from './look/query.ts'

export const LONGEST_PAGE = 1000
/** What a timer of the platform can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export function checkAfter(after: number): void {
  checkOption('after', Number.isSafeInteger(after) && after >= 0, 'a whole number from 0', after)
}

export function checkLimit(limit: unknown): void {
  const passes = Number.isSafeInteger(limit) && (limit as number) >= 1 && (limit as number) <= LONGEST_PAGE
  checkOption('limit', passes, `a whole number from 1 to ${LONGEST_PAGE}`, limit)
}

export function checkConstruction(services: unknown, clock: unknown, warm: unknown): void {
  const servicesPass = services === undefined || (typeof services === 'object' && services !== null)
  checkOption('services', servicesPass, 'an object of services by their names', services)
  const now: unknown = (clock as Partial<Clock> | null)?.now
  checkOption('clock', typeof now === 'function', 'an object with a method now()', clock)
  const warmPasses = warm === Infinity || (Number.isSafeInteger(warm) && (warm as number) >= 0)
  checkOption('warm', warmPasses, 'a whole number from 0', warm)
}

export function checkTimes(lease: unknown, longestRun: unknown, longestWait: unknown): void {
  const passes = (ms: unknown, least: number): boolean =>
    typeof ms === 'number' && ms >= least && ms <= LONGEST_TIMER_MS
  checkOption('lease', passes(lease, 100), `a number of milliseconds from 100 to ${LONGEST_TIMER_MS}`, lease)
  checkOption('longestRun', passes(longestRun, 1), `a number of milliseconds from 1 to ${LONGEST_TIMER_MS}`, longestRun)
  checkOption(
    'longestWait',
    passes(longestWait, 0),
    `a number of milliseconds from 0 to ${LONGEST_TIMER_MS}`,
    longestWait,
  )
}

const STATUSES: Record<InstanceStatus, true> = {
  running: true,
  waiting: true,
  completed: true,
  failed: true,
  cancelled: true,
  retrying: true,
  deleted: true,
}

export function checkQuery(query: { readonly [K in keyof InstanceQuery]?: unknown }): void {
  const { workflow, version, status, createdFrom, createdBefore, order, cursor } = query
  checkOption('workflow', workflow === undefined || typeof workflow === 'string', 'the name of a workflow', workflow)
  checkOption('version', version === undefined || Number.isSafeInteger(version), 'a whole number', version)
  const statuses: readonly unknown[] = status === undefined ? [] : Array.isArray(status) ? status : [status]
  for (const each of statuses) {
    const known = typeof each === 'string' && Object.hasOwn(STATUSES, each)
    checkOption('status', known, `one or several of ${Object.keys(STATUSES).join(', ')}`, each)
  }
  for (const [option, time] of Object.entries({ createdFrom, createdBefore })) {
    const passes = time === undefined || (typeof time === 'number' && !Number.isNaN(time))
    checkOption(option, passes, 'milliseconds since the epoch', time)
  }
  checkOption('order', order === undefined || order === 'oldest' || order === 'newest', "'oldest' or 'newest'", order)
  checkOption('cursor', cursor === undefined || typeof cursor === 'string', 'the `next` of an earlier page', cursor)
}

export function checkStore(store: unknown): void {
  const given = store as Partial<Record<keyof DataStore, unknown>> | null
  const missing = (
    [
      'read',
      'write',
      'append',
      'remove',
      'mail',
      'request',
      'claim',
      'list',
      'history',
      'prune',
      'meta',
      'setMeta',
      'listMeta',
      'close',
    ] as const
  ).filter((method) => typeof given?.[method] !== 'function')
  if (missing.length === 0 && typeof given?.capabilities === 'object' && given.capabilities !== null) return
  throw new PolarisError(
    'STORE_INVALID',
    `store must be a DataStore such as sqliteStore('app.db'), but is ${describeValue(store)}` +
      (missing.length === 0 ? ' without capabilities.' : ` without ${missing.join(', ')}.`),
  )
}

export function isObject(given: unknown): boolean {
  return typeof given === 'object' && given !== null
}
