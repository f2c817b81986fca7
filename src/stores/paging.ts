/** What stores share to answer `list` and `history` page by page. */
import { describeValue, PolarisError } from '../graph/errors.ts'
import type { Header, InstanceStatus, ListQuery } from './contract.ts'

/** A position in the order of a list: behind this instance. */
export interface Position {
  readonly createdAt: number
  readonly id: string
}

export function writeCursor({ createdAt, id }: Position): string {
  return `${createdAt}:${id}`
}

/** @throws `OPTION_INVALID` for a text that no page carried as `next`. */
export function readCursor(cursor: string): Position {
  const colon = cursor.indexOf(':')
  const createdAt = Number(cursor.slice(0, colon))
  const id = cursor.slice(colon + 1)
  if (colon > 0 && id !== '' && Number.isFinite(createdAt)) return { createdAt, id }
  throw new PolarisError('OPTION_INVALID', `A cursor is the \`next\` of an earlier page; got ${describeValue(cursor)}.`)
}

/** The order of code points, that of UTF-8, which differs from that of JavaScript behind U+D7FF. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index += 1) {
    const x = a.charCodeAt(index)
    const y = b.charCodeAt(index)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Surrogates stand for what comes behind all else. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

/** @throws `OPTION_INVALID` for a limit that is no positive integer. */
export function checkLimit(limit: number): void {
  if (Number.isSafeInteger(limit) && limit > 0) return
  throw new PolarisError('OPTION_INVALID', `A limit is a whole number from 1; got ${describeValue(limit)}.`)
}

/** What a query that names no status asks for: all but tombstones. */
export const LISTED: readonly InstanceStatus[] = ['running', 'waiting', 'completed', 'failed', 'cancelled', 'retrying']

/** The statuses a query asks for, each once; `undefined` for {@link LISTED}. */
export function statusesOf({ status }: ListQuery): readonly InstanceStatus[] | undefined {
  if (status === undefined) return undefined
  return typeof status === 'string' ? [status] : [...new Set(status)]
}

/** Whether a header is one that the query asks for, wherever its page begins. */
export function matcherOf(query: ListQuery): (header: Header) => boolean {
  const { workflow, version, createdFrom = -Infinity, createdBefore = Infinity } = query
  const statuses = statusesOf(query)
  return (header) =>
    (workflow === undefined || header.workflow === workflow) &&
    (version === undefined || header.version === version) &&
    (statuses === undefined ? header.status !== 'deleted' : statuses.includes(header.status)) &&
    header.createdAt >= createdFrom &&
    header.createdAt < createdBefore
}
