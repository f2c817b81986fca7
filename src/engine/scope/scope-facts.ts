import type { Datum } from '../../graph/data.ts'
import type { Node } from '../../graph/graph.ts'
import type { Awaitable, Mode } from '../../stores/contract.ts'
import type { Clock } from '../clock.ts'
import type { Journal } from '../commit/journal.ts'
import type { Leases } from '../commit/leases.ts'
import type { Program } from '../state/program.ts'
import type { Form } from '../values/intake.ts'
import type { Endurance } from './care.ts'
import type { Watching } from './hooks.ts'
import type { Scope } from './scope.ts'

/** What a scope is run with. */
export interface ScopeRunFacts {
  readonly program: Program
  readonly scope: Scope
  readonly mode: Mode
  /** At most so many builders at once. */
  readonly limit: number
  readonly hooks: Watching
  readonly delta: readonly Datum[]
  readonly id: string
  readonly incarnation: string
  readonly meta: Readonly<Record<string, unknown>>
  /** The caller's. */
  readonly signal: AbortSignal | undefined
  readonly servicesOf: (node: Node) => Readonly<Record<string, unknown>>
  readonly form: Form
  /** Absent in `compute`: nothing is kept, and nobody will ask when. */
  readonly journal: Journal | undefined
  readonly clock: Clock | undefined
  /** When the clock was last read. */
  readonly startedAt: number
  /** Absent where no lease is held. */
  readonly leases: Leases | undefined
  /** For so long a cancelled scope waits for its builders, in milliseconds. */
  readonly patience: number
  readonly endurance: Endurance
  /** For so long the delta has waited in the mailbox, in milliseconds, if it has. */
  readonly waited?: number | undefined
}

/** What follows on a scope. */
export interface Sequel<T> {
  /** Called if the scope has to wait for something. */
  waits(): void
  ended(): Awaitable<T>
  /** Called with what the store threw, or `LEASE_LOST`: nothing more can be kept of it. */
  broken(error: unknown): Awaitable<T>
}
