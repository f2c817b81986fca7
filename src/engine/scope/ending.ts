import { BuilderError } from './builder-error.ts'
import type { ScopeFacts, ScopeResult } from './result.ts'
import type { Scope } from './scope.ts'
import type { ScopeRun } from './scope-run.ts'
import { completedTarget } from './verdict.ts'

/** What a scope that has ended leaves its instance as. */
export type Ending = Pick<ScopeFacts, 'status' | 'target'>

/** What the data set of a scope that has ended comes to. A scope cut short is failed, whatever the target looks like. */
export function endingOf({ failed, parked }: ScopeRun, { state, number, ran }: Scope): Ending {
  if (failed) return { status: 'failed', target: undefined }
  if (parked) return { status: 'retrying', target: undefined }
  const target = completedTarget(state, number, ran)
  return { status: target === undefined ? 'waiting' : 'completed', target }
}

/** @throws what the call rejects with, where the scope was cut short */
export function answerOf({ failure, aborted, id }: ScopeRun, result: ScopeResult): ScopeResult {
  if (failure !== undefined) {
    const { code, node, cause, message } = failure
    throw new BuilderError(code, message, { builder: node.name, id, result, cause })
  }
  if (aborted !== undefined) throw aborted
  return result
}
