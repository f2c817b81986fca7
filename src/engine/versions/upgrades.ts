import type { DataStore, Header, InstanceStatus } from '../../stores/contract.ts'
import { hasMail } from '../mail/backlog.ts'
import type { Backlog } from '../mail/backlog.ts'
import { BuilderError } from '../scope/builder-error.ts'
import type { Stranding } from './carry.ts'
import { headersOf, OPEN_STATUSES } from './census.ts'
import type { Driver } from '../instances/driver.ts'
import { Overtaken } from '../commit/journal.ts'
import type { Registry, Served } from '../instances/registry.ts'
import { Grouping } from './stranding-groups.ts'
import type { StrandedGroup } from './stranding-groups.ts'
import type { Turns } from '../instances/turns.ts'
import type { Versions } from './versions.ts'

/** Which open instances to move. Times are milliseconds since the epoch. */
export interface UpgradeQuery {
  readonly workflow: string
  /** Only those of this version. Default: of all versions but the one they are to move to. */
  readonly version?: number
  readonly status?: InstanceStatus | readonly InstanceStatus[]
  readonly createdFrom?: number
  readonly createdBefore?: number
}

export interface UpgradeOptions {
  /** The version they are to move to, which has to be registered; an older one is a way back. Default: the newest. */
  readonly to?: number
  /** At most so many at once. Default 32. */
  readonly concurrency?: number
  /** Called after each batch. */
  readonly onProgress?: (progress: UpgradeReport) => void
  /** Ends it after the batch under way. */
  readonly signal?: AbortSignal
}

/** What became of instances that were to move. */
export interface UpgradeReport {
  readonly moved: number
  /** Of those: in so many, a builder that became due has failed since. */
  readonly failed: number
  /** Were worked on by others the whole time: they may be moved by asking again. */
  readonly busy: number
  /** Could not move, and stand as they did. */
  readonly stranded: readonly StrandedGroup[]
}

export interface UpgradesFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly versions: Versions
  readonly driver: Driver
  readonly backlog: Backlog
  readonly turns: Turns
  /** Ends a turn; if mail came meanwhile, only after that is handled. */
  readonly passTurn: (id: string) => void
}

type Outcome =
  | { readonly kind: 'moved' | 'failed' | 'busy' | 'none' }
  | { readonly kind: 'stranded'; readonly because: readonly Stranding[] }

const ATTEMPTS = 3

/** Moves instances to another version without waiting for their next scope. */
export class Upgrades {
  private readonly facts: UpgradesFacts

  constructor(facts: UpgradesFacts) {
    this.facts = facts
  }

  /**
   * Moves all that a query finds, in batches. What was moved is moved: to ask again goes on with the rest.
   *
   * @throws `VERSION_NOT_SERVED`, `WORKFLOW_NOT_FOUND`, what the store throws
   */
  async all(query: UpgradeQuery, options: UpgradeOptions): Promise<UpgradeReport> {
    const { registry, store } = this.facts
    const { workflow, status = OPEN_STATUSES, ...rest } = query
    const { concurrency = 32, onProgress, signal } = options
    const to = options.to === undefined ? registry.find(workflow) : registry.serving(workflow, workflow, options.to)
    const counts = { moved: 0, failed: 0 }
    const stranded = new Grouping()
    let busy: string[] = []
    const report = (): UpgradeReport => ({ ...counts, busy: busy.length, stranded: stranded.result() })
    const batch = async (ids: readonly string[]): Promise<string[]> => {
      const left: string[] = []
      const outcomes = await Promise.all(ids.map((id) => this.one(id, to)))
      outcomes.forEach((outcome, i) => {
        const id = ids[i] as string
        if (outcome.kind === 'busy') left.push(id)
        if (outcome.kind === 'moved' || outcome.kind === 'failed') counts.moved++
        if (outcome.kind === 'failed') counts.failed++
        if (outcome.kind === 'stranded') stranded.add(id, outcome.because)
      })
      onProgress?.(report())
      return left
    }
    for await (const { headers } of headersOf(store, { workflow, status, ...rest })) {
      const ids = headers.filter((header) => !isOn(header, to)).map(({ id }) => id)
      for (let at = 0; at < ids.length && signal?.aborted !== true; at += concurrency) {
        busy.push(...(await batch(ids.slice(at, at + concurrency))))
      }
      if (signal?.aborted === true) return report()
    }
    // Whoever was at work on them may be done by now.
    const again = busy
    busy = []
    for (let at = 0; at < again.length; at += concurrency)
      busy.push(...(await batch(again.slice(at, at + concurrency))))
    return report()
  }

  /** Moves an instance at rest. What becomes due by that runs at once. */
  private async one(id: string, to: Served): Promise<Outcome> {
    const { turns, passTurn } = this.facts
    const taken = turns.take(id)
    if (taken !== undefined) await taken
    try {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        try {
          return await this.attempt(id, to)
        } catch (error) {
          if (!(error instanceof Overtaken)) throw error
        }
      }
      return { kind: 'busy' }
    } finally {
      passTurn(id)
    }
  }

  private async attempt(id: string, to: Served): Promise<Outcome> {
    const { store, backlog, driver, versions } = this.facts
    const warm = backlog.load(await store.read(id))
    const header = warm?.header
    if (warm === undefined || header === undefined || !isOpen(header) || isOn(header, to)) return { kind: 'none' }
    const busy = !backlog.isFree(header) || header.pass > 0 || hasMail(header) || warm.state.isUndoing
    if (busy) return { kind: 'busy' }
    const moved = await versions.transfer(warm, to)
    if ('strandings' in moved) return { kind: 'stranded', because: moved.strandings }
    const manner = { id, limit: Infinity, hooks: {}, signal: undefined }
    const trigger = { mode: 'parallel', delta: [], accepted: [], meta: undefined, operation: undefined } as const
    try {
      await driver.run(manner, moved, trigger, { request: undefined })
      return { kind: 'moved' }
    } catch (error) {
      if (error instanceof BuilderError) return { kind: 'failed' }
      throw error
    }
  }
}

function isOpen({ status }: Header): boolean {
  return OPEN_STATUSES.includes(status)
}

function isOn({ version, fingerprint }: Header, { workflow }: Served): boolean {
  return version === workflow.version && fingerprint === workflow.plan.fingerprint
}
