/** What a history tells of what came of what, and of how builders fared. Pure. */
import type { HistoryEntry } from '../index.ts'

/** An entry, and what it is to the one that was asked about. */
export interface Relative {
  readonly entry: HistoryEntry
  readonly side: 'itself' | 'from' | 'into'
}

/** An entry, all that it was made of, directly or through others, and all that was made of it, oldest first. */
export function lineageOf(entries: readonly HistoryEntry[], seq: number): Relative[] {
  const bySeq = new Map(entries.map((entry) => [entry.seq, entry]))
  const readers = new Map<number, number[]>()
  for (const { seq: reader, inputs } of entries) {
    for (const { seq: read } of inputs) readers.set(read, [...(readers.get(read) ?? []), reader])
  }
  const from = reached(seq, (each) => sourcesOf(bySeq.get(each)))
  const into = reached(seq, (each) => readers.get(each) ?? [])
  return entries.flatMap((entry): Relative[] => {
    if (entry.seq === seq) return [{ entry, side: 'itself' }]
    if (from.has(entry.seq)) return [{ entry, side: 'from' }]
    return into.has(entry.seq) ? [{ entry, side: 'into' }] : []
  })
}

function sourcesOf(entry: HistoryEntry | undefined): number[] {
  // A product that equalled the one before left that one in place.
  return [...(entry?.inputs.map(({ seq }) => seq) ?? []), ...(entry?.sameAs === undefined ? [] : [entry.sameAs])]
}

function reached(seq: number, step: (seq: number) => readonly number[]): Set<number> {
  const found = new Set([seq])
  for (const each of found) for (const next of step(each)) found.add(next)
  return found
}

/** How a builder fared. */
export interface Runs {
  readonly name: string
  /** Tries that came to an end, with a product or without. */
  readonly runs: number
  readonly failures: number
  readonly lastAt: number
  /** Milliseconds of a try, failed ones included. */
  readonly ms: { readonly last: number; readonly mean: number; readonly max: number }
  /** The newest of its entries, newest first. */
  readonly entries: readonly HistoryEntry[]
}

const RUNS: ReadonlySet<HistoryEntry['outcome']> = new Set([
  ...(['produced', 'supplied', 'nothing', 'waitFor', 'failed'] as const),
])
const SHOWN = 20

export function isRun({ builder, outcome }: HistoryEntry): boolean {
  return builder !== undefined && RUNS.has(outcome)
}

/** By builder, in order of their first try. */
export function runsOf(entries: readonly HistoryEntry[]): Runs[] {
  const byBuilder = new Map<string, HistoryEntry[]>()
  for (const entry of entries) {
    if (entry.builder === undefined || !isRun(entry)) continue
    const own = byBuilder.get(entry.builder)
    if (own === undefined) byBuilder.set(entry.builder, [entry])
    else own.push(entry)
  }
  return Array.from(byBuilder, ([name, own]) => {
    const times = own.map(({ startedAt, endedAt }) => endedAt - startedAt)
    const failures = own.filter(({ outcome }) => outcome === 'failed').length
    const total = times.reduce((sum, ms) => sum + ms, 0)
    return {
      name,
      runs: own.length - failures,
      failures,
      lastAt: own.at(-1)?.endedAt ?? 0,
      ms: {
        last: times.at(-1) ?? 0,
        mean: total / times.length,
        max: times.reduce((most, ms) => Math.max(most, ms), 0),
      },
      entries: own.slice(-SHOWN).reverse(),
    }
  })
}
