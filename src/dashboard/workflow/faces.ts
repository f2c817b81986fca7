/** How the graph of a version looks: as it is, with where instances stand, or with what another version has otherwise. Pure. */
import type { BuilderStanding, Standing, VersionDifferences } from '../api/wire.ts'
import { builderId, dataId, nameOf } from '../graph/model.ts'
import type { Graph, Node } from '../graph/model.ts'
import type { Face } from '../graph/view.tsx'
import type { Look } from '../ui/status.tsx'
import { plural } from '../ui/text.tsx'

const PLAIN: Readonly<Record<Node['kind'], Look>> = {
  builder: { tone: 'off', icon: 'arrow', label: 'Builder' },
  timer: { tone: 'off', icon: 'clock', label: 'Timer' },
  data: { tone: 'off', icon: 'right', label: 'Data' },
}
const NOBODY: Look = { tone: 'idle', icon: 'dot', label: 'No instance' }
const NEW: Look = { tone: 'good', icon: 'plus', label: 'New' }
const GONE: Look = { tone: 'bad', icon: 'minus', label: 'Removed' }
const OTHER: Look = { tone: 'warn', icon: 'retry', label: 'Changed' }
const SAME: Look = { tone: 'idle', icon: 'dot', label: 'The same' }

export function plainFaces({ nodes }: Graph): Map<string, Face> {
  // Kinds are spoken as such already.
  return new Map(nodes.map(({ id, kind }) => [id, { look: { ...PLAIN[kind], label: '' } }]))
}

/** Of how many instances a builder is the reason that they do not go on. */
export function standingAt({ states }: BuilderStanding): number {
  return states.failed + states.retrying + states.due + states.waitFor
}

export function heatFaces({ nodes }: Graph, { builders, waitingFor }: Standing): Map<string, Face> {
  const at = new Map<string, Look & { readonly count: number }>()
  for (const builder of builders) {
    const count = standingAt(builder)
    const { failed, retrying } = builder.states
    const tone = failed > 0 ? 'bad' : retrying > 0 ? 'warn' : 'wait'
    const icon = failed > 0 ? 'alert' : retrying > 0 ? 'retry' : 'pause'
    if (count > 0) at.set(builderId(builder.name), { count, tone, icon, label: `${plural(count, 'instance')} here` })
  }
  for (const { data, count } of waitingFor) {
    const id = dataId(data)
    const waits = count === 1 ? 'waits' : 'wait'
    at.set(id, { count, tone: 'wait', icon: 'pause', label: `${plural(count, 'instance')} ${waits} for it` })
  }
  const most = Math.max(1, ...[...at.values()].map(({ count }) => count))
  return new Map(
    nodes.map(({ id }): [string, Face] => {
      const { count, ...look } = at.get(id) ?? { ...NOBODY, count: 0 }
      return [id, { look, count, heat: count / most }]
    }),
  )
}

/** Nodes and edges of both versions at once; where both have one, that of the newer. */
export function union(newer: Graph, older: Graph): Graph {
  const merge = <T extends { readonly id: string }>(ours: readonly T[], theirs: readonly T[]): T[] => {
    const known = new Set(ours.map(({ id }) => id))
    return [...ours, ...theirs.filter(({ id }) => !known.has(id))]
  }
  return { nodes: merge(newer.nodes, older.nodes), edges: merge(newer.edges, older.edges) }
}

/** @param graph of both versions */
export function differenceFaces({ nodes }: Graph, { builders, data }: VersionDifferences): Map<string, Face> {
  const changed = new Set(builders.changed.map(({ name }) => name))
  const lookOf = ({ id, kind }: Node): Look => {
    const name = nameOf(id)
    const [added, removed] = kind === 'data' ? [data.added, data.removed] : [builders.added, builders.removed]
    if (added.includes(name)) return NEW
    if (removed.includes(name)) return GONE
    return (kind === 'data' ? data.changed.includes(name) : changed.has(name)) ? OTHER : SAME
  }
  return new Map(nodes.map((node) => [node.id, { look: lookOf(node) }]))
}
