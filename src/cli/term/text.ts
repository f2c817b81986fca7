/** Lines of text in colours, of a width that is known before they are painted. */
import pc from 'picocolors'

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan' | 'blue' | 'magenta'

interface Span {
  readonly text: string
  readonly style: Style | undefined
}

export type Line = readonly Span[]

/** A piece of a line. What could steer a terminal is shown as its code: names, reasons and values are what anybody fed. */
export function span(text: string, style?: Style): Span {
  return { text: printable(text), style }
}

export function line(...parts: readonly (string | Span)[]): Line {
  return parts.map((part) => (typeof part === 'string' ? span(part) : part))
}

// Control characters, what turns the direction of writing round, and line separators.
// eslint-disable-next-line no-control-regex -- finding them is the point
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (char) => {
    if (char === '\n') return '⏎'
    if (char === '\t') return ' '
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** East Asian wide characters and emoji take two columns, marks that join the one before them none. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u
const NARROWEST = /\p{Mn}|\p{Me}|\p{Cf}/u

export function widthOf(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length
  let width = 0
  for (const char of text) width += NARROWEST.test(char) ? 0 : WIDE.test(char) ? 2 : 1
  return width
}

function lineWidth(spans: Line): number {
  return spans.reduce((sum, { text }) => sum + widthOf(text), 0)
}

/** The line without what goes beyond a width. */
export function cut(spans: Line, width: number): Line {
  if (lineWidth(spans) <= width) return spans
  let left = width - 1
  const kept: Span[] = []
  for (const { text, style } of spans) {
    const part = head(text, left)
    kept.push({ text: part, style })
    left -= widthOf(part)
    if (part !== text) break
  }
  return [...kept, { text: '…', style: undefined }]
}

function head(text: string, width: number): string {
  let kept = ''
  let left = width
  for (const char of text) {
    left -= widthOf(char)
    if (left < 0) break
    kept += char
  }
  return kept
}

/** As it is written; without colours it is its text. Blanks at the end are left out. */
export function paint(spans: Line, colors: boolean): string {
  const paints = pc.createColors(colors)
  const text = spans.map((each) => (each.style === undefined ? each.text : paints[each.style](each.text))).join('')
  return colors ? text : text.trimEnd()
}

/** Lines as one text. */
export function painted(lines: readonly Line[], colors: boolean): string {
  return lines.map((each) => `${paint(each, colors)}\n`).join('')
}

export function padded(text: string, width: number): string {
  const shown = printable(text)
  return shown + ' '.repeat(Math.max(0, width - widthOf(shown)))
}

/** `1 instance`, `2 instances`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

export interface Column {
  readonly title: string
  readonly right?: true
}

/** A table without borders, each column as wide as it has to be. */
export function table(columns: readonly Column[], rows: readonly (readonly (string | Span)[])[]): Line[] {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'string' ? span(cell) : cell)))
  const widths = columns.map(({ title }, i) =>
    Math.max(widthOf(title), ...cells.map((row) => widthOf(row[i]?.text ?? ''))),
  )
  const layOut = (row: readonly Span[]): Line =>
    row.map(({ text, style }, i) => {
      const gap = ' '.repeat(Math.max(0, (widths[i] ?? 0) - widthOf(text)))
      const end = i === columns.length - 1 ? '' : '  '
      return { text: columns[i]?.right ? `${gap}${text}${end}` : `${text}${end === '' ? '' : gap}${end}`, style }
    })
  return [layOut(columns.map(({ title }) => span(title, 'dim'))), ...cells.map(layOut)]
}

/** Text that is broken where it is too long for a line, at blanks. */
export function wrapped(text: string, width: number, indent: string): string[] {
  const lines: string[] = []
  let current = ''
  for (const word of text.split(' ')) {
    if (current !== '' && widthOf(current) + 1 + widthOf(word) > width) {
      lines.push(current)
      current = indent + word
    } else current = current === '' ? word : `${current} ${word}`
  }
  return [...lines, current]
}
