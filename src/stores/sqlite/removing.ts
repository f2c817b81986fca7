import type { Removal, Written } from '../contract.ts'
import { HEADER_COLUMNS, type HeaderRecord, INSERTED_COLUMNS, insertedValues, meets, toHeader } from './records.ts'
import { orOneByOne, type WriterOptions } from './writing.ts'

export interface Remover {
  /** One transaction, or throws and has changed nothing. */
  remove(removals: readonly Removal[]): readonly Written[]
}

export function prepareRemover(options: WriterOptions): Remover {
  const { db, onMail } = options
  const find = db.prepare(`SELECT ${HEADER_COLUMNS} FROM polaris_instances WHERE id = ?`)
  const insert = db.prepare(
    `INSERT INTO polaris_instances (${INSERTED_COLUMNS}) VALUES (${new Array(13).fill('?').join()})`,
  )
  const news = db.prepare('INSERT INTO polaris_news (id) VALUES (?)')
  const deletions = ['rows', 'mail', 'instances'].map((table) =>
    db.prepare(`DELETE FROM polaris_${table} WHERE created_at = ? AND id = ?`),
  )
  const apply = ({ id, expected, tombstone }: Removal): Written => {
    const record = find.get(id) as HeaderRecord | undefined
    if (record === undefined) return { ok: false, current: undefined }
    if (!meets(record, expected)) return { ok: false, current: toHeader(record) }
    for (const deletion of deletions) deletion.run(record.created_at, id)
    if (tombstone !== undefined) insert.run(...insertedValues(tombstone, tombstone.wakeAt))
    if (record.mail_appended > record.mail_handled) {
      onMail(id)
      news.run(id)
    }
    return { ok: true, mailAppended: tombstone?.mailAppended ?? 0, cancelling: 0 }
  }
  return { remove: (removals) => orOneByOne(options, removals, (some) => some.map(apply)) }
}
