import { FedDatum, SENSITIVE, shownDatum } from '../../graph/data.ts'
import type { AnyData, Data, Datum, NameOf, ValueOf } from '../../graph/data.ts'
import { PolarisError } from '../../graph/errors.ts'
import type { Frozen } from '../../graph/frozen.ts'
import type { Slot } from '../../graph/graph.ts'
import type { AnyWorkflow, Workflow } from '../../graph/workflow.ts'
import { copyBytes } from '../values/freeze.ts'
import { slotFor, valueFor } from '../values/kin.ts'
import type { State } from '../state/state.ts'
import { waitingFor } from './verdict.ts'

interface ResultBase<Reads extends AnyData, Makes extends AnyData> {
  readonly id: string
  readonly workflow: string
  readonly version: number
  /** Number of the scope, from 1. */
  readonly scope: number
  /** What this scope produced, in order. */
  readonly produced: readonly Datum[]
  /** The product this scope made, transients included; not what was only fed. */
  get<X extends Makes>(data: X): Frozen<ValueOf<X>> | undefined
  /** Like `get`. Throws `DATA_MISSING` where this scope made no such product. */
  require<X extends Makes>(data: X): Frozen<ValueOf<X>>
  /** The newest datum in the whole data set, fed or produced, as it stood when the scope ended. */
  latest<X extends Reads | Makes>(data: X): Frozen<ValueOf<X>> | undefined
  /** `seq` of the history entry that what `latest` tells is from: what `about` names. */
  seqOf<X extends Reads | Makes>(data: X): number | undefined
}

/** The target is there and not stale. */
export interface Completed<Reads extends AnyData, Makes extends AnyData, Target> extends ResultBase<Reads, Makes> {
  readonly status: 'completed'
  readonly target: Frozen<ValueOf<Target>>
  readonly targetName: NameOf<Target>
  readonly waitingFor: readonly []
}

/** The target is not there yet, or stale. */
export interface Open<Reads extends AnyData, Makes extends AnyData> extends ResultBase<Reads, Makes> {
  /** `'retrying'`: a builder failed and is to be tried again later, by a worker or the next call. */
  readonly status: 'waiting' | 'failed' | 'retrying'
  readonly target?: undefined
  readonly targetName?: undefined
  /** Names of the data that the target still lacks and no builder makes by itself. */
  readonly waitingFor: readonly string[]
}

/**
 * What a call resolves with. `status` tells its forms apart: when it is `'completed'`, `target` is there, and with
 * several targets `targetName` tells which.
 */
export type Result<Reads extends AnyData = AnyData, Makes extends AnyData = AnyData, Target = Data> =
  (Target extends unknown ? Completed<Reads, Makes, Target> : never) | Open<Reads, Makes>

/** The result of a workflow: of an object with all its types, of a name with none. */
export type ResultOf<W> = W extends AnyWorkflow
  ? W extends Workflow<infer Reads extends AnyData, infer Makes extends AnyData, infer Target, infer _>
    ? Result<Reads, Makes, Target>
    : never
  : Result

/** What a scope leaves behind. */
export interface ScopeFacts {
  readonly id: string
  readonly scope: number
  /** Photographed when the scope ended. */
  readonly state: State
  /** Slots of what the scope produced, in order. Nothing is produced twice in a scope, so the state has the values. */
  readonly slots: readonly number[]
  readonly status: 'completed' | 'waiting' | 'failed' | 'cancelled' | 'retrying'
  readonly target: number | undefined
  /** Slots of transients that this scope made before a crash and that are lost. */
  readonly lost: ReadonlySet<number> | undefined
}

/** Made once per scope, so everything that can wait until someone asks does. */
export class ScopeResult {
  readonly id: string
  readonly scope: number
  readonly status: ScopeFacts['status']
  private readonly facts: ScopeFacts
  private waits: readonly string[] | undefined

  constructor(facts: ScopeFacts) {
    this.id = facts.id
    this.scope = facts.scope
    this.status = facts.status
    this.facts = facts
  }

  get workflow(): string {
    return this.facts.state.graph.name
  }

  get version(): number {
    return this.facts.state.graph.version
  }

  get produced(): readonly Datum[] {
    const { slots, state } = this.facts
    return slots.map((slot) =>
      shownDatum((state.graph.slots[slot] as Slot).data, readable(state, slot, state.value(slot))),
    )
  }

  get target(): unknown {
    const { state, target } = this.facts
    return target === undefined ? undefined : readable(state, target, state.value(target))
  }

  get targetName(): string | undefined {
    const { state, target } = this.facts
    return target === undefined ? undefined : state.graph.slots[target]?.name
  }

  get waitingFor(): readonly string[] {
    if (this.status === 'completed') return []
    const { state } = this.facts
    return (this.waits ??= waitingFor(state, state.graph.targets))
  }

  get(data: AnyData): unknown {
    const { state, slots, lost } = this.facts
    const slot = slotFor(state.graph, data)
    if (slot === undefined) return undefined
    const { index, name } = slot
    if (slots.includes(index)) return valueFor(state.graph, slot, data, readable(state, index, state.value(index)))
    if (lost?.has(index) !== true) return undefined
    throw new PolarisError(
      'TRANSIENT_NOT_STORED',
      `Transient '${name}' was made before this process took the scope of '${this.id}' up again, and transients are not stored.`,
    )
  }

  require(data: AnyData): unknown {
    const value = this.get(data)
    if (value !== undefined) return value
    const waits = this.waitingFor
    const hint = waits.length === 0 ? '' : ` It waits for ${waits.join(', ')}.`
    throw new PolarisError(
      'DATA_MISSING',
      `Scope ${this.scope} of '${this.id}' made no ${data.name}: '${this.workflow}' is ${this.status}.${hint} ` +
        'Use latest() for what earlier scopes made.',
    )
  }

  latest(data: AnyData): unknown {
    const { state } = this.facts
    const slot = slotFor(state.graph, data)
    if (slot === undefined) return undefined
    return valueFor(state.graph, slot, data, readable(state, slot.index, state.value(slot.index)))
  }

  seqOf(data: AnyData): number | undefined {
    const { state } = this.facts
    const slot = slotFor(state.graph, data)
    return slot === undefined ? undefined : state.rows.get(slot.index)?.seq
  }

  /** Everything at once, for logs and HTTP answers; of sensitive data, that they are there. */
  toJSON(): object {
    const { id, workflow, version, scope, status, waitingFor, targetName } = this
    const produced = Object.fromEntries(
      this.produced.map((datum) => [
        datum.name,
        datum instanceof FedDatum && datum.data.sensitive ? SENSITIVE : datum.value,
      ]),
    )
    return { id, workflow, version, scope, status, waitingFor, targetName, produced }
  }
}

function readable(state: State, slot: number, value: unknown): unknown {
  return state.hasBytes(slot) ? copyBytes(value) : value
}
