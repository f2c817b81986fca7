/** The registered workflows as the routes need them. */
import type { AnyWorkflow, PlanData } from '../index.ts'
import { Problem } from './problems.ts'

/** One version of a workflow. */
export interface Entry {
  readonly name: string
  readonly version: number
  readonly workflow: AnyWorkflow
  readonly data: ReadonlyMap<string, PlanData>
  readonly builders: ReadonlySet<string>
  /** Builders that read or make sensitive data. */
  readonly initiated: ReadonlySet<string>
}

export interface Catalogue {
  all(): readonly Entry[]
  /** Every registered version of a workflow, the newest first. */
  versionsOf(workflow: string): readonly Entry[]
  /** @throws Problem `WORKFLOW_NOT_FOUND`; the newest if no version is named */
  find(workflow: string, version?: number): Entry
}

/** @param workflows all that are registered at present */
export function catalogueOf(workflows: () => readonly AnyWorkflow[]): Catalogue {
  const known = new Map<AnyWorkflow, Entry>()
  const entryOf = (workflow: AnyWorkflow): Entry => {
    let entry = known.get(workflow)
    if (entry === undefined) known.set(workflow, (entry = read(workflow)))
    return entry
  }
  // They seldom change, and every request asks.
  let listed: readonly AnyWorkflow[] = []
  let entries: readonly Entry[] = []
  let byName = new Map<string, readonly Entry[]>()
  const all = (): readonly Entry[] => {
    const now = workflows()
    if (now.length === listed.length && now.every((workflow, i) => workflow === listed[i])) return entries
    listed = [...now]
    entries = listed.map(entryOf)
    byName = new Map()
    for (const entry of entries) {
      const same = [...(byName.get(entry.name) ?? []), entry]
      byName.set(
        entry.name,
        same.sort((a, b) => b.version - a.version),
      )
    }
    return entries
  }
  const versionsOf = (workflow: string): readonly Entry[] => {
    all()
    return byName.get(workflow) ?? []
  }
  return {
    all,
    versionsOf,
    find(workflow, version) {
      const versions = versionsOf(workflow)
      const found = version === undefined ? versions[0] : versions.find((each) => each.version === version)
      if (found !== undefined) return found
      const which = version === undefined || versions.length === 0 ? '' : `version ${version} of `
      throw new Problem(
        'WORKFLOW_NOT_FOUND',
        `There is no ${which}workflow '${workflow}' here: GET /workflows lists those there are.`,
      )
    },
  }
}

function read(workflow: AnyWorkflow): Entry {
  const { name, version, plan } = workflow
  const { data, builders } = plan
  const sensitive = new Set(data.filter((each) => each.sensitive).map((each) => each.name))
  const initiated = builders.filter(({ consumes, optionals, accesses, produces }) =>
    [...consumes, ...optionals, ...accesses, produces].some((each) => sensitive.has(each)),
  )
  return {
    ...{ name, version, workflow },
    data: new Map(data.map((each) => [each.name, each])),
    builders: new Set(builders.map((each) => each.name)),
    initiated: new Set(initiated.map((each) => each.name)),
  }
}
