import { useEffect, useState } from 'preact/hooks'

const EXACT = new Intl.DateTimeFormat('en-GB', {
  ...{ year: 'numeric', month: 'short', day: '2-digit' },
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, timeZoneName: 'short' },
})
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const DAY = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' })

const STEPS = [
  [60, 1, 's'],
  [3_600, 60, 'min'],
  [86_400, 3_600, 'h'],
  [30 * 86_400, 86_400, 'd'],
  [365 * 86_400, 30 * 86_400, 'mo'],
] as const

/** `12 s`, `3 min`, `5 h`, `4 d`. */
function distance(ms: number): string {
  const seconds = Math.abs(ms) / 1000
  const [, size, unit] = STEPS.find(([below]) => seconds < below) ?? [0, 365 * 86_400, 'y']
  return `${Math.floor(seconds / size)} ${unit}`
}

function relative(iso: string, now: number): string {
  const ms = Date.parse(iso) - now
  if (Number.isNaN(ms)) return 'at an unknown time'
  if (Math.abs(ms) < 1000) return 'now'
  return ms < 0 ? `${distance(ms)} ago` : `in ${distance(ms)}`
}

export function exact(iso: string): string {
  const time = Date.parse(iso)
  return Number.isNaN(time) ? iso : EXACT.format(time)
}

/** `17:04:09`; with the day where that is another one. */
export function clock(iso: string, now: number): string {
  const time = Date.parse(iso)
  if (Number.isNaN(time)) return iso
  return DAY.format(time) === DAY.format(now) ? CLOCK.format(time) : `${DAY.format(time)} ${CLOCK.format(time)}`
}

/** How long something took. */
export function took(ms: number): string {
  if (ms < 1) return '< 1 ms'
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
  return distance(ms)
}

/** One clock for all that is shown, so that a page of a thousand times has one timer. */
const watchers = new Set<() => void>()
let ticking: ReturnType<typeof setInterval> | undefined

export function useNow(): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const tick = (): void => setNow(Date.now())
    watchers.add(tick)
    ticking ??= setInterval(() => watchers.forEach((watcher) => watcher()), 1000)
    return () => {
      watchers.delete(tick)
      if (watchers.size > 0) return
      clearInterval(ticking)
      ticking = undefined
    }
  }, [])
  return now
}

/** How long ago; exactly when on hover, and for screen readers. */
export function Ago({ iso }: { readonly iso: string }) {
  const now = useNow()
  return (
    <time class="ago" dateTime={iso} title={exact(iso)}>
      {relative(iso, now)}
    </time>
  )
}
