import { steady } from '../clock.ts'
import type { Clock } from '../clock.ts'

/**
 * Instances of which trouble with the store ended a scope of this process, whose lease may still stand. Each is known for the
 * length of a lease, and no longer: from then on a claim finds it, and after a long outage there may be very many.
 */
export class Stranded {
  private readonly clock: Clock
  private readonly ms: number
  /** Since when, the oldest first. */
  private readonly since = new Map<string, number>()

  /** @param ms how long a lease lasts */
  constructor(clock: Clock, ms: number) {
    this.clock = clock
    this.ms = ms
  }

  get size(): number {
    return this.since.size
  }

  add(id: string): void {
    const now = steady(this.clock)
    this.since.delete(id)
    this.since.set(id, now)
    for (const [oldest, since] of this.since) {
      if (now - since <= this.ms) return
      this.since.delete(oldest)
    }
  }

  has(id: string): boolean {
    return this.since.has(id)
  }

  delete(id: string): void {
    this.since.delete(id)
  }
}
