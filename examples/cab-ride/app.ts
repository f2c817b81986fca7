// Rides behind HTTP, as a function from a request to its response: server.ts puts it on a port, the tests call it.
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { DataStore, HistoryEntry, Hooks, Result } from 'polaris-workflow'
import { Polaris } from 'polaris-workflow'
import { httpHandler, tokenAuthorize } from 'polaris-workflow/http'
import { answerTo, BadRequest, pathOf, problem, productsOf, readJson, respond } from './answers.ts'
import { time, unknownRide, wholeNumber } from './answers.ts'
import { conflict, eventNamed, EVENTS } from './events.ts'
import { helpText } from './help.ts'
import type { Services } from './services.ts'
import { cabRide, RideRequest } from './workflow.ts'

export interface RideServiceOptions {
  readonly store: DataStore
  readonly services: Services
  /** Gets a line for every builder that ran, and for every fault of the service. Default: nobody. */
  readonly log?: (line: string) => void
  /** What the dashboard asks for, 16 characters or more. Default: a fresh one. */
  readonly token?: string
}

/** Where the dashboard is, and the HTTP API that it lives on. */
export const DASHBOARD = '/polaris'

const LARGEST_BODY = 64 * 1024
const LEASE_MS = 2_000
const GRACE_MS = 5_000
const SENDABLE = EVENTS.map(({ data }) => data.name)
const STATUSES = ['running', 'waiting', 'completed', 'failed'] as const

export function rideService({ store, services, log = () => undefined, token }: RideServiceOptions) {
  // What a process that was killed had under way is gone on with after a lease, by any process.
  const polaris = new Polaris({ store, services, lease: LEASE_MS }).register(cabRide)
  const after: Hooks['after'] = (builder, product, { id }) =>
    log(`${id}  ${builder.name} → ${product?.name ?? 'no product yet'}`)
  const executor = polaris.executor({ after })
  const worker = polaris.worker({ after, grace: GRACE_MS, onTrouble: (error) => log(String(error)) })

  const app = new Hono()
  const tooLarge = `A body may have ${LARGEST_BODY} bytes.`
  app.use(bodyLimit({ maxSize: LARGEST_BODY, onError: () => problem(413, 'BODY_TOO_LARGE', tooLarge) }))

  app.get('/', (c) => c.text(helpText(new URL(c.req.url).origin)))
  const authorize = tokenAuthorize(token === undefined ? {} : { token })
  const dashboard = httpHandler(polaris, { authorize, executor, basePath: DASHBOARD, dashboard: true })
  app.all(DASHBOARD, (c) => dashboard(c.req.raw))
  app.all(`${DASHBOARD}/*`, (c) => dashboard(c.req.raw))

  app.get('/graph', (c) => c.text(cabRide.plan.toMermaid()))

  app.get('/rides', async (c) => {
    const query = c.req.query()
    const { items, next } = await polaris.list({ workflow: cabRide.name, ...pageOf(query) })
    const rides = items.map(({ id, status, scopes, createdAt, updatedAt }) => {
      return { ride: id, status, calls: scopes, createdAt: time(createdAt), updatedAt: time(updatedAt) }
    })
    const following = next !== undefined && `/rides?${new URLSearchParams({ ...query, cursor: next }).toString()}`
    return respond(200, { rides, ...(following && { next: following }) })
  })

  app.get('/rides/:id', async (c) => {
    const ride = await polaris.get(c.req.param('id'))
    if (!ride) return unknownRide(c.req.param('id'))
    const { id, status, data, failure, createdAt, updatedAt } = ride
    return respond(200, {
      ride: id,
      status,
      ...(await whatNext(ride)),
      ...(failure && { failure: `${failure.builder}: ${failure.message}` }),
      data,
      createdAt: time(createdAt),
      updatedAt: time(updatedAt),
    })
  })

  app.get('/rides/:id/explain', async (c) => {
    const explanation = await polaris.explain(c.req.param('id'))
    return explanation ? respond(200, explanation) : unknownRide(c.req.param('id'))
  })

  app.get('/rides/:id/history', async (c) => {
    const id = c.req.param('id')
    const after = wholeNumber(c.req.query(), 'after') ?? 0
    const limit = wholeNumber(c.req.query(), 'limit') ?? 100
    const entries = await polaris.history(id, { after, limit })
    if (entries.length === 0 && !(await polaris.get(id))) return unknownRide(id)
    const last = entries.length === limit ? entries.at(-1) : undefined
    const next = last && `${pathOf(id)}/history?after=${last.seq}&limit=${limit}`
    return respond(200, { ride: id, entries: entries.map(readable), ...(next !== undefined && { next }) })
  })

  app.post('/rides/:id/resume', async (c) =>
    respond(200, await moved(await executor.resume(cabRide, c.req.param('id')))),
  )

  app.post('/rides/:id/:datum', async (c) => {
    const { id, datum } = c.req.param()
    const event = eventNamed(datum)
    if (!event) return noSuchEvent(datum)
    const json = await readJson(c.req.raw)
    const ride = await polaris.get(id)
    const refusal = ride && conflict(ride, event)
    if (refusal !== undefined) return problem(409, 'CONFLICT', refusal)
    // A ride begins with its request; anything else under an id that nobody requested is a slip of the pen.
    const feeding = event.data === RideRequest ? executor : executor.with({ expect: 'existing' })
    return respond(200, await moved(await feeding.sequential(cabRide, id, event.data.untyped(json))))
  })

  app.all('/rides/:id/:datum', (c) => {
    const { id, datum } = c.req.param()
    if (datum !== 'resume' && !eventNamed(datum)) return notFound(c.req.method, c.req.path)
    const message = `${datum} is sent with POST. GET ${pathOf(id)} shows the ride.`
    return problem(405, 'METHOD_NOT_ALLOWED', message, {}, { allow: 'POST' })
  })

  app.all('/rides/:id', (c) => {
    const id = c.req.param('id')
    const message = `A ride takes one datum at a time, by its name, such as POST ${pathOf(id)}/RideRequest.`
    return problem(405, 'METHOD_NOT_ALLOWED', message, { send: SENDABLE }, { allow: 'GET' })
  })

  app.notFound((c) => notFound(c.req.method, c.req.path))
  app.onError((error, c) => {
    const { id = '', datum = '' } = c.req.param() as { id?: string; datum?: string }
    return answerTo(error, { ride: id, path: pathOf(id), example: eventNamed(datum)?.example, log })
  })

  /** What a call has done, and what comes next. */
  async function moved(result: Result) {
    const { id, status } = result
    return { ride: id, status, produced: productsOf(result), ...(await whatNext(result)) }
  }

  /** What a ride waits for, what builders that gave no product said about it, and the requests that would help. */
  async function whatNext({ id, status, waitingFor }: Pick<Result, 'id' | 'waitingFor'> & { status: string }) {
    if (status === 'completed') return { waitingFor, next: [] }
    const { builders = [] } = (await polaris.explain(id)) ?? {}
    const because = builders.flatMap(({ name, because }) => (because === undefined ? [] : [`${name}: ${because}`]))
    const names = status === 'failed' ? ['resume'] : waitingFor.filter((name) => eventNamed(name))
    const next = names.map((name) => `POST ${pathOf(id)}/${name}`)
    return { waitingFor, ...(because.length > 0 && { because }), next }
  }

  return {
    /** Opens the store, so that what is wrong with it shows before anybody calls, and goes on with interrupted rides. */
    async start() {
      await polaris.start()
      worker.start()
    },
    fetch: async (request: Request) => app.fetch(request),
    /** What the dashboard asks for. */
    token: authorize.token,
    /** Ends what would never end by itself: dashboards that look on. */
    hangUp: () => dashboard.close(),
    /** Waits for the calls under way; what the worker does not finish in time, another process goes on with. */
    close: () => polaris.close(),
  }
}

function pageOf(query: Readonly<Record<string, string>>) {
  const { status, cursor } = query
  const limit = wholeNumber(query, 'limit')
  return {
    ...(status !== undefined && { status: status.split(',').map(readStatus) }),
    ...(limit !== undefined && { limit }),
    ...(cursor !== undefined && { cursor }),
  }
}

function readStatus(text: string) {
  const status = STATUSES.find((known) => known === text)
  if (status) return status
  throw new BadRequest(
    `status must be one of ${STATUSES.join(', ')}, or several with commas, but is ${JSON.stringify(text)}.`,
  )
}

function noSuchEvent(name: string) {
  const near = EVENTS.find(({ data }) => data.name.toLowerCase() === name.toLowerCase())
  const maker = cabRide.plan.builders.find(({ produces }) => produces === name)
  const message = maker
    ? `${name} cannot be sent: the builder ${maker.name} makes it.`
    : `A ride knows no data '${name}'${near ? `; did you mean ${near.data.name}?` : '.'}`
  return problem(404, 'DATA_UNKNOWN', message, { send: SENDABLE })
}

function notFound(method: string, path: string) {
  return problem(404, 'NOT_FOUND', `There is no ${method} ${path}. GET / lists the requests to try.`)
}

function readable({ startedAt, endedAt, ...entry }: HistoryEntry) {
  return { ...entry, startedAt: time(startedAt), endedAt: time(endedAt) }
}
