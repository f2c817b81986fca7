import { Hono } from 'hono'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Polaris } from 'polaris-workflow'
import { expressMiddleware, httpHandler, nodeListener } from 'polaris-workflow/http'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { afterEach, describe, expect, it } from 'vitest'
import { cabRide, RIDE } from './lab.ts'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()))
})

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function handlerAt(basePath: string) {
  const polaris = new Polaris({ store: memoryStore() }).register(cabRide)
  return httpHandler(polaris, { authorize: () => true, basePath })
}

const feed = async (url: string, body: string) => {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/polaris/api/workflows/cabRide/instances/r`, { method: 'POST', headers, body })
  return [answer.status, await answer.json()]
}
const ride = JSON.stringify({ RideRequest: RIDE })
const fed = [200, expect.objectContaining({ id: 'r', status: 'waiting' })]

describe('in a server of others', () => {
  /** What `app.use('/polaris', …)` of Express leaves of a request: the rest of the path, and the whole of it. */
  const mounted = (request: IncomingMessage) => {
    const originalUrl = request.url ?? ''
    return Object.assign(request, { originalUrl, url: originalUrl.replace('/polaris', '') })
  }

  it('Express: mounted below a path, and what is not ours goes on', async () => {
    const middleware = expressMiddleware(handlerAt('/polaris'))
    const next = (response: ServerResponse) => () => response.end('next')
    const url = await listening((request, response) => middleware(mounted(request), response, next(response)))
    expect(await feed(url, ride)).toEqual(fed)
    for (const path of ['/', '/api', '/polarisx/api', '/other?/polaris/api']) {
      expect(await (await fetch(url + path)).text()).toBe('next')
    }
    expect((await fetch(`${url}/polaris/nothing`)).status).toBe(404)
  })

  it('Express at the root: only the API is ours', async () => {
    const middleware = expressMiddleware(handlerAt('/'))
    const url = await listening((request, response) => middleware(request, response, () => response.end('next')))
    expect((await fetch(`${url}/api/workflows`)).status).toBe(200)
    expect(await (await fetch(`${url}/index.html`)).text()).toBe('next')
  })

  it('takes a body that was read and parsed before', async () => {
    const listener = nodeListener(handlerAt('/polaris'))
    const url = await listening((request, response) => {
      let text = ''
      request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      request.on('end', () => listener(Object.assign(request, { body: JSON.parse(text) as unknown }), response))
    })
    expect(await feed(url, ride)).toEqual(fed)
    const [status, problem] = await feed(url, '{"RideRequest":{}}')
    expect([status, problem]).toMatchObject([422, { code: 'DATA_INVALID' }])
  })

  it('a handler around ours reads what comes and what goes, and so does a long body', async () => {
    const inner = handlerAt('/polaris')
    const seen: string[] = []
    const around = async (request: Request, context?: unknown): Promise<Response> => {
      seen.push(await request.clone().text())
      const response = await inner(request, context)
      seen.push(await response.clone().text())
      return response
    }
    const url = await listening(nodeListener(Object.assign(around, inner)))
    expect(await feed(url, ride)).toEqual(fed)
    expect(seen).toEqual([ride, expect.stringContaining('"id":"r"')])
    const long = JSON.stringify({ RideRequest: { ...RIDE, from: 'x'.repeat(500_000) } })
    expect(await feed(url, long)).toEqual(fed)
    const direct = await listening(nodeListener(handlerAt('/polaris')))
    expect(await feed(direct, long)).toEqual(fed)
  })

  it('a body that breaks off begins nothing', async () => {
    const polaris = new Polaris({ store: memoryStore() }).register(cabRide)
    // One at a time: nobody else is served while the broken one is waited for.
    const handler = httpHandler(polaris, { authorize: () => true, maxRequests: 1 })
    const url = new URL(await listening(nodeListener(handler)))
    const gone = new Promise<void>((resolve) => {
      const socket = connect(Number(url.port), '127.0.0.1', () => {
        const head = `POST /api/workflows/cabRide/instances/cut HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\n`
        socket.write(`${head}content-length: ${ride.length}\r\n\r\n${ride.slice(0, -1)}`, () =>
          socket.resetAndDestroy(),
        )
      })
      socket.once('close', () => resolve())
    })
    await gone
    await expect.poll(async () => (await fetch(`${url.origin}/api/instances/cut`)).status).toBe(404)
    expect(await polaris.get('cut')).toBeUndefined()
  })

  it('serves what is registered after the handler was made', async () => {
    const polaris = new Polaris({ store: memoryStore() })
    const url = await listening(nodeListener(httpHandler(polaris, { authorize: () => true, basePath: '/polaris' })))
    expect((await feed(url, ride))[0]).toBe(404)
    polaris.register(cabRide)
    expect(await feed(url, ride)).toEqual(fed)
  })

  it('Hono: as a route', async () => {
    const handler = handlerAt('/polaris')
    const app = new Hono().all('/polaris/*', (c) => handler(c.req.raw)).get('/', (c) => c.text('mine'))
    const headers = { 'content-type': 'application/json' }
    const path = 'http://localhost/polaris/api/workflows/cabRide/instances/r'
    const answer = await app.request(path, { method: 'POST', headers, body: ride })
    expect([answer.status, await answer.json()]).toEqual(fed)
    expect(await (await app.request('http://localhost/')).text()).toBe('mine')
  })
})
