import type { Io } from '../io.ts'
import { cut, paint } from './text.ts'
import type { Line } from './text.ts'

const NO_TERMINAL_COLUMNS = 120

/** How wide a line may be. */
export function columnsOf({ terminal }: Io): number {
  return terminal?.columns() ?? NO_TERMINAL_COLUMNS
}

/** Lines in a terminal that are drawn over again. */
export interface Screen {
  draw(lines: readonly Line[]): void
  /** Leaves what was drawn last. */
  close(): void
}

const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const TO_END_OF_LINE = '\u001b[K'
const BELOW = '\u001b[J'

export function openScreen({ out, colors }: Io, terminal: NonNullable<Io['terminal']>): Screen {
  let height = 0
  let width = terminal.columns()
  out(HIDE_CURSOR)
  return {
    draw(lines) {
      const columns = terminal.columns()
      // A terminal that became narrower has broken the lines: nobody knows where they are now.
      const home = columns < width ? '\u001b[2J\u001b[H' : height > 0 ? `\u001b[${height}A` : ''
      width = columns
      const shown = lines.slice(0, Math.max(1, terminal.rows() - 1))
      const text = shown.map((each) => `${paint(cut(each, columns), colors)}${TO_END_OF_LINE}\n`).join('')
      out(`${home}${text}${BELOW}`)
      height = shown.length
    },
    close: () => out(SHOW_CURSOR),
  }
}
