import type { Datum } from '../../graph/data.ts'
import { describeValue, GraphError, isPolarisError, PolarisError } from '../../graph/errors.ts'
import { scheduleRuleOf } from '../../graph/schedule.ts'
import type { Schedule, ScheduleRule, Tick } from '../../graph/schedule.ts'
import type { DataStore, MetaRecord } from '../../stores/contract.ts'
import { messageOf } from '../failure.ts'
import type { Instances } from '../instances/instances.ts'
import type { Registry } from '../instances/registry.ts'
import type { StoreClock } from '../store-clock.ts'
import { dueTicks } from './ticks.ts'

export interface SchedulesFacts {
  readonly store: DataStore
  readonly registry: Registry
  readonly instances: Instances
  readonly clock: StoreClock
}

/** How a schedule stands. Times are milliseconds since the epoch. */
export interface ScheduleView {
  readonly name: string
  readonly workflow: string
  readonly cron: string
  readonly timeZone: string
  /** Up to here its ticks are dealt with; `undefined` until a worker has seen it. */
  readonly last: number | undefined
  /** `undefined` if there is none any more. */
  readonly next: number | undefined
}

interface Known {
  readonly schedule: Schedule
  readonly rule: ScheduleRule
  /** When to look again, by the store's clock: only ever what follows from the record, or a pause after trouble. */
  lookAt: number
  troubles: number
}

/** The kind of meta records that tell up to which tick a schedule is dealt with. */
const KIND = 'schedule'
const ATTEMPTS = 5
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000

/**
 * Starts the instances of schedules. A tick's instance is created first and the record moved on after it: where a process
 * dies in between, or several start the same tick, the id that follows from the tick is taken already.
 */
export class Schedules {
  private readonly facts: SchedulesFacts
  private readonly known = new Map<string, Known>()
  private readonly listeners = new Set<() => void>()
  private looking: Promise<void> | undefined

  constructor(facts: SchedulesFacts) {
    this.facts = facts
  }

  /** @throws `OPTION_INVALID`, `GRAPH_INVALID`, `WORKFLOW_NOT_FOUND` */
  add(schedule: Schedule): void {
    const rule = scheduleRuleOf(schedule)
    if (rule === undefined) {
      throw new PolarisError(
        'OPTION_INVALID',
        `schedule takes what schedule({ … }) of polaris-workflow/schedules makes, but got ${describeValue(schedule)}.`,
      )
    }
    const { name, workflow } = schedule
    this.facts.registry.find(workflow)
    const other = this.known.get(name)?.schedule
    if (other === schedule) return
    if (other !== undefined) throw new GraphError(`Schedule '${name}'`, ['there is another one of this name'])
    this.known.set(name, { schedule, rule, lookAt: -Infinity, troubles: 0 })
    for (const listener of this.listeners) listener()
  }

  /** Calls back when there is another one. Answers how to end it. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** In how many milliseconds a worker has to look again; `undefined` if never. */
  get wait(): number | undefined {
    let first = Infinity
    for (const { lookAt } of this.known.values()) first = Math.min(first, lookAt)
    return first === Infinity ? undefined : Math.max(1, first - this.facts.clock.now())
  }

  async views(): Promise<ScheduleView[]> {
    const { clock, store } = this.facts
    await clock.ready()
    const now = clock.now()
    return Promise.all(
      Array.from(this.known.values(), async ({ schedule: { name, workflow, cron, timeZone }, rule }) => {
        const record = await store.meta(KIND, name)
        const last = record && lastOf(record)
        return { name, workflow: workflow.name, cron, timeZone, last, next: rule.after(last ?? now) }
      }),
    )
  }

  /** Starts what is due. Never rejects. */
  look(report: (error: unknown) => void): Promise<void> | undefined {
    if (this.known.size === 0) return undefined
    this.looking ??= this.lookAtAll(report).finally(() => (this.looking = undefined))
    return this.looking
  }

  private async lookAtAll(report: (error: unknown) => void): Promise<void> {
    const { clock } = this.facts
    for (const known of this.known.values()) {
      try {
        await clock.ready()
        if (known.lookAt > clock.now()) continue
        await this.advance(known)
        known.troubles = 0
      } catch (error) {
        known.lookAt = clock.now() + Math.min(FIRST_PAUSE_MS * 2 ** known.troubles++, LONGEST_PAUSE_MS)
        report(error)
      }
    }
  }

  /** @throws what kept a tick from being started; those before it are dealt with */
  private async advance(known: Known): Promise<void> {
    const { clock, store } = this.facts
    const { name } = known.schedule
    let record = await store.meta(KIND, name)
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const now = clock.now()
      // One that nobody has seen yet has missed nothing.
      const from = record === undefined ? now : lastOf(record)
      const { upTo, trouble } = await this.start(known, from, now)
      if (record !== undefined && upTo === from) return settle(known, Math.max(upTo, now), trouble)
      const revision = record?.revision ?? null
      const value = JSON.stringify({ last: upTo })
      const next = { kind: KIND, key: name, revision: (revision ?? 0) + 1, value, expiresAt: null }
      const written = await store.setMeta(next, revision)
      if (written.ok) return settle(known, Math.max(upTo, now), trouble)
      if ('error' in written) throw written.error
      if (trouble !== undefined) throw trouble.error
      // Another process was faster. What it has not dealt with is found again.
      record = written.current
    }
  }

  private async start({ schedule, rule }: Known, from: number, now: number): Promise<Started> {
    const { due, upTo } = dueTicks(rule, from, now)
    let reached = from
    for (const tick of due) {
      try {
        await this.startOne(schedule, rule, tick)
      } catch (error) {
        return { upTo: reached, trouble: { error } }
      }
      reached = tick
    }
    return { upTo, trouble: undefined }
  }

  private async startOne({ name, workflow }: Schedule, rule: ScheduleRule, tick: number): Promise<void> {
    const moment = new Date(tick).toISOString()
    const id = `${name}@${moment}`
    const delta = deltaOf(rule, { at: new Date(tick), id })
    const manner = { mode: 'parallel', limit: Infinity, hooks: {}, resume: false } as const
    const told = {
      operation: undefined,
      requestId: undefined,
      version: undefined,
      signal: undefined,
      meta: { schedule: name, tick: moment },
    }
    try {
      await this.facts.instances.submit({
        workflow: workflow.name,
        id,
        delta,
        ...manner,
        ...told,
        expect: 'new',
        late: true,
      })
    } catch (error) {
      // By another process, or by this one before it could note that down; it may have ended and be gone since.
      if (isPolarisError(error, 'INSTANCE_EXISTS') || isPolarisError(error, 'INSTANCE_DELETED')) return
      throw error
    }
  }
}

interface Started {
  readonly upTo: number
  readonly trouble: { readonly error: unknown } | undefined
}

/** @throws the trouble there was */
function settle(known: Known, moment: number, trouble: Started['trouble']): void {
  if (trouble !== undefined) throw trouble.error
  known.lookAt = known.rule.after(moment) ?? Infinity
}

function lastOf({ value }: MetaRecord): number {
  return (JSON.parse(value) as { readonly last: number }).last
}

function deltaOf(rule: ScheduleRule, tick: Tick): readonly Datum[] {
  try {
    return rule.delta(tick)
  } catch (error) {
    throw new PolarisError('DATA_INVALID', `The delta of ${tick.id} could not be made: ${messageOf(error)}.`, {
      cause: error,
    })
  }
}
