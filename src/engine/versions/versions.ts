import { crossing } from '../../graph/crossing.ts'
import type { Crossing } from '../../graph/crossing.ts'
import type { PolarisError } from '../../graph/errors.ts'
import type { Graph } from '../../graph/graph.ts'
import type { Awaitable, DataStore, Header, Snapshot } from '../../stores/contract.ts'
import type { Clock } from '../clock.ts'
import type { Warm } from '../instances/driver.ts'
import type { Form } from '../values/intake.ts'
import { Overtaken } from '../commit/journal.ts'
import { crossBody, isAs, openBody, readBody } from '../mail/mail.ts'
import type { Opened } from '../mail/mail.ts'
import { moveInstance } from './move.ts'
import type { Moved, Stranded } from './move.ts'
import { mailUnserved, versionChanged } from '../refusals.ts'
import type { Registry, Served } from '../instances/registry.ts'

export interface VersionsFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly clock: Clock
  readonly form: Form
  readonly decode: (stored: unknown) => unknown
}

/** Knows what it takes for instances to move between the versions of their workflow. */
export class Versions {
  private readonly facts: VersionsFacts
  private crossings = new WeakMap<Graph, WeakMap<Graph, Crossing>>()
  private generation = 0

  constructor(facts: VersionsFacts) {
    this.facts = facts
  }

  crossing(from: Graph, to: Graph): Crossing {
    const { registry } = this.facts
    // A version that was registered since may know a way back.
    if (this.generation !== registry.generation) this.crossings = new WeakMap()
    this.generation = registry.generation
    const known = this.crossings.get(from) ?? new WeakMap<Graph, Crossing>()
    this.crossings.set(from, known)
    const found = known.get(to) ?? crossing(from, to, (name, version) => registry.dataOf(to.name, name, version))
    known.set(to, found)
    return found
  }

  /** The graph that an instance was begun with, or last moved to, as far as it is known. */
  graphOf({ workflow, version, fingerprint }: Header): Promise<Graph | undefined> {
    const served = this.facts.registry.version(workflow, version)
    const known = served !== undefined && served.workflow.plan.fingerprint === fingerprint
    return Promise.resolve(known ? served.program.graph : undefined)
  }

  /** @throws `VERSION_NOT_SERVED`, `VERSION_CHANGED` for one that is not known */
  async graphKnown(header: Header): Promise<Graph> {
    const graph = await this.graphOf(header)
    if (graph !== undefined) return graph
    this.facts.registry.serving(header.id, header.workflow, header.version)
    throw versionChanged(header)
  }

  /** A mail's body as the version that an instance runs on has it, or why that cannot take it. */
  open(served: Served, stored: unknown): Awaitable<Opened | PolarisError> {
    const { form } = this.facts
    const body = readBody(stored, form)
    if (isAs(body, served)) return openBody(served.program, body, form)
    const { graph } = served.program
    const from = this.facts.registry.version(graph.name, body.as?.[0] ?? 0)
    if (from === undefined) return mailUnserved(graph, body.as?.[0] ?? 0)
    return crossBody(this.crossing(from.program.graph, graph), body, form)
  }

  /** The version that an instance at rest is to move to before its next scope; `undefined` if it stays. */
  destination({ served, state }: Warm): Served | undefined {
    // What was begun to be undone is undone by those that know how.
    return state.isUndoing ? undefined : this.facts.registry.movesTo(served)
  }

  /** An instance at rest as its newer version has it; one that cannot move stays as it is. */
  async moved(warm: Warm, to: Served): Promise<Warm> {
    const moved = await this.transfer(warm, to)
    return 'strandings' in moved ? warm : moved
  }

  /** An instance at rest as another version has it, or why it cannot move. Nothing is stored before its next commit. */
  async transfer(warm: Warm, to: Served): Promise<Warm | Stranded> {
    const { header, served } = warm
    if (header === undefined) return warm
    const snapshot = await this.facts.store.read(header.id)
    if (snapshot?.header.incarnation !== header.incarnation || snapshot.header.revision !== header.revision) {
      throw new Overtaken()
    }
    const { graph } = to.program
    const moved = await this.move({ header, rows: snapshot.rows }, served.program.graph, graph)
    if ('strandings' in moved) return moved
    const { version } = graph
    const { fingerprint } = to.workflow.plan
    const { state, rows } = moved
    return { ...warm, served: to, state, header: { ...header, version, fingerprint }, moved: rows }
  }

  /** What would become of an instance, or why it cannot move. */
  move(snapshot: Snapshot, from: Graph, to: Graph): Promise<Moved | Stranded> {
    const { form, decode, clock } = this.facts
    return moveInstance(this.crossing(from, to), snapshot, { form, decode, now: clock.now() })
  }
}
