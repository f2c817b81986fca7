/** Routes that only look. */
import type { InstanceQuery, InstanceStatus, InstanceSummary } from '../index.ts'
import { Problem } from './problems.ts'
import { jsonReply } from './reply.ts'
import { instant, shortly, wholeNumber } from './routes.ts'
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
    query: ['workflow', 'version', 'status', 'createdFrom', 'createdBefore', 'limit', 'cursor'],
    run: list,
  },
  { method: 'GET', path: '/instances/{id}', action: 'get', query: ['at'], run: get },
  { method: 'GET', path: '/instances/{id}/history', action: 'history', query: ['after', 'limit'], run: history },
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
  const query: { -readonly [K in keyof InstanceQuery]: InstanceQuery[K] | undefined } = {
    ...{ workflow: asked.query.get('workflow'), version: wholeNumber(asked, 'version'), status, limit },
    ...{ createdFrom: instant(asked, 'createdFrom'), createdBefore: instant(asked, 'createdBefore') },
    cursor: asked.query.get('cursor'),
  }
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined))
  const { items, next } = await polaris.list(given)
  return jsonReply(200, { instances: items.map(summaryView), ...(next !== undefined && { next }) })
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
  const view = await polaris.get(id, at === undefined ? {} : { at })
  if (view === undefined) throw unknownInstance(id)
  return jsonReply(200, { ...instanceView(view, veil), ...(at !== undefined && { at }) })
}

async function history(service: Service, asked: Asked): Promise<Response> {
  const { polaris, veil } = service
  const after = wholeNumber(asked, 'after') ?? 0
  const limit = wholeNumber(asked, 'limit') ?? SHORT_PAGE
  checkPage(limit)
  const summary = await summaryOf(service, asked)
  const entries = await polaris.history(summary.id, { after, limit })
  const last = entries.length === limit ? entries.at(-1) : undefined
  return jsonReply(200, {
    entries: entries.map((entry) => historyView(entry, summary, veil)),
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
