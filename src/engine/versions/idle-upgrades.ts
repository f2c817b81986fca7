import type { DataStore } from '../../stores/contract.ts'
import { steady } from '../clock.ts'
import type { Registry, Served } from '../instances/registry.ts'
import type { StoreClock } from '../store-clock.ts'
import { OPEN_STATUSES } from './census.ts'
import type { Fleet } from './fleet.ts'
import type { Upgrades } from './upgrades.ts'

/** Kind of the meta records in which workers tell each other how far they are; the key is the workflow. */
const KIND = 'polaris-upgrade-idle'
/** Instances looked at in one step, and moved at once: load goes first. */
const BATCH = 50
const AT_ONCE = 4
/** For how long a worker has a step to itself; one that dies holds the others up for as long. */
const HELD_MS = 60_000
/** After the last instance of a list: until those that came or were busy meanwhile are looked for, and until then if there was none. */
const PAUSE_MS = 60_000
const LONG_PAUSE_MS = 600_000

interface Place {
  /** The graph that they move to: with another one it begins anew. */
  readonly to: string
  /** Of the page that comes next. Absent: the first. */
  readonly cursor?: string
  /** Whether any was moved or busy since the first page. */
  readonly any: boolean
  /** By the store's clock: until then nobody else is to look. */
  readonly until: number
}

export interface IdleUpgradesFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly clock: StoreClock
  readonly fleet: Fleet
  readonly upgrades: Upgrades
}

/**
 * Moves instances at rest of workflows with the policy `'upgrade-idle'`, a few at a time, once the whole live fleet serves the newest
 * version. One worker of all does a step; where the next one begins stands in the store.
 */
export class IdleUpgrades {
  private readonly facts: IdleUpgradesFacts
  /** When to look again, by workflow and the steady clock. */
  private readonly pauses = new Map<string, number>()

  constructor(facts: IdleUpgradesFacts) {
    this.facts = facts
  }

  /** One step; answers whether there may be more to do at once. Throws what the store throws. */
  async step(stopped: () => boolean): Promise<boolean> {
    let more = false
    for (const to of this.due()) if (!stopped() && (await this.move(to, stopped))) more = true
    return more
  }

  private due(): Served[] {
    const { registry, fleet, clock } = this.facts
    const now = steady(clock)
    return registry.names().flatMap((name): Served[] => {
      const newest = registry.find(name)
      const { policy, version } = newest.program.graph
      if (policy !== 'upgrade-idle' || !fleet.isServedByAll(name, version)) return []
      return (this.pauses.get(name) ?? -Infinity) <= now ? [newest] : []
    })
  }

  private async move(served: Served, stopped: () => boolean): Promise<boolean> {
    const { store, clock, upgrades } = this.facts
    const { name } = served.program.graph
    const to = `${served.workflow.version} ${served.workflow.plan.fingerprint}`
    const record = await store.meta(KIND, name)
    const known = record && (JSON.parse(record.value) as Place)
    const now = clock.now()
    if (known?.to === to && known.until > now) {
      this.pauses.set(name, steady(clock) + known.until - now)
      return false
    }
    const from: Place = known?.to === to ? known : { to, any: false, until: 0 }
    const held = await this.put(name, { ...from, until: now + HELD_MS }, record?.revision ?? null)
    if (held === undefined) return false
    const { cursor, any } = from
    const query = { workflow: name, status: OPEN_STATUSES, limit: BATCH, ...(cursor !== undefined && { cursor }) }
    const { items, next } = await store.list(query)
    const outcomes = await upgrades.few(items, served, AT_ONCE, stopped)
    const found = any || outcomes.some(({ kind }) => kind !== 'none' && kind !== 'stranded')
    if (stopped()) {
      await this.put(name, { ...from, any: found, until: 0 }, held)
      return false
    }
    const pause = next !== undefined ? 0 : found ? PAUSE_MS : LONG_PAUSE_MS
    const place = next === undefined ? { to, any: false } : { to, any: found, cursor: next }
    await this.put(name, { ...place, until: clock.now() + pause }, held)
    return next !== undefined
  }

  /** The record's new revision, or `undefined` if another worker was faster. */
  private async put(name: string, place: Place, expected: number | null): Promise<number | undefined> {
    const revision = (expected ?? 0) + 1
    const record = { kind: KIND, key: name, revision, value: JSON.stringify(place), expiresAt: null }
    const written = await this.facts.store.setMeta(record, expected)
    if (written.ok) return revision
    if ('error' in written) throw written.error
    return undefined
  }
}
