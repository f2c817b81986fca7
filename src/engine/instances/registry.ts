import type { AnyData } from '../../graph/data.ts'
import { PolarisError, VersionError } from '../../graph/errors.ts'
import type { Graph, Node } from '../../graph/graph.ts'
import { fingerprintOf } from '../../graph/manifest.ts'
import { graphOf } from '../../graph/workflow.ts'
import type { AnyWorkflow } from '../../graph/workflow.ts'
import type { Header } from '../../stores/contract.ts'
import { versionChanged } from '../refusals.ts'
import { joinFamily } from '../values/kin.ts'
import { GRAVES } from './graves.ts'
import { programOf } from '../state/program.ts'
import type { Program } from '../state/program.ts'

/** A workflow's version as this process runs it. */
export interface Served {
  readonly program: Program
  readonly workflow: AnyWorkflow
  readonly servicesOf: (node: Node) => Readonly<Record<string, unknown>>
  /**
   * Given: the version has changed since, on purpose, and this is the graph it had, whose builders do nothing. Instances are read
   * with it, and go on as this one has them.
   */
  readonly instead?: Served
  readonly line: Line
}

/** What the versions of one workflow share, so that a call finds it with its workflow. */
interface Line {
  newest: Served
  /** Whether there is more than one. */
  several: boolean
}

/** The workflows a process serves, by name and version. */
export class Registry {
  private readonly byName = new Map<string, Map<number, Served>>()
  private readonly lines = new Map<string, Line>()
  private readonly byWorkflow = new Map<unknown, Served>()
  private readonly services: Readonly<Record<string, unknown>>
  /** Graphs that a version had before, by fingerprint, version and name, where that is accepted. */
  private readonly former = new Map<string, Served>()
  private pairs: readonly { readonly workflow: string; readonly version: number }[] | undefined
  /** Grows whenever something is registered. */
  generation = 0

  constructor(services: Readonly<Record<string, unknown>>) {
    this.services = services
  }

  /** @throws `WORKFLOW_NOT_FOUND`, `GRAPH_INVALID`, `SERVICE_MISSING` */
  add(workflow: AnyWorkflow): void {
    if (this.byWorkflow.has(workflow)) return
    const graph = graphOf(workflow)
    if (graph === undefined) {
      throw new PolarisError('WORKFLOW_NOT_FOUND', 'register takes workflows made by workflow({ … }).')
    }
    const versions = this.byName.get(graph.name)
    if (versions?.has(graph.version) === true) {
      throw new PolarisError(
        'GRAPH_INVALID',
        `Version ${graph.version} of workflow '${graph.name}' is registered already: give a changed workflow a new version.`,
      )
    }
    this.checkServices(workflow)
    const program = programOf(graph)
    const cache = new Map<number, Readonly<Record<string, unknown>>>()
    const known = this.lines.get(graph.name)
    joinFamily(graph, known?.newest.program.graph)
    const line = known ?? ({ several: false } as Line)
    const served: Served = {
      line,
      program,
      workflow,
      servicesOf: (node) => {
        let own = cache.get(node.index)
        if (own === undefined) cache.set(node.index, (own = this.pick(node)))
        return own
      },
    }
    if (versions === undefined) this.byName.set(graph.name, new Map([[graph.version, served]]))
    else versions.set(graph.version, served)
    this.byWorkflow.set(workflow, served)
    this.pairs = undefined
    this.generation++
    if (known === undefined) this.lines.set(graph.name, line)
    else known.several = true
    if (known === undefined || known.newest.program.graph.version < graph.version) line.newest = served
  }

  /** What a builder gets, of any workflow. */
  pick({ builder }: Node): Readonly<Record<string, unknown>> {
    return Object.freeze(
      Object.fromEntries(Object.entries(builder.services).map(([key, { name }]) => [key, this.services[name]])),
    )
  }

  /** @throws `SERVICE_MISSING` */
  checkServices(workflow: AnyWorkflow, pureOnly = false): void {
    const builders = workflow.plan.builders.filter(({ pure }) => pure || !pureOnly)
    const missing = builders.flatMap(({ name, services }) =>
      services
        .filter((service) => !Object.hasOwn(this.services, service) || this.services[service] === undefined)
        .map((service) => `builder '${name}' asks for service '${service}'`),
    )
    if (missing.length === 0) return
    throw new PolarisError(
      'SERVICE_MISSING',
      `Workflow '${workflow.name}' cannot be registered: ${missing.join('; ')}. Give them to new Polaris({ services: { … } }).`,
    )
  }

  /**
   * The newest version of a workflow, named or given as an object: what new instances start on.
   *
   * @throws `WORKFLOW_NOT_FOUND`
   */
  find(workflow: AnyWorkflow | string): Served {
    const line = typeof workflow === 'string' ? this.lines.get(workflow) : this.byWorkflow.get(workflow)?.line
    if (line !== undefined) return line.newest
    const known = [...this.lines.keys()].map((known) => `'${known}'`).join(', ')
    throw new PolarisError(
      'WORKFLOW_NOT_FOUND',
      `${typeof workflow === 'string' ? `Workflow '${workflow}'` : 'The workflow given'} is not registered. ` +
        (known === '' ? 'None is: call polaris.register(workflow) first.' : `Registered: ${known}.`),
    )
  }

  /** Everything that is served. */
  all(): Served[] {
    return [...this.byWorkflow.values()]
  }

  /** Of all workflows that are served. */
  names(): string[] {
    return [...this.byName.keys()]
  }

  /** The versions of a workflow that are served, in ascending order. */
  versionsOf(name: string): number[] {
    return [...(this.byName.get(name)?.keys() ?? [])].sort((a, b) => a - b)
  }

  /** A version has changed on purpose: instances of graphs that it had before go on as the one that is registered has them. */
  accept({ name, version }: Graph, former: readonly Graph[]): void {
    const instead = this.version(name, version)
    if (instead === undefined) return
    for (const graph of former) {
      const fingerprint = fingerprintOf(graph)
      const plan = Object.create(instead.workflow.plan, { fingerprint: { value: fingerprint } }) as AnyWorkflow['plan']
      const workflow = Object.create(instead.workflow, { plan: { value: plan } }) as AnyWorkflow
      const served = { program: programOf(graph), workflow, servicesOf: () => ({}), instead, line: instead.line }
      this.former.set(`${fingerprint} ${version} ${name}`, served)
    }
  }

  /**
   * What an instance is to be read with.
   *
   * @throws `WORKFLOW_NOT_FOUND`, `VERSION_NOT_SERVED`, `VERSION_CHANGED`
   */
  reading(header: Header): Served {
    const { id, workflow, version, fingerprint, pass } = header
    const served = this.serving(id, workflow, version)
    if (served.workflow.plan.fingerprint === fingerprint) return served
    const former = this.former.get(`${fingerprint} ${version} ${workflow}`)
    // A scope that was cut short is finished by the builders that began it.
    if (former === undefined || pass > 0) throw versionChanged(header)
    return former
  }

  /** All that was registered, in that order. */
  workflows(): AnyWorkflow[] {
    return Array.from(this.byWorkflow.values(), ({ workflow }) => workflow)
  }

  /** Every version that this process serves, and what instances that were removed have left. */
  serves(): readonly { readonly workflow: string; readonly version: number }[] {
    return (this.pairs ??= [...this.byName]
      .flatMap(([workflow, versions]) => Array.from(versions.keys(), (version) => ({ workflow, version })))
      .concat(GRAVES))
  }

  /** A data of any registered version of a workflow, by its name and version. */
  dataOf(workflow: string, name: string, version: number): AnyData | undefined {
    for (const { program } of this.byName.get(workflow)?.values() ?? []) {
      const { graph } = program
      const data = graph.slots[graph.slotOf.get(name) ?? -1]?.data
      if (data?.version === version) return data
    }
    return undefined
  }

  /** The newer version that instances of one are to move to, as that newer one says; `undefined` if they are to stay. */
  movesTo({ program: { graph }, line: { newest }, instead }: Served): Served | undefined {
    if (newest.program.graph.policy === 'pin') return instead
    return newest.program.graph.version > graph.version ? newest : instead
  }

  /** Whether instances of a workflow may be of different versions. */
  hasSeveral(name: string): boolean {
    return this.lines.get(name)?.several === true
  }

  /** The version an instance runs on, if this process serves it. */
  version(name: string, version: number): Served | undefined {
    return this.byName.get(name)?.get(version)
  }

  /** @throws `WORKFLOW_NOT_FOUND`, `VERSION_NOT_SERVED` */
  serving(id: string, name: string, version: number): Served {
    const served = this.version(name, version)
    if (served !== undefined) return served
    if (!this.byName.has(name)) this.find(name)
    throw new VersionError(name, version, this.versionsOf(name), {
      need: `'${id}' runs on version ${version} of workflow '${name}'`,
      advice: 'register the older version beside the newer one until its instances are done',
    })
  }

  /**
   * A version that was asked for.
   *
   * @throws `WORKFLOW_NOT_FOUND`, `VERSION_NOT_SERVED`
   */
  asked(name: string, version: number): Served {
    const served = this.version(name, version)
    if (served !== undefined) return served
    this.find(name)
    throw new VersionError(name, version, this.versionsOf(name), {
      need: `Version ${version} of workflow '${name}' was asked for`,
      advice: 'register it first, or ask for one that is',
    })
  }
}
