import type { Work } from './work.ts'

/** What a builder has come to after a wait. Numbers: to look a method up by its name took 10 ns of the 200 of a builder. */
export const MADE = 0
export const ACCEPTED = 1
export const THREW = 2
export const OUTLASTED = 3
export type Reached = typeof MADE | typeof ACCEPTED | typeof THREW | typeof OUTLASTED

/** Who goes on after a wait. */
interface Host {
  goOn(reached: Reached, work: Work, value: unknown): void
}

/**
 * The waits of one scope's builders. One that waits alone, as in a chain, is waited for by the same two closures as the one
 * before it: a pair of its own for each, as `await` has, is 2 KB to be made and thrown away in a chain of 10.
 */
export class Waits {
  private readonly host: Host
  private readonly kept: (value: unknown) => void
  private readonly broke: (error: unknown) => void
  /** Who waits by those two, if anybody does. */
  private work: Work | undefined
  private reached: Reached

  constructor(host: Host) {
    this.host = host
    this.work = undefined
    this.reached = MADE
    // Not `this.kept = () => …`: V8 makes what is written so among old objects, which keep a scope that is over alive until
    // those are collected. A chain of 10 took 13 % longer.
    const kept = (value: unknown): void => this.end(this.reached, value)
    const broke = (error: unknown): void => this.end(THREW, error)
    this.kept = kept
    this.broke = broke
  }

  /** @param reached what the builder has come to if the promise is kept */
  add(reached: Reached, work: Work, answer: PromiseLike<unknown>): void {
    const promise = answer instanceof Promise && answer.then === then ? answer : behaved(answer)
    if (this.work !== undefined) {
      this.addBeside(reached, work, promise)
      return
    }
    this.work = work
    this.reached = reached
    promise.then(this.kept, this.broke)
  }

  private end(reached: Reached, value: unknown): void {
    const work = this.work as Work
    this.work = undefined
    this.host.goOn(reached, work, value)
  }

  /** In a function of its own, since closures take room in every call of the function that might make them. */
  private addBeside(reached: Reached, work: Work, promise: Promise<unknown>): void {
    promise.then(
      (value) => this.host.goOn(reached, work, value),
      (error: unknown) => this.host.goOn(THREW, work, error),
    )
  }
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- only ever compared
const then = Promise.prototype.then

/** A foreign thenable may answer at once, twice or throw: a promise of our own makes it behave. */
function behaved(answer: PromiseLike<unknown>): Promise<unknown> {
  return new Promise((resolve) => resolve(answer))
}
