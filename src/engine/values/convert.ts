import { describeIssues } from '../../graph/errors.ts'
import type { Slot } from '../../graph/graph.ts'
import type { Stride } from '../../graph/steps.ts'
import { WITHHELD } from '../failure.ts'
import { keep } from './intake.ts'
import type { Accepted, Form } from './intake.ts'
import type { Intake } from '../state/program.ts'
import { Refusal, throughSchema } from './schema.ts'
import { walk } from './strides.ts'

/** Brings a value to another version of its data, and through that data's schema. */
export async function convert(
  strides: readonly Stride[],
  { validate }: Intake,
  value: unknown,
  form: Form,
): Promise<Accepted | Refusal> {
  const walked = await walk(strides, value)
  if (Refusal.is(walked[0])) return walked[0]
  const [checked] = await throughSchema(validate, walked[0])
  return Refusal.is(checked) ? checked : keep(checked, false, form)
}

/** Why a value was refused, in words; without any where it is sensitive. */
export function refusalOf({ data }: Slot, { issues }: Refusal): string {
  return describeIssues(data.sensitive ? WITHHELD : issues)
}
