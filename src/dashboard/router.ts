/** Which page is shown: the path and the query of the address bar, below the path the handler is mounted at. */
import { useEffect, useState } from 'preact/hooks'

const meta = document.querySelector<HTMLMetaElement>('meta[name="polaris-base"]')?.content ?? '/'
/** Ends in a slash. */
export const BASE = meta.endsWith('/') ? meta : `${meta}/`

export interface Place {
  /** Parts of the path, decoded. */
  readonly parts: readonly string[]
  readonly query: ReadonlyMap<string, string>
}

const listeners = new Set<() => void>()

function tell(): void {
  for (const listener of [...listeners]) listener()
}

function read(): Place {
  const below = location.pathname.startsWith(BASE) ? location.pathname.slice(BASE.length) : ''
  const parts = below
    .split('/')
    .filter((part) => part !== '')
    .map((part) => {
      try {
        return decodeURIComponent(part)
      } catch {
        return part
      }
    })
  return { parts, query: new Map(new URLSearchParams(location.search)) }
}

/** A link below the base, such as `/polaris/instances/ride%2F1?status=failed`. What is undefined or empty is left out. */
export function href(parts: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== '') search.set(name, value)
  const text = search.toString()
  return BASE + parts.map(encodeURIComponent).join('/') + (text === '' ? '' : `?${text}`)
}

/** @param replace whether going back shall not lead here */
export function go(to: string, replace = false): void {
  if (to === location.pathname + location.search) return
  const leaves = new URL(to, location.href).pathname !== location.pathname
  if (replace) history.replaceState(null, '', to)
  else history.pushState(null, '', to)
  tell()
  if (leaves && !replace) {
    scrollTo(0, 0)
    document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true })
  }
}

/** The page at hand with other words in its query; `undefined` takes one out. */
export function amended(changes: Readonly<Record<string, string | undefined>>): string {
  const { parts, query } = read()
  return href(parts, { ...Object.fromEntries(query), ...changes })
}

export function usePlace(): Place {
  const [place, setPlace] = useState(read)
  useEffect(() => {
    const update = (): void => setPlace(read())
    listeners.add(update)
    addEventListener('popstate', update)
    return () => {
      listeners.delete(update)
      removeEventListener('popstate', update)
    }
  }, [])
  return place
}

/** Follows links within the page without loading it anew; those that ask for another tab or window are the browser's. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const link = (event.target as Element | null)?.closest('a')
  if (!link || link.target !== '' || link.origin !== location.origin || !link.pathname.startsWith(BASE)) return
  if (link.pathname.startsWith(`${BASE}api`)) return
  event.preventDefault()
  go(link.pathname + link.search)
}
