import type { Graph, Node, Slot } from '../graph/graph.ts'
import type { Awaitable, Header, Row, Written } from '../stores/contract.ts'
import { isThenable } from './awaitable.ts'
import type { Committer } from './committer.ts'
import { leaseLost } from './refusals.ts'
import type { Work } from './scope.ts'

/** What a commit changes in the header. */
export type HeaderPatch = Pick<Header, 'status' | 'scope' | 'pass' | 'mode' | 'settled' | 'rows' | 'updatedAt'>

/** The first commit of a scope lost: nothing has run yet, so it can begin anew on what stands now. */
export class Overtaken extends Error {}

/**
 * Gets one scope's rows into the store: at most one change of an instance is in flight, and what comes meanwhile goes
 * with the next. Says which builders have to wait until what they depend on is durable.
 */
export class Journal {
  /** As committed last; `undefined` before an instance's first commit. */
  header: Header | undefined
  private readonly committer: Committer
  private readonly draft: Header
  private readonly graph: Graph
  private readonly token: () => string
  /** Whether rows are committed within the scope, and not only at its end. */
  readonly eager: boolean
  private rows: Row[] = []
  /** By builder the `seq` of its newest row, committed or not, with or without a product. */
  private readonly newest: Map<number, number> | undefined
  /** `seq` of the newest row from a builder with effects outside. */
  private effect = 0
  /** Rows up to this `seq` are committed. */
  private committed: number
  private flight: PromiseLike<void> | undefined

  constructor(facts: {
    readonly committer: Committer
    readonly header: Header | undefined
    /** What a new instance's header is made of. */
    readonly draft: Header
    readonly graph: Graph
    readonly token: () => string
    readonly eager: boolean
    /** `seq` of the newest committed row, where the scope was begun by another process or call. */
    readonly committed?: number
  }) {
    this.committer = facts.committer
    this.header = facts.header
    this.draft = facts.draft
    this.graph = facts.graph
    this.token = facts.token
    this.eager = facts.eager
    this.newest = facts.eager ? new Map() : undefined
    this.committed = facts.committed ?? -1
  }

  get incarnation(): string {
    return this.draft.incarnation
  }

  /** @param node the builder whose run it is; left out where nothing that depends on it has to wait */
  add(row: Row, node?: Node): void {
    this.rows.push(row)
    if (node === undefined || this.newest === undefined) return
    this.newest.set(node.index, row.seq)
    if (!node.builder.pure) this.effect = row.seq
  }

  /**
   * Whether a builder must not start yet: the delta, and what came of those it depends on, has to be durable first. That
   * they gave nothing counts too: after a crash they might give something, and it would run under the same idempotency
   * key with other inputs.
   */
  holds({ node }: Work): boolean {
    if (this.newest === undefined) return false
    if (this.committed < 0) return true
    const { nodes, slots } = this.graph
    for (const { slot } of node.inputs) {
      const { producer } = slots[slot] as Slot
      if ((this.newest.get(producer) ?? 0) <= this.committed) continue
      if (!node.builder.pure || nodes[producer]?.builder.pure !== true) return true
    }
    return false
  }

  /** Whether there is something that should become durable now, while other builders run or wait. */
  get pressing(): boolean {
    return this.eager && this.flight === undefined && this.effect > this.committed
  }

  get busy(): boolean {
    return this.flight !== undefined
  }

  /** Commits what there is. Only when nothing is in flight. */
  flush(patch: HeaderPatch): Awaitable<void> {
    const previous = this.header
    const header = nextHeader(previous ?? this.draft, patch, this.token())
    const rows = this.rows
    const first = this.committed < 0 && rows.every(({ builder }) => builder === null)
    this.rows = []
    const expected =
      previous === undefined
        ? null
        : { incarnation: previous.incarnation, revision: previous.revision, fence: previous.fence }
    const written = this.committer.commit({ expected, header, rows })
    if (!isThenable(written)) return this.landed(written, header, first)
    this.flight = written.then(
      (answer) => {
        this.flight = undefined
        this.landed(answer, header, first)
      },
      (error: unknown) => {
        this.flight = undefined
        throw error
      },
    )
    return this.flight
  }

  private landed(written: Written, header: Header, first: boolean): void {
    if (!written.ok) {
      if ('error' in written) throw written.error
      if (first) throw new Overtaken()
      throw leaseLost(header.id)
    }
    this.header = header
    this.committed = header.rows
  }

  /** Waits for what is in flight, then commits the rest. */
  close(patch: HeaderPatch): Awaitable<void> {
    return this.flight === undefined ? this.flush(patch) : this.flight.then(() => this.close(patch))
  }
}

/** Spelled out: spreading two objects into one took as long as running two builders. */
function nextHeader(previous: Header, patch: HeaderPatch, token: string): Header {
  return {
    id: previous.id,
    incarnation: previous.incarnation,
    revision: previous.revision + 1,
    fence: previous.fence,
    workflow: previous.workflow,
    version: previous.version,
    fingerprint: previous.fingerprint,
    status: patch.status,
    wakeAt: previous.wakeAt,
    mailAppended: previous.mailAppended,
    mailHandled: previous.mailHandled,
    scope: patch.scope,
    pass: patch.pass,
    mode: patch.mode,
    settled: patch.settled,
    rows: patch.rows,
    claims: previous.claims,
    token,
    createdAt: previous.createdAt,
    updatedAt: patch.updatedAt,
  }
}
