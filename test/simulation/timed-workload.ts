/** Workflows whose builders are tried again and undone, with timers among them. */
import { plain } from '../model/spec.ts'
import type { BuilderSpec, WorkflowSpec } from '../model/spec.ts'
import type { Random } from './random.ts'
import { LONGEST_WAIT_MS, type TimedSpec, type TimerSpec, type TryPlan } from './timed-spec.ts'

export interface TimedWorkload {
  readonly spec: WorkflowSpec
  readonly timed: TimedSpec
}

function tryPlanOf(random: Random): TryPlan {
  const isFar = random.chance(0.4)
  return {
    attempts: random.int(2, 3),
    initial: isFar ? random.int(LONGEST_WAIT_MS + 1, 400) : random.int(5, LONGEST_WAIT_MS / 2),
    // More than there are tries: then it fails for good.
    fails: random.int(1, 3),
  }
}

function timerOf(random: Random, at: number, pool: readonly string[]): TimerSpec {
  const after = random.pick(pool)
  const others = pool.filter((name) => name !== after)
  const repeats = random.chance(0.3)
  return {
    ...{ name: `t${at}`, produces: `T${at}`, after },
    unless: others.length > 0 && random.chance(0.4) ? [random.pick(others)] : [],
    kind: random.chance(0.25) ? 'at' : 'delay',
    span: random.pick([1, 60, 300, 900]),
    every: repeats ? random.pick([40, 250]) : 0,
    times: repeats ? random.int(2, 3) : 1,
    evenWhenCompleted: random.chance(0.5),
  }
}

function builderOf(random: Random, at: number, pool: readonly string[], fresh: readonly string[]): BuilderSpec {
  const left = [...pool]
  const take = (): string => left.splice(random.int(0, left.length - 1), 1)[0]!
  // What was declared last is sure to be read.
  const consumes = fresh.length > 0 ? [left.splice(left.indexOf(fresh.at(-1)!), 1)[0]!] : [take()]
  if (random.chance(0.3) && left.length > 0) consumes.push(take())
  return {
    ...{ name: `b${at}`, consumes, optionals: random.chance(0.4) && left.length > 0 ? [take()] : [] },
    ...{ accesses: [], produces: `P${at}`, once: random.chance(0.15), pure: false },
    behaviour: {
      ...plain,
      timing: random.pick(['sync', 'micro', 'macro', 'macro'] as const),
      nothing: random.chance(0.15) ? random.int(2, 3) : 0,
    },
  }
}

export function timedWorkloadOf(random: Random): TimedWorkload {
  const pool = Array.from({ length: random.int(2, 3) }, (_, i) => `X${i}`)
  const builders: BuilderSpec[] = []
  const timers: TimerSpec[] = []
  const size = random.int(2, 4)
  while (builders.length < size) {
    const fresh: string[] = []
    if (timers.length < 2 && random.chance(0.45)) {
      const timer = timerOf(random, timers.length, pool)
      timers.push(timer)
      pool.push(timer.produces)
      if (random.chance(0.8)) fresh.push(timer.produces)
    }
    const made = builderOf(random, builders.length, pool, fresh)
    builders.push(made)
    pool.push(made.produces)
  }
  const some = (probability: number): BuilderSpec[] => builders.filter(() => random.chance(probability))
  const undone = some(random.pick([0, 0.6, 0.9]))
  const spec: WorkflowSpec = {
    ...{ builders, targets: [`P${size - 1}`], transients: [], loops: false },
    durability: undone.length === 0 && random.chance(0.2) ? 'scope' : 'builder',
  }
  return {
    spec,
    timed: {
      tries: new Map(some(0.5).map(({ name }) => [name, tryPlanOf(random)])),
      undo: new Map(undone.map(({ name }) => [name, random.int(0, 2)])),
      timers,
      onFailure: undone.length > 0 && random.chance(0.5) ? 'compensate' : 'keep',
    },
  }
}
