/** One at a time per id, in order of arrival. An id at rest costs nothing. */
export class Turns {
  private readonly waiting = new Map<string, (() => void)[]>()
  private resting: (() => void)[] = []

  /** Takes a turn at once, or returns a promise of it. */
  take(id: string): Promise<void> | undefined {
    const queue = this.waiting.get(id)
    if (queue === undefined) {
      this.waiting.set(id, NOBODY)
      return undefined
    }
    return new Promise((resolve) => {
      if (queue === NOBODY) this.waiting.set(id, [resolve])
      else queue.push(resolve)
    })
  }

  /** Ends a turn: the next one begins. */
  pass(id: string): void {
    const queue = this.waiting.get(id)
    const next = queue?.shift()
    if (next !== undefined) {
      next()
      return
    }
    this.waiting.delete(id)
    if (this.waiting.size > 0 || this.resting.length === 0) return
    const resting = this.resting
    this.resting = []
    for (const rest of resting) rest()
  }

  /** Resolves once no turn is taken. */
  idle(): Promise<void> {
    if (this.waiting.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.resting.push(resolve))
  }
}

/** Most turns are never waited for: they share this empty queue. */
const NOBODY: (() => void)[] = []
