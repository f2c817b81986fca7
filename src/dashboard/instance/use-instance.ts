/** All that is known of an instance, kept up to date while its page is seen. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ask, at, onContact } from '../api/client.ts'
import { useLive } from '../api/live.ts'
import type { Liveness } from '../api/live.ts'
import type { Loaded } from '../api/load.ts'
import { recent } from '../api/recent.ts'
import type { Entry, Explained, Instance } from '../api/wire.ts'

export interface Seen {
  readonly instance: Instance
  readonly explained: Explained
  /** What happened, the oldest first. */
  readonly entries: readonly Entry[]
  /** There are more entries than are shown. */
  readonly cut: boolean
}

const PAGE = 1_000
const MOST_PAGES = 10

/** The last ones seen, so that going back shows them at once. */
const kept = recent<Seen>(8)

export function useInstance(id: string): Loaded<Seen> & { readonly liveness: Liveness } {
  const [seen, setSeen] = useState(() => kept.get(id))
  const [error, setError] = useState<Error | undefined>(undefined)
  const work = useRef<{ busy: boolean; again: boolean; over: boolean }>({ busy: false, again: false, over: false })

  const reload = useCallback(() => {
    const { current } = work
    if (current.busy) {
      current.again = true
      return
    }
    current.busy = true
    const turn = async (): Promise<void> => {
      do {
        current.again = false
        try {
          const next = await look(id, kept.get(id))
          kept.keep(id, next)
          if (!current.over) setSeen(next)
          if (!current.over) setError(undefined)
        } catch (problem) {
          if (!current.over) setError(problem as Error)
        }
      } while (current.again && !current.over)
      current.busy = false
    }
    void turn()
  }, [id])

  useEffect(() => {
    const mine = { busy: false, again: false, over: false }
    work.current = mine
    reload()
    const forget = onContact(({ reached, signedIn }) => reached && signedIn && reload())
    return () => {
      mine.over = true
      forget()
    }
  }, [id])

  const liveness = useLive(id, reload)
  return {
    ...(seen !== undefined && { data: seen }),
    ...(error !== undefined && { error }),
    loading: seen === undefined && error === undefined,
    ...{ reload, liveness },
  }
}

async function look(id: string, before: Seen | undefined): Promise<Seen> {
  const [instance, explained] = await Promise.all([
    ask<Instance>(at(['instances', id])),
    ask<Explained>(at(['instances', id, 'explain'])),
  ])
  // One that was deleted and begun anew under the same id has another history.
  const same = before?.instance.createdAt === instance.createdAt
  const entries = same ? [...before.entries] : []
  let cut = false
  for (let pages = 0; ; pages++) {
    const after = entries.at(-1)?.seq ?? 0
    const path = at(['instances', id, 'history'], { after, limit: PAGE })
    const page = await ask<{ entries: readonly Entry[]; next?: number }>(path)
    entries.push(...page.entries)
    if (page.next === undefined) break
    cut = pages >= MOST_PAGES
    if (cut) break
  }
  return { instance, explained, entries, cut }
}
