/**
 * Crashes change nothing: random workflows with retries, timers and compensation, and what is done with them (fed, restarted,
 * rerun, cancelled, undone, forked) over days of a simulated clock, played twice: once undisturbed, and once with a process
 * that is killed at one of its writes. What comes of both has to be the same. A failure prints seed and path:
 * `POLARIS_SEED=… POLARIS_PATH=… npx vitest run test/model/thoughts.test.ts` plays that case again.
 */
import * as fc from 'fast-check'
import { builder, data, isPolarisError, Polaris, timer, type, workflow } from 'polaris-workflow'
import type { AnyWorkflow, Clock, DataStore, Datum } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { simulatedClock } from 'polaris-workflow/testing'
import type { SimulatedClock } from 'polaris-workflow/testing'
import { expect, test } from 'vitest'
import { mortal } from '../support/mortal.ts'

const RUNS = Number(process.env['POLARIS_RUNS'] ?? 120)

const Order = data('Order', type<string>())
const Note = data('Note', type<string>())
const Hold = data('Hold', type<string>())
const Paid = data('Paid', type<string>())
const Rang = data('Rang', type<string>())
const Sent = data('Sent', type<string>())

interface Spec {
  /** How many tries of `pay` fail, and how many it has. */
  readonly fails: number
  readonly attempts: number
  readonly sendFails: boolean
  /** The timer goes off so many hours and a half after the payment. */
  readonly hours: number
  readonly every: boolean
  readonly unlessNote: boolean
  readonly onFailure: 'keep' | 'compensate'
  readonly once: boolean
}

type Command = 'order' | 'note' | 'restart' | 'rerun' | 'resume' | 'cancel' | 'undo' | 'fork' | 'wait'

interface Case {
  readonly spec: Spec
  readonly commands: readonly Command[]
  /** Who is killed: from this command on, with this write. */
  readonly crash: { readonly at: number; readonly write: number; readonly how: 'unsent' | 'answer lost' }
}

/** Undone, or done, under which key: outside of the store, where the same key is the same thing. */
interface Outside {
  readonly done: Set<string>
  readonly undone: Set<string>
}

function realise(spec: Spec, { done, undone }: Outside): AnyWorkflow {
  const compensate = (_: unknown, __: unknown, { idempotencyKey }: { idempotencyKey: string }): void =>
    void undone.add(idempotencyKey)
  return workflow({
    name: 'w',
    builders: [
      builder({
        ...{ name: 'hold', consumes: { order: Order }, produces: Hold, compensate },
        process({ order }, { idempotencyKey }) {
          done.add(idempotencyKey)
          return `hold(${order})`
        },
      }),
      builder({
        ...{
          name: 'pay',
          consumes: { hold: Hold },
          optionals: { note: Note },
          produces: Paid,
          once: spec.once,
          compensate,
        },
        retry: { attempts: spec.attempts, backoff: { initial: '2m', jitter: 0 } },
        async process({ hold, note }, { attempt, idempotencyKey }) {
          done.add(idempotencyKey)
          if (attempt <= spec.fails) throw new Error(`try ${attempt}`)
          return `pay(${hold},${note ?? '-'})`
        },
      }),
      timer({
        ...{ name: 'ring', after: Paid, delay: spec.hours * 3_600_000 + 1_800_000, produces: Rang },
        ...(spec.every && { every: '1h', times: 3 }),
        ...(spec.unlessNote && { unless: Note }),
        value: (paid, { count }) => `ring ${count} of ${paid}`,
      }),
      builder({
        ...{ name: 'send', consumes: { rang: Rang, paid: Paid }, produces: Sent },
        process({ rang }) {
          if (spec.sendFails) throw new Error('no van')
          return `send(${rang})`
        },
      }),
    ],
    target: Sent,
    onFailure: spec.onFailure,
  })
}

/** What goes on by itself does so between two commands, half an hour away from both; longer than a lease and all retries. */
const LONG = 6 * 3_600_000
const SHORT = 300_000

/** A store that is closed with its process, over a medium that is not. */
const shared = (store: DataStore): DataStore => ({ ...store, close: () => undefined })

interface World {
  readonly clock: SimulatedClock
  readonly flow: AnyWorkflow
  readonly store: DataStore
  readonly outside: Outside
}

/** What came of a case, as plain data without times. */
async function play({ spec, commands, crash }: Case, disturbed: boolean, features: Set<string>): Promise<unknown> {
  const clock = simulatedClock()
  const outside: Outside = { done: new Set(), undone: new Set() }
  const world: World = {
    clock,
    outside,
    flow: realise(spec, outside),
    store: memoryStore({ now: clock.now, strict: true }),
  }
  let polaris = begin(world)
  for (const [at, command] of commands.entries()) {
    const end = clock.now() + LONG
    if (disturbed && at === crash.at % commands.length) {
      await polaris.close()
      const died = await dies(world, command, at, crash)
      if (died) features.add(command)
      polaris = begin(world)
      if (died) await answered(polaris, world, command, at)
    } else await answered(polaris, world, command, at)
    await clock.advanceTo(end)
  }
  await clock.advance('10d')
  const found = await outcomeOf(polaris, world)
  await polaris.close()
  return found
}

function begin({ clock, flow, store }: World): Polaris {
  const polaris = new Polaris({ clock, store: shared(store) }).register(flow as never)
  polaris.worker().start()
  return polaris
}

/** A process does a command, and what time brings, until it dies; answers whether it did. */
async function dies(
  { clock, flow, store }: World,
  command: Command,
  at: number,
  { write, how }: Case['crash'],
): Promise<boolean> {
  const victim = mortal(clock.observe(shared(store)), write, how)
  let dead = false
  const { now, monotonic, after, look } = clock
  // The dead renew no lease.
  const alive =
    (callback: () => void): (() => void) =>
    () =>
      void (dead || callback())
  const its: Clock = {
    ...{ now, monotonic },
    after: (ms, callback, idle) => after(ms, alive(callback), idle),
    look: (ms, callback) => look(ms, alive(callback)),
  }
  const polaris = new Polaris({ clock: its, store: victim.store }).register(flow as never)
  polaris.worker().start()
  void victim.death.then(() => (dead = true))
  const asked = ask(polaris, flow, command, at)
  await Promise.race([asked, victim.death, clock.settle()])
  for (const end = now() + LONG / 2; !dead && now() < end;) await clock.advance(SHORT)
  if (!dead) await polaris.close()
  return dead
}

/** The call may have to wait until the lease of the dead is over. */
async function answered(polaris: Polaris, { clock, flow }: World, command: Command, at: number): Promise<void> {
  const asked = ask(polaris, flow, command, at)
  await clock.advance(SHORT)
  await asked
}

/** A careful client: asks again under the same name, which is the same request. */
async function ask(polaris: Polaris, flow: AnyWorkflow, command: Command, at: number): Promise<void> {
  const executor = polaris.executor().with({ requestId: `r${at}` })
  const feed = (...delta: Datum[]): Promise<unknown> => executor.parallel(flow, 'i', ...(delta as never[]))
  try {
    if (command === 'order') await feed(Order(`o${at}`))
    else if (command === 'note') await feed(Note(`n${at}`))
    else if (command === 'restart') await executor.restart(flow, 'i')
    else if (command === 'rerun') await executor.rerun(flow, 'i', 'pay')
    else if (command === 'resume') await executor.resume(flow, 'i')
    else if (command === 'cancel') await polaris.cancel('i')
    else if (command === 'undo') await polaris.cancel('i', { compensate: true })
    else if (command === 'fork') await polaris.fork('i', `copy ${at}`)
  } catch (error) {
    const code = isPolarisError(error) ? error.code : undefined
    const expected = ['BUILDER_FAILED', 'CANCELLED', 'COMPENSATING', 'INSTANCE_NOT_FOUND', 'INSTANCE_EXISTS']
    if (code === undefined || !expected.includes(code)) throw error
  }
}

async function outcomeOf(polaris: Polaris, { outside }: World): Promise<unknown> {
  const { items } = await polaris.list({ limit: 100 })
  const instances = await Promise.all(
    items.map(async ({ id }) => {
      const view = await polaris.get(id)
      const history = await polaris.history(id)
      return {
        ...{
          id,
          status: view?.status,
          data: { ...view?.data },
          waitingFor: view?.waitingFor,
          timers: view?.timers.length,
        },
        compensation: view?.compensation,
        // That something begins may be said again.
        history: history
          .filter(({ outcome }) => outcome !== 'started' && outcome !== 'compensating')
          .map(({ scope, builder: by, outcome, data: name, value, attempt, error }) =>
            [scope, by, outcome, name, value, attempt, error?.message].join(' '),
          ),
      }
    }),
  )
  return { instances: instances.toSorted((a, b) => (a.id < b.id ? -1 : 1)), outside: countsOf(outside) }
}

/** Keys hold the instance's incarnation, which is of chance. */
function countsOf({ done, undone }: Outside): unknown {
  for (const key of undone) expect(done, 'what is undone was begun').toContain(key)
  return { done: done.size, undone: undone.size }
}

const cases: fc.Arbitrary<Case> = fc.record({
  spec: fc.record({
    fails: fc.integer({ min: 0, max: 3 }),
    attempts: fc.integer({ min: 1, max: 4 }),
    sendFails: fc.boolean(),
    hours: fc.integer({ min: 0, max: 4 }),
    every: fc.boolean(),
    unlessNote: fc.boolean(),
    onFailure: fc.constantFrom('keep', 'compensate'),
    once: fc.boolean(),
  }),
  commands: fc
    .array(
      fc.constantFrom<Command>('order', 'note', 'restart', 'rerun', 'resume', 'cancel', 'undo', 'fork', 'wait', 'wait'),
      {
        minLength: 2,
        maxLength: 5,
      },
    )
    .map((rest): Command[] => ['order', ...rest]),
  crash: fc.record({
    at: fc.nat(6),
    write: fc.constantFrom(1, 1, 1, 2, 2, 3, 4, 5),
    how: fc.constantFrom('unsent', 'answer lost'),
  }),
})

test(`a process that dies at any write changes nothing of what comes of it, in ${RUNS} random cases`, async () => {
  const seed = process.env['POLARIS_SEED']
  const path = process.env['POLARIS_PATH']
  const deaths = new Map<string, number>()
  const check = async (given: Case): Promise<void> => {
    const died = new Set<string>()
    const undisturbed = await play(given, false, died)
    expect(await play(given, true, died)).toEqual(undisturbed)
    for (const command of died) deaths.set(command, (deaths.get(command) ?? 0) + 1)
  }
  await fc.assert(fc.asyncProperty(cases, check), {
    numRuns: RUNS,
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(path !== undefined && { path, endOnFailure: true }),
  })
  if (path !== undefined) return
  if (process.env['POLARIS_COUNTS'] !== undefined) console.log(deaths)
  const sum = [...deaths.values()].reduce((a, b) => a + b, 0)
  expect(sum, `deaths with ${JSON.stringify([...deaths])}`).toBeGreaterThan(RUNS / 3)
}, 300_000)
