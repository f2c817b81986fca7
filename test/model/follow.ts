/**
 * Follows one step of a real instance with the reference: works out which scopes the step must have gone through, and
 * compares them with what the store holds and what the processes saw. Where a crash or a throw among parallel builders
 * leaves open how far things got, the store's rows say so; whatever they say has to be possible.
 */
import type { Header } from 'polaris-workflow'
import type { Graph } from './graph.ts'
import { builderNamed } from './graph.ts'
import { after, forget, isClosed, mayStop, scopeOf } from './model.ts'
import type { Delta, Event, Mode, Operation, Scope, State } from './model.ts'
import type { Ran } from './world.ts'

/** Where something stands in the history, and what it was made from; `undefined` where nobody kept that. */
export interface FoundEvent extends Event {
  readonly seq: number
  readonly reads: readonly { readonly data: string; readonly seq: number }[] | undefined
}

/** What the store holds of an instance, values decoded. */
export interface Found {
  readonly header: Header | undefined
  readonly events: readonly FoundEvent[]
}

export interface Observed {
  readonly found: Found
  readonly ran: readonly Ran[]
  /** The process died, or the store failed: how far the step got is for the store to say. */
  readonly cutShort: boolean
  /** The store keeps each product before a dependant starts. */
  readonly eager: boolean
  /** At most so many builders at once. */
  readonly limit: number
}

export interface Followed {
  readonly state: State
  /** How the instance stood after each scope that ended. */
  readonly ends: readonly State[]
  /** The scopes the step went through, the last one perhaps in part. */
  readonly scopes: readonly Scope[]
  /** The one that the call's result is about; none if the call left no trace. */
  readonly own: Scope | undefined
  readonly problems: readonly string[]
}

export interface Phase {
  readonly mode: Mode
  readonly delta: Delta | null
  readonly operation?: Operation
}

/** @param phases the scopes to go through: what is left of one that was cut short, the call's own */
export function follow(graph: Graph, before: State, phases: readonly Phase[], observed: Observed): Followed {
  const { found, cutShort } = observed
  const problems: string[] = []
  const scopes: Scope[] = []
  const ends: State[] = []
  let state = before
  let own: Scope | undefined
  // Scopes follow one another, so what the processes saw divides up by how much of each is kept.
  let left = observed.ran
  for (const { mode, delta, operation } of phases) {
    const scope = scopeOf(graph, state, mode, delta, operation)
    own = leavesNoTrace(state, scope) && found.header?.scope === state.scope ? undefined : scope
    if (own === undefined) break
    scopes.push(scope)
    if ((found.header?.scope ?? 0) < scope.scope) {
      if (!cutShort) problems.push(`scope ${scope.scope} was never begun`)
      break
    }
    const known = state.events.filter((e) => e.scope === scope.scope).length
    const mine = found.events.filter((e) => e.scope === scope.scope)
    problems.push(...fedProblems(scope, mine.slice(known), delta), ...runProblems(scope, mine.slice(known)))
    if (delta !== null) problems.push(...askedProblems(scope, mine))
    problems.push(...lineageProblems(graph, scope, mine.slice(known), found.events))
    const pass = found.header!.scope === scope.scope ? found.header!.pass : 0
    if (pass > 0) {
      if (!cutShort) problems.push(`scope ${scope.scope} was left open`)
      problems.push(...partProblems(graph, scope, mine.slice(known), pass))
      state = { ...state, events: [...state.events.filter((e) => e.scope < scope.scope), ...forget(graph, mine)] }
      state = { ...state, scope: scope.scope, open: { pass, mode: found.header!.mode } }
      break
    }
    const count = mine.slice(known).filter((e) => e.builder !== null).length
    problems.push(...orderProblems(graph, scope, left.slice(0, count), observed.limit))
    left = left.slice(count)
    const done = new Set(mine.slice(known).map((e) => e.builder ?? ''))
    problems.push(...endProblems(graph, scope, mine.slice(known)))
    state = after(graph, state, scope, mode === 'parallel' ? done : undefined)
    ends.push(state)
  }
  const last = scopes.at(-1)
  if (cutShort && last !== undefined) problems.push(...orderProblems(graph, last, left, observed.limit))
  problems.push(...processProblems(graph, before, scopes, observed))
  return { state, ends, scopes, own, problems }
}

/** A call that brings nothing and finds nothing to do need not become a scope. */
function leavesNoTrace(state: State, scope: Scope): boolean {
  const brings = scope.fed.length > 0 || scope.asked.length > 0
  return !brings && runsOf(scope).length === 0 && state.scope > 0 && !state.failed && state.open === null
}

export const runsOf = (scope: Scope): Event[] => scope.passes.flatMap((p) => p.runs)

/** What a run comes to, as text. Of transients, which are not stored, only that they were made. */
function keyOf(e: Event, withValue: boolean): string {
  const supply = e.supply === true && e.outcome !== 'failed' ? ' for a reader' : ''
  const value = e.value === undefined || !withValue ? '' : ` ${e.data ?? ''}=${String(e.value)}`
  return `pass ${e.pass}: ${e.builder ?? 'fed'} ${e.outcome}${e.awaits ?? ''}${supply}${value}`
}

function fedProblems(scope: Scope, mine: readonly Event[], delta: Delta | null): string[] {
  const text = (events: readonly Event[]): string =>
    events
      .filter((e) => e.outcome === 'fed')
      .map((e) => e.data)
      .sort()
      .join()
  return delta !== null && text(mine) === text(scope.fed) ? [] : delta === null ? [] : [`fed ${text(mine)}`]
}

function askedProblems(scope: Scope, mine: readonly Event[]): string[] {
  const text = (events: readonly Event[]): string =>
    events
      .filter((e) => e.asks !== undefined || e.outcome === 'restart' || e.outcome === 'cancelled')
      .map((e) => `${e.outcome} ${e.asks ?? ''}`)
      .join()
  return text(mine) === text(scope.asked) ? [] : [`asked for [${text(mine)}], not for [${text(scope.asked)}]`]
}

/** Everything that was committed must be what the rules would have run. */
function runProblems(scope: Scope, mine: readonly Event[]): string[] {
  const runs = runsOf(scope)
  return mine
    .filter((e) => e.builder !== null)
    .flatMap((e) => {
      const planned = runs.find((run) => run.builder === e.builder)
      if (planned === undefined) return [`scope ${scope.scope}: ${keyOf(e, true)}, but it is not to run`]
      const stored = e.value !== undefined
      if (keyOf(planned, stored) === keyOf(e, stored)) return []
      return [`scope ${scope.scope}: ${keyOf(e, stored)}, but by the rules ${keyOf(planned, stored)}`]
    })
}

/** The history says from which entry each input was read: the one that holds what the builder saw. */
function lineageProblems(
  graph: Graph,
  scope: Scope,
  mine: readonly FoundEvent[],
  all: readonly FoundEvent[],
): string[] {
  const kept = (data: string): boolean => !graph.spec.transients.includes(data)
  return mine.flatMap(({ builder, reads }) => {
    const planned = runsOf(scope).find((run) => run.builder === builder)
    if (planned === undefined || reads === undefined) return []
    const seen = Object.entries(planned.inputs!).filter(([data]) => kept(data))
    const told = reads.filter(({ data }) => kept(data))
    const wrong = seen.filter(([data, value]) => {
      const seq = told.find((read) => read.data === data)?.seq
      const entry = all.find((e) => e.seq === seq)
      return entry === undefined || entry.data !== data || entry.value !== value
    })
    const text = told.map(({ data, seq }) => `${data} of ${seq}`).join()
    const known = told.length === seen.length && wrong.length === 0
    return known ? [] : [`scope ${scope.scope}: the history has ${builder ?? ''} read ${text}`]
  })
}

/** Of a scope that was cut short: passes before the open one are whole, and nobody is there without whom it waits for. */
function partProblems(graph: Graph, scope: Scope, mine: readonly Event[], open: number): string[] {
  const done = new Set(mine.flatMap((e) => (e.builder === null ? [] : [e.builder])))
  return scope.passes.flatMap((p) => {
    const here = new Set(p.runs.map((e) => e.builder!).filter((name) => done.has(name)))
    if (p.pass < open && here.size < p.runs.length) return [`pass ${p.pass} is not whole, but pass ${open} began`]
    return isClosed(graph, p.runs, here) ? [] : [`committed ${[...here].join()} without those they wait for`]
  })
}

/** Of a scope that ended: nothing is left out. */
function endProblems(graph: Graph, scope: Scope, mine: readonly Event[]): string[] {
  const ran = mine.flatMap((e) => (e.builder === null ? [] : [e.builder]))
  const planned = runsOf(scope).map((e) => e.builder!)
  const label = `scope ${scope.scope} (${scope.mode})`
  if (new Set(ran).size < ran.length) return [`${label}: someone ran twice: ${ran.join()}`]
  if (scope.mode === 'sequential') {
    return ran.join() === planned.join() ? [] : [`${label} ran ${ran.join()}, by the rules ${planned.join()}`]
  }
  const problems: string[] = []
  for (const pass of scope.passes) {
    const names = pass.runs.map((e) => e.builder!)
    const here = new Set(names.filter((name) => ran.includes(name)))
    const allowed = pass.failing ? mayStop(graph, pass, here) : here.size === names.length
    if (!allowed) problems.push(`${label} pass ${pass.pass} ran ${[...here].join()}, by the rules ${names.join()}`)
  }
  return problems
}

/** What the processes saw against the same scopes: inputs, who before whom, and that all of it was kept. */
function processProblems(graph: Graph, before: State, scopes: readonly Scope[], observed: Observed): string[] {
  const { ran, found, cutShort, eager } = observed
  const problems: string[] = []
  const kept = found.events.filter((e) => e.builder !== null && e.scope >= before.scope)
  const planned = scopes.flatMap((scope) => runsOf(scope))
  for (const run of ran) {
    // Where the process died in between, nobody has stood in yet.
    const outcomes = (e: Event): string[] => (e.standsIn === true && cutShort ? [e.outcome, 'failed'] : [e.outcome])
    const texts = planned
      .filter((e) => e.builder === run.builder)
      .flatMap((e) => outcomes(e).map((outcome) => describe(e.inputs!, outcome)))
    const text = describe(run.inputs, run.outcome)
    if (!texts.includes(text)) problems.push(`${run.builder} ran with ${text}, by the rules ${texts.join(' or ')}`)
  }
  if (!cutShort) {
    const known = before.events.filter((e) => e.builder !== null && e.scope >= before.scope).length
    const rows = kept.slice(known).map((e) => `${e.builder!} ${madeOf(e.outcome)}`)
    const runs = ran.map((run) => `${run.builder} ${run.outcome}`)
    if (rows.sort().join() !== runs.sort().join())
      problems.push(`ran ${runs.join()}, but the history has ${rows.join()}`)
  }
  if (eager) problems.push(...durabilityProblems(graph, ran, kept))
  return problems
}

/** How a run looks from within its process. */
function madeOf(outcome: string): string {
  return outcome === 'supplied' || outcome === 'same' ? 'produced' : outcome
}

function describe(inputs: Readonly<Record<string, unknown>>, outcome: string): string {
  const pairs = Object.keys(inputs)
    .sort()
    .map((name) => `${name}=${String(inputs[name])}`)
  return `[${pairs.join(' ')}] → ${madeOf(outcome)}`
}

/** Rules 9 and 13: nobody starts before those it waits for have ended; in sequence nobody before the last has ended. */
function orderProblems(graph: Graph, scope: Scope, ran: readonly Ran[], limit: number): string[] {
  const problems: string[] = []
  for (const { builder, started } of ran) {
    const beside = ran.filter((run) => run.started <= started && (run.ended ?? Infinity) > started)
    if (beside.length > limit) problems.push(`${builder} made it ${beside.length} at once of ${limit} allowed`)
  }
  const runOf = (name: string): Ran | undefined => ran.find((run) => run.builder === name)
  for (const pass of scope.passes) {
    const here = new Set(pass.runs.map((e) => e.builder))
    for (const { from, to } of graph.edges) {
      if (!here.has(from) || !here.has(to)) continue
      const [first, then] = [runOf(from), runOf(to)]
      if (then === undefined || first === undefined) continue
      if (first.ended === undefined || first.ended > then.started) problems.push(`${to} started before ${from} ended`)
    }
  }
  if (scope.mode === 'parallel') return problems
  const mine = ran.filter((run) => scope.passes.some((p) => p.runs.some((e) => e.builder === run.builder)))
  mine.slice(1).forEach((run, at) => {
    if ((mine[at]!.ended ?? Infinity) > run.started) problems.push(`${run.builder} ran beside ${mine[at]!.builder}`)
  })
  return problems
}

/** Durability 'builder': whatever a builder with effects was given was kept before it started. */
function durabilityProblems(graph: Graph, ran: readonly Ran[], kept: readonly Event[]): string[] {
  return ran.flatMap((run) => {
    const { pure } = builderNamed(graph, run.builder)
    const sources = graph.edges.filter((e) => e.to === run.builder && !graph.spec.transients.includes(e.data))
    return sources.flatMap(({ from }) => {
      const source = ran.find((other) => other.builder === from && (other.ended ?? Infinity) < run.started)
      if (source?.outcome !== 'produced' || (pure && builderNamed(graph, from).pure)) return []
      return kept.some((e) => e.builder === from) ? [] : [`${run.builder} started before what ${from} made was kept`]
    })
  })
}
