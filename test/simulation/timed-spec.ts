/** What a workflow of a schedule in which time counts has besides builders and data, and what its builders do. Pure. */
import { answer, hash, type Answer, type BuilderSpec, type Inputs, type Value } from '../model/spec.ts'

/** Virtual time begins here. */
const BEGINNING = 1_000_000
/** A retry that is further away than this parks the instance. */
export const LONGEST_WAIT_MS = 100

export interface TryPlan {
  readonly attempts: number
  /** Milliseconds before the second try; twice as many before each further one. */
  readonly initial: number
  /** So many tries may fail, as the inputs want it. */
  readonly fails: number
}

export interface TimerSpec {
  readonly name: string
  readonly after: string
  readonly produces: string
  readonly unless: readonly string[]
  /** `'at'`: the moment is read from the datum. */
  readonly kind: 'delay' | 'at'
  /** Milliseconds: the delay, or within how many from the beginning the moment is. */
  readonly span: number
  /** Milliseconds; 0: it does not repeat. */
  readonly every: number
  readonly times: number
  readonly evenWhenCompleted: boolean
}

export interface TimedSpec {
  readonly tries: ReadonlyMap<string, TryPlan>
  /** By builder: so many times undoing it may fail. */
  readonly undo: ReadonlyMap<string, number>
  readonly timers: readonly TimerSpec[]
  readonly onFailure: 'keep' | 'compensate'
}

function upTo(most: number, b: BuilderSpec, inputs: Inputs, what: string): number {
  return hash(JSON.stringify([what, b.name, Object.entries(inputs).sort()])) % (most + 1)
}

/** What the `attempt`th try of a builder (from 1) comes to. */
export function outcomeOf({ tries }: TimedSpec, b: BuilderSpec, inputs: Inputs, attempt: number): Answer {
  const { fails = 0 } = tries.get(b.name) ?? {}
  return attempt <= upTo(fails, b, inputs, 'try') ? { outcome: 'failed' } : answer(b, inputs, 0)
}

/** Whether the `attempt`th try (from 1) to undo what a builder made fails. */
export function undoFails({ undo }: TimedSpec, b: BuilderSpec, inputs: Inputs, attempt: number): boolean {
  return attempt <= upTo(undo.get(b.name) ?? 0, b, inputs, 'undo')
}

export function momentOf({ span }: TimerSpec, datum: Value): number {
  return BEGINNING + (hash(String(datum)) % span)
}

export function timerValue({ produces }: TimerSpec, datum: Value, count: number): Value {
  return `${produces}:${hash(String(datum)).toString(36)}.${count}`
}
