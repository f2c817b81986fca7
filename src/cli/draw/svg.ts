/** The same drawing as in the terminal, as an SVG: rows with lanes beside them. Pure. */
import type { PlanJson } from '../../index.ts'
import { printable, widthOf } from '../term/text.ts'
import type { Style } from '../term/text.ts'
import type { DrawOptions } from './graph.ts'
import { rowWords } from './graph.ts'
import { layLanes, rowsOf } from './lanes.ts'
import type { LaidRow } from './lanes.ts'

const ROW = 30
const LANE = 16
const MARGIN = 16
const TITLE = 34
const CHAR = 7.9
const RADIUS = 7
const PADDING = 9
/** Inputs come in above the middle of a row, the product leaves below it. */
const [INPUT_AT, OUTPUT_AT] = [-4, 5]
/** Of lanes that are beside each other, so that a line can be followed through a crossing. */
const LANE_COLORS = ['#2563eb', '#db2777', '#0d9488', '#d97706', '#7c3aed', '#65a30d', '#dc2626', '#0891b2']
const FILLS: Readonly<Record<Style | 'none', string>> = {
  none: '#f1f5f9',
  bold: '#f1f5f9',
  dim: '#f8fafc',
  cyan: '#cffafe',
  green: '#dcfce7',
  yellow: '#fef9c3',
  red: '#fee2e2',
  blue: '#dbeafe',
  magenta: '#fae8ff',
}
const FONT = 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace'

export function graphSvg(plan: PlanJson, title: string, options: Omit<DrawOptions, 'width'> = {}): string {
  const { rows, width: lanes } = layLanes(rowsOf(plan))
  const left = MARGIN + lanes * LANE + LANE
  const words = rows.map((row) => rowWords(plan, row, options.stateOf))
  const names = rows.map(({ name }, i) => `${words[i]?.sign === '' ? '' : `${words[i]?.sign ?? ''} `}${name}`)
  const boxes = Math.max(0, ...names.map((name) => widthOf(name) * CHAR)) + 2 * PADDING
  const texts = Math.max(0, ...words.map(({ text }) => widthOf(text) * CHAR), widthOf(title) * CHAR - left - boxes)
  const width = Math.ceil(left + boxes + PADDING + texts + MARGIN)
  const height = TITLE + rows.length * ROW + MARGIN
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${FONT}" font-size="13">`,
    `<title>${xml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN}" y="22" font-weight="bold" fill="#0f172a">${xml(title)}</text>`,
    ...lanePaths(rows, left),
    ...rows.map((row, i) => {
      const { text = '', style = 'none' } = words[i] ?? {}
      const y = TITLE + i * ROW + ROW / 2
      const isData = row.kind === 'data'
      const box = `<rect x="${left}" y="${y - 11}" width="${boxes}" height="22" rx="${isData ? 11 : 4}" fill="${FILLS[style]}" stroke="#94a3b8"/>`
      const name = `<text x="${left + PADDING}" y="${y + 4}" fill="#0f172a"${isData ? '' : ' font-weight="bold"'}>${xml(names[i] ?? '')}</text>`
      return `${box}${name}<text x="${left + boxes + PADDING}" y="${y + 4}" fill="#64748b">${xml(text)}</text>`
    }),
    '</svg>',
  ]
  return `${parts.join('\n')}\n`
}

/** Each datum is one line from the row that makes it to the last that reads it, with a branch to every other reader. */
function lanePaths(rows: readonly LaidRow[], left: number): string[] {
  const begun = new Map<string, number>()
  const paths: string[] = []
  const middle = (row: number): number => TITLE + row * ROW + ROW / 2
  rows.forEach((row, at) => {
    row.cells.forEach(({ glyph, data }, column) => {
      if (data === undefined) return
      const x = MARGIN + column * LANE
      const color = LANE_COLORS[column % LANE_COLORS.length] ?? '#2563eb'
      if (glyph === 'start') begun.set(data, at)
      else if (glyph === 'tap') {
        const y = middle(at) + INPUT_AT
        paths.push(`<path d="M${x} ${y}H${left}" ${stroke(color)}/><circle cx="${x}" cy="${y}" r="3" fill="${color}"/>`)
      } else if (glyph === 'end') {
        const [from, to] = [middle(begun.get(data) ?? at) + OUTPUT_AT, middle(at) + INPUT_AT]
        const down = `M${left} ${from}H${x + RADIUS}Q${x} ${from} ${x} ${from + RADIUS}`
        paths.push(`<path d="${down}V${to - RADIUS}Q${x} ${to} ${x + RADIUS} ${to}H${left}" ${stroke(color)}/>`)
      }
    })
    if (row.takes.length > 0) {
      const y = middle(at) + INPUT_AT
      paths.push(`<path d="M${left - 6} ${y - 4}L${left} ${y}L${left - 6} ${y + 4}Z" fill="#475569"/>`)
    }
  })
  return paths
}

function stroke(color: string): string {
  return `fill="none" stroke="${color}" stroke-width="1.6"`
}

function xml(text: string): string {
  return printable(text).replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
}
