/** The real side: a workflow of the library made from a description, processes that die, and a record of what ran. */
import { builder, data, nothing, type, waitFor, workflow } from 'polaris-workflow'
import type { AnyBuilder, AnyData, AnyWorkflow, DataStore } from 'polaris-workflow'

import { silenced } from '../support/mortal.ts'
import type { Crash } from './generate.ts'
import {
  answer,
  dataOf,
  fallbackOf,
  hash,
  type Answer,
  type BuilderSpec,
  type Value,
  type WorkflowSpec,
} from './spec.ts'

/** One run of a builder, as its process saw it. */
export interface Ran {
  readonly builder: string
  readonly inputs: Readonly<Record<string, Value>>
  readonly outcome: Answer['outcome']
  readonly value: Value | undefined
  readonly started: number
  /** `undefined` while it runs. */
  ended: number | undefined
}

/** What goes on in the processes of one case, one after the other. */
export interface World {
  /** Runs of the step at hand. */
  ran: Ran[]
  /** How often each builder was run. */
  readonly attempts: Map<string, number>
  /** What is wrong by itself, whatever the rules say about the rest: inputs that were not declared, for example. */
  readonly wrong: string[]
  ticks: number
  /** Runs that have begun and not ended. */
  running: number
}

export function newWorld(): World {
  return { ran: [], attempts: new Map(), wrong: [], ticks: 0, running: 0 }
}

/** One process. Builders of a dead one never answer. */
export interface Life {
  dead: boolean
}

export interface Real {
  readonly workflow: AnyWorkflow
  readonly data: ReadonlyMap<string, AnyData>
}

/** Declares everything anew, as a process that starts does. */
export function realise(spec: WorkflowSpec, world: World, life: Life): Real {
  const known = new Map<string, AnyData>()
  const named = (name: string): AnyData => {
    const subject = spec.abouts?.[name]
    const token = known.get(name) ?? data(name, type<Value>(), subject === undefined ? {} : { about: named(subject) })
    known.set(name, token)
    return token
  }
  for (const name of dataOf(spec)) named(name)
  const record = (names: readonly string[]): Record<string, AnyData> =>
    Object.fromEntries(names.map((name) => [keyOf(name), named(name)]))
  const builders = spec.builders.map((b) =>
    builder({
      name: b.name,
      consumes: record(b.consumes),
      optionals: record(b.optionals),
      accesses: record(b.accesses),
      produces: named(b.produces),
      once: b.once,
      pure: b.pure,
      cutoff: b.cutoff === true,
      ...(b.fallback === true && {
        fallback: (_: unknown, inputs: Readonly<Record<string, unknown>>) => standIn(b, world, life, inputs),
      }),
      process: (inputs: Readonly<Record<string, unknown>>) => processOf(b, world, life, named, inputs),
    } as never),
  ) as readonly AnyBuilder[]
  const targets = spec.targets.map(named)
  return {
    workflow: workflow({
      name: 'random',
      builders,
      target: targets.length === 1 ? targets[0]! : targets,
      transients: spec.transients.map(named),
      loops: spec.loops,
      durability: spec.durability,
    } as never),
    data: known,
  }
}

const keyOf = (name: string): string => `in${name}`

function processOf(
  b: BuilderSpec,
  world: World,
  life: Life,
  named: (name: string) => AnyData,
  given: Readonly<Record<string, unknown>>,
): unknown {
  if (life.dead) return new Promise(() => undefined)
  const inputs = checkedInputs(b, world, given)
  const attempt = world.attempts.get(b.name) ?? 0
  world.attempts.set(b.name, attempt + 1)
  const made = answer(b, inputs, attempt)
  const value = made.outcome === 'produced' ? made.value : undefined
  const ran: Ran = { builder: b.name, inputs, outcome: made.outcome, value, started: ++world.ticks, ended: undefined }
  world.ran.push(ran)
  world.running++
  const finish = (): unknown => {
    ran.ended = ++world.ticks
    world.running--
    return give(b, made, named)
  }
  const turns = hash(`${b.name} ${String(attempt)} ${Object.values(inputs).join()}`) % 5
  return answering(b.behaviour.timing, turns, finish)
}

function standIn(b: BuilderSpec, world: World, life: Life, given: Readonly<Record<string, unknown>>): unknown {
  if (life.dead) return new Promise(() => undefined)
  const at = world.ran.findLastIndex((run) => run.builder === b.name)
  const value = fallbackOf(b, checkedInputs(b, world, given))
  world.ran[at] = { ...world.ran[at]!, outcome: 'produced', value, ended: ++world.ticks }
  return value
}

async function later(timing: 'micro' | 'macro', turns: number, finish: () => unknown): Promise<unknown> {
  for (let i = 0; i <= turns; i++) {
    if (timing === 'micro') await Promise.resolve()
    else if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return finish()
}

function answering(timing: BuilderSpec['behaviour']['timing'], turns: number, finish: () => unknown): unknown {
  return timing === 'sync' ? finish() : later(timing, turns, finish)
}

/** Hands the engine what the reference says a builder answers. */
export function give(b: BuilderSpec, made: Answer, named: (name: string) => AnyData): unknown {
  switch (made.outcome) {
    case 'failed':
      throw new Error(`${b.name} throws`)
    case 'nothing':
      return nothing('for the test')
    case 'waitFor':
      return waitFor(named(made.awaits))
    case 'produced':
      return made.value
  }
}

/** Rule 16: exactly what was declared, what is consumed always, and nothing that is `undefined` but in name. */
function checkedInputs(b: BuilderSpec, world: World, given: Readonly<Record<string, unknown>>): Record<string, Value> {
  const declared = [...b.consumes, ...b.optionals, ...b.accesses]
  const undeclared = Object.keys(given).filter((key) => !declared.map(keyOf).includes(key))
  if (undeclared.length > 0) world.wrong.push(`${b.name} was given ${undeclared.join()}, which it does not declare`)
  const missing = b.consumes.filter((name) => given[keyOf(name)] === undefined)
  if (missing.length > 0) world.wrong.push(`${b.name} ran without ${missing.join()}`)
  const present = declared.filter((name) => given[keyOf(name)] !== undefined)
  return Object.fromEntries(present.map((name) => [name, given[keyOf(name)] as Value]))
}

/** A store in the hands of a process that may die, or that has one bad moment. */
export interface Mortal extends DataStore {
  /** Until it is called again: what happens at which of the writes from now on. */
  arm(crash: Crash | null): void
  /** Resolves when the process has died. */
  readonly death: Promise<void>
  /** The store failed a write, but the process lives. */
  readonly faltered: boolean
}

export class StoreTrouble extends Error {}

export function mortal(store: DataStore, life: Life): Mortal {
  let crash: Crash | null = null
  let writes = 0
  let faltered = false
  let die: () => void = () => undefined
  const death = new Promise<void>((resolve) => (die = resolve))
  const never = (): Promise<never> => new Promise(() => undefined)
  const strike = async (how: Crash['how'], write: () => unknown): Promise<never> => {
    faltered = true
    if (how === 'after' || how === 'lost') await write()
    if (how === 'refused' || how === 'lost') throw new StoreTrouble(how)
    life.dead = true
    die()
    return never()
  }
  return {
    ...silenced(store, () => life.dead),
    write(changes) {
      if (life.dead) return never()
      writes++
      if (crash !== null && writes === crash.write) return strike(crash.how, () => store.write(changes))
      return store.write(changes)
    },
    arm(next) {
      crash = next
      writes = 0
      faltered = false
    },
    death,
    get faltered() {
      return faltered
    },
  }
}
