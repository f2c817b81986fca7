import type { ClaimQuery, Header } from '../contract.ts'
import { checkLimit } from '../paging.ts'
import type { SqliteDatabase } from './driver.ts'
import { HEADER_COLUMNS, type HeaderRecord, headerRest, toHeader, UPDATE_INSTANCE } from './records.ts'
import type { Transact } from './schema.ts'

/** One look-up for each version served, so that due instances that nobody here serves are never passed over one by one. */
export const DUE: string = `SELECT ${HEADER_COLUMNS} FROM polaris_instances
  WHERE workflow = ? AND version = ? AND wake_at <= ? ORDER BY wake_at LIMIT ?`

export const OLD_MAIL = `DELETE FROM polaris_mail WHERE (created_at, id, seq) IN
  (SELECT created_at, id, seq FROM polaris_mail WHERE handled_at < ? ORDER BY handled_at LIMIT ?)`

export interface Claimer {
  claim(query: ClaimQuery, now: number): readonly Header[]
  prune(handledBefore: number, limit: number): number
}

export function prepareClaimer(db: SqliteDatabase, transact: Transact): Claimer {
  const due = db.prepare(DUE)
  const find = db.prepare(`SELECT ${HEADER_COLUMNS} FROM polaris_instances WHERE id = ?`)
  const take = db.prepare(
    `${UPDATE_INSTANCE} SET fence = ?, holder = ?, wake_at = ?, rest = ? WHERE created_at = ? AND id = ?`,
  )
  const oldMail = db.prepare(OLD_MAIL)

  const dueOf = (ids: readonly string[], { serves }: ClaimQuery, now: number): HeaderRecord[] =>
    [...new Set(ids)].flatMap((id) => {
      const record = find.get(id) as HeaderRecord | undefined
      if (record === undefined || record.wake_at === null || record.wake_at > now) return []
      const served = serves.some(({ workflow, version }) => workflow === record.workflow && version === record.version)
      return served ? [record] : []
    })
  const candidates = (query: ClaimQuery, now: number): readonly HeaderRecord[] => {
    const { serves, ids, limit } = query
    const found =
      ids === undefined
        ? serves.flatMap(({ workflow, version }) => due.all(workflow, version, now, limit) as HeaderRecord[])
        : dueOf(ids, query, now)
    return found.sort((a, b) => Number(a.wake_at) - Number(b.wake_at)).slice(0, limit)
  }
  return {
    claim(query, now) {
      checkLimit(query.limit)
      // Most looks find nothing: those need not wait for the write lock, nor keep anybody from it.
      if (candidates(query, now).length === 0) return []
      return transact(() =>
        candidates(query, now).map((record) => {
          const before = toHeader(record)
          const { fence, claims, createdAt, id } = before
          const { holder, lease } = query
          const header = { ...before, holder, fence: fence + 1, claims: claims + 1, wakeAt: now + lease }
          take.run(header.fence, holder, header.wakeAt, headerRest(header), createdAt, id)
          return header
        }),
      )
    },
    prune(handledBefore, limit) {
      checkLimit(limit)
      return Number(transact(() => oldMail.run(handledBefore, limit)).changes)
    },
  }
}
