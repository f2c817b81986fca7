import type { Awaitable, DataStore } from '../stores/contract.ts'
import { isThenable } from './awaitable.ts'
import { steady } from './clock.ts'
import type { Clock } from './clock.ts'

/** A clock whose `now` is the store's time, as well as this process can know it without asking each time. */
export interface StoreClock extends Clock {
  /**
   * To be awaited before work that goes by the time, where it answers a promise: what is known of the store's clock is too
   * old then, or there is nothing yet.
   *
   * @throws what the store throws
   */
  ready(): PromiseLike<void> | undefined
  /** The store's clock has shown this time: so much a claim tells, whose instances have to be found due here too. */
  atLeast(time: number): void
}

/** So old may be what is known of the store's clock. One that is off by 50 ppm, as cheap ones are, gets 1.5 ms wrong meanwhile. */
const OLDEST_MS = 30_000
/** The two clocks of a process part when one of them is set, or when it was stopped: then it may have been for long. */
const MOST_APART_MS = 500

/**
 * Where the store's own clock counts, that is the time: asked for now and then, carried on by the process's steady clock.
 * What a process takes for the time never depends on how its wall clock is set, nor when. It is never ahead of the store's by
 * more than the clocks drift apart meanwhile, so that nothing comes too early; it may be behind by as long as an answer takes.
 * Where the store has no clock of its own, the process's is the store's.
 */
export function storeClock(store: Pick<DataStore, 'now'>, clock: Clock): StoreClock {
  const after = {
    ...(clock.after && { after: clock.after.bind(clock) }),
    ...(clock.look && { look: clock.look.bind(clock) }),
  }
  const monotonic = (): number => steady(clock)
  if (store.now === undefined) {
    const coarse = clock.coarse && { coarse: clock.coarse.bind(clock) }
    return { now: () => clock.now(), monotonic, ...coarse, ...after, ready: () => undefined, atLeast: () => undefined }
  }
  return { ...followed({ now: () => (store as Required<typeof store>).now() }, clock), monotonic, ...after }
}

function followed(store: { now(): Awaitable<number> }, clock: Clock): Pick<StoreClock, 'now' | 'ready' | 'atLeast'> {
  /** Whether the store answers at once: then it is asked each time. */
  let direct = false
  /** The store's time less the steady clock's; `undefined` until it was asked. */
  let offset: number | undefined
  let askedAt = 0
  let apart = 0
  let asking: Promise<void> | undefined

  const isStale = (now: number): boolean => now - askedAt > OLDEST_MS || now < askedAt
  const isOld = (): boolean => {
    const now = steady(clock)
    return offset === undefined || isStale(now) || Math.abs(clock.now() - now - apart) > MOST_APART_MS
  }
  const learn = (told: number, before: number): void => {
    const now = steady(clock)
    // It was told between the two: the clock that is right has an offset between these.
    const [least, most] = [told - now, told - before]
    offset = offset === undefined ? least : Math.min(Math.max(offset, least), most)
    askedAt = now
    apart = clock.now() - now
  }
  const ask = async (told: PromiseLike<number>, before: number): Promise<void> => {
    try {
      learn(await told, before)
    } finally {
      asking = undefined
    }
  }
  const refresh = (): Promise<void> | undefined => {
    if (asking !== undefined) return asking
    const before = steady(clock)
    const told = store.now()
    if (!isThenable(told)) {
      direct = true
      return undefined
    }
    return (asking = ask(told, before))
  }
  return {
    ready: () => (direct || !isOld() ? undefined : refresh()),
    now() {
      if (direct) return store.now() as number
      if (offset === undefined) return clock.now()
      const now = steady(clock)
      // Scopes may run for hours. Who waits for nobody is told of no trouble either: the next call is.
      if (isStale(now)) refresh()?.catch(() => undefined)
      return Math.floor(now + offset)
    },
    atLeast(time) {
      if (offset !== undefined) offset = Math.max(offset, time - steady(clock))
    },
  }
}
