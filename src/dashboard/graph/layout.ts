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

/** A line through points that leaves and arrives along the graph's direction. */
function smooth(points: Points, wide: boolean): string {
  const [first] = points
  if (first === undefined) return ''
  let path = `M${round(first.x)} ${round(first.y)}`
  for (let i = 1; i < points.length; i++) {
    const [from, to] = [points[i - 1], points[i]] as [Points[number], Points[number]]
    const [middleX, middleY] = [(from.x + to.x) / 2, (from.y + to.y) / 2]
    const controls = wide ? [middleX, from.y, middleX, to.y] : [from.x, middleY, to.x, middleY]
    path += `C${[...controls, to.x, to.y].map(round).join(' ')}`
  }
  return path
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
