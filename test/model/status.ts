/** The reference's rule 15: which target completes an instance, and what the others wait for. */
import { builderNamed, producerOf, type Graph } from './graph.ts'
import { given, isCancelled, isSpent, lastRun, newest, standing, takenBy } from './model.ts'
import { valueOf, type Event, type State } from './model.ts'
import { dataOf, type BuilderSpec, type Inputs, type Value } from './spec.ts'

export interface Standing {
  readonly status: 'completed' | 'waiting' | 'failed' | 'cancelled'
  readonly targetName: string | undefined
  readonly waitingFor: readonly string[]
}

/** A builder because of which a datum no longer stands, and those between it and the datum: they would have to run. */
interface Cause {
  readonly run: Event
  readonly below: readonly BuilderSpec[]
}

/**
 * The builders upstream that ran in a later scope than `since` without the datum being renewed, each path only up to the
 * first. One that gave nothing counts where only `consumes` lead down from it (`strict`); elsewhere it has answered for
 * what came from above it until then. A `once` builder with its product counts as renewed.
 */
function causesAbove(
  graph: Graph,
  events: readonly Event[],
  b: BuilderSpec,
  since: number,
  strict = true,
  below: readonly BuilderSpec[] = [],
  fedBelow = -1,
): Cause[] {
  const product = newest(events, b.produces)
  const fed = product?.outcome === 'fed' ? Math.max(fedBelow, events.lastIndexOf(product)) : fedBelow
  const taken = takenFrom(graph, events, b, since, fed)
  if (taken !== undefined) return [{ run: { ...taken, outcome: 'produced' }, below: [b, ...below] }]
  const run = lastRun(events, b.name)
  const later = run !== undefined && run.scope > since
  // Who made the same again has answered for what came from above, and wakes nobody.
  if (later && run.outcome !== 'same' && (run.outcome !== 'nothing' || strict)) return [{ run, below }]
  if (isSpent(graph, events, b)) return []
  return graph.edges
    .filter((e) => e.to === b.name && e.implied === undefined)
    .flatMap((e) => {
      const above = builderNamed(graph, e.from)
      const from = later ? run.scope : since
      return causesAbove(graph, events, above, from, strict && e.kind === 'consumes', [b, ...below], fed)
    })
}

/**
 * What took away what a builder has run on since it did, unless a caller has fed its product, or one that was made of it,
 * after that: then it no longer matters.
 */
function takenFrom(
  graph: Graph,
  events: readonly Event[],
  b: BuilderSpec,
  since: number,
  fed: number,
): Event | undefined {
  if (isSpent(graph, events, b)) return undefined
  const run = lastRun(events, b.name)
  const answered = Math.max(run === undefined ? -1 : events.lastIndexOf(run), fed)
  const taken = b.consumes.flatMap((data) => {
    const datum = given(events, data)
    const isOutdated = datum?.about !== undefined && newest(events, data) === undefined
    return isOutdated ? [takenBy(events, datum.about)] : []
  })
  const at = taken.find((at) => (answered < 0 ? events[at]!.scope > since : at > answered))
  return at === undefined ? undefined : events[at]
}

function causesOf(graph: Graph, events: readonly Event[], data: string): Cause[] {
  const producer = producerOf(graph, data)
  const row = newest(events, data)
  return producer === undefined || row === undefined ? [] : causesAbove(graph, events, producer, row.scope)
}

function isStale(graph: Graph, events: readonly Event[], data: string): boolean {
  return causesOf(graph, events, data).length > 0
}

const isThere = (events: readonly Event[], data: string): boolean => valueOf(events, data) !== undefined

/**
 * What has to come before a datum can: nothing if it is there. Transients are never there for whoever is to run in a
 * later scope.
 */
function lackingFor(graph: Graph, events: readonly Event[], data: string, been: readonly string[] = []): string[] {
  if (been.includes(data) || (isThere(events, data) && !graph.spec.transients.includes(data))) return []
  const producer = producerOf(graph, data)
  if (producer === undefined) return [data]
  const last = lastRun(events, producer.name)
  const isVoid = last !== undefined && takenFrom(graph, events, producer, last.scope, -1) !== undefined
  const made = last?.outcome === 'produced' || last?.outcome === 'same'
  if (last !== undefined && !made && !isVoid) return [last.awaits ?? data]
  return producer.consumes.flatMap((c) => lackingFor(graph, events, c, [...been, data]))
}

function waitsFor(graph: Graph, events: readonly Event[], target: string): string[] {
  const causes = isThere(events, target) ? causesOf(graph, events, target) : []
  const named = [
    ...lackingFor(graph, events, target),
    ...causes.flatMap(({ run, below }) => [
      ...(run.outcome === 'waitFor' ? [run.awaits!] : []),
      ...(run.outcome === 'nothing' ? [builderNamed(graph, run.builder!).produces] : []),
      ...below.flatMap((b) => b.consumes.flatMap((c) => lackingFor(graph, events, c))),
    ]),
  ]
  return named.length === 0 ? [target] : named
}

export function standingOf(graph: Graph, state: State): Standing {
  const events = standing(state.events)
  const stands = (target: string): boolean => isThere(events, target) && !isStale(graph, events, target)
  const targetName = graph.spec.targets.find(stands)
  const cancelled = isCancelled(state)
  if (targetName !== undefined && !state.failed && !cancelled)
    return { status: 'completed', targetName, waitingFor: [] }
  const named = graph.spec.targets.filter((t) => !stands(t)).flatMap((t) => waitsFor(graph, events, t))
  const waitingFor = dataOf(graph.spec).filter((data) => named.includes(data))
  return { status: cancelled ? 'cancelled' : state.failed ? 'failed' : 'waiting', targetName: undefined, waitingFor }
}

/** Everything the instance holds; transients are not held. */
export function dataSetOf(graph: Graph, state: State): Inputs {
  const pairs = dataOf(graph.spec)
    .filter((data) => !graph.spec.transients.includes(data))
    .map((data) => [data, valueOf(standing(state.events), data)] as const)
  return Object.fromEntries(pairs.filter((pair): pair is [string, Value] => pair[1] !== undefined))
}
