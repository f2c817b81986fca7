import { ById } from './by-id.ts'

/** One at a time per id, in order of arrival. An id at rest costs nothing. */
export class Turns {
  /** By id whose turn is taken, those that wait for theirs. */
  private readonly waiting = new ById<readonly (() => void)[]>()
  private resting: (() => void)[] = []

  /** Takes a turn at once, or returns a promise of it. */
  take(id: string): Promise<void> | undefined {
    const queue = this.waiting.get(id)
    if (queue === undefined) {
      this.waiting.set(id, NOBODY)
      return undefined
    }
    return new Promise((resolve) => {
      // Most turns are never waited for: they share one queue, which stays empty.
      if (queue === NOBODY) this.waiting.set(id, [resolve])
      else (queue as (() => void)[]).push(resolve)
    })
  }

  isTaken(id: string): boolean {
    return this.waiting.get(id) !== undefined
  }

  /** Ends a turn: the next one begins. */
  pass(id: string): void {
    const queue = this.waiting.get(id)
    const next = queue === NOBODY ? undefined : (queue as (() => void)[] | undefined)?.shift()
    if (next !== undefined) {
      next()
      return
    }
    this.waiting.delete(id)
    if (this.resting.length === 0 || !this.waiting.isEmpty) return
    const resting = this.resting
    this.resting = []
    for (const rest of resting) rest()
  }

  /** Resolves once no turn is taken. */
  idle(): Promise<void> {
    if (this.waiting.isEmpty) return Promise.resolve()
    return new Promise((resolve) => this.resting.push(resolve))
  }
}

const NOBODY: readonly (() => void)[] = []
