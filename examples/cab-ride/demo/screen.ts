import { renderMermaidASCII } from 'beautiful-mermaid'
import colors from 'picocolors'
import { cabRide } from '../workflow.ts'
import type { Ride } from './ride.ts'
import { STEPS } from './ride.ts'

export interface Screen {
  /** A line that stays. */
  say(line: string): void
  changed(ride: Ride, what: string): void
  close(): void
}

/** The workflow: drawn where there is a terminal wide enough, and rank by rank. */
export function graphText(columns: number) {
  const rows = cabRide.plan.builders.map(({ rank, name, consumes, optionals, produces, once }) => {
    const inputs = [...consumes, ...optionals.map((optional) => `[${optional}]`)].join(', ')
    return `  ${rank + 1}  ${name.padEnd(12)} ${inputs} → ${produces}${once ? ' (once)' : ''}`
  })
  const table = ['The workflow by rank: what each builder needs, [takes if there], and makes', ...rows, ''].join('\n')
  const drawing = drawBuilders()
  const fits = drawing.split('\n').every((line) => line.length < columns)
  return fits ? `${drawing}\n\n${table}` : table
}

/** Builders alone, without the names on the arrows: the whole graph would be wider than most terminals. */
function drawBuilders() {
  const lines = cabRide.plan.toMermaid().split('\n')
  const builders = lines.filter((line) => !/^ +d\d/.test(line))
  const bare = builders.map((line) =>
    line
      .replace(/\|".*"\|/, '')
      .replace('-.->', '-->')
      .replace(/\[\["(\w+).*/, '["$1"]'),
  )
  return renderMermaidASCII(bare.join('\n'), { colorMode: 'none', paddingX: 3, paddingY: 3 }).trimEnd()
}

export function openScreen(rides: readonly Ride[], out: NodeJS.WriteStream): Screen {
  return out.isTTY ? liveScreen(rides, out) : plainScreen(out)
}

/** A line for each thing that happens, for logs and pipes. */
function plainScreen(out: NodeJS.WriteStream): Screen {
  const started = Date.now()
  const say = (line: string) => out.write(`${((Date.now() - started) / 1000).toFixed(2).padStart(6)} s  ${line}\n`)
  return {
    say,
    changed(ride, what) {
      const done = STEPS.map((step) => (ride.done.has(step) ? '#' : '.')).join('')
      if (!what.startsWith('sends')) say(`${ride.id}  ${done}  ${what}`)
    },
    close: () => undefined,
  }
}

const FRAME_MS = 80

/** All rides at a glance, drawn over again as they move. What is said goes above and stays. */
function liveScreen(rides: readonly Ride[], out: NodeJS.WriteStream): Screen {
  let height = 0
  const clear = () => (height > 0 ? `\x1b[${height}A\x1b[0J` : '')
  const draw = (above = '') => {
    const lines = frame(rides, out.columns || 80, (out.rows || 24) - 2)
    out.write(`${clear()}${above}${lines.join('\n')}\n`)
    height = lines.length
  }
  out.write('\x1b[?25l')
  const timer = setInterval(() => draw(), FRAME_MS)
  let open = true
  return {
    say: (line) => draw(`${colors.bold(line)}\n`),
    changed: () => undefined,
    close() {
      if (!open) return
      open = false
      clearInterval(timer)
      draw()
      out.write('\x1b[?25h')
    },
  }
}

function frame(rides: readonly Ride[], columns: number, rows: number) {
  const cells = rides.map((ride) => {
    const steps = STEPS.map((step) => {
      if (ride.done.has(step)) return colors.green('●')
      return ride.sending === step ? colors.yellow('◐') : colors.dim('○')
    })
    return `${ride.closed ? colors.green(ride.id) : ride.id} ${steps.join('')}   `
  })
  const width = (rides.at(-1)?.id.length ?? 0) + STEPS.length + 4
  const perRow = Math.max(1, Math.floor(columns / width))
  const shown = cells.slice(0, perRow * Math.max(1, rows - 2))
  const lines = Array.from({ length: Math.ceil(shown.length / perRow) }, (_, row) =>
    shown.slice(row * perRow, (row + 1) * perRow).join(''),
  )
  const closed = rides.filter((ride) => ride.closed).length
  const hidden = rides.length - shown.length
  const more = hidden > 0 ? `, ${hidden} of them not shown` : ''
  return [
    colors.dim(`steps: ${STEPS.join(' · ')}`.slice(0, columns - 1)),
    ...lines,
    `${closed} of ${rides.length} closed${more}`,
  ]
}
