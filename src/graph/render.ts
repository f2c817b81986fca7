import { ACCESS, CONSUMES } from './graph.ts'
import type { Graph } from './graph.ts'

interface Arrow {
  /** A builder's index, or the slot of an input nobody produces. */
  readonly from: { readonly node: number } | { readonly slot: number }
  readonly to: number
  readonly data: string
  readonly look: 'solid' | 'dashed' | 'dotted'
}

/** Builders are boxes, fed data rounded; arrows carry the data. Dashed: optional. Dotted: access, or a cut edge. */
export function toMermaid(graph: Graph): string {
  const lines = ['flowchart TD']
  for (const { name, index, producer } of graph.slots) {
    if (producer < 0) lines.push(`  d${index}([${mermaidText(name)}])`)
  }
  for (const { index, name, out } of graph.nodes) {
    const target = graph.slots[out]?.target === true
    const label = target ? `${name} → ${graph.slots[out]?.name ?? ''}` : name
    lines.push(target ? `  b${index}[[${mermaidText(label)}]]` : `  b${index}[${mermaidText(label)}]`)
  }
  for (const { from, to, data, look } of arrows(graph)) {
    const fed = 'slot' in from
    const line = { solid: '-->', dashed: '-.->', dotted: '-.->' }[look]
    const note = look === 'dotted' ? `(${data})` : data
    lines.push(`  ${fed ? `d${from.slot}` : `b${from.node}`} ${line}${fed ? '' : `|${mermaidText(note)}|`} b${to}`)
  }
  return `${lines.join('\n')}\n`
}

export function toDot(graph: Graph): string {
  const lines = [`digraph ${dotText(graph.name)} {`, '  rankdir=TB;', '  node [shape=box, fontname="sans-serif"];']
  for (const { name, index, producer } of graph.slots) {
    if (producer < 0) lines.push(`  d${index} [label=${dotText(name)}, shape=oval];`)
  }
  for (const { index, name, out } of graph.nodes) {
    const peripheries = graph.slots[out]?.target === true ? ', peripheries=2' : ''
    lines.push(`  b${index} [label=${dotText(name)}${peripheries}];`)
  }
  for (const { from, to, data, look } of arrows(graph)) {
    const tail = 'slot' in from ? `d${from.slot}` : `b${from.node}`
    lines.push(`  ${tail} -> b${to} [label=${dotText(data)}, style=${look}];`)
  }
  return `${lines.join('\n')}\n}\n`
}

function arrows(graph: Graph): Arrow[] {
  return graph.nodes.flatMap(({ index, inputs }) =>
    inputs.flatMap(({ slot, kind, lookback }): Arrow[] => {
      const read = graph.slots[slot]
      if (read === undefined) return []
      const from = read.producer < 0 ? { slot } : { node: read.producer }
      const look = kind === ACCESS || lookback ? 'dotted' : kind === CONSUMES ? 'solid' : 'dashed'
      return [{ from, to: index, data: read.name, look }]
    }),
  )
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
