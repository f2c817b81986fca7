export interface Sampler<T> {
  /** What is drawn so far. */
  readonly items: readonly T[]
  offer(item: T): void
}

/** Draws so many items by chance from a stream of unknown length, each with the same odds (Vitter's algorithm R). */
export function sampler<T>(size: number, random: () => number = Math.random): Sampler<T> {
  const items: T[] = []
  let seen = 0
  return {
    items: items,
    offer(item: T): void {
      seen++
      if (items.length < size) items.push(item)
      else {
        const at = Math.floor(random() * seen)
        if (at < size) items[at] = item
      }
    },
  }
}
