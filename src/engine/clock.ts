import type { DataStore } from '../stores/contract.ts'

/** Where time comes from. Injected, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds since whenever, which nobody sets: only ever used to tell how long something took. Default: `now`. */
  monotonic?(): number
  /**
   * The same, as it was when it was last asked within this turn of the event loop: for records that nothing is decided by.
   * Default: `now`.
   */
  coarse?(): number
  /**
   * Calls back once after so many milliseconds; answers how to call it off. Default: `setTimeout`.
   *
   * @param idle whether the process may end before
   */
  after?(ms: number, callback: () => void, idle: boolean): () => void
  /**
   * The same for whoever only looks whether something has become due in the store: a clock of tests calls back when something
   * has. Default: `after`.
   */
  look?(ms: number, callback: () => void): () => void
  /** What a `Polaris` uses instead of the store it was given: so a clock of tests learns what is under way, and what is due. */
  observe?(store: DataStore): DataStore
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  coarse: coarseTime(),
}

/** How far a clock has come that nobody sets: see {@link Clock.monotonic}. */
export function steady(clock: Clock): number {
  return clock.monotonic === undefined ? clock.now() : clock.monotonic()
}

/** A look at the clock takes 35 to 70 ns, a builder that does not wait for the outside 150. */
function coarseTime(): () => number {
  let time = 0
  const forget = (): void => {
    time = 0
  }
  return () => {
    if (time === 0) {
      time = Date.now()
      setImmediate(forget)
    }
    return time
  }
}

/** What a timer of the platform can wait; told to wait longer, it does not wait at all. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** As {@link Clock.after}, however long. */
export function after(clock: Clock, ms: number, callback: () => void, idle = false): () => void {
  if (clock.after !== undefined) return clock.after(ms, callback, idle)
  let timer: NodeJS.Timeout
  const wait = (left: number): void => {
    const further = left - LONGEST_TIMER_MS
    timer = further > 0 ? setTimeout(() => wait(further), LONGEST_TIMER_MS) : setTimeout(callback, left)
    if (idle) timer.unref()
  }
  wait(ms)
  return () => clearTimeout(timer)
}

/** As {@link Clock.look}. */
export function lookAfter(clock: Clock, ms: number, callback: () => void, idle = false): () => void {
  return clock.look === undefined ? after(clock, ms, callback, idle) : clock.look(ms, callback)
}

/** Resolves after so many milliseconds. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void after(clock, ms, resolve))
}

/** Makes ids nobody else makes: 96 random bits, and a number that grows. */
export function idSource(): () => string {
  const prefix = Array.from(globalThis.crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
  let count = 0
  return () => `${prefix}.${count++}`
}
