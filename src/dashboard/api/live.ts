/** Changes of an instance as they come. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { API } from './client.ts'
import type { Entry } from './wire.ts'

/** `live`: changes come as they happen. `joining`: not yet, or not any more, and it is tried. `gone`: it was deleted. */
export type Liveness = 'live' | 'joining' | 'gone'

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 8_000

/**
 * @param onChange something happened: perhaps more than the entries that come with it. Also called whenever the stream begins,
 * since something may have happened before
 */
export function useLive(id: string, onChange: (entries: readonly Entry[]) => void): Liveness {
  const [liveness, setLiveness] = useState<Liveness>('joining')
  const latest = useRef(onChange)
  latest.current = onChange
  useEffect(() => {
    let source: EventSource | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let pause = FIRST_PAUSE_MS
    const join = (): void => {
      source = new EventSource(`${API}/instances/${encodeURIComponent(id)}/events`)
      source.onopen = () => {
        pause = FIRST_PAUSE_MS
        setLiveness('live')
        latest.current([])
      }
      source.addEventListener('change', ({ data }: MessageEvent<string>) => {
        latest.current((JSON.parse(data) as { readonly entries: readonly Entry[] }).entries)
      })
      source.addEventListener('gone', () => {
        source?.close()
        setLiveness('gone')
      })
      source.onerror = () => {
        // It tries again by itself after a lost line, but never after a refusal. One way for both.
        source?.close()
        setLiveness('joining')
        latest.current([])
        timer = setTimeout(join, pause)
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS)
      }
    }
    setLiveness('joining')
    join()
    return () => {
      source?.close()
      clearTimeout(timer)
    }
  }, [id])
  return liveness
}
