import type { Datum } from '../graph/data.ts'
import { PolarisError } from '../graph/errors.ts'
import type { AnyWorkflow } from '../graph/workflow.ts'
import { isThenable } from './awaitable.ts'
import { BuilderError } from './builder-error.ts'
import type { Hooks } from './hooks.ts'
import { acceptDelta } from './intake.ts'
import type { Registry } from './registry.ts'
import { ScopeResult } from './result.ts'
import { feed } from './rows.ts'
import { Scope } from './scope.ts'
import { abortedError, ScopeRun } from './scope-run.ts'
import { State } from './state.ts'
import { completedTarget } from './verdict.ts'

export interface Computation {
  readonly host: { readonly registry: Registry; ids(): string }
  readonly workflow: AnyWorkflow | string
  readonly delta: readonly Datum[]
  readonly hooks: Hooks
  readonly limit: number
  readonly meta: Readonly<Record<string, unknown>> | undefined
  readonly signal: AbortSignal | undefined
}

const NO_META: Readonly<Record<string, unknown>> = Object.freeze({})

/** Runs one scope on a data set of its own, which is gone afterwards. */
export async function compute({
  host,
  workflow,
  delta,
  hooks,
  limit,
  meta,
  signal,
}: Computation): Promise<ScopeResult> {
  const served = host.registry.find(workflow)
  const { program } = served
  const checked = acceptDelta(program, delta, 'live')
  const accepted = isThenable(checked) ? await checked : checked
  const id = host.ids()
  if (signal?.aborted === true) {
    throw new PolarisError('ABORTED', 'The caller gave up before anything ran.', { cause: signal.reason })
  }
  const state = new State(program.graph)
  for (const datum of accepted) feed(state, 1, 0, datum)
  const scope = new Scope(state, 1)
  scope.begin()
  const run = new ScopeRun({
    program,
    scope,
    mode: 'parallel',
    limit,
    hooks,
    delta,
    id,
    incarnation: id,
    meta: meta ?? NO_META,
    signal,
    servicesOf: served.servicesOf,
    form: 'live',
    journal: undefined,
    clock: undefined,
  })
  const running = run.run()
  if (isThenable(running)) await running
  return conclude(run, scope)
}

function conclude(run: ScopeRun, scope: Scope): ScopeResult {
  const { failure, aborted, id, recorder } = run
  const { state } = scope
  const failed = failure !== undefined || aborted !== undefined
  const target = failed ? undefined : completedTarget(state, 1, scope.ran)
  const status = failed ? 'failed' : target === undefined ? 'waiting' : 'completed'
  const result = new ScopeResult({
    id,
    scope: 1,
    state,
    slots: recorder.slots,
    values: recorder.values,
    status,
    target,
    lost: undefined,
  })
  if (failure !== undefined) {
    const { code, node, cause, message } = failure
    throw new BuilderError(code, message, { builder: node.name, id, result, cause })
  }
  if (aborted !== undefined) throw abortedError(id, aborted.reason)
  return result
}
