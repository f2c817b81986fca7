import { FedDatum } from '../../graph/data.ts'
import type { Datum } from '../../graph/data.ts'
import type { AnyWorkflow } from '../../graph/workflow.ts'
import type { Append, Change, Header, Mail, Mode } from '../../stores/contract.ts'
import { expectedOf } from '../commit/journal.ts'
import { hashOf } from '../mail/mail.ts'
import type { Answer } from '../mail/mailbox.ts'
import { requestConflict } from '../refusals.ts'
import type { Watching } from '../scope/hooks.ts'
import type { ScopeResult } from '../scope/result.ts'
import type { Operation } from './operation.ts'
import type { Served } from './registry.ts'

/** What one call on an instance wants. */
export interface Call {
  readonly workflow: AnyWorkflow | string
  readonly id: string
  readonly delta: readonly Datum[]
  readonly mode: Mode
  readonly limit: number
  readonly hooks: Watching
  /** Goes on with what is there: refused for an instance that does not exist, and content with an interrupted scope. */
  readonly resume: boolean
  readonly operation: Operation | undefined
  readonly expect: 'new' | 'existing' | undefined
  readonly requestId: string | undefined
  /** The version that it begins on, if it does not exist yet. */
  readonly version: number | undefined
  readonly meta: Readonly<Record<string, unknown>> | undefined
  readonly signal: AbortSignal | undefined
  /** Waits in the mailbox even if the instance seems to be at rest. */
  readonly queues?: boolean
  /** Never begins anew where an instance of this id was removed, also with `expect: 'new'`: it may be late by days. */
  readonly late?: boolean
  /** What is left of an instance of this id that was removed: the new one takes its place with its first commit. */
  readonly grave?: Header
}

/** A delta that is durable, and will be handled by whoever works on the instance. */
export interface Submitted {
  readonly id: string
  /** The number of the scope it gets. */
  readonly scope: number
}

/** A delta in the mailbox whose scope has to be waited for. */
export interface Waiting extends Submitted {
  readonly requestId: string
}

/** So often may another process get in between a read and the first commit before the call gives up. */
export const ATTEMPTS = 20
/** So often before it goes to the mailbox instead. */
const DIRECT_ATTEMPTS = 3

/** Whether it brings something that is about other data. */
export function isRegarding({ delta }: Pick<Call, 'delta'>): boolean {
  return delta.some((datum) => datum instanceof FedDatum && datum.data.about !== undefined)
}

/** A process with one call after another on an instance is always faster than one that has to read it first. */
export function hurried(call: Call, attempt: number): Call {
  const mayWait = attempt > DIRECT_ATTEMPTS && attempt < ATTEMPTS
  return mayWait ? { ...call, queues: true } : call
}

/** The same request came before: what there is to wait for. Throws `REQUEST_CONFLICT`. */
export function sameRequest({ id, requestId, delta, operation }: Call, { hash, seq, requestId: name }: Mail): Waiting {
  if (requestId !== undefined && hash !== hashOf(delta, operation)) throw requestConflict(id, requestId)
  return { id, scope: seq, requestId: name }
}

/** An append that begins anew in the place of a tombstone, in one step: else a late duplicate might get in between. */
export function anew({ header, mail }: Append, grave: Header): Change {
  return {
    expected: expectedOf(grave, true),
    header: { ...header, revision: 1, mailAppended: 1, mailHandled: 0, holder: null, wakeAt: mail.appendedAt },
    rows: [],
    mail: { ...mail, seq: 1, outcome: null, handledAt: null },
  }
}

/** What a delta for an instance is checked against. */
export function asItIs({ served }: { readonly served: Served }): Served {
  return served.instead ?? served
}

export function unpack(answer: Answer): ScopeResult {
  if ('error' in answer) throw answer.error
  return answer.result
}
