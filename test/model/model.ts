/**
 * The reference: what the rules say a workflow does, worked out the slow way. It shares no code with the library. An
 * instance is a list of events; whatever is needed (what is there, active, due, has run) is derived anew from the whole
 * list each time. Nothing is indexed, counted or kept.
 */
import { dependsOn, isCut, producerOf, type Edge, type Graph } from './graph.ts'
import { answer, fallbackOf, subjectsOf, type BuilderSpec, type Inputs, type Value } from './spec.ts'

export interface Event {
  readonly scope: number
  readonly pass: number
  readonly builder: string | null
  /** What was fed or produced. */
  readonly data: string | null
  readonly outcome:
    | ('fed' | 'produced' | 'supplied' | 'nothing' | 'waitFor' | 'failed')
    /** It made what stood already, which goes on to stand (`cutoff`). */
    | 'same'
    | Operation['kind']
    /** The copy begins here. */
    | 'forked'
    /** What a restart took back. */
    | 'gone'
  /** `undefined`: there was none, or it was transient and is gone. */
  readonly value: Value | undefined
  readonly awaits?: string
  /** With `rerun`: which builder. */
  readonly asks?: string
  /** Which datum it is about, where it is about one. */
  readonly about?: { readonly data: string; readonly key: string }
  /** What it made was made by its fallback. */
  readonly standsIn?: boolean
  /** A run made only because a reader lacked the transient, whatever came of it. */
  readonly supply?: boolean
  /** What the builder saw. Unknown (absent) for events taken from a store. */
  readonly inputs?: Inputs
}

export type Operation =
  { readonly kind: 'restart' } | { readonly kind: 'rerun'; readonly builder: string } | { readonly kind: 'cancelled' }

export type Mode = 'sequential' | 'parallel'
export type Delta = readonly { readonly name: string; readonly value: Value }[]

export interface State {
  readonly events: readonly Event[]
  /** How many of the events are settled: nothing is due because of them. */
  readonly settled: number
  readonly scope: number
  readonly failed: boolean
  /** A scope that a crash cut short. */
  readonly open: { readonly pass: number; readonly mode: Mode } | null
  /** How often each builder was run, in whatever process. */
  readonly attempts: ReadonlyMap<string, number>
}

/** What a pass holds. If `failing`, and in parallel, any part of `runs` that `mayStop` allows. */
export interface Pass {
  readonly pass: number
  readonly runs: readonly Event[]
  readonly failing: boolean
}

export interface Scope {
  readonly scope: number
  readonly mode: Mode
  /** What was asked for besides feeding: one event, or none. */
  readonly asked: readonly Event[]
  readonly fed: readonly Event[]
  readonly passes: readonly Pass[]
  /** Builders that some rule keeps from running although an input is active; for counting features. */
  readonly seen: Seen
}

export interface Seen {
  onceSkipped: boolean
  /** An access showed something else than what was newest. */
  accessHeldBack: boolean
}

export const empty: State = { events: [], settled: 0, scope: 0, failed: false, open: null, attempts: new Map() }

// What stands

/** Rule 24: a restart takes back everything but what was fed. */
export function standing(events: readonly Event[]): readonly Event[] {
  const restart = events.findLastIndex((e) => e.outcome === 'restart')
  const gone = ({ scope, pass }: Event): Event => {
    return { scope, pass, builder: null, data: null, outcome: 'gone', value: undefined }
  }
  return events.map((e, at) => (at < restart && e.outcome !== 'fed' ? gone(e) : e))
}

/** The newest event of a data, or `undefined`; also if what it is about has been replaced. */
export function newest(events: readonly Event[], data: string): Event | undefined {
  const found = given(events, data)
  return found?.about === undefined || isCurrent(events, found.about) ? found : undefined
}

/** The same, whether it counts or not. */
export function given(events: readonly Event[], data: string): Event | undefined {
  return events.findLast((e) => e.data === data && ['fed', 'produced', 'supplied'].includes(e.outcome))
}

function isCurrent(events: readonly Event[], { data, key }: NonNullable<Event['about']>): boolean {
  const subject = newest(events, data)
  return subject !== undefined && keyOf(subject) === key
}

/** Tells the data of an instance apart: a scope makes, and takes, at most one of each. */
export function keyOf({ scope, outcome }: Event): string {
  return `${outcome} ${scope}`
}

/** What took away what a datum is about: where in the events. */
export function takenBy(events: readonly Event[], { data }: NonNullable<Event['about']>): number {
  const subject = given(events, data)
  if (subject === undefined) return events.findLastIndex((e) => e.outcome === 'restart')
  return newest(events, data) === undefined ? takenBy(events, subject.about!) : events.lastIndexOf(subject)
}

export function valueOf(events: readonly Event[], data: string): Value | undefined {
  return newest(events, data)?.value
}

const finishedRuns = ['produced', 'same', 'nothing', 'waitFor']

/** The newest run of a builder that came to an end and was made for its own sake. */
export function lastRun(events: readonly Event[], builder: string): Event | undefined {
  return events.findLast((e) => e.builder === builder && finishedRuns.includes(e.outcome) && e.supply !== true)
}

function hasProductOfItsOwn(events: readonly Event[], builder: string, since = 0): boolean {
  return events.some((e) => e.builder === builder && ['produced', 'same'].includes(e.outcome) && e.scope >= since)
}

/** The newest event that asks a builder to run again: of itself, or of what it depends on, unless it is spent by then. */
function askedAgain(graph: Graph, events: readonly Event[], b: BuilderSpec): number {
  return events.findLastIndex(({ asks }, at) => {
    if (asks === undefined || asks === b.name) return asks !== undefined
    const before = events.slice(0, at)
    return dependsOn(graph, b.name, asks) && !(b.once && hasProductOfItsOwn(before, b.name))
  })
}

/** A `once` builder has made its product, and since nobody has asked for another. */
export function isSpent(graph: Graph, events: readonly Event[], b: BuilderSpec): boolean {
  return b.once && hasProductOfItsOwn(events, b.name, events[askedAgain(graph, events, b)]?.scope)
}

const inputsOf = (b: BuilderSpec): string[] => [...b.consumes, ...b.optionals]

/** What makes a builder run when it comes: its inputs, and what takes away one that it can do without. */
function wakersOf({ spec }: Graph, b: BuilderSpec): string[] {
  const taking = b.optionals.flatMap((data) => subjectsOf(spec, data)).filter((data) => data !== b.produces)
  return [...inputsOf(b), ...taking]
}

/**
 * Rule 7 and D4, at a scope's start: `events` are those before it. What the scope's own delta, `fed`, takes away makes nobody
 * due any more.
 */
function dueIn(graph: Graph, events: readonly Event[], settled: number, fed: readonly Event[]): Set<string> {
  const present = [...events, ...fed]
  const isDue = (b: BuilderSpec): boolean => {
    const last = lastRun(events, b.name)
    const asked = askedAgain(graph, events, b)
    if (asked >= settled && asked >= 0 && events[asked]!.scope > (last?.scope ?? 0)) return true
    if (isSpent(graph, events, b)) return false
    if (inputsOf(b).length === 0) return last === undefined
    return wakersOf(graph, b).some((data) => {
      if (newest(events, data) === undefined || newest(present, data) === undefined) return false
      const at = events.findLastIndex((e) => e.data === data && (e.outcome === 'fed' || e.outcome === 'produced'))
      // Such a product triggers nobody: not in its pass, and transients not in the next.
      const made = events[at]?.outcome === 'produced'
      if (made && isCut(graph, data, b.name) && graph.spec.transients.includes(data)) return false
      return at >= settled && (last === undefined || events[at]!.scope > last.scope)
    })
  }
  return new Set(graph.spec.builders.filter(isDue).map((b) => b.name))
}

// A pass

interface Here {
  readonly graph: Graph
  readonly scope: number
  readonly pass: number
  readonly mode: Mode
  readonly due: ReadonlySet<string>
  readonly attempts: ReadonlyMap<string, number>
  readonly seen: Seen
}

const isTransient = (here: Here, data: string): boolean => here.graph.spec.transients.includes(data)

function atPassStart(here: Here, events: readonly Event[]): Event[] {
  return events.filter((e) => e.scope < here.scope || e.outcome === 'fed' || e.pass < here.pass)
}

function activeAtPassStart(here: Here, events: readonly Event[]): string[] {
  const mine = events.filter((e) => e.scope === here.scope)
  if (here.pass === 1) return mine.filter((e) => e.outcome === 'fed').map((e) => e.data!)
  const before = mine.filter((e) => e.pass === here.pass - 1 && e.outcome === 'produced')
  return before.map((e) => e.data!).filter((data) => !isTransient(here, data))
}

function isActiveFor(here: Here, events: readonly Event[], reader: BuilderSpec, data: string): boolean {
  if (activeAtPassStart(here, events).includes(data)) return true
  if (isCut(here.graph, data, reader.name)) return false
  const now = events.filter((e) => e.scope === here.scope && e.pass === here.pass && e.outcome === 'produced')
  return now.some((e) => e.data === data)
}

/** What a reader sees of a datum it consumes or may use. */
function seenBy(here: Here, events: readonly Event[], reader: BuilderSpec, data: string): Value | undefined {
  return valueOf(isCut(here.graph, data, reader.name) ? atPassStart(here, events) : events, data)
}

/** What an access shows: never a supplied transient; of builders that are no ancestors only what stood at the start. */
function accessedBy(here: Here, events: readonly Event[], reader: BuilderSpec, data: string): Value | undefined {
  const { graph } = here
  const makers = [data, ...subjectsOf(graph.spec, data)].flatMap((each) => producerOf(graph, each) ?? [])
  const orders = makers.length > 0 && makers.every(({ name }) => graph.ancestors.get(reader.name)!.has(name))
  const visible = (orders ? events : atPassStart(here, events)).filter((e) => e.outcome !== 'supplied')
  const shown = valueOf(visible, data)
  if (shown !== valueOf(events, data)) here.seen.accessHeldBack = true
  return shown
}

function inputsNow(here: Here, events: readonly Event[], b: BuilderSpec): Inputs {
  const pairs = [
    ...inputsOf(b).map((data) => [data, seenBy(here, events, b, data)] as const),
    ...b.accesses.map((data) => [data, accessedBy(here, events, b, data)] as const),
  ]
  return Object.fromEntries(pairs.filter((pair): pair is [string, Value] => pair[1] !== undefined))
}

function hasRun(here: Here, events: readonly Event[], builder: string): boolean {
  return events.some((e) => e.scope === here.scope && e.builder === builder && e.outcome !== 'failed')
}

/** Whether a transient's producer may run for a reader's sake: not twice, but for a product that a crash took. */
function maySupply(here: Here, events: readonly Event[], builder: string): boolean {
  const last = events.findLast((e) => e.scope === here.scope && e.builder === builder)
  if (last === undefined) return true
  return (last.outcome === 'produced' || last.outcome === 'supplied') && last.value === undefined
}

/** The producer over whose uncut edge a transient comes to the reader. */
function supplierOf(here: Here, reader: BuilderSpec, data: string): BuilderSpec | undefined {
  if (!isTransient(here, data) || isCut(here.graph, data, reader.name)) return undefined
  return producerOf(here.graph, data)
}

/** Everything is there but for transients that a builder may make again. */
function isReadyButForTransients(here: Here, events: readonly Event[], b: BuilderSpec): boolean {
  return b.consumes.every(
    (data) => seenBy(here, events, b, data) !== undefined || supplierOf(here, b, data) !== undefined,
  )
}

/** What a datum that comes now is about: what stands there. */
function aboutOf({ spec }: Graph, events: readonly Event[], data: string): Pick<Event, 'about'> {
  const subject = spec.abouts?.[data]
  const current = subject === undefined ? undefined : newest(events, subject)
  return subject === undefined || current === undefined ? {} : { about: { data: subject, key: keyOf(current) } }
}

function run(here: Here, events: readonly Event[], b: BuilderSpec, supply: boolean): Event {
  const inputs = inputsNow(here, events, b)
  const before = events.filter((e) => e.builder === b.name && e.scope === here.scope && e.inputs !== undefined).length
  const made = answer(b, inputs, (here.attempts.get(b.name) ?? 0) + before)
  const base = { scope: here.scope, pass: here.pass, builder: b.name, inputs, supply }
  const standsIn = made.outcome === 'failed' && b.fallback === true
  const product = standsIn ? fallbackOf(b, inputs) : made.outcome === 'produced' ? made.value : undefined
  if (product !== undefined) {
    const datum = { ...base, data: b.produces, value: product, ...(standsIn && { standsIn }) }
    if (supply) return { ...datum, outcome: 'supplied' }
    if (b.cutoff === true && valueOf(events, b.produces) === product) return { ...datum, outcome: 'same' }
    return { ...datum, outcome: 'produced', ...aboutOf(here.graph, events, b.produces) }
  }
  switch (made.outcome) {
    case 'waitFor':
      return { ...base, data: null, outcome: 'waitFor', value: undefined, awaits: made.awaits }
    default:
      return { ...base, data: null, outcome: made.outcome, value: undefined }
  }
}

const threw = (here: Here, events: readonly Event[], builder: string): boolean =>
  events.some(
    (e) => e.scope === here.scope && e.builder === builder && e.outcome === 'failed' && e.inputs !== undefined,
  )

interface Evaluated {
  readonly events: readonly Event[]
  /** It did not run because of a throw: had that run ended otherwise, this one might have followed. */
  readonly lost: boolean
}

/**
 * The events after `b` was run if it can be and, first, those who make what transients it lacks (rule 18, D3): one by
 * one in the order its inputs are declared, for as long as it still can run.
 */
function evaluate(here: Here, before: readonly Event[], b: BuilderSpec, supply: boolean): Evaluated {
  let events = before
  if (!isReadyButForTransients(here, events, b)) return { events, lost: false }
  for (const data of inputsOf(b)) {
    if (seenBy(here, events, b, data) !== undefined) continue
    const supplier = supplierOf(here, b, data)
    if (supplier !== undefined && !threw(here, events, supplier.name) && maySupply(here, events, supplier.name)) {
      const tried = evaluate(here, events, supplier, true)
      events = tried.events
      if (tried.lost) return tried
    }
    if (supplier !== undefined && threw(here, events, supplier.name)) return { events, lost: true }
    if (b.consumes.includes(data) && seenBy(here, events, b, data) === undefined) return { events, lost: false }
  }
  return { events: [...events, run(here, events, b, supply)], lost: false }
}

const stopped = (here: Here, events: readonly Event[]): boolean =>
  here.mode === 'sequential' && here.graph.order.some((b) => threw(here, events, b.name))

/**
 * Every run of a pass. Where a builder throws, in sequence nothing follows; in parallel the runs are all those that
 * might have been under way by then: whatever does not have to wait for the one that threw.
 */
function passOf(here: Here, before: readonly Event[]): Pass {
  let events = before
  const unresolved = new Map<string, { wakes: boolean }>()
  for (const b of here.graph.order) {
    if (hasRun(here, events, b.name)) continue
    const open = here.graph.edges.filter((e) => e.to === b.name && unresolved.has(e.from))
    const reached = here.due.has(b.name) || wakersOf(here.graph, b).some((data) => isActiveFor(here, events, b, data))
    const wakes = (e: Edge): boolean => unresolved.get(e.from)!.wakes && !(e.implied && e.kind === 'consumes')
    if (!reached && !open.some(wakes)) continue
    if (isSpent(here.graph, events, b)) {
      here.seen.onceSkipped = true
      continue
    }
    if (open.length > 0) {
      if (
        mightRun(
          here,
          events,
          b,
          open.map((e) => e.data),
        )
      )
        unresolved.set(b.name, { wakes: true })
      continue
    }
    const { events: then, lost } = evaluate(here, events, b, false)
    for (const e of then.slice(events.length)) {
      if (e.outcome === 'failed') unresolved.set(e.builder!, { wakes: e.supply !== true })
    }
    if (lost) unresolved.set(b.name, { wakes: true })
    events = then
    if (stopped(here, events)) break
  }
  const runs = events.slice(before.length)
  return { pass: here.pass, runs, failing: runs.some((e) => e.outcome === 'failed') }
}

/** Whether a builder that waits for unresolved producers could run, whatever comes of them. */
function mightRun(here: Here, events: readonly Event[], b: BuilderSpec, open: readonly string[]): boolean {
  return b.consumes.every(
    (data) =>
      open.includes(data) || seenBy(here, events, b, data) !== undefined || supplierOf(here, b, data) !== undefined,
  )
}

// A scope

/**
 * The scope that a call sets off, or, with a delta of `null`, the rest of the one a crash cut short. What is due
 * counts as triggered in the first pass.
 */
export function scopeOf(
  graph: Graph,
  state: State,
  mode: Mode,
  delta: Delta | null,
  operation: Operation | null = null,
): Scope {
  const scope = delta === null ? state.scope : state.scope + 1
  const seen: Seen = { onceSkipped: false, accessHeldBack: false }
  const base = { graph, scope, mode, attempts: state.attempts, seen }
  const asked = operation === null ? [] : [eventOf(operation, scope)]
  const before = standing([...state.events, ...asked])
  const fed: Event[] = []
  // What others are about comes first, those next, and what was fed by hand besides has been given in view of it all.
  const { abouts = {} } = graph.spec
  const involved = [...Object.keys(abouts), ...Object.values(abouts)]
  const depth = ({ name }: Delta[number]): number =>
    involved.includes(name) ? subjectsOf(graph.spec, name).length : involved.length
  for (const { name, value } of [...(delta ?? [])].sort((a, b) => depth(a) - depth(b))) {
    const about = aboutOf(graph, [...before, ...fed], name)
    fed.push({ scope, pass: 1, builder: null, data: name, outcome: 'fed', value, ...about })
  }
  const isAsking = (e: Event): boolean => e.outcome === 'restart' || e.asks !== undefined
  const earlier = before.filter((e) => e.scope < scope || isAsking(e))
  const isFed = (e: Event): boolean => e.scope === scope && e.outcome === 'fed'
  const brought = delta === null ? before.filter(isFed) : fed
  const due = dueIn(graph, earlier, settledIn(earlier, state.settled), brought)
  const passes: Pass[] = []
  if (operation?.kind === 'cancelled') return { scope, mode, asked, fed, passes, seen }
  let events: readonly Event[] = [...before, ...fed]
  for (let pass = delta === null ? state.open!.pass : 1; ; pass++) {
    const found = passOf({ ...base, pass, due: pass === 1 ? due : new Set() }, events)
    passes.push(found)
    events = [...events, ...found.runs]
    if (found.failing || !goesOn(graph, events, scope, pass)) return { scope, mode, asked, fed, passes, seen }
  }
}

function eventOf(operation: Operation, scope: number): Event {
  const base = { scope, pass: 1, builder: null, data: null, outcome: operation.kind, value: undefined }
  return operation.kind === 'rerun' ? { ...base, asks: operation.builder } : base
}

/** With a restart nothing is settled any more, before the scope it began has ended well. */
function settledIn(events: readonly Event[], settled: number): number {
  return events.findLastIndex((e) => e.outcome === 'restart') >= settled ? 0 : settled
}

/** Rule 11: whether another pass follows. */
function goesOn(graph: Graph, events: readonly Event[], scope: number, pass: number): boolean {
  const here = events.filter((e) => e.scope === scope && e.pass === pass)
  const made = here.filter((e) => e.outcome === 'produced')
  const reached = here.filter((e) => e.outcome === 'produced' || e.outcome === 'same')
  if (!graph.spec.loops || reached.some((e) => graph.spec.targets.includes(e.data!))) return false
  return made.some((e) => !graph.spec.transients.includes(e.data!))
}

/**
 * Whether a failing pass that ran in parallel may have ended with just these of its runs: someone threw, and nobody ran
 * before the builders it waits for.
 */
export function mayStop(graph: Graph, { runs }: Pass, done: ReadonlySet<string>): boolean {
  if (!runs.some((e) => e.outcome === 'failed' && done.has(e.builder!))) return false
  return isClosed(graph, runs, done)
}

/** Nobody ran before the builders it waits for. */
export function isClosed(graph: Graph, runs: readonly Event[], done: ReadonlySet<string>): boolean {
  const planned = new Set(runs.map((e) => e.builder))
  const waits = graph.edges.filter((e) => planned.has(e.from) && planned.has(e.to))
  return [...done].every((name) => planned.has(name)) && waits.every((e) => !done.has(e.to) || done.has(e.from))
}

/** The instance after a scope. Of a failing pass in parallel, only the runs in `done` count. */
export function after(graph: Graph, state: State, scope: Scope, done?: ReadonlySet<string>): State {
  const runs = scope.passes.flatMap((p) =>
    p.failing && done !== undefined ? p.runs.filter((e) => done.has(e.builder!)) : p.runs,
  )
  const failed = scope.passes.some((p) => p.failing)
  const events = forget(graph, [...state.events, ...scope.asked, ...scope.fed, ...runs])
  // A cancel runs nothing, so it leaves undone what was.
  const left = scope.asked.some((e) => e.outcome === 'cancelled') && state.settled < state.events.length
  const settled = failed || left ? settledIn(events, state.settled) : events.length
  return { events, settled, scope: scope.scope, failed, open: null, attempts: counted(state.attempts, runs) }
}

/** Drops the values of transients. */
export function forget(graph: Graph, events: readonly Event[]): Event[] {
  return events.map((e) => (graph.spec.transients.includes(e.data ?? '') ? { ...e, value: undefined } : e))
}

function counted(attempts: ReadonlyMap<string, number>, runs: readonly Event[]): Map<string, number> {
  const counts = new Map(attempts)
  for (const { builder } of runs) if (builder !== null) counts.set(builder, (counts.get(builder) ?? 0) + 1)
  return counts
}

/** An instance that is cancelled while a scope of it is open: that one is not finished. */
export function givenUp(state: State): State {
  if (state.open === null) return state
  const { scope } = state
  const reason: Event = { scope, pass: 1, builder: null, data: null, outcome: 'failed', value: undefined }
  return { ...state, events: [...state.events, reason], failed: true, open: null }
}

export const isCancelled = ({ events }: State): boolean => events.at(-1)?.outcome === 'cancelled'

/** A copy of an instance, as it was when it had so many events; `ends`: how it stood after each of its scopes. */
export function forkOf(ends: readonly State[], events: readonly Event[], count: number): State {
  const copied = events.slice(0, count)
  const last = ends.findLast((end) => end.events.length <= count)
  const settled = settledIn(copied, last?.settled ?? 0)
  const scope = copied.at(-1)!.scope + 1
  const forked: Event = { scope, pass: 1, builder: null, data: null, outcome: 'forked', value: undefined }
  const failed = settled < count
  const base = { events: [...copied, forked], scope, open: null, attempts: new Map<string, number>() }
  return { ...base, failed, settled: failed ? settled : count + 1 }
}
