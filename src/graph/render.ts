import { durationText } from './duration.ts'
import { edgesOf } from './edges.ts'
import type { Graph, Node } from './graph.ts'
import type { TimerRule } from './timer.ts'

interface Arrow {
  /** A builder's index, or the slot of an input nobody produces. */
  readonly from: { readonly node: number } | { readonly slot: number }
  readonly to: number
  readonly data: string
  readonly look: 'solid' | 'bold' | 'dashed' | 'dotted'
  /** Leads from what ends a timer. */
  readonly unless?: boolean
}

/**
 * Builders are boxes, timers hexagons, fed data rounded; arrows carry the data. Thick: the outcome, be it a failure. Dashed: optional. Dotted: access, a cut edge,
 * or what ends a timer.
 */
export function toMermaid(graph: Graph): string {
  const lines = ['flowchart TD']
  for (const { name, index, producer } of graph.slots) {
    if (producer < 0) lines.push(`  d${index}([${mermaidText(name)}])`)
  }
  for (const node of graph.nodes) {
    const { index, out, timer } = node
    const target = graph.slots[out]?.target === true
    const label = mermaidText(target ? `${labelOf(node)} → ${graph.slots[out]?.name ?? ''}` : labelOf(node))
    const [open, close] = timer !== undefined ? ['{{', '}}'] : target ? ['[[', ']]'] : ['[', ']']
    lines.push(`  b${index}${open}${label}${close}`)
  }
  for (const { from, to, data, look, unless } of arrows(graph)) {
    const fed = 'slot' in from
    const line = { solid: '-->', bold: '==>', dashed: '-.->', dotted: '-.->' }[look]
    const settled = look === 'bold' ? `${data} or its failure` : data
    const note = unless === true ? `unless ${data}` : look === 'dotted' ? `(${data})` : settled
    const text = fed && unless !== true ? '' : `|${mermaidText(note)}|`
    lines.push(`  ${fed ? `d${from.slot}` : `b${from.node}`} ${line}${text} b${to}`)
  }
  return `${lines.join('\n')}\n`
}

export function toDot(graph: Graph): string {
  const lines = [`digraph ${dotText(graph.name)} {`, '  rankdir=TB;', '  node [shape=box, fontname="sans-serif"];']
  for (const { name, index, producer } of graph.slots) {
    if (producer < 0) lines.push(`  d${index} [label=${dotText(name)}, shape=oval];`)
  }
  for (const node of graph.nodes) {
    const { index, out, timer } = node
    const shape = timer === undefined ? '' : ', shape=hexagon'
    const peripheries = graph.slots[out]?.target === true ? ', peripheries=2' : ''
    lines.push(`  b${index} [label=${dotText(labelOf(node))}${shape}${peripheries}];`)
  }
  for (const { from, to, data, look, unless } of arrows(graph)) {
    const tail = 'slot' in from ? `d${from.slot}` : `b${from.node}`
    const label = dotText(unless === true ? `unless ${data}` : look === 'bold' ? `${data} or its failure` : data)
    lines.push(`  ${tail} -> b${to} [label=${label}, style=${look}];`)
  }
  return `${lines.join('\n')}\n}\n`
}

/** When a timer goes off, in words. */
export function timerText({ after, delay, at, every, times, until }: TimerRule): string {
  const first =
    at !== undefined
      ? `at a moment that ${after.name} names`
      : typeof delay === 'number'
        ? `${durationText(delay)} after ${after.name}`
        : `as long after ${after.name} as it says`
  if (every === undefined) return first
  const most = times === Infinity ? '' : `, at most ${times} times`
  const last = until === undefined ? '' : typeof until === 'number' ? `, for ${durationText(until)}` : ', until it says'
  return `${first}, then every ${durationText(every)}${most}${last}`
}

function labelOf({ name, timer }: Node): string {
  return timer === undefined ? name : `${name}: ${timerText(timer.rule)}`
}

const LOOKS = {
  consumes: 'solid',
  settled: 'bold',
  optional: 'dashed',
  access: 'dotted',
  sets: 'solid',
  ends: 'dotted',
} as const

function arrows(graph: Graph): Arrow[] {
  return edgesOf(graph).map(({ slot, from, to, kind, cut }) => ({
    from: from < 0 ? { slot } : { node: from },
    to,
    data: graph.slots[slot]?.name ?? '',
    look: cut ? 'dotted' : LOOKS[kind],
    ...(kind === 'ends' && { unless: true }),
  }))
}

/**
 * Mermaid takes entity codes within quotes. What could end the text or mean markup becomes one; nothing else does, since
 * some renderers show the code instead.
 */
function mermaidText(text: string): string {
  return `"${text.replace(/[&<>"#;|[\]{}`*]/g, (char) => `#${char.charCodeAt(0)};`)}"`
}

function dotText(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}
