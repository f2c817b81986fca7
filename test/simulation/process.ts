/** A process: a Polaris of its own, its builders, perhaps a worker. */
import { builder, data, isPolarisError, Polaris, type, workflow } from 'polaris-workflow'
import type {
  AnyBuilder,
  AnyData,
  AnyWorkflow,
  BuildContext,
  ErrorCode,
  HookInfo,
  Hooks,
  Worker,
} from 'polaris-workflow'
import { answer, type BuilderSpec, type Value } from '../model/spec.ts'
import { give } from '../model/world.ts'
import { faultyStore, type Mind } from './faulty-store.ts'
import { careOf, inputsIn, timerIn } from './timed-process.ts'
import { LONGEST_WAIT_MS, outcomeOf } from './timed-spec.ts'
import { dataIn, LEASE_MS, LONGEST_RUN_MS, POLL_MS } from './workload.ts'
import { rowsOf, type World } from './world.ts'

export interface Process extends Mind {
  readonly polaris: Polaris
  readonly workflow: AnyWorkflow
  readonly data: ReadonlyMap<string, AnyData>
  /** Resolves when it has died. */
  readonly death: Promise<'died'>
  readonly hooks: Hooks
  worker: Worker | undefined
  closing: boolean
  /** Calls that it has not answered yet. */
  calls: number
}

/** What a worker may run into when the store is not well. */
const TROUBLE: ReadonlySet<ErrorCode> = new Set(['STORE_UNAVAILABLE', 'LEASE_LOST'])

export function startProcess(world: World, name: string): Process {
  const { random, scheduler, workload, weather } = world
  let announce: (how: 'died') => void = () => undefined
  const death = new Promise<'died'>((resolve) => (announce = resolve))
  const mind: Mind = {
    ...{ name, dead: false, pausedUntil: 0 },
    fatalWrite: weather.fatalWrites > 0 && random.chance(0.5) ? random.int(1, weather.fatalWrites) : 0,
    die: () => {
      world.tell(`    ${name} dies`)
      mind.dead = true
      announce('died')
    },
  }
  const apart = weather.clocksApart ? random.int(-3_600_000, 3_600_000) : 0
  world.count('clocks apart', apart !== 0)
  world.count('store without news', !workload.news)
  world.count('cold instances', workload.cold)
  const real = realise(world, mind)
  const polaris = new Polaris({
    store: faultyStore(world, mind),
    clock: {
      now: () => scheduler.now + apart,
      after: (ms, callback) => scheduler.add(ms, mind, 'timer', callback),
    },
    lease: LEASE_MS,
    longestRun: LONGEST_RUN_MS,
    warm: workload.cold ? 0 : 10_000,
    ...(workload.timed !== undefined && { longestWait: LONGEST_WAIT_MS }),
  }).register(real.workflow)
  return Object.assign(mind, { polaris, ...real, death, worker: undefined, closing: false, calls: 0 })
}

export function startWorker(world: World, process: Process): void {
  const onTrouble = (error: unknown): void => {
    const known = isPolarisError(error) && TROUBLE.has(error.code)
    if (!known) world.blame(`the worker of ${process.name} ran into ${String((error as Error)?.stack ?? error)}`)
  }
  process.worker = process.polaris.worker({
    ...process.hooks,
    concurrency: world.random.pick([1, 2, 16]),
    pollInterval: POLL_MS,
    grace: world.random.pick([0, 50, 1_000]),
    onTrouble,
  })
  process.worker.start()
}

/** Declares everything anew, as a process that starts does. */
function realise(world: World, mind: Mind): Pick<Process, 'workflow' | 'data' | 'hooks'> {
  const { spec } = world.workload
  const known = new Map<string, AnyData>(dataIn(world.workload).map((name) => [name, data(name, type<Value>())]))
  const named = (name: string): AnyData => known.get(name)!
  const record = (names: readonly string[]): Record<string, AnyData> =>
    Object.fromEntries(names.map((name) => [`in${name}`, named(name)]))
  // Hooks are called right before the builder: that is how a run knows its scope.
  let info: HookInfo | undefined
  const builders = spec.builders.map((b) =>
    builder({
      ...{ name: b.name, once: b.once, pure: b.pure, produces: named(b.produces) },
      ...{ consumes: record(b.consumes), optionals: record(b.optionals), accesses: record(b.accesses) },
      ...careOf(world, mind, b),
      process: (inputs: Readonly<Record<string, Value>>, context: BuildContext) =>
        run(world, mind, b, named, inputs, context, info!),
    } as never),
  ) as readonly AnyBuilder[]
  const { targets, transients, loops, durability } = spec
  const { timed } = world.workload
  return {
    data: known,
    hooks: { before: (_builder, _delta, about) => void (info = about) },
    workflow: workflow({
      ...{ name: 'simulated', loops, durability },
      builders: [...builders, ...(timed?.timers ?? []).map((each) => timerIn(each, named))],
      ...(timed !== undefined && { onFailure: timed.onFailure }),
      target: named(targets[0]!),
      transients: transients.map(named),
    } as never),
  }
}

function run(
  world: World,
  mind: Mind,
  b: BuilderSpec,
  named: (name: string) => AnyData,
  given: Readonly<Record<string, Value>>,
  context: BuildContext,
  info: HookInfo,
): unknown {
  if (mind.dead) return new Promise(() => undefined)
  const inputs = inputsIn(b, given)
  world.audit.onRun(b, inputs, context.idempotencyKey, context.attempt, info)
  const { timed } = world.workload
  // How often it has failed so far is for the store to say: what a dead process saw counts for nobody.
  const failed = rowsOf(world.store, info.id).filter((row) => row.builder === b.name && row.outcome === 'failed')
  const made = timed === undefined ? answer(b, inputs, failed.length) : outcomeOf(timed, b, inputs, context.attempt)
  const finish = (): unknown => give(b, made, named)
  if (b.behaviour.timing === 'sync') return finish()
  return world.scheduler.sleep(duration(world, b), mind, `${b.name} of ${info.id} answers`).then(finish)
}

function duration({ random, weather, count }: World, b: BuilderSpec): number {
  if (b.behaviour.timing === 'macro' && random.chance(weather.hang)) {
    count('builder hangs')
    return 30 * LEASE_MS
  }
  if (b.behaviour.timing === 'macro' && random.chance(weather.longRun)) {
    count('builder outlasts its lease')
    return random.int(LEASE_MS, 3 * LEASE_MS)
  }
  return random.int(0, 20)
}
