import type { DataStore, Header, Row } from '../../stores/contract.ts'
import { historyPages } from './history.ts'
import { RESTART } from './program.ts'

/** A row as the engine reads it: a rewritten one stands for the row it was made of; `undefined` where nothing stands. */
export function effective(row: Row): Row | undefined {
  const was = row.note?.was
  if (was === undefined) return row
  const { outcome, seq, scope, pass } = was
  return outcome === null ? undefined : { ...row, outcome, seq, scope, pass }
}

/** What counts of the newest row of each place: since a restart, and what was fed before it. */
export function standingRows(rows: readonly Row[]): readonly Row[] {
  const since = rows.find(({ place }) => place === RESTART)?.seq
  return since === undefined ? rows : rows.filter((row) => row.seq >= since || isFed(row))
}

/** Whether a row holds what a caller fed, be it as a migration has rewritten it. */
export function isFed({ outcome, note }: Row): boolean {
  return outcome === 'fed' || note?.was?.outcome === 'fed'
}

/** The version an instance was on when a row was its newest: what the next move after it says, if there was one. */
export async function versionAt(store: DataStore, { id, version }: Header, seq: number): Promise<number> {
  for await (const rows of historyPages(store, id, seq)) {
    const move = rows.find(({ note }) => note?.move !== undefined)?.note?.move
    if (move !== undefined) return move.from.version
  }
  return version
}
