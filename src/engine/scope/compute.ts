import type { Datum } from '../../graph/data.ts'
import { PolarisError } from '../../graph/errors.ts'
import type { AnyWorkflow } from '../../graph/workflow.ts'
import { isThenable, rejected } from '../awaitable.ts'
import type { Endurance } from './care.ts'
import { NO_META } from '../values/meta.ts'
import { bindDelta } from '../state/about.ts'
import type { Moment } from '../state/datum-row.ts'
import { answerOf, endingOf } from './ending.ts'
import type { Watching } from './hooks.ts'
import { acceptDelta } from '../values/intake.ts'
import type { AcceptedDatum } from '../values/intake.ts'
import { refuseTimers } from '../refusals.ts'
import type { Awaitable } from '../../stores/contract.ts'
import type { Registry, Served } from '../instances/registry.ts'
import { ScopeResult } from './result.ts'
import { feed } from '../state/rows.ts'
import { Scope } from './scope.ts'
import { ScopeRun } from './scope-run.ts'
import { State } from '../state/state.ts'

export interface Computation {
  readonly host: { readonly registry: Registry; readonly endurance: Endurance; ids(): string }
  readonly workflow: AnyWorkflow | string
  readonly delta: readonly Datum[]
  readonly hooks: Watching
  readonly limit: number
  readonly version: number | undefined
  readonly meta: Readonly<Record<string, unknown>> | undefined
  readonly signal: AbortSignal | undefined
}

/** Nobody will ask when. */
const AT: Moment = { scope: 1, pass: 1, startedAt: 0, took: 0 }

/**
 * Runs one scope on a data set of its own, which is gone afterwards. Not an async function: its frame and its promise took a
 * tenth of a scope.
 */
export function compute(asked: Computation): Promise<ScopeResult> {
  try {
    const served = servedFor(asked)
    const { program } = served
    refuseTimers(program.graph)
    const checked = acceptDelta(program, asked.delta, 'live')
    if (isThenable(checked)) return Promise.resolve(checked).then((accepted) => runOn(asked, served, accepted))
    return Promise.resolve(runOn(asked, served, checked))
  } catch (error) {
    return rejected(error)
  }
}

function runOn(asked: Computation, served: Served, accepted: readonly AcceptedDatum[]): Awaitable<ScopeResult> {
  const run = begin(asked, served, accepted)
  return run.run({ waits: nothingElse, ended: () => conclude(run), broken: fail })
}

function nothingElse(): void {}

function fail(error: unknown): never {
  throw error
}

function servedFor({ host: { registry }, workflow, version }: Computation): Served {
  const newest = registry.find(workflow)
  return version === undefined ? newest : registry.asked(newest.program.graph.name, version)
}

function begin(asked: Computation, served: Served, accepted: readonly AcceptedDatum[]): ScopeRun {
  const { host, delta, hooks, limit, meta = NO_META, signal } = asked
  if (signal?.aborted === true) {
    throw new PolarisError('ABORTED', 'The caller gave up before anything ran.', { cause: signal.reason })
  }
  const { program, servicesOf } = served
  const state = new State(program.graph)
  for (const datum of bindDelta(state, 'a compute', accepted)) feed(state, AT, datum, true)
  const scope = new Scope(state, 1)
  scope.begin()
  const id = host.ids()
  return new ScopeRun({
    program,
    scope,
    mode: 'parallel',
    limit,
    hooks,
    delta,
    id,
    incarnation: id,
    meta,
    signal,
    servicesOf,
    form: 'live',
    journal: undefined,
    clock: undefined,
    startedAt: 0,
    leases: undefined,
    patience: 0,
    endurance: host.endurance,
  })
}

function conclude(run: ScopeRun): ScopeResult {
  const { id, scope, recorder } = run
  const { state } = scope
  const { slots } = recorder
  const { status, target } = endingOf(run, scope)
  scope.release()
  return answerOf(run, new ScopeResult({ id, scope: 1, state, slots, status, target, lost: undefined }))
}
