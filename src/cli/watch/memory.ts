/** What a viewer keeps of an instance's history: the newest of each, and the last few. */
import type { Change } from '../api/events.ts'
import type { Entry, Summary } from '../api/views.ts'

export interface Memory {
  readonly summary: Summary | undefined
  /** The newest of each datum and of each builder, oldest first. */
  newest(): Entry[]
  /** The last ones, oldest first. */
  readonly tail: readonly Entry[]
  take(change: Change): void
}

const TAIL = 200

export function newMemory(): Memory {
  const byPlace = new Map<string, Entry>()
  let tail: Entry[] = []
  let summary: Summary | undefined
  return {
    get summary() {
      return summary
    },
    get tail() {
      return tail
    },
    newest: () => [...new Set(byPlace.values())].sort((a, b) => a.seq - b.seq),
    take({ instance, entries }) {
      // Another instance under the same id begins anew.
      if (summary !== undefined && summary.createdAt !== instance.createdAt) {
        byPlace.clear()
        tail = []
      }
      summary = instance
      for (const entry of entries) {
        if (entry.data !== undefined) byPlace.set(`d${entry.data}`, entry)
        if (entry.builder !== undefined) byPlace.set(`b${entry.builder}`, entry)
      }
      tail = [...tail, ...entries].slice(-TAIL)
    },
  }
}
