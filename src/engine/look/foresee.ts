import type { Graph, Node } from '../../graph/graph.ts'
import { checkOption } from '../../graph/naming.ts'
import type { Row, Snapshot } from '../../stores/contract.ts'
import { operate, operationProblem } from '../instances/operation.ts'
import { cancelledAlready } from '../refusals.ts'
import { candidates, runnable } from '../scope/candidates.ts'
import { isFed } from '../state/standing.ts'
import { loadState } from '../state/loading.ts'
import { reachedFrom } from '../versions/preview.ts'

/** What may be asked for, to see ahead what it would run. */
export type Intent = 'resume' | 'restart' | { readonly rerun: string }

/** What an operation would run. */
export interface Foresight {
  readonly id: string
  readonly workflow: string
  readonly version: number
  /** Builders that would run at once. */
  readonly due: readonly string[]
  /** Those, and all that would or could run after them. */
  readonly wouldRun: readonly string[]
}

/** @throws `OPTION_INVALID` */
export function checkIntent(intent: unknown): void {
  const named = typeof intent === 'object' && intent !== null && Object.keys(intent).join() === 'rerun'
  const builder = named ? (intent as { readonly rerun: unknown }).rerun : undefined
  const passes = intent === 'resume' || intent === 'restart' || typeof builder === 'string'
  checkOption('intent', passes, "'resume', 'restart' or { rerun: 'the name of a builder' }", intent)
}

/**
 * What an operation would run on an instance as it stands. Nothing is run and nothing is stored.
 *
 * @throws `BUILDER_UNKNOWN`, `CANCELLED`
 */
export function foresee(
  graph: Graph,
  { header, rows }: Snapshot,
  intent: Intent,
  decode: (stored: unknown) => unknown,
): Foresight {
  const { id, workflow, version } = header
  if (header.status === 'cancelled' || header.cancelling > 0) throw cancelledAlready(id)
  const operation =
    intent === 'resume'
      ? undefined
      : intent === 'restart'
        ? ({ kind: 'restart' } as const)
        : ({ kind: 'rerun', builder: intent.rerun } as const)
  const problem = operation && operationProblem(graph, operation)
  if (problem !== undefined) throw problem
  const scope = header.mailAppended + 1
  const standing: readonly Row[] = intent === 'restart' ? rows.filter(isFed) : rows
  const state = loadState(graph, intent === 'restart' ? 0 : header.settled, standing, decode)
  state.newest = header.rows
  if (operation !== undefined) operate(state, scope, header.updatedAt, operation)
  const due = runnable(state, candidates(state, scope)).map(({ name }: Node) => name)
  return { id, workflow, version, due, wouldRun: reachedFrom(state, due) }
}
