/**
 * A graph as rows with lanes beside them, as `git log --graph` draws commits: each datum is a lane that runs down from the
 * row that makes it to the last row that reads it. Pure.
 */
import type { PlanJson } from '../../index.ts'

export interface GraphRow {
  readonly kind: 'data' | 'builder' | 'timer'
  /** Of a datum that callers feed, its own. */
  readonly name: string
  /** The data that it reads along lanes. */
  readonly takes: readonly string[]
  /** What it makes; of fed data, itself. */
  readonly makes: string
}

/** What stands in one column of a row. */
export interface Cell {
  readonly glyph: 'none' | 'pass' | 'tap' | 'end' | 'start'
  /** Whose lane it is. */
  readonly data?: string
}

export interface LaidRow extends GraphRow {
  readonly cells: readonly Cell[]
}

export interface Lanes {
  readonly rows: readonly LaidRow[]
  /** How many columns the lanes take at most. */
  readonly width: number
}

/** Builders and timers in order of rank; what is fed stands before its first reader. */
export function rowsOf({ builders, inputs }: Pick<PlanJson, 'builders' | 'inputs'>): GraphRow[] {
  const rows: GraphRow[] = []
  const fed = new Set(inputs)
  const shown = new Set<string>()
  const feed = (name: string): void => {
    if (!fed.has(name) || shown.has(name)) return
    shown.add(name)
    rows.push({ kind: 'data', name, takes: [], makes: name })
  }
  for (const { name, consumes, optionals, produces, timer } of builders) {
    const takes = timer === undefined ? [...new Set([...consumes, ...optionals])] : [timer.after]
    takes.forEach(feed)
    rows.push({ kind: timer === undefined ? 'builder' : 'timer', name, takes, makes: produces })
  }
  // What is only looked at, or ends a timer, has no reader along a lane.
  inputs.forEach(feed)
  return rows
}

export function layLanes(rows: readonly GraphRow[]): Lanes {
  const lastReader = new Map<string, number>()
  rows.forEach(({ takes }, at) => takes.forEach((data) => lastReader.set(data, at)))
  const lanes: (string | undefined)[] = []
  let width = 0
  const laid = rows.map((row, at): LaidRow => {
    const taken = new Set(row.takes)
    const starts = (lastReader.get(row.makes) ?? -1) > at
    // The new lane stands beside those that end here, not in their place: the two would look like one.
    const fresh = starts ? freeLane(lanes) : -1
    const cells = Array.from({ length: Math.max(lanes.length, fresh + 1) }, (_, i): Cell => {
      if (i === fresh) return { glyph: 'start', data: row.makes }
      const data = lanes[i]
      if (data === undefined) return { glyph: 'none' }
      const ends = lastReader.get(data) === at
      return { glyph: taken.has(data) ? (ends ? 'end' : 'tap') : 'pass', data }
    })
    for (const [i, data] of lanes.entries()) if (data !== undefined && lastReader.get(data) === at) lanes[i] = undefined
    if (starts) lanes[fresh] = row.makes
    while (lanes.length > 0 && lanes.at(-1) === undefined) lanes.pop()
    width = Math.max(width, cells.length)
    return { ...row, cells }
  })
  return { rows: laid, width }
}

function freeLane(lanes: readonly (string | undefined)[]): number {
  const free = lanes.indexOf(undefined)
  return free < 0 ? lanes.length : free
}
