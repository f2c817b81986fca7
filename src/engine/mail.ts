import { createHash } from 'node:crypto'
import { FedDatum } from '../graph/data.ts'
import type { Datum } from '../graph/data.ts'
import { DataError, PolarisError } from '../graph/errors.ts'
import type { ErrorCode } from '../graph/errors.ts'
import { decode, EncodingRefused } from '../stores/codec.ts'
import { canonicalText } from './canonical.ts'
import { WITHHELD } from './failure.ts'
import { freezeDeep } from './freeze.ts'
import type { AcceptedDatum, Form } from './intake.ts'
import { operationProblem } from './operation.ts'
import type { Operation } from './operation.ts'
import type { Program } from './program.ts'

type Meta = Readonly<Record<string, unknown>>

/** What a mail's body holds. */
interface Body {
  /** Names and values, in the form the store keeps. */
  readonly delta: readonly (readonly [string, unknown])[]
  readonly meta?: Meta
  readonly operation?: Operation
}

/** What is left of a scope besides its rows: what its caller is told, also much later and elsewhere. */
export interface Outcome {
  readonly status: 'completed' | 'waiting' | 'failed' | 'cancelled' | 'retrying'
  readonly target?: string
  /** What the call rejects with. `builder`: as a `BuilderError`. */
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly builder?: string }
}

export function bodyOf(
  delta: readonly AcceptedDatum[],
  meta: Meta | undefined,
  operation: Operation | undefined,
  form: Form,
): unknown {
  const body: Body = {
    delta: delta.map(({ intake, stored }) => [intake.slot.name, stored]),
    ...(meta !== undefined && { meta }),
    ...(operation !== undefined && { operation }),
  }
  return form === 'text' ? JSON.stringify(body) : body
}

export interface Opened {
  readonly accepted: readonly AcceptedDatum[]
  readonly meta: Meta | undefined
  readonly operation: Operation | undefined
}

/** A mail's body as a delta that was accepted before, or why the workflow's version cannot take it. */
export function openBody({ graph, intakes }: Program, body: unknown, form: Form): Opened | PolarisError {
  const { delta, meta, operation } = (form === 'text' ? JSON.parse(body as string) : body) as Body
  const accepted: AcceptedDatum[] = []
  for (const [name, stored] of delta) {
    const intake = intakes[graph.slotOf.get(name) ?? -1]
    if (intake === undefined) {
      const message = `'${name}' was fed to workflow '${graph.name}', whose version ${graph.version} has no such data.`
      return new PolarisError('DATA_UNKNOWN', message)
    }
    const value = form === 'text' ? decode(stored as string) : stored
    accepted.push({ intake, value, stored, bytes: freezeDeep(value) })
  }
  if (meta !== undefined) freezeDeep(meta)
  const problem = operation && operationProblem(graph, operation)
  return problem ?? { accepted, meta, operation }
}

/**
 * Of what the caller handed over, before any schema saw it: a default such as the time of day must not make the same
 * request another one (P14). The order of data and of members does not count.
 *
 * @throws `DATA_INVALID` for values that cannot be compared with those of a later process
 */
export function hashOf(delta: readonly Datum[], operation?: Operation): string {
  const parts = delta.map((datum) => [datum.name, canonical(datum)] as const)
  parts.sort(([a], [b]) => (a < b ? -1 : 1))
  // No data is named like this: names have no control characters.
  if (operation !== undefined) parts.push(['\n', JSON.stringify(operation)])
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

function canonical(datum: Datum): string {
  const { name, value } = datum
  try {
    return canonicalText(value)
  } catch (error) {
    if (!(error instanceof EncodingRefused)) throw error
    if (datum instanceof FedDatum && datum.data.sensitive) throw new DataError(name, WITHHELD)
    throw new DataError(name, error.issues, { cause: error })
  }
}

export function writeOutcome(outcome: Outcome): string {
  return JSON.stringify(outcome)
}

export function readOutcome(text: string): Outcome {
  return JSON.parse(text) as Outcome
}
