/** Routes that change something. */
import type { CallOptions, Datum, Executor, PlanData, Result, UpgradeReport } from '../index.ts'
import { readObject } from './body.ts'
import type { Entry } from './catalogue.ts'
import { Problem } from './problems.ts'
import { summaryOf } from './reading.ts'
import { emptyReply, jsonReply } from './reply.ts'
import { oneOf, wholeNumber } from './routes.ts'
import type { Asked, Route, Service } from './routes.ts'
import { scrubbed } from './veil.ts'
import { instanceView, resultView } from './views.ts'

export const ACTING: readonly Route[] = [
  {
    method: 'POST',
    path: '/workflows/{workflow}/instances/{id}',
    action: 'feed',
    query: ['mode', 'expect', 'about'],
    run: feed,
  },
  { method: 'POST', path: '/instances/{id}/resume', action: 'resume', query: [], run: resume },
  { method: 'POST', path: '/instances/{id}/restart', action: 'restart', query: [], run: restart },
  { method: 'POST', path: '/instances/{id}/rerun', action: 'rerun', query: [], run: rerun },
  { method: 'POST', path: '/instances/{id}/fork', action: 'fork', query: [], run: fork },
  { method: 'POST', path: '/instances/{id}/cancel', action: 'cancel', query: [], run: cancel },
  { method: 'POST', path: '/instances/{id}/upgrade', action: 'upgrade', query: [], run: upgradeOne },
  { method: 'DELETE', path: '/instances/{id}', action: 'delete', query: [], run: remove },
  { method: 'POST', path: '/workflows/{workflow}/upgrade', action: 'upgrade', query: [], run: upgrade },
]

/** A delta by the names of its data. Once it is here whole it is handled, also if the client is gone. */
async function feed(service: Service, asked: Asked): Promise<Response> {
  const { catalogue, limits, veil, api } = service
  const { workflow: name = '', id = '' } = asked.params
  const mode = oneOf(asked, 'mode', ['parallel', 'sequential', 'submit']) ?? 'parallel'
  const expect = oneOf(asked, 'expect', ['new', 'existing'])
  catalogue.find(name)
  const executor = executorFor(service, asked, expect)
  const body = await readObject(asked.request, limits, false)
  const delta = deltaOf(await entryFor(service, name, id, body), body, wholeNumber(asked, 'about'))
  if (mode === 'submit') {
    const submitted = await executor.submit(name, id, ...delta)
    return jsonReply(202, submitted, { location: `${api}/instances/${encodeURIComponent(id)}` })
  }
  return jsonReply(200, resultView(await executor[mode](name, id, ...delta), veil))
}

function executorFor({ executor }: Service, { request, meta }: Asked, expect?: 'new' | 'existing'): Executor {
  const key = request.headers.get('idempotency-key')
  const options: CallOptions = {
    ...(expect !== undefined && { expect }),
    ...(meta !== undefined && { meta }),
    ...(key !== null && { requestId: unquoted(key) }),
  }
  return Object.keys(options).length === 0 ? executor : executor.with(options)
}

/** The header is a string of structured fields, with quotes; most clients send it without. */
function unquoted(key: string): string {
  return /^".*"$/.test(key) ? key.slice(1, -1).replace(/\\(["\\])/g, '$1') : key
}

/** The version whose data are fed: the instance's own; of new ones, the newest. */
async function entryFor(
  { polaris, catalogue }: Service,
  name: string,
  id: string,
  body: ReadonlyMap<string, unknown>,
): Promise<Entry> {
  const [newest, ...older] = catalogue.versionsOf(name) as [Entry, ...Entry[]]
  const same = (entry: Entry): boolean => [...body.keys()].every((key) => tokenOf(entry, key) === tokenOf(newest, key))
  if (older.every(same)) return newest
  const summary = await polaris.summary(id)
  return summary?.workflow === name ? (older.find(({ version }) => version === summary.version) ?? newest) : newest
}

function tokenOf({ workflow, data }: Entry, name: string): unknown {
  return data.has(name) ? workflow.plan.dataNamed(name) : undefined
}

/**
 * @param about `seq` of the entry that what is about other data is about
 * @throws Problem `DATA_UNKNOWN`, `DATA_NOT_FEEDABLE`, `QUERY_INVALID`
 */
function deltaOf(
  { name, workflow, data }: Entry,
  body: ReadonlyMap<string, unknown>,
  about: number | undefined,
): Datum[] {
  const subjects = new Set<string>()
  const delta = Array.from(body, ([key, value]) => {
    const found = data.get(key)
    if (found?.feedable !== true) throw unfeedable(name, key, found, data)
    const token = workflow.plan.dataNamed(key)
    if (about === undefined || found.about === undefined) return token.untyped(value)
    subjects.add(found.about)
    return token.untyped(value, { about })
  })
  if (about === undefined || subjects.size === 1) return delta
  const why = subjects.size === 0 ? 'none of these data is about another' : 'these data are about several others'
  throw new Problem('QUERY_INVALID', `about names the entry that data are about, but ${why}. Nothing was stored.`)
}

function unfeedable(
  workflow: string,
  key: string,
  found: PlanData | undefined,
  all: ReadonlyMap<string, PlanData>,
): Problem {
  const feedable = [...all.values()].filter((each) => each.feedable).map((each) => each.name)
  const takes = `It takes ${feedable.slice(0, 20).join(', ')}${feedable.length > 20 ? ' …' : ''}. Nothing was stored.`
  if (found === undefined) {
    return new Problem('DATA_UNKNOWN', `Workflow '${workflow}' has no data '${key.slice(0, 200)}'. ${takes}`, {
      feedable,
    })
  }
  const maker = `'${key}' cannot be fed: the builder '${found.producer ?? ''}' makes it.`
  return new Problem('DATA_NOT_FEEDABLE', `${maker} ${takes}`, { feedable })
}

async function resume(service: Service, asked: Asked): Promise<Response> {
  await takeMembers(service, asked, [])
  return operated(service, asked, (executor, workflow, id) => executor.resume(workflow, id))
}

async function restart(service: Service, asked: Asked): Promise<Response> {
  const members = await takeMembers(service, asked, ['reason'])
  const why = reasonOf(members)
  return operated(service, asked, (executor, workflow, id) => executor.restart(workflow, id, why))
}

async function rerun(service: Service, asked: Asked): Promise<Response> {
  const members = await takeMembers(service, asked, ['builder', 'reason'])
  const builder = textOf(members, 'builder', 'the name of a builder')
  const why = reasonOf(members)
  return operated(service, asked, (executor, workflow, id) => executor.rerun(workflow, id, builder, why))
}

async function fork(service: Service, asked: Asked): Promise<Response> {
  const members = await takeMembers(service, asked, ['id', 'at', 'reason'])
  const newId = textOf(members, 'id', 'the id of the copy')
  const at = members.get('at')
  const { id } = await summaryOf(service, asked)
  const options = { ...(at !== undefined && { at: at as number }), ...reasonOf(members) }
  const copy = await service.polaris.fork(id, newId, options)
  const location = `${service.api}/instances/${encodeURIComponent(newId)}`
  return jsonReply(201, instanceView(copy, service.veil), { location })
}

async function cancel(service: Service, asked: Asked): Promise<Response> {
  const members = await takeMembers(service, asked, ['reason', 'compensate'])
  const { id } = await summaryOf(service, asked)
  const { meta } = asked
  const view = await service.polaris.cancel(id, {
    ...reasonOf(members),
    ...(members.has('compensate') && { compensate: members.get('compensate') as boolean }),
    ...(meta !== undefined && { meta }),
  })
  return jsonReply(200, instanceView(view, service.veil))
}

async function remove({ polaris }: Service, { params }: Asked): Promise<Response> {
  await polaris.delete(params['id'] ?? '')
  return emptyReply()
}

/** Moves the open instances of a workflow, or of one of its versions, to another version. */
async function upgrade(service: Service, asked: Asked): Promise<Response> {
  const { workflow = '' } = asked.params
  const members = await takeMembers(service, asked, ['version', 'to'])
  const { name } = service.catalogue.find(workflow)
  const [version, to] = [versionOf(members, 'version'), versionOf(members, 'to')]
  const query = { workflow: name, ...(version !== undefined && { version }) }
  return upgraded(await service.polaris.upgrade(query, to === undefined ? {} : { to }))
}

async function upgradeOne(service: Service, asked: Asked): Promise<Response> {
  const members = await takeMembers(service, asked, ['to'])
  const to = versionOf(members, 'to')
  return upgraded(await service.polaris.upgrade(asked.params['id'] ?? '', to === undefined ? {} : { to }))
}

function upgraded(report: UpgradeReport): Response {
  const stranded = report.stranded.map((group) => ({ ...group, message: scrubbed(group.message) }))
  return jsonReply(200, { ...report, stranded })
}

async function operated(
  service: Service,
  asked: Asked,
  operate: (executor: Executor, workflow: string, id: string) => Promise<Result>,
): Promise<Response> {
  const { id, workflow } = await summaryOf(service, asked)
  return jsonReply(200, resultView(await operate(executorFor(service, asked), workflow, id), service.veil))
}

/** The members of a body, if there is one. @throws Problem `BODY_INVALID` for members nobody reads */
async function takeMembers(
  { limits }: Service,
  { request }: Asked,
  known: readonly string[],
): Promise<ReadonlyMap<string, unknown>> {
  const members = await readObject(request, limits, true)
  for (const key of members.keys()) {
    if (known.includes(key)) continue
    const takes = known.length === 0 ? 'no members' : known.join(', ')
    throw new Problem(
      'BODY_INVALID',
      `There is no member ${JSON.stringify(key.slice(0, 100))}: the body takes ${takes}.`,
    )
  }
  return members
}

function textOf(members: ReadonlyMap<string, unknown>, name: string, what: string): string {
  const value = members.get(name)
  if (typeof value === 'string') return value
  throw new Problem('BODY_INVALID', `The body needs a member '${name}': ${what}.`)
}

function versionOf(members: ReadonlyMap<string, unknown>, name: string): number | undefined {
  const value = members.get(name)
  if (value === undefined || Number.isSafeInteger(value)) return value as number | undefined
  throw new Problem('BODY_INVALID', `'${name}' must be the number of a version.`)
}

function reasonOf(members: ReadonlyMap<string, unknown>): { readonly reason?: string } {
  if (!members.has('reason')) return {}
  return { reason: textOf(members, 'reason', 'a text that says why') }
}
