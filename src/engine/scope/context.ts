import type { BuildContext } from '../../graph/builder.ts'
import type { Node } from '../../graph/graph.ts'
import type { Work } from './scope.ts'

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

/** What a call says about itself that says nothing. */
export const NO_META: Readonly<Record<string, unknown>> = Object.freeze({})

/** Made for every run of a builder, so everything is worked out when it is asked for. */
export class Context implements BuildContext<Readonly<Record<string, unknown>>> {
  private readonly scope: ScopeContext
  private readonly work: Work
  private readonly once: string

  constructor(scope: ScopeContext, work: Work) {
    this.scope = scope
    this.work = work
    this.once = work.node.builder.once ? scope.onceGeneration(work.node) : ''
  }

  get workflowId(): string {
    return this.scope.id
  }

  get signal(): AbortSignal {
    return this.work.node.care === undefined ? this.scope.signal : this.scope.signalOf(this.work)
  }

  get attempt(): number {
    return this.work.node.care === undefined ? 1 : this.scope.attemptOf(this.work)
  }

  /**
   * Derived from what the run answers to, never from when or how often it is tried: the scope of the newest datum it
   * reads, so that a crash, a retry and a run carried over a failure keep it and a changed input makes a new one. A `once`
   * builder keeps one key until it ends without a product. A restart or a rerun makes new ones.
   */
  get idempotencyKey(): string {
    return keyOf(this.scope, this.work, this.once)
  }

  get services(): Readonly<Record<string, unknown>> {
    return this.scope.servicesOf(this.work.node)
  }

  get meta(): Readonly<Record<string, unknown>> {
    return this.scope.meta
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
