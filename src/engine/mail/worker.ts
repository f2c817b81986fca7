import { isPolarisError, PolarisError } from '../../graph/errors.ts'
import { checkOption, checkOptions } from '../../graph/naming.ts'
import type { DataStore } from '../../stores/contract.ts'
import { claimDue } from '../commit/claiming.ts'
import { after, lookAfter, steady } from '../clock.ts'
import { checkHooks } from '../scope/hooks.ts'
import type { Hooks, Watching } from '../scope/hooks.ts'
import type { Telemetry } from '../scope/telemetry.ts'
import type { Instances } from '../instances/instances.ts'
import { Left } from '../commit/left.ts'
import type { Tenure } from '../commit/journal.ts'
import type { Registry } from '../instances/registry.ts'
import type { Schedules } from '../schedules/schedules.ts'
import type { StoreClock } from '../store-clock.ts'

export interface WorkerOptions extends Hooks {
  /** At most so many instances at once. Default 16. */
  readonly concurrency?: number
  /** How often to look for what is due if nothing else tells, in milliseconds. Default 1,000. */
  readonly pollInterval?: number
  /** How long `stop` lets running builders finish, in milliseconds. Default 10,000. */
  readonly grace?: number
  /** How long the answers to requests are kept, in milliseconds. Default: a day. */
  readonly keepRequests?: number
  /** Told when the store cannot be reached, or an instance cannot be worked on. The worker goes on. */
  readonly onTrouble?: (error: unknown) => void
}

export interface WorkerFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly instances: Instances
  readonly schedules: Schedules
  readonly clock: StoreClock
  readonly tenure: Tenure
  readonly telemetry: Telemetry | undefined
}

const PRUNE_INTERVAL_MS = 60_000
const PRUNE_BATCH = 1_000
const DAY_MS = 86_400_000

/**
 * Works on what is due, whoever stored it: submitted deltas, and what processes that died have left. Any number may share a
 * store, in one process or in many.
 */
export class Worker {
  private readonly facts: WorkerFacts
  private readonly hooks: Watching
  private readonly concurrency: number
  private readonly pollInterval: number
  private readonly grace: number
  private readonly keepRequests: number
  private readonly onTrouble: ((error: unknown) => void) | undefined
  private readonly busy = new Map<string, Promise<void>>()
  private state: 'new' | 'running' | 'stopped' = 'new'
  private claiming: Promise<void> | undefined
  private moving: Promise<void> | undefined
  private again = false
  private cancel: (() => void) | undefined
  private cancelTick: (() => void) | undefined
  private readonly unlisten: (() => void)[] = []
  private prunedAt = -Infinity
  private stopping: Promise<void> | undefined
  private readonly stopped = (): boolean => !this.running

  /** @throws `OPTION_INVALID`, `STORE_INVALID` for a store that cannot list */
  constructor(facts: WorkerFacts, options: WorkerOptions) {
    const known = ['concurrency', 'pollInterval', 'grace', 'keepRequests', 'onTrouble', 'before', 'after', 'onError']
    checkOptions('worker', options, known)
    checkHooks(options)
    const { concurrency = 16, pollInterval = 1_000, grace = 10_000, keepRequests = DAY_MS, onTrouble } = options
    checkNumber('concurrency', concurrency, 1)
    checkNumber('pollInterval', pollInterval, 1)
    checkNumber('grace', grace, 0)
    checkNumber('keepRequests', keepRequests, 0)
    checkOption('onTrouble', onTrouble === undefined || typeof onTrouble === 'function', 'a function', onTrouble)
    if (!facts.store.capabilities.lists) {
      throw new PolarisError(
        'STORE_INVALID',
        `The ${facts.store.name} store cannot go through its instances, so no worker can find what is due: give it list.`,
      )
    }
    this.facts = facts
    this.hooks = { ...options, telemetry: facts.telemetry }
    this.concurrency = concurrency
    this.pollInterval = pollInterval
    this.grace = grace
    this.keepRequests = keepRequests
    this.onTrouble = onTrouble
  }

  /** Begins to look for what is due. Harmless if it did already. Throws `CLOSED` once stopped. */
  start(): this {
    if (this.state === 'stopped') throw new PolarisError('CLOSED', 'This worker was stopped: make a new one.')
    if (this.state === 'running') return this
    this.state = 'running'
    const { instances, schedules } = this.facts
    const wake = (): void => this.wake()
    this.unlisten.push(instances.mailbox.listen(wake), schedules.listen(wake))
    this.wake()
    return this
  }

  /**
   * Takes nothing new, lets running builders finish for up to `grace` ms, then leaves the rest to other processes, which
   * may go on with it at once: running builders get their signal, and what they make is not kept.
   */
  stop(): Promise<void> {
    this.stopping ??= this.end()
    return this.stopping
  }

  private async end(): Promise<void> {
    this.state = 'stopped'
    for (const end of this.unlisten) end()
    this.cancel?.()
    this.cancelTick?.()
    await this.claiming
    const { backlog, upgrades } = this.facts.instances
    const cancel = after(this.facts.clock, this.grace, () => {
      for (const id of this.busy.keys()) backlog.leave(id, this.stopped)
      upgrades.leave(this.stopped)
    })
    await Promise.all([...this.busy.values(), this.moving])
    cancel()
  }

  private get running(): boolean {
    return this.state === 'running'
  }

  /** Looks at once, or again if it is looking. */
  private wake(): void {
    if (!this.running) return
    this.again = true
    this.claiming ??= this.look()
  }

  /** Never rejects. */
  private async look(): Promise<void> {
    this.cancel?.()
    this.cancelTick?.()
    while (this.again && this.running) {
      this.again = false
      try {
        await this.facts.schedules.look((error) => this.report(error))
        if (await this.claim()) this.again = true
        await this.prune()
        this.moving ??= this.moveIdle()
      } catch (error) {
        this.report(error)
      }
    }
    this.claiming = undefined
    // Processes that poll in step would get in each other's way.
    const pause = this.pollInterval * (0.75 + Math.random() / 2)
    if (!this.running) return
    const { clock, schedules } = this.facts
    this.cancel = lookAfter(clock, pause, () => this.wake())
    const { wait } = schedules
    if (wait !== undefined) this.cancelTick = after(clock, wait, () => this.wake())
  }

  /** Takes what is due, as far as there is room; answers whether there may be more. */
  private async claim(): Promise<boolean> {
    const room = this.concurrency - this.busy.size
    if (room <= 0) return false
    if (this.facts.registry.serves().length === 0) return false
    await this.facts.instances.startup.ready()
    const claims = await claimDue(this.facts, { limit: room })
    for (const claimed of claims) {
      const { id } = claimed.header
      const helper = { hooks: this.hooks, limit: Infinity, stopped: this.stopped }
      const work = this.facts.instances.backlog.work(id, claimed, helper)
      const done = work.then((trouble) => {
        if (this.busy.get(id) === done) this.busy.delete(id)
        if (trouble !== undefined && !(trouble.error instanceof Left)) this.report(trouble.error)
        this.wake()
      })
      this.busy.set(id, done)
    }
    return claims.length === room
  }

  /** Moves a few instances that nobody calls on to a newer version, beside all else. Never rejects. */
  private async moveIdle(): Promise<void> {
    let more = false
    try {
      more = await this.facts.instances.idleUpgrades.step(this.stopped)
    } catch (error) {
      this.report(error)
    }
    this.moving = undefined
    if (more) this.wake()
  }

  private async prune(): Promise<void> {
    const { clock, store } = this.facts
    const begun = steady(clock)
    if (begun - this.prunedAt < PRUNE_INTERVAL_MS) return
    const pruned = await store.prune(clock.now() - this.keepRequests, PRUNE_BATCH)
    if (pruned < PRUNE_BATCH) this.prunedAt = begun
  }

  private report(error: unknown): void {
    if (isPolarisError(error, 'CLOSED')) return
    try {
      this.onTrouble?.(error)
    } catch {
      // Nobody is left to tell.
    }
  }
}

function checkNumber(name: string, value: number, least: number): void {
  checkOption(name, Number.isFinite(value) && value >= least, `a number from ${least}`, value)
}
