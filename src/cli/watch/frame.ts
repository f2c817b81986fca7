/** A picture of an instance for a terminal of some size. Pure. */
import type { PlanJson } from '../../index.ts'
import type { Entry, Explanation, Summary } from '../api/views.ts'
import { drawGraph } from '../draw/graph.ts'
import { rowsOf } from '../draw/lanes.ts'
import { durationOf, standingOf, STATUS_STYLE } from '../draw/states.ts'
import { entryText } from '../show/entries.ts'
import { counted, line, padded, span, widthOf } from '../term/text.ts'
import type { Line } from '../term/text.ts'
import { clockText, distanceText } from '../term/time.ts'

export interface Scene {
  readonly plan: PlanJson
  readonly explanation: Explanation
  readonly summary: Summary
  readonly newest: readonly Entry[]
  readonly tail: readonly Entry[]
  /** Where it looks, in words. */
  readonly where: string
  /** Something that people should know: the service is away. */
  readonly notice?: string
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** Of such a status it matters what is missing. */
const WANTING: ReadonlySet<string> = new Set(['waiting', 'failed', 'retrying'])
const SPINNER = ['◐', '◓', '◑', '◒']
const LONGEST_TIMELINE = 10
const SHORTEST_TIMELINE = 3
const FRAME_MS = 120

export function frameOf(scene: Scene, { columns, rows }: Size, now: number): Line[] {
  const { plan, explanation, summary, newest, tail, where, notice } = scene
  const spinner = SPINNER[Math.floor(now / FRAME_MS) % SPINNER.length] ?? '◐'
  const standing = standingOf({ plan, explanation, entries: newest, now, spinner })
  const head = headLines(explanation, summary, now)
  // Blank lines around the graph, the title of the timeline, the last line, and the one below it where the cursor stands.
  const room = Math.max(SHORTEST_TIMELINE + 1, rows - head.length - 5)
  const graph = drawGraph(plan, { width: columns, ...standing })
  const kept = Math.max(1, Math.min(graph.length, room - SHORTEST_TIMELINE))
  const windowed = kept < graph.length ? windowOf(plan, graph, kept, standing.stateOf) : graph
  const lasting = timelineLines(tail, Math.min(LONGEST_TIMELINE, room - windowed.length), columns)
  return [
    ...head,
    line(''),
    ...windowed,
    line(''),
    line(span('timeline', 'dim')),
    ...lasting,
    notice === undefined ? line(span(where, 'dim')) : line(span(notice, 'yellow')),
  ]
}

function headLines(
  { status, waitingFor, compensation, timers = [] }: Explanation,
  summary: Summary,
  now: number,
): Line[] {
  const { id, workflow, version, scopes, updatedAt } = summary
  const facts = `${workflow} ${version} · ${counted(scopes, 'scope')} · ${distanceText(updatedAt, now)}`
  const next = timers.filter(({ state, at }) => state === 'set' && at !== undefined)
  const words =
    compensation !== undefined
      ? compensation.done
        ? 'what it did is undone'
        : `what it did is being undone, ${compensation.left} left`
      : WANTING.has(status) && waitingFor.length > 0
        ? `${status === 'waiting' ? 'for' : 'lacks'} ${waitingFor.join(', ')}`
        : ''
  return [
    line(span(id, 'bold'), span(`  ${facts}`, 'dim')),
    line(span(status, STATUS_STYLE[status]), ` ${words}`),
    ...next
      .slice(0, 1)
      .map(({ name, at = '' }) => line(span(`timer ${name} goes off ${distanceText(at, now)}`, 'yellow'))),
  ]
}

/** Where the graph is too high: the part of it where something happens, and how much is left out. */
function windowOf(
  plan: PlanJson,
  graph: readonly Line[],
  kept: number,
  stateOf: ReturnType<typeof standingOf>['stateOf'],
): Line[] {
  const signs = rowsOf(plan).map((row) => stateOf(row))
  const lively = signs.findIndex(({ style }) => style === 'cyan' || style === 'red')
  const pending = signs.findIndex(({ style }) => style !== 'green' && style !== 'dim')
  const focus = lively >= 0 ? lively : pending >= 0 ? pending : graph.length - 1
  const size = Math.max(1, kept - 2)
  const from = Math.min(Math.max(0, focus - Math.floor(size / 3)), graph.length - size)
  const below = graph.length - from - size
  const done = signs.slice(0, from).filter(({ sign }) => sign === '✔').length
  return [
    line(span(from === 0 ? '' : `  ⋮ ${from} rows above, ${done} builders done`, 'dim')),
    ...graph.slice(from, from + size),
    line(span(below === 0 ? '' : `  ⋮ ${below} rows below`, 'dim')),
  ]
}

const BAR = 16
const LONGEST_WHAT = 36

/** What happened last, with when each builder ran within its scope. */
function timelineLines(tail: readonly Entry[], count: number, columns: number): Line[] {
  const shown = tail.filter(({ outcome }) => outcome !== 'call' && outcome !== 'started').slice(-count)
  const scopes = new Map<number, readonly [from: number, to: number]>()
  for (const { scope, startedAt, endedAt } of tail) {
    const [from, to] = scopes.get(scope) ?? [Infinity, -Infinity]
    scopes.set(scope, [Math.min(from, Date.parse(startedAt)), Math.max(to, Date.parse(endedAt))])
  }
  const what = shown.map((entry) => entryText(entry))
  const width = Math.min(LONGEST_WHAT, Math.max(0, ...what.map(({ text }) => widthOf(text))))
  const bars = columns >= width + BAR + 26
  return shown.map((entry, i) => {
    const { text, style } = what[i] ?? { text: '' }
    const took = entry.builder === undefined ? '' : durationOf(entry)
    const bar = bars && entry.builder !== undefined ? barOf(entry, scopes.get(entry.scope)) : ' '.repeat(BAR)
    return line(
      span(`${clockText(entry.endedAt)}  `, 'dim'),
      ...(bars && widthOf(text) <= width ? [span(`${bar}  `, style)] : []),
      span(padded(text, width), style),
      span(`  ${took}`, 'dim'),
    )
  })
}

function barOf({ startedAt, endedAt }: Entry, scope: readonly [number, number] | undefined): string {
  const [from, to] = scope ?? [0, 0]
  const scale = BAR / Math.max(1, to - from)
  const begin = Math.min(BAR - 1, Math.floor((Date.parse(startedAt) - from) * scale))
  const length = Math.max(1, Math.min(BAR - begin, Math.round((Date.parse(endedAt) - Date.parse(startedAt)) * scale)))
  return '·'.repeat(begin) + '━'.repeat(length) + '·'.repeat(BAR - begin - length)
}
