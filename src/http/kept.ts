/** Answers that cost something, kept for those who ask soon after. */
import type { Clock } from '../index.ts'
import { Problem } from './problems.ts'
import { timer } from './time.ts'

export interface Kept<T> {
  /** What was made last, unless there is nothing yet; what is old is made anew meanwhile, once for all who ask. */
  get(): Promise<T>
}

interface Made<T> {
  readonly value: T
  /** From then on it is old. */
  readonly until: number
}

/** So long an answer is good, at least; and so many times as long as it took to make, so that making it stays the exception. */
const LEAST_MS = 3_000
const RESTS = 10
/** What is older than so many times that is no longer worth showing while another one is under way. */
const STALE = 10
/** So long somebody waits for what is made. */
const PATIENCE_MS = 10_000

interface KeptOptions<T> {
  /** What else to do where it takes too long to wait for. */
  readonly advice?: string
  /** What was made before this process could know, if anything: shown until the first is made here. */
  readonly earlier?: () => Promise<T | undefined>
}

export function kept<T>(clock: Clock, make: () => Promise<T>, { advice = '', earlier }: KeptOptions<T> = {}): Kept<T> {
  let last: Made<T> | undefined
  let making: Promise<T> | undefined
  const begin = async (): Promise<T> => {
    const started = clock.now()
    const value = await make()
    const took = Math.max(0, clock.now() - started)
    last = { value, until: clock.now() + Math.max(LEAST_MS, RESTS * took) }
    return value
  }
  const renew = (): Promise<T> => {
    making ??= begin().finally(() => {
      making = undefined
    })
    return making
  }
  return {
    get() {
      const now = clock.now()
      if (last !== undefined && now < last.until) return Promise.resolve(last.value)
      const renewed = renew()
      if (last === undefined || now > last.until + STALE * LEAST_MS) {
        return patiently(clock, earlier === undefined ? renewed : firstOf(earlier(), renewed), advice)
      }
      // Whoever asks next sees what went wrong.
      renewed.catch(() => undefined)
      return Promise.resolve(last.value)
    },
  }
}

/** What was made earlier, unless there is nothing, or what is made now comes first. */
function firstOf<T>(earlier: Promise<T | undefined>, made: Promise<T>): Promise<T> {
  const found = earlier.then(
    (value) => value ?? made,
    () => made,
  )
  return Promise.race([found, made])
}

/** @throws Problem `BUSY` */
function patiently<T>(clock: Clock, answer: Promise<T>, advice: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      const detail = `It takes longer than a request should, and goes on: ask again in a while for what came of it.${advice}`
      reject(new Problem('BUSY', detail, {}, { 'retry-after': '5' }))
    }
    const stop = timer(clock, PATIENCE_MS, giveUp)
    answer.then(resolve, reject).finally(stop)
  })
}
