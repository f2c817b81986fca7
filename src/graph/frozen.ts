type Leaf =
  string | number | bigint | boolean | null | undefined | symbol | Date | Uint8Array | ((...args: never) => unknown)

/**
 * A value as readers get it: readonly all the way down, since data are values and nobody may change them. Arrays have a
 * branch of their own since the compiler resolves a mapped array at once, and so never ends with `Json = Json[] | …`.
 */
export type Frozen<T> = T extends Leaf
  ? T
  : unknown extends T
    ? T
    : T extends readonly (infer V)[]
      ? V[] extends T
        ? readonly Frozen<V>[]
        : { readonly [K in keyof T]: Frozen<T[K]> }
      : T extends ReadonlyMap<infer K, infer V>
        ? ReadonlyMap<Frozen<K>, Frozen<V>>
        : T extends ReadonlySet<infer V>
          ? ReadonlySet<Frozen<V>>
          : { readonly [K in keyof T]: Frozen<T[K]> }

/** What a schema takes and a data set can hold: `undefined` is no value. */
export type Given<In> = In extends undefined ? never : Frozen<In>
