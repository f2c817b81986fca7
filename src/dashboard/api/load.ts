/** What a page shows, asked for again and again; what was known before is shown until the answer is there. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { onContact } from './client.ts'
import { recent } from './recent.ts'

export interface Loaded<T> {
  readonly data?: T
  readonly error?: Error
  /** Whether nothing has been answered yet. */
  readonly loading: boolean
  readonly reload: () => void
}

/** Answers by what was asked for, so that going back shows at once what was there. */
const known = recent(60)

/** What was told of whom; anything about another key is of no interest any more. */
interface Told<T> {
  readonly key: string
  readonly data?: T
  readonly error?: Error
}

/**
 * @param key tells apart what is asked for; `undefined` asks for nothing
 * @param every milliseconds after which it is asked again while the page is seen; left out: only by `reload`
 */
export function useLoad<T>(
  key: string | undefined,
  load: (signal: AbortSignal) => Promise<T>,
  every?: number,
): Loaded<T> {
  const [told, setTold] = useState<Told<T>>({ key: '' })
  const [asked, setAsked] = useState(0)
  const latest = useRef(load)
  latest.current = load
  const reload = useCallback(() => setAsked((count) => count + 1), [])

  useEffect(() => {
    if (key === undefined) return
    const stop = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const again = (): void => {
      if (every !== undefined && !stop.signal.aborted) timer = setTimeout(() => void turn(), every)
    }
    const turn = async (): Promise<void> => {
      if (document.hidden && known.has(key)) return again()
      try {
        const data = await latest.current(stop.signal)
        known.keep(key, data)
        if (!stop.signal.aborted) setTold({ key, data })
      } catch (error) {
        if (!stop.signal.aborted) setTold({ key, error: error as Error })
      }
      again()
    }
    void turn()
    // One who comes back sees what is, not what was.
    const seen = (): void => {
      if (!document.hidden && every !== undefined) reload()
    }
    document.addEventListener('visibilitychange', seen)
    const forget = onContact(({ reached, signedIn }) => reached && signedIn && reload())
    return () => {
      stop.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', seen)
      forget()
    }
  }, [key, every, asked])

  const current = told.key === key ? told : undefined
  const data = current?.data ?? (key === undefined ? undefined : (known.get(key) as T | undefined))
  return {
    ...(data !== undefined && { data }),
    ...(current?.error !== undefined && { error: current.error }),
    loading: data === undefined && current?.error === undefined,
    reload,
  }
}
