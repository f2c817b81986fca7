import type { Warm } from './driver.ts'

/**
 * The instances kept at hand, in two generations: when the younger one is full, it takes the place of the older one, which
 * is let go as a whole. So at least half of those allowed are kept, the ones used last. To delete the one that has been
 * there the longest each time one came took a tenth of a scope on a new id.
 */
export class WarmOnes {
  private readonly full: number
  private younger = new Map<string, Warm>()
  private older = new Map<string, Warm>()
  /** Of the younger ones that which was kept or found last: whoever found it keeps it, and asks for it again at once. */
  private lastId: string | undefined
  private last: Warm | undefined

  /** @param most at most so many are kept */
  constructor(most: number) {
    this.full = most === 0 ? 0 : Math.max(1, Math.floor(most / 2))
  }

  get(id: string): Warm | undefined {
    if (id === this.lastId) return this.last
    const found = this.younger.get(id)
    if (found === undefined) return this.older.get(id)
    this.remember(id, found)
    return found
  }

  drop(id: string): void {
    if (id === this.lastId) this.remember(undefined, undefined)
    this.younger.delete(id)
    this.older.delete(id)
  }

  keep(id: string, warm: Warm): void {
    if (this.full === 0 || (id === this.lastId && warm === this.last)) return
    this.remember(id, warm)
    // Without looking first: with many ids, what a call costs is to find them in maps.
    this.younger.set(id, warm)
    if (this.younger.size < this.full) return
    this.older = this.younger
    this.younger = new Map()
  }

  private remember(id: string | undefined, warm: Warm | undefined): void {
    this.lastId = id
    this.last = warm
  }
}
