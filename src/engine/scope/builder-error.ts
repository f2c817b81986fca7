import { PolarisError } from '../../graph/errors.ts'
import type { AnyData } from '../../graph/data.ts'
import type { Failure } from '../failure.ts'
import type { Open, ScopeResult } from './result.ts'

/** What a call rejects with when a builder threw, returned what it may not, or took too long. What was made before is kept. */
export class BuilderError extends PolarisError {
  override readonly name = 'BuilderError'
  /** The builder's name. */
  readonly builder: string
  /** The workflow id; of a `compute` its random one. */
  readonly id: string
  /** What the scope had produced before. The error itself, as thrown, is `cause`. */
  readonly result: Open<AnyData, AnyData>

  constructor(
    code: Failure['code'],
    message: string,
    facts: { readonly builder: string; readonly id: string; readonly result: ScopeResult; readonly cause: unknown },
  ) {
    super(code, message, { cause: facts.cause })
    this.builder = facts.builder
    this.id = facts.id
    // One class stands behind both forms of a result; this scope failed, so it is the open one.
    this.result = facts.result as unknown as Open<AnyData, AnyData>
  }
}
