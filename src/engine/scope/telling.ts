/** What telemetry is told of a scope and its builders. */
import type { Graph, Node } from '../../graph/graph.ts'
import type { Failure } from '../failure.ts'
import type { ScopeRunFacts } from './scope-facts.ts'
import type { Scope } from './scope.ts'
import { hookInfo } from './shown.ts'
import { Told } from './telemetry.ts'
import type { BuilderEnded } from './telemetry.ts'
import type { Work } from './work.ts'

export function toldOf({ hooks, id, meta, scope, mode, delta, waited }: ScopeRunFacts): Told<Work> | undefined {
  const { telemetry } = hooks
  if (telemetry === undefined) return undefined
  return Told.of<Work>(telemetry, () => ({
    ...hookInfo({ id, meta, scope }, mode),
    delta: delta.map(({ name }) => name),
    ...(waited !== undefined && { waited }),
  }))
}

export function callTold(told: Told<Work>, { graph, pass }: Scope, work: Work): unknown {
  const { builder } = work.node
  const started = () => ({ builder, pass, attempt: work.attempt, sensitive: isInitiated(graph, work.node) })
  return told.call(work, started, () => builder.process(work.input, work))
}

export function failureTold({ code, cause, message }: Failure): BuilderEnded {
  return { outcome: 'failed', code, error: cause ?? new Error(message) }
}

/** Whether a builder reads or makes sensitive data. */
function isInitiated({ slots }: Graph, { inputs, out }: Node): boolean {
  return [out, ...inputs.map(({ slot }) => slot)].some((slot) => slots[slot]?.data.sensitive === true)
}
