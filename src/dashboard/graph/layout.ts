import { Graph as Dagre, layout } from '@dagrejs/dagre'
import type { EdgeLabel, GraphLabel, NodeLabel } from '@dagrejs/dagre'
import type { Edge, Graph, Node } from './model.ts'

export type Direction = 'LR' | 'TB'

/** Top left corner and size, in pixels at full scale. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface PlacedNode extends Node {
  readonly box: Box
}

export interface PlacedEdge extends Edge {
  /** `d` of the path. */
  readonly path: string
}

export interface Layout {
  readonly nodes: readonly PlacedNode[]
  readonly edges: readonly PlacedEdge[]
  readonly width: number
  readonly height: number
  readonly direction: Direction
}

const SIZES = { builder: [178, 54], timer: [178, 54], data: [150, 40] } as const
const MARGIN = 12
/** Above that, the best order is not worth the seconds that it takes to find. */
const MANY_EDGES = 1_500

function placeGraph({ nodes, edges }: Graph, direction: Direction): Layout {
  const dagre = new Dagre<GraphLabel, NodeLabel, EdgeLabel>({ multigraph: true })
  const wide = direction === 'LR'
  dagre.setGraph({
    ...{ rankdir: direction, marginx: MARGIN, marginy: MARGIN, nodesep: wide ? 20 : 24, edgesep: 14 },
    ranksep: wide ? 52 : 48,
    ranker: edges.length > MANY_EDGES ? 'longest-path' : 'network-simplex',
  })
  dagre.setDefaultEdgeLabel(() => ({}))
  for (const { id, kind } of nodes) {
    const [width, height] = SIZES[kind]
    dagre.setNode(id, { width, height })
  }
  for (const { id, from, to, kind } of edges) {
    dagre.setEdge(from, to, { weight: kind === 'consumes' ? 3 : 1, minlen: 1 }, id)
  }
  layout(dagre)
  const { width = 0, height = 0 } = dagre.graph()
  return {
    ...{ width, height, direction },
    nodes: nodes.map((node) => {
      const { x = 0, y = 0, width, height } = dagre.node(node.id)
      return { ...node, box: { x: x - width / 2, y: y - height / 2, width, height } }
    }),
    edges: edges.map((edge) => {
      const { points = [] } = dagre.edge({ v: edge.from, w: edge.to, name: edge.id })
      const [from, to] = [dagre.node(edge.from), dagre.node(edge.to)]
      return { ...edge, path: smooth(docked(points, from, to, wide), wide) }
    }),
  }
}

type Points = NonNullable<EdgeLabel['points']>

/** Room at the corners of a node, where no line begins or ends. */
const CORNER = 12

/** The same line from the far side of a node to the near side of the next, wherever the layout would have it end. */
function docked(points: Points, from: NodeLabel, to: NodeLabel, wide: boolean): Points {
  const inner = points.length <= 3 ? [] : points.slice(1, -1)
  const ahead = inner[0] ?? { x: to.x ?? 0, y: to.y ?? 0 }
  const behind = inner.at(-1) ?? { x: from.x ?? 0, y: from.y ?? 0 }
  return [dock(from, ahead, wide, 1), ...inner, dock(to, behind, wide, -1)]
}

function dock(
  { x = 0, y = 0, width, height }: NodeLabel,
  other: Points[number],
  wide: boolean,
  side: 1 | -1,
): Points[number] {
  if (wide) {
    const room = height / 2 - CORNER
    return { x: x + (side * width) / 2, y: y + Math.max(-room, Math.min(room, (other.y - y) / 4)) }
  }
  const room = width / 2 - 2 * CORNER
  return { x: x + Math.max(-room, Math.min(room, (other.x - x) / 4)), y: y + (side * height) / 2 }
}

/** How far a line goes straight before it bends. */
const STUB = 14

/** A smooth line along points that leaves and arrives in the graph's direction. */
function smooth(points: Points, wide: boolean): string {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) return ''
  const [sx, sy] = wide ? [STUB, 0] : [0, STUB]
  if (points.length === 2) {
    const [cx, cy] = wide ? [(last.x - first.x) / 2, 0] : [0, (last.y - first.y) / 2]
    return `M${pair(first)}C${[{ x: first.x + cx, y: first.y + cy }, { x: last.x - cx, y: last.y - cy }, last].map(pair).join(' ')}`
  }
  const inner = points.slice(1, -1)
  const line = [first, { x: first.x + sx, y: first.y + sy }, ...inner, { x: last.x - sx, y: last.y - sy }, last]
  return `M${pair(first)}${spline(line)}L${pair(last)}`
}

/** A cubic B-spline, from its first point to its last: it keeps near the points, and has no corners. */
function spline(points: Points): string {
  // The ends count three times, so that it begins and ends there.
  const ends = <T>(list: readonly T[]): T[] => [list[0] as T, list[0] as T, ...list, list.at(-1) as T, list.at(-1) as T]
  const all = ends(points)
  let path = ''
  for (let i = 0; i + 3 < all.length; i++) {
    const [a, b, c, d] = all.slice(i, i + 4) as [Points[number], Points[number], Points[number], Points[number]]
    const mix = (p: Points[number], q: Points[number], share: number): Points[number] => ({
      x: p.x + (q.x - p.x) * share,
      y: p.y + (q.y - p.y) * share,
    })
    const end = { x: (b.x + 4 * c.x + d.x) / 6, y: (b.y + 4 * c.y + d.y) / 6 }
    if (a !== b || b !== c) path += `C${pair(mix(b, c, 1 / 3))} ${pair(mix(b, c, 2 / 3))} ${pair(end)}`
  }
  return path
}

function pair({ x, y }: Points[number]): string {
  return `${round(x)} ${round(y)}`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

const kept = new Map<string, Layout>()

/** @param key what the graph is known by; the same key gives the same layout, so that live pages never jump */
export function layoutOf(key: string, graph: Graph, direction: Direction): Layout {
  const name = `${direction}\0${key}`
  let found = kept.get(name)
  if (found === undefined) {
    found = placeGraph(graph, direction)
    kept.set(name, found)
    if (kept.size > 12) for (const oldest of kept.keys()) if (kept.delete(oldest)) break
  }
  return found
}
