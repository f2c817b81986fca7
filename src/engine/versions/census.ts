import type { DataStore, Header, InstanceStatus, ListQuery } from '../../stores/contract.ts'

/** Instances that are not through. */
export const OPEN_STATUSES: readonly InstanceStatus[] = ['running', 'waiting', 'retrying', 'failed']

/** The open instances of one version of a workflow. */
export interface VersionCount {
  readonly workflow: string
  readonly version: number
  /** Instances that are not completed or cancelled: those that keep the version's code needed. */
  readonly open: number
  readonly byStatus: Readonly<Record<'running' | 'waiting' | 'retrying' | 'failed', number>>
  /** When the oldest of them was created, and the last one touched (ms since the epoch). */
  readonly oldest: number
  readonly lastTouched: number
}

const PAGE = 1000

/** Headers a page at a time, oldest creation first. What is created meanwhile may be among them. */
export async function* headersOf(
  store: DataStore,
  query: Omit<ListQuery, 'limit' | 'cursor'>,
  signal?: AbortSignal,
  from?: string,
  limit: number = PAGE,
): AsyncGenerator<{ readonly headers: readonly Header[]; readonly next: string | undefined }, void, undefined> {
  let cursor = from
  do {
    signal?.throwIfAborted()
    const { items, next } = await store.list({ ...query, limit, ...(cursor !== undefined && { cursor }) })
    cursor = next
    yield { headers: items, next }
  } while (cursor !== undefined)
}

/** Counts instances as they come by. */
export class Census {
  private readonly counts = new Map<string, { -readonly [K in keyof VersionCount]: VersionCount[K] }>()

  add({ workflow, version, status, createdAt, updatedAt }: Header): void {
    const key = JSON.stringify([workflow, version])
    let count = this.counts.get(key)
    if (count === undefined) {
      const byStatus = { running: 0, waiting: 0, retrying: 0, failed: 0 }
      count = { workflow, version, open: 0, byStatus, oldest: createdAt, lastTouched: updatedAt }
      this.counts.set(key, count)
    }
    count.open++
    count.byStatus = { ...count.byStatus, [status]: count.byStatus[status as 'running'] + 1 }
    count.oldest = Math.min(count.oldest, createdAt)
    count.lastTouched = Math.max(count.lastTouched, updatedAt)
  }

  /** By workflow, then by version. */
  result(): VersionCount[] {
    return [...this.counts.values()].sort((a, b) =>
      a.workflow === b.workflow ? a.version - b.version : a.workflow < b.workflow ? -1 : 1,
    )
  }
}
