import { isData } from './data.ts'
import type { AnyData } from './data.ts'
import { describeValue, GraphError } from './errors.ts'

/** What a builder failed with for good. */
export interface Failed {
  readonly name: string
  readonly message: string
  /** The error's own, or `BUILDER_TIMEOUT`, `PRODUCT_INVALID`. */
  readonly code?: string
}

/** What became of a builder: its product, or what it failed with for good. */
export type Settled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Failed }

/** A data whose outcome a builder consumes. Made by {@link settled}. */
export interface SettledData<D extends AnyData = AnyData> {
  readonly kind: 'settled'
  readonly name: D['name']
  readonly data: D
}

const madeHere = new WeakSet<object>()

/**
 * In `consumes`: the outcome of a data instead of its value. The builder runs also when the one that makes the data has failed
 * for good, its attempts and its fallback used up, and is given `{ ok: false, error }` instead of `{ ok: true, value }`. Such a
 * failure does not end the scope; builders that consume the data itself do not run.
 *
 * @throws `GRAPH_INVALID` for what is no data
 */
export function settled<const D extends AnyData>(data: D): SettledData<D> {
  if (!isData(data)) throw new GraphError('settled()', [`it takes a data, but got ${describeValue(data)}`])
  const made: SettledData<D> = Object.freeze({ kind: 'settled', name: data.name, data })
  madeHere.add(made)
  return made
}

export function isSettled(value: unknown): value is SettledData {
  return typeof value === 'object' && value !== null && madeHere.has(value)
}
