import type { AnyBuilder } from './builder.ts'
import type { AnyData } from './data.ts'
import type { Migration, Policy } from './migration.ts'
import type { TimerRule } from './timer.ts'
import type { RetryPolicy } from './retry.ts'

/** How a builder reads one of its inputs. */
export const CONSUMES = 0
export const OPTIONAL = 1
export const ACCESS = 2
/** Consumed, and the failure of its builder counts as an answer. */
export const SETTLED = 3
export type InputKind = typeof CONSUMES | typeof OPTIONAL | typeof ACCESS | typeof SETTLED

/** Whether a builder cannot run without an input. */
export function isConsumed(kind: InputKind): boolean {
  return kind === CONSUMES || kind === SETTLED
}

/** One input of a builder, compiled. */
export interface Input {
  /** The name `process` knows it by. */
  readonly key: string
  readonly slot: number
  readonly kind: InputKind
  /** Read as it stood when the pass began: the edge is cut, or it is an access to what no ancestor makes. */
  readonly lookback: boolean
}

/** What is done about a builder that fails or takes too long. */
export interface Care {
  readonly retry: RetryPolicy | undefined
  /** In milliseconds. */
  readonly timeout: number | undefined
  readonly fallback: AnyBuilder['fallback']
  /** Some builder takes its failure for an answer, so that it does not end the scope. */
  readonly taken: boolean
}

/** A builder within a graph. Its index is its place in the order of rank, then of declaration. */
export interface Node {
  readonly index: number
  readonly rank: number
  /** Place in the workflow's declaration. */
  readonly declared: number
  readonly name: string
  readonly builder: AnyBuilder
  /** `consumes`, then `optionals`, then `accesses`, each in declared order. */
  readonly inputs: readonly Input[]
  /** Slot of the product. */
  readonly out: number
  readonly source: boolean
  /** A product that equals the one it replaces wakes nobody. */
  readonly cutoff: boolean
  /** Whether it takes a failure for an answer. */
  readonly settles: boolean
  /** Set where it is no builder but a timer. It has no inputs then, and no scope ever runs it. */
  readonly timer: CompiledTimer | undefined
  /** Absent where a throw just ends the scope: such builders pay nothing for what others may have. */
  readonly care: Care | undefined
  /** Place among its inputs of what its product is about; -1 where that is about nothing. */
  readonly aboutAt: number
}

export interface CompiledTimer {
  readonly rule: TimerRule
  /** Slot of the datum that sets it. */
  readonly after: number
  readonly ends: readonly TimerEnd[]
}

/** What ends a timer until it is set anew: what it names as `unless`, and targets. */
export interface TimerEnd {
  readonly slot: number
  /** Builders lead from here to the timer's `after`, so that of two data of one scope that one is the newer. */
  readonly above: boolean
}

/** A kind of data within a graph. Slots are numbered in order of first appearance. */
export interface Slot {
  readonly index: number
  readonly name: string
  readonly data: AnyData
  /** Index of the node that produces it; -1 where none does. */
  readonly producer: number
  readonly transient: boolean
  readonly target: boolean
  /** Whether callers from outside may feed it. */
  readonly feedable: boolean
  /** Nodes that a new datum wakes at once. */
  readonly readers: readonly number[]
  /** Nodes that a product wakes in the next pass only: the edge is cut. Fed data wake them at once. */
  readonly laterReaders: readonly number[]
  /** Of `readers` those that the failure of its producer wakes, too. */
  readonly settlers: readonly number[]
  /** Whether some reader needs to see it as it stood when a pass began. */
  readonly lookedBack: boolean
  /** Nodes of the timers that a new datum sets. */
  readonly sets: readonly number[]
  /** Slot of what its data are about, and so do not outlast; -1 where they stand for themselves. */
  readonly about: number
  /** Slots of the data that are about it. */
  readonly regarded: readonly number[]
}

/** A workflow compiled to arrays and indexes: what the engine runs. */
export interface Graph {
  readonly name: string
  readonly version: number
  readonly nodes: readonly Node[]
  readonly slots: readonly Slot[]
  readonly slotOf: ReadonlyMap<string, number>
  readonly nodeOf: ReadonlyMap<string, number>
  /** Slots of the targets, in declared order. */
  readonly targets: readonly number[]
  /** Nodes with neither consumes nor optionals. */
  readonly sources: readonly number[]
  /** Nodes that are timers. */
  readonly timers: readonly number[]
  /** How long an instance has to reach a target, in milliseconds. */
  readonly timeout: number | undefined
  /** Whether it has timers, or a timeout. */
  readonly timed: boolean
  readonly loops: boolean
  /** Slots of data that are about others, each behind what it is about. */
  readonly abouts: readonly number[]
  readonly durability: Durability
  /** Whether an instance that fails undoes what it has done. */
  readonly undoes: boolean
  /** For how long instances that are through are kept, in milliseconds by status; for ever where it is not said. */
  readonly retention: { readonly [Status in 'completed' | 'failed' | 'cancelled']?: number }
  readonly policy: Policy
  /** How instances of older versions move to this one, by their version. */
  readonly migrations: ReadonlyMap<number, Migration>
  /** Producers whose product is read over an edge that is not cut, by node. */
  readonly before: readonly (readonly number[])[]
  /** Whether an uncut path leads from one node to the other. */
  isAncestor(ancestor: number, of: number): boolean
}

/** What becomes of an instance whose builder has failed for good. */
export type OnFailure = 'keep' | 'compensate'

/**
 * When a scope's rows are committed. `'builder'`: the delta before the first builder runs, each product before a
 * dependant starts. `'scope'`: all at its end, so that a crash repeats the whole scope.
 */
export type Durability = 'builder' | 'scope'
