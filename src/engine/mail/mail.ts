import { createHash } from 'node:crypto'
import type { Crossing } from '../../graph/crossing.ts'
import { FedDatum } from '../../graph/data.ts'
import type { Datum } from '../../graph/data.ts'
import { DataError, PolarisError } from '../../graph/errors.ts'
import type { ErrorCode } from '../../graph/errors.ts'
import { decode, encode, EncodingRefused } from '../../stores/codec.ts'
import { canonicalText } from '../values/canonical.ts'
import { carry } from '../versions/carry.ts'
import { WITHHELD } from '../failure.ts'
import { freezeDeep } from '../values/freeze.ts'
import type { AcceptedDatum, Form } from '../values/intake.ts'
import { operationProblem } from '../instances/operation.ts'
import type { Operation } from '../instances/operation.ts'
import { programOf } from '../state/program.ts'
import type { Intake, Program } from '../state/program.ts'
import { migrationFailed } from '../refusals.ts'
import type { Served } from '../instances/registry.ts'
import { callerRow } from '../state/rows.ts'
import { State } from '../state/state.ts'

type Meta = Readonly<Record<string, unknown>>

/** What a mail's body holds. */
export interface Body {
  /** Version and fingerprint of the graph that the delta was checked against. */
  readonly as?: readonly [number, string]
  /** Names and values, in the form the store keeps; where a datum is about one of another data, `seq` of that. */
  readonly delta: readonly (readonly [string, unknown] | readonly [string, unknown, number])[]
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

/** The graph that a delta was checked against. */
type CheckedBy = Pick<Served, 'workflow'>

export function bodyOf(
  { workflow: { version, plan } }: CheckedBy,
  delta: readonly AcceptedDatum[],
  meta: Meta | undefined,
  operation: Operation | undefined,
  form: Form,
): unknown {
  const body: Body = {
    as: [version, plan.fingerprint],
    delta: delta.map(({ intake: { slot }, stored, about }) =>
      about === undefined ? [slot.name, stored] : [slot.name, stored, about],
    ),
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

/** A mail's body as it is stored, and the graph that its delta was checked against. */
export function readBody(body: unknown, form: Form): Body {
  return (form === 'text' ? JSON.parse(body as string) : body) as Body
}

/** Whether a delta was checked against this very graph. */
export function isAs({ as }: Body, { workflow: { version, plan } }: CheckedBy): boolean {
  return as === undefined || (as[0] === version && as[1] === plan.fingerprint)
}

/** A mail's body as a delta that this version accepted, or why it cannot take it. */
export function openBody({ graph, intakes }: Program, body: Body, form: Form): Opened | PolarisError {
  const { delta, meta, operation } = body
  const accepted: AcceptedDatum[] = []
  for (const [name, stored, about] of delta) {
    const intake = intakes[graph.slotOf.get(name) ?? -1]
    if (intake === undefined) {
      const message = `'${name}' was fed to workflow '${graph.name}', whose version ${graph.version} has no such data.`
      return new PolarisError('DATA_UNKNOWN', message)
    }
    const value = form === 'text' ? decode(stored as string) : stored
    accepted.push({ intake, value, stored, bytes: freezeDeep(value), ...(intake.slot.about >= 0 && { about }) })
  }
  if (meta !== undefined) freezeDeep(meta)
  const problem = operation && operationProblem(graph, operation)
  return problem ?? { accepted, meta, operation }
}

/** A mail's body that was checked against another version, as this one has it, or why it cannot. */
export async function crossBody(crossing: Crossing, body: Body, form: Form): Promise<Opened | PolarisError> {
  const { delta, meta, operation: asked } = body
  const { from, to, origins } = crossing
  const state = new State(from)
  const data = delta.map(([name, stored, about]) => {
    const value = form === 'text' ? decode(stored as string) : stored
    freezeDeep(value)
    const note = about === undefined ? null : { about }
    const fields = { place: '', data: name, outcome: 'fed', value: stored, note } as const
    return { name, value, row: callerRow(state, 0, 0, fields) }
  })
  const { placed, strandings, dropped } = await carry(crossing, data, form)
  const lost = dropped.map((name) => `'${name}' goes with version ${to.version}`)
  const problems = [...strandings.map(({ message }) => message), ...lost]
  if (problems.length > 0) return migrationFailed(`Mail of version ${from.version}`, to, problems)
  const renamed = asked?.kind === 'rerun' ? to.nodes[origins.indexOf(from.nodeOf.get(asked.builder) ?? -2)] : undefined
  const operation = asked?.kind === 'rerun' && renamed !== undefined ? { ...asked, builder: renamed.name } : asked
  const problem = operation && operationProblem(to, operation)
  if (problem !== undefined) return problem
  const { intakes } = programOf(to)
  const accepted = Array.from(placed, ([slot, { value, stored, bytes, same, origin }]) => {
    const kept = same && form === 'text' ? encode(value) : same ? value : stored
    const about = (to.slots[slot]?.about ?? -1) < 0 ? undefined : origin.note?.about
    return { intake: intakes[slot] as Intake, value, stored: kept, bytes: bytes || freezeDeep(value), about }
  })
  if (meta !== undefined) freezeDeep(meta)
  return { accepted, meta, operation }
}

/**
 * Of what the caller handed over, before any schema saw it: a default such as the time of day must not make the same
 * request another one (P14). The order of data and of members does not count.
 *
 * @throws `DATA_INVALID` for values that cannot be compared with those of a later process
 */
export function hashOf(delta: readonly Datum[], operation?: Operation): string {
  const parts = delta.map((datum) => [datum.name, canonical(datum) + aboutText(datum)] as const)
  parts.sort(([a], [b]) => (a < b ? -1 : 1))
  // No data is named like this: names have no control characters.
  if (operation !== undefined) parts.push(['\n', JSON.stringify(operation)])
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

/** No canonical text has a line break outside of quotes. */
function aboutText(datum: Datum): string {
  return datum instanceof FedDatum && datum.about !== undefined ? `\nabout ${JSON.stringify(datum.about)}` : ''
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
