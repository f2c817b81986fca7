// The same steps for everyone: each makes `{ n, s }` from the one before.

/** @typedef {{ n: number, s: string }} Item */
/** @typedef {{ name: string, length: number, kind: 'sync' | 'async' }} Chain */

/** @type {readonly Chain[]} */
export const CHAINS = [3, 10].flatMap((length) =>
  /** @type {const} */ (['sync', 'async']).map((kind) => ({ name: `chain of ${length}, ${kind}`, length, kind })),
)

/**
 * @param {Chain} chain
 * @returns {((from: Item) => Item | Promise<Item>)[]}
 */
export function stepsOf({ length, kind }) {
  return Array.from({ length }, () =>
    kind === 'sync'
      ? (/** @type {Item} */ from) => ({ n: from.n + 1, s: 'x'.repeat(32) })
      : async (/** @type {Item} */ from) => {
          await null
          return { n: from.n + 1, s: 'x'.repeat(32) }
        },
  )
}

/**
 * The steps called by hand: plainly where they answer at once, else each awaited.
 *
 * @param {Chain} chain
 * @returns {(n: number) => Item | Promise<Item>}
 */
export function byHand(chain) {
  const steps = stepsOf(chain)
  if (chain.kind === 'sync') {
    return (n) => {
      let item = { n, s: 'start' }
      for (const step of steps) item = /** @type {Item} */ (step(item))
      return item
    }
  }
  return async (n) => {
    let item = { n, s: 'start' }
    for (const step of steps) item = await step(item)
    return item
  }
}
