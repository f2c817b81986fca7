/** What a seed comes to: a workflow, who feeds it what, and which faults there are. */
import type { BuilderSpec, Behaviour, WorkflowSpec } from '../model/spec.ts'
import { dataOf, plain } from '../model/spec.ts'
import type { Random } from './random.ts'
import type { TimedSpec } from './timed-spec.ts'
import { timedWorkloadOf } from './timed-workload.ts'

export const LEASE_MS = 1_000
export const POLL_MS = 200
/** For so long the lease of a builder that hangs is renewed. */
export const LONGEST_RUN_MS = 3_500

/** `undo`: cancel and compensate. */
export type SecondThought = 'restart' | 'rerun' | 'cancel' | 'delete' | 'undo' | 'fork'

export interface Operation {
  readonly number: number
  readonly kind: 'sequential' | 'parallel' | 'submit' | 'resume' | SecondThought
  /** With `rerun`: which. */
  readonly builder: string
  readonly id: string
  /** With `fork`: the copy's id, and which entry of the history it ends with, of as many as there are; 0 is the newest. */
  readonly to: string
  readonly at: number
  readonly delta: readonly { readonly name: string; readonly value: string }[]
  readonly requestId: string | undefined
  /** Sent to two processes at the same time. */
  readonly twice: boolean
  readonly isNew: boolean
  /** Milliseconds before it is sent. */
  readonly pause: number
}

export interface Weather {
  readonly calm: boolean
  /** Answers get lost, and nothing else happens: sent again, everything comes out as if none had been. */
  readonly lossy: boolean
  /** Of a call of the store. */
  readonly refused: number
  readonly lost: number
  readonly late: number
  readonly slow: number
  /** Of each step. */
  readonly kill: number
  /** A process dies at one of its first so many writes; 0: it does not. */
  readonly fatalWrites: number
  readonly pause: number
  readonly jump: number
  readonly close: number
  readonly workerStop: number
  readonly newsLost: number
  readonly eager: number
  readonly clocksApart: boolean
  /** What a call of the store takes, in milliseconds. */
  readonly latency: number
  /** Of a run of a builder. */
  readonly longRun: number
  readonly hang: number
}

export interface Workload {
  readonly spec: WorkflowSpec
  /** Where time counts. */
  readonly timed: TimedSpec | undefined
  readonly processes: number
  /** Of a process that starts. */
  readonly workers: number
  readonly cold: boolean
  readonly news: boolean
  /** What each client does, one after the other. */
  readonly clients: readonly (readonly Operation[])[]
  readonly weather: Weather
  /** After so many steps there are no more faults. */
  readonly faultySteps: number
}

function behaviourOf(random: Random): Behaviour {
  const timing = random.pick(['sync', 'micro', 'macro', 'macro'] as const)
  const base = { ...plain, timing }
  switch (random.int(0, 9)) {
    case 0:
      return { ...base, nothing: random.int(1, 3) }
    case 1:
      return { ...base, waitFor: random.int(1, 3) }
    case 2:
      return { ...base, throwsWhen: random.int(2, 3) }
    case 3:
      return { ...base, throwsFirst: random.int(1, 2) }
    default:
      return base
  }
}

function builderOf(random: Random, at: number, outside: number): BuilderSpec {
  const pool = [...Array.from({ length: at }, (_, i) => `P${i}`), ...Array.from({ length: outside }, (_, i) => `X${i}`)]
  const left = [...pool]
  const take = (most: number): string[] =>
    Array.from(
      { length: Math.min(random.int(0, most), left.length) },
      () => left.splice(random.int(0, left.length - 1), 1)[0]!,
    )
  const consumes = random.chance(0.5) && at > 0 ? [left.splice(at - 1, 1)[0]!, ...take(1)] : take(2)
  return {
    name: `b${at}`,
    consumes,
    optionals: random.chance(0.3) ? take(1) : [],
    accesses: random.chance(0.2) ? take(1) : [],
    produces: `P${at}`,
    once: random.chance(0.12),
    pure: random.chance(0.25),
    behaviour: behaviourOf(random),
  }
}

/** Two builders of which each waits for what the other makes: passes that are sure to repeat. */
function knot(random: Random): BuilderSpec[] {
  const base = { accesses: [], once: false, pure: false }
  const { timing } = behaviourOf(random)
  return [
    { ...base, name: 'b0', consumes: ['P1'], optionals: ['X0'], produces: 'P0', behaviour: { ...plain, timing } },
    { ...base, name: 'b1', consumes: ['X0'], optionals: ['P0'], produces: 'P1', behaviour: { ...plain, timing } },
  ]
}

function specOf(random: Random): WorkflowSpec {
  const outside = random.int(1, 3)
  const loops = random.chance(0.15)
  const builders = loops ? knot(random) : []
  const size = builders.length + random.int(1, 4)
  while (builders.length < size) builders.push(builderOf(random, builders.length, outside))
  // A target that needs something seldom fed, so that passes go on.
  const target = `P${size - 1}`
  const transients = builders
    .filter((b) => random.chance(0.15) && !b.once && b.produces !== target)
    .map((b) => b.produces)
  if (random.chance(0.08) && builders.some(({ consumes }) => consumes.includes('X0'))) transients.push('X0')
  const durability = random.chance(0.7) ? 'builder' : 'scope'
  return { builders, targets: [target], transients, loops, durability }
}

function weatherOf(random: Random): Weather {
  const lossy = random.chance(0.08)
  const calm = !lossy && random.chance(0.12)
  const quiet = calm || lossy
  // Each schedule knows some of the faults: all at once, they would hide one another.
  const sometimes = (probability: number, least: number, most: number): number =>
    !quiet && random.chance(probability) ? least + random.float() * (most - least) : 0
  return {
    calm,
    lossy,
    refused: sometimes(0.4, 0.02, 0.2),
    lost: lossy ? 0.1 : sometimes(0.5, 0.02, 0.25),
    late: sometimes(0.3, 0.02, 0.15),
    slow: sometimes(0.4, 0.02, 0.2),
    kill: sometimes(0.4, 0.003, 0.03),
    fatalWrites: random.chance(0.4) && !quiet ? random.int(1, 6) : 0,
    pause: sometimes(0.4, 0.003, 0.02),
    jump: sometimes(0.3, 0.002, 0.01),
    close: sometimes(0.2, 0.002, 0.01),
    workerStop: sometimes(0.3, 0.002, 0.02),
    newsLost: sometimes(0.5, 0.1, 0.9),
    eager: sometimes(0.5, 0.01, 0.2),
    clocksApart: random.chance(0.3),
    latency: random.chance(0.5) ? 0 : random.pick([2, 10, 30]),
    longRun: random.chance(0.4) ? 0.25 : 0,
    hang: sometimes(0.15, 0.02, 0.1),
  }
}

/** How many of the schedules are about time and second thoughts. */
const TIMED = 0.4

const THOUGHTS = ['restart', 'restart', 'rerun', 'rerun', 'cancel', 'delete'] as const
const TIMED_THOUGHTS = ['restart', 'rerun', 'cancel', 'undo', 'undo', 'fork', 'fork', 'delete'] as const

export function workloadOf(random: Random): Workload {
  const given = random.chance(TIMED) ? timedWorkloadOf(random) : { spec: specOf(random), timed: undefined }
  const { spec, timed } = given
  const ids = Array.from({ length: random.pick([1, 1, 2, 3]) }, (_, i) => `i${i}`)
  const operation = operations(random, given, ids)
  const clients = Array.from({ length: random.int(1, 4) }, () => Array.from({ length: random.int(1, 4) }, operation))
  return {
    ...{ spec, timed, clients },
    processes: random.int(2, 5),
    workers: random.pick([0, 0.5, 1]),
    cold: random.chance(0.2),
    news: random.chance(0.6),
    weather: weatherOf(random),
    faultySteps: random.int(50, 600),
  }
}

/** Every data that a workload's workflow knows. */
export function dataIn({ spec, timed }: Pick<Workload, 'spec' | 'timed'>): readonly string[] {
  const ofTimers = (timed?.timers ?? []).flatMap(({ after, produces, unless }) => [after, produces, ...unless])
  return [...new Set([...dataOf(spec), ...ofTimers])]
}

function operations(
  random: Random,
  { spec, timed }: Pick<Workload, 'spec' | 'timed'>,
  ids: readonly string[],
): () => Operation {
  const known = dataIn({ spec, timed })
  const produced = new Set([...spec.builders, ...(timed?.timers ?? [])].map((b) => b.produces))
  const outside = known.filter((name) => !produced.has(name))
  const copies = timed === undefined ? [] : ['f0', 'f1']
  const submits = random.pick([0, 0.3, 0.6])
  const requests = random.pick([0, 0.5, 1])
  const thoughts = random.pick(timed === undefined ? [0, 0.15, 0.35] : [0.1, 0.3, 0.5])
  let number = 0
  return () => {
    number++
    const roll = random.float()
    const call = random.chance(submits) ? 'submit' : roll < 0.1 ? 'resume' : roll < 0.5 ? 'sequential' : 'parallel'
    const thought = random.pick<SecondThought>(timed === undefined ? THOUGHTS : TIMED_THOUGHTS)
    const kind = random.chance(thoughts) ? thought : call
    const feeds = kind === 'sequential' || kind === 'parallel' || kind === 'submit'
    const pool = outside.length === 0 || random.chance(0.12) ? known : outside
    const names = !feeds || random.chance(0.08) ? [] : pool.filter(() => random.chance(0.6))
    const chosen = names.length === 0 && feeds && random.chance(0.9) ? [random.pick(pool)] : names
    const named = feeds || kind === 'restart' || kind === 'rerun'
    const requestId = named && random.chance(requests) ? `request ${number}` : undefined
    return {
      ...{ number, kind },
      builder: random.pick(spec.builders).name,
      id: copies.length > 0 && random.chance(0.2) ? random.pick(copies) : random.pick(ids),
      to: random.pick([...copies, 'f0']),
      at: random.chance(0.5) ? 0 : random.int(1, 99),
      delta: chosen.map((name) => ({ name, value: `${name}=${number}` })),
      requestId,
      twice: requestId !== undefined && random.chance(0.25),
      isNew: feeds && random.chance(0.05),
      pause: random.chance(0.5) ? 0 : random.int(0, 400),
    }
  }
}
