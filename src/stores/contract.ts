/**
 * What a store must do. A store keeps records, compares and sets; every decision about an instance is the engine's.
 * `storeConformance` in `polaris-workflow/testing` checks an implementation against this contract.
 */

import type { PolarisError } from '../graph/errors.ts'
import type { Header, InstanceStatus, Mail, MetaRecord, Row, Snapshot } from './records.ts'

export type {
  Header,
  InstanceStatus,
  Mail,
  MetaRecord,
  Mode,
  Move,
  Origin,
  Row,
  RowNote,
  RowOutcome,
  Snapshot,
} from './records.ts'

/** A value, or a promise of it. A store that answers at once need not make its callers wait. */
export type Awaitable<T> = T | PromiseLike<T>

/** What the instance must be like for a change to apply. */
export interface Expected {
  readonly incarnation: string
  readonly revision: number
  readonly fence: number
  /**
   * If given, the change applies only if this is the instance's `mailAppended`, and it sets that counter to the header's.
   * If not, the store keeps its own, whatever the header says: an append may have come meanwhile.
   */
  readonly mailAppended?: number
}

/** What came of a mail, to be noted together with the change that settles its scope. */
export interface Handled {
  readonly seq: number
  readonly outcome: string
  readonly at: number
}

/** One atomic step of one instance: all of it or nothing. */
export interface Change {
  /**
   * `null` inserts, and loses if the id is taken. Anything else updates, and loses if any part of it differs. Where it names a
   * tombstone, and the header has another incarnation, the id begins anew in the place of the tombstone, in the same step: all
   * members of the header are as an insert leaves them, also those that never change otherwise. `mailAppended` is given then.
   */
  readonly expected: Expected | null
  /**
   * The header that `expected` names, where its writer has it at hand: a store may then look at what differs alone. Of another
   * incarnation, revision or fence than `expected` it counts as left out. What else differs from it stands as `header` says.
   */
  readonly before?: Header
  /** The header as it shall stand; `header.id` names the instance. */
  readonly header: Header
  /** Rows to add. None of their `seq` is there yet. The array is the store's to keep. */
  readonly rows: readonly Row[]
  /**
   * The lease is the holder's for so many milliseconds from now, by the store's clock: `wakeAt` becomes its end, whatever
   * the header says. Without `lease`: where the header names a holder, an update leaves `wakeAt` as it is; else `wakeAt`
   * becomes the header's, or, if after the change mail waits (`mailAppended` > `mailHandled`), the present by the store's
   * clock. That is decided on the counters of the row that is changed, in the same step (P6).
   */
  readonly lease?: number
  /**
   * The record of a request that is worked on at once; its `seq` is the header's `mailAppended`. Whoever writes it has looked
   * whether there is mail of this request id; where there is nevertheless, the change is refused, or loses.
   */
  readonly mail?: Mail
  /** Ignored where there is no such mail. Its body is dropped. */
  readonly handled?: Handled
}

/**
 * What became of a change. One that is not `ok` left no trace: it lost, and `current` is what stood in its way; or it holds
 * what this store cannot keep, and `error` says what.
 */
export type Written =
  /** `mailAppended` and `cancelling` as they stand after the change: how the holder learns of either. */
  | { readonly ok: true; readonly mailAppended: number; readonly cancelling: number }
  | { readonly ok: false; readonly current: Header | undefined }
  | { readonly ok: false; readonly error: PolarisError }

/** A delta to be put into an instance's mailbox. */
export interface Append {
  /**
   * What to create where there is no such instance: `header.id`, with `mailAppended` 1 and `wakeAt` the present. Where
   * there is one, only its `id` and `workflow` matter.
   */
  readonly header: Header
  /** `'new'`: refused where the instance exists. `'existing'`: refused where it does not. */
  readonly expect?: 'new' | 'existing'
  /**
   * It asks to cancel the instance: the header's `cancelling` becomes its `seq`, in the same step, so that whatever is
   * appended later is refused. Never creates an instance, whatever `expect` says.
   */
  readonly cancels?: true
  /** Without its `seq`, which the store gives. */
  readonly mail: Omit<Mail, 'seq' | 'outcome' | 'handledAt'>
}

/** What became of an append. */
export type Appended =
  /** It waits. `header`: as it stood after that or later, `updatedAt` untouched. */
  | { readonly ok: true; readonly seq: number; readonly header: Header }
  /** There is mail with this request id already; nothing was changed, whatever else would have refused it. */
  | { readonly ok: false; readonly known: Mail }
  /**
   * The instance does not fit `expect`, belongs to another workflow, is `cancelled` or `deleted`, or shall be cancelled
   * (`cancelling` is not 0); `current` is `undefined` where it does not exist. Nothing was changed.
   */
  | { readonly ok: false; readonly current: Header | undefined }
  /** It holds what this store cannot keep. */
  | { readonly ok: false; readonly error: PolarisError }

/** An instance to be taken away: its header, every row and all mail, or none of it. */
export interface Removal {
  readonly id: string
  /** As of a {@link Change}: it loses if any part of this differs. With `mailAppended`, also to mail that came meanwhile. */
  readonly expected: Expected
  /**
   * The header that stands in their place from the same step on, just as it is but for `cancelling`, which is 0; its `id` is
   * the removal's. Mostly a tombstone: status `deleted`, and `wakeAt` when it may go in its turn. It may differ from what
   * it replaces in every member, also in those that never change. Left out: the id is free again.
   */
  readonly tombstone?: Header
}

/** Which due instances {@link DataStore.claim} takes over, and for whom. */
export interface ClaimQuery {
  /** Who is to hold the leases. */
  readonly holder: string
  /** How long, in milliseconds by the store's clock. */
  readonly lease: number
  /** At most this many. */
  readonly limit: number
  /** Only instances of these. */
  readonly serves: readonly { readonly workflow: string; readonly version: number }[]
  /** Only these instances; they are claimed only if they are due, like all others. */
  readonly ids?: readonly string[]
}

/** Which instances {@link DataStore.list} gives. What is left out does not matter. */
export interface ListQuery {
  readonly workflow?: string
  readonly version?: number
  /** Left out: all but `deleted`. */
  readonly status?: InstanceStatus | readonly InstanceStatus[]
  /** Created at this time or later (ms since the epoch). */
  readonly createdFrom?: number
  /** Created before this time (ms since the epoch). */
  readonly createdBefore?: number
  /** Which creation comes first. Default: the oldest; `newest` is just the other way round, ties included. A cursor is of the order it came with. */
  readonly order?: 'oldest' | 'newest'
  /** At most this many. */
  readonly limit: number
  /** `next` of the page before. */
  readonly cursor?: string
}

/** A part of what there is, and where the next part begins. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Hand it over as `cursor` for the next page; absent on the last one. */
  readonly next?: string
}

/** How many instances of one version of a workflow are of one status. */
export interface Tally {
  readonly workflow: string
  readonly version: number
  /** Never `deleted`. */
  readonly status: InstanceStatus
  readonly count: number
  /** `createdAt` of the oldest of them (ms since the epoch). */
  readonly oldest: number
  /** Of them, those created at the time asked about or later. */
  readonly created: number
  /** Of them, those whose `updatedAt` is that time or later. */
  readonly touched: number
}

/** Which instances {@link DataStore.find} gives, by the beginning of their ids. */
export interface FindQuery {
  /** What the ids begin with; at least one character. */
  readonly prefix: string
  /** Only ids behind this one. */
  readonly after?: string
  readonly limit: number
}

/** Which part of what is numbered is asked for. */
export interface HistoryQuery {
  /** Only rows with a greater `seq`. */
  readonly after?: number
  readonly limit: number
}

/** What became of a meta record: see {@link Written}. */
export type MetaWritten =
  | { readonly ok: true }
  | { readonly ok: false; readonly current: MetaRecord | undefined }
  | { readonly ok: false; readonly error: PolarisError }

/** Which part of the meta records of a kind is asked for. */
export interface MetaQuery {
  /** Only records whose key is behind this one. */
  readonly after?: string
  readonly limit: number
}

/** What a store can do. It declares what it cannot, rather than to emulate it. */
export interface StoreCapabilities {
  /** Whether what was written outlives the process. If not, the engine saves itself the commits within a scope. */
  readonly durable: boolean
  /** `'text'`: rows carry values encoded by the codec. `'live'`: they carry the values themselves. */
  readonly values: 'text' | 'live'
  /**
   * Whether it can go through all it has: `list`, `listMeta`, `prune`, and `claim` without `ids`. Without that there is no
   * worker.
   * Where it is false, those calls are refused with `STORE_INVALID`.
   */
  readonly lists: boolean
}

/**
 * Where instances live. Errors of the medium are thrown as `PolarisError` with `STORE_UNAVAILABLE`, `STORE_FULL`,
 * `STORE_NEWER` or `STORE_INVALID`; after one, every change of the call either stands or left no trace.
 */
export interface DataStore {
  readonly name: string
  readonly capabilities: StoreCapabilities
  /**
   * So many calls of `write` at once serve it best: one prepares while another waits for the server. Default: 1. No two of
   * them hold changes of one instance.
   */
  readonly lanes?: number
  /** The instance as one consistent picture, or `undefined`. */
  read(id: string): Awaitable<Snapshot | undefined>
  /**
   * Applies each change atomically, header, rows and mail together, if its compare holds; answers in the order given.
   * One change that loses or is refused does not hinder the others. Resolves once all that were applied are durable.
   * At most one change per instance in a call.
   */
  write(changes: readonly Change[]): Awaitable<readonly Written[]>
  /**
   * Puts mail into mailboxes; answers in the order given. Each, atomically: finds mail of the same request id; else
   * creates the instance or raises its `mailAppended`, inserts the mail with that `seq`, and, where nobody holds the
   * instance and it is not due already, sets `wakeAt` to the present by the store's clock: what is due keeps its place among
   * what is claimed. With `cancels` it sets `cancelling` as well. Takes no revision and changes nothing else, so that it
   * never makes the holder lose. Several for one instance in a call are appended in the order given.
   */
  append(appends: readonly Append[]): Awaitable<readonly Appended[]>
  /**
   * Takes instances away, each atomically, if its compare holds: header, rows, mail and request records go, and the
   * tombstone, if there is one, stands in their place; nobody sees anything in between. Answers like `write`, in the order
   * given; the counters are those of the tombstone, or 0. One that loses (`current: undefined` where nothing is there any
   * more) or is refused left no trace, and does not hinder the others. Resolves once all that were applied are durable. At
   * most one removal per instance in a call.
   */
  remove(removals: readonly Removal[]): Awaitable<readonly Written[]>
  /** Mail with a greater `seq` than `after` in order of `seq`, handled or not. */
  mail(id: string, query: HistoryQuery): Awaitable<readonly Mail[]>
  /** The mail with this request id. */
  request(id: string, requestId: string): Awaitable<Mail | undefined>
  /**
   * Takes over instances that are due, `wakeAt` having passed by the store's clock: sets `holder`, raises `fence` and
   * `claims` by one, sets `wakeAt` to the end of the lease, and leaves the revision alone. Those due the longest first.
   * Whatever the status: tombstones too.
   * Never gives an instance to two. Answers their headers as they stand now.
   */
  claim(query: ClaimQuery): Awaitable<readonly Header[]>
  /** Headers, oldest creation first, or newest; ties by id, in the same direction. What changes between two pages is never shown twice nor left out. */
  list(query: ListQuery): Awaitable<Page<Header>>
  /**
   * Counts all there is, as one consistent picture, without holding up the process: away from its thread, or by the server.
   * `since`: ms since the epoch. Left out by stores that cannot; the engine then goes through a part of what `list` gives.
   */
  tally?(since: number): Awaitable<readonly Tally[]>
  /**
   * Headers but `deleted` ones whose ids begin with a text, in order of the code points of their ids, at a cost that follows
   * the limit. Left out by stores that have no such order.
   */
  find?(query: FindQuery): Awaitable<readonly Header[]>
  /** Every row of an instance in order of `seq`. Empty for an unknown id. */
  history(id: string, query: HistoryQuery): Awaitable<readonly Row[]>
  /**
   * Deletes mail handled before a time (ms since the epoch) and meta records that have expired, up to `limit` of both
   * together; answers how many it were.
   */
  prune(handledBefore: number, limit: number): Awaitable<number>
  /** The meta record, unless it has expired. */
  meta(kind: string, key: string): Awaitable<MetaRecord | undefined>
  /**
   * Puts a meta record in the place of the one that has this revision, in one atomic step; with `null` where there is none,
   * or only one that has expired. It loses to any other that stands there, which is the answer, and to one that expired
   * where a revision is expected. Resolves once it is durable. One that has expired already is as good as deleted.
   */
  setMeta(record: MetaRecord, expectedRevision: number | null): Awaitable<MetaWritten>
  /** Meta records of a kind that have not expired, in order of the code points of their keys. */
  listMeta(kind: string, query: MetaQuery): Awaitable<readonly MetaRecord[]>
  /**
   * The store's clock, in milliseconds since the epoch: of stores whose own clock counts and not that of the process, or
   * that were given one. Left out: that of the process is the store's.
   */
  now?(): Awaitable<number>
  /**
   * Calls back with an instance's id soon after mail of it was appended or handled, or waited when the instance was
   * removed, and soon after a change left it to nobody (`holder: null`) though its `wakeAt` has passed, so that another
   * process goes on at once. By whomever, this store included. May tell too much, and may miss some: who needs certainty
   * also polls. Answers how to end it. Left out by stores that cannot.
   */
  subscribe?(onMail: (id: string) => void): () => void
  /** Gives back what the store holds. A closed store refuses everything with `CLOSED`; closing twice is harmless. */
  close(): Awaitable<void>
}
