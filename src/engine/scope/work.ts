import type { BuildContext } from '../../graph/builder.ts'
import type { Node } from '../../graph/graph.ts'
import type { Reads } from '../state/datum-row.ts'

/** What all builders of one scope share. */
export interface ScopeContext {
  readonly id: string
  readonly incarnation: string
  readonly meta: Readonly<Record<string, unknown>>
  readonly signal: AbortSignal
  servicesOf(node: Node): Readonly<Record<string, unknown>>
  /** What a `once` builder's key derives from besides its name: it stays until a run gives no product, or it is asked for again. */
  onceGeneration(node: Node): string
  /** Of a builder that is tried again or may take only so long. */
  attemptOf(work: Work): number
  signalOf(work: Work): AbortSignal
}

/**
 * One run of a builder: what it is to run with, and what its process is told besides, worked out when that is asked for. One
 * object for both, since there is one for every run of a builder.
 */
export class Work implements BuildContext<Readonly<Record<string, unknown>>> {
  readonly node: Node
  readonly input: Readonly<Record<string, unknown>>
  readonly reads: Reads
  /** What the run answers to: the scope of its newest input, and in loops more. The same however often the run is tried. */
  readonly cause: number | string
  /** The run only makes a transient again that a reader lacks. */
  readonly supply: boolean
  /** How long after its scope it was started, in milliseconds. */
  startedAfter = 0
  private scope: ScopeContext | undefined
  private once: string | undefined

  constructor(
    node: Node,
    input: Readonly<Record<string, unknown>>,
    reads: Reads,
    cause: number | string,
    supply: boolean,
  ) {
    this.node = node
    this.input = input
    this.reads = reads
    this.cause = cause
    this.supply = supply
  }

  /** The same run with an input of its own, for another try. */
  withInput(input: Readonly<Record<string, unknown>>): Work {
    return new Work(this.node, input, this.reads, this.cause, this.supply)
  }

  /** Notes that it runs from now on, and in which scope. */
  start(scope: ScopeContext, startedAfter: number): void {
    this.scope = scope
    this.startedAfter = startedAfter
    // The generation is that of the start: how this run ends may begin another.
    if (this.node.builder.once) this.once = scope.onceGeneration(this.node)
  }

  private get host(): ScopeContext {
    if (this.scope === undefined) throw new TypeError(`Builder '${this.node.name}' has not been started.`)
    return this.scope
  }

  get workflowId(): string {
    return this.host.id
  }

  get signal(): AbortSignal {
    return this.node.care === undefined ? this.host.signal : this.host.signalOf(this)
  }

  get attempt(): number {
    return this.node.care === undefined ? 1 : this.host.attemptOf(this)
  }

  /**
   * Derived from what the run answers to, never from when or how often it is tried: the scope of the newest datum it
   * reads, so that a crash, a retry and a run carried over a failure keep it and a changed input makes a new one. A `once`
   * builder keeps one key until it ends without a product. A restart or a rerun makes new ones.
   */
  get idempotencyKey(): string {
    return keyOf(this.host, this, this.once)
  }

  get services(): Readonly<Record<string, unknown>> {
    return this.host.servicesOf(this.node)
  }

  get meta(): Readonly<Record<string, unknown>> {
    return this.host.meta
  }
}

/** The idempotency key of a run. `once`: a `once` builder's generation, where it is known. */
export function keyOf(scope: ScopeContext, { node, cause }: Work, once?: string): string {
  const generation = node.builder.once ? (once ?? scope.onceGeneration(node)) : cause
  return `${scope.incarnation}:${generation}:${headerSafe(node.name)}`
}

/** Keys travel in HTTP headers, which take ASCII only. Different names stay different. */
function headerSafe(name: string): string {
  return name.replace(/[^\w.-]/gu, (char) => `%${(char.codePointAt(0) ?? 0).toString(16)};`)
}
