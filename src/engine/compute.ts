import type { Datum } from '../graph/data.ts'
import { PolarisError } from '../graph/errors.ts'
import type { AnyWorkflow } from '../graph/workflow.ts'
import { isThenable } from './awaitable.ts'
import { NO_META } from './context.ts'
import { answerOf, endingOf } from './ending.ts'
import type { Hooks } from './hooks.ts'
import { acceptDelta } from './intake.ts'
import type { Registry } from './registry.ts'
import { ScopeResult } from './result.ts'
import { feed } from './rows.ts'
import { Scope } from './scope.ts'
import { ScopeRun } from './scope-run.ts'
import { State } from './state.ts'

export interface Computation {
  readonly host: { readonly registry: Registry; ids(): string }
  readonly workflow: AnyWorkflow | string
  readonly delta: readonly Datum[]
  readonly hooks: Hooks
  readonly limit: number
  readonly meta: Readonly<Record<string, unknown>> | undefined
  readonly signal: AbortSignal | undefined
}

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
    leases: undefined,
  })
  const running = run.run()
  if (isThenable(running)) await running
  const { slots, values } = run.recorder
  const { status, target } = endingOf(run, scope)
  return answerOf(run, new ScopeResult({ id, scope: 1, state, slots, values, status, target, lost: undefined }))
}
