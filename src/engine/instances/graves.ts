import { PolarisError } from '../../graph/errors.ts'
import { hash } from '../../graph/fingerprint.ts'
import type { Header } from '../../stores/contract.ts'
import { notFound } from '../refusals.ts'
import type { Expectation } from '../refusals.ts'

/** What tells that a call may come a second time. */
interface Late {
  readonly requestId: string | undefined
  /** It may, whatever else it says. */
  readonly late?: boolean
}

/**
 * What tombstones say they belong to: any worker may take them away, also one that does not serve the workflow. No
 * workflow can be named like this.
 */
export const GRAVES = { workflow: '', version: 0 } as const

/** By what a tombstone knows the request that began its instance. */
export function markOf(requestId: string): string {
  return hash(requestId)
}

/** Whether it was this request that began the instance of a tombstone: only that one could be handled with `expect: 'new'`. */
function hasBegun({ fingerprint }: Header, requestId: string): boolean {
  return fingerprint === markOf(requestId)
}

export function tombstoneOf(header: Header, now: number, keep: number, token: string, beginning: string): Header {
  return {
    ...header,
    ...GRAVES,
    ...{
      revision: header.revision + 1,
      // Of a tombstone: by which its instance was begun.
      fingerprint: beginning,
      status: 'deleted',
      holder: null,
      wakeAt: now + keep,
      token,
    },
    ...{ mailAppended: 0, mailHandled: 0, cancelling: 0, scope: 0, pass: 0, settled: 0, rows: 0, claims: 0 },
    ...{ createdAt: now, updatedAt: now },
  }
}

/**
 * Lets pass who begins anew on purpose under the id of an instance that was removed.
 *
 * @throws `INSTANCE_NOT_FOUND`, `INSTANCE_DELETED`
 */
export function checkGrave({ id, expect, resume, requestId, late }: Expectation & Late, grave: Header): void {
  if (expect === 'existing' || resume) throw notFound(id)
  if (late === true) throw new PolarisError('INSTANCE_DELETED', `'${id}' was removed a while ago.`)
  if (requestId === undefined) return
  if (expect === 'new') {
    if (!hasBegun(grave, requestId)) return
    throw new PolarisError(
      'INSTANCE_DELETED',
      `'${id}' was begun by request '${requestId}' and removed a while ago: a late duplicate does not begin it anew. To do so ` +
        'on purpose, call with another requestId.',
    )
  }
  throw new PolarisError(
    'INSTANCE_DELETED',
    `'${id}' was removed a while ago, and request '${requestId}' may be one that it had handled: a late duplicate does ` +
      "not begin it anew. To do so on purpose, call with expect: 'new' and another requestId, or without one.",
  )
}
