/** Data that are about others: what only the workflow can tell of them. */
import type { AnyBuilder } from './builder.ts'
import type { AnyData } from './data.ts'
import { ACCESS } from './graph.ts'
import type { Input, Node } from './graph.ts'
import { timerRuleOf } from './timer.ts'

/** What a data is about, what that is about, and so on. */
export function subjectsOf({ about }: AnyData): AnyData[] {
  const found: AnyData[] = []
  for (let next = about; next !== undefined && !found.includes(next); next = next.about) found.push(next)
  return found
}

export function aboutProblems(
  data: ReadonlyMap<string, AnyData>,
  builders: readonly AnyBuilder[],
  transients: readonly AnyData[],
): string[] {
  const regarding = [...data.values()].filter(({ about }) => about !== undefined)
  if (regarding.length === 0) return []
  const transient = new Set(transients.map(({ name }) => name))
  return [
    ...regarding.flatMap((each) => subjectProblems(each, data, transient)),
    ...builders.flatMap((builder) => productProblems(builder)),
  ]
}

function subjectProblems(
  { name, about }: AnyData,
  data: ReadonlyMap<string, AnyData>,
  transient: ReadonlySet<string>,
): string[] {
  if (about === undefined) return []
  const problems: string[] = []
  const known = data.get(about.name)
  if (known === undefined) {
    problems.push(`data '${name}' is about '${about.name}', which no builder reads or produces`)
  } else if (known !== about) {
    problems.push(`data '${name}' is about '${about.name}', but not the one that builders have: share it`)
  }
  for (const each of [name, about.name]) {
    if (!transient.has(each)) continue
    problems.push(
      `data '${name}' is about '${about.name}', but '${each}' is transient: it is gone before that can count`,
    )
  }
  const names = [name]
  for (let next: AnyData | undefined = about; next !== undefined; next = data.get(next.name)?.about) {
    if (next.name === name) problems.push(`data '${name}' is about itself, by way of ${names.join(', ')}`)
    if (names.includes(next.name)) break
    names.push(next.name)
  }
  return problems
}

/** What a builder makes is about the datum that it was made of. */
function productProblems(builder: AnyBuilder): string[] {
  const out = builder.produces as AnyData
  const { about } = out
  if (about === undefined) return []
  const made = `'${builder.name}' produces '${out.name}', which is about '${about.name}'`
  const rule = timerRuleOf(builder)
  if (rule !== undefined) {
    return rule.after === about ? [] : [`timer ${made}, and comes after '${rule.after.name}': nobody could tell which`]
  }
  const key = Object.keys(builder.consumes).find((each) => builder.consumes[each] === about)
  if (key === undefined) return [`builder ${made}, but does not consume that: nobody could tell which`]
  const problems: string[] = []
  if (builder.settles.includes(key)) problems.push(`builder ${made}, but consumes its outcome: a failure is no datum`)
  if (builder.once) problems.push(`builder ${made}, and is once: another '${about.name}' would never get its own`)
  return problems
}

/** Readers of a data that is about another wait for who makes that other one: it decides whether there is anything to read. */
export function impliedProducers(builder: AnyBuilder, producerOf: ReadonlyMap<string, number>): number[] {
  return [...Object.values(builder.consumes), ...Object.values(builder.optionals)].flatMap((data) =>
    subjectsOf(data).flatMap(({ name }) => producerOf.get(name) ?? []),
  )
}

/** What reaches back in a loop is seen as it stood when the pass began, which is kept of data only, not of what they are about. */
export function aboutLoopProblems(
  builders: readonly AnyBuilder[],
  producerOf: ReadonlyMap<string, number>,
  isCut: (from: number, to: number) => boolean,
): string[] {
  return builders.flatMap((builder, declared) =>
    [...Object.values(builder.consumes), ...Object.values(builder.optionals)].flatMap((data) =>
      (data.about === undefined ? [] : [data, ...subjectsOf(data)]).flatMap(({ name }) => {
        const producer = producerOf.get(name)
        if (producer === undefined || producer === declared || !isCut(producer, declared)) return []
        const maker = builders[producer]?.name ?? ''
        return [
          `builder '${builder.name}' reads '${data.name}', which is about '${data.about?.name ?? ''}', and is declared before ` +
            `'${maker}', which makes '${name}' in the same cycle: declare '${maker}' first`,
        ]
      }),
    ),
  )
}

/** Whether a look at a data depends on somebody who need not have run by then. */
export function looksBack(data: AnyData, isBefore: (name: string) => boolean): boolean {
  return [data, ...subjectsOf(data)].some(({ name }) => !isBefore(name))
}

/** Place among a builder's inputs of what its product is about. */
export function aboutPlace(builder: AnyBuilder, inputs: readonly Input[]): number {
  const { about } = builder.produces as AnyData
  if (about === undefined) return -1
  return inputs.findIndex(({ key, kind }) => kind !== ACCESS && builder.consumes[key] === about)
}

interface Abouts {
  /** By slot: what it is about. */
  readonly about: readonly number[]
  readonly regarded: readonly (readonly number[])[]
  /** Each behind what it is about. */
  readonly order: readonly number[]
}

export function aboutSlots(data: readonly AnyData[], slotOf: ReadonlyMap<string, number>): Abouts {
  const about = data.map((each) => (each.about === undefined ? -1 : (slotOf.get(each.about.name) ?? -1)))
  const regarded: number[][] = data.map(() => [])
  about.forEach((subject, slot) => regarded[subject]?.push(slot))
  const depths = data.map((each) => subjectsOf(each).length)
  const order = [...depths.keys()].filter((slot) => (about[slot] ?? -1) >= 0)
  order.sort((a, b) => (depths[a] ?? 0) - (depths[b] ?? 0))
  return { about, regarded, order }
}

/**
 * By slot, the nodes that a new datum makes run since it takes away what they had: those that can do without data that are
 * about it. One that makes such a datum itself takes it away from itself, which it need not be told.
 */
export function bereaved(nodes: readonly Node[], { about }: Abouts): Map<number, Set<number>> {
  const found = new Map<number, Set<number>>()
  for (const { index, inputs, out, builder } of nodes) {
    for (const { slot, key, kind } of inputs) {
      if (kind === ACCESS || Object.hasOwn(builder.consumes, key)) continue
      for (let subject = about[slot] ?? -1; subject >= 0; subject = about[subject] ?? -1) {
        if (subject !== out) found.set(subject, (found.get(subject) ?? new Set()).add(index))
      }
    }
  }
  return found
}
