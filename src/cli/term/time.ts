/** Times as people read them. */

/** `412 ms`, `3.2 s`, `4 min 05 s`, `3 h 07 min`, `12 d 4 h`. */
export function spanText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.floor(ms / 1_000)
  const two = (count: number): string => String(count).padStart(2, '0')
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`
  return `${Math.floor(minutes / 1_440)} d ${Math.floor((minutes % 1_440) / 60)} h`
}

/** `2026-01-31 09:30:05`, in UTC as the service says it. */
export function dayText(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ')
}

/** `09:30:05`, of the clock of this machine. */
export function clockText(iso: string): string {
  const time = new Date(iso)
  const two = (count: number): string => String(count).padStart(2, '0')
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
}

/** `3.2 s ago`, `in 4 min 05 s`. */
export function distanceText(iso: string, now: number): string {
  const ms = Date.parse(iso) - now
  return ms > 0 ? `in ${spanText(ms)}` : `${spanText(-ms)} ago`
}
