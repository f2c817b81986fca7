import { FedDatum } from '../../graph/data.ts'
import type { AnyData, Datum } from '../../graph/data.ts'
import { DataError, describeValue, PolarisError } from '../../graph/errors.ts'
import type { Graph, Slot } from '../../graph/graph.ts'
import { stridesBetween } from '../../graph/crossing.ts'
import { Nothing } from '../../graph/outcome.ts'
import type { Stride } from '../../graph/steps.ts'
import type { WaitFor } from '../../graph/outcome.ts'
import { encode, EncodingRefused } from '../../stores/codec.ts'
import type { Awaitable } from '../../stores/contract.ts'
import { messageOf, WITHHELD } from '../failure.ts'
import { copyBytes, freezeDeep } from './freeze.ts'
import { isKin } from './kin.ts'
import type { Intake, Program, Step, Validate } from '../state/program.ts'
import { checkValue, Later, Refusal, refused, throughSchema } from './schema.ts'
import { walk } from './strides.ts'

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
  /** `seq` of what it is about, where its caller named it. */
  readonly about?: number | undefined
}

/** How a store wants values: as text, or as they are. */
export type Form = 'text' | 'live'

/**
 * Checks a delta whole, before any of it is taken in. A namesake from another registered version passes through its steps.
 *
 * @throws `DATA_UNKNOWN`, `DATA_INVALID`, `VERSION_NOT_SERVED`
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
    checked[i] = checkDatum(intakes[i] as Intake, delta[i] as FedDatum)
    if (Later.is(checked[i])) waits = true
  }
  if (!waits) return takeAll(intakes, delta, checked, form)
  const answers = checked.map((value) => (Later.is(value) ? value.answer : Promise.resolve([value] as const)))
  return Promise.all(answers).then((boxes) => {
    const values = boxes.map(([value]) => value)
    return takeAll(intakes, delta, values, form)
  })
}

/** Most deltas hold one datum, which needs no lists. What waits is in a function of its own, so that no closure takes room here. */
function acceptOne(program: Program, datum: Datum, form: Form): Awaitable<AcceptedDatum[]> {
  const intake = intakeOf(program, datum)
  const checked = checkDatum(intake, datum as FedDatum)
  return Later.is(checked) ? acceptLater(intake, datum, checked, form) : [take(intake, datum, checked, form)]
}

async function acceptLater(intake: Intake, datum: Datum, { answer }: Later, form: Form): Promise<AcceptedDatum[]> {
  const [value] = await answer
  return [take(intake, datum, value, form)]
}

function take(intake: Intake, datum: Datum, value: unknown, form: Form): AcceptedDatum {
  return settle(intake, datum, value, storedForm(intake, value, form))
}

/** The value as its schema gives it; one made for another version of its data, as the steps between them make it. */
function checkDatum({ slot, validate }: Intake, datum: FedDatum): unknown {
  return datum.data === slot.data ? checkValue(validate, datum.value) : checkOther(slot, validate, datum)
}

function checkOther(slot: Slot, validate: Validate | undefined, { data, value }: FedDatum): unknown {
  const strides = stridesBetween(data, slot.data, () => undefined) as Stride[]
  if (strides.length === 0) return checkValue(validate, value)
  const own = { to: data.version, apply: (given: unknown) => given, before: data.schema, after: undefined }
  return new Later(
    walk([own, ...strides], value).then((walked) =>
      Refusal.is(walked[0]) ? walked : throughSchema(validate, walked[0]),
    ),
  )
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
  if (intake === undefined && isKin(graph, datum.data)) throw otherVersion(graph, datum.data, 'which has no such data')
  if (intake === undefined) {
    const known = graph.slots.map(({ name }) => name).join(', ')
    throw new PolarisError(
      'DATA_UNKNOWN',
      `Workflow '${graph.name}' has no data '${datum.name}'. It has ${known}. Nothing was stored.`,
    )
  }
  if (intake.slot.data !== datum.data && isKin(graph, datum.data)) {
    if (stridesBetween(datum.data, intake.slot.data, () => undefined) === undefined) {
      const { version } = intake.slot.data
      throw otherVersion(graph, datum.data, `where it has version ${version}, and no step leads there`)
    }
  } else if (intake.slot.data !== datum.data) {
    throw new PolarisError(
      'DATA_UNKNOWN',
      `Data '${datum.name}' is not the one that version ${graph.version} of workflow '${graph.name}' was declared with, ` +
        'but a namesake: declare it once and share it. Nothing was stored.',
    )
  }
  if (datum.about !== undefined) checkAbout(intake.slot, datum.about)
  return intake
}

function checkAbout({ name, about }: Slot, given: unknown): void {
  const isSeq = Number.isSafeInteger(given) && (given as number) >= 1
  if (about >= 0 && isSeq) return
  const message =
    about < 0
      ? `it is about no other data, so 'about' has no meaning`
      : `'about' must be the seq of a history entry, but is ${describeValue(given)}`
  throw new DataError(name, [{ message, path: [] }])
}

function otherVersion({ name, version }: Graph, data: AnyData, why: string): PolarisError {
  return new PolarisError(
    'VERSION_NOT_SERVED',
    `'${data.name}' (version ${data.version}) was fed to an instance that runs on version ${version} of workflow '${name}', ` +
      `${why}. Nothing was stored.`,
  )
}

function takeAll(
  intakes: readonly Intake[],
  delta: readonly Datum[],
  values: readonly unknown[],
  form: Form,
): AcceptedDatum[] {
  const forms = intakes.map((intake, i) => storedForm(intake, values[i], form))
  // Only now that all of it has passed: what is refused comes back as it was.
  return intakes.map((intake, i) => settle(intake, delta[i] as Datum, values[i], forms[i]))
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

function settle(intake: Intake, datum: Datum, value: unknown, stored: unknown): AcceptedDatum {
  const kept = settleValue(value, stored)
  if (Refusal.is(kept)) throw refuse(intake, kept)
  const accepted = { intake, value: kept.value, stored: kept.stored, bytes: kept.bytes }
  return intake.slot.about < 0 ? accepted : { ...accepted, about: (datum as FedDatum).about as number | undefined }
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

/** Makes what was checked ready to be kept. */
export function keep(value: unknown, transient: boolean, form: Form): Accepted | Refusal {
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

function tryEncode(value: unknown): string | Refusal {
  try {
    return encode(value)
  } catch (error) {
    if (error instanceof EncodingRefused) return new Refusal(error.issues)
    return new Refusal([{ message: `it cannot be read: ${messageOf(error)}`, path: [] }], error)
  }
}
