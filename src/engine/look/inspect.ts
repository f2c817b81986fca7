import { ACCESS, isConsumed, SETTLED } from '../../graph/graph.ts'
import type { Graph, Node, Slot } from '../../graph/graph.ts'
import { decode } from '../../stores/codec.ts'
import type { Header, Row, Snapshot } from '../../stores/contract.ts'
import { copyBytes, freezeDeep } from '../values/freeze.ts'
import { FAILED } from '../state/program.ts'
import { slotFor, valueFor } from '../values/kin.ts'
import { standingFailure } from '../scope/settling.ts'
import { standingRows } from '../state/standing.ts'
import { subjectRows } from '../state/about.ts'
import { loadState } from '../state/loading.ts'
import type { State } from '../state/state.ts'
import { explainTimer, pendingTimers } from './inspect-timers.ts'
import { deadline } from '../scope/timers.ts'
import { completedTarget, isLacking, isStale, staleness, waitingFor } from '../scope/verdict.ts'
import type {
  InstanceSummary,
  InstanceView,
  PendingRetry,
  HistoryEntry,
  Lack,
  BuilderExplanation,
  TargetExplanation,
  Explanation,
  Compensation,
} from './views.ts'

function compensationOf({ undoing }: State): { readonly compensation?: Compensation } {
  if (undoing === undefined) return {}
  const { builder, note, outcome } = undoing
  const { attempt, error, retryAt, left = 0 } = note ?? {}
  return {
    compensation: {
      done: outcome === 'compensated',
      left,
      ...(builder !== null && { builder }),
      ...(attempt !== undefined && attempt > 0 && { attempt }),
      ...(error !== undefined && { error }),
      ...(retryAt !== undefined && { retryAt }),
    },
  }
}

export function summarise(header: Header): InstanceSummary {
  const { id, workflow, version, status, scope, revision, createdAt, updatedAt } = header
  return { id, workflow, version, status, scopes: scope, revision, createdAt, updatedAt }
}

export function viewInstance(graph: Graph, { header, rows }: Snapshot, live: boolean): InstanceView {
  const state = stateOf(graph, header, rows, live)
  const target = header.status === 'completed' ? completedTarget(state, header.scope, []) : undefined
  const data = Object.create(null) as Record<string, unknown>
  const seqs = Object.create(null) as Record<string, number>
  for (const { index, name } of graph.slots) {
    const value = state.value(index)
    // What was decoded for this view is nobody else's.
    if (value === undefined) continue
    data[name] = live && state.hasBytes(index) ? copyBytes(value) : value
    seqs[name] = state.rows.get(index)?.seq ?? 0
  }
  const failed = header.status === 'failed' ? newestFailure(rows) : undefined
  return {
    ...summarise(header),
    waitingFor: header.status === 'completed' ? [] : waitingFor(state, graph.targets),
    timers: pendingTimers(state),
    ...deadlineOf(state, header),
    ...(target !== undefined && { targetName: slotAt(graph, target).name }),
    data: Object.freeze(data),
    seqs: Object.freeze(seqs),
    ...compensationOf(state),
    latest: (of) => {
      const slot = slotFor(graph, of)
      return (slot && valueFor(graph, slot, of, data[slot.name])) as never
    },
    ...(failed?.note?.error !== undefined && {
      failure: {
        builder: failed.builder ?? '',
        at: failed.endedAt,
        ...(failed.note.attempt !== undefined && { attempt: failed.note.attempt }),
        ...failed.note.error,
      },
    }),
    retries: header.status === 'retrying' ? retriesOf(state) : [],
  }
}

function retriesOf(state: State): PendingRetry[] {
  const rows = Array.from(state.tries?.keys() ?? [], (node) => state.pendingTry(node))
  return rows
    .flatMap((row): PendingRetry[] => {
      const { error, attempt, retryAt } = row?.note ?? {}
      if (error === undefined || attempt === undefined || retryAt === undefined) return []
      return [{ builder: row?.builder ?? '', attempt, retryAt, error }]
    })
    .sort((a, b) => a.retryAt - b.retryAt)
}

export function explainInstance(graph: Graph, { header, rows }: Snapshot, live: boolean): Explanation {
  const state = stateOf(graph, header, rows, live)
  const failures = new Map(
    standingRows(rows)
      .filter(({ place }) => place.startsWith(FAILED))
      .map((row) => [row.builder, row]),
  )
  const settledSource = state.settled > 0 && state.unsettled.length === 0
  const retries = header.status === 'retrying' || header.pass > 0
  return {
    id: header.id,
    workflow: header.workflow,
    version: header.version,
    status: header.status,
    ...(header.pass > 0 && { open: { scope: header.scope, pass: header.pass, mode: header.mode } }),
    waitingFor: header.status === 'completed' ? [] : waitingFor(state, graph.targets),
    ...compensationOf(state),
    targets: graph.targets.map((slot) => explainTarget(state, slot)),
    builders: graph.nodes
      .filter(({ timer }) => timer === undefined)
      .map((node) => explainBuilder(state, node, failures.get(node.name), settledSource, retries)),
    timers: graph.timers.map((index) => explainTimer(state, graph.nodes[index] as Node)),
    ...deadlineOf(state, header),
  }
}

export function historyEntry(row: Row, dataOf: (seq: number) => string | undefined, live: boolean): HistoryEntry {
  const { because, awaits, error, meta, from, attempt, retryAt, fallback, sameAs, about, move } = row.note ?? {}
  return {
    seq: row.seq,
    scope: row.scope,
    pass: row.pass,
    outcome: row.outcome,
    ...(row.builder !== null && { builder: row.builder }),
    ...(row.data !== null && { data: row.data }),
    ...(row.value !== undefined && { value: live ? readable(row.value) : decode(row.value as string) }),
    inputs: row.inputs.filter((seq) => seq > 0).map((seq) => ({ data: dataOf(seq) ?? '', seq })),
    startedAt: row.startedAt,
    endedAt: row.endedAt,
    ...(because !== undefined && { because }),
    ...(awaits !== undefined && { awaits }),
    ...(error !== undefined && { error }),
    ...(meta !== undefined && { meta }),
    ...(from !== undefined && { from: { id: from.id, seq: from.seq } }),
    ...(attempt !== undefined && { attempt }),
    ...(retryAt !== undefined && { retryAt }),
    ...(fallback !== undefined && { fallback }),
    ...(sameAs !== undefined && { sameAs }),
    ...(about !== undefined && { about }),
    ...(move !== undefined && { move }),
  }
}

/** A live value is the stored one: bytes in it, which cannot be frozen, are shown as copies. */
function readable(value: unknown): unknown {
  return freezeDeep(value) ? copyBytes(value) : value
}

function stateOf(graph: Graph, header: Header, rows: readonly Row[], live: boolean): State {
  const state = loadState(graph, header.settled, rows, (stored) => (live ? stored : decode(stored as string)))
  if (state.timing !== undefined) state.timing.createdAt = header.createdAt
  return state
}

function deadlineOf(state: State, { status }: Header): { readonly deadline?: number } {
  const at = status === 'cancelled' ? undefined : deadline(state)
  return at === undefined ? {} : { deadline: at }
}

function newestFailure(rows: readonly Row[]): Row | undefined {
  return rows.findLast(
    ({ outcome, note, data }) => outcome === 'failed' && note?.retryAt === undefined && data === null,
  )
}

function explainTarget(state: State, slot: number): TargetExplanation {
  const { name } = slotAt(state.graph, slot)
  if (state.value(slot) === undefined) {
    return { name, state: 'absent', because: [], waitingFor: waitingFor(state, [slot]) }
  }
  const stale = staleness(state, slot, false)
  if (!isStale(stale)) return { name, state: 'present', because: [], waitingFor: [] }
  const { causes, bereft } = stale
  const because = [...new Set([...causes.map(({ builder }) => builder ?? ''), ...bereft.map((node) => node.name)])]
  return { name, state: 'stale', because, waitingFor: waitingFor(state, [slot]) }
}

function explainBuilder(
  state: State,
  node: Node,
  failure: Row | undefined,
  sourcesSettled: boolean,
  retries: boolean,
): BuilderExplanation {
  const run = state.run(node.index)
  const spent = state.isSpent(node)
  const newer = node.inputs.some(({ slot, kind }) => {
    const row = (kind === SETTLED ? standingFailure(state, slot) : undefined) ?? state.rows.get(slot)
    const taking = isConsumed(kind) && !spent ? [] : subjectRows(state, slot)
    const isNewer = ({ scope, seq }: Row): boolean => scope > (run?.scope ?? 0) && (spent || seq > state.settled)
    return kind !== ACCESS && [...(row === undefined ? [] : [row]), ...taking].some(isNewer)
  })
  const bereft = !spent && node.inputs.some(({ slot, kind }) => isConsumed(kind) && state.outdated?.has(slot) === true)
  const lacks = node.inputs
    .filter(({ slot, kind }) => isConsumed(kind) && isLacking(state, slot))
    .filter(({ slot, kind }) => kind !== SETTLED || standingFailure(state, slot) === undefined)
    .map(({ slot }) => explainLack(state, slot))
  const threw = failure !== undefined && failure.seq > (run?.seq ?? 0)
  const asked = state.isRerunDue(node.index)
  const due = asked || (!spent && (node.source ? run === undefined && !sourcesSettled : newer))
  const base = { name: node.name, lacks, outdated: spent && newer }
  const error = threw ? triedNote(failure, retries) : {}
  if (lacks.length > 0 && (run === undefined || due || bereft)) return { ...base, state: 'lacking', ...error }
  if (due) return { ...base, state: threw ? ('retryAt' in error ? 'retrying' : 'failed') : 'due', ...error }
  if (run === undefined) return { ...base, state: 'idle' }
  if (run.outcome === 'produced') return { ...base, state: 'done' }
  if (run.outcome === 'failed') return { ...base, state: 'settled', ...triedNote(run, false) }
  return { ...base, state: run.outcome === 'waitFor' ? 'waitFor' : 'nothing', ...run.note }
}

/** @param retries whether the instance tries again by itself */
function triedNote({ note }: Row, retries: boolean): Pick<BuilderExplanation, 'error' | 'attempt' | 'retryAt'> {
  const { error, attempt, retryAt } = note ?? {}
  return {
    ...(error !== undefined && { error }),
    ...(attempt !== undefined && { attempt }),
    ...(retries && retryAt !== undefined && { retryAt }),
  }
}

function explainLack(state: State, slot: number): Lack {
  const { name, producer } = slotAt(state.graph, slot)
  const node = state.graph.nodes[producer]
  const late = outdatedText(state, slot)
  if (node === undefined) return { data: name, ...(late !== undefined && { because: late }) }
  const run = state.run(producer)
  const because = late ?? run?.note?.because ?? (run?.outcome === 'failed' ? run.note?.error?.message : undefined)
  return { data: name, from: node.name, ...(because !== undefined && { because }) }
}

/** Why a datum that was given counts no longer. */
function outdatedText(state: State, slot: number): string | undefined {
  const outdated = state.outdated?.get(slot)
  if (outdated === undefined) return undefined
  const { row, by } = outdated
  const subject = slotAt(state.graph, slotAt(state.graph, slot).about).name
  const about = row.note?.about
  const was = `that of entry ${row.seq} is about the '${subject}' of ${about === undefined ? 'an older one' : `entry ${about}`}`
  return by.seq === row.seq ? was : `${was}, and entry ${by.seq} has replaced what it stood on`
}

function slotAt(graph: Graph, slot: number): Slot {
  return graph.slots[slot] as Slot
}
