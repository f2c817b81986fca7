import type { StandardSchemaV1 } from '@standard-schema/spec'
import { FedDatum } from '../graph/data.ts'
import type { Datum } from '../graph/data.ts'
import { DataError, describeValue, PolarisError } from '../graph/errors.ts'
import type { Issue } from '../graph/errors.ts'
import { Nothing } from '../graph/outcome.ts'
import type { WaitFor } from '../graph/outcome.ts'
import { encode, EncodingRefused } from '../stores/codec.ts'
import type { Awaitable } from '../stores/contract.ts'
import { isThenable } from './awaitable.ts'
import { messageOf } from './failure.ts'
import { freezeDeep } from './freeze.ts'
import type { Intake, Program, Step, Validate } from './program.ts'

/** A value that passed every check: frozen, and in the form the store keeps. */
export interface Accepted {
  readonly value: unknown
  /** `undefined` for a transient. */
  readonly stored: unknown
  /** Whether it holds a Uint8Array, so that readers need copies. */
  readonly bytes: boolean
}

export interface AcceptedDatum extends Accepted {
  readonly intake: Intake
}

/** How a store wants values: as text, or as they are. */
export type Form = 'text' | 'live'

/** What a value is refused for. */
export class Refusal {
  readonly issues: readonly Issue[]
  readonly cause: unknown

  constructor(issues: readonly Issue[], cause?: unknown) {
    this.issues = issues
    this.cause = cause
  }
}

/**
 * Checks a delta whole, before any of it is taken in.
 *
 * @throws `DATA_UNKNOWN`, `DATA_INVALID`
 */
export function acceptDelta(program: Program, delta: readonly Datum[], form: Form): Awaitable<AcceptedDatum[]> {
  const intakes: Intake[] = []
  for (const datum of delta) {
    const intake = intakeOf(program, datum)
    if (intakes.includes(intake)) {
      const message = 'it is in this delta twice: hand over one datum of each data'
      throw new DataError(intake.slot.name, [{ message, path: [] }])
    }
    intakes.push(intake)
  }
  let waits = false
  const checked = new Array<unknown>(intakes.length)
  for (let i = 0; i < intakes.length; i++) {
    checked[i] = checkValue((intakes[i] as Intake).validate, (delta[i] as Datum).value)
    if (checked[i] instanceof Promise) waits = true
  }
  return waits ? Promise.all(checked).then((values) => takeAll(intakes, values, form)) : takeAll(intakes, checked, form)
}

function intakeOf({ graph, intakes }: Program, datum: unknown): Intake {
  if (!(datum instanceof FedDatum)) {
    throw new PolarisError(
      'DATA_INVALID',
      `A delta is made of data called with a value, such as ${graph.slots[0]?.name ?? 'MyData'}({ … }), but got ${describeValue(datum)}.`,
    )
  }
  const slot = graph.slotOf.get(datum.name)
  const intake = slot === undefined ? undefined : intakes[slot]
  if (intake === undefined) {
    const known = graph.slots.map(({ name }) => name).join(', ')
    throw new PolarisError(
      'DATA_UNKNOWN',
      `Workflow '${graph.name}' has no data '${datum.name}'. It has ${known}. Nothing was stored.`,
    )
  }
  if (intake.slot.data !== datum.data) {
    throw new PolarisError(
      'DATA_UNKNOWN',
      `Data '${datum.name}' is not the one that version ${graph.version} of workflow '${graph.name}' was declared with, ` +
        'but a namesake: declare it once and share it. Nothing was stored.',
    )
  }
  return intake
}

function takeAll(intakes: readonly Intake[], values: readonly unknown[], form: Form): AcceptedDatum[] {
  const forms = intakes.map((intake, i) => {
    const value = values[i]
    if (value instanceof Refusal) throw refuse(intake, value)
    return stored(intake, value, form)
  })
  // Only now that all of it has passed: what is refused comes back as it was.
  return intakes.map((intake, i) => {
    const bytes = tryFreeze(values[i])
    if (bytes instanceof Refusal) throw refuse(intake, bytes)
    return { intake, value: values[i], stored: forms[i], bytes }
  })
}

function stored({ slot }: Intake, value: unknown, form: Form): unknown {
  if (slot.transient) return undefined
  if (form === 'live') return value
  const text = tryEncode(value)
  if (text instanceof Refusal) throw new DataError(slot.name, text.issues)
  return text
}

function refuse({ slot }: Intake, { issues, cause }: Refusal): DataError {
  return new DataError(slot.name, issues, cause === undefined ? undefined : { cause })
}

/**
 * Checks what a builder returned. Nothing and WaitFor pass as they are.
 *
 * @param transient products of this kind are never stored
 */
export function acceptProduct(
  step: Step,
  made: unknown,
  transient: boolean,
  form: Form,
): Awaitable<Accepted | Refusal> {
  if (made === undefined) {
    return refused(
      `it returned undefined: return a ${productName(step)}, nothing() or waitFor(Data) (is a return missing?)`,
    )
  }
  if (step.validate === undefined) return keep(made, transient, form)
  const checked = checkValue(step.validate, made)
  if (!(checked instanceof Promise)) return checked instanceof Refusal ? checked : keep(checked, transient, form)
  return checked.then((value) => (value instanceof Refusal ? value : keep(value, transient, form)))
}

function keep(value: unknown, transient: boolean, form: Form): Accepted | Refusal {
  let text: unknown = value
  if (transient) text = undefined
  else if (form === 'text') {
    text = tryEncode(value)
    if (text instanceof Refusal) return text
  }
  const bytes = tryFreeze(value)
  return bytes instanceof Refusal ? bytes : { value, stored: text, bytes }
}

/** What is wrong with an answer other than a product, if anything: `waitFor` takes only what the builder itself waits for. */
export function answerProblem({ node }: Step, answer: Nothing | WaitFor): Refusal | undefined {
  if (answer instanceof Nothing) return undefined
  const { consumes, optionals } = node.builder
  const own = [...Object.values(consumes), ...Object.values(optionals)]
  if (own.includes(answer.data)) return undefined
  const names = own.map(({ name }) => name)
  const hint = names.length === 0 ? 'it has none, so it cannot wait' : `one of ${names.join(', ')}`
  return refused(
    `waitFor takes one of the builder's own consumes or optionals (${hint}), but got ${answerName(answer)}`,
  )
}

function answerName({ data }: WaitFor): string {
  const given: unknown = data
  return typeof given === 'function' ? `'${data.name}'` : describeValue(given)
}

function productName({ node }: Step): string {
  return (node.builder.produces as { name: string }).name
}

function refused(message: string): Refusal {
  return new Refusal([{ message, path: [] }])
}

function tryEncode(value: unknown): string | Refusal {
  try {
    return encode(value)
  } catch (error) {
    if (error instanceof EncodingRefused) return new Refusal(error.issues)
    return new Refusal([{ message: `it cannot be read: ${messageOf(error)}`, path: [] }], error)
  }
}

function tryFreeze(value: unknown): boolean | Refusal {
  try {
    return freezeDeep(value)
  } catch (error) {
    return new Refusal([{ message: `it cannot be frozen: ${messageOf(error)}`, path: [] }], error)
  }
}

function checkValue(validate: Validate | undefined, value: unknown): unknown {
  if (validate === undefined) return value === undefined ? absent('the value') : value
  try {
    const result = validate(value)
    return isThenable(result) ? Promise.resolve(result).then(schemaOutput, schemaFailure) : schemaOutput(result)
  } catch (error) {
    return schemaFailure(error)
  }
}

function schemaOutput(result: StandardSchemaV1.Result<unknown>): unknown {
  const given: unknown = result
  if (typeof given !== 'object' || given === null) return schemaFailure(new TypeError('its schema gave no result'))
  if (result.issues !== undefined) return new Refusal(result.issues.map(readIssue))
  return result.value === undefined ? absent("its schema's output") : result.value
}

function absent(what: string): Refusal {
  return refused(`${what} is undefined, which counts as no datum: use null for a value that says "none"`)
}

function schemaFailure(error: unknown): Refusal {
  return new Refusal([{ message: `its schema threw: ${messageOf(error)}`, path: [] }], error)
}

function readIssue({ message, path }: StandardSchemaV1.Issue): Issue {
  return { message, path: (path ?? []).map((part) => (typeof part === 'object' ? part.key : part)) }
}
