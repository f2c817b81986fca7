import type { Awaitable, FindQuery, Header, Tally } from '../contract.ts'
import { checkLimit } from '../paging.ts'
import { type Aside, makeAside } from './aside.ts'
import type { SqliteDatabase } from './driver.ts'
import { HEADER_COLUMNS, type HeaderRecord, isPlain, toHeader } from './records.ts'

/**
 * Goes through the table once: an index with version and `updatedAt` in it would cost every commit more than the counts are
 * worth, which nobody waits for. `updatedAt` is the last member of `rest`.
 */
const TALLY = `
  SELECT workflow, version, status, count(*) AS count, min(created_at) AS oldest, sum(created_at >= ?1) AS created,
    sum(json_extract(rest, '$[#-1]') >= ?1) AS touched
  FROM polaris_instances WHERE status <> 'deleted' GROUP BY workflow, version, status`

export interface Counter {
  tally(since: number): Promise<readonly Tally[]>
  close(): Awaitable<void>
}

/** @param ready makes the file, where there is none yet */
export function makeCounter(file: string, ready: () => Awaitable<unknown>): Counter {
  let aside: Aside | undefined
  return {
    async tally(since) {
      await ready()
      return (await (aside ??= makeAside(file)).all(TALLY, [since])) as readonly Tally[]
    },
    close: () => aside?.close(),
  }
}

/** By the index of ids. What is behind all that begin with a text: that text and the last code point there is. */
const FIND = `
  SELECT ${HEADER_COLUMNS} FROM polaris_instances INDEXED BY polaris_instances_id
  WHERE id >= ?1 AND id < ?2 AND id > ?3 AND status <> 'deleted' ORDER BY id LIMIT ?4`

export function prepareFind(db: SqliteDatabase): (query: FindQuery) => readonly Header[] {
  const find = db.prepare(FIND)
  return ({ prefix, after = '', limit }) => {
    checkLimit(limit)
    // No id has such characters, and SQLite would take others for them.
    if (!isPlain(prefix) || !isPlain(after)) return []
    return (find.all(prefix, `${prefix}\u{10ffff}`, after, limit) as HeaderRecord[]).map(toHeader)
  }
}
