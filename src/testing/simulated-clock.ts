import { durationMs, PolarisError } from '../index.ts'
import type { Clock, DataStore, Duration } from '../index.ts'
import { Moments } from './moments.ts'
import { watched } from './watched-store.ts'

/**
 * Time that passes when the test says so. Give it to `new Polaris({ clock })`, and its `now` to the stores: `memoryStore({ now:
 * clock.now })`. Any number of both may share it.
 */
export interface SimulatedClock extends Required<Omit<Clock, 'coarse'>> {
  /** Needs no `this`, so that it can be handed on. */
  readonly now: () => number
  /**
   * Lets time pass: everything that is due meanwhile happens, in order, each at its time, and all that follows from it:
   * timers, retries, leases, submitted work. Resolves once nothing more happens. Never sleeps.
   */
  advance(duration: Duration): Promise<void>
  /** The same up to a moment. */
  advanceTo(moment: Date | number): Promise<void>
  /** All at once, as for a process that was stopped meanwhile: what was due happens after it, late. */
  jump(duration: Duration): Promise<void>
  /** Lets all happen that needs no time to pass. */
  settle(): Promise<void>
  /** Resolves when so much time has passed: for services of tests that take their time. */
  sleep(duration: Duration): Promise<void>
  /** This clock as seen by a process whose clock on the wall is wrong: ahead by so many milliseconds, or behind. */
  skewed(ms: number): Clock
}

/** How {@link simulatedClock} begins. */
export interface SimulatedClockOptions {
  /** What time it is at first. Default: the beginning of 2030, UTC. */
  readonly start?: Date | number
}

interface Alarm {
  readonly at: number
  readonly callback: () => void
}

const START = Date.UTC(2030, 0)
/** After so many turns of the event loop in which nothing was under way, nothing more comes by itself. */
const QUIET_TURNS = 10
/** In real time: a call that a store has not answered by then is taken to hang. */
const LONGEST_ANSWER_MS = 10_000

/** @throws `OPTION_INVALID` */
export function simulatedClock({ start = START }: SimulatedClockOptions = {}): SimulatedClock {
  return new Simulation(momentOf('start', start)).clock
}

class Simulation {
  readonly clock: SimulatedClock
  private time: number
  /** In order of making; those of one time go off in that order. */
  private readonly alarms = new Set<Alarm>()
  /** Of those who only look whether something has become due. */
  private readonly looks = new Set<Alarm>()
  /** When something in a store may become due. */
  private readonly moments = new Moments()
  /** Something was written that those who look may not know of. */
  private changed = false
  private readonly underWay = new Set<PromiseLike<unknown>>()
  /** Stores that were there before the clock, as far as is known. */
  private readonly unread = new Set<DataStore>()

  constructor(start: number) {
    this.time = start
    const now = (): number => this.time
    const parts = {
      monotonic: now,
      after: (ms: number, callback: () => void) => this.set(this.alarms, ms, callback),
      look: (ms: number, callback: () => void) => this.set(this.looks, ms, callback),
      observe: (store: DataStore) => this.observe(store),
    }
    this.clock = Object.freeze({
      ...{ now, ...parts },
      advance: (duration: Duration) => this.advanceTo(this.time + span('advance', duration)),
      advanceTo: (moment: Date | number) => this.advanceTo(momentOf('advanceTo', moment)),
      jump: (duration: Duration) => this.jump(span('jump', duration)),
      settle: () => this.settle(),
      sleep: (duration: Duration) =>
        new Promise<void>((resolve) => void this.set(this.alarms, span('sleep', duration), resolve)),
      skewed: (ms: number): Clock => ({ now: () => this.time + ms, ...parts }),
    })
  }

  private set(alarms: Set<Alarm>, ms: number, callback: () => void): () => void {
    const alarm = { at: this.time + Math.max(0, ms), callback }
    alarms.add(alarm)
    return () => void alarms.delete(alarm)
  }

  private observe(store: DataStore): DataStore {
    this.unread.add(store)
    return watched(store, {
      now: () => this.time,
      due: (at) => {
        if (at > this.time) this.moments.add(at)
      },
      changed: () => (this.changed = true),
      closed: () => void this.unread.delete(store),
      underWay: (answer) => {
        this.underWay.add(answer)
        const done = (): void => void this.underWay.delete(answer)
        answer.then(done, done)
      },
    })
  }

  private async advanceTo(end: number): Promise<void> {
    await this.readAll()
    for (;;) {
      await this.settle()
      const next = this.next()
      if (next > end) break
      this.time = Math.max(this.time, next)
      this.ring()
    }
    await this.jump(end - this.time)
  }

  private async jump(ms: number): Promise<void> {
    await this.readAll()
    await this.settle()
    if (ms > 0) {
      this.time += ms
      this.changed = true
    }
    while (this.next() <= this.time) {
      this.ring()
      await this.settle()
    }
  }

  /** When something happens next. Who only looks does so when there may be something to see. */
  private next(): number {
    let next = this.moments.first
    for (const { at } of this.alarms) if (at < next) next = at
    if (this.changed) for (const { at } of this.looks) if (at < next) next = at
    return next
  }

  private ring(): void {
    const due = [...this.alarms].filter(({ at }) => at <= this.time).sort((a, b) => a.at - b.at)
    const seen = this.moments.passed(this.time)
    const looks = [...this.looks].filter(({ at }) => seen || at <= this.time)
    if (looks.length > 0 || this.looks.size === 0) this.changed = false
    for (const alarm of due) if (this.alarms.delete(alarm)) alarm.callback()
    for (const alarm of looks) if (this.looks.delete(alarm)) alarm.callback()
  }

  /** Answers of stores come when they come; all else needs turns of the event loop only. */
  private async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      if (this.underWay.size > 0) {
        // What hangs is waited for once.
        if (!(await firstOf(Promise.allSettled(this.underWay), LONGEST_ANSWER_MS))) this.underWay.clear()
        quiet = 0
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** What instances wait for that were stored before, by others. */
  private async readAll(): Promise<void> {
    for (const store of this.unread) {
      this.unread.delete(store)
      if (!store.capabilities.lists) continue
      for (let cursor: string | undefined; ;) {
        const page = await store.list({ limit: 1_000, ...(cursor !== undefined && { cursor }) })
        for (const { wakeAt } of page.items) if (wakeAt !== null && wakeAt > this.time) this.moments.add(wakeAt)
        if (page.next === undefined) break
        cursor = page.next
      }
    }
  }
}

/** Waits for one that may never come; answers whether it came. */
async function firstOf(answers: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, ms, false)))
  const came = await Promise.race([answers.then(() => true), late])
  clearTimeout(timer)
  return came
}

function span(call: string, duration: Duration): number {
  const ms = durationMs(duration)
  if (ms !== undefined) return ms
  throw new PolarisError(
    'OPTION_INVALID',
    `${call} takes a duration, such as '30d' or milliseconds, but got ${String(duration)}.`,
  )
}

function momentOf(option: string, moment: Date | number): number {
  const ms: unknown = moment instanceof Date ? moment.getTime() : moment
  if (typeof ms === 'number' && Number.isFinite(ms)) return ms
  throw new PolarisError(
    'OPTION_INVALID',
    `${option} must be a Date or milliseconds since the epoch, but is ${String(moment)}.`,
  )
}
