/** Plays a random case on the library and on the reference, and compares the two after every step. */
import { BuilderError, isPolarisError, Polaris } from 'polaris-workflow'
import type { DataStore, HistoryEntry, Row } from 'polaris-workflow'

import { countFeatures, type Feature } from './features.ts'
import { follow, runsOf, type FoundEvent, type Phase } from './follow.ts'
import type { Case, Step } from './generate.ts'
import { graphOf, unreachableIn, type Graph } from './graph.ts'
import { after, empty, forkOf, givenUp, isCancelled, keyOf, newest, scopeOf, standing, valueOf } from './model.ts'
import type { Event, Scope, State } from './model.ts'
import { subjectsOf, type Inputs } from './spec.ts'
import { dataSetOf, standingOf } from './status.ts'
import { mortal, newWorld, realise, StoreTrouble, type Life, type Mortal, type Real, type World } from './world.ts'
import { storeTime } from '../support/time.ts'

/** A store that can be closed and opened again, as by another process. */
export interface Medium {
  open(): DataStore
  /** Whether what was written is still there after the store was closed. */
  readonly lasting: boolean
}

const FIRST = 'the one'

interface Process {
  readonly life: Life
  readonly store: DataStore
  readonly mortal: Mortal
  readonly real: Real
  readonly polaris: Polaris
}

function begin(spec: Case['spec'], world: World, store: DataStore): Process {
  const life: Life = { dead: false }
  const real = realise(spec, world, life)
  const held = mortal(store, life)
  return { life, store, mortal: held, real, polaris: new Polaris({ store: held }).register(real.workflow) }
}

type Answer =
  | { readonly kind: 'result' | 'failure'; readonly result: AnyResult; readonly builder?: string }
  | { readonly kind: 'died' | 'trouble' | 'missing' | 'cancelled' | 'outdated' }

interface AnyResult {
  readonly status: string
  readonly produced: readonly { readonly name: string; readonly value: unknown }[]
  readonly waitingFor: readonly string[]
  readonly targetName?: string | undefined
  readonly target?: unknown
  latest(data: never): unknown
  get(data: never): unknown
}

async function call(process: Process, id: string, step: Step): Promise<Answer> {
  const died = process.mortal.death.then((): Answer => ({ kind: 'died' }))
  return Promise.race([answerOf(asked(process, id, step)), died])
}

function asked({ polaris, real }: Process, id: string, step: Step): Promise<unknown> {
  const executor = polaris.executor(step.concurrency === 0 ? {} : { concurrency: step.concurrency })
  switch (step.kind) {
    case 'resume':
      return executor.resume(real.workflow, id)
    case 'restart':
      return executor.restart(real.workflow, id)
    case 'rerun':
      return executor.rerun(real.workflow, id, step.builder)
    case 'cancel':
      return polaris.cancel(id)
    case 'fork':
      throw new Error('a fork is another instance')
    case 'call': {
      const delta = step.delta.map(({ name, value }) => real.data.get(name)!.untyped(value))
      return executor[step.mode](real.workflow, id, ...(delta as never[]))
    }
  }
}

async function answerOf(promise: Promise<unknown>): Promise<Answer> {
  try {
    return { kind: 'result', result: (await promise) as AnyResult }
  } catch (error) {
    if (error instanceof BuilderError) return { kind: 'failure', result: error.result, builder: error.builder }
    if (error instanceof StoreTrouble) return { kind: 'trouble' }
    if (isPolarisError(error, 'INSTANCE_NOT_FOUND')) return { kind: 'missing' }
    if (isPolarisError(error, 'CANCELLED')) return { kind: 'cancelled' }
    if (isPolarisError(error, 'DATA_OUTDATED')) return { kind: 'outdated' }
    throw error
  }
}

/** Rows as the reference writes them. Whether a run was only for a reader's sake is told by its place in the store. */
async function eventsIn({ polaris, store }: Process, id: string): Promise<FoundEvent[]> {
  const entries = await polaris.history(id)
  const rows = await store.history(id, { limit: 1000 })
  return entries.filter((entry) => entry.outcome !== 'call').map((entry, at) => eventOf(entry, rows[at]!, entries))
}

function eventOf(entry: HistoryEntry, { place, note }: Row, all: readonly HistoryEntry[]): FoundEvent {
  const { seq, inputs, scope, pass, builder, data, outcome, value, awaits, about } = entry
  const subject = all.find((other) => other.seq === about)
  return {
    seq,
    reads: inputs,
    scope,
    pass,
    builder: outcome === 'rerun' ? null : (builder ?? null),
    data: data ?? null,
    outcome: note?.sameAs === undefined ? (outcome as Event['outcome']) : 'same',
    value: value as Event['value'],
    supply: place.startsWith('s:'),
    ...(awaits !== undefined && { awaits }),
    ...(subject !== undefined && {
      about: { data: subject.data!, key: keyOf({ scope: subject.scope, outcome: subject.outcome } as Event) },
    }),
    ...(outcome === 'rerun' && { asks: builder! }),
  }
}

/** A case as far as it was played. */
interface Played {
  readonly given: Case
  readonly medium: Medium
  readonly graph: Graph
  readonly world: World
  readonly features: Set<Feature>
  process: Process
  /** The instance at hand: the first, or a fork. */
  id: string
  /** By the rules, as it stands and as it stood after each of its scopes. */
  state: State
  ends: State[]
  /** Instances that were forked, as they stood then: nothing happens to them any more. */
  readonly originals: { readonly id: string; readonly stored: string }[]
}

/** The features that really played a part, or a throw that says what differs. */
export async function runCase(given: Case, medium: Medium): Promise<Set<Feature>> {
  const world = newWorld()
  const played: Played = {
    ...{ given, medium, graph: graphOf(given.spec), world, features: new Set() },
    process: begin(given.spec, world, medium.open()),
    ...{ id: FIRST, state: empty, ends: [], originals: [] },
  }
  comparePlan(played.graph, played.process.real)
  for (const [at, step] of given.steps.entries()) {
    if (step.reopen) played.process = await replaced(played)
    const label = `step ${at + 1}: `
    world.ran = []
    played.process.mortal.arm(step.crash)
    await (step.kind === 'fork' ? forkStep(label, played, step) : callStep(label, played, step))
  }
  for (const { id, stored } of played.originals)
    expectSame(`${id}, after it was forked`, await storedOf(played, id), stored)
  await discard(played.process)
  return played.features
}

/** Makes a new process of one that has died; says how the step was cut short, if it was. */
async function afterStep(played: Played, died: boolean): Promise<boolean> {
  const cutShort = died || played.process.mortal.faltered
  if (died) {
    played.process = await replaced(played)
    played.features.add('crash')
  }
  played.process.mortal.arm(null)
  return cutShort
}

/**
 * The step without what is about something that is not there, which would be refused as a whole; that it is, is seen first. What
 * a scope that was cut short leaves behind is not known before it was finished.
 */
async function withoutOutdated(label: string, played: Played, step: Step): Promise<Step> {
  const { graph, process, id, state, features } = played
  const { abouts = {} } = graph.spec
  const events = standing(state.events)
  const isFed = (name: string): boolean => step.delta.some((datum) => datum.name === name)
  const fits = ({ name }: Step['delta'][number]): boolean => {
    const subject = abouts[name]
    if (subject === undefined) return true
    if (state.open !== null) return false
    if (isFed(subject)) return fits({ name: subject, value: null })
    // What it is about may be about what comes along, and so be gone by then.
    return newest(events, subject) !== undefined && !subjectsOf(graph.spec, subject).some(isFed)
  }
  const delta = step.delta.filter(fits)
  if (step.kind !== 'call' || step.delta.length === 0) return step
  const isOver = isCancelled(state) || state.open !== null
  if (delta.length < step.delta.length && !isOver && step.crash === null) {
    const before = state.scope === 0 ? '' : await storedOf(played, id)
    expectSame(`${label}without what it is about`, (await call(process, id, step)).kind, 'outdated')
    if (state.scope > 0) expectSame(`${label}after a refusal`, await storedOf(played, id), before)
    features.add('refused as outdated')
  }
  return { ...step, delta }
}

async function callStep(label: string, played: Played, asked: Step): Promise<void> {
  const step = await withoutOutdated(label, played, asked)
  const { graph, world, given, features, id } = played
  const answer = await call(played.process, id, step)
  const cutShort = await afterStep(played, answer.kind === 'died')
  const ran = [...world.ran]
  if (answer.kind === 'trouble') features.add('store trouble')
  if (answer.kind === 'missing') {
    expectSame(`${label}${step.kind} of nothing`, played.state.scope, 0)
    return
  }
  const before = step.kind === 'cancel' ? givenUp(played.state) : played.state
  const isRefused = isCancelled(before) && step.kind !== 'cancel' && answer.kind !== 'died' && answer.kind !== 'trouble'
  expectSame(`${label}refused`, answer.kind === 'cancelled', isRefused)
  const { process } = played
  const snapshot = await process.store.read(id)
  const events = await eventsIn(process, id)
  const eager = process.store.capabilities.durable && given.spec.durability === 'builder'
  const found = { header: snapshot?.header, events }
  const phases = isCancelled(before) ? [] : phasesOf(before, step)
  const limit = step.concurrency || Infinity
  const followed = follow(graph, before, phases, { found, ran, cutShort, eager, limit })
  expectNothing(label, [...followed.problems, ...world.wrong])
  const state = (played.state = { ...followed.state, attempts: new Map(world.attempts) })
  played.ends.push(...followed.ends)
  countFeatures(graph, given, step, followed, features)
  if (state.scope === 0) return
  if (state.open !== null) {
    features.add('crash within a scope')
    return
  }
  await compareView(label, played)
  if (step.kind === 'cancel') features.add('cancel')
  else if (!cutShort && !isRefused)
    compareAnswer(label, graph, before, state, followed.own, answer, events, process.real)
}

/** Copies the instance at hand and goes on with the copy. */
async function forkStep(label: string, played: Played, { at: pick }: Step): Promise<void> {
  const { state, ends, features, id } = played
  const { length } = state.events
  const at = pick === 0 || length === 0 ? length : 1 + (pick % length)
  const stored = await storedOf(played, id)
  const copy = `${id}'`
  const { polaris, mortal: held } = played.process
  const forking = answerOf(polaris.fork(id, copy, pick === 0 ? {} : { at: Math.max(1, at) }))
  const answer = await Promise.race([forking, held.death.then((): Answer => ({ kind: 'died' }))])
  const cutShort = await afterStep(played, answer.kind === 'died')
  expectSame(`${label}the original`, await storedOf(played, id), stored)
  const is = (await played.process.store.read(copy)) !== undefined
  if (!cutShort) expectSame(`${label}the fork`, is, length > 0)
  if (!is) return
  played.originals.push({ id, stored })
  const events = await eventsIn(played.process, copy)
  const was = await eventsIn(played.process, id)
  expectSame(`${label}copied`, events.slice(0, -1), was.slice(0, at))
  played.id = copy
  // Of the past, only those scopes are known to have ended that left something.
  const known = ends.filter((end, i) => end.events.length > (ends[i - 1]?.events.length ?? 0))
  played.state = forkOf(at === length ? [state] : known, was, at)
  played.state = { ...played.state, attempts: state.attempts }
  expectSame(`${label}forked`, events.map(labelOf), played.state.events.map(labelOf))
  played.ends = [...ends.filter((end) => end.events.length <= at), played.state]
  features.add(at === length ? 'fork' : 'fork of the past')
  await compareView(label, played)
}

const labelOf = ({ scope, outcome, data }: Event): string => `${scope} ${outcome} ${data ?? ''}`

async function storedOf({ process: { store } }: Played, id: string): Promise<string> {
  return JSON.stringify([(await store.read(id))?.header, await store.history(id, { limit: 1000 })])
}

/** Rules 2 and 4. */
function comparePlan(graph: Graph, { workflow: { plan } }: Real): void {
  const ranks: string[][] = []
  for (const { name } of graph.order) (ranks[graph.rank.get(name)!] ??= []).push(name)
  expectSame('ranks', plan.ranks, ranks)
  expectSame('unreachable', new Set(plan.unreachable), new Set(unreachableIn(graph)))
}

function phasesOf(state: State, { kind, mode, delta, builder }: Step): Phase[] {
  const open: Phase[] = state.open === null ? [] : [{ mode: state.open.mode, delta: null }]
  switch (kind) {
    case 'resume':
      return open.length > 0 ? open : [{ mode, delta }]
    case 'restart':
      return [...open, { mode, delta, operation: { kind } }]
    case 'rerun':
      return [...open, { mode, delta, operation: { kind, builder } }]
    case 'cancel':
      return [...open, { mode, delta, operation: { kind: 'cancelled' } }]
    default:
      return [...open, { mode, delta }]
  }
}

async function replaced({ process: last, given: { spec }, world, medium, features }: Played): Promise<Process> {
  features.add('process replaced')
  last.life.dead = true
  storeTime.outliveLeases()
  if (!medium.lasting) return begin(spec, world, last.store)
  await last.store.close()
  return begin(spec, world, medium.open())
}

async function discard({ polaris, store, life }: Process): Promise<void> {
  if (!life.dead) await polaris.close()
  await store.close()
}

async function compareView(label: string, { graph, process, id, state }: Played): Promise<void> {
  const view = await process.polaris.get(id)
  const standing = standingOf(graph, state)
  expectSame(`${label}data set`, { ...view?.data }, dataSetOf(graph, state))
  expectSame(`${label}status`, view?.status, standing.status)
  expectSame(`${label}target`, view?.targetName, standing.targetName)
  expectSame(`${label}stored waitingFor`, view?.waitingFor, standing.waitingFor)
}

function compareAnswer(
  label: string,
  graph: Graph,
  before: State,
  state: State,
  scope: Scope | undefined,
  answer: Answer,
  events: readonly Event[],
  real: Real,
): void {
  if (answer.kind !== 'result' && answer.kind !== 'failure') throw new Error(`${label}answered ${answer.kind}`)
  const { result } = answer
  const standing = standingOf(graph, state)
  const failing = scope?.passes.some((p) => p.failing) === true
  expectSame(`${label}answer`, answer.kind, failing ? 'failure' : 'result')
  expectSame(`${label}result's status`, result.status, standing.status)
  expectSame(`${label}result's target`, result.targetName, standing.targetName)
  expectSame(`${label}result's waitingFor`, result.waitingFor, standing.waitingFor)
  const produced = producedIn(graph, before, scope, events)
  expectSame(`${label}produced`, new Map(order(scope, result.produced)), new Map(order(scope, produced)))
  if (answer.kind === 'failure') {
    const threw = runsOf(scope!)
      .filter((e) => e.outcome === 'failed')
      .map((e) => e.builder)
    if (!threw.includes(answer.builder!)) throw new Error(`${label}${answer.builder} is said to have thrown`)
  }
  const dataSet = dataSetOf(graph, state)
  for (const [name, data] of real.data) {
    if (graph.spec.transients.includes(name)) continue
    expectSame(`${label}latest ${name}`, result.latest(data as never), dataSet[name])
  }
  for (const { name, value } of produced) {
    expectSame(`${label}get ${name}`, result.get(real.data.get(name) as never), value)
  }
}

/** What the last scope made: what it ran now, and, of one that was taken up after a crash, what is stored of it. */
function producedIn(graph: Graph, before: State, scope: Scope | undefined, events: readonly Event[]) {
  if (scope === undefined) return []
  const known = before.events.filter((e) => e.scope === scope.scope)
  // What was the same is stored without its value.
  const earlier = known
    .filter((e) => e.outcome === 'produced' || e.outcome === 'same')
    .map((e) => (e.outcome === 'same' ? { ...e, value: valueOf(standing(before.events), e.data!) } : e))
  const there = events
    .filter((e) => e.scope === scope.scope)
    .slice(known.length)
    .map((e) => e.builder)
  const made = runsOf(scope).filter(
    (e) => ['produced', 'supplied', 'same'].includes(e.outcome) && there.includes(e.builder),
  )
  return [...earlier.filter((e) => !graph.spec.transients.includes(e.data!)), ...made].map((e) => ({
    name: e.data!,
    value: e.value!,
  }))
}

/** In sequence the order counts too. */
function order(scope: Scope | undefined, made: readonly { readonly name: string; readonly value: unknown }[]) {
  const pairs = made.map(({ name, value }) => [name, value] as const)
  return scope?.mode === 'sequential' ? pairs : pairs.sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The data set after all steps, each in the mode `flip` makes of its own, with no crash; `undefined` if anything threw. */
export async function finalDataSet(
  { spec, steps }: Case,
  flip: boolean,
  store: DataStore,
): Promise<Inputs | undefined> {
  const world = newWorld()
  const process = begin(spec, world, store)
  for (const step of steps) {
    const mode = flip === (step.mode === 'sequential') ? 'parallel' : 'sequential'
    const answer = await call(process, FIRST, { ...step, kind: 'call', mode, crash: null })
    if (answer.kind !== 'result' && answer.kind !== 'outdated') return undefined
  }
  const view = await process.polaris.get(FIRST)
  return { ...(view?.data as Inputs) }
}

/** `compute` with the first step's delta: a scope of its own, whatever the instance did. */
export async function compareCompute({ spec, steps }: Case): Promise<void> {
  const graph = graphOf(spec)
  const world = newWorld()
  const real = realise(spec, world, { dead: false })
  const polaris = new Polaris().register(real.workflow)
  const fed = steps[0]!.delta.map(({ name }) => name)
  const delta = steps[0]!.delta.filter(({ name }) => subjectsOf(spec, name).every((subject) => fed.includes(subject)))
  const data = delta.map(({ name, value }) => real.data.get(name)!.untyped(value))
  const answer = await answerOf(polaris.executor().compute(real.workflow, ...(data as never[])))
  const scope = scopeOf(graph, empty, 'parallel', delta)
  const done = new Set(world.ran.map((run) => run.builder))
  const events = runsOf(scope).filter((e) => done.has(e.builder!))
  const found = [...scope.fed, ...events].map((e, at): FoundEvent => ({ ...e, seq: at, reads: undefined }))
  const header = { scope: 1, pass: 0 } as never
  const observed = { found: { header, events: found }, ran: world.ran, cutShort: false, eager: false, limit: Infinity }
  const { problems } = follow(graph, empty, [{ mode: 'parallel', delta }], observed)
  expectNothing('compute: ', [...problems, ...world.wrong])
  const state = after(graph, empty, scope, done)
  const standing = standingOf(graph, state)
  if (answer.kind !== 'result' && answer.kind !== 'failure') throw new Error(`compute answered ${answer.kind}`)
  expectSame('status of compute', answer.result.status, standing.status)
  const produced = producedIn(graph, empty, scope, found)
  expectSame('produced by compute', new Map(order(scope, answer.result.produced)), new Map(order(scope, produced)))
}

function expectNothing(label: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(label + problems.join('\n' + ' '.repeat(label.length)))
}

function expectSame(what: string, real: unknown, byRules: unknown): void {
  const text = (value: unknown): string =>
    JSON.stringify(
      value instanceof Map
        ? [...value]
        : value instanceof Set
          ? [...value].sort()
          : value instanceof Object
            ? sorted(value)
            : value,
    ) ?? 'undefined'
  if (text(real) !== text(byRules)) throw new Error(`${what}: ${text(real)}, by the rules ${text(byRules)}`)
}

function sorted(value: object): unknown {
  return Array.isArray(value) ? (value as unknown[]) : Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
}
