import type { FindQuery, Header, Tally } from '../contract.ts'
import { checkLimit } from '../paging.ts'
import { HEADER_COLUMNS, type HeaderRecord, isKeepable, toHeader } from './records.ts'
import type { StoreParts } from './writing.ts'

export interface Counter {
  tally(since: number): Promise<readonly Tally[]>
  find(query: FindQuery): Promise<readonly Header[]>
}

type TallyRecord = readonly [
  workflow: string,
  version: string,
  status: Tally['status'],
  count: string,
  oldest: string,
  created: string,
  touched: string,
]

export function makeCounter({ ask, checkOpen, schema, named }: StoreParts): Counter {
  const instances = `${schema}.polaris_instances`
  return {
    async tally(since) {
      checkOpen()
      const records = (await ask(tallyStatement(instances), [since])) as unknown as readonly TallyRecord[]
      return records.map(([workflow, version, status, count, oldest, created, touched]) => ({
        ...{ workflow, version: Number(version), status, count: Number(count), oldest: Number(oldest) },
        ...{ created: Number(created), touched: Number(touched) },
      }))
    },
    async find({ prefix, after = '', limit }) {
      checkLimit(limit)
      checkOpen()
      if (!isKeepable(prefix) || !isKeepable(after)) return []
      const text = `SELECT ${HEADER_COLUMNS} FROM ${instances}
        WHERE id >= $1 AND id < $2 AND id > $3 AND status <> 'deleted' ORDER BY id LIMIT $4`
      const records = await ask(text, [prefix, `${prefix}\u{10ffff}`, after, limit], named('find'))
      return (records as HeaderRecord[]).map(toHeader)
    },
  }
}

/**
 * One walk through the table. `updatedAt` is the last member of `rest`; an index of it would cost every commit. Cut out as text:
 * read as JSON, 1,000,000 instances took 2.1 s in place of 1.2, and with a regular expression 3.2.
 */
function tallyStatement(instances: string): string {
  return `
    SELECT workflow, version, status, count(*), min(created_at), count(*) FILTER (WHERE created_at >= $1),
      count(*) FILTER (WHERE split_part(rtrim(rest, ']'), ',', -1)::bigint >= $1)
    FROM ${instances} WHERE status <> 'deleted' GROUP BY workflow, version, status`
}
