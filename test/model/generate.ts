/** Random workflows and what is done with them. Every choice shrinks towards the plain case. */
import * as fc from 'fast-check'
import { isCyclic } from './graph.ts'
import type { Delta, Mode } from './model.ts'
import { dataOf, plain, subjectsOf, type Behaviour, type BuilderSpec, type Value, type WorkflowSpec } from './spec.ts'

export interface Step {
  /** All but `call` take no delta; what they run, they run in parallel. */
  readonly kind: 'call' | 'resume' | 'restart' | 'rerun' | 'cancel' | 'fork'
  readonly mode: Mode
  readonly delta: Delta
  /** `rerun`: which builder. */
  readonly builder: string
  /** `fork`: the entry up to which the copy goes, of as many as there are; 0 is the newest. */
  readonly at: number
  /** A new Polaris takes over before this step. */
  readonly reopen: boolean
  /** At most so many builders at once; 0 is any number. */
  readonly concurrency: number
  /** The process dies at the so-many-th write of this step. */
  readonly crash: Crash | null
}

export interface Crash {
  readonly write: number
  /** Died before the write or after it; or lived on: the store refused it, or its answer was lost. */
  readonly how: 'before' | 'after' | 'refused' | 'lost'
}

export interface Case {
  readonly spec: WorkflowSpec
  readonly store: 'memory' | 'strict' | 'sqlite'
  readonly steps: readonly Step[]
}

interface RawBuilder {
  readonly inputs: readonly {
    readonly pick: number
    readonly kind: 'consumes' | 'optionals' | 'accesses'
    readonly back: boolean
  }[]
  readonly place: number
  readonly once: boolean
  readonly pure: boolean
  readonly fallback: boolean
  readonly cutoff: boolean
  readonly transient: boolean
  readonly behaviour: Behaviour
}

/** True once in so many cases; shrinks to false. */
const rarely = (oneIn: number): fc.Arbitrary<boolean> =>
  fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) })

const behaviours: fc.Arbitrary<Behaviour> = fc
  .tuple(
    fc.constantFrom<Behaviour['timing']>('sync', 'sync', 'micro', 'micro', 'macro'),
    fc.oneof(
      { weight: 9, arbitrary: fc.constant({}) },
      { weight: 2, arbitrary: fc.record({ nothing: fc.constantFrom(1, 2, 3) }) },
      { weight: 2, arbitrary: fc.record({ waitFor: fc.constantFrom(1, 2, 3) }) },
      { weight: 1, arbitrary: fc.record({ nothing: fc.constantFrom(2, 3), waitFor: fc.constantFrom(2, 3) }) },
      { weight: 1, arbitrary: fc.record({ throwsWhen: fc.constantFrom(2, 3) }) },
      { weight: 2, arbitrary: fc.record({ throwsFirst: fc.constantFrom(1, 2) }) },
      { weight: 2, arbitrary: fc.record({ throwsAt: fc.constantFrom(1, 2) }) },
    ),
  )
  .map(([timing, rest]) => ({ ...plain, timing, ...rest }))

const rawBuilders: fc.Arbitrary<RawBuilder> = fc.record({
  inputs: fc.array(
    fc.record({
      pick: fc.nat(15),
      kind: fc.oneof(
        { weight: 6, arbitrary: fc.constant('consumes' as const) },
        { weight: 3, arbitrary: fc.constant('optionals' as const) },
        { weight: 3, arbitrary: fc.constant('accesses' as const) },
      ),
      back: rarely(3),
    }),
    { maxLength: 4 },
  ),
  place: fc.nat(99),
  once: rarely(6),
  pure: rarely(5),
  fallback: rarely(3),
  cutoff: rarely(3),
  transient: rarely(4),
  behaviour: behaviours,
})

interface RawCase {
  readonly builders: readonly RawBuilder[]
  readonly outside: number
  readonly transientOutside: boolean
  readonly cyclic: boolean
  readonly throwing: boolean
  readonly loops: boolean
  /** The targets also need a datum that is rarely fed, so that passes go on. */
  readonly gate: boolean
  /** The first two builders make a cycle that is sure to turn: one waits for what the other makes anyway. */
  readonly knot: boolean
  readonly targets: readonly number[]
  readonly durability: 'builder' | 'scope'
  readonly abouts: readonly { readonly data: number; readonly subject: number }[]
}

type Draft = BuilderSpec & { readonly place: number; consumes: readonly string[] }

/** Products, and inputs that nobody produces, by the order in which an acyclic graph could make them. */
function specOf(raw: RawCase): WorkflowSpec {
  const count = raw.builders.length
  const builders = raw.builders.map((own, at): Draft => {
    const pool = [
      ...Array.from({ length: at }, (_, i) => `P${at - 1 - i}`),
      ...Array.from({ length: raw.outside }, (_, i) => `X${i}`),
    ]
    const later = Array.from({ length: count - 1 - at }, (_, i) => `P${at + 1 + i}`)
    const taken = new Set<string>()
    const named = own.inputs.flatMap(({ pick, kind, back }) => {
      // Anything may be looked at, its own product and what comes later too.
      const looked = [...pool, `P${at}`, ...later]
      const from = kind === 'accesses' ? looked : back && raw.cyclic && later.length > 0 ? later : pool
      const data = from[pick % from.length]!
      if (taken.has(data)) return []
      taken.add(data)
      return [{ data, kind: raw.cyclic && back && kind === 'consumes' && pick % 2 > 0 ? ('optionals' as const) : kind }]
    })
    if (raw.knot && raw.cyclic && count > 1 && at < 2) return knotted(own, at, raw.outside)
    const pick = (kind: string): string[] => named.filter((it) => it.kind === kind).map((it) => it.data)
    return {
      name: `b${at}`,
      consumes: pick('consumes'),
      optionals: pick('optionals'),
      accesses: pick('accesses'),
      produces: `P${at}`,
      once: own.once,
      pure: own.pure,
      fallback: own.fallback,
      cutoff: own.cutoff,
      behaviour: raw.throwing ? own.behaviour : { ...own.behaviour, throwsWhen: 0, throwsFirst: 0, throwsAt: 0 },
      place: own.place,
    }
  })
  const targets = [...new Set(raw.targets.map((t) => `P${count - 1 - (t % count)}`))]
  if (raw.gate && raw.cyclic)
    for (const b of builders) if (targets.includes(b.produces)) b.consumes = [...b.consumes, 'G']
  const transients = builders
    .filter((b, at) => raw.builders[at]!.transient && !b.once && !targets.includes(b.produces))
    .map((b) => b.produces)
  const declared = builders
    .map((b, at) => ({ b, at }))
    .sort((a, z) => a.b.place - z.b.place || a.at - z.at)
    .map(({ b: { place: _, ...b } }) => b)
  for (const b of declared) if (transients.includes(b.produces)) Object.assign(b, { cutoff: false })
  const spec = { builders: declared, targets, transients, loops: raw.loops, durability: raw.durability }
  if (raw.transientOutside && dataOf(spec).includes('X0')) transients.push('X0')
  return withAbouts({ ...spec, loops: raw.loops || isCyclic(spec) }, raw.abouts)
}

/** Has data be about others, as far as that makes sense; not where there are cycles. */
function withAbouts(spec: WorkflowSpec, raw: RawCase['abouts']): WorkflowSpec {
  if (isCyclic(spec)) return spec
  const producerOf = (name: string): BuilderSpec | undefined => spec.builders.find((b) => b.produces === name)
  const kept = dataOf(spec).filter((name) => !spec.transients.includes(name))
  const outsideFirst = [...kept].sort(
    (a, b) => Number(producerOf(a) !== undefined) - Number(producerOf(b) !== undefined),
  )
  let made = spec
  for (const { data, subject } of raw) {
    const [name, of] = [outsideFirst[data % outsideFirst.length], outsideFirst[subject % outsideFirst.length]]
    if (name === undefined || of === undefined || made.abouts?.[name] !== undefined) continue
    if (name === of || subjectsOf(made, of).includes(name)) continue
    const producer = producerOf(name)
    if (producer !== undefined && (producer.once || !producer.consumes.includes(of))) continue
    const next = { ...made, abouts: { ...made.abouts, [name]: of } }
    if (!isCyclic(next)) made = next
  }
  return made
}

function knotted(own: RawBuilder, at: number, outside: number): Draft {
  const { once, pure, behaviour, place } = own
  const base = { once, pure, behaviour: { ...plain, timing: behaviour.timing }, accesses: [] }
  return at === 0
    ? { ...base, name: 'b0', consumes: ['P1'], optionals: ['X0'], produces: 'P0', place: -1 }
    : { ...base, name: 'b1', consumes: [`X${outside - 1}`], optionals: ['P0'], produces: 'P1', place }
}

const specs: fc.Arbitrary<WorkflowSpec> = fc
  .record({
    builders: fc.array(rawBuilders, { minLength: 1, maxLength: 12, size: 'max' }),
    outside: fc.integer({ min: 1, max: 4 }),
    transientOutside: rarely(8),
    cyclic: fc.boolean(),
    gate: fc.boolean(),
    knot: fc.boolean(),
    throwing: rarely(3),
    loops: rarely(6),
    targets: fc.oneof(
      { weight: 3, arbitrary: fc.array(fc.nat(2), { minLength: 1, maxLength: 1 }) },
      { weight: 2, arbitrary: fc.array(fc.nat(11), { minLength: 1, maxLength: 3 }) },
    ),
    abouts: fc.oneof(
      { weight: 1, arbitrary: fc.constant([]) },
      {
        weight: 6,
        arbitrary: fc.array(fc.record({ data: fc.nat(3), subject: fc.nat(3) }), { minLength: 3, maxLength: 5 }),
      },
    ),
    durability: fc.oneof(
      { weight: 3, arbitrary: fc.constant('builder' as const) },
      { weight: 1, arbitrary: fc.constant('scope' as const) },
    ),
  })
  .map(specOf)

interface RawStep {
  readonly kind: Step['kind']
  readonly pick: number
  readonly parallel: boolean
  readonly reopen: boolean
  readonly concurrency: number
  readonly crash: Crash | null
  readonly delta: readonly { readonly pick: number; readonly product: boolean; readonly value: number }[]
}

const rawSteps: fc.Arbitrary<RawStep> = fc.record({
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constant('call' as const) },
    { weight: 5, arbitrary: fc.constant('resume' as const) },
    { weight: 2, arbitrary: fc.constant('restart' as const) },
    { weight: 3, arbitrary: fc.constant('rerun' as const) },
    { weight: 2, arbitrary: fc.constant('fork' as const) },
    { weight: 1, arbitrary: fc.constant('cancel' as const) },
  ),
  pick: fc.nat(99),
  parallel: fc.boolean(),
  reopen: rarely(4),
  concurrency: fc.constantFrom(0, 0, 0, 1, 2),
  crash: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    {
      weight: 1,
      arbitrary: fc.record({
        write: fc.integer({ min: 1, max: 6 }),
        how: fc.constantFrom<Crash['how']>('before', 'after', 'refused', 'lost'),
      }),
    },
  ),
  delta: fc.array(fc.record({ pick: fc.nat(11), product: rarely(4), value: fc.nat(3) }), { maxLength: 4 }),
})

function stepOf(raw: RawStep, spec: WorkflowSpec, first: boolean): Step {
  const produced = new Set(spec.builders.map((b) => b.produces))
  const all = dataOf(spec)
  const outside = all.filter((name) => !produced.has(name))
  const delta = new Map<string, Value>()
  for (const { pick, product, value } of raw.delta) {
    const pool = product || outside.length === 0 ? all : outside
    const name = pool[pick % pool.length]!
    delta.set(name, value === 3 ? null : `${name}=${value}`)
  }
  const kind = first ? 'call' : raw.kind
  return {
    kind,
    mode: kind !== 'call' || raw.parallel ? 'parallel' : 'sequential',
    delta: kind !== 'call' ? [] : [...delta].map(([name, value]) => ({ name, value })),
    builder: spec.builders[raw.pick % spec.builders.length]!.name,
    at: raw.pick % 2 === 0 ? 0 : raw.pick,
    reopen: raw.reopen && !first,
    concurrency: raw.concurrency,
    // The request to cancel stays if its process dies, and nothing more can be asked of the instance then.
    crash: kind === 'cancel' ? null : raw.crash,
  }
}

export const cases: fc.Arbitrary<Case> = fc
  .record({
    spec: specs,
    store: fc.constantFrom<Case['store']>('memory', 'strict', 'strict', 'sqlite', 'sqlite'),
    steps: fc.array(rawSteps, { minLength: 1, maxLength: 7 }),
  })
  .map(({ spec, store, steps }) => ({ spec, store, steps: steps.map((step, at) => stepOf(step, spec, at === 0)) }))

/** One line per builder and step, for the report of a failure. */
export function describeCase({ spec, store, steps }: Case): string {
  const builders = spec.builders.map((b) => {
    const inputs = [...b.consumes, ...b.optionals.map((d) => `${d}?`), ...b.accesses.map((d) => `(${d})`)]
    const marks = Object.entries({ ...b.behaviour, once: b.once, pure: b.pure, fallback: b.fallback, cutoff: b.cutoff })
      .filter(([, value]) => value !== undefined && value !== 0 && value !== false && value !== 'sync')
      .map(([key, value]) => (value === true ? key : `${key}=${value}`))
    return `  ${b.name}: ${inputs.join(' ')} > ${b.produces}  ${marks.join(' ')}`
  })
  const calls = steps.map(({ kind, mode, delta, builder, at, reopen, concurrency, crash }) => {
    const fed = delta.map(({ value, name }) => (value === null ? `${name}=null` : value)).join(' ')
    const before = reopen ? 'reopen, ' : ''
    const death = crash === null ? '' : `, dies ${crash.how} write ${crash.write}`
    const bound = mode === 'sequential' || concurrency === 0 ? '' : `, ${concurrency} at once`
    const what = kind === 'rerun' ? ` of ${builder}` : kind === 'fork' ? ` at ${at}` : ''
    return `  ${before}${kind}${what} ${mode} [${fed}]${bound}${death}`
  })
  const { targets, transients, loops, durability, abouts = {} } = spec
  const about = Object.entries(abouts).map(([name, subject]) => ` ${name} about ${subject};`)
  const head = `targets ${targets.join(' ')}; transients ${transients.join(' ')}; loops ${loops};${about.join('')} ${durability}; ${store}`
  return [head, ...builders, ...calls].join('\n')
}
