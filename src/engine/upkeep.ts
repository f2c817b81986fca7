import { checkOption, checkOptions } from '../graph/naming.ts'
import { graphOf } from '../graph/workflow.ts'
import type { AnyWorkflow } from '../graph/workflow.ts'
import type { DataStore, Snapshot } from '../stores/contract.ts'
import { Census, headersOf, OPEN_STATUSES } from './versions/census.ts'
import type { VersionCount } from './versions/census.ts'
import { checkStore } from './versions/check.ts'
import type { CheckOptions, CheckReport } from './versions/check.ts'
import { explainInstance } from './look/inspect.ts'
import { readLiving } from './instances/living.ts'
import type { Explanation } from './look/views.ts'
import type { Driver } from './instances/driver.ts'
import { previewOf } from './versions/preview.ts'
import type { Preview } from './versions/preview.ts'
import { badWorkflow } from './refusals.ts'
import type { Registry } from './instances/registry.ts'
import { shadowOf } from './versions/shadow.ts'
import type { Shadow } from './versions/shadow.ts'
import type { Versions } from './versions/versions.ts'

/** Which instances to run in the shadow. Times are milliseconds since the epoch. */
export interface ShadowQuery {
  readonly version?: number
  readonly createdFrom?: number
  readonly createdBefore?: number
  /** At most so many. Default 100. */
  readonly limit?: number
}

export interface UpkeepFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly versions: Versions
  readonly driver: Driver
}

/** Looks at what versions of workflows mean for the instances there are. Reads only. */
export class Upkeep {
  private readonly facts: UpkeepFacts

  constructor(facts: UpkeepFacts) {
    this.facts = facts
  }

  async versions(signal: AbortSignal | undefined): Promise<VersionCount[]> {
    const census = new Census()
    for await (const { headers } of headersOf(this.facts.store, { status: OPEN_STATUSES }, signal)) {
      for (const header of headers) census.add(header)
    }
    return census.result()
  }

  check(workflows: readonly AnyWorkflow[], options: CheckOptions): Promise<CheckReport> {
    checkOptions('check', options, ['sample', 'onProgress', 'signal'])
    const { sample } = options
    checkOption(
      'sample',
      sample === undefined || (Number.isSafeInteger(sample) && sample >= 1),
      'a whole number from 1',
      sample,
    )
    const { store, driver, versions } = this.facts
    const { form, decode } = driver
    return checkStore({ store, form, decode, graphOf: (header) => versions.graphOf(header) }, workflows, options)
  }

  /** @throws `VERSION_NOT_SERVED`, `WORKFLOW_NOT_FOUND` for one of which nobody kept the graph */
  async explain(snapshot: Snapshot, live: boolean): Promise<Explanation> {
    const { registry, versions } = this.facts
    const { header } = snapshot
    const served = registry.version(header.workflow, header.version)
    const kept = served === undefined ? await versions.graphOf(header) : undefined
    const { graph } = (kept && { graph: kept }) ?? registry.serving(header.id, header.workflow, header.version).program
    const mail = await versions.waiting(header)
    return {
      ...explainInstance(graph, snapshot, live),
      ...(served === undefined && { unserved: true as const }),
      ...(mail.length > 0 && { mail }),
    }
  }

  /** @throws `VERSION_NOT_SERVED`, `WORKFLOW_NOT_FOUND` */
  async preview(snapshot: Snapshot, to: number | undefined): Promise<Preview> {
    const { registry, versions } = this.facts
    const { id, workflow } = snapshot.header
    const { graph } = (to === undefined ? registry.find(workflow) : registry.serving(id, workflow, to)).program
    const from = versions.graphHere(snapshot.header)
    return previewOf(snapshot.header, graph, await versions.move(snapshot, from, graph))
  }

  /** @throws `WORKFLOW_NOT_FOUND`, `SERVICE_MISSING`, `VERSION_NOT_SERVED` */
  async shadow(which: string | ShadowQuery, workflow: AnyWorkflow): Promise<Shadow[]> {
    const { registry, store } = this.facts
    const graph = graphOf(workflow)
    if (graph === undefined) throw badWorkflow('shadow')
    registry.checkServices(workflow, true)
    if (typeof which === 'string') {
      const snapshot = await readLiving(store, which)
      return snapshot === undefined ? [] : [await this.shadowOne(snapshot, graph)]
    }
    checkOptions('shadow', which, ['version', 'createdFrom', 'createdBefore', 'limit'])
    const { limit = 100, ...query } = which
    checkOption('limit', Number.isSafeInteger(limit) && limit >= 1, 'a whole number from 1', limit)
    const found: Shadow[] = []
    for await (const { headers } of headersOf(store, { ...query, workflow: graph.name, status: OPEN_STATUSES })) {
      for (const { id } of headers) {
        const snapshot = await readLiving(store, id)
        if (snapshot !== undefined) found.push(await this.shadowOne(snapshot, graph))
        if (found.length === limit) return found
      }
    }
    return found
  }

  private async shadowOne(snapshot: Snapshot, graph: NonNullable<ReturnType<typeof graphOf>>): Promise<Shadow> {
    const { registry, versions } = this.facts
    const from = versions.graphHere(snapshot.header)
    const moved = await versions.move(snapshot, from, graph)
    return shadowOf(snapshot, graph, moved, (node) => registry.pick(node))
  }
}
