import { memo } from 'preact/compat'
import { useCallback, useMemo, useRef } from 'preact/hooks'
import { Icon } from '../ui/icons.tsx'
import { STATE_LOOKS } from '../ui/status.tsx'
import type { Look, Tone } from '../ui/status.tsx'
import { Hidden, visible } from '../ui/text.tsx'
import { neighbour } from './arrows.ts'
import { layoutOf } from './layout.ts'
import type { Box, Layout, PlacedEdge, PlacedNode } from './layout.ts'
import { closure } from './model.ts'
import type { Graph } from './model.ts'
import { useViewport, useWidth } from './viewport.ts'
import type { Viewport } from './viewport.ts'

/** How a node looks at present. */
export interface Face {
  readonly look: Look
  /** A few words beside the state, such as how long it took. */
  readonly note?: string
  /** 0 to 1, in a heat map. */
  readonly heat?: number
  /** What stands there, in a heat map. */
  readonly count?: number
}

interface GraphViewProps {
  /** What the graph is known by: while it is the same, nothing moves. */
  readonly graphKey: string
  readonly graph: Graph
  readonly faces: ReadonlyMap<string, Face>
  readonly selected: string | undefined
  readonly onSelect: (id: string | undefined) => void
  /** For screen readers. */
  readonly label: string
}

/** Narrower than that, a graph is drawn from top to bottom. */
const NARROW = 640

export function GraphView(props: GraphViewProps) {
  const frame = useRef<HTMLDivElement>(null)
  const width = useWidth(frame)
  return (
    <div class="graph" ref={frame}>
      {width > 0 && <Drawn {...props} frame={frame} direction={width < NARROW ? 'TB' : 'LR'} />}
    </div>
  )
}

interface DrawnProps extends GraphViewProps {
  readonly frame: { readonly current: HTMLDivElement | null }
  readonly direction: Layout['direction']
}

function Drawn({ graphKey, graph, faces, selected, onSelect, label, frame, direction }: DrawnProps) {
  const stage = useRef<HTMLDivElement>(null)
  const layout = useMemo(() => layoutOf(graphKey, graph, direction), [graphKey, direction])
  const focus = useMemo(() => focusOf(layout, faces, selected), [layout])
  const viewport = useViewport(frame, stage, layout, focus)
  const related = useMemo(() => {
    if (selected === undefined || !layout.nodes.some(({ id }) => id === selected)) return undefined
    return {
      from: closure(layout.edges, [selected], 'from'),
      into: closure(layout.edges, [selected], 'into'),
    }
  }, [layout, selected])
  const select = useCallback((id: string) => onSelect(id), [onSelect])
  // One of all nodes is in the order of tabs; arrows lead to the others.
  const entry = selected !== undefined && related ? selected : layout.nodes[0]?.id
  return (
    <>
      <div
        class="graph-surface"
        role="group"
        tabIndex={-1}
        aria-label={label}
        onKeyDown={(event) => onKey(event, layout, viewport, onSelect)}
        onClick={(event) => event.target === event.currentTarget && onSelect(undefined)}
      >
        <div class={related ? 'graph-stage has-selection' : 'graph-stage'} ref={stage}>
          <svg class="graph-edges" width={layout.width} height={layout.height} aria-hidden="true">
            <Arrowheads />
            {layout.edges.map((edge) => (
              <EdgeLine key={edge.id} edge={edge} tone={toneOf(edge, faces)} lit={litness(edge, selected, related)} />
            ))}
          </svg>
          {layout.nodes.map((node) => (
            <NodeCard
              key={node.id}
              node={node}
              face={faces.get(node.id)}
              lit={node.id === selected ? 'self' : side(node.id, related)}
              entry={node.id === entry}
              onSelect={select}
            />
          ))}
        </div>
      </div>
      {related && <Legend />}
      <Controls viewport={viewport} />
    </>
  )
}

/** Where one who sees a part only wants to look first. */
function focusOf(layout: Layout, faces: ReadonlyMap<string, Face>, selected: string | undefined): Box | undefined {
  const toned = (tone: Tone): PlacedNode | undefined => layout.nodes.find(({ id }) => faces.get(id)?.look.tone === tone)
  const chosen = layout.nodes.find(({ id }) => id === selected)
  return (chosen ?? toned('bad') ?? toned('warn') ?? toned('run') ?? toned('wait') ?? layout.nodes[0])?.box
}

interface Related {
  readonly from: ReadonlySet<string>
  readonly into: ReadonlySet<string>
}
type Side = 'self' | 'from' | 'into' | ''

function side(id: string, related: Related | undefined): Side {
  return related?.from.has(id) ? 'from' : related?.into.has(id) ? 'into' : ''
}

function litness({ from, to, kind }: PlacedEdge, selected: string | undefined, related: Related | undefined): Side {
  if (related === undefined || kind === 'access') return ''
  if ((to === selected || related.from.has(to)) && related.from.has(from)) return 'from'
  return (from === selected || related.into.has(from)) && related.into.has(to) ? 'into' : ''
}

/** An edge along which something has come, or is coming. */
function toneOf({ from, to }: PlacedEdge, faces: ReadonlyMap<string, Face>): string {
  const origin = faces.get(from)?.look.tone
  if (origin !== 'good') return 'calm'
  return faces.get(to)?.look.tone === 'run' ? 'moving' : 'full'
}

function Arrowheads() {
  return (
    <defs>
      {['calm', 'full', 'moving', 'from', 'into'].map((name) => (
        <marker
          key={name}
          id={`head-${name}`}
          class={`head-${name}`}
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto-start-reverse"
        >
          <path d="M0.5 0.8L7.5 4L0.5 7.2z" />
        </marker>
      ))}
    </defs>
  )
}

interface EdgeLineProps {
  readonly edge: PlacedEdge
  readonly tone: string
  readonly lit: Side
}

const EdgeLine = memo(function EdgeLine({ edge: { path, kind }, tone, lit }: EdgeLineProps) {
  const head = lit === '' ? tone : lit
  return (
    <path class={`edge edge-${kind} edge-${tone} ${lit && `lit-${lit}`}`} d={path} marker-end={`url(#head-${head})`} />
  )
})

interface NodeCardProps {
  readonly node: PlacedNode
  readonly face: Face | undefined
  readonly lit: Side
  readonly entry: boolean
  readonly onSelect: (id: string) => void
}

const NodeCard = memo(
  function NodeCard({ node, face, lit, entry, onSelect }: NodeCardProps) {
    const { id, kind, name, about, target, box } = node
    const look = face?.look
    const word = face === undefined ? '' : wordOf(face)
    return (
      <button
        type="button"
        id={`node-${id}`}
        class={`node node-${kind} tone-${look?.tone ?? 'idle'} ${lit && `lit-${lit}`} ${heatClass(face)}`}
        style={{ left: box.x, top: box.y, width: box.width, height: box.height }}
        aria-pressed={lit === 'self'}
        tabIndex={entry ? 0 : -1}
        data-node={id}
        onClick={() => onSelect(id)}
      >
        <span class="node-icon">
          <Icon name={look?.icon ?? 'dot'} />
        </span>
        <span class="node-text">
          <bdi class="node-name">{visible(name)}</bdi>
          <Hidden>{KINDS[kind]}</Hidden>
          {kind !== 'data' && (
            <span class="node-about">
              <bdi class="node-product">{visible(about)}</bdi>
              <Hidden>{look?.label !== word && look?.label}</Hidden>
              <span class="node-note">{word}</span>
            </span>
          )}
          {kind === 'data' &&
            (look?.tone === 'wait' && face?.count === undefined ? (
              <span class="node-about node-note">{look.label}</span>
            ) : (
              <Hidden>{look?.label}</Hidden>
            ))}
        </span>
        {target && (
          <span class="node-target">
            <Icon name="star" />
            <Hidden>target</Hidden>
          </span>
        )}
        {face?.count !== undefined && face.count > 0 && <span class="node-count">{face.count}</span>}
      </button>
    )
  },
  (before, after) =>
    before.node === after.node &&
    before.lit === after.lit &&
    before.entry === after.entry &&
    before.onSelect === after.onSelect &&
    sameFace(before.face, after.face),
)

/** What stands between a node's name and the rest, where it is read out. */
const KINDS = { builder: 'builder of', timer: 'timer:', data: 'data, fed from outside' } as const

/** The state in a word, unless it is the one that goes without saying. */
function wordOf({ look, note, count }: Face): string {
  // A figure says it.
  if (count !== undefined) return ''
  if (look === STATE_LOOKS.done) return note ?? ''
  if (look.tone === 'idle') return ''
  return note?.startsWith('try') ? note : look.label
}

function sameFace(a: Face | undefined, b: Face | undefined): boolean {
  return a?.look === b?.look && a?.note === b?.note && a?.heat === b?.heat && a?.count === b?.count
}

/** Styles know five steps of heat. */
function heatClass(face: Face | undefined): string {
  if (face?.heat === undefined || face.heat <= 0) return ''
  return `heat-${Math.max(1, Math.ceil(face.heat * 5))}`
}

const PAN_PX = 60
const ZOOM = 1.25

function onKey(
  event: KeyboardEvent,
  layout: Layout,
  viewport: Viewport,
  onSelect: (id: string | undefined) => void,
): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return
  const { key } = event
  if (key === '+' || key === '=') viewport.zoom(ZOOM)
  else if (key === '-') viewport.zoom(1 / ZOOM)
  else if (key === '0') viewport.fit()
  else if (key === 'Escape') onSelect(undefined)
  else if (!key.startsWith('Arrow')) return
  else if (event.shiftKey) {
    viewport.pan(
      key === 'ArrowLeft' ? PAN_PX : key === 'ArrowRight' ? -PAN_PX : 0,
      key === 'ArrowUp' ? PAN_PX : key === 'ArrowDown' ? -PAN_PX : 0,
    )
  } else {
    const at = (event.target as HTMLElement).dataset['node']
    const next = neighbour(layout, at, key)
    if (next === undefined) return
    document.getElementById(`node-${next.id}`)?.focus({ preventScroll: true })
    viewport.show(next.box)
  }
  event.preventDefault()
}

function Legend() {
  return (
    <p class="graph-legend">
      <span class="legend-from">leads to it</span>
      <span class="legend-into">follows from it</span>
    </p>
  )
}

function Controls({ viewport }: { readonly viewport: Viewport }) {
  return (
    <div class="graph-controls" role="toolbar" aria-label="Graph view">
      <button
        type="button"
        class="button quiet square"
        aria-label="Zoom in"
        title="Zoom in (+)"
        onClick={() => viewport.zoom(ZOOM)}
      >
        <Icon name="plus" />
      </button>
      <button
        type="button"
        class="button quiet square"
        aria-label="Zoom out"
        title="Zoom out (−)"
        onClick={() => viewport.zoom(1 / ZOOM)}
      >
        <Icon name="minus" />
      </button>
      <button
        type="button"
        class="button quiet square"
        aria-label="Fit the whole graph"
        title="Fit (0)"
        onClick={viewport.fit}
      >
        <Icon name="fit" />
      </button>
    </div>
  )
}
