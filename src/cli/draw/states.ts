/** How an instance stands, as signs and words. Pure. */
import type { PlanJson } from '../../index.ts'
import type { BuilderState, Entry, Explanation } from '../api/views.ts'
import { clockText, distanceText, spanText } from '../term/time.ts'
import type { Style } from '../term/text.ts'
import type { RowState } from './graph.ts'
import type { GraphRow } from './lanes.ts'

export const STATUS_STYLE: Readonly<Record<string, Style>> = {
  running: 'cyan',
  waiting: 'yellow',
  completed: 'green',
  failed: 'red',
  retrying: 'yellow',
  cancelled: 'magenta',
}

export interface Standing {
  readonly plan: PlanJson
  readonly explanation: Explanation
  /** The newest entries of the history, at least one for each datum and builder that has any, oldest first. */
  readonly entries: readonly Entry[]
  readonly now: number
  /** Stands for a builder that runs. */
  readonly spinner?: string
}

/** Of every row of the graph, how it stands. */
export function standingOf(facts: Standing): {
  readonly stateOf: (row: GraphRow) => RowState
  readonly isThere: (data: string) => boolean
} {
  const { plan, explanation, entries } = facts
  const builders = new Map(explanation.builders.map((each) => [each.name, each]))
  const timers = new Map(explanation.timers?.map((each) => [each.name, each]))
  const there = new Map<string, Entry>()
  const runs = new Map<string, Entry>()
  for (const entry of entries) {
    if (entry.data !== undefined && HAS_DATUM.has(entry.outcome)) there.set(entry.data, entry)
    if (entry.builder !== undefined && RAN.has(entry.outcome)) runs.set(entry.builder, entry)
  }
  const running = runningBuilders(plan, explanation)
  const wanted = new Set(explanation.waitingFor)
  return {
    isThere: (data) => there.has(data),
    stateOf({ kind, name }) {
      if (kind === 'data') return dataState(there.get(name), wanted.has(name))
      const timer = timers.get(name)
      if (timer !== undefined) return timerState(timer, facts.now)
      const builder = builders.get(name)
      if (builder === undefined) return { sign: '·', style: 'dim', text: '' }
      if (running.has(name)) return { sign: facts.spinner ?? '◐', style: 'cyan', text: 'runs' }
      return builderState(builder, runs.get(name), wanted, facts.now)
    },
  }
}

const HAS_DATUM: ReadonlySet<string> = new Set(['fed', 'produced', 'supplied', 'migrated'])
const RAN: ReadonlySet<string> = new Set(['produced', 'supplied', 'nothing', 'waitFor', 'failed'])

/**
 * Nobody notes that a builder began. While a scope is open, those that are due and behind no other that is are what runs;
 * in sequence, the first of them.
 */
function runningBuilders({ builders, loops }: PlanJson, { open, status, builders: states }: Explanation): Set<string> {
  if (open === undefined || status !== 'running') return new Set()
  const due = new Set(
    states.filter(({ state, lacks }) => state === 'due' && lacks.length === 0).map(({ name }) => name),
  )
  const blocked = new Set<string>()
  const ready: string[] = []
  for (const { name, consumes, optionals, produces } of builders) {
    const waits = !loops && [...consumes, ...optionals].some((data) => blocked.has(data))
    if (due.has(name) && !waits) ready.push(name)
    if (due.has(name) || waits) blocked.add(produces)
  }
  return new Set(open.mode === 'sequential' ? ready.slice(0, 1) : ready)
}

function dataState(entry: Entry | undefined, wanted: boolean): RowState {
  if (entry !== undefined) return { sign: '●', style: 'green', text: `fed at ${clockText(entry.endedAt)}` }
  return wanted ? { sign: '○', style: 'yellow', text: 'waited for' } : { sign: '○', style: 'dim', text: 'not fed' }
}

function timerState({ state, at }: NonNullable<Explanation['timers']>[number], now: number): RowState {
  const set = state === 'set' || state === 'held'
  const when = at === undefined || !set ? '' : `, ${distanceText(at, now)}`
  const style = state === 'done' ? 'green' : state === 'failed' ? 'red' : set ? 'yellow' : 'dim'
  return { sign: set ? '◷' : state === 'done' ? '✔' : state === 'failed' ? '✘' : '·', style, text: `${state}${when}` }
}

export function builderState(
  builder: BuilderState,
  run: Entry | undefined,
  wanted: ReadonlySet<string>,
  now: number,
): RowState {
  const { state, lacks, because, awaits, error, attempt, retryAt, outdated } = builder
  const why = because === undefined ? '' : `: ${because}`
  const tries = attempt === undefined ? '' : ` (try ${attempt})`
  switch (state) {
    case 'done': {
      const took = run === undefined ? '' : `  ${durationOf(run)}`
      const stale = outdated ? '  outdated: an input changed since' : ''
      return {
        sign: '✔',
        style: outdated ? 'yellow' : 'green',
        text: `${run === undefined ? 'done' : `→ ${run.data ?? ''}`}${took}${stale}`,
      }
    }
    case 'nothing':
      return { sign: '∅', style: 'yellow', text: `gave nothing${why}` }
    case 'waitFor':
      return { sign: '?', style: 'yellow', text: `waits for ${awaits ?? 'more'}${why}` }
    case 'settled':
      return { sign: '✘', style: 'yellow', text: `failed, and others go on without: ${error?.message ?? ''}` }
    case 'failed':
      return { sign: '✘', style: 'red', text: `failed${tries}: ${error?.message ?? ''}` }
    case 'retrying': {
      const when = retryAt === undefined ? '' : ` again ${distanceText(retryAt, now)}`
      return { sign: '↻', style: 'yellow', text: `failed${tries},${when}: ${error?.message ?? ''}` }
    }
    case 'due':
      return { sign: '▸', style: 'cyan', text: 'is to run' }
    case 'lacking': {
      const missing = lacks.map(({ data }) => data)
      const style = missing.some((data) => wanted.has(data)) ? 'yellow' : 'dim'
      return { sign: '·', style, text: `lacks ${missing.join(', ')}` }
    }
    case 'idle':
      return { sign: '·', style: 'dim', text: 'nothing set it off' }
  }
}

export function durationOf({ startedAt, endedAt }: Entry): string {
  return spanText(Date.parse(endedAt) - Date.parse(startedAt))
}
