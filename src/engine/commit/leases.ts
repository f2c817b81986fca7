import { after } from '../clock.ts'
import type { Clock } from '../clock.ts'

/** A scope under way that may hold a lease. */
export interface Tenant {
  /** When its lease began; `undefined` where it holds none. */
  readonly leasedAt: number | undefined
  /** When it last got on, so that one that hangs is not kept for ever. */
  readonly progressAt: number
  renew(now: number): void
  /** The lease is over, and nothing more can be kept. */
  lose(): void
}

export interface LeaseTimes {
  /** How long a lease lasts, in milliseconds. */
  readonly ms: number
  /** How long it is renewed for a scope that does not get on, in milliseconds (P11). */
  readonly longestRun: number
}

/** Renews leases while builders run: one timer for all, and none where nothing runs. */
export class Leases {
  private readonly clock: Clock
  private readonly times: LeaseTimes
  private readonly tenants = new Set<Tenant>()
  private cancel: (() => void) | undefined

  constructor(clock: Clock, times: LeaseTimes) {
    this.clock = clock
    this.times = times
  }

  add(tenant: Tenant): void {
    this.tenants.add(tenant)
    if (this.cancel === undefined) this.schedule()
  }

  remove(tenant: Tenant): void {
    this.tenants.delete(tenant)
  }

  /** A third of the lease is over when it is renewed, so two attempts may fail. */
  private schedule(): void {
    this.cancel = after(this.clock, this.times.ms / 3, () => this.tick(), true)
  }

  private tick(): void {
    this.cancel = undefined
    const now = this.clock.now()
    const { ms, longestRun } = this.times
    for (const tenant of this.tenants) {
      const { leasedAt, progressAt } = tenant
      if (leasedAt === undefined) continue
      if (now - progressAt <= longestRun) tenant.renew(now)
      else if (now - leasedAt > ms) tenant.lose()
    }
    if (this.tenants.size > 0) this.schedule()
  }
}
