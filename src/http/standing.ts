/** Where the instances of a version stand, and how its builders fare: of samples, which say that they are. */
import { isPolarisError } from '../index.ts'
import type { Clock, Explanation, HistoryEntry, Polaris } from '../index.ts'
import { isRun } from './lineage.ts'
import type { Entry } from './catalogue.ts'

export interface Standing {
  readonly workflow: string
  readonly version: number
  readonly asOf: number
  /** Open instances that were looked at: the oldest and the newest. */
  readonly open: Sample
  /** Instances of any status whose history was read: the newest. */
  readonly recent: Sample & { readonly since?: number }
  readonly waitingFor: readonly { readonly data: string; readonly count: number }[]
  readonly builders: readonly Fare[]
}

interface Sample {
  readonly looked: number
  /** It is all there are. */
  readonly complete: boolean
}

type States = Record<Explanation['builders'][number]['state'], number>

/** Of a builder: in how many of the open sample it stands how, and how it fared in the recent one. */
interface Fare {
  readonly name: string
  readonly states: States
  readonly runs: number
  readonly failures: number
  /** Milliseconds of a try. Absent where there was none. */
  readonly ms?: { readonly mean: number; readonly p50: number; readonly p95: number; readonly max: number }
}

const OPEN = ['running', 'waiting', 'retrying', 'failed'] as const
/** So many of the oldest, of the newest, and of those whose history is read. */
const SIZE = 100
/** Rows of a history. */
const MOST_ENTRIES = 500

export async function standingOf(
  polaris: Polaris,
  { name, version, workflow }: Entry,
  clock: Clock,
): Promise<Standing> {
  const query = { workflow: name, version }
  const oldest = await polaris.list({ ...query, status: OPEN, limit: SIZE })
  const newest =
    oldest.next === undefined ? oldest : await polaris.list({ ...query, status: OPEN, order: 'newest', limit: SIZE })
  const recent = await polaris.list({ ...query, order: 'newest', limit: SIZE })
  const ids = [...new Set([...oldest.items, ...newest.items].map(({ id }) => id))]
  const explained = await each(ids, (id) => polaris.explain(id).catch(ifNotServed))
  const histories = await each(
    recent.items.map(({ id }) => id),
    (id) => polaris.history(id, { limit: MOST_ENTRIES }),
  )
  const since = recent.items.reduce((first, { createdAt }) => Math.min(first, createdAt), Infinity)
  return {
    ...{ workflow: name, version, asOf: clock.now() },
    open: { looked: explained.length, complete: oldest.next === undefined },
    recent: {
      ...{ looked: histories.length, complete: recent.next === undefined },
      ...(Number.isFinite(since) && { since }),
    },
    waitingFor: countsOf(explained.flatMap(({ waitingFor }) => waitingFor)),
    builders: faresOf(
      workflow.plan.builders.filter(({ timer }) => timer === undefined).map((builder) => builder.name),
      explained,
      histories.flat(),
    ),
  }
}

/** One after the other, so that a store that answers at once does not hold up everybody else. */
async function each<T>(ids: readonly string[], ask: (id: string) => Promise<T | undefined>): Promise<T[]> {
  const found: T[] = []
  for (const [index, id] of ids.entries()) {
    const answer = await ask(id)
    if (answer !== undefined) found.push(answer)
    if (index % 8 === 7) await new Promise((resolve) => void setTimeout(resolve))
  }
  return found
}

/** One that has moved to a version that is not served here meanwhile. */
function ifNotServed(error: unknown): undefined {
  if (!isPolarisError(error) || error.code !== 'VERSION_NOT_SERVED') throw error
}

function countsOf(names: readonly string[]): { data: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return Array.from(counts, ([data, count]) => ({ data, count })).sort((a, b) => b.count - a.count)
}

function faresOf(
  names: readonly string[],
  explained: readonly Explanation[],
  entries: readonly HistoryEntry[],
): Fare[] {
  const stands = explained.flatMap(({ builders }) => builders)
  const runs = entries.filter(isRun)
  return names.map((name) => {
    const states: States = {
      ...{ done: 0, nothing: 0, waitFor: 0, settled: 0, due: 0, failed: 0, retrying: 0, lacking: 0, idle: 0 },
    }
    for (const stand of stands) if (stand.name === name) states[stand.state]++
    const own = runs.filter(({ builder }) => builder === name)
    const failures = own.filter(({ outcome }) => outcome === 'failed').length
    const times = own.map(({ startedAt, endedAt }) => endedAt - startedAt).sort((a, b) => a - b)
    return { name, states, runs: own.length - failures, failures, ...(times.length > 0 && { ms: spreadOf(times) }) }
  })
}

/** @param times in ascending order, at least one */
function spreadOf(times: readonly number[]): NonNullable<Fare['ms']> {
  const at = (part: number): number => times[Math.min(times.length - 1, Math.floor(part * times.length))] ?? 0
  const mean = times.reduce((sum, ms) => sum + ms, 0) / times.length
  return { mean, p50: at(0.5), p95: at(0.95), max: times.at(-1) ?? 0 }
}
