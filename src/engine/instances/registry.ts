import type { AnyData } from '../../graph/data.ts'
import { PolarisError } from '../../graph/errors.ts'
import type { Node } from '../../graph/graph.ts'
import { graphOf } from '../../graph/workflow.ts'
import type { AnyWorkflow } from '../../graph/workflow.ts'
import { joinFamily } from '../values/kin.ts'
import { GRAVES } from './removal.ts'
import { programOf } from '../state/program.ts'
import type { Program } from '../state/program.ts'

/** A workflow's version as this process runs it. */
export interface Served {
  readonly program: Program
  readonly workflow: AnyWorkflow
  readonly servicesOf: (node: Node) => Readonly<Record<string, unknown>>
}

/** The workflows a process serves, by name and version. */
export class Registry {
  private readonly byName = new Map<string, Map<number, Served>>()
  private readonly newestOf = new Map<string, Served>()
  private readonly byWorkflow = new Map<unknown, Served>()
  private readonly services: Readonly<Record<string, unknown>>
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
    joinFamily(graph, this.newestOf.get(graph.name)?.program.graph)
    const served: Served = {
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
    const newest = this.newestOf.get(graph.name)
    if (newest === undefined || newest.program.graph.version < graph.version) this.newestOf.set(graph.name, served)
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
    const name = typeof workflow === 'string' ? workflow : this.byWorkflow.get(workflow)?.program.graph.name
    const served = name === undefined ? undefined : this.newestOf.get(name)
    if (served !== undefined) return served
    const known = [...this.newestOf.keys()].map((known) => `'${known}'`).join(', ')
    throw new PolarisError(
      'WORKFLOW_NOT_FOUND',
      `${typeof workflow === 'string' ? `Workflow '${workflow}'` : 'The workflow given'} is not registered. ` +
        (known === '' ? 'None is: call polaris.register(workflow) first.' : `Registered: ${known}.`),
    )
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
  movesTo({ program: { graph } }: Served): Served | undefined {
    const newest = this.newestOf.get(graph.name)
    if (newest === undefined || newest.program.graph.policy === 'pin') return undefined
    return newest.program.graph.version > graph.version ? newest : undefined
  }

  /** Whether instances of a workflow may be of different versions. */
  hasSeveral(name: string): boolean {
    return (this.byName.get(name)?.size ?? 0) > 1
  }

  /** The version an instance runs on, if this process serves it. */
  version(name: string, version: number): Served | undefined {
    return this.byName.get(name)?.get(version)
  }

  /** @throws `WORKFLOW_NOT_FOUND`, `VERSION_NOT_SERVED` */
  serving(id: string, name: string, version: number): Served {
    const served = this.version(name, version)
    if (served !== undefined) return served
    const versions = this.byName.get(name)
    if (versions === undefined) this.find(name)
    throw new PolarisError(
      'VERSION_NOT_SERVED',
      `'${id}' runs on version ${version} of workflow '${name}', and this process serves ${[...(versions?.keys() ?? [])].join(', ')}: ` +
        'register the older version beside the newer one until its instances are done.',
    )
  }
}
