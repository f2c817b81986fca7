/**
 * Workflows whose values are texts that say how they came about: builder `c` makes `c(b(a1),-)` of `b(a1)` and an
 * optional that is absent. So one comparison shows what ran, on what, and how often.
 */
import { builder, data, Polaris, type } from 'polaris-workflow'
import type { AnyWorkflow, BuildContext, Builder, Data, DataStore } from 'polaris-workflow'
import { expect } from 'vitest'
import { BuilderError, PolarisError } from 'polaris-workflow'
import type { ErrorCode } from 'polaris-workflow'

export type Text = Data<string, string, string>
export type Step = Builder<TextInput, Text, Text, never>
export type TextInput = Readonly<Record<string, string | undefined>>

/** Data of texts by these names. */
export function texts<const Names extends readonly string[]>(
  ...names: Names
): { readonly [K in keyof Names]: Data<Names[K], string, string> } {
  return names.map((name) => data(name, type<string>())) as never
}

export interface Part {
  readonly optionals?: readonly Text[]
  readonly accesses?: readonly Text[]
  readonly once?: boolean
  readonly pure?: boolean
  /** Whatever else a builder may have. */
  readonly options?: object
  /** Instead of the text that says what it ran on. `made` is that text, `run` counts its runs from 1. */
  readonly does?: (made: string, run: number, input: TextInput, context: BuildContext) => unknown
}

/** `process` could not tell the value of this one. */
const keyOf = ({ name }: Text): string => (name === '__proto__' ? 'proto' : name)

export interface Lab {
  /** Names of builders in the order they started. */
  readonly ran: string[]
  /** Texts they would make, in that order. */
  readonly made: string[]
  /** A builder that notes its runs. */
  step(name: string, consumes: readonly Text[], produces: Text, part?: Part): Step
  /** What ran since the last look. */
  look(): string[]
}

export function newLab(): Lab {
  const ran: string[] = []
  const made: string[] = []
  const runs = new Map<string, number>()
  return {
    ran,
    made,
    step(name, consumes, produces, { optionals = [], accesses = [], once = false, pure = false, options, does } = {}) {
      const order = [...consumes, ...optionals, ...accesses]
      const record = (list: readonly Text[]): object => Object.fromEntries(list.map((each) => [keyOf(each), each]))
      const definition = {
        ...{ name, produces, once, pure },
        ...{ consumes: record(consumes), optionals: record(optionals), accesses: record(accesses) },
        ...options,
        process(input: TextInput, context: BuildContext) {
          const text = `${name}(${order.map((each) => input[keyOf(each)] ?? '-').join()})`
          const run = (runs.get(name) ?? 0) + 1
          runs.set(name, run)
          ran.push(name)
          made.push(text)
          return does === undefined ? text : does(text, run, input, context)
        },
      }
      return builder(definition as never) as unknown as Step
    },
    look: () => ran.splice(0),
  }
}

/** A process: the workflows over a store. */
export function over(store: DataStore, ...workflows: AnyWorkflow[]): Polaris {
  return new Polaris({ store }).register(...(workflows as never[]))
}

export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

/** Lets everything that can happen without outside help happen. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Waits until something holds that needs nothing but turns of the event loop. */
export async function until(holds: () => boolean, what = 'that'): Promise<void> {
  for (let i = 0; i < 5000; i++) {
    if (holds()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error(`${what} never came to be`)
}

/** The error a promise rejects with; fails the test if it does not, or with anything but a `PolarisError` of this code. */
export async function refusal(promise: Promise<unknown>, code: ErrorCode): Promise<PolarisError> {
  const error: unknown = await promise.then(
    (value) => {
      throw new Error(`expected ${code}, but it resolved with ${JSON.stringify(value)}`)
    },
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(PolarisError)
  expect((error as PolarisError).code, (error as PolarisError).message).toBe(code)
  return error as PolarisError
}

/** The same for what a builder is to blame for. */
export async function failure(
  promise: Promise<unknown>,
  code: 'BUILDER_FAILED' | 'PRODUCT_INVALID' | 'BUILDER_TIMEOUT' = 'BUILDER_FAILED',
): Promise<BuilderError> {
  const error = await refusal(promise, code)
  expect(error).toBeInstanceOf(BuilderError)
  return error as BuilderError
}

/** What a synchronous call throws, which must be a `PolarisError` of this code. */
export function thrown(call: () => unknown, code: ErrorCode): PolarisError {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(PolarisError)
    expect((error as PolarisError).code, (error as PolarisError).message).toBe(code)
    return error as PolarisError
  }
  throw new Error(`expected ${code}, but nothing was thrown`)
}

/** Data of `polaris.get`, as a plain object. */
export async function dataOf(polaris: Polaris, id: string): Promise<Record<string, unknown>> {
  return { ...(await polaris.get(id))?.data }
}

/** Nothing of an instance was stored. */
export async function expectUnknown(polaris: Polaris, id: string): Promise<void> {
  expect(await polaris.get(id)).toBeUndefined()
  expect(await polaris.history(id)).toEqual([])
}
