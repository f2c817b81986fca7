import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describeValue } from '../../graph/errors.ts'
import type { Issue } from '../../graph/errors.ts'
import type { Awaitable } from '../../stores/contract.ts'
import { isThenable } from '../awaitable.ts'
import { messageOf } from '../failure.ts'
import type { Validate } from '../state/program.ts'

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
export class Later {
  readonly #brand = true
  readonly answer: Promise<readonly [unknown]>

  constructor(answer: Promise<readonly [unknown]>) {
    this.answer = answer
  }

  static is(value: unknown): value is Later {
    return typeof value === 'object' && value !== null && #brand in value
  }
}

/** A refusal in one sentence. */
export function refused(message: string, cause?: unknown): Refusal {
  return new Refusal([{ message, path: [] }], cause)
}

/**
 * A value as its schema gives it, or what it is refused for. In a list, since a promise would unpack a value that has a
 * `then`.
 */
export function throughSchema(validate: Validate | undefined, value: unknown): Awaitable<readonly [unknown]> {
  const checked = checkValue(validate, value)
  return Later.is(checked) ? checked.answer : [checked]
}

/** The value as its schema gives it, a {@link Refusal}, or {@link Later} one of both. */
export function checkValue(validate: Validate | undefined, value: unknown): unknown {
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
