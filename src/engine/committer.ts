import type { Awaitable, Change, DataStore, Header, Written } from '../stores/contract.ts'
import { isThenable } from './awaitable.ts'

/**
 * At most so many changes in one write: a store that writes synchronously holds the event loop meanwhile. 128 changes
 * take SQLite about 2 ms.
 */
const LARGEST_BATCH = 128

interface Pending {
  readonly change: Change
  readonly resolve: (written: Written) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers the changes of concurrent instances, so that they share a transaction and its fsync. Nobody waits for company:
 * the next batch is whatever came while the last was written.
 */
export class Committer {
  private readonly store: DataStore
  private pending: Pending[] = []
  private writing = false

  constructor(store: DataStore) {
    this.store = store
  }

  /** Writes a change; the answer is there at once where the store keeps nothing that outlives the process. */
  commit(change: Change): Awaitable<Written> {
    if (!this.store.capabilities.durable) {
      const written = this.store.write([change])
      return isThenable(written) ? written.then(([first]) => first as Written) : (written[0] as Written)
    }
    return new Promise((resolve, reject) => {
      this.pending.push({ change, resolve, reject })
      if (!this.writing) this.schedule()
    })
  }

  private schedule(): void {
    this.writing = true
    setImmediate(() => void this.flush())
  }

  private async flush(): Promise<void> {
    const batch = this.pending.length <= LARGEST_BATCH ? this.pending : this.pending.slice(0, LARGEST_BATCH)
    this.pending = batch === this.pending ? [] : this.pending.slice(LARGEST_BATCH)
    // Opposed orders of locking deadlock in stores with row locks: all batches go by id.
    if (batch.length > 1) batch.sort((a, b) => (a.change.header.id < b.change.header.id ? -1 : 1))
    try {
      const answer = this.store.write(batch.map(({ change }) => change))
      const written = isThenable(answer) ? await answer : answer
      batch.forEach(({ change, resolve }, i) => resolve(mineAfterAll(change, written[i])))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    if (this.pending.length > 0) this.schedule()
    else this.writing = false
  }
}

/** A compare that lost against my own token is a change that stands already: only its answer was lost. */
function mineAfterAll({ header }: Change, written: Written | undefined): Written {
  if (written === undefined) throw new TypeError('The store answered fewer changes than it was given.')
  return !written.ok && written.current !== undefined && sameChange(written.current, header) ? { ok: true } : written
}

function sameChange(current: Header, mine: Header): boolean {
  return current.token === mine.token && current.incarnation === mine.incarnation
}
