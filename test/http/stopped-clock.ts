import type { Clock } from 'polaris-workflow'

/** A clock that tests move. */
export function stoppedClock() {
  let now = 0
  const waiting = new Set<{ readonly at: number; readonly callback: () => void }>()
  const clock: Clock = {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback }
      waiting.add(timer)
      return () => waiting.delete(timer)
    },
  }
  return {
    clock,
    waiting,
    pass(ms: number) {
      now += ms
      for (const timer of [...waiting]) if (timer.at <= now && waiting.delete(timer)) timer.callback()
    },
  }
}
