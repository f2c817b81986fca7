import { durationMs, durationProblem } from './duration.ts'
import type { Duration } from './duration.ts'
import { describeValue } from './errors.ts'
import { unknownKeys } from './naming.ts'

/** How long to wait before a builder that failed is tried again. */
export interface Backoff {
  /** Before the second try. Default `'1s'`. */
  readonly initial?: Duration
  /** So many times longer before each further try. Default 2. */
  readonly factor?: number
  /** Never longer than this. Default `'1h'`. */
  readonly max?: Duration
  /** The part of each wait that is left to chance, so that many do not come back at once: 0 to 1. Default 0.5. */
  readonly jitter?: number
}

/** Whether, how often and when a builder that failed is tried again. */
export interface Retry {
  /** Tries in all, the first one included. */
  readonly attempts: number
  readonly backoff?: Backoff
  /**
   * Whether an error is worth another try; default: any but a {@link NonRetryableError}, which is never asked about.
   *
   * @param error as thrown; a `PolarisError` for `BUILDER_TIMEOUT` and `PRODUCT_INVALID`
   * @param attempt which try it ended, from 1
   */
  readonly retryIf?: (error: unknown, attempt: number) => boolean
}

/** A {@link Retry} with every default filled in. Times are in milliseconds. */
export interface RetryPolicy {
  readonly attempts: number
  readonly initial: number
  readonly factor: number
  readonly max: number
  readonly jitter: number
  /** Whether to try again after this error. Left out: after any. */
  readonly retryIf: Retry['retryIf']
}

/** What a builder throws for which another try would be no use: a card that was declined, a request that was wrong. */
export class NonRetryableError extends Error {
  override readonly name = 'NonRetryableError'
}

/** The policy of an option that {@link retryProblems} finds nothing wrong with. */
export function retryPolicy({ attempts, backoff = {}, retryIf }: Retry): RetryPolicy {
  const { initial = '1s', factor = 2, max = '1h', jitter = 0.5 } = backoff
  return Object.freeze({
    attempts,
    initial: durationMs(initial) ?? 0,
    factor,
    max: durationMs(max) ?? 0,
    jitter,
    retryIf,
  })
}

/**
 * How long to wait after a try that failed, in whole milliseconds.
 *
 * @param attempt the one that failed, from 1
 * @param random 0 to 1, 1 excluded: nothing of the jitter is taken off at 0
 */
export function backoffMs({ initial, factor, max, jitter }: RetryPolicy, attempt: number, random: number): number {
  // Nothing times infinity is no number.
  const longest = initial === 0 ? 0 : Math.min(max, initial * factor ** (attempt - 1))
  return Math.round(longest * (1 - jitter * random))
}

/** What is wrong with a `retry` option; nothing where it is left out. */
export function retryProblems(retry: unknown): string[] {
  if (retry === undefined) return []
  if (typeof retry !== 'object' || retry === null) {
    return [`'retry' must be an object such as { attempts: 5 }, but is ${describeValue(retry)}`]
  }
  const { attempts, backoff, retryIf } = retry as Partial<Record<keyof Retry, unknown>>
  const problems = unknownKeys("'retry'", retry, ['attempts', 'backoff', 'retryIf'])
  if (!Number.isSafeInteger(attempts) || (attempts as number) < 1) {
    problems.push(`'retry.attempts' must be a whole number from 1, but is ${describeValue(attempts)}`)
  }
  if (retryIf !== undefined && typeof retryIf !== 'function') {
    problems.push(`'retry.retryIf' must be a function, but is ${describeValue(retryIf)}`)
  }
  return [...problems, ...backoffProblems(backoff)]
}

function backoffProblems(backoff: unknown): string[] {
  if (backoff === undefined) return []
  if (typeof backoff !== 'object' || backoff === null) {
    return [`'retry.backoff' must be an object such as { initial: '1s' }, but is ${describeValue(backoff)}`]
  }
  const { initial, factor, max, jitter } = backoff as Partial<Record<keyof Backoff, unknown>>
  const problems = unknownKeys("'retry.backoff'", backoff, ['initial', 'factor', 'max', 'jitter'])
  for (const [option, given] of Object.entries({ initial, max })) {
    const problem = given === undefined ? undefined : durationProblem(`retry.backoff.${option}`, given, 0)
    if (problem !== undefined) problems.push(problem)
  }
  const within = (given: unknown, least: number, most: number): boolean =>
    given === undefined || (typeof given === 'number' && given >= least && given <= most)
  if (!within(factor, 1, 1000)) {
    problems.push(`'retry.backoff.factor' must be a number from 1 to 1000, but is ${describeValue(factor)}`)
  }
  if (!within(jitter, 0, 1)) {
    problems.push(`'retry.backoff.jitter' must be a number from 0 to 1, but is ${describeValue(jitter)}`)
  }
  return problems
}
