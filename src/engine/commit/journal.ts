import { isPolarisError } from '../../graph/errors.ts'
import type { Graph, Node, Slot } from '../../graph/graph.ts'
import type { Awaitable, Change, Expected, Handled, Header, Mail, Row } from '../../stores/contract.ts'
import { isThenable } from '../awaitable.ts'
import type { Committed, Committer } from './committer.ts'
import { leaseLost, startInDoubt } from '../refusals.ts'
import type { Work } from '../scope/work.ts'

/** What a commit changes in the header. */
export type HeaderPatch = Pick<
  Header,
  'status' | 'scope' | 'pass' | 'mode' | 'settled' | 'rows' | 'updatedAt' | 'wakeAt'
>

/** How a commit gives the instance back. */
export interface Leaving {
  /** Whether the scope has ended: all mail up to it is handled. If not, whoever comes next goes on with it at once. */
  readonly settled: boolean
  readonly handled: Handled | undefined
  /** Whether this process goes on with the next scope at once, and so keeps the lease. */
  readonly keep: boolean
}

/** The first commit of a scope lost: nothing was kept of it, so it can begin anew on what stands now. */
export class Overtaken extends Error {}

/** A process's right to work on instances: it holds each for so many milliseconds, and renews that while it works. */
export interface Tenure {
  readonly holder: string
  readonly ms: number
}

export interface JournalFacts {
  readonly committer: Committer
  readonly header: Header | undefined
  /** What a new instance's header is made of. */
  readonly draft: Header
  /** The tombstone that a new instance takes the place of. */
  readonly grave?: Header | undefined
  /** What the instance runs on from the first commit on, and the fingerprint that says so. */
  readonly graph: Graph
  readonly fingerprint: string
  readonly token: () => string
  readonly eager: boolean
  readonly tenure: Tenure
  readonly startedAt: number
  /** When the lease was taken, if the process holds one already. */
  readonly leasedAt: number | undefined
  /** The scope comes from a call and not from the mailbox: it may begin only if no mail waits (P7). */
  readonly direct: boolean
  /** The record of a direct call that named its request. */
  readonly mail: Mail | undefined
  /** `seq` of the newest committed row, where the scope was begun by another process or call. */
  readonly committed: number | undefined
}

/**
 * Gets one scope's rows into the store: at most one change of an instance is in flight, and what comes meanwhile goes
 * with the next. Says which builders have to wait until what they depend on is durable.
 */
export class Journal {
  /** As committed last; `undefined` before an instance's first commit. */
  header: Header | undefined
  private readonly facts: JournalFacts
  private readonly draft: Header
  private readonly graph: Graph
  /** Whether rows are committed within the scope, and not only at its end. */
  readonly eager: boolean
  private rows: Row[] = []
  /** By builder the `seq` of its newest row, committed or not, with or without a product. */
  private readonly newest: Map<number, number> | undefined
  /** By builder that can be undone, the `seq` of the row that says that it begins. */
  private starts: Map<number, number> | undefined
  /** `seq` of the newest row from a builder with effects outside. */
  private effect = 0
  /** Rows up to this `seq` are committed. */
  private committed: number
  private begun = false
  private flight: PromiseLike<void> | undefined
  /** A renewal under way, or one whose answer never came. */
  private renewal: { readonly change: Change; readonly now: number } | undefined
  /** When the lease began that this process holds, by its own clock; `undefined` where it holds none. */
  leasedAt: number | undefined
  /** When something last came of a builder, committed or not, or rows were committed. */
  progressAt: number

  constructor(facts: JournalFacts) {
    this.facts = facts
    this.header = facts.header
    this.draft = facts.draft
    this.graph = facts.graph
    this.eager = facts.eager
    this.newest = facts.eager ? new Map() : undefined
    this.committed = facts.committed ?? -1
    this.leasedAt = facts.leasedAt
    this.progressAt = facts.startedAt
  }

  get id(): string {
    return this.draft.id
  }

  get incarnation(): string {
    return this.draft.incarnation
  }

  /** Adds rows that tell of something that has happened before. */
  carry(rows: readonly Row[]): void {
    this.rows.push(...rows)
  }

  /** @param node the builder whose run it is; left out where nothing that depends on it has to wait */
  add(row: Row, node?: Node): void {
    this.rows.push(row)
    // Asked for only where a lease is held.
    if (row.builder !== null && (this.eager || this.leasedAt !== undefined)) this.progressAt = row.endedAt
    if (node === undefined || this.newest === undefined) return
    this.newest.set(node.index, row.seq)
    if (!node.builder.pure) this.effect = row.seq
  }

  /** Notes that a builder is about to do what may have to be undone: it must not start before that is durable. */
  begin(row: Row, { index }: Node): void {
    this.rows.push(row)
    if (this.newest !== undefined) (this.starts ??= new Map()).set(index, row.seq)
  }

  /**
   * Whether a builder must not start yet: the delta, and what came of those it depends on, has to be durable first. That
   * they gave nothing counts too: after a crash they might give something, and it would run under the same idempotency
   * key with other inputs.
   */
  holds({ node }: Work): boolean {
    if (this.newest === undefined) return false
    if (this.committed < 0) return true
    if (this.starts !== undefined && (this.starts.get(node.index) ?? 0) > this.committed) return true
    const { nodes, slots } = this.graph
    for (const { slot } of node.inputs) {
      // What a datum is about decides whether it is there.
      for (let next = slot; next >= 0; next = (slots[next] as Slot).about) {
        const { producer } = slots[next] as Slot
        if ((this.newest.get(producer) ?? 0) <= this.committed) continue
        if (!node.builder.pure || nodes[producer]?.builder.pure !== true) return true
      }
    }
    return false
  }

  /** Whether a builder's newest row is durable, if it has one: a try that failed. */
  knows({ node }: Work): boolean {
    return this.newest === undefined || (this.newest.get(node.index) ?? 0) <= this.committed
  }

  /** Whether there is something that should become durable now, while other builders run or wait. */
  get pressing(): boolean {
    return this.eager && this.flight === undefined && this.effect > this.committed
  }

  /** Whether somebody asks to cancel the instance, as far as the last commit has told. */
  get cancelled(): boolean {
    return this.header !== undefined && this.header.cancelling > 0 && this.header.scope !== this.header.cancelling
  }

  get busy(): boolean {
    return this.flight !== undefined
  }

  /** Commits what there is. Only when nothing is in flight. */
  flush(patch: HeaderPatch, leaving?: Leaving): Awaitable<void> {
    const { facts } = this
    const { rows } = this
    this.rows = []
    if (rows.length > 0) this.progressAt = patch.updatedAt
    const previous = this.header ?? this.draft
    const held = leaving?.keep ?? (this.eager || this.leasedAt !== undefined || facts.committed !== undefined)
    const header = nextHeader(previous, patch, {
      version: this.graph.version,
      fingerprint: facts.fingerprint,
      holder: held ? facts.tenure.holder : null,
      fence: this.begun ? previous.fence : previous.fence + 1,
      mailAppended: this.begun || !facts.direct ? previous.mailAppended : patch.scope,
      mailHandled: leaving?.settled === true ? patch.scope : previous.mailHandled,
      claims: rows.length > 0 || leaving?.settled === true ? 0 : previous.claims,
      token: facts.token(),
    })
    const lease = held && this.isLeaseDue(patch.updatedAt) ? facts.tenure.ms : undefined
    // A lease of no time: whoever comes next goes on at once.
    const left = leaving?.settled === false ? 0 : undefined
    return this.send(this.change(header, rows, lease ?? left, leaving?.handled), patch.updatedAt)
  }

  /**
   * Keeps the lease while builders run that take long: if a third of it is over, and nothing is in flight. That the store cannot
   * be reached is borne, since the lease still runs.
   */
  keepLease(now: number): Promise<void> | undefined {
    return this.busy || !this.isLeaseDue(now) ? undefined : this.renewBearably(now)
  }

  /** Never throws at once: whoever asks has others to look after. */
  private async renewBearably(now: number): Promise<void> {
    try {
      await this.renew(now)
    } catch (error) {
      if (!isPolarisError(error, 'STORE_UNAVAILABLE')) throw error
    }
  }

  /** Only when nothing is in flight. */
  renew(now: number): Awaitable<void> {
    const { header, facts, begun } = this
    if (header === undefined || (!begun && this.leasedAt === undefined)) return undefined
    const renewed = { ...header, revision: header.revision + 1, token: facts.token() }
    const expected = expectedOf(header, !begun && facts.direct)
    this.renewal ??= { change: { expected, header: renewed, rows: [], lease: facts.tenure.ms }, now }
    return this.send(this.renewal.change, this.renewal.now)
  }

  /** Whether a renewal was never answered: it may stand, and any other change would lose to it, so {@link renew} comes first. */
  get unsure(): boolean {
    return this.renewal !== undefined
  }

  /** Whether a third of the lease is over. */
  private isLeaseDue(now: number): boolean {
    if (this.leasedAt === undefined) return true
    const age = now - this.leasedAt
    // Below zero, the clock was set back since: how old it is, is not known.
    return age < 0 || age >= this.facts.tenure.ms / 3
  }

  private change(
    header: Header,
    rows: readonly Row[],
    lease: number | undefined,
    handled: Handled | undefined,
  ): Change {
    const { header: previous, facts, begun } = this
    const { grave } = facts
    const first = grave === undefined ? null : expectedOf(grave, true)
    const expected = previous === undefined ? first : expectedOf(previous, !begun && facts.direct)
    const mail = begun ? undefined : facts.mail
    const before = previous ?? grave
    if (before !== undefined && lease === undefined && handled === undefined && mail === undefined) {
      return { expected, before, header, rows }
    }
    return {
      expected,
      ...(before !== undefined && { before }),
      header,
      rows,
      ...(lease !== undefined && { lease }),
      ...(mail !== undefined && { mail }),
      ...(handled !== undefined && { handled }),
    }
  }

  private send(change: Change, now: number): Awaitable<void> {
    const written = this.facts.committer.commit(change)
    return isThenable(written) ? this.fly(written, change, now) : this.landed(written, change, now)
  }

  private fly(written: PromiseLike<Committed>, change: Change, now: number): PromiseLike<void> {
    this.flight = written.then(
      (answer) => {
        this.flight = undefined
        this.landed(answer, change, now)
      },
      (error: unknown) => {
        this.flight = undefined
        throw error
      },
    )
    return this.flight
  }

  private landed(written: Committed, change: Change, now: number): void {
    const { header, lease } = change
    const renews = this.renewal?.change === change
    if (renews) this.renewal = undefined
    if (!written.ok) {
      if (this.begun) throw leaseLost(header.id)
      const { direct, mail } = this.facts
      // Begun anew, it might be handled twice; the record of a request tells, unless it was removed, and mail has its number.
      if (written.doubtful && direct && (mail === undefined || written.removed)) throw startInDoubt(header.id)
      throw new Overtaken()
    }
    if (lease !== undefined) this.leasedAt = now
    const { cancelling } = written
    // What began compares with what stood then, also if a renewal that stood was answered only after mail had come.
    const begins = renews && !this.begun && this.facts.direct
    const mailAppended = begins ? header.mailAppended : written.mailAppended
    const same = header.mailAppended === mailAppended && header.cancelling === cancelling
    this.header = same ? header : { ...header, mailAppended, cancelling }
    // A lease that a scope was given may have to be renewed before its first commit, which then still takes its number.
    if (renews) return
    this.begun = true
    this.committed = header.rows
  }

  /** Waits for what is in flight, then commits the rest and gives the instance back. */
  close(patch: HeaderPatch, leaving: Leaving): Awaitable<void> {
    if (this.flight !== undefined) return this.closeAfter(this.flight, patch, leaving)
    if (this.renewal === undefined) return this.flush(patch, leaving)
    const renewing = this.renew(this.renewal.now)
    return isThenable(renewing) ? renewing.then(() => this.close(patch, leaving)) : this.close(patch, leaving)
  }

  private closeAfter(flight: PromiseLike<void>, patch: HeaderPatch, leaving: Leaving): Awaitable<void> {
    const again = (): Awaitable<void> => this.close(patch, leaving)
    return flight.then(again, (error: unknown) => {
      if (this.unsure) return again()
      throw error
    })
  }
}

/** What a change compares. `noMail`: also that no mail has come since. */
export function expectedOf({ incarnation, revision, fence, mailAppended }: Header, noMail: boolean): Expected {
  return noMail ? { incarnation, revision, fence, mailAppended } : { incarnation, revision, fence }
}

/** Spelled out: spreading two objects into one took as long as running two builders. */
function nextHeader(
  previous: Header,
  patch: HeaderPatch,
  own: Pick<
    Header,
    'version' | 'fingerprint' | 'holder' | 'fence' | 'mailAppended' | 'mailHandled' | 'claims' | 'token'
  >,
): Header {
  return {
    id: previous.id,
    incarnation: previous.incarnation,
    revision: previous.revision + 1,
    fence: own.fence,
    workflow: previous.workflow,
    version: own.version,
    fingerprint: own.fingerprint,
    status: patch.status,
    holder: own.holder,
    wakeAt: patch.wakeAt,
    mailAppended: own.mailAppended,
    mailHandled: own.mailHandled,
    cancelling: previous.cancelling,
    scope: patch.scope,
    pass: patch.pass,
    mode: patch.mode,
    settled: patch.settled,
    rows: patch.rows,
    claims: own.claims,
    token: own.token,
    createdAt: previous.createdAt,
    updatedAt: patch.updatedAt,
  }
}
