import { isPolarisError } from '../../graph/errors.ts'
import type { Awaitable } from '../../stores/contract.ts'
import { pause } from '../clock.ts'
import type { Clock } from '../clock.ts'

/**
 * At most so many in one call of the store: one that writes synchronously holds the event loop meanwhile. 128 changes take
 * SQLite about 2 ms.
 */
const LARGEST_BATCH = 128

/**
 * How long to wait before the same is sent again after the store could not be reached, in milliseconds. That is safe: a
 * change finds its own token, an append its own request id.
 */
const PAUSES = [20, 200]

export interface BatchesFacts<Item, Answer> {
  readonly clock: Clock
  /** At most so many batches are under way at once. With more than one, items of one id may overtake each other. */
  readonly lanes: number
  readonly idOf: (item: Item) => string
  readonly send: (items: readonly Item[]) => Awaitable<readonly Answer[]>
}

interface Pending<Item, Answer> {
  readonly item: Item
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers what concurrent instances want of the store, so that they share a transaction and its fsync. Nobody waits for
 * company: the next batch is whatever came while the last was under way.
 */
export class Batches<Item, Answer> {
  private readonly facts: BatchesFacts<Item, Answer>
  private pending: Pending<Item, Answer>[] = []
  private scheduled = false
  private sending = 0

  constructor(facts: BatchesFacts<Item, Answer>) {
    this.facts = facts
  }

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.pending.push({ item, resolve, reject })
      this.schedule()
    })
  }

  private schedule(): void {
    if (this.scheduled || this.sending === this.facts.lanes || this.pending.length === 0) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      // What is there is shared out over the free lanes: one batch of all would leave the others idle until it is done.
      while (this.sending < this.facts.lanes && this.pending.length > 0) void this.flush(this.take())
    })
  }

  private take(): Pending<Item, Answer>[] {
    const { pending, facts } = this
    const share = Math.ceil(pending.length / (facts.lanes - this.sending))
    const count = Math.min(share, LARGEST_BATCH)
    if (count === pending.length) {
      this.pending = []
      return pending
    }
    this.pending = pending.slice(count)
    return pending.slice(0, count)
  }

  private async flush(batch: Pending<Item, Answer>[]): Promise<void> {
    const { idOf } = this.facts
    this.sending++
    // Opposed orders of locking deadlock in stores with row locks: all batches go by id.
    if (batch.length > 1) batch.sort((a, b) => compare(idOf(a.item), idOf(b.item)))
    try {
      const answers = await this.insist(batch.map(({ item }) => item))
      batch.forEach(({ resolve, reject }, i) => {
        const answer = answers[i]
        if (answer === undefined) reject(new TypeError('The store answered fewer items than it was given.'))
        else resolve(answer)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    this.sending--
    this.schedule()
  }

  private async insist(items: readonly Item[]): Promise<readonly Answer[]> {
    for (const ms of PAUSES) {
      try {
        return await this.facts.send(items)
      } catch (error) {
        if (!isPolarisError(error, 'STORE_UNAVAILABLE')) throw error
        await pause(this.facts.clock, ms)
      }
    }
    return this.facts.send(items)
  }
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}
