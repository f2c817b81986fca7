/** What a case really exercised, so that the property test can tell when its generator has stopped producing it. */
import { runsOf, type Followed } from './follow.ts'
import type { Case, Step } from './generate.ts'
import type { Graph } from './graph.ts'
import { given as givenTo, newest, standing, type Event } from './model.ts'

export const FEATURES = [
  'cycle',
  'second pass',
  'optionals',
  'accesses',
  'access held back',
  'transients',
  'supplied',
  'once',
  'several targets',
  'nothing',
  'waitFor',
  'throw',
  'throw in parallel',
  'crash',
  'crash within a scope',
  'store trouble',
  'process replaced',
  'resume',
  'restart',
  'rerun',
  'fork',
  'fork of the past',
  'cancel',
  'fallback',
  'cutoff',
  'product fed',
  'about',
  'outdated',
  'refused as outdated',
  'sequential',
  'parallel',
  'memory',
  'sqlite',
] as const

export type Feature = (typeof FEATURES)[number]

const isGiven = (events: readonly Event[], data: string): boolean => givenTo(events, data) !== undefined

export function countFeatures(
  graph: Graph,
  given: Case,
  step: Step,
  { scopes, state }: Followed,
  found: Set<Feature>,
): void {
  const { spec } = graph
  const runs = scopes.flatMap(runsOf)
  const events = standing(state.events)
  const isOutdated = (data: string): boolean => isGiven(events, data) && newest(events, data) === undefined
  if (scopes.length > 0 && Object.keys(spec.abouts ?? {}).some(isOutdated)) found.add('outdated')
  if (runs.length === 0) return
  const note = (feature: Feature, holds: boolean): void => void (holds && found.add(feature))
  const specOf = (name: string | null) => spec.builders.find((b) => b.name === name)!
  note(
    'cycle',
    graph.cut.some((cut) => runs.some((e) => e.builder === cut.to || e.builder === cut.from)),
  )
  note(
    'second pass',
    runs.some((e) => e.pass > 1),
  )
  note(
    'optionals',
    runs.some((e) => specOf(e.builder).optionals.some((data) => data in e.inputs!)),
  )
  note(
    'accesses',
    runs.some((e) => specOf(e.builder).accesses.some((data) => data in e.inputs!)),
  )
  note(
    'access held back',
    scopes.some((scope) => scope.seen.accessHeldBack),
  )
  note(
    'transients',
    runs.some((e) => spec.transients.some((data) => data in e.inputs!)),
  )
  note(
    'supplied',
    runs.some((e) => e.outcome === 'supplied'),
  )
  note(
    'once',
    scopes.some((scope) => scope.seen.onceSkipped),
  )
  note(
    'fallback',
    runs.some((e) => e.standsIn === true),
  )
  note(
    'cutoff',
    runs.some((e) => e.outcome === 'same'),
  )
  note('several targets', spec.targets.length > 1)
  note(
    'nothing',
    runs.some((e) => e.outcome === 'nothing'),
  )
  note(
    'waitFor',
    runs.some((e) => e.outcome === 'waitFor'),
  )
  note(
    'throw',
    runs.some((e) => e.outcome === 'failed'),
  )
  note(
    'throw in parallel',
    scopes.some((scope) => scope.mode === 'parallel' && scope.passes.some((p) => p.failing)),
  )
  if (step.kind === 'resume' || step.kind === 'restart' || step.kind === 'rerun') note(step.kind, true)
  const { abouts = {} } = spec
  const isRead = (data: string): boolean => runs.some((e) => data in e.inputs!)
  note('about', Object.keys(abouts).some(isRead))
  note(
    'product fed',
    step.delta.some(({ name }) => spec.builders.some((b) => b.produces === name)),
  )
  note(
    'sequential',
    scopes.some((scope) => scope.mode === 'sequential' && runsOf(scope).length > 1),
  )
  note(
    'parallel',
    scopes.some((scope) => scope.mode === 'parallel' && runsOf(scope).length > 1),
  )
  note('memory', given.store !== 'sqlite')
  note('sqlite', given.store === 'sqlite')
}
