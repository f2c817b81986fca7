import { describeValue, PolarisError } from '../../graph/errors.ts'
import type { Append, Appended, Handled, Header, HistoryQuery, Mail } from '../contract.ts'
import { checkLimit } from '../paging.ts'
import { wokenAt } from '../waking.ts'
import { addEntry, type Entry, giveHeader, type Memory, setHeader } from './entries.ts'

export function append(memory: Memory, { header, expect, cancels, mail }: Append): Appended {
  const entry = memory.entries.get(header.id)
  const known = entry === undefined ? undefined : mailOf(entry, mail.requestId)
  if (known !== undefined) return { ok: false, known: giveMail(memory, known) }
  const error = memory.strict ? oddBody(header.id, mail.body) : undefined
  if (error !== undefined) return { ok: false, error }
  if (entry === undefined) {
    if (expect === 'existing' || cancels) return { ok: false, current: undefined }
    const own = { mailAppended: 1, mailHandled: 0, cancelling: 0, holder: null, wakeAt: memory.now() }
    const created = addEntry(memory, { ...header, ...own })
    return post(memory, created, mail)
  }
  const current = entry.header
  if (expect === 'new' || current.workflow !== header.workflow || takesNoMail(current)) {
    return { ok: false, current: giveHeader(memory, current) }
  }
  const wakeAt = current.holder === null ? wokenAt(current.wakeAt, memory.now()) : current.wakeAt
  const mailAppended = current.mailAppended + 1
  const cancelling = cancels ? mailAppended : current.cancelling
  setHeader(memory, entry, { ...current, mailAppended, cancelling, wakeAt })
  return post(memory, entry, mail)
}

function takesNoMail({ status, cancelling }: Header): boolean {
  return cancelling > 0 || status === 'cancelled' || status === 'deleted'
}

function post(memory: Memory, entry: Entry, mail: Append['mail']): Appended {
  const { header } = entry
  const seq = header.mailAppended
  putMail(entry, { ...mail, seq, outcome: null, handledAt: null })
  tell(memory, header.id)
  return { ok: true, seq, header: giveHeader(memory, header) }
}

export function putMail(entry: Entry, mail: Mail): void {
  ;(entry.mail ??= new Map()).set(mail.seq, { ...mail })
  ;(entry.requests ??= new Map()).set(mail.requestId, mail.seq)
}

export function noteOutcome(memory: Memory, entry: Entry, { seq, outcome, at }: Handled): void {
  const mail = entry.mail?.get(seq)
  if (mail === undefined) return
  entry.mail?.set(seq, { ...mail, body: undefined, outcome, handledAt: at })
  tell(memory, entry.header.id)
}

export function mailAfter(memory: Memory, id: string, { after = 0, limit }: HistoryQuery): readonly Mail[] {
  checkLimit(limit)
  const found: Mail[] = []
  for (const mail of memory.entries.get(id)?.mail?.values() ?? []) {
    if (mail.seq <= after) continue
    found.push(giveMail(memory, mail))
    if (found.length === limit) break
  }
  return found
}

export function request(memory: Memory, id: string, requestId: string): Mail | undefined {
  const entry = memory.entries.get(id)
  const mail = entry === undefined ? undefined : mailOf(entry, requestId)
  return mail === undefined ? undefined : giveMail(memory, mail)
}

export function prune(memory: Memory, handledBefore: number, limit: number): number {
  checkLimit(limit)
  let pruned = 0
  for (const entry of memory.entries.values()) {
    for (const { seq, requestId, handledAt } of entry.mail?.values() ?? []) {
      if (handledAt === null || handledAt >= handledBefore) continue
      entry.mail?.delete(seq)
      entry.requests?.delete(requestId)
      if (++pruned === limit) return pruned
    }
  }
  return pruned
}

function mailOf({ mail, requests }: Entry, requestId: string): Mail | undefined {
  return mail?.get(requests?.get(requestId) ?? 0)
}

function giveMail({ strict }: Memory, mail: Mail): Mail {
  return strict ? { ...mail } : mail
}

/** Later, so that whoever is told finds the call that caused it done. */
export function tell({ listeners }: Memory, id: string): void {
  for (const listener of listeners) queueMicrotask(() => listeners.has(listener) && listener(id))
}

export function oddBody(id: string, body: unknown): PolarisError | undefined {
  if (body === undefined || typeof body === 'string') return undefined
  return new PolarisError('DATA_INVALID', `Mail of instance '${id}' holds ${describeValue(body)}; a store keeps text.`)
}
