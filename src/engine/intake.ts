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
import { messageOf, WITHHELD } from './failure.ts'
import { copyBytes, freezeDeep } from './freeze.ts'
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
  readonly #brand = true
  readonly issues: readonly Issue[]
  readonly cause: unknown

  constructor(issues: readonly Issue[], cause?: unknown) {
    this.issues = issues
    this.cause = cause
  }

  /** Not `instanceof`, which the traps of a proxy would answer: the value at hand may be anything. */
  static is(value: unknown): value is Refusal {
    return typeof value === 'object' && value !== null && #brand in value
  }
}

/** What a schema says later. The answer is in a list, since a promise would unpack a value that has a `then`. */
class Later {
  readonly #brand = true
  readonly answer: Promise<readonly [unknown]>

  constructor(answer: Promise<readonly [unknown]>) {
    this.answer = answer
  }

  static is(value: unknown): value is Later {
    return typeof value === 'object' && value !== null && #brand in value
  }
}

/**
 * Checks a delta whole, before any of it is taken in.
 *
 * @throws `DATA_UNKNOWN`, `DATA_INVALID`
 */
export function acceptDelta(program: Program, delta: readonly Datum[], form: Form): Awaitable<AcceptedDatum[]> {
  if (delta.length === 1) return acceptOne(program, delta[0] as Datum, form)
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
    if (Later.is(checked[i])) waits = true
  }
  if (!waits) return takeAll(intakes, checked, form)
  const answers = checked.map((value) => (Later.is(value) ? value.answer : Promise.resolve([value] as const)))
  return Promise.all(answers).then((boxes) => {
    const values = boxes.map(([value]) => value)
    return takeAll(intakes, values, form)
  })
}

/** Most deltas hold one datum, which needs no lists. */
function acceptOne(program: Program, datum: Datum, form: Form): Awaitable<AcceptedDatum[]> {
  const intake = intakeOf(program, datum)
  const checked = checkValue(intake.validate, datum.value)
  const take = (value: unknown): AcceptedDatum[] => [settle(intake, value, storedForm(intake, value, form))]
  return Later.is(checked) ? checked.answer.then(([value]) => take(value)) : take(checked)
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
  const forms = intakes.map((intake, i) => storedForm(intake, values[i], form))
  // Only now that all of it has passed: what is refused comes back as it was.
  return intakes.map((intake, i) => settle(intake, values[i], forms[i]))
}

/** The value as the store is to keep it, if its schema accepted it. */
function storedForm(intake: Intake, value: unknown, form: Form): unknown {
  if (Refusal.is(value)) throw refuse(intake, value)
  if (intake.slot.transient) return undefined
  if (form === 'live') return value
  const text = tryEncode(value)
  if (Refusal.is(text)) throw refuse(intake, text)
  return text
}

function settle(intake: Intake, value: unknown, stored: unknown): AcceptedDatum {
  const kept = settleValue(value, stored)
  if (Refusal.is(kept)) throw refuse(intake, kept)
  return { intake, value: kept.value, stored: kept.stored, bytes: kept.bytes }
}

function refuse({ slot }: Pick<Intake, 'slot'>, { issues, cause }: Refusal): DataError {
  if (slot.data.sensitive) return new DataError(slot.name, WITHHELD)
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
      `it returned undefined: return a ${step.produced.data}, nothing() or waitFor(Data) (is a return missing?)`,
    )
  }
  if (step.validate === undefined) return keep(made, transient, form)
  const checked = checkValue(step.validate, made)
  if (!Later.is(checked)) return Refusal.is(checked) ? checked : keep(checked, transient, form)
  return checked.answer.then(([value]) => (Refusal.is(value) ? value : keep(value, transient, form)))
}

/**
 * Freezes a product that needs no other check, which most are where nothing is validated and values stay live. Says
 * whether it was one: anything odd about it is left to {@link acceptProduct}.
 */
export function takePlain(step: Step, made: unknown, transient: boolean, form: Form): boolean {
  if (step.validate !== undefined || form !== 'live' || transient || made === undefined) return false
  try {
    return !freezeDeep(made)
  } catch {
    return false
  }
}

function keep(value: unknown, transient: boolean, form: Form): Accepted | Refusal {
  let text: unknown = value
  if (transient) text = undefined
  else if (form === 'text') {
    text = tryEncode(value)
    if (Refusal.is(text)) return text
  }
  return settleValue(value, text)
}

/**
 * Makes sure that nobody changes an accepted value any more: freezes it, and takes a copy if it holds bytes, which whoever
 * made it may still write to.
 *
 * @param stored what the store keeps; the value itself in a live one
 */
function settleValue(value: unknown, stored: unknown): Accepted | Refusal {
  try {
    if (!freezeDeep(value)) return { value, stored, bytes: false }
    const copy = copyBytes(value)
    return { value: copy, stored: stored === value ? copy : stored, bytes: true }
  } catch (error) {
    return new Refusal([{ message: `it cannot be frozen: ${messageOf(error)}`, path: [] }], error)
  }
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

/** The value as its schema gives it, a {@link Refusal}, or {@link Later} one of both. */
function checkValue(validate: Validate | undefined, value: unknown): unknown {
  if (validate === undefined) return value === undefined ? absent('the value') : value
  try {
    const result = validate(value)
    if (!isThenable(result)) return schemaOutput(result)
    return new Later(
      Promise.resolve(result).then(
        (given) => [schemaOutput(given)] as const,
        (error: unknown) => [schemaFailure(error)] as const,
      ),
    )
  } catch (error) {
    return schemaFailure(error)
  }
}

/** Whoever wrote the schema wrote the result: nothing in it is sure to be what it should be, or to be readable. */
function schemaOutput(result: StandardSchemaV1.Result<unknown>): unknown {
  try {
    const given: unknown = result
    if (typeof given !== 'object' || given === null) return schemaFailure(new TypeError('it gave no result'))
    const { issues } = result
    if (issues === undefined) return result.value === undefined ? absent("its schema's output") : result.value
    if (!Array.isArray(issues)) return schemaFailure(new TypeError('it gave issues that are no list'))
    return issues.length === 0 ? refused('its schema refused it without a word') : new Refusal(issues.map(readIssue))
  } catch (error) {
    return schemaFailure(error)
  }
}

function absent(what: string): Refusal {
  return refused(`${what} is undefined, which counts as no datum: use null for a value that says "none"`)
}

function schemaFailure(error: unknown): Refusal {
  return new Refusal([{ message: `its schema threw: ${messageOf(error)}`, path: [] }], error)
}

function readIssue(issue: unknown): Issue {
  const { message, path } = (issue ?? {}) as { message?: unknown; path?: unknown }
  return { message: textOf(message), path: Array.isArray(path) ? path.map(readKey) : [] }
}

/** A key, or an object that holds one. */
function readKey(part: unknown): PropertyKey {
  const key = typeof part === 'object' && part !== null ? (part as { key?: unknown }).key : part
  return typeof key === 'number' || typeof key === 'symbol' ? key : textOf(key)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : describeValue(value)
}
