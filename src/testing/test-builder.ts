import { builder, BuilderError, DataError, Polaris, settled, workflow } from '../index.ts'
import type {
  AnyBuilder,
  AnyData,
  Builder,
  BuildContext,
  Datum,
  Failed,
  Frozen,
  Service,
  Settled,
  ValueOf,
} from '../index.ts'

/** What a builder made of its inputs. */
export interface Tested<Product> {
  readonly outcome: 'produced' | 'nothing' | 'waitFor'
  /** As readers would get it: checked by its schema, and frozen. Absent unless `outcome` is `'produced'`. */
  readonly product?: Frozen<Product>
  /** The reason given with `nothing` or `waitFor`. */
  readonly because?: string
  /** With `waitFor`: the name of the data it waits for. */
  readonly awaits?: string
}

/** What {@link testBuilder} hands over besides inputs. */
export interface TestOptions<Uses> {
  /** By the keys that the builder's `services` have. */
  readonly services?: { readonly [Key in keyof Uses]?: unknown }
  readonly meta?: Readonly<Record<string, unknown>>
  readonly signal?: AbortSignal
}

/**
 * Runs one builder alone, as a workflow would: inputs are checked by their schemas and frozen, the product too.
 *
 * ```ts
 * const { product } = await testBuilder(quoteFare, { ride: { userId: 'u1', from: 'A', to: 'B' } })
 * ```
 *
 * @param inputs by the names `process` knows them by
 * @throws what the builder throws; `DATA_INVALID` for inputs, `PRODUCT_INVALID` for the product
 */
export async function testBuilder<
  Input extends object,
  Reads,
  Produces extends AnyData,
  Uses extends Readonly<Record<string, Service>>,
>(
  tested: Builder<Input, Reads, Produces, Uses>,
  inputs: Input,
  options: TestOptions<Uses> = {},
): Promise<Tested<ValueOf<Produces>>> {
  const { services = {}, meta, signal } = options
  let answer: unknown
  const copy = builder({
    name: tested.name,
    consumes: consumedBy(tested),
    // A builder's keys are distinct, or it would not have been made.
    optionals: tested.optionals,
    accesses: tested.accesses,
    services: tested.services,
    produces: tested.produces as never,
    process: async (input: unknown, context: BuildContext) => {
      answer = await tested.process(input as Input, context as never)
      return answer as never
    },
  })
  const builders = [copy, ...failing(tested, inputs)]
  const flow = workflow({ name: `test of ${tested.name}`, builders, target: copy.produces as never })
  const polaris = new Polaris({ services: byName(tested.services, services) }).register(flow as never)
  const executor = polaris.executor().with({ ...(meta && { meta }), ...(signal && { signal }) })
  const delta = feedsOf(tested, inputs)
  const missing = Object.keys(tested.consumes).find((key) => (inputs as Record<string, unknown>)[key] === undefined)
  if (missing !== undefined) throw lacking(tested, missing)
  try {
    const result = await executor.compute(flow.name, ...delta)
    const product = result.get(tested.produces) as Frozen<ValueOf<Produces>> | undefined
    return product === undefined ? describe(answer) : { outcome: 'produced', product }
  } catch (error) {
    if (error instanceof BuilderError && error.code === 'BUILDER_FAILED') throw error.cause
    throw error
  }
}

type Tests = Pick<Builder, 'name' | 'consumes' | 'settles' | 'optionals' | 'accesses'>

function consumedBy({ consumes, settles }: Tests): Readonly<Record<string, AnyData>> {
  const entries = Object.entries(consumes)
  return Object.fromEntries(entries.map(([key, of]) => [key, settles.includes(key) ? settled(of) : of])) as never
}

/** Builders that fail as the inputs say, for those that are taken as outcomes. */
function failing({ consumes, settles }: Tests, inputs: object): AnyBuilder[] {
  return settles.flatMap((key) => {
    const outcome = (inputs as Readonly<Record<string, Settled<unknown> | undefined>>)[key]
    if (outcome === undefined || outcome.ok) return []
    const process = (): never => {
      throw asThrown(outcome.error)
    }
    return [builder({ name: `failure of ${key}`, produces: consumes[key] as never, process })]
  })
}

function asThrown({ name, message, code }: Failed): Error {
  return Object.assign(new Error(message), { name, ...(code !== undefined && { code }) })
}

function feedsOf({ consumes, settles, optionals, accesses, name }: Tests, inputs: object): Datum[] {
  const known: Readonly<Record<string, AnyData>> = { ...consumes, ...optionals, ...accesses }
  const feeds = new Map<string, Datum>()
  for (const [key, value] of Object.entries(inputs) as [string, unknown][]) {
    const data = known[key]
    if (data === undefined) {
      const path = [{ message: `builder '${name}' has ${Object.keys(known).join(', ') || 'no inputs'}`, path: [] }]
      throw new DataError(key, path)
    }
    const outcome = settles.includes(key) ? (value as Settled<unknown> | undefined) : undefined
    if (outcome?.ok === false) continue
    const given = outcome === undefined ? value : outcome.value
    if (given !== undefined) feeds.set(data.name, data.untyped(given))
  }
  return [...feeds.values()]
}

function lacking({ name, consumes }: Tests, key: string): DataError {
  return new DataError(consumes[key]?.name ?? key, [
    { message: `builder '${name}' consumes it as '${key}', but the inputs have no '${key}'`, path: [] },
  ])
}

function byName(asked: object, given: object): Record<string, unknown> {
  const named = Object.entries(asked) as [string, { readonly name: string }][]
  return Object.fromEntries(named.map(([key, { name }]) => [name, (given as Record<string, unknown>)[key]]))
}

function describe(answer: unknown): {
  readonly outcome: 'nothing' | 'waitFor'
  readonly because?: string
  readonly awaits?: string
} {
  const { because, data } = answer as { readonly because?: string; readonly data?: AnyData }
  return {
    outcome: data === undefined ? 'nothing' : 'waitFor',
    ...(because !== undefined && { because }),
    ...(data !== undefined && { awaits: data.name }),
  }
}
