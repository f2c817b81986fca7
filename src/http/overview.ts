/** Routes that tell of many instances at once, from counts and samples that are kept for a while. */
import type { Counts, InstanceStatus, Tally } from '../index.ts'
import type { Catalogue } from './catalogue.ts'
import { Problem } from './problems.ts'
import { jsonReply } from './reply.ts'
import { wholeNumber } from './routes.ts'
import type { Asked, Route, Service } from './routes.ts'
import { scrubbed } from './veil.ts'

export const OVERVIEW: readonly Route[] = [
  { method: 'GET', path: '/overview', action: 'list', query: [], run: overview },
  { method: 'GET', path: '/versions', action: 'list', query: [], run: versions },
  { method: 'GET', path: '/check', action: 'list', query: ['sample'], run: check },
  { method: 'GET', path: '/workflows/{workflow}/standing', action: 'list', query: ['version'], run: standing },
]

const OPEN: readonly InstanceStatus[] = ['running', 'waiting', 'retrying', 'failed']
const STATUSES: readonly InstanceStatus[] = [...OPEN, 'completed', 'cancelled']
const SAMPLE = 200
const LARGEST_SAMPLE = 1_000

/** One version of a workflow: those that are registered, and those that instances have. */
interface Standing {
  readonly workflow: string
  readonly version: number
  readonly served: boolean
  readonly tallies: readonly Tally[]
}

function standings({ tallies }: Counts, catalogue: Catalogue): Standing[] {
  const all = new Map<string, Standing & { readonly tallies: Tally[] }>()
  const at = (workflow: string, version: number, served: boolean): { readonly tallies: Tally[] } => {
    const key = JSON.stringify([workflow, version])
    const known = all.get(key) ?? { workflow, version, served, tallies: [] }
    all.set(key, known)
    return known
  }
  for (const { name, version } of catalogue.all()) at(name, version, true)
  for (const tally of tallies) at(tally.workflow, tally.version, false).tallies.push(tally)
  return [...all.values()].sort((a, b) =>
    a.workflow === b.workflow ? b.version - a.version : a.workflow < b.workflow ? -1 : 1,
  )
}

/** By status, zeros included. */
function byStatus(
  tallies: readonly Tally[],
  statuses: readonly InstanceStatus[],
  of: (tally: Tally) => number,
): Record<string, number> {
  const sum = (status: InstanceStatus): number =>
    tallies.filter((tally) => tally.status === status).reduce((total, tally) => total + of(tally), 0)
  return Object.fromEntries(statuses.map((status) => [status, sum(status)]))
}

function openOf(tallies: readonly Tally[]): { readonly open: number; readonly oldest: number } {
  const open = tallies.filter(({ status }) => OPEN.includes(status))
  return {
    open: open.reduce((total, { count }) => total + count, 0),
    oldest: open.reduce((first, { oldest }) => Math.min(first, oldest), Infinity),
  }
}

async function overview({ counts, catalogue }: Service): Promise<Response> {
  const found = await counts.get()
  const { asOf, since, complete, looked } = found
  const all = standings(found, catalogue)
  const workflows = [...new Set(all.map(({ workflow }) => workflow))].map((workflow) => {
    const newest = catalogue.versionsOf(workflow)[0]?.version
    const versions = all.filter((each) => each.workflow === workflow).map(overviewOf)
    return { workflow, ...(newest !== undefined && { newest }), versions }
  })
  return jsonReply(200, { asOf: iso(asOf), since: iso(since), complete, looked, workflows })
}

function overviewOf({ version, served, tallies }: Standing): object {
  const { open, oldest } = openOf(tallies)
  return {
    ...{ version, served, open, counts: byStatus(tallies, STATUSES, ({ count }) => count) },
    ...(open > 0 && { oldestOpen: iso(oldest) }),
    lastMinute: {
      created: tallies.reduce((total, { created }) => total + created, 0),
      changed: byStatus(tallies, STATUSES, ({ touched }) => touched),
    },
  }
}

async function versions({ counts, catalogue }: Service): Promise<Response> {
  const found = await counts.get()
  const { asOf, complete, looked } = found
  const all = standings(found, catalogue).map(({ workflow, version, served, tallies }) => {
    const { open, oldest } = openOf(tallies)
    return {
      ...{ workflow, version, served, open, byStatus: byStatus(tallies, OPEN, ({ count }) => count) },
      ...(open > 0 && { oldest: iso(oldest) }),
    }
  })
  return jsonReply(200, { asOf: iso(asOf), complete, looked, versions: all })
}

/** What the code of this service means for the open instances; it counts them all, and so may take long. */
async function check({ checks }: Service, asked: Asked): Promise<Response> {
  const sample = wholeNumber(asked, 'sample') ?? SAMPLE
  if (sample < 1 || sample > LARGEST_SAMPLE) {
    throw new Problem('QUERY_INVALID', `sample must be from 1 to ${LARGEST_SAMPLE}, but is ${sample}.`)
  }
  const { asOf, report } = await checks(sample).get()
  const quiet = <G extends { readonly message: string }>(groups: readonly G[]): G[] =>
    groups.map((group) => ({ ...group, message: scrubbed(group.message) }))
  const workflows = report.workflows.map((workflow) => ({
    ...workflow,
    versions: workflow.versions.map((version) => {
      return { ...version, blocked: quiet(version.blocked), stranded: quiet(version.stranded) }
    }),
  }))
  return jsonReply(200, { asOf: iso(asOf), ...report, workflows })
}

async function standing(service: Service, asked: Asked): Promise<Response> {
  const entry = service.catalogue.find(asked.params['workflow'] ?? '', wholeNumber(asked, 'version'))
  const { asOf, recent, ...found } = await service.standing(entry).get()
  const { since, ...rest } = recent
  return jsonReply(200, {
    ...found,
    asOf: iso(asOf),
    recent: { ...rest, ...(since !== undefined && { since: iso(since) }) },
  })
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
