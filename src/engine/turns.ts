/** One at a time per id, in order of arrival. An id at rest costs nothing. */
export class Turns {
  private readonly waiting = new Map<string, (() => void)[]>()
  /** Most often there is but one, and a map that gains and loses one key is made anew every other time. */
  private only: string | undefined
  private resting: (() => void)[] = []

  /** Takes a turn at once, or returns a promise of it. */
  take(id: string): Promise<void> | undefined {
    if (this.only === id) {
      this.only = undefined
      this.waiting.set(id, NOBODY)
    } else if (this.only === undefined && this.waiting.size === 0) {
      this.only = id
      return undefined
    }
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

  isTaken(id: string): boolean {
    return this.only === id || this.waiting.has(id)
  }

  /** Ends a turn: the next one begins. */
  pass(id: string): void {
    if (this.only === id) {
      this.only = undefined
      this.rest()
      return
    }
    const queue = this.waiting.get(id)
    const next = queue === NOBODY ? undefined : queue?.shift()
    if (next !== undefined) {
      next()
      return
    }
    this.waiting.delete(id)
    this.rest()
  }

  private rest(): void {
    if (this.resting.length === 0 || this.only !== undefined || this.waiting.size > 0) return
    const resting = this.resting
    this.resting = []
    for (const rest of resting) rest()
  }

  /** Resolves once no turn is taken. */
  idle(): Promise<void> {
    if (this.only === undefined && this.waiting.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.resting.push(resolve))
  }
}

/** Most turns are never waited for: they share this empty queue. */
const NOBODY: (() => void)[] = []
