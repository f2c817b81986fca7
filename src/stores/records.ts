/** What a store keeps. What it does with it stands in the contract. */

/**
 * Where an instance stands. `running`: a scope is under way, or is to be finished. `waiting`: for data. `retrying`: a builder
 * failed and is tried again at `wakeAt`. `failed`: until a later scope succeeds. `completed` and `cancelled`: it is over.
 */
export type InstanceStatus =
  | 'running'
  | 'waiting'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'retrying'
  /** A tombstone: what stands in the place of an instance that was removed, until `wakeAt`. See `Removal` in the contract. */
  | 'deleted'

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
  /** Who holds the lease: the process that works on the instance. `null`: nobody. Until `wakeAt`, nobody else may. */
  readonly holder: string | null
  /**
   * When the instance needs attention, by the store's clock: the holder's lease ends; without a holder a retry, a timer,
   * mail that waits. `null`: never.
   */
  readonly wakeAt: number | null
  /** `seq` of the newest {@link Mail}. The store's own: see `expected` of a `Change` and `append`. */
  readonly mailAppended: number
  /** Mail up to this `seq` is handled. */
  readonly mailHandled: number
  /**
   * `seq` of the mail that asks to cancel the instance; 0 if none does. The store's own: an append with `cancels` sets it,
   * a change keeps it, whatever its header says, and an instance that is new has 0.
   */
  readonly cancelling: number
  /** Number of the newest scope, from 1. A delta's scope has the number of its mail. */
  readonly scope: number
  /** Pass of the scope that is open, from 1; 0 when none is. */
  readonly pass: number
  /** How the newest scope runs its builders: a scope that a crash cut short is finished the same way. */
  readonly mode: Mode
  /** Everything up to this row's `seq` is settled: no builder is due because of it. */
  readonly settled: number
  /** `seq` of the newest row. */
  readonly rows: number
  /** Times the instance was claimed without any progress since. */
  readonly claims: number
  /** Made anew for each change: tells a writer whose answer was lost whether its change is the one that stands. */
  readonly token: string
  /** Never changes. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** What a row tells of. */
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
  /** The instance begins again from what was fed. */
  | 'restart'
  /** A builder, and all that depends on it, is to run again. */
  | 'rerun'
  /** Nothing runs any more. */
  | 'cancelled'
  /** A builder whose effects can be undone begins: from now on it may have done something. */
  | 'started'
  /** What the instance has done is being undone; `note` says how far that is. */
  | 'compensating'
  /** What a builder had done is undone; without a builder: all of it is. */
  | 'compensated'
  /** What is before it was copied from another instance. */
  | 'forked'
  /** The instance moved to another version of its workflow, or this datum or run came along under its new name or shape. */
  | 'migrated'

/** Small facts about a row that only people and error messages need. Plain JSON. */
export interface RowNote {
  readonly because?: string
  /** With `waitFor`: the name of the data waited for. */
  readonly awaits?: string
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string; readonly stack?: string }
  readonly meta?: Readonly<Record<string, unknown>>
  /** With `started` and `compensated`: the run's idempotency key. */
  readonly key?: string
  /** With `compensating`: how many runs are still to be undone. */
  readonly left?: number
  /** With `forked`: what it is a copy of, up to which row, and how much of that was settled. */
  readonly from?: { readonly id: string; readonly seq: number; readonly settled: number }
  /** Of a timer that repeats: how often it has gone off since the datum that set it came. */
  readonly count?: number
  /** Which try of a builder this was, where it may have several. */
  readonly attempt?: number
  /** Of a try that failed: when the next one is to come (ms since the epoch). Absent: none comes by itself. */
  readonly retryAt?: number
  /** Of a `once` builder's failure: the scope of the run before that gave nothing, from which its key derives. */
  readonly since?: number
  /** The builder has `cutoff`, and its product equals the datum of this row, which goes on to stand for it. */
  readonly sameAs?: number
  /** Of a datum that is about one of another data: the row of that one. */
  readonly about?: number
  /** The builder's fallback made the product, after its last try had failed with `error`. */
  readonly fallback?: true
  /** With `migrated`, of the instance: from which version to which, and what that meant. */
  readonly move?: Move
  /** With `migrated`, of a datum or a run: the row that it stands for. */
  readonly was?: Origin
}

/** How an instance moved from one version of its workflow to another. */
export interface Move {
  readonly from: { readonly version: number; readonly fingerprint: string }
  readonly to: { readonly version: number; readonly fingerprint: string }
  /** What was done to data, in words. */
  readonly steps: readonly string[]
  /** Names of data that the newer version does not keep. */
  readonly dropped: readonly string[]
  /** Names of builders that are to run because they are new or different. */
  readonly due: readonly string[]
}

/** Which row a rewritten one stands for. */
export interface Origin {
  /** `null`: nothing stands there any more. */
  readonly outcome: 'fed' | 'produced' | 'nothing' | 'waitFor' | null
  readonly seq: number
  readonly scope: number
  readonly pass: number
}

/**
 * Something that happened to an instance. Rows are only ever added. Those that carry values as they are may be objects
 * with getters: read members by name. `value` is text made by the codec if the store's
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
  /** Name of the data that was fed or produced, or that a failure stands for. */
  readonly data: string | null
  readonly outcome: RowOutcome
  readonly value: unknown
  /** `seq` of the row each input was read from, in the builder's declared order; 0 where there was none. */
  readonly inputs: readonly number[]
  readonly startedAt: number
  readonly endedAt: number
  readonly note: RowNote | null
}

/**
 * A delta on its way: waiting for its turn, being worked on, or handled. It stays as the record of the request, so that the
 * same request sent again is answered and not handled again.
 */
export interface Mail {
  /** 1, 2, 3 … within the instance: the number of the scope it gets. */
  readonly seq: number
  /** Unique within the instance: the caller's, or one made for this delta. */
  readonly requestId: string
  readonly mode: Mode
  /** Of the raw input and its names. */
  readonly hash: string
  /**
   * What was fed, in the form of {@link Row.value}: text or live. `undefined` once it is in rows: the store drops it with
   * the outcome.
   */
  readonly body: unknown
  /** What came of it: text that only the engine understands. `null` until its scope has ended. */
  readonly outcome: string | null
  readonly appendedAt: number
  /** `null` until its scope has ended. */
  readonly handledAt: number | null
}

/** An instance as it stands. */
export interface Snapshot {
  readonly header: Header
  /** The newest row of each place, in order of `seq`. How many there are does not depend on the length of the history. */
  readonly rows: readonly Row[]
}

/**
 * A small record beside the instances, never changed together with one. `kind` and `key` are names as ids are: of 1 to 512
 * characters, none of them a control character or a lone surrogate.
 */
export interface MetaRecord {
  readonly kind: string
  readonly key: string
  /** Whatever its writer chooses; compared when it is replaced. */
  readonly revision: number
  /** Any text. */
  readonly value: string
  /** From this time on, by the store's clock, there is no such record. `null`: it stays. */
  readonly expiresAt: number | null
}
