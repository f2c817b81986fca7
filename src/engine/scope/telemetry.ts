import type { AnyBuilder } from '../../graph/builder.ts'
import type { Awaitable, DataStore } from '../../stores/contract.ts'
import { isThenable } from '../awaitable.ts'
import type { HookInfo } from './hooks.ts'

/**
 * Watches what runs, for traces, metrics and logs: see `polaris-workflow/opentelemetry`. It looks and does not steer: what it throws
 * is dropped. Values of data are never told.
 */
export interface Telemetry {
  /** What of the caller's context is to go with a delta, as part of its `meta`. */
  readonly carry?: (meta: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>
  /** A scope begins. What is answered is told how it goes on. */
  readonly scope?: (begun: ScopeBegun) => ScopeTelemetry | undefined
  /** The store as it is to be used from now on, with whatever watches it. */
  readonly store?: (store: DataStore) => DataStore
}

/** What {@link Telemetry} is told of a scope that begins. */
export interface ScopeBegun extends HookInfo {
  /** Names of the data that were fed. */
  readonly delta: readonly string[]
  /** Milliseconds the delta has waited in the mailbox; absent where it did not. */
  readonly waited?: number
}

/** Is told how one scope goes on. */
export interface ScopeTelemetry {
  /** A builder starts. Calls `run` once, which calls its process; the context of that call is the process's. */
  readonly builder?: (started: BuilderStarted, run: () => void) => BuilderTelemetry | undefined
  /** The scope is over, or could not be settled. */
  readonly ended?: (ended: ScopeEnded) => void
}

/** What is told of a try of a builder when it starts. */
export interface BuilderStarted {
  readonly builder: AnyBuilder
  readonly pass: number
  /** From 1. */
  readonly attempt: number
  /** Whether it reads or makes sensitive data, so that what it throws may tell of them. */
  readonly sensitive: boolean
}

/** Is told how one try of a builder ends. */
export interface BuilderTelemetry {
  /** The try is over. */
  readonly ended?: (ended: BuilderEnded) => void
}

/** How a try of a builder ended. */
export interface BuilderEnded {
  /** `failed`: it threw, took too long, or returned what it may not. */
  readonly outcome: 'produced' | 'nothing' | 'waitFor' | 'failed'
  readonly error?: unknown
  /** `BUILDER_FAILED`, `BUILDER_TIMEOUT`, `PRODUCT_INVALID`. */
  readonly code?: string
}

/** How a scope ended. */
export interface ScopeEnded {
  /** Absent where it could not be settled: see `error`. */
  readonly status?: string
  readonly waitingFor: readonly string[]
  /** What the call rejects with. */
  readonly error?: unknown
}

type Called = { readonly made: unknown } | { readonly threw: unknown }

/** What is being told of one scope. */
export class Told<Run extends object> {
  private readonly told: ScopeTelemetry
  private readonly builders = new Map<Run, BuilderTelemetry>()

  private constructor(told: ScopeTelemetry) {
    this.told = told
  }

  static of<Run extends object>(telemetry: Telemetry | undefined, begun: () => ScopeBegun): Told<Run> | undefined {
    const told = telemetry?.scope === undefined ? undefined : quietly(() => telemetry.scope?.(begun()))
    return told && new Told(told)
  }

  /** Calls a builder's process, once, whatever becomes of the telling. */
  call(run: Run, started: () => BuilderStarted, process: () => unknown): unknown {
    let called: Called | undefined
    const once = (): Called => {
      if (called !== undefined) return called
      try {
        called = { made: process() }
      } catch (error) {
        called = { threw: error }
      }
      return called
    }
    const told = quietly(() => this.told.builder?.(started(), () => void once()))
    if (told !== undefined) this.builders.set(run, told)
    const outcome = once()
    if ('threw' in outcome) throw outcome.threw
    return outcome.made
  }

  builderEnded(run: Run, ended: BuilderEnded): void {
    const told = this.builders.get(run)
    if (told === undefined) return
    this.builders.delete(run)
    quietly(() => told.ended?.(ended))
  }

  /** Tells how a scope ended, and passes that on. */
  ending<T>(end: () => Awaitable<T>): Awaitable<T> {
    let answer: Awaitable<T>
    try {
      answer = end()
    } catch (error) {
      this.failed(error)
      throw error
    }
    if (!isThenable(answer)) return this.passed(answer)
    return answer.then(
      (given) => this.passed(given),
      (error: unknown) => {
        this.failed(error)
        throw error
      },
    )
  }

  private passed<T>(answer: T): T {
    const { status, waitingFor = [] } = (answer ?? {}) as Partial<ScopeEnded>
    quietly(() => this.told.ended?.({ waitingFor, ...(status !== undefined && { status }) }))
    return answer
  }

  private failed(error: unknown): void {
    const { result } = (error ?? {}) as { readonly result?: Partial<ScopeEnded> }
    const { status, waitingFor = [] } = result ?? {}
    quietly(() => this.told.ended?.({ error, waitingFor, ...(status !== undefined && { status }) }))
  }
}

/** What telemetry throws harms nobody (rule 23). */
export function quietly<T>(tell: () => T): T | undefined {
  try {
    return tell()
  } catch {
    return undefined
  }
}
