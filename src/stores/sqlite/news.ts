/** Whose mail changed: told directly within the process, and found by looking where another process changed it. */
import type { SqliteDatabase } from './driver.ts'

/** How often somebody who subscribed looks: asking whether anything was written at all takes 2 µs. */
const LOOK_MS = 20

/** What one connection knows of the news. */
export interface NewsReader {
  /** Ids of instances whose mail others may have changed since the last look; the first look finds none. */
  look(after: number | undefined): { readonly last: number; readonly ids: ReadonlySet<string> } | undefined
}

export function prepareNews(db: SqliteDatabase): NewsReader {
  const version = db.prepare('PRAGMA data_version')
  const newest = db.prepare('SELECT max(n) AS n FROM polaris_news')
  const since = db.prepare('SELECT n, id FROM polaris_news WHERE n > ? ORDER BY n')
  let seen: unknown
  return {
    look(after) {
      // Changes when, and only when, another connection has written.
      const { data_version: now } = version.get() as { readonly data_version: unknown }
      if (now === seen && after !== undefined) return undefined
      seen = now
      if (after === undefined) {
        const { n } = newest.get() as { readonly n: number | null }
        return { last: n ?? 0, ids: new Set() }
      }
      const found = since.all(after) as { readonly n: number; readonly id: string }[]
      return { last: found[found.length - 1]?.n ?? after, ids: new Set(found.map(({ id }) => id)) }
    },
  }
}

export interface News {
  subscribe(onMail: (id: string) => void): () => void
  /** Tells those who subscribed, after the running call is done. */
  readonly tell: (id: string) => void
  close(): void
}

/** @param reader may throw: then the next look is another attempt. `undefined`: there are no other processes. */
export function makeNews(reader: (() => NewsReader) | undefined): News {
  const listeners = new Set<(id: string) => void>()
  let timer: NodeJS.Timeout | undefined
  let last: number | undefined

  const tell = (id: string): void => {
    for (const listener of listeners) queueMicrotask(() => listeners.has(listener) && listener(id))
  }
  const look = (): void => {
    try {
      const found = reader?.().look(last)
      last = found?.last ?? last
      found?.ids.forEach(tell)
    } catch {
      // Calls of the store report what is wrong with the file.
    }
  }
  const stop = (): void => {
    clearInterval(timer)
    timer = undefined
    last = undefined
  }
  return {
    tell,
    subscribe(onMail) {
      const listener = (id: string): void => onMail(id)
      listeners.add(listener)
      if (timer === undefined && reader !== undefined) {
        look()
        timer = setInterval(look, LOOK_MS).unref()
      }
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) stop()
      }
    },
    close() {
      listeners.clear()
      stop()
    },
  }
}
