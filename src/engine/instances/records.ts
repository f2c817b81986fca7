/** The records that a scope leaves besides its rows, as plain data. */
import type { Handled, Header, Mail, Mode } from '../../stores/contract.ts'
import type { Origin } from './opening.ts'
import type { Ending } from '../scope/ending.ts'
import { writeOutcome } from '../mail/mail.ts'
import type { Outcome } from '../mail/mail.ts'
import type { Served } from './registry.ts'
import type { Scope } from '../scope/scope.ts'
import type { ScopeRun } from '../scope/scope-run.ts'

/** The header of an instance that does not exist yet. */
export function draftOf(id: string, { program, workflow }: Served, incarnation: string, now: number): Header {
  return {
    id,
    incarnation,
    revision: 0,
    fence: 0,
    workflow: program.graph.name,
    version: program.graph.version,
    fingerprint: workflow.plan.fingerprint,
    status: 'waiting',
    holder: null,
    wakeAt: null,
    mailAppended: 0,
    mailHandled: 0,
    cancelling: 0,
    scope: 0,
    pass: 0,
    mode: 'sequential',
    settled: 0,
    rows: 0,
    claims: 0,
    token: '',
    createdAt: now,
    updatedAt: now,
  }
}

/** The record of a direct call that named its request. */
export function recordOf(origin: Origin, seq: number, mode: Mode, appendedAt: number): Mail | undefined {
  if (origin.seq !== undefined || origin.request === undefined) return undefined
  return { ...origin.request, seq, mode, body: undefined, outcome: null, appendedAt, handledAt: null }
}

export function handledBy(seq: number, at: number, outcome: Outcome): Handled {
  return { seq, at, outcome: writeOutcome(outcome) }
}

/** What a later caller is told about a scope, who finds its rows in the store. */
export function outcomeOf(run: ScopeRun, { graph }: Scope, { status, target }: Ending): Outcome {
  const { failure, aborted } = run
  const name = target === undefined ? undefined : graph.slots[target]?.name
  if (failure !== undefined) {
    const { code, message, node } = failure
    return { status, error: { code, message, builder: node.name } }
  }
  if (aborted !== undefined) {
    const { code, message } = aborted
    return { status, error: { code, message } }
  }
  return { status, ...(name !== undefined && { target: name }) }
}
