/** Values in a terminal. Pure. */
import { line, padded, span, widthOf } from '../term/text.ts'
import type { Line } from '../term/text.ts'

/** In one line, as JSON that can be fed again. */
export function valueText(value: unknown): string {
  if (isSensitive(value)) return '(sensitive)'
  return (JSON.stringify(value, null, 1) as string | undefined)?.replace(/\n\s*/g, ' ') ?? '(nothing)'
}

function isSensitive(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (value as Record<string, unknown>)['$sensitive'] === true
}

const LONGEST_NAME = 24

/** A line for each datum; long values go over several. */
export function dataLines(data: Readonly<Record<string, unknown>>, width: number): Line[] {
  const entries = Object.entries(data)
  const names = Math.min(LONGEST_NAME, Math.max(0, ...entries.map(([name]) => widthOf(name))))
  return entries.flatMap(([name, value]) => {
    const short = valueText(value)
    const label = span(`  ${padded(name, names)}  `, 'cyan')
    if (names + 4 + widthOf(short) <= width || typeof value !== 'object') return [line(label, span(short))]
    const rows = JSON.stringify(value, null, 2).split('\n')
    return [line(label), ...rows.map((row) => line(`    ${row}`))]
  })
}
