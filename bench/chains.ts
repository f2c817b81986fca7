import { builder, data, type, workflow } from 'polaris-workflow'
import type { AnyBuilder, AnyData, AnyWorkflow, Data, Datum } from 'polaris-workflow'

/** What every step takes and makes. */
export interface Item {
  readonly n: number
  readonly s: string
}

/**
 * - `sync`: answers at once.
 * - `async`: an async function that has nothing to wait for, the cheapest there is.
 * - `awaiting`: an async function that waits once, as those that ask somebody do.
 */
export type Kind = 'sync' | 'async' | 'awaiting'

export type ItemData = Data<string, Item, Item>
type OneStep = (input: { readonly from: Item }) => Item | Promise<Item>
type JoinStep = (input: Readonly<Record<string, Item>>) => Item | Promise<Item>

/** A workflow of steps, and the steps to be called by hand. */
export interface Sample {
  readonly workflow: AnyWorkflow
  readonly first: ItemData
  readonly target: ItemData
  /** In an order in which they can run. */
  readonly steps: readonly OneStep[]
  /** Takes what all steps made, by `p0`, `p1`, …; absent in a chain. */
  readonly join: JoinStep | undefined
}

export function item(name: string): ItemData {
  return data(name, type<Item>())
}

// Each step is a function of its own, made from one text: as calls by hand they are no easier to inline than as builders.
function stepOf(kind: Kind): OneStep {
  if (kind === 'sync') return ({ from }) => ({ n: from.n + 1, s: 'x'.repeat(32) })
  if (kind === 'async') return async ({ from }) => ({ n: from.n + 1, s: 'x'.repeat(32) })
  return async ({ from }) => {
    await Promise.resolve()
    return { n: from.n + 1, s: 'x'.repeat(32) }
  }
}

function joinOf(kind: Kind, width: number): JoinStep {
  const last = `p${width - 1}`
  const made = (input: Readonly<Record<string, Item>>): Item => ({
    n: (input['p0']?.n ?? 0) + (input[last]?.n ?? 0),
    s: 'x'.repeat(32),
  })
  if (kind === 'sync') return made
  if (kind === 'async') return async (input) => made(input)
  return async (input) => {
    await Promise.resolve()
    return made(input)
  }
}

/** A step as a builder. */
export function step(name: string, from: AnyData, produces: ItemData, process: OneStep): AnyBuilder {
  return builder({ name, consumes: { from: from as ItemData }, produces, process })
}

/** Each step makes its item from the one before. */
export function chain(length: number, kind: Kind): Sample {
  const items = Array.from({ length: length + 1 }, (_, i) => item(`Item${i}`))
  const steps = Array.from({ length }, () => stepOf(kind))
  const builders = steps.map((process, i) => step(`step${i}`, items[i] as ItemData, items[i + 1] as ItemData, process))
  const target = items[length] as ItemData
  return {
    workflow: workflow({ name: `chain${length}-${kind}`, builders, target }) as AnyWorkflow,
    first: items[0] as ItemData,
    target,
    steps,
    join: undefined,
  }
}

/** So many steps that each make an item from the first, and one that makes the target from all of theirs. */
export function fan(width: number, kind: Kind): Sample {
  const first = item('First')
  const target = item('Joined')
  const parts = Array.from({ length: width }, (_, i) => item(`Part${i}`))
  const steps = parts.map(() => stepOf(kind))
  const join = joinOf(kind, width)
  const consumes = Object.fromEntries(parts.map((part, i) => [`p${i}`, part]))
  const builders = [
    ...steps.map((process, i) => step(`step${i}`, first, parts[i] as ItemData, process)),
    builder({ name: 'join', consumes, produces: target, process: join }),
  ]
  return {
    workflow: workflow({ name: `fan${width}-${kind}`, builders, target }) as AnyWorkflow,
    first,
    target,
    steps,
    join,
  }
}

/** A datum that no block of a bench has fed before. */
export function feed(first: ItemData, n: number): Datum {
  return first({ n, s: 'start' })
}

/** The steps called one after the other, with no await at all. */
export function runPlainly({ steps, join }: Sample, n: number): Item {
  const first: Item = { n, s: 'start' }
  if (join === undefined) {
    let from = first
    for (const step of steps) from = step({ from }) as Item
    return from
  }
  const parts: Record<string, Item> = {}
  for (let i = 0; i < steps.length; i++) parts[`p${i}`] = (steps[i] as OneStep)({ from: first }) as Item
  return join(parts) as Item
}

/** The steps called by hand, each awaited before the next begins. */
export async function runInTurn({ steps, join }: Sample, n: number): Promise<Item> {
  const first: Item = { n, s: 'start' }
  if (join === undefined) {
    let from = first
    for (const step of steps) from = await step({ from })
    return from
  }
  const parts: Record<string, Item> = {}
  for (let i = 0; i < steps.length; i++) parts[`p${i}`] = await (steps[i] as OneStep)({ from: first })
  return join(parts)
}

/** As {@link runInTurn}, but what can run at once does. */
export async function runAtOnce(sample: Sample, n: number): Promise<Item> {
  const { steps, join } = sample
  if (join === undefined) return runInTurn(sample, n)
  const first: Item = { n, s: 'start' }
  const made = await Promise.all(steps.map((step) => step({ from: first }) as Promise<Item>))
  const parts: Record<string, Item> = {}
  for (let i = 0; i < made.length; i++) parts[`p${i}`] = made[i] as Item
  return join(parts)
}
