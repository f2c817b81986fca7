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
import type { Fleet } from './fleet.ts'
import type { KeptGraphs } from './kept-graphs.ts'
import { stuckBecause } from './waiting-mail.ts'
import type { WaitingMail } from './waiting-mail.ts'
import { moveInstance } from './move.ts'
import type { Moved, Stranded } from './move.ts'
import { mailUnserved, migrationFailed, versionChanged } from '../refusals.ts'
import type { Registry, Served } from '../instances/registry.ts'

const SHOWN_MAILS = 100

export interface VersionsFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly graphs: KeptGraphs
  readonly fleet: Fleet
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
  graphOf(header: Header): Promise<Graph | undefined> {
    const served = this.facts.registry.version(header.workflow, header.version)
    const known = served !== undefined && served.workflow.plan.fingerprint === header.fingerprint
    return known ? Promise.resolve(served.program.graph) : this.facts.graphs.graphOf(header)
  }

  /** @throws `VERSION_NOT_SERVED`, `VERSION_CHANGED` for one that does not run here */
  graphHere(header: Header): Graph {
    return this.facts.registry.reading({ ...header, pass: 0 }).program.graph
  }

  /**
   * The version that a new instance begins on.
   *
   * @param version what the call asks for
   * @throws `WORKFLOW_NOT_FOUND`, `VERSION_NOT_SERVED`
   */
  begins(name: string, version: number | undefined): Served {
    return version === undefined ? this.facts.fleet.newest(name) : this.facts.registry.asked(name, version)
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

  /** What waits to be handled, and why it stays where it does. */
  async waiting(header: Header): Promise<WaitingMail[]> {
    const { store, form, fleet } = this.facts
    const after = header.pass > 0 ? header.mailHandled + 1 : header.mailHandled
    if (header.mailAppended <= after) return []
    const mails = await store.mail(header.id, { after, limit: SHOWN_MAILS })
    const live = await fleet.live(header.workflow)
    return mails.flatMap(({ seq: scope, body, appendedAt: since }): WaitingMail[] => {
      // Handled meanwhile.
      if (body === undefined) return []
      const version = readBody(body, form).as?.[0] ?? header.version
      const stuck = stuckBecause(header, version, live)
      return [{ scope, since, version, ...(stuck !== undefined && { stuck }) }]
    })
  }

  /** The version that an instance at rest is to move to before its next scope; `undefined` if it stays. */
  destination({ served, state, header }: Warm): Served | undefined {
    // What was begun to be undone is undone by those that know how.
    if (state.isUndoing && served.instead !== undefined && header !== undefined) throw versionChanged(header)
    const to = state.isUndoing ? undefined : this.facts.registry.movesTo(served)
    if (to?.program.graph.policy !== 'upgrade-idle' || to === served.instead) return to
    const { name, version } = to.program.graph
    return this.facts.fleet.isServedByAll(name, version) ? to : served.instead
  }

  /** An instance at rest as its newer version has it; one that cannot move stays as it is. */
  async moved(warm: Warm, to: Served): Promise<Warm> {
    const moved = await this.transfer(warm, to)
    if (!('strandings' in moved)) return moved
    if (warm.served.instead === undefined) return warm
    const because = moved.strandings.map(({ message }) => message)
    throw migrationFailed(`'${warm.header?.id ?? ''}'`, to.program.graph, because)
  }

  /** An instance at rest as another version has it, or why it cannot move. Nothing is stored before its next commit. */
  async transfer(warm: Warm, to: Served): Promise<Warm | Stranded> {
    const { header, served } = warm
    if (header === undefined) return warm
    const snapshot = await this.facts.store.read(header.id)
    if (snapshot?.header.incarnation !== header.incarnation || snapshot.header.revision !== header.revision) {
      throw new Overtaken()
    }
    const moved = await this.move({ header, rows: snapshot.rows }, served.program.graph, to.program.graph)
    return 'strandings' in moved ? moved : { ...warm, served: to, state: moved.state, moved: moved.rows }
  }

  /** What would become of an instance, or why it cannot move. */
  move(snapshot: Snapshot, from: Graph, to: Graph): Promise<Moved | Stranded> {
    const { form, decode, clock } = this.facts
    return moveInstance(this.crossing(from, to), snapshot, { form, decode, now: clock.now() })
  }
}
