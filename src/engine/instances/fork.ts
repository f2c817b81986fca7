import { checkOption, checkOptions } from '../../graph/naming.ts'
import type { Change, DataStore, Header, Row } from '../../stores/contract.ts'
import { agenda } from '../state/agenda.ts'
import { historyPages } from '../state/history.ts'
import { FORKED, LATE } from '../state/program.ts'
import { callerRow, inOrder } from '../state/rows.ts'
import { checkReason } from './operation.ts'
import type { WithReason } from './operation.ts'
import type { Served } from './registry.ts'
import { loadState } from '../state/loading.ts'
import { completedTarget } from '../scope/verdict.ts'

/** How far {@link Polaris.fork} copies an instance, and why. */
export interface ForkOptions extends WithReason {
  /** `seq` of the history entry up to which the copy goes; of a move, to the end of it. Default: the newest. */
  readonly at?: number
}

/** @throws `OPTION_INVALID` */
export function checkFork(options: ForkOptions): { readonly at: number } & WithReason {
  checkOptions('fork', options, ['at', 'reason'])
  const { at = Infinity, ...rest } = options
  checkOption('at', at === Infinity || (Number.isSafeInteger(at) && at >= 1), 'the seq of a history entry', at)
  return { at, ...checkReason('fork', rest) }
}

/** What of an instance's history a fork copies. */
export interface Copied {
  readonly rows: readonly Row[]
  /** `seq` up to which everything was settled when the newest of these rows was written. */
  readonly settled: number
}

/** A move to another version is one step of many rows: half of them would be an instance of neither version. */
function goesOn(before: Row | undefined, { outcome, scope, note }: Row): boolean {
  return before?.outcome === 'migrated' && outcome === 'migrated' && before.scope === scope && note?.move === undefined
}

/**
 * The history of an instance up to a row, and to the end of the move that it belongs to. It takes no lease: rows are only ever added, so the same ones are there for
 * whoever asks.
 *
 * @throws `OPTION_INVALID` if there is no such row
 */
export async function copyHistory(store: DataStore, header: Header, at: number): Promise<Copied> {
  const { id } = header
  const rows: Row[] = []
  let beyond: Row | undefined
  for await (const page of historyPages(store, id)) {
    for (const row of page) {
      if (row.seq <= at || (beyond === undefined && goesOn(rows.at(-1), row))) rows.push(row)
      else beyond ??= row
    }
    if (beyond !== undefined) break
  }
  const newest = rows.at(-1)?.seq ?? 0
  checkOption('at', at === Infinity || newest >= at, `the seq of an entry in the history of '${id}'`, at)
  if (beyond === undefined && newest === header.rows) return { rows, settled: header.settled }
  return { rows, settled: settledUpTo(rows, beyond) }
}

/**
 * `seq` of the last row of the last scope that ended without a throw. The header tells it only of today.
 *
 * @param beyond the row that came next: the last scope has ended if that one is of another
 */
function settledUpTo(rows: readonly Row[], beyond: Row | undefined): number {
  let settled = 0
  /** Builders of the scope at hand whose last try failed; `null` for the scope itself. */
  const failed = new Set<string | null>()
  let left = false
  let before = 0
  for (const [index, row] of rows.entries()) {
    const next = rows[index + 1] ?? beyond
    if (row.outcome === 'restart') settled = 0
    if (row.place === LATE) left = settled < before
    else if (row.outcome === 'failed') failed.add(row.builder)
    else if (row.builder !== null) failed.delete(row.builder)
    // These run nothing, and so leave undone what was.
    if (row.outcome === 'cancelled' || row.outcome === 'forked') left = settled < before
    if (next === undefined || next.scope === row.scope) continue
    // A copy may end within a scope, which its own rows do not show.
    if (next.outcome === 'forked') settled = next.note?.from?.settled ?? settled
    else if (failed.size === 0 && !left) settled = row.seq
    failed.clear()
    left = false
    before = row.seq
  }
  return settled
}

/**
 * The change that makes a copy under a new id: rows and data as they stood, neither mail nor request records (P17), and a
 * new incarnation, so that every idempotency key differs from the original's.
 */
export function forkChange(
  served: Served,
  draft: Header,
  from: string,
  { rows, settled }: Copied,
  reason: string | undefined,
  decode: (stored: unknown) => unknown,
): Change {
  const { graph } = served.program
  const last = rows.at(-1) as Row
  const newest = new Map(rows.map((row) => [row.place, row]))
  const state = loadState(graph, settled, inOrder(newest), decode)
  state.newest = last.seq
  const scope = last.scope + 1
  const note = { from: { id: from, seq: last.seq, settled }, ...(reason !== undefined && { because: reason }) }
  const own = callerRow(state, scope, draft.createdAt, {
    ...{ place: FORKED, data: null, outcome: 'forked', value: undefined, note },
  })
  state.timing?.noteFork(own)
  const open = settled < last.seq
  const completed = !open && completedTarget(state, scope, []) !== undefined
  const status = completed ? 'completed' : open ? 'failed' : 'waiting'
  const header: Header = {
    ...draft,
    ...{ revision: 1, status, mode: 'parallel', settled: open ? settled : own.seq, rows: own.seq },
    ...{ scope, mailAppended: scope, mailHandled: scope, wakeAt: agenda(state, status, draft.createdAt) },
  }
  return { expected: null, header, rows: [...rows, own] }
}
