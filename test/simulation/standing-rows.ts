/** What of an instance's rows counts, worked out anew from the whole list each time: restarts and undoing take back. */
import type { Row } from 'polaris-workflow'

const ENDS: readonly string[] = ['produced', 'nothing', 'waitFor']

export const isDatum = ({ outcome, value }: Row): boolean =>
  (outcome === 'fed' || outcome === 'produced') && value !== undefined

export const isEnd = ({ builder, outcome }: Row): boolean => builder !== null && ENDS.includes(outcome)

export const lastOf = (rows: readonly Row[], holds: (row: Row) => boolean): Row | undefined => rows.findLast(holds)

/** The rows that count: what was fed, and what was made since the newest restart and not undone since. */
export function standingRows(rows: readonly Row[]): readonly Row[] {
  const restart = lastOf(rows, ({ outcome }) => outcome === 'restart')?.seq ?? 0
  const isUndone = ({ builder, seq }: Row): boolean =>
    rows.some((row) => row.outcome === 'compensated' && row.builder === builder && row.seq > seq)
  return rows.filter((row) => row.outcome === 'fed' || (row.seq > restart && !(isEnd(row) && isUndone(row))))
}

export function newestOf(standing: readonly Row[], data: string): Row | undefined {
  return lastOf(standing, (row) => row.data === data && isDatum(row))
}

/** The scope in which a datum counts as having come: what was fed before a restart is active in that one anew. */
export function scopeOf(rows: readonly Row[], { seq, scope }: Row): number {
  const restart = lastOf(rows, ({ outcome }) => outcome === 'restart')
  return restart !== undefined && seq < restart.seq ? restart.scope : scope
}

/** Whether something that was done is being undone as of the newest row. */
export function isUndoing(rows: readonly Row[]): boolean {
  return lastOf(rows, isAboutUndoing)?.outcome === 'compensating'
}

export const isAboutUndoing = ({ outcome, builder }: Row): boolean =>
  outcome === 'compensating' || outcome === 'forked' || (outcome === 'compensated' && builder === null)

/** A run with effects outside that is still to be undone. */
export interface ToUndo {
  readonly key: string
  readonly builder: string
  /** Its product's row, where it is known to have come to one. */
  readonly product: Row | undefined
  readonly at: number
}

/** What is still to be undone, the newest first. */
export function toUndo(rows: readonly Row[]): readonly ToUndo[] {
  const fork = lastOf(rows, ({ outcome }) => outcome === 'forked')?.seq ?? 0
  const own = rows.filter(({ seq }) => seq > fork)
  const started = own.filter(({ outcome }) => outcome === 'started')
  const keys = [...new Set(started.map(({ note }) => note!.key!))]
  return keys
    .flatMap((key): ToUndo[] => {
      const start = started.findLast(({ note }) => note!.key === key)!
      const builder = start.builder!
      if (own.some(({ outcome, note, seq }) => outcome === 'compensated' && note?.key === key && seq > start.seq))
        return []
      const next = started.find((row) => row.builder === builder && row.seq > start.seq)?.seq ?? Infinity
      const end = own.find((row) => row.builder === builder && row.seq > start.seq && row.seq < next && isEnd(row))
      if (end !== undefined && end.outcome !== 'produced') return []
      return [{ key, builder, product: end, at: end?.seq ?? start.seq }]
    })
    .sort((a, b) => b.at - a.at)
}
