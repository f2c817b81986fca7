/** Draws a graph in a terminal, with how an instance stands if there is one. Pure. */
import type { PlanJson } from '../../index.ts'
import { cut, line, padded, span } from '../term/text.ts'
import type { Line, Style } from '../term/text.ts'
import { widthOf } from '../term/text.ts'
import { layLanes, rowsOf } from './lanes.ts'
import type { Cell, GraphRow, LaidRow } from './lanes.ts'

/** How a row stands: a sign, what to say of it, and in which colour. */
export interface RowState {
  readonly sign: string
  readonly style?: Style
  readonly text: string
}

export interface DrawOptions {
  /** Columns there are. */
  readonly width: number
  /** Left out: the graph alone. */
  readonly stateOf?: (row: GraphRow) => RowState
  /** Whether a datum is there: its lane is drawn so. */
  readonly isThere?: (data: string) => boolean
}

const NARROWEST_TEXT = 32
const LONGEST_NAME = 24

/** A line for each row; where the lanes would leave no room for words, the rows alone. */
export function drawGraph(plan: PlanJson, { width, stateOf, isThere = () => false }: DrawOptions): Line[] {
  const rows = rowsOf(plan)
  const laid = layLanes(rows)
  const drawn = 2 * laid.width + 1
  const narrow = drawn + NARROWEST_TEXT > width
  const names = Math.min(LONGEST_NAME, Math.max(0, ...rows.map(({ name }) => widthOf(name))))
  return laid.rows.map((row) => {
    const lanes = narrow ? [] : [...laneSpans(row, laid.width, isThere), span(' ')]
    const { sign, style, text } = rowWords(plan, row, stateOf)
    const words = span(text, stateOf === undefined ? 'dim' : style)
    const name = span(`${sign === '' ? '' : `${sign} `}${padded(row.name, names)}`, style)
    return cut(line(...lanes, name, '  ', words), width)
  })
}

/** What is said of a row: how it stands, or else what it is. */
export function rowWords(plan: PlanJson, row: GraphRow, stateOf: DrawOptions['stateOf']): RowState {
  const state = stateOf?.(row)
  if (state !== undefined) return state
  if (row.kind === 'data') return { sign: '', style: 'cyan', text: 'is fed' }
  const builder = plan.builders.find(({ name }) => name === row.name)
  return { sign: '', style: 'bold', text: builder === undefined ? '' : notesOf(plan, builder) }
}

function laneSpans(row: LaidRow, width: number, isThere: (data: string) => boolean): Line {
  const first = row.cells.findIndex(({ glyph }) => glyph !== 'none' && glyph !== 'pass')
  const spans = Array.from({ length: width }, (_, i) => {
    const cell = row.cells[i] ?? { glyph: 'none' }
    const within = first >= 0 && i >= first
    const wire = within ? '─' : ' '
    const there = cell.data !== undefined && isThere(cell.data)
    return [span(glyphOf(cell, i === first, wire), there ? 'green' : 'dim'), span(wire, 'dim')]
  })
  const head = row.takes.length > 0 ? '▶' : first >= 0 ? '─' : ' '
  return [...spans.flat(), span(head, 'dim')]
}

/** What is connected is a junction; a line that only passes interrupts the wire. */
function glyphOf({ glyph }: Cell, first: boolean, wire: string): string {
  switch (glyph) {
    case 'none':
      return wire
    case 'pass':
      return '│'
    case 'tap':
      return first ? '├' : '┼'
    case 'end':
      return first ? '╰' : '┴'
    case 'start':
      return first ? '╭' : '┬'
  }
}

/** What else there is to know of a builder. */
function notesOf({ targets }: PlanJson, builder: PlanJson['builders'][number]): string {
  const { produces, optionals, accesses, once, timer } = builder
  const all = [
    `→ ${produces}${targets.includes(produces) ? ' ◎' : ''}`,
    ...(timer === undefined ? [] : [timer.when]),
    ...(timer !== undefined && timer.unless.length > 0 ? [`unless ${timer.unless.join(', ')}`] : []),
    ...(once ? ['once'] : []),
    ...(optionals.length > 0 ? [`optional: ${optionals.join(', ')}`] : []),
    ...(timer === undefined && accesses.length > 0 ? [`looks at: ${accesses.join(', ')}`] : []),
  ]
  return all.join(' · ')
}
