/** What a process declares of tries, timers and compensation. */
import { timer } from 'polaris-workflow'
import type { AnyData, AnyTimer, BuildContext } from 'polaris-workflow'
import type { BuilderSpec, Inputs, Value } from '../model/spec.ts'
import type { Mind } from './faulty-store.ts'
import { momentOf, timerValue, undoFails, type TimerSpec } from './timed-spec.ts'
import type { World } from './world.ts'

/** Undoing that fails is tried again after so long where its builder has no tries of its own. */
const UNDO_BACKOFF_MS = 30

export function timerIn(spec: TimerSpec, named: (name: string) => AnyData): AnyTimer {
  const { name, after, produces, unless, kind, span, every, times, evenWhenCompleted } = spec
  return timer({
    ...{ name, after: named(after), produces: named(produces), unless: unless.map(named), evenWhenCompleted },
    ...(kind === 'at' ? { at: (datum: Value) => momentOf(spec, datum) } : { delay: span }),
    ...(every > 0 && { every, times }),
    value: (datum: Value, { count }: { readonly count: number }) => timerValue(spec, datum, count),
  } as never) as AnyTimer
}

/** What a builder of a schedule in which time counts has besides. */
export function careOf(world: World, mind: Mind, b: BuilderSpec): object {
  const { timed } = world.workload
  if (timed === undefined) return {}
  const plan = timed.tries.get(b.name)
  const isUndone = timed.undo.has(b.name)
  const { attempts = 1, initial = UNDO_BACKOFF_MS } = plan ?? {}
  return {
    ...((plan !== undefined || isUndone) && { retry: { attempts, backoff: { initial, jitter: 0 } } }),
    ...(isUndone && {
      compensate: (product: Value | undefined, given: Readonly<Record<string, Value>>, context: BuildContext) =>
        undo(world, mind, b, product, given, context),
    }),
  }
}

function undo(
  world: World,
  mind: Mind,
  b: BuilderSpec,
  product: Value | undefined,
  given: Readonly<Record<string, Value>>,
  { workflowId, idempotencyKey: key, attempt }: BuildContext,
): unknown {
  if (mind.dead) return new Promise(() => undefined)
  const inputs = inputsIn(b, given)
  const told = { id: workflowId, b, inputs, key, product }
  world.outside!.undoes(told)
  const finish = (): void => {
    if (undoFails(world.workload.timed!, b, inputs, attempt)) throw new Error(`undoing ${b.name} fails`)
    world.outside!.undone(told)
  }
  if (b.behaviour.timing === 'sync') return finish()
  return world.scheduler.sleep(world.random.int(0, 20), mind, `${b.name} of ${workflowId} is undone`).then(finish)
}

export function inputsIn(b: BuilderSpec, given: Readonly<Record<string, Value>>): Inputs {
  return Object.fromEntries(
    [...b.consumes, ...b.optionals, ...b.accesses]
      .map((name) => [name, given[`in${name}`]] as const)
      .filter((pair): pair is readonly [string, Value] => pair[1] !== undefined),
  )
}
