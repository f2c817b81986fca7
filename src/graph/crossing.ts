import { stepsOf } from './data.ts'
import type { AnyData } from './data.ts'
import { describeNode } from './description.ts'
import type { BuilderDescription } from './description.ts'
import { differentBuilder } from './difference.ts'
import { CONSUMES } from './graph.ts'
import type { Graph, Node, Slot } from './graph.ts'
import type { Becomes, Migration } from './migration.ts'
import { stridesDown, stridesUp } from './steps.ts'
import type { Stride } from './steps.ts'

/** What becomes of a data of an older graph where a datum of it is there. `to` is a slot of the newer graph. */
export type Fate =
  | { readonly kind: 'kept'; readonly to: number }
  | { readonly kind: 'stepped'; readonly to: number; readonly strides: readonly Stride[] }
  | { readonly kind: 'renamed'; readonly to: number }
  | { readonly kind: 'made'; readonly make: Extract<Becomes, (value: never, old: never) => unknown> }
  /** The function for the whole data set says. */
  | { readonly kind: 'given' }
  /** It goes, and the newer version says so. */
  | { readonly kind: 'dropped' }
  /** It was never stored, or it is made again when it is needed. */
  | { readonly kind: 'transient' }
  /** Nobody says what becomes of it. */
  | { readonly kind: 'lost'; readonly reason: 'no-step' | 'forgotten'; readonly why: string }

/** A builder of the newer graph that is to run again for what is different about it. */
export interface Change {
  readonly isNew: boolean
  readonly why: readonly string[]
}

/** What it means for an instance to move from one graph to another, as far as the two graphs tell. */
export interface Crossing {
  readonly from: Graph
  readonly to: Graph
  /** By slot of the older graph. */
  readonly fates: readonly Fate[]
  readonly whole: Extract<Migration['data'], (old: never) => unknown> | undefined
  /** By node of the newer graph: the older graph's node it carries on; -1 where there is none. */
  readonly origins: readonly number[]
  /** By node of the newer graph. */
  readonly changes: ReadonlyMap<number, Change>
  /** Names of data that a builder made, that builders of the newer graph consume, and that nobody makes or feeds now. */
  readonly orphans: ReadonlySet<string>
}

/** Finds a data by its name and version among those of other versions of the workflow. */
export type FindData = (name: string, version: number) => AnyData | undefined

/**
 * Compares two graphs of a workflow.
 *
 * @param find for ways back: only the newer data knows how its values become those of an older version
 */
export function crossing(from: Graph, to: Graph, find: FindData): Crossing {
  const migration = to.migrations.get(from.version)
  const whole = typeof migration?.data === 'function' ? migration.data : undefined
  const fates = from.slots.map((slot) => fateOf(slot, to, migration, find))
  const origins = to.nodes.map(({ name }) => from.nodeOf.get(originName(name, migration)) ?? -1)
  const renamed = (name: string): string => {
    const fate = fates[from.slotOf.get(name) ?? -1]
    return fate?.kind === 'renamed' ? (to.slots[fate.to] as Slot).name : name
  }
  const changes = new Map<number, Change>()
  for (const node of to.nodes) {
    // Timers go off when their time comes, whatever is different about them.
    if (node.timer !== undefined) continue
    const change = changeOf(from, to, node, from.nodes[origins[node.index] ?? -1], renamed)
    if (change !== undefined) changes.set(node.index, change)
  }
  return { from, to, fates, whole, origins, changes, orphans: orphansOf(from, to, migration) }
}

/** What a builder of the newer version was called; nothing that a builder can be called, if it is new. */
function originName(name: string, migration: Migration | undefined): string {
  const was = migration?.builders.get(name)
  return was === undefined ? name : (was ?? '')
}

function fateOf(slot: Slot, to: Graph, migration: Migration | undefined, find: FindData): Fate {
  if (slot.transient) return { kind: 'transient' }
  const { name } = slot
  const becomes = typeof migration?.data === 'function' ? undefined : migration?.data.get(name)
  if (becomes === null) return { kind: 'dropped' }
  if (typeof becomes === 'function') return { kind: 'made', make: becomes }
  const target = to.slots[to.slotOf.get(becomes ?? name) ?? -1]
  if (target === undefined) {
    if (typeof migration?.data === 'function') return { kind: 'given' }
    const why = `version ${to.version} has no data '${name}', and does not say in 'migrate' what becomes of it`
    return { kind: 'lost', reason: 'forgotten', why }
  }
  if (target.transient) {
    if (target.producer >= 0) return { kind: 'transient' }
    const why = `'${target.name}' is transient in version ${to.version} and no builder makes it, so it would be gone`
    return { kind: 'lost', reason: 'forgotten', why }
  }
  if (becomes !== undefined) return { kind: 'renamed', to: target.index }
  const fate = stepped(slot, target, find)
  return fate.kind === 'lost' && typeof migration?.data === 'function' ? { kind: 'given' } : fate
}

function stepped(slot: Slot, target: Slot, find: FindData): Fate {
  const older = slot.data.version
  const newer = target.data.version
  if (older === newer) return { kind: 'kept', to: target.index }
  const strides = stridesBetween(slot.data, target.data, find)
  if (strides !== undefined) return { kind: 'stepped', to: target.index, strides }
  const hint = older < newer ? `add it to 'from' of the data` : `a way back is declared by 'down' of the newer data`
  const why = `'${slot.name}' has version ${newer} instead of ${older}, and no step leads there: ${hint}`
  return { kind: 'lost', reason: 'no-step', why }
}

/** How a value of one data becomes one of its namesake of another version; `undefined` where no steps lead there. */
export function stridesBetween(data: AnyData, to: AnyData, find: FindData): Stride[] | undefined {
  if (data.version <= to.version) return stridesUp(stepsOf(to), data.version)
  const knows = stridesDown(stepsOf(data), to.version)
  if (knows !== undefined) return knows
  // A data read from a manifest has no steps of its own.
  const namesake = find(data.name, data.version)
  return namesake === undefined ? undefined : stridesDown(stepsOf(namesake), to.version)
}

function changeOf(
  from: Graph,
  to: Graph,
  node: Node,
  origin: Node | undefined,
  renamed: (name: string) => string,
): Change | undefined {
  const after = describeNode(to, node)
  if (origin === undefined) return { isNew: true, why: [`builder '${node.name}' is new`] }
  const before = describeNode(from, origin)
  const why = differentBuilder({ ...throughNames(before, renamed), once: after.once, accesses: after.accesses }, after)
  const [was, is] = [from.slots[origin.out] as Slot, to.slots[node.out] as Slot]
  if (was.transient && !is.transient) why.push(`the product of builder '${node.name}' was transient, and is stored now`)
  return why.length === 0 ? undefined : { isNew: false, why }
}

/** A builder as it would be described had its data had their newer names already. */
function throughNames(before: BuilderDescription, renamed: (name: string) => string): BuilderDescription {
  return {
    ...before,
    consumes: before.consumes.map(renamed),
    optionals: before.optionals.map(renamed),
    produces: renamed(before.produces),
  }
}

function orphansOf(from: Graph, to: Graph, migration: Migration | undefined): Set<string> {
  const orphans = new Set<string>()
  const consumed = new Set(
    to.nodes.flatMap(({ inputs }) => inputs.filter(({ kind }) => kind === CONSUMES).map((i) => i.slot)),
  )
  for (const { index, name, producer } of to.slots) {
    if (producer >= 0 || !consumed.has(index) || migration?.feeds.has(name) === true) continue
    const before = from.slots[from.slotOf.get(name) ?? -1]
    if (before !== undefined && before.producer >= 0) orphans.add(name)
  }
  return orphans
}
