import { PolarisError } from '../graph/errors.ts'
import { listNames, textProblem } from '../graph/naming.ts'
import { durationText } from '../graph/duration.ts'
import type { Graph, Node, Slot } from '../graph/graph.ts'
import type { Header } from '../stores/contract.ts'
import { messageOf } from './failure.ts'
import type { Changed } from './versions/kept-graphs.ts'

/** What a call expects of the instance it names. */
export interface Expectation {
  readonly id: string
  readonly expect: 'new' | 'existing' | undefined
  readonly resume: boolean
}

/** @throws `INSTANCE_NOT_FOUND`, `INSTANCE_EXISTS`, `WORKFLOW_MISMATCH`, `CANCELLED` */
export function checkExpectation(
  { id, expect, resume }: Expectation,
  workflow: string,
  header: Header | undefined,
): void {
  if (header === undefined) {
    if (expect !== 'existing' && !resume) return
    throw notFound(id)
  }
  if (expect === 'new') {
    throw new PolarisError(
      'INSTANCE_EXISTS',
      `'${id}' exists already (workflow '${header.workflow}', ${header.status}).`,
    )
  }
  checkWorkflow(id, workflow, header)
  if (header.status === 'cancelled' || header.cancelling > 0) throw cancelledAlready(id)
}

/** @throws `WORKFLOW_MISMATCH` */
export function checkWorkflow(id: string, workflow: string, header: Header): void {
  if (header.workflow === workflow) return
  throw new PolarisError(
    'WORKFLOW_MISMATCH',
    `'${id}' belongs to workflow '${header.workflow}', not to '${workflow}': use another id.`,
  )
}

export function cancelledAlready(id: string): PolarisError {
  return new PolarisError('CANCELLED', `'${id}' was cancelled and takes no more data.`)
}

/** @throws `GRAPH_INVALID` for a workflow that only `compute` can run */
export function refuseTransientTarget(graph: Graph): void {
  for (const target of graph.targets) {
    const slot = graph.slots[target] as Slot
    if (!slot.transient) continue
    throw new PolarisError(
      'GRAPH_INVALID',
      `Target '${slot.name}' of workflow '${graph.name}' is transient, so no instance could keep it: ` +
        'use compute, or take it out of transients.',
    )
  }
}

export function badWorkflow(taker: string): PolarisError {
  return new PolarisError('WORKFLOW_NOT_FOUND', `${taker} takes workflows made by workflow({ … }).`)
}

/** @throws `GRAPH_INVALID` for a workflow that only an instance can run */
export function refuseTimers({ name, nodes, timers }: Graph): void {
  if (timers.length === 0) return
  throw new PolarisError(
    'GRAPH_INVALID',
    `Workflow '${name}' has ${listNames(timers.map((node) => (nodes[node] as Node).name))} go off later, and a compute leaves ` +
      'nothing behind that could: use an instance.',
  )
}

/** An instance has not reached a target in the time its workflow gives it. */
export function workflowTimeout(id: string, { name, timeout = 0 }: Graph): PolarisError {
  return new PolarisError(
    'WORKFLOW_TIMEOUT',
    `'${id}' has not reached a target of '${name}' within ${durationText(timeout)}. What was produced before is kept, and ` +
      'nothing more happens by itself; resume or new data go on from there, without a limit.',
  )
}

export function versionChanged({ id, workflow, version }: Header): PolarisError {
  return new PolarisError(
    'VERSION_CHANGED',
    `'${id}' was begun with another graph of version ${version} of workflow '${workflow}': ` +
      'give the changed workflow a new version, and register the old one beside it.',
  )
}

/** Graphs that changed without their version, while there are instances that depend on them. */
export function graphsChanged(changed: readonly Changed[]): PolarisError {
  const each = changed.map(
    ({ workflow, version, differences, id }) =>
      `version ${version} of workflow '${workflow}' has another graph than in the store, and open instances depend on that one` +
      `${id === '' ? '' : `, such as '${id}'`}: ${differences.join('; ')}`,
  )
  return new PolarisError(
    'VERSION_CHANGED',
    `Nothing was started: ${each.join('. And ')}. Give the changed workflow a new version, and register the old one beside ` +
      'it; in development, new Polaris({ acceptChanged: true }) has its instances go on with the changed graph.',
  )
}

/** @param subject what cannot move: an instance, mail */
export function migrationFailed(subject: string, to: Graph, problems: readonly string[]): PolarisError {
  return new PolarisError(
    'MIGRATION_FAILED',
    `${subject} cannot move to version ${to.version} of workflow '${to.name}': ${problems.join('; ')}.`,
  )
}

export function mailUnserved({ name, version }: Graph, of: number): PolarisError {
  return new PolarisError(
    'VERSION_NOT_SERVED',
    `It was fed to version ${of} of workflow '${name}', which nothing is known of here, and the instance runs on version ` +
      `${version}: register version ${of} too.`,
  )
}

export function leaseLost(id: string): PolarisError {
  return new PolarisError(
    'LEASE_LOST',
    `Another process changed '${id}' while this one worked on it. What this scope had not committed is gone; ` +
      'the instance stands as the other process left it. Call again to go on from there.',
  )
}

export function startInDoubt(id: string): PolarisError {
  return new PolarisError(
    'LEASE_LOST',
    `The store did not answer when this call began on '${id}', and another process has worked on it since: what was fed ` +
      'may be stored or not. Look at its history before feeding it again, or name a requestId: then sending again is safe.',
  )
}

export function crashLoop({ id, claims }: Header): PolarisError {
  return new PolarisError(
    'CRASH_LOOP',
    `'${id}' was taken up ${claims - 1} times, and each time the process ended before anything came of it. It is not taken up ` +
      'again by itself: find out what ends the process, then call resume.',
  )
}

export function requestConflict(id: string, requestId: string): PolarisError {
  return new PolarisError(
    'REQUEST_CONFLICT',
    `Request '${requestId}' on '${id}' came before with other content: use another requestId for another delta.`,
  )
}

export function transientMustWait(id: string, name: string): PolarisError {
  return new PolarisError(
    'TRANSIENT_NOT_STORED',
    `'${name}' is transient and so cannot wait in the mailbox of '${id}', which is being worked on: ` +
      'call again when it is at rest, or feed data that is stored.',
  )
}

export function overtaken(id: string): PolarisError {
  return new PolarisError(
    'LEASE_LOST',
    `Other processes keep changing '${id}': this call never got its turn, and nothing of it was stored.`,
  )
}

export function gaveUp(id: string, reason: unknown): PolarisError {
  return new PolarisError('ABORTED', `The caller gave up on '${id}' before anything was stored.`, { cause: reason })
}

export function callerGaveUp(id: string, reason: unknown): PolarisError {
  return new PolarisError(
    'ABORTED',
    `The caller gave up on '${id}': ${messageOf(reason)}. What was produced before is kept; resume goes on from there.`,
    { cause: reason },
  )
}

export function cancelledMeanwhile(id: string): PolarisError {
  return new PolarisError('CANCELLED', `'${id}' was cancelled. What was produced before is kept; nothing further runs.`)
}

/** @throws `INSTANCE_NOT_FOUND` */
export function notFound(id: string): PolarisError {
  return new PolarisError('INSTANCE_NOT_FOUND', `There is no instance '${id}'.`)
}

export function cancelledAsItWas(id: string): PolarisError {
  return new PolarisError(
    'CANCELLED',
    `'${id}' was cancelled before, without compensate: what it has done stands, and must be undone by hand.`,
  )
}

export function undoingFirst(id: string): PolarisError {
  return new PolarisError(
    'COMPENSATING',
    `What '${id}' has done is being undone, and that did not succeed yet. What was fed is kept; call resume once it has.`,
  )
}

export function noStore(): PolarisError {
  return new PolarisError(
    'STORE_INVALID',
    'This Polaris has no store: give it one, new Polaris({ store: sqliteStore(file) }), or use compute.',
  )
}

export function closed(): PolarisError {
  return new PolarisError('CLOSED', 'This Polaris was closed and takes no more calls.')
}

/** @throws `ID_INVALID` */
export function checkId(id: unknown): void {
  const problem = textProblem(id, 512)
  if (problem !== undefined) throw new PolarisError('ID_INVALID', `A workflow id ${problem}.`)
}

/** @throws `OPTION_INVALID` */
export function checkRequestId(requestId: unknown): void {
  const problem = textProblem(requestId, 512)
  if (problem !== undefined) throw new PolarisError('OPTION_INVALID', `A requestId ${problem}.`)
}
