import type { AnyData } from './data.ts'
import { describeValue } from './errors.ts'

/** What a builder returns when it has no product. Made by {@link nothing}. */
export class Nothing {
  declare private readonly kind: 'nothing'
  readonly because: string | undefined

  constructor(because: string | undefined) {
    this.because = readReason(because)
  }
}

/** What a builder returns when it needs other data than it was given. Made by {@link waitFor}. */
export class WaitFor<Name extends string = string> {
  declare private readonly kind: 'waitFor'
  readonly data: AnyData & { readonly name: Name }
  readonly because: string | undefined

  constructor(data: AnyData & { readonly name: Name }, because: string | undefined) {
    this.data = data
    this.because = readReason(because)
  }
}

/** Without types a reason may be anything, also what has no text; it is not worth a failure. */
function readReason(because: unknown): string | undefined {
  if (because === undefined || typeof because === 'string') return because
  try {
    return describeValue(because)
  } catch {
    return 'a reason that cannot be read'
  }
}

/**
 * What `process` may return, at once or later: a product, or a reason why there is none. The union is written out in one
 * alias so that the compiler's messages name it instead of listing it.
 */
export type Outcome<Product, Waits extends string> =
  Product | Nothing | WaitFor<Waits> | Promise<Product | Nothing | WaitFor<Waits>>

/**
 * "There is no product." An earlier product stays; the builder runs again when one of its inputs is active again.
 *
 * @param because shown by `explain` and in the history
 */
export function nothing(because?: string): Nothing {
  return new Nothing(because)
}

/**
 * "There is no product before this datum comes, or comes anew." Like {@link nothing}, and the instance's `waitingFor`
 * names the data.
 *
 * @param data one of the builder's own `consumes` or `optionals`; anything else is `PRODUCT_INVALID`
 * @param because shown by `explain` and in the history
 */
export function waitFor<Name extends string>(data: AnyData & { readonly name: Name }, because?: string): WaitFor<Name> {
  return new WaitFor(data, because)
}
