import { PolarisError } from '../../graph/errors.ts'
import type { Graph } from '../../graph/graph.ts'
import { checkOption, checkOptions, listNames } from '../../graph/naming.ts'
import type { Row } from '../../stores/contract.ts'
import { CANCELLED, RERUN, RESTART } from '../state/program.ts'
import { callerRow } from '../state/rows.ts'
import type { State } from '../state/state.ts'

/** What a call asks for besides feeding data (rule 24). It travels through the mailbox like a delta. */
export type Operation =
  | { readonly kind: 'restart'; readonly reason?: string }
  | { readonly kind: 'rerun'; readonly builder: string; readonly reason?: string }
  | { readonly kind: 'cancel'; readonly reason?: string; readonly compensate?: boolean }

/** Why somebody asks for an operation: kept in the history. Who: `executor.with({ meta })`. */
export interface WithReason {
  /** At most 1,000 characters. */
  readonly reason?: string
}

/** For operations that no executor stands behind. */
export interface Asked extends WithReason {
  /** Who, within which trace: small plain JSON that the history keeps. */
  readonly meta?: Readonly<Record<string, unknown>>
}

/** How {@link Polaris.cancel} ends an instance. */
export interface CancelOptions extends Asked {
  /** Undo what builders with `compensate` have done. Default: false. */
  readonly compensate?: boolean
}

const LONGEST_REASON = 1_000

/** @throws `OPTION_INVALID` */
export function checkReason(what: string, options: WithReason): WithReason {
  checkOptions(what, options, ['reason'])
  const { reason } = options
  if (reason === undefined) return {}
  const passes = typeof reason === 'string' && reason.length <= LONGEST_REASON
  checkOption('reason', passes, `a text of at most ${LONGEST_REASON} characters`, reason)
  return { reason }
}

/** What an operation is refused for, before anything is stored or when it is handled; `undefined` if for nothing. */
export function operationProblem(graph: Graph, operation: Operation): PolarisError | undefined {
  if (operation.kind !== 'rerun') return undefined
  const builders = graph.nodes.filter(({ timer }) => timer === undefined)
  if (builders.some(({ name }) => name === operation.builder)) return undefined
  const timer = graph.nodeOf.has(operation.builder) ? ', but a timer of that name, which a new datum sets anew' : ''
  return new PolarisError(
    'BUILDER_UNKNOWN',
    `Version ${graph.version} of workflow '${graph.name}' has no builder '${operation.builder}'${timer}. ` +
      `It has ${listNames(builders.map(({ name }) => name))}.`,
  )
}

/** Takes an operation into the state; returns its row. */
export function operate(state: State, scope: number, now: number, operation: Operation): Row {
  const { kind, reason } = operation
  const note = reason === undefined ? null : { because: reason }
  const fields = { data: null, outcome: kind === 'cancel' ? 'cancelled' : kind, value: undefined, note } as const
  if (kind === 'cancel') return callerRow(state, scope, now, { place: CANCELLED, ...fields })
  if (kind === 'restart') return (state.restarted = callerRow(state, scope, now, { place: RESTART, ...fields }))
  const { builder } = operation
  const row = callerRow(state, scope, now, { place: RERUN + builder, ...fields }, builder)
  state.noteRerun(row)
  return row
}
