/** Routes that look closer at one instance: at its past, at what came of what, and ahead. */
import { isPolarisError } from '../index.ts'
import type { HistoryEntry, Intent, Polaris, Preview } from '../index.ts'
import { lineageOf, runsOf } from './lineage.ts'
import { Problem } from './problems.ts'
import { summaryOf, unknownInstance } from './reading.ts'
import { jsonReply } from './reply.ts'
import { oneOf, wholeNumber } from './routes.ts'
import type { Asked, Route, Service } from './routes.ts'
import { scrubbed } from './veil.ts'
import type { Veil } from './veil.ts'
import { dataView, differenceView, lineageView, runsView } from './views.ts'

export const LOOKING: readonly Route[] = [
  {
    method: 'GET',
    path: '/instances/{id}/differences',
    action: 'history',
    query: ['from', 'to'],
    run: differences,
  },
  { method: 'GET', path: '/instances/{id}/lineage', action: 'history', query: ['seq'], run: lineage },
  { method: 'GET', path: '/instances/{id}/builders', action: 'history', query: [], run: builders },
  {
    method: 'GET',
    path: '/instances/{id}/preview',
    action: 'explain',
    query: ['operation', 'to', 'builder'],
    run: preview,
  },
]

/** So much of a history is read for one answer. */
const MOST_ENTRIES = 10_000
const PAGE = 1_000

async function differences({ polaris, veil }: Service, asked: Asked): Promise<Response> {
  const { id = '' } = asked.params
  const [from, to] = [wholeNumber(asked, 'from'), wholeNumber(asked, 'to')]
  const summary = await polaris.summary(id)
  const found = await polaris.differences(id, {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  })
  if (summary === undefined || found === undefined) throw unknownInstance(id)
  return jsonReply(200, differenceView(found, summary, veil))
}

async function lineage(service: Service, asked: Asked): Promise<Response> {
  const seq = wholeNumber(asked, 'seq')
  if (seq === undefined) throw new Problem('QUERY_INVALID', 'seq says of which entry of the history: give one.')
  const summary = await summaryOf(service, asked)
  const { entries, complete } = await entriesOf(service.polaris, summary.id)
  if (!entries.some((entry) => entry.seq === seq)) {
    throw new Problem('QUERY_INVALID', `There is no entry ${seq} in the history of '${summary.id}'.`)
  }
  return jsonReply(200, { seq, complete, entries: lineageOf(entries, seq).map(lineageView) })
}

async function builders(service: Service, asked: Asked): Promise<Response> {
  const { id } = await summaryOf(service, asked)
  const { entries, complete } = await entriesOf(service.polaris, id)
  return jsonReply(200, { complete, builders: runsOf(entries).map(runsView) })
}

/** A history, as far as it is read for one answer. */
async function entriesOf(
  polaris: Polaris,
  id: string,
): Promise<{ readonly entries: readonly HistoryEntry[]; readonly complete: boolean }> {
  const entries: HistoryEntry[] = []
  while (entries.length < MOST_ENTRIES) {
    const page = await polaris.history(id, { after: entries.at(-1)?.seq ?? 0, limit: PAGE })
    // Values are not looked at, and would be kept in memory.
    for (const { value: _, ...entry } of page) entries.push(entry)
    if (page.length < PAGE) return { entries, complete: true }
  }
  return { entries, complete: false }
}

async function preview(service: Service, asked: Asked): Promise<Response> {
  const { id = '' } = asked.params
  const operation = oneOf(asked, 'operation', ['upgrade', 'resume', 'restart', 'rerun'])
  if (operation === undefined) {
    throw new Problem('QUERY_INVALID', 'operation says of what: upgrade, resume, restart or rerun.')
  }
  if (operation !== 'upgrade') return jsonReply(200, { operation, ...(await foreseen(service, asked, id, operation)) })
  const to = wholeNumber(asked, 'to')
  const found = await service.polaris.preview(id, to === undefined ? {} : { to })
  if (found === undefined) throw unknownInstance(id)
  return jsonReply(200, { operation, ...moveView(found, service.veil) })
}

function moveView(preview: Preview, veil: Veil): object {
  if (!preview.possible) {
    return { ...preview, because: preview.because.map((each) => ({ ...each, message: scrubbed(each.message) })) }
  }
  const { workflow, to, data } = preview
  return { ...preview, data: dataView({ workflow, version: to }, Object.entries(data), veil) }
}

async function foreseen(
  { polaris }: Service,
  { query }: Asked,
  id: string,
  operation: 'resume' | 'restart' | 'rerun',
): Promise<object> {
  const builder = query.get('builder')
  if (operation === 'rerun' && builder === undefined) {
    throw new Problem('QUERY_INVALID', 'builder says which is to run again: give its name.')
  }
  const intent: Intent = operation === 'rerun' ? { rerun: builder ?? '' } : operation
  try {
    const found = await polaris.foresee(id, intent)
    if (found !== undefined) return { ...found, possible: true }
  } catch (error) {
    if (!isPolarisError(error) || error.code !== 'CANCELLED') throw error
    return { id, possible: false, because: [{ reason: error.code, message: error.message }] }
  }
  throw unknownInstance(id)
}
