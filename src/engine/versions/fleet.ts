import { isPolarisError } from '../../graph/errors.ts'
import type { DataStore } from '../../stores/contract.ts'
import { lookAfter, steady } from '../clock.ts'
import type { Registry, Served } from '../instances/registry.ts'
import type { StoreClock } from '../store-clock.ts'

/** Kind of the meta records in which processes say what they serve; the key is the process. */
const KIND = 'polaris-fleet'
/** A process says so again this often, and looks then what the others say, where it has a choice. */
const RENEW_MS = 5_000
/** One that has not said so for this long, by the store's clock, counts as gone. */
const EXPIRY_MS = 20_000
const PAGE = 1_000
const ATTEMPTS = 3

/** Versions by the name of their workflow: the value of a record. */
type Serves = Readonly<Record<string, readonly number[]>>

export interface FleetFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly clock: StoreClock
  /** This process. */
  readonly holder: string
}

/**
 * What the processes on one store serve, so that nothing begins on a version that only some of them have. Each writes a
 * record with an expiry, and renews it. Nobody asks the store when an instance begins: what the others serve is known from
 * the last look, and who serves one version of a workflow has no choice and never looks.
 */
export class Fleet {
  private readonly facts: FleetFacts
  /** The revision of this process's record; `null`: it has none, as far as is known. */
  private revision: number | null = null
  /** By workflow: the versions that each live process serves which serves it at all. */
  private served = new Map<string, readonly ReadonlySet<number>[]>()
  private lookedAt = -Infinity
  /** Whether this process serves several versions of a workflow. */
  private hasChoice = false
  private renewing: Promise<void> | undefined
  private stopTimer: (() => void) | undefined
  private ended = false

  constructor(facts: FleetFacts) {
    this.facts = facts
  }

  /** Says what this process serves, and looks what the others do. Throws what the store throws. */
  async join(): Promise<void> {
    await this.renewing
    await this.renew()
    this.keepOn()
  }

  /** To be awaited before something begins, where it answers a promise: what is known of the others is too old. */
  ready(): Promise<void> | undefined {
    if (!this.hasChoice || this.ended) return undefined
    return steady(this.facts.clock) - this.lookedAt < 2 * RENEW_MS ? undefined : this.renew()
  }

  /** The newest version of a workflow that all live processes serve; where there is none, the newest of this one. */
  newest(name: string): Served {
    const { registry } = this.facts
    const newest = registry.find(name)
    if (!newest.line.several) return newest
    const others = this.served.get(name) ?? []
    const common = registry.versionsOf(name).filter((version) => others.every((theirs) => theirs.has(version)))
    return registry.version(name, Math.max(...common)) ?? newest
  }

  /** Whether every live process that serves the workflow serves this version too, as far as this one has looked. */
  isServedByAll(name: string, version: number): boolean {
    return (this.served.get(name) ?? []).every((theirs) => theirs.has(version))
  }

  /** What each live process serves of a workflow, as they say now; where they cannot be asked, this process alone. */
  async live(name: string): Promise<readonly ReadonlySet<number>[]> {
    const { store, registry } = this.facts
    const { durable, lists } = store.capabilities
    if (durable && lists) return (await this.ask()).get(name) ?? []
    return [new Set(registry.versionsOf(name))]
  }

  /** This process serves nothing any more. Never rejects: what cannot be taken back expires. */
  async leave(): Promise<void> {
    this.ended = true
    this.stopTimer?.()
    await this.renewing?.catch(() => undefined)
    if (this.revision === null) return
    try {
      const past = this.facts.clock.now() - 1
      await this.facts.store.setMeta(this.record({}, past), this.revision)
    } catch {
      // The store is out of reach, or closed already.
    }
  }

  /** One at a time: those who ask meanwhile wait for the one under way. */
  private renew(): Promise<void> {
    this.renewing ??= this.sayAndLook().finally(() => (this.renewing = undefined))
    return this.renewing
  }

  private async sayAndLook(): Promise<void> {
    await this.say()
    if (this.hasChoice) await this.look()
  }

  private async say(): Promise<void> {
    const { store, registry, clock } = this.facts
    await clock.ready()
    this.hasChoice = registry.names().some((name) => registry.hasSeveral(name))
    const serves = Object.fromEntries(registry.names().map((name) => [name, registry.versionsOf(name)]))
    for (let attempt = 1; attempt <= ATTEMPTS && !this.ended; attempt++) {
      const record = this.record(serves, clock.now() + EXPIRY_MS)
      const written = await store.setMeta(record, this.revision)
      if (written.ok) {
        this.revision = record.revision
        return
      }
      if ('error' in written) throw written.error
      // An answer was lost, or the record has expired since.
      this.revision = written.current?.revision ?? null
    }
  }

  private record(serves: Serves, expiresAt: number) {
    const value = JSON.stringify(serves)
    return { kind: KIND, key: this.facts.holder, revision: (this.revision ?? 0) + 1, value, expiresAt }
  }

  private async look(): Promise<void> {
    const lookedAt = steady(this.facts.clock)
    this.served = await this.ask()
    this.lookedAt = lookedAt
  }

  private async ask(): Promise<Map<string, readonly ReadonlySet<number>[]>> {
    const { store } = this.facts
    const served = new Map<string, ReadonlySet<number>[]>()
    for (let after: string | undefined; ;) {
      const records = await store.listMeta(KIND, { limit: PAGE, ...(after !== undefined && { after }) })
      for (const { value } of records) {
        for (const [name, versions] of Object.entries(JSON.parse(value) as Serves)) {
          served.set(name, [...(served.get(name) ?? []), new Set(versions)])
        }
      }
      after = records.at(-1)?.key
      if (records.length < PAGE || after === undefined) return served
    }
  }

  /** Renews from time to time, as long as somebody holds on to this: a process need not end what it no longer uses. */
  private keepOn(): void {
    this.stopTimer?.()
    if (this.ended) return
    const held = new WeakRef(this)
    this.stopTimer = lookAfter(this.facts.clock, RENEW_MS, () => void held.deref()?.tick(), true)
  }

  /** Never rejects: who cannot say it now says it the next time. */
  private async tick(): Promise<void> {
    try {
      await this.renew()
    } catch (error) {
      if (isPolarisError(error, 'CLOSED')) return
    }
    this.keepOn()
  }
}
