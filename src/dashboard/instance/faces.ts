/** How the nodes of the graph look, as the instance stands. Pure. */
import type { Entry, Explained, ExplainedBuilder } from '../api/wire.ts'
import { builderId, closure, dataId } from '../graph/model.ts'
import type { Graph } from '../graph/model.ts'
import type { Face } from '../graph/view.tsx'
import { STATE_LOOKS } from '../ui/status.tsx'
import type { NodeState } from '../ui/status.tsx'
import { took } from '../ui/time.tsx'
import type { Seen } from './use-instance.ts'

export function facesOf({ instance, explained, entries }: Seen, graph: Graph): Map<string, Face> {
  const faces = new Map<string, Face>()
  const running = runningOf(explained, graph)
  const last = lastRuns(entries)
  for (const builder of explained.builders) {
    const id = builderId(builder.name)
    const state = running.has(id) ? 'running' : builder.state
    const note = noteOf(builder, state, last.get(builder.name))
    faces.set(id, { look: STATE_LOOKS[state], ...(note !== undefined && { note }) })
  }
  for (const { name, state } of explained.timers ?? []) faces.set(builderId(name), { look: STATE_LOOKS[state] })
  for (const { id, kind, data } of graph.nodes) {
    if (kind === 'data') faces.set(id, { look: STATE_LOOKS[dataState(data, instance)] })
  }
  return faces
}

function dataState(name: string, { data, waitingFor }: Seen['instance']): NodeState {
  if (waitingFor.includes(name)) return 'awaited'
  return Object.hasOwn(data, name) ? 'present' : 'missing'
}

/** The service says what is due, not what is at work: while a scope runs, that is what is due and waits for nobody. */
function runningOf({ open, builders, status }: Explained, graph: Graph): ReadonlySet<string> {
  if (open === undefined || status !== 'running') return new Set()
  const due = builders.filter(({ state }) => state === 'due').map(({ name }) => builderId(name))
  if (open.mode === 'sequential') return new Set(due.slice(0, 1))
  const behind = closure(graph.edges, due, 'into')
  return new Set(due.filter((id) => !behind.has(id)))
}

function lastRuns(entries: readonly Entry[]): Map<string, Entry> {
  const last = new Map<string, Entry>()
  for (const entry of entries) if (entry.builder !== undefined && isRun(entry)) last.set(entry.builder, entry)
  return last
}

const RUNS: ReadonlySet<Entry['outcome']> = new Set(['produced', 'supplied', 'nothing', 'waitFor', 'failed'] as const)

/** Whether a builder ran, rather than that something was done to it. */
export function isRun({ outcome, builder }: Entry): boolean {
  return builder !== undefined && RUNS.has(outcome)
}

export function msOf({ startedAt, endedAt }: Entry): number {
  return Math.max(0, Date.parse(endedAt) - Date.parse(startedAt))
}

function noteOf(builder: ExplainedBuilder, state: NodeState, last: Entry | undefined): string | undefined {
  if (builder.outdated) return 'outdated'
  if (builder.attempt !== undefined && builder.attempt > 1) return `try ${builder.attempt}`
  if (last === undefined || !['done', 'failed', 'nothing', 'waitFor', 'settled'].includes(state)) return undefined
  return took(msOf(last))
}

/** The node that a datum is shown at: its builder, or the data where it is fed. */
export function nodeOfData(graph: Graph, name: string): string | undefined {
  const node = graph.nodes.find((each) => each.data === name && each.kind !== 'data')
  return (node ?? graph.nodes.find(({ id }) => id === dataId(name)))?.id
}
