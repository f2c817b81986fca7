import type { Graph } from '../../graph/graph.ts'
import { checkOption, checkOptions } from '../../graph/naming.ts'
import type { DataStore, Header, InstanceStatus, Row, Snapshot } from '../../stores/contract.ts'
import { copyHistory } from '../instances/fork.ts'
import { completedTarget } from '../scope/verdict.ts'
import { inOrder } from '../state/rows.ts'
import { versionAt } from '../state/standing.ts'
import { loadState } from '../state/loading.ts'
import { isEqual } from '../values/canonical.ts'

/** What became of a datum between two moments of an instance. */
export interface DatumDifference {
  readonly name: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly before?: unknown
  readonly after?: unknown
}

/** What is different about the data of an instance between two entries of its history. */
export interface InstanceDifference {
  readonly id: string
  /** `seq` of the entries. 0 stands for before the first. */
  readonly from: number
  readonly to: number
  readonly data: readonly DatumDifference[]
  /** Names of data that are equal. */
  readonly same: readonly string[]
}

/**
 * An instance as it stood after an entry of its history, put together from what is before it. Its status is what that tells:
 * `running` within a scope, else `failed` where something was left due.
 *
 * @throws `OPTION_INVALID` if there is no such entry
 */
export async function pictureAt(
  store: DataStore,
  header: Header,
  at: number,
  graphOf: (version: number) => Graph,
  decode: (stored: unknown) => unknown,
): Promise<Snapshot> {
  const { rows, settled } = await copyHistory(store, header, at)
  const last = rows.at(-1)
  const version = await versionAt(store, header, at)
  const newest = inOrder(new Map(rows.map((row) => [row.place, row])))
  if (last === undefined) return { header, rows: newest }
  const [next] = await store.history(header.id, { after: at, limit: 1 })
  const then = { ...header, version, settled, scope: last.scope, rows: at, pass: 0, updatedAt: last.endedAt }
  const graph = graphOf(version)
  return { header: { ...then, status: statusOf(graph, then, newest, last, next, decode) }, rows: newest }
}

function statusOf(
  graph: Graph,
  header: Header,
  rows: readonly Row[],
  last: Row,
  next: Row | undefined,
  decode: (stored: unknown) => unknown,
): InstanceStatus {
  // Nothing has come since.
  if (next === undefined) return header.status
  if (last.outcome === 'cancelled') return 'cancelled'
  if (next.scope === last.scope) return 'running'
  const state = loadState(graph, header.settled, rows, decode)
  if (header.settled < last.seq) return last.note?.retryAt === undefined ? 'failed' : 'retrying'
  return completedTarget(state, header.scope, []) === undefined ? 'waiting' : 'completed'
}

/** @throws `OPTION_INVALID` */
export function checkSpan(options: { readonly from?: number; readonly to?: number }): void {
  checkOptions('differences', options, ['from', 'to'])
  for (const option of ['from', 'to'] as const) {
    const seq = options[option]
    const passes = seq === undefined || (Number.isSafeInteger(seq) && seq >= 0)
    checkOption(option, passes, 'the seq of a history entry, or 0', seq)
  }
}

type Values = Readonly<Record<string, unknown>>

export function differencesOf(before: Values, after: Values): Pick<InstanceDifference, 'data' | 'same'> {
  const data: DatumDifference[] = []
  const same: string[] = []
  for (const name of new Set([...Object.keys(after), ...Object.keys(before)])) {
    const [was, is] = [before[name], after[name]]
    if (was === undefined) data.push({ name, change: 'added', after: is })
    else if (is === undefined) data.push({ name, change: 'removed', before: was })
    else if (isEqual(was, is)) same.push(name)
    else data.push({ name, change: 'changed', before: was, after: is })
  }
  return { data, same }
}
