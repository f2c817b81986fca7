/** What those who look at instances are shown. */
import type { AnyData, ValueOf } from '../../graph/data.ts'
import type { Frozen } from '../../graph/frozen.ts'
import type { InstanceStatus, Mode, Move, RowNote, RowOutcome } from '../../stores/contract.ts'
import type { PendingTimer, TimerExplanation } from './inspect-timers.ts'
import type { WaitingMail } from '../versions/waiting-mail.ts'

/** An instance in a list. Times are milliseconds since the epoch. */
export interface InstanceSummary {
  readonly id: string
  readonly workflow: string
  readonly version: number
  readonly status: InstanceStatus
  /** How many scopes it has had. */
  readonly scopes: number
  readonly revision: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** An instance as it stands. */
export interface InstanceView extends InstanceSummary {
  /** Names of the data that the target still lacks and no builder makes by itself. */
  readonly waitingFor: readonly string[]
  /** The target that completes it; absent unless it is completed. */
  readonly targetName?: string
  /** The timers that are to go off, the next one first. */
  readonly timers: readonly PendingTimer[]
  /** When its time to reach a target is over (ms since the epoch), where that is bounded. */
  readonly deadline?: number
  /** The newest datum of each data that is there, by name. */
  readonly data: Readonly<Record<string, unknown>>
  /** By name, `seq` of the history entry that each of these data is from: what `about` names. */
  readonly seqs: Readonly<Record<string, number>>
  /** The newest datum of one data. Throws `DATA_UNKNOWN` for data of other workflows, namesakes included. */
  latest<X extends AnyData>(data: X): Frozen<ValueOf<X>> | undefined
  /** If what it has done was to be undone. */
  readonly compensation?: Compensation
  /** Why it is failed: what the builder that threw last threw. */
  readonly failure?: { readonly builder: string; readonly at: number; readonly attempt?: number } & NonNullable<
    RowNote['error']
  >
  /** Builders that failed and are to be tried again by themselves, the first of them first. Empty unless it is retrying. */
  readonly retries: readonly PendingRetry[]
}

/** A builder that failed and is to be tried again. */
export interface PendingRetry {
  readonly builder: string
  /** The try that failed, from 1. */
  readonly attempt: number
  /** When the next one comes, in milliseconds since the epoch, unless a call on the instance comes first. */
  readonly retryAt: number
  readonly error: NonNullable<RowNote['error']>
}

/** Something that happened to an instance. */
export interface HistoryEntry {
  /** 1, 2, 3 … within the instance. */
  readonly seq: number
  readonly scope: number
  readonly pass: number
  readonly outcome: RowOutcome
  /** Who did it; absent for what a caller fed. */
  readonly builder?: string
  /** Name of the data that was fed or produced; of a failure that others consume (`settled`), of what it stands for. */
  readonly data?: string
  /** Absent where nothing was produced, and for transients. */
  readonly value?: unknown
  /** What the builder read: the data, and the entry that datum is from. */
  readonly inputs: readonly { readonly data: string; readonly seq: number }[]
  readonly startedAt: number
  readonly endedAt: number
  readonly because?: string
  /** With `waitFor`: the data it waits for. */
  readonly awaits?: string
  /** What was thrown; with `fallback`, by the builder itself. */
  readonly error?: NonNullable<RowNote['error']>
  readonly meta?: Readonly<Record<string, unknown>>
  /** With `forked`: what it is a copy of, and up to which entry. */
  readonly from?: { readonly id: string; readonly seq: number }
  /** Which try of the builder this was, where it may have several. */
  readonly attempt?: number
  /** Of a try that failed: when the next one was to come (ms since the epoch). */
  readonly retryAt?: number
  /** The builder failed for good, and its fallback made the product. */
  readonly fallback?: true
  /** The builder has `cutoff`, and its product equalled the value of this entry, which it has left in place. */
  readonly sameAs?: number
  /** Of a datum that is about one of another data: the entry that one is from. It counts no longer than that is the current one. */
  readonly about?: number
  /** With `migrated`: from which version to which the instance moved, and what that meant. */
  readonly move?: Move
}

/** A datum a builder lacks, and who could provide it. */
export interface Lack {
  readonly data: string
  /** The builder that produces it; absent if a caller has to feed it. */
  readonly from?: string
  /** What that builder said when it gave none. */
  readonly because?: string
}

/** How a builder of an instance stands. */
export interface BuilderExplanation {
  readonly name: string
  /**
   * `done`: it ran and gave its product. `nothing`, `waitFor`: it ran and gave none. `due`: it is to run with the next
   * call or resume. `failed`: it threw last, and is due. `retrying`: the same, and it is tried again at `retryAt`.
   * `settled`: it failed for good, and those who consume the outcome have it. `lacking`: it cannot run for lack of data.
   * `idle`: it was never triggered.
   */
  readonly state: 'done' | 'nothing' | 'waitFor' | 'settled' | 'due' | 'failed' | 'retrying' | 'lacking' | 'idle'
  /** What it cannot run without. */
  readonly lacks: readonly Lack[]
  /** A `once` builder whose inputs changed after it made its product. */
  readonly outdated: boolean
  readonly because?: string
  readonly awaits?: string
  readonly error?: NonNullable<RowNote['error']>
  /** The try that `error` ended, where it may have several. */
  readonly attempt?: number
  readonly retryAt?: number
}

/** How a target of an instance stands, and what it lacks. */
export interface TargetExplanation {
  readonly name: string
  readonly state: 'present' | 'stale' | 'absent'
  /**
   * For a stale target: the builders that ran since without renewing it, and those for which a datum counted that is about
   * what has been replaced.
   */
  readonly because: readonly string[]
  readonly waitingFor: readonly string[]
}

/** What an instance has done, what it would do next, and what it waits for. */
export interface Explanation {
  readonly id: string
  readonly workflow: string
  readonly version: number
  readonly status: InstanceStatus
  /** A scope is under way, or a crash cut it short: the next call or `resume` finishes it. */
  readonly open?: { readonly scope: number; readonly pass: number; readonly mode: Mode }
  readonly waitingFor: readonly string[]
  readonly targets: readonly TargetExplanation[]
  readonly builders: readonly BuilderExplanation[]
  /** If what it has done was to be undone. */
  readonly compensation?: Compensation
  readonly timers: readonly TimerExplanation[]
  /** This process does not serve the instance's version: what is said is by its graph as the store keeps it. */
  readonly unserved?: true
  /** What was fed and waits for its turn, the first hundred. Absent where nothing does. */
  readonly mail?: readonly WaitingMail[]
  /** When its time to reach a target is over (ms since the epoch), where that is bounded. */
  readonly deadline?: number
}

/** How far it is with undoing what an instance has done. */
export interface Compensation {
  readonly done: boolean
  /** How many runs are still to be undone, the one at hand included, as far as that is known. */
  readonly left: number
  /** Whose run is next. */
  readonly builder?: string
  /** Tries of that one that failed. */
  readonly attempt?: number
  readonly error?: NonNullable<RowNote['error']>
  /** When it is tried again. */
  readonly retryAt?: number
}
