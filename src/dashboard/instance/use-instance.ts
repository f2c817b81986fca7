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

interface Work {
  busy: boolean
  again: boolean
  over: boolean
  /** Entries that were told and are not shown yet. Empty where it is not known what there is. */
  told: readonly Entry[]
}

const nothing = (): Work => ({ busy: false, again: false, over: false, told: [] })

export function useInstance(id: string): Loaded<Seen> & { readonly liveness: Liveness } {
  const [seen, setSeen] = useState(() => kept.get(id))
  const [error, setError] = useState<Error | undefined>(undefined)
  const work = useRef(nothing())

  const changed = useCallback(
    (entries: readonly Entry[]) => {
      const { current } = work
      // One who was told of something without its entries asks for them all.
      const whole = entries.length > 0 && (!current.again || current.told.length > 0)
      current.told = whole ? [...current.told, ...entries] : []
      current.again = true
      if (current.busy) return
      current.busy = true
      const turn = async (): Promise<void> => {
        do {
          current.again = false
          const { told } = current
          current.told = []
          try {
            const next = await look(id, kept.get(id), told)
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
    },
    [id],
  )
  const reload = useCallback(() => changed([]), [changed])

  useEffect(() => {
    const mine = nothing()
    work.current = mine
    reload()
    const forget = onContact(({ reached, signedIn }) => reached && signedIn && reload())
    return () => {
      mine.over = true
      forget()
    }
  }, [id])

  const liveness = useLive(id, changed)
  return {
    ...(seen !== undefined && { data: seen }),
    ...(error !== undefined && { error }),
    loading: seen === undefined && error === undefined,
    ...{ reload, liveness },
  }
}

/** @param told entries of the history as they came; where they do not follow on what is known, all that is new is asked for */
async function look(id: string, before: Seen | undefined, told: readonly Entry[]): Promise<Seen> {
  const { explanation: explained, ...instance } = await ask<Instance & { readonly explanation: Explained }>(
    at(['instances', id], { explain: 'true' }),
  )
  // One that was deleted and begun anew under the same id has another history.
  const same = before?.instance.createdAt === instance.createdAt
  const entries = same ? [...before.entries] : []
  const last = entries.length
  if (same && !before.cut && told.length > 0 && told.every(({ seq }, index) => seq === last + 1 + index)) {
    return { instance, explained, entries: [...entries, ...told], cut: false }
  }
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
