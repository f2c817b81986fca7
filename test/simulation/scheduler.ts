/**
 * Virtual time, and everything that has yet to happen in one list. Each step the seed picks one event of those that can
 * happen now; what follows from it without outside help (microtasks, `setImmediate`) happens before the next step.
 */
import type { Random } from './random.ts'

/** Somebody to whom things happen. Nothing happens to the dead; to the paused it happens later. */
export interface Actor {
  readonly name: string
  dead: boolean
  pausedUntil: number
}

interface Pending {
  /** Not before. */
  at: number
  readonly actor: Actor | undefined
  readonly label: string
  readonly run: () => void
}

export interface Scheduler {
  readonly now: number
  readonly steps: number
  /** @param actor to whom it happens; `undefined`: to the store, or to the clients, who are never ill */
  add(ms: number, actor: Actor | undefined, label: string, run: () => void): () => void
  /** Resolves when its event happens. */
  sleep(ms: number, actor: Actor | undefined, label: string): Promise<void>
  /** Does one thing; `false` if there is nothing to do. */
  step(): Promise<boolean>
  /** Moves time on, whatever is pending. */
  jump(ms: number): void
  /** Nothing that is under way takes longer than this any more, timers excepted. */
  hurry(ms: number): void
  forget(actor: Actor): void
}

const isTimer = (label: string): boolean => label === 'timer'

/**
 * @param eager how often time moves on although something else could happen
 * @param trace told of each event
 */
export function scheduler(random: Random, eager: () => number, trace: (line: string) => void): Scheduler {
  let now = 1_000_000
  let steps = 0
  let pending: Pending[] = []
  const readyAt = ({ at, actor }: Pending): number => Math.max(at, actor?.pausedUntil ?? 0)
  const isDead = ({ actor }: Pending): boolean => actor?.dead === true

  const add: Scheduler['add'] = (ms, actor, label, run) => {
    const event = { at: now + Math.max(0, ms), actor, label, run }
    pending.push(event)
    return () => void (pending = pending.filter((other) => other !== event))
  }

  /** Lets everything happen that needs no event. A batch is sent a turn after the microtask that asked for it. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  return {
    get now() {
      return now
    },
    get steps() {
      return steps
    },
    add,
    sleep: (ms, actor, label) => new Promise((resolve) => void add(ms, actor, label, resolve)),
    async step() {
      pending = pending.filter((event) => !isDead(event))
      // A process that has just begun asks the store only now: without this, time would pass before it did.
      if (!pending.some((event) => readyAt(event) <= now)) {
        await settle()
        pending = pending.filter((event) => !isDead(event))
      }
      if (pending.length === 0) return false
      const next = Math.min(...pending.map(readyAt).filter((at) => at > now))
      const ready = pending.filter((event) => readyAt(event) <= now)
      if (ready.length === 0 || (next < Infinity && random.chance(eager()))) {
        now = Math.max(now, next)
        ready.splice(0, ready.length, ...pending.filter((event) => readyAt(event) <= now))
      }
      const event = random.pick(ready)
      pending = pending.filter((other) => other !== event)
      steps++
      trace(`${String(now - 1_000_000).padStart(7)} ${(event.actor?.name ?? '').padEnd(3)} ${event.label}`)
      event.run()
      await settle()
      return true
    },
    jump(ms) {
      now += ms
    },
    hurry(ms) {
      for (const event of pending) if (!isTimer(event.label)) event.at = Math.min(event.at, now + ms)
    },
    forget(actor) {
      pending = pending.filter((event) => event.actor !== actor)
    },
  }
}
