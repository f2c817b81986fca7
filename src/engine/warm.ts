import type { Warm } from './driver.ts'

/** The instances kept at hand. The one that has been there the longest gives way. */
export class WarmOnes {
  private readonly most: number
  private readonly byId = new Map<string, Warm>()
  private oldest: IterableIterator<string> | undefined

  constructor(most: number) {
    this.most = most
  }

  get(id: string): Warm | undefined {
    return this.byId.get(id)
  }

  drop(id: string): void {
    this.byId.delete(id)
  }

  keep(id: string, warm: Warm): void {
    if (this.byId.get(id) === warm) return
    this.byId.set(id, warm)
    if (this.byId.size <= this.most) return
    // One iterator for good: a new one would step over all that was deleted before, at four times the cost of the scope.
    let oldest = (this.oldest ??= this.byId.keys()).next()
    if (oldest.done === true) oldest = (this.oldest = this.byId.keys()).next()
    if (oldest.done !== true) this.byId.delete(oldest.value)
  }
}
