import type { Clock } from '../index.ts'

/** Calls back after so many milliseconds, unless called off by what it answers. The process may end before. */
export function timer(clock: Clock, ms: number, callback: () => void): () => void {
  if (clock.after !== undefined) return clock.after(ms, callback, true)
  const handle: unknown = setTimeout(callback, ms)
  // What timers are differs between platforms.
  if (typeof handle === 'object' && handle !== null && 'unref' in handle) (handle as { unref(): void }).unref()
  return () => clearTimeout(handle as Parameters<typeof clearTimeout>[0])
}
