import { isPolarisError } from '../../graph/errors.ts'
import type { DataStore, Header, InstanceStatus } from '../../stores/contract.ts'
import { hasMail } from '../mail/backlog.ts'
import type { Backlog } from '../mail/backlog.ts'
import { BuilderError } from '../scope/builder-error.ts'
import { headersOf, OPEN_STATUSES } from './census.ts'
import type { Driver, Warm } from '../instances/driver.ts'
import { Left } from '../commit/left.ts'
import type { StoreClock } from '../store-clock.ts'
import { ProgressKeeper } from './upgrade-progress.ts'
import type { Progress } from './upgrade-progress.ts'
import { Overtaken } from '../commit/journal.ts'
import type { Registry, Served } from '../instances/registry.ts'
import { closed } from '../refusals.ts'
import { Grouping } from './stranding-groups.ts'
import type { StrandedGroup, StrandedReason } from './stranding-groups.ts'
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

/** How {@link Polaris.upgrade} moves instances. */
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
  readonly clock: StoreClock
  readonly driver: Driver
  readonly backlog: Backlog
  readonly turns: Turns
  /** Ends a turn; if mail came meanwhile, only after that is handled. */
  readonly passTurn: (id: string) => void
}

/** What became of one instance. */
export type Outcome =
  | { readonly kind: 'moved' | 'failed' | 'busy' | 'none' }
  | { readonly kind: 'stranded'; readonly because: readonly StrandedReason[] }

const ATTEMPTS = 3
const PAGE = 100
const RANGE = ['version', 'createdFrom', 'createdBefore'] as const

/** Moves instances to another version without waiting for their next scope. */
export class Upgrades {
  private readonly facts: UpgradesFacts
  /** Instances that workers move, each worker known by its `stopped`. */
  private readonly idle = new Map<string, () => boolean>()
  private closed = false

  constructor(facts: UpgradesFacts) {
    this.facts = facts
  }

  /**
   * Moves all that a query finds, in batches. What was moved is moved, and how far it is stands in the store: to ask the same
   * again goes on with the rest.
   *
   * @throws `VERSION_NOT_SERVED`, `WORKFLOW_NOT_FOUND`, what the store throws
   */
  async all(query: UpgradeQuery, options: UpgradeOptions): Promise<UpgradeReport> {
    const { registry, store, clock } = this.facts
    const { workflow, status = OPEN_STATUSES, ...rest } = query
    const { concurrency = 32 } = options
    const to = options.to === undefined ? registry.find(workflow) : registry.serving(workflow, workflow, options.to)
    const asked = [workflow, status, ...RANGE.map((key) => query[key] ?? null), to.workflow.version]
    const keeper = new ProgressKeeper({ store, clock }, [...asked, to.workflow.plan.fingerprint])
    const before = await keeper.load()
    const batches = new Batches(this, to, { ...options, concurrency }, before)
    if (before?.through !== true) {
      let page = before?.cursor
      for await (const { headers, next } of headersOf(store, { workflow, status, ...rest }, undefined, page, PAGE)) {
        await batches.run(headers.filter((header) => !isOn(header, to)).map(({ id }) => id))
        if (!batches.isOver) page = next
        const through = !batches.isOver && next === undefined
        await keeper.save({ ...batches.progress(), through, ...(page !== undefined && { cursor: page }) })
        if (batches.isOver) return batches.report()
      }
    }
    // Whoever was at work on them may be done by now.
    await batches.again()
    if (!batches.isOver) await keeper.drop()
    return batches.report()
  }

  /**
   * Moves one instance, if it is open and not there yet.
   *
   * @throws as `all`
   */
  async single(header: Header, options: UpgradeOptions): Promise<UpgradeReport> {
    const { registry } = this.facts
    const { id, workflow } = header
    const to = options.to === undefined ? registry.find(workflow) : registry.serving(id, workflow, options.to)
    const batches = new Batches(this, to, { ...options, concurrency: 1 }, undefined)
    if (!isOn(header, to)) await batches.run([id])
    await batches.again()
    return batches.report()
  }

  /** Begins no further move: who asks for one is told `CLOSED`. */
  close(): void {
    this.closed = true
  }

  /** Moves those of some instances that are not there yet. */
  async few(headers: readonly Header[], to: Served, concurrency: number, stopped: () => boolean): Promise<Outcome[]> {
    const ids = headers.filter((header) => !isOn(header, to)).map(({ id }) => id)
    const outcomes: Outcome[] = []
    for (let at = 0; at < ids.length && !stopped(); at += concurrency) {
      outcomes.push(...(await Promise.all(ids.slice(at, at + concurrency).map((id) => this.idly(id, to, stopped)))))
    }
    return outcomes
  }

  private async idly(id: string, to: Served, stopped: () => boolean): Promise<Outcome> {
    this.idle.set(id, stopped)
    try {
      return await this.one(id, to)
    } finally {
      this.idle.delete(id)
    }
  }

  /** Leaves to others what a worker that stops has moved and not yet brought to its end. */
  leave(stopped: () => boolean): void {
    for (const [id, by] of this.idle) if (by === stopped) this.facts.driver.leave(id)
  }

  /** Moves an instance at rest. What becomes due by that runs at once. */
  async one(id: string, to: Served): Promise<Outcome> {
    const { turns, passTurn } = this.facts
    const taken = turns.take(id)
    if (taken !== undefined) await taken
    try {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        if (this.closed) throw closed()
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
    const snapshot = await store.read(id)
    if (snapshot === undefined || !isOpen(snapshot.header) || isOn(snapshot.header, to)) return { kind: 'none' }
    const { header } = snapshot
    let warm: Warm | undefined
    try {
      warm = backlog.load(snapshot)
    } catch (error) {
      return unreadable(error)
    }
    if (warm === undefined) return { kind: 'none' }
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
      if (error instanceof BuilderError || isPolarisError(error, 'WORKFLOW_TIMEOUT')) return { kind: 'failed' }
      // Others have it now: who looks again finds out what they have made of it.
      const taken = isPolarisError(error, 'CANCELLED') || isPolarisError(error, 'LEASE_LOST')
      if (error instanceof Left || taken) return { kind: 'busy' }
      throw error
    }
  }
}

/** Moves instances so many at once, and counts what becomes of them. */
class Batches {
  private readonly upgrades: Upgrades
  private readonly to: Served
  private readonly options: Required<Pick<UpgradeOptions, 'concurrency'>> & UpgradeOptions
  private readonly counts: { moved: number; failed: number }
  private readonly stranded: Grouping
  private busy: string[]

  constructor(upgrades: Upgrades, to: Served, options: Batches['options'], before: Progress | undefined) {
    this.upgrades = upgrades
    this.to = to
    this.options = options
    this.counts = { moved: before?.moved ?? 0, failed: before?.failed ?? 0 }
    this.stranded = new Grouping(before?.stranded)
    this.busy = [...(before?.busy ?? [])]
  }

  get isOver(): boolean {
    return this.options.signal?.aborted === true
  }

  report(): UpgradeReport {
    return { ...this.counts, busy: this.busy.length, stranded: this.stranded.result() }
  }

  progress(): Omit<Progress, 'cursor' | 'through'> {
    return { ...this.report(), busy: this.busy }
  }

  /** Those that were busy, once more. */
  async again(): Promise<void> {
    const { busy } = this
    this.busy = []
    await this.run(busy)
  }

  async run(ids: readonly string[]): Promise<void> {
    const { concurrency, onProgress } = this.options
    for (let at = 0; at < ids.length; at += concurrency) {
      const some = ids.slice(at, at + concurrency)
      if (this.isOver) return
      const outcomes = await Promise.all(some.map((id) => this.upgrades.one(id, this.to)))
      outcomes.forEach((outcome, i) => this.note(some[i] as string, outcome))
      onProgress?.(this.report())
    }
  }

  private note(id: string, outcome: Outcome): void {
    if (outcome.kind === 'busy') this.busy.push(id)
    if (outcome.kind === 'moved' || outcome.kind === 'failed') this.counts.moved++
    if (outcome.kind === 'failed') this.counts.failed++
    if (outcome.kind === 'stranded') this.stranded.add(id, outcome.because)
  }
}

/** One whose version is not here, or is another here, is no reason to leave the others where they are. */
function unreadable(error: unknown): Outcome {
  if (!isPolarisError(error)) throw error
  const { code, message } = error
  if (code === 'VERSION_NOT_SERVED') return { kind: 'stranded', because: [{ reason: 'unserved', message }] }
  if (code === 'VERSION_CHANGED') return { kind: 'stranded', because: [{ reason: 'changed', message }] }
  throw error
}

function isOpen({ status }: Header): boolean {
  return OPEN_STATUSES.includes(status)
}

function isOn({ version, fingerprint }: Header, { workflow }: Served): boolean {
  return version === workflow.version && fingerprint === workflow.plan.fingerprint
}
