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
      batch.forEach((pending, i) => settle(pending, written[i]))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    if (this.pending.length > 0) this.schedule()
    else this.writing = false
  }
}

function settle({ change, resolve, reject }: Pending, written: Written | undefined): void {
  if (written === undefined) reject(new TypeError('The store answered fewer changes than it was given.'))
  else if ('error' in written) reject(written.error)
  else resolve(written.ok || !stands(change, written.current) ? written : WON)
}

const WON: Written = { ok: true }

/** Whether the change that lost its compare is the very one that stands: only the answer to it was lost. */
function stands({ header }: Change, current: Header | undefined): boolean {
  return current !== undefined && current.token === header.token && current.incarnation === header.incarnation
}
