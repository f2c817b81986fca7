import type { Stride } from '../../graph/steps.ts'
import { isThenable } from '../awaitable.ts'
import { messageOf } from '../failure.ts'
import { validatorOf } from '../state/program.ts'
import { checkValue, Later, Refusal, refused, throughSchema } from './schema.ts'

/** The same for one who cannot wait: `undefined` where a schema answers later. */
export function walkNow(strides: readonly Stride[], value: unknown): readonly [unknown] | undefined {
  let at = value
  for (const { to, apply, before, after } of strides) {
    if (before !== undefined) at = checkValue(validatorOf({ schema: before }), at)
    if (Later.is(at)) return undefined
    if (!Refusal.is(at)) at = stride(to, apply, at)
    if (after !== undefined && !Refusal.is(at)) at = checkValue(validatorOf({ schema: after }), at)
    if (Later.is(at)) return undefined
    if (Refusal.is(at)) break
  }
  return [at]
}

/** Takes a value from one version of its data to another; in a list, since a value may have a `then`. */
export async function walk(strides: readonly Stride[], value: unknown): Promise<readonly [unknown]> {
  let at: readonly [unknown] = [value]
  for (const { to, apply, before, after } of strides) {
    if (before !== undefined) at = await throughSchema(validatorOf({ schema: before }), at[0])
    if (!Refusal.is(at[0])) at = [stride(to, apply, at[0])]
    if (after !== undefined && !Refusal.is(at[0])) at = await throughSchema(validatorOf({ schema: after }), at[0])
    if (Refusal.is(at[0])) return at
  }
  return at
}

function stride(to: number, apply: Stride['apply'], value: unknown): unknown {
  try {
    const made = apply(value)
    if (made === undefined) return refused(`the step to version ${to} gave undefined (is a return missing?)`)
    return isThenable(made) ? refused(`the step to version ${to} gave a promise: steps answer at once`) : made
  } catch (error) {
    return refused(`the step to version ${to} threw: ${messageOf(error)}`, error)
  }
}
