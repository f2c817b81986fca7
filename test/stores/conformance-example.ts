import { PolarisError } from 'polaris-workflow'
import type {
  Append,
  Appended,
  Change,
  ClaimQuery,
  DataStore,
  Header,
  Mail,
  MetaRecord,
  MetaWritten,
  Removal,
  Row,
  Written,
} from 'polaris-workflow'

interface Instance {
  header: Header
  readonly rows: Row[]
  readonly mail: Mail[]
}

interface Tables {
  readonly instances: Map<string, Instance>
  readonly metas: Map<string, MetaRecord>
}

/** The least that is a whole store: two maps. `tables` stands for the medium: what several stores have in common. */
export function tinyStore(tables: Tables, now: () => number = Date.now): DataStore {
  let closed = false
  const checkOpen = () => {
    if (closed) throw new PolarisError('CLOSED', 'The store is closed.')
  }
  const open = () => (checkOpen(), tables.instances)
  const metas = () => (checkOpen(), tables.metas)
  const page = <T extends { seq: number }>(
    all: readonly T[],
    { after = 0, limit }: { after?: number; limit: number },
  ) => all.filter(({ seq }) => seq > after).slice(0, limit)
  return {
    name: 'tiny',
    capabilities: { durable: true, values: 'text', lists: false },
    read(id) {
      const found = open().get(id)
      return found && { header: found.header, rows: newest(found.rows) }
    },
    history: (id, query) => page(open().get(id)?.rows ?? [], query),
    write: (changes) => changes.map((change) => write(open(), change, now())),
    append: (appends) => appends.map((each) => append(open(), each, now())),
    remove: (removals) => removals.map((each) => remove(open(), each)),
    mail: (id, query) => page(open().get(id)?.mail ?? [], query),
    request: (id, requestId) =>
      open()
        .get(id)
        ?.mail.find((mail) => mail.requestId === requestId),
    claim(query) {
      const { ids = refuse('claim without ids') } = (open(), query)
      return claim(
        ids.flatMap((id) => open().get(id) ?? []),
        query,
        now(),
      )
    },
    list: () => (open(), refuse('list')),
    prune: () => (open(), refuse('prune')),
    meta: (kind, key) => standing(metas().get(`${kind}\n${key}`), now()),
    setMeta: (record, expectedRevision) => setMeta(metas(), record, expectedRevision, now()),
    listMeta: () => (open(), refuse('listMeta')),
    close: () => void (closed = true),
  }
}

function refuse(what: string): never {
  throw new PolarisError('STORE_INVALID', `The tiny store cannot go through all instances: no ${what}.`)
}

function newest(rows: readonly Row[]): readonly Row[] {
  return [...new Map(rows.map((row) => [row.place, row])).values()].sort((a, b) => a.seq - b.seq)
}

function bad(values: readonly unknown[]): { ok: false; error: PolarisError } | undefined {
  if (values.every((value) => value === undefined || typeof value === 'string')) return undefined
  return { ok: false, error: new PolarisError('DATA_INVALID', 'The tiny store keeps text.') }
}

// In a database, each of these is one transaction of the instance's row.

function write(tables: Map<string, Instance>, change: Change, now: number): Written {
  const { expected, header, rows, lease, mail, handled } = change
  const refused = bad([...rows.map(({ value }) => value), mail?.body])
  if (refused !== undefined) return refused
  const found = tables.get(header.id)
  const current = found?.header
  const stale = expected === null ? current !== undefined : !current || differs(current, expected)
  const known = mail !== undefined && found?.mail.some(({ requestId }) => requestId === mail.requestId) === true
  if (stale || known) return { ok: false, current }
  // In the place of a tombstone, another instance begins.
  if (expected !== null && expected.incarnation !== header.incarnation) {
    tables.delete(header.id)
    return write(tables, { ...change, expected: null }, now)
  }

  const compared = expected === null || expected.mailAppended !== undefined
  const mailAppended = compared || !current ? header.mailAppended : current.mailAppended
  let wakeAt = header.wakeAt
  if (lease !== undefined) wakeAt = now + lease
  else if (header.holder !== null) wakeAt = current ? current.wakeAt : wakeAt
  else if (mailAppended > header.mailHandled) wakeAt = now

  const letters = [...(found?.mail ?? []), ...(mail ? [mail] : [])].map((each) =>
    each.seq === handled?.seq ? { ...each, body: undefined, outcome: handled.outcome, handledAt: handled.at } : each,
  )
  const cancelling = current?.cancelling ?? 0
  const next = { ...header, mailAppended, cancelling, wakeAt }
  tables.set(header.id, { header: next, rows: [...(found?.rows ?? []), ...rows], mail: letters })
  return { ok: true, mailAppended, cancelling }
}

function differs(current: Header, expected: NonNullable<Change['expected']>): boolean {
  const { incarnation, revision, fence, mailAppended = current.mailAppended } = expected
  if (current.incarnation !== incarnation || current.revision !== revision) return true
  return current.fence !== fence || current.mailAppended !== mailAppended
}

function append(tables: Map<string, Instance>, { header, expect, cancels, mail }: Append, now: number): Appended {
  const found = tables.get(header.id)
  const known = found?.mail.find(({ requestId }) => requestId === mail.requestId)
  if (known !== undefined) return { ok: false, known }
  const refused = bad([mail.body])
  if (refused !== undefined) return refused
  const current = found?.header
  if (current === undefined ? expect === 'existing' || cancels : expect === 'new') return { ok: false, current }
  if (current && (current.workflow !== header.workflow || takesNoMail(current))) return { ok: false, current }

  const seq = (current?.mailAppended ?? 0) + 1
  const held = current !== undefined && current.holder !== null
  const wakeAt = held ? current.wakeAt : Math.min(current?.wakeAt ?? now, now)
  const next = { ...(current ?? header), mailAppended: seq, cancelling: cancels ? seq : 0, wakeAt }
  const letters = [...(found?.mail ?? []), { ...mail, seq, outcome: null, handledAt: null }]
  tables.set(header.id, { header: next, rows: found?.rows ?? [], mail: letters })
  return { ok: true, seq, header: next }
}

function takesNoMail({ status, cancelling }: Header): boolean {
  return cancelling > 0 || status === 'cancelled' || status === 'deleted'
}

function remove(tables: Map<string, Instance>, { id, expected, tombstone }: Removal): Written {
  const current = tables.get(id)?.header
  if (!current || differs(current, expected)) return { ok: false, current }
  if (tombstone === undefined) tables.delete(id)
  else tables.set(id, { header: { ...tombstone, cancelling: 0 }, rows: [], mail: [] })
  return { ok: true, mailAppended: tombstone?.mailAppended ?? 0, cancelling: 0 }
}

function claim(candidates: readonly Instance[], query: ClaimQuery, now: number): readonly Header[] {
  const due = [...new Set(candidates)]
    .filter(({ header: { wakeAt } }) => wakeAt !== null && wakeAt <= now)
    .filter(({ header }) =>
      query.serves.some(({ workflow, version }) => workflow === header.workflow && version === header.version),
    )
    .sort((a, b) => (a.header.wakeAt ?? 0) - (b.header.wakeAt ?? 0))
  return due.slice(0, query.limit).map((instance) => {
    const { fence, claims } = instance.header
    const taken = { holder: query.holder, fence: fence + 1, claims: claims + 1, wakeAt: now + query.lease }
    return (instance.header = { ...instance.header, ...taken })
  })
}

function standing(record: MetaRecord | undefined, now: number): MetaRecord | undefined {
  return record && (record.expiresAt === null || record.expiresAt > now) ? record : undefined
}

function setMeta(
  metas: Map<string, MetaRecord>,
  record: MetaRecord,
  expectedRevision: number | null,
  now: number,
): MetaWritten {
  const place = `${record.kind}\n${record.key}`
  const current = standing(metas.get(place), now)
  if ((current?.revision ?? null) !== expectedRevision) return { ok: false, current }
  metas.set(place, record)
  return { ok: true }
}
