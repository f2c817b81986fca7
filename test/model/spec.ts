/**
 * What a random workflow is, described without any of the library's own types, and what its builders do. The model and
 * the real builders both ask `answer`, so that a wrong input shows in the product.
 */

export type Value = string | null

export interface Behaviour {
  /** How a real builder answers: at once, after some microtasks, after a turn of the event loop. */
  readonly timing: 'sync' | 'micro' | 'macro'
  /** Gives nothing for one in so many inputs; 0 is never, 1 always. */
  readonly nothing: number
  /** Waits for one of its inputs, for one in so many inputs. */
  readonly waitFor: number
  /** Throws for one in so many inputs, whenever it is given them. */
  readonly throwsWhen: number
  /** Throws the first so many times it is run. */
  readonly throwsFirst: number
  /** Throws when it has run so many times before; 0 is never. */
  readonly throwsAt: number
}

/** Answers at once, always with a product. */
export const plain: Behaviour = { timing: 'sync', nothing: 0, waitFor: 0, throwsWhen: 0, throwsFirst: 0, throwsAt: 0 }

export interface BuilderSpec {
  readonly name: string
  readonly consumes: readonly string[]
  readonly optionals: readonly string[]
  readonly accesses: readonly string[]
  readonly produces: string
  readonly once: boolean
  readonly pure: boolean
  /** Something stands in for it when it throws. */
  readonly fallback?: boolean
  /** A product that equals the one it replaces wakes nobody. */
  readonly cutoff?: boolean
  readonly behaviour: Behaviour
}

export interface WorkflowSpec {
  /** In the order they are declared. */
  readonly builders: readonly BuilderSpec[]
  readonly targets: readonly string[]
  readonly transients: readonly string[]
  readonly loops: boolean
  readonly durability: 'builder' | 'scope'
  /** By data, what it is about. */
  readonly abouts?: Readonly<Record<string, string>>
}

/** By name of the data; what is absent has no key. */
export type Inputs = Readonly<Record<string, Value>>

export type Answer =
  | { readonly outcome: 'produced'; readonly value: Value }
  | { readonly outcome: 'nothing' }
  | { readonly outcome: 'waitFor'; readonly awaits: string }
  | { readonly outcome: 'failed' }

/** What a builder answers when it is run for the `attempt`-th time (from 0). Pure. */
export function answer(builder: BuilderSpec, inputs: Inputs, attempt: number): Answer {
  const { nothing, waitFor, throwsWhen, throwsFirst, throwsAt } = builder.behaviour
  const seen = Object.keys(inputs)
    .sort()
    .map((name) => [name, inputs[name]])
  const h = hash(JSON.stringify([builder.name, seen]))
  if (attempt < throwsFirst || (throwsAt > 0 && attempt === throwsAt)) return { outcome: 'failed' }
  if (oneIn(throwsWhen, h, 'throw')) return { outcome: 'failed' }
  const awaitable = [...builder.consumes, ...builder.optionals]
  const awaits = awaitable[h % awaitable.length]
  if (awaits !== undefined && oneIn(waitFor, h, 'wait')) return { outcome: 'waitFor', awaits }
  if (oneIn(nothing, h, 'nothing')) return { outcome: 'nothing' }
  return { outcome: 'produced', value: oneIn(12, h, 'null') ? null : `${builder.produces}:${h.toString(36)}` }
}

function oneIn(k: number, h: number, salt: string): boolean {
  return k > 0 && hash(salt + String(h)) % k === 0
}

/** What stands in for the product of a builder that threw. Pure. */
export function fallbackOf({ produces }: BuilderSpec, inputs: Inputs): Value {
  return `${produces} instead:${hash(JSON.stringify(Object.entries(inputs).sort())) % 3}`
}

/** FNV-1a with a final mix. */
export function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** What a data is about, what that is about, and so on. */
export function subjectsOf(spec: WorkflowSpec, data: string): string[] {
  const subject = spec.abouts?.[data]
  return subject === undefined ? [] : [subject, ...subjectsOf(spec, subject)]
}

/** Every data a workflow knows, in order of first appearance in its declaration. */
export function dataOf(spec: WorkflowSpec): string[] {
  const names = spec.builders.flatMap((b) => [...b.consumes, ...b.optionals, ...b.accesses, b.produces])
  return [...new Set(names)]
}
