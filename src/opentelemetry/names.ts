/** Names of attributes. There are no semantic conventions for workflows; `error.type` is one of theirs. */
import type { Attributes } from '@opentelemetry/api'
import type { BuilderEnded, ScopeBegun, ScopeEnded } from '../index.ts'
import { BuilderError, isPolarisError } from '../index.ts'

export const SCOPE = 'polaris-workflow'

export function workflowAttributes({ workflow, version }: Pick<ScopeBegun, 'workflow' | 'version'>): Attributes {
  return { 'polaris.workflow.name': workflow, 'polaris.workflow.version': version }
}

/** What a scope ended with, in one word. */
export function statusOf({ status, error }: ScopeEnded): string {
  return status ?? (error === undefined ? 'ended' : 'failed')
}

/** A word of few for an error, never its message. */
export function errorType({ code, error }: Pick<BuilderEnded, 'code' | 'error'>): string {
  if (isPolarisError(error)) return error.code
  // A timeout or a refused product says more by its code than by the error that was made for it.
  if (code !== undefined && code !== 'BUILDER_FAILED') return code
  return error instanceof Error ? error.name : (code ?? '_OTHER')
}

export function failedBuilder(error: unknown): string | undefined {
  return error instanceof BuilderError ? error.builder : undefined
}
