import type { AnyBuilder } from './builder.ts'
import { SETTLED } from './graph.ts'
import type { Care, Node } from './graph.ts'
import type { RetryPolicy } from './retry.ts'

/** Names of the data whose failure some builder takes for an answer. */
export function takenNames(builders: readonly AnyBuilder[]): Set<string> {
  return new Set(builders.flatMap(({ settles, consumes }) => settles.map((key) => consumes[key]?.name ?? '')))
}

/**
 * @param common the workflow's policy
 * @param taken whether some builder takes its failure for an answer
 */
export function careOf(
  { retry: own, timeout, fallback }: AnyBuilder,
  common: RetryPolicy | undefined,
  taken: boolean,
): Care | undefined {
  const policy = own ?? common
  const retry = policy !== undefined && policy.attempts > 1 ? policy : undefined
  if (retry === undefined && timeout === undefined && fallback === undefined && !taken) return undefined
  return { retry, timeout, fallback, taken }
}

/** What reaches back in a loop is seen as it stood when the pass began, and a failure stands nowhere. */
export function settledLoopProblems(nodes: readonly Node[]): string[] {
  return nodes.flatMap(({ name, builder, inputs }) =>
    inputs
      .filter(({ kind, lookback }) => kind === SETTLED && lookback)
      .map(({ key }) => {
        const data = builder.consumes[key]?.name ?? ''
        return `builder '${name}' consumes settled(${data}) over an edge that its loop cuts: consume ${data} itself there`
      }),
  )
}
