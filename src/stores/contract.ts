/**
 * What a store must do. A store keeps records, compares and sets; every decision about an instance is the engine's.
 * `storeConformance` in `polaris-workflow/testing` checks an implementation against this contract.
 */

import type { PolarisError } from '../graph/errors.ts'

/** A value, or a promise of it. A store that answers at once need not make its callers wait. */
export type Awaitable<T> = T | PromiseLike<T>

export type InstanceStatus = 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled' | 'retrying'

/** Which of a workflow's builders run at once: one, in rank order, or all that can. */
export type Mode = 'sequential' | 'parallel'

/**
 * One per instance, of constant size. Data, activity and what has run are derived from {@link Row}s.
 * All times are milliseconds since the epoch.
 */
export interface Header {
  readonly id: string
  /** Random, made when the instance is created: tells apart two instances that bore the same id one after the other. */
  readonly incarnation: string
  /** Grows by one with every change. */
  readonly revision: number
  /** Grows whenever the right to work on the instance changes hands. */
  readonly fence: number
  readonly workflow: string
  readonly version: number
  readonly fingerprint: string
  readonly status: InstanceStatus
  /** When the instance needs attention by itself: a lease that expires, a retry, a timer, waiting mail. */
  readonly wakeAt: number | null
  readonly mailAppended: number
  readonly mailHandled: number
  /** Number of the newest scope, from 1. */
  readonly scope: number
  /** Pass of the scope that is open, from 1; 0 when none is. */
  readonly pass: number
  /** How the newest scope runs its builders: a scope that a crash cut short is finished the same way. */
  readonly mode: Mode
  /** Everything up to this row's `seq` is settled: no builder is due because of it. */
  readonly settled: number
  /** `seq` of the newest row. */
  readonly rows: number
  /** Times the open scope was taken up without any progress since. */
  readonly claims: number
  /** Made anew for each change: tells a writer whose answer was lost whether its change is the one that stands. */
  readonly token: string
  /** Never changes. */
  readonly createdAt: number
  readonly updatedAt: number
}

export type RowOutcome =
  /** Data that a caller handed over. */
  | 'fed'
  /** A builder made its product. */
  | 'produced'
  /** A builder made its transient product again, because a reader lacked it. It wakes nobody. */
  | 'supplied'
  | 'nothing'
  | 'waitFor'
  | 'failed'
  /** A call's `meta`; carries no datum. */
  | 'call'

/** Small facts about a row that only people and error messages need. Plain JSON. */
export interface RowNote {
  readonly because?: string
  /** With `waitFor`: the name of the data waited for. */
  readonly awaits?: string
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string; readonly stack?: string }
  readonly meta?: Readonly<Record<string, unknown>>
}

/**
 * Something that happened to an instance. Rows are only ever added. `value` is text made by the codec if the store's
 * capability `values` is `'text'`, and the value itself if it is `'live'`; `undefined` where the row carries none.
 */
export interface Row {
  /** 1, 2, 3 … within the instance. */
  readonly seq: number
  /**
   * What the row is the newest of. Of each place, `read` returns the newest row, and no other. The engine chooses
   * places; to a store they are text.
   */
  readonly place: string
  readonly scope: number
  readonly pass: number
  readonly builder: string | null
  /** Name of the data that was fed or produced. */
  readonly data: string | null
  readonly outcome: RowOutcome
  readonly value: unknown
  /** `seq` of the row each input was read from, in the builder's declared order; 0 where there was none. */
  readonly inputs: readonly number[]
  readonly startedAt: number
  readonly endedAt: number
  readonly note: RowNote | null
}

/** An instance as it stands. */
export interface Snapshot {
  readonly header: Header
  /** The newest row of each place, in order of `seq`. How many there are does not depend on the length of the history. */
  readonly rows: readonly Row[]
}

/** What the instance must be like for a change to apply. */
export interface Expected {
  readonly incarnation: string
  readonly revision: number
  readonly fence: number
}

/** One atomic step of one instance. */
export interface Change {
  /** `null` inserts, and loses if the id is taken. Anything else updates, and loses if any of the three differs. */
  readonly expected: Expected | null
  /** The header as it shall stand; `header.id` names the instance. */
  readonly header: Header
  /** Rows to add. None of their `seq` is there yet. The array is the store's to keep. */
  readonly rows: readonly Row[]
}

/**
 * What became of a change. One that is not `ok` left no trace: it lost, and `current` is what stood in its way; or it holds
 * what this store cannot keep, and `error` says what.
 */
export type Written =
  | { readonly ok: true }
  | { readonly ok: false; readonly current: Header | undefined }
  | { readonly ok: false; readonly error: PolarisError }

export interface ListQuery {
  readonly workflow?: string
  readonly version?: number
  readonly status?: InstanceStatus | readonly InstanceStatus[]
  /** Created at this time or later (ms since the epoch). */
  readonly createdFrom?: number
  /** Created before this time (ms since the epoch). */
  readonly createdBefore?: number
  /** At most this many. */
  readonly limit: number
  /** `next` of the page before. */
  readonly cursor?: string
}

export interface Page<T> {
  readonly items: readonly T[]
  /** Hand it over as `cursor` for the next page; absent on the last one. */
  readonly next?: string
}

export interface HistoryQuery {
  /** Only rows with a greater `seq`. */
  readonly after?: number
  readonly limit: number
}

export interface StoreCapabilities {
  /** Whether what was written outlives the process. If not, the engine saves itself the commits within a scope. */
  readonly durable: boolean
  /** `'text'`: rows carry values encoded by the codec. `'live'`: they carry the values themselves. */
  readonly values: 'text' | 'live'
}

/**
 * Where instances live. Errors of the medium are thrown as `PolarisError` with `STORE_UNAVAILABLE`, `STORE_FULL`,
 * `STORE_NEWER` or `STORE_INVALID`; after one, every change of the call either stands or left no trace.
 */
export interface DataStore {
  readonly name: string
  readonly capabilities: StoreCapabilities
  /** The instance as one consistent picture, or `undefined`. */
  read(id: string): Awaitable<Snapshot | undefined>
  /**
   * Applies each change atomically, header and rows together, if its compare holds; answers in the order given.
   * One change that loses or is refused does not hinder the others. Resolves once all that were applied are durable.
   * At most one change per instance in a call.
   */
  write(changes: readonly Change[]): Awaitable<readonly Written[]>
  /** Headers, oldest creation first (ties by id). What changes between two pages is never shown twice nor left out. */
  list(query: ListQuery): Awaitable<Page<Header>>
  /** Every row of an instance in order of `seq`. Empty for an unknown id. */
  history(id: string, query: HistoryQuery): Awaitable<readonly Row[]>
  /** Gives back what the store holds. A closed store refuses everything with `CLOSED`; closing twice is harmless. */
  close(): Awaitable<void>
}
