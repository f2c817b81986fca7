/** Routes that only look. */
import { isPolarisError } from '../index.ts'
import type { FoundInstance, InstanceQuery, InstanceStatus, InstanceSummary, Polaris } from '../index.ts'
import { Problem } from './problems.ts'
import { jsonReply } from './reply.ts'
import { instant, isTrue, oneOf, shortly, wholeNumber } from './routes.ts'
import type { Asked, Route, Service } from './routes.ts'
import { explanationView, historyView, instanceView, summaryView } from './views.ts'

const STATUSES: readonly InstanceStatus[] = ['running', 'waiting', 'completed', 'failed', 'cancelled', 'retrying']
const SHORT_PAGE = 100
const LONGEST_PAGE = 1000

export const READING: readonly Route[] = [
  { method: 'GET', path: '', action: 'describe', query: [], run: index },
  { method: 'GET', path: '/openapi.json', action: 'describe', query: [], run: openapi },
  {
    method: 'GET',
    path: '/instances',
    action: 'list',
    query: [
      ...['workflow', 'version', 'status', 'createdFrom', 'createdBefore', 'order', 'limit', 'cursor'],
      ...['id', 'idPrefix', 'waitingFor', 'waiting'],
    ],
    run: list,
  },
  { method: 'GET', path: '/instances/{id}', action: 'get', query: ['at', 'explain'], besides: 'explain', run: get },
  {
    method: 'GET',
    path: '/instances/{id}/history',
    action: 'history',
    query: ['after', 'limit', 'values'],
    run: history,
  },
  { method: 'GET', path: '/instances/{id}/explain', action: 'explain', query: [], run: explain },
  { method: 'GET', path: '/instances/{id}/events', action: 'watch', query: ['after'], run: events },
]

async function index({ api }: Service): Promise<Response> {
  const links = { workflows: `${api}/workflows`, instances: `${api}/instances`, openapi: `${api}/openapi.json` }
  return jsonReply(200, { service: 'polaris-workflow', links })
}

async function openapi({ document }: Service): Promise<Response> {
  return jsonReply(200, document())
}

async function list({ polaris }: Service, asked: Asked): Promise<Response> {
  const status = asked.query.get('status')?.split(',').map(statusOf)
  const limit = wholeNumber(asked, 'limit') ?? SHORT_PAGE
  checkPage(limit)
  const query = given({
    ...{ workflow: asked.query.get('workflow'), version: wholeNumber(asked, 'version'), status },
    ...{ createdFrom: instant(asked, 'createdFrom'), createdBefore: instant(asked, 'createdBefore') },
    order: oneOf(asked, 'order', ['oldest', 'newest']),
  })
  const id = asked.query.get('id')
  if (id !== undefined) return jsonReply(200, { instances: (await named(polaris, id, query)).map(summaryView) })
  const page = { ...query, limit, ...given({ cursor: asked.query.get('cursor') }) }
  const terms = given({ prefix: asked.query.get('idPrefix'), waitingFor: asked.query.get('waitingFor') })
  const { items, next, ...rest } =
    Object.keys(terms).length === 0 ? await polaris.list(page) : await polaris.search({ ...page, ...terms })
  const waiting = isTrue(asked, 'waiting')
  if (waiting && limit > SHORT_PAGE) {
    throw new Problem('QUERY_INVALID', `With waiting=true, limit must be from 1 to ${SHORT_PAGE}, but is ${limit}.`)
  }
  const shown: readonly FoundInstance[] = waiting
    ? await Promise.all(items.map((item) => withLacks(polaris, item)))
    : items
  return jsonReply(200, { instances: shown.map(summaryView), ...(next !== undefined && { next }), ...rest })
}

/** Without the members that are undefined. */
function given<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never
}

/** The one with this id, if it is what else was asked for. */
async function named(polaris: Polaris, id: string, query: InstanceQuery): Promise<InstanceSummary[]> {
  const found = await polaris.summary(id)
  if (found === undefined) return []
  const { workflow, version, status, createdFrom = -Infinity, createdBefore = Infinity } = query
  const fits =
    (workflow === undefined || found.workflow === workflow) &&
    (version === undefined || found.version === version) &&
    (status === undefined || [status].flat().includes(found.status)) &&
    found.createdAt >= createdFrom &&
    found.createdAt < createdBefore
  return fits ? [found] : []
}

async function withLacks(polaris: Polaris, item: FoundInstance): Promise<FoundInstance> {
  try {
    const view = await polaris.get(item.id)
    return view === undefined ? item : { ...item, waitingFor: view.waitingFor }
  } catch (error) {
    // Of a version that is not served here nobody knows what it waits for.
    if (isPolarisError(error) && error.code === 'VERSION_NOT_SERVED') return item
    throw error
  }
}

function statusOf(text: string): InstanceStatus {
  const found = STATUSES.find((status) => status === text)
  if (found !== undefined) return found
  const choices = STATUSES.join(', ')
  throw new Problem(
    'QUERY_INVALID',
    `status must be one or several of ${choices}, with commas, but has ${shortly(text)}.`,
  )
}

function checkPage(limit: number): void {
  if (limit >= 1 && limit <= LONGEST_PAGE) return
  throw new Problem('QUERY_INVALID', `limit must be from 1 to ${LONGEST_PAGE}, but is ${limit}.`)
}

async function get({ polaris, veil }: Service, asked: Asked): Promise<Response> {
  const { id = '' } = asked.params
  const at = wholeNumber(asked, 'at')
  const explains = isTrue(asked, 'explain')
  if (explains && at !== undefined) {
    throw new Problem(
      'QUERY_INVALID',
      'What is explained is how the instance stands now: give explain or at, not both.',
    )
  }
  const [view, explanation] = await Promise.all([
    polaris.get(id, at === undefined ? {} : { at }),
    explains ? polaris.explain(id) : undefined,
  ])
  if (view === undefined) throw unknownInstance(id)
  return jsonReply(200, {
    ...instanceView(view, veil),
    ...(at !== undefined && { at }),
    ...(explanation !== undefined && { explanation: explanationView(explanation, veil) }),
  })
}

async function history(service: Service, asked: Asked): Promise<Response> {
  const { polaris, veil } = service
  const after = wholeNumber(asked, 'after') ?? 0
  const limit = wholeNumber(asked, 'limit') ?? SHORT_PAGE
  const values = isTrue(asked, 'values')
  checkPage(limit)
  const summary = await summaryOf(service, asked)
  const entries = await polaris.history(summary.id, { after, limit })
  const last = entries.length === limit ? entries.at(-1) : undefined
  return jsonReply(200, {
    entries: entries.map(({ value, ...entry }) => historyView(values ? { ...entry, value } : entry, summary, veil)),
    ...(last !== undefined && { next: last.seq }),
  })
}

async function explain({ polaris, veil }: Service, { params }: Asked): Promise<Response> {
  const { id = '' } = params
  const explanation = await polaris.explain(id)
  if (explanation === undefined) throw unknownInstance(id)
  return jsonReply(200, explanationView(explanation, veil))
}

async function events(service: Service, asked: Asked): Promise<Response> {
  const last = asked.request.headers.get('last-event-id') ?? ''
  // A browser that connects again says what it saw last.
  const after = /^\d{1,15}$/.test(last) ? Number(last) : wholeNumber(asked, 'after')
  const { id } = await summaryOf(service, asked)
  return service.streams.open(id, after, asked.request.signal)
}

/** @throws Problem `INSTANCE_NOT_FOUND` */
export async function summaryOf({ polaris }: Service, { params }: Asked): Promise<InstanceSummary> {
  const { id = '' } = params
  const summary = await polaris.summary(id)
  if (summary === undefined) throw unknownInstance(id)
  return summary
}

export function unknownInstance(id: string): Problem {
  return new Problem('INSTANCE_NOT_FOUND', `There is no instance '${id}'.`)
}
