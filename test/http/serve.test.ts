import { createServer, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { Polaris } from 'polaris-workflow'
import { httpHandler, nodeListener, serve } from 'polaris-workflow/http'
import type { Served, ServeOptions } from 'polaris-workflow/http'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { afterEach, describe, expect, it } from 'vitest'
import { refusal, until } from '../support/lab.ts'
import { CERTIFICATE } from './certificate.ts'
import { cabRide, RIDE, TOKEN } from './lab.ts'
import { dial, head } from './wire.ts'

const open: Served[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((served) => served.close()))
})

async function start(options: ServeOptions = {}) {
  const polaris = new Polaris({ store: memoryStore() }).register(cabRide)
  const served = await serve(polaris, { port: 0, token: TOKEN, ...options })
  open.push(served)
  return { polaris, served }
}

const FEED = '/api/workflows/cabRide/instances/r'
const JSON_HEADERS = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
const ride = JSON.stringify({ RideRequest: RIDE })

describe('serve', () => {
  it('serves this machine, with a fresh token', async () => {
    const polaris = new Polaris({ store: memoryStore() }).register(cabRide)
    const served = await serve(polaris, { port: 0 })
    open.push(served)
    expect(served.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(served.token).toMatch(/^[\w-]{43}$/)
    expect((served.server.address() as AddressInfo).address).toBe('127.0.0.1')
    const none = await fetch(`${served.url}/api`)
    expect(none.status).toBe(401)
    const answer = await fetch(`${served.url}/api`, { headers: { authorization: `Bearer ${served.token ?? ''}` } })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
    await served.close()
    await expect(fetch(`${served.url}/api`)).rejects.toThrow()
  })

  it('feeds, looks at and lists over a socket, ids of all kinds', async () => {
    const { served } = await start({ basePath: '/polaris' })
    const id = encodeURIComponent('a/b ../ "<script>" ü \u202e')
    const url = `${served.url}/api/workflows/cabRide/instances/${id}`
    const fed = await fetch(url, { method: 'POST', headers: JSON_HEADERS, body: ride })
    expect([fed.status, await fed.json()]).toMatchObject([
      200,
      { status: 'waiting', produced: { Quote: { fare: 20 } } },
    ])
    const seen = await fetch(`${served.url}/api/instances/${id}`, { headers: JSON_HEADERS })
    expect(await seen.json()).toMatchObject({ id: 'a/b ../ "<script>" ü \u202e' })
    const headed = await fetch(`${served.url}/api/instances`, { method: 'HEAD', headers: JSON_HEADERS })
    expect([headed.status, await headed.text()]).toEqual([200, ''])
  })

  it('refuses addresses that others can reach without a token, and TLS or a proxy, and names', async () => {
    const polaris = new Polaris({ store: memoryStore() })
    const hosts = ['rides.example.com']
    const cases: [ServeOptions, string[]][] = [
      [{ address: '0.0.0.0' }, ['`token` or `authorize`', '`tls`, or `proxy: true`', '`hosts`']],
      [{ address: '::' }, ['`token` or `authorize`', '`tls`, or `proxy: true`', '`hosts`']],
      [{ address: '0.0.0.0', token: TOKEN, hosts }, ['`tls`, or `proxy: true`']],
      [{ address: '0.0.0.0', proxy: true, hosts }, ['`token` or `authorize`']],
      [{ address: '0.0.0.0', proxy: true, token: TOKEN }, ['`hosts`']],
      [{ address: '127.0.0.1.example.com' }, ['`token` or `authorize`']],
      [{ address: '192.168.1.17', proxy: false, token: TOKEN, hosts }, ['`tls`, or `proxy: true`']],
      [{ address: '0' }, ['`token` or `authorize`']],
    ]
    for (const [options, missing] of cases) {
      const { message } = await refusal(serve(polaris, { port: 0, ...options }), 'OPTION_INVALID')
      for (const part of missing) expect(message).toContain(part)
    }
    const wrong = [
      { port: -1 },
      { port: 1.5 },
      { address: '' },
      { address: ' ' },
      { maxConnections: 0 },
      { proxy: 'yes' },
      { tls: {} },
      { tls: { cert: 'x' } },
      { token: 'short' },
      { token: TOKEN, authorize: () => true },
      { prot: 1 },
      { rate: { perSecond: 0 } },
    ]
    for (const options of wrong) await refusal(serve(polaris, { port: 0, ...(options as object) }), 'OPTION_INVALID')
    const taken = await start()
    const port = Number(new URL(taken.served.url).port)
    await expect(serve(polaris, { port })).rejects.toThrow('EADDRINUSE')
  })

  it('serves others behind a proxy, which says who asks', async () => {
    const rate = { perSecond: 0.001, burst: 1 }
    const { served } = await start({ address: '0.0.0.0', proxy: true, hosts: ['rides.example.com'], rate })
    const ask = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const { port } = new URL(served.url)
        const options = { port, host: '127.0.0.1', path: '/api', headers: { ...JSON_HEADERS, ...headers } }
        httpRequest(options, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
          .on('error', reject)
          .end()
      })
    expect(await ask({})).toBe(403)
    const host = 'rides.example.com'
    expect(await ask({ host, 'x-forwarded-for': '10.0.0.1' })).toBe(200)
    expect(await ask({ host, 'x-forwarded-for': '10.0.0.1' })).toBe(429)
    // What a client has sent itself does not make it another one.
    expect(await ask({ host, 'x-forwarded-for': '10.9.9.9, 10.0.0.1' })).toBe(429)
    expect(await ask({ host, 'x-forwarded-for': '10.0.0.2' })).toBe(200)
    const own = await start({ rate })
    const statusOf = async (forwarded: string) =>
      (await fetch(`${own.served.url}/api`, { headers: { ...JSON_HEADERS, 'x-forwarded-for': forwarded } })).status
    expect([await statusOf('10.0.0.1'), await statusOf('10.0.0.2')]).toEqual([200, 429])
  })

  it('speaks TLS', async () => {
    const tls = { key: Buffer.from(CERTIFICATE.key), cert: CERTIFICATE.cert }
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.internal === false && each.family === 'IPv4')
    const address = outside?.address ?? '127.0.0.1'
    const { served } = await start({ tls, address, hosts: [address] })
    expect(served.url).toMatch(/^https:/)
    const { port } = new URL(served.url)
    const answer = await new Promise<[number | undefined, string]>((resolve, reject) => {
      const body = JSON.stringify({ token: TOKEN })
      const headers = { 'content-type': 'application/json', 'content-length': body.length }
      const options = {
        port,
        host: address,
        path: '/api/session',
        method: 'POST',
        headers,
        ca: tls.cert,
        checkServerIdentity: () => undefined,
      }
      httpsRequest(options, (response) => {
        response.resume()
        resolve([response.statusCode, String(response.headers['set-cookie'])])
      })
        .on('error', reject)
        .end(body)
    })
    expect(answer).toEqual([204, expect.stringMatching(/^__Secure-polaris-.*; Secure$/)])
  })

  it('streams what becomes of a ride, and stops with the client and with the service', async () => {
    const { served, polaris } = await start({ maxStreams: 1 })
    await polaris.executor().sequential(cabRide, 'r')
    const gone = new AbortController()
    const init = { headers: JSON_HEADERS, signal: gone.signal }
    const response = await fetch(`${served.url}/api/instances/r/events?after=0`, init)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    let text = ''
    const decoder = new TextDecoder()
    while (!text.includes('event: change')) text += decoder.decode((await reader.read()).value)
    await fetch(served.url + FEED, { method: 'POST', headers: JSON_HEADERS, body: ride })
    while (!text.includes('"data":"Quote"')) text += decoder.decode((await reader.read()).value)
    gone.abort()
    const again = async () => (await fetch(`${served.url}/api/instances/r/events`, { headers: JSON_HEADERS })).status
    let status = 503
    for (let i = 0; i < 100 && status === 503; i++) status = await again()
    expect(status).toBe(200)
    await served.close()
  })

  it('drops a viewer whose line is full, and keeps little for it meanwhile', async () => {
    const polaris = new Polaris({ store: memoryStore() }).register(cabRide)
    const handler = httpHandler(polaris, { authorize: () => true, maxStreams: 1 })
    const server = createServer(nodeListener(handler, { stallTimeout: 20 }))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const served = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } as Served
    const executor = polaris.executor()
    await executor.sequential(cabRide, 'r')
    const line = await dial(served)
    line.socket.pause()
    line.send(head(served, 'GET /api/instances/r/events HTTP/1.1'))
    const Quote = cabRide.plan.dataNamed('Quote')
    let connections = 1
    // Until the system takes nothing more for the client, which may be megabytes.
    for (let i = 0; connections > 0; i++) {
      // So many are more than a line takes, and may be done before its time is over.
      const feeds = i < 200_000
      if (feeds) await executor.sequential('cabRide', 'r', Quote.untyped({ fare: i }))
      if (feeds && i % 50 > 0) continue
      await new Promise((resolve) => setImmediate(resolve))
      server.getConnections((_, count) => (connections = count))
    }
    expect(connections).toBe(0)
    handler.close()
    await new Promise((resolve) => server.close(resolve))
  }, 60_000)
})

describe('bad input over a socket', () => {
  const status = (text: string) => /^HTTP\/1\.1 (\d+)/.exec(text)?.[1]
  const code = (text: string) => /"code":"(\w+)"/.exec(text)?.[1]
  const outcome = (text: string) => `${status(text) ?? ''} ${code(text) ?? ''}`

  async function exchange(served: Served, ...parts: (string | Uint8Array)[]): Promise<string> {
    const line = await dial(served)
    for (const part of parts) line.send(part)
    const text = await line.until(/\}\n$/)
    line.socket.destroy()
    return text
  }

  it('is answered with what is wrong, as problems', async () => {
    const { served, polaris } = await start()
    const post = (headers: Record<string, string>, body: string) =>
      head(served, `POST ${FEED} HTTP/1.1`, {
        'content-type': 'application/json',
        'content-length': String(body.length),
        ...headers,
      }) + body
    const get = (target: string, headers: Record<string, string> = {}) =>
      head(served, `GET ${target} HTTP/1.1`, headers)
    const cases: [string, string][] = [
      [post({}, '{'), '400 BODY_INVALID'],
      [post({}, '{"a":"\xff"}'), '400 BODY_INVALID'],
      [post({ 'content-type': 'text/plain' }, ride), '415 TYPE_UNSUPPORTED'],
      [post({ 'content-encoding': 'gzip' }, ride), '415 TYPE_UNSUPPORTED'],
      [post({ authorization: 'Bearer wrong' }, ride), '401 UNAUTHENTICATED'],
      [post({ origin: 'https://evil.example' }, ride), '403 ORIGIN_REFUSED'],
      [post({ host: 'evil.example' }, ride), '403 HOST_REFUSED'],
      [post({ host: 'local host' }, ride), '403 HOST_REFUSED'],
      [post({ host: '127.0.0.1@evil.example' }, ride), '403 HOST_REFUSED'],
      [get('/api', { host: '' }), '403 HOST_REFUSED'],
      [get('/api', { host: 'localhost:99999' }), '403 HOST_REFUSED'],
      [get('/nowhere', { host: 'localhost:' }), '404 NOT_FOUND'],
      [get(FEED), '405 METHOD_NOT_ALLOWED'],
      [head(served, 'TRACE /api HTTP/1.1'), '405 METHOD_NOT_ALLOWED'],
      [head(served, 'PUT /api HTTP/1.1'), '405 METHOD_NOT_ALLOWED'],
      [head(served, 'BREW /api HTTP/1.1'), '400 REQUEST_INVALID'],
      [get('/api/instances/unknown'), '404 INSTANCE_NOT_FOUND'],
      ...[
        '/api/../api',
        '/api/./instances',
        '/api/%2e%2e/x',
        '/api/instances/..',
        '/api/instances/%2E',
        '/..',
        '/api\\instances',
        '/api/%2e./x',
      ].map((path): [string, string] => [get(path), '404 NOT_FOUND']),
      [get('//evil.example/api'), '404 NOT_FOUND'],
      [get('/api/instances/%252e%252e'), '404 INSTANCE_NOT_FOUND'],
      [get('http://evil.example/api'), '400 REQUEST_INVALID'],
      [get('*'), '400 REQUEST_INVALID'],
      [get('/api', { 'x-large': 'x'.repeat(20_000) }), '431 HEADERS_TOO_LARGE'],
      [get(`/api?${'x'.repeat(20_000)}`), '431 HEADERS_TOO_LARGE'],
      ['GET /api HTTP/1.1\r\n\r\n', '400 '],
      ['nonsense\r\n\r\n', '400 REQUEST_INVALID'],
      ['\0\0\0\0\r\n\r\n', '400 REQUEST_INVALID'],
      [get('/api', { 'bad name': 'x' }), '400 REQUEST_INVALID'],
      [post({ 'content-length': 'abc' }, ride), '400 REQUEST_INVALID'],
      [post({ 'content-length': '5', 'transfer-encoding': 'chunked' }, ride), '400 REQUEST_INVALID'],
    ]
    for (const [sent, expected] of cases) {
      const text = await exchange(served, Buffer.from(sent, 'latin1'))
      expect([sent.slice(0, 60), outcome(text)]).toEqual([sent.slice(0, 60), expected])
      expect(text).not.toMatch(/node_modules|\n\s+at /)
    }
    expect((await polaris.list()).items).toEqual([])
    const good = await fetch(served.url + FEED, { method: 'POST', headers: JSON_HEADERS, body: ride })
    expect(good.status).toBe(200)
  })

  it('two hosts are refused', async () => {
    const { served } = await start()
    const text = await exchange(
      served,
      head(served, 'GET /api HTTP/1.1').replace('\r\n\r\n', '\r\nhost: evil.example\r\n\r\n'),
    )
    expect(['400 REQUEST_INVALID', '403 HOST_REFUSED']).toContain(outcome(text))
  })

  it('a body that is too large is answered while most of it is still to come', async () => {
    const { served } = await start()
    const big = head(served, `POST ${FEED} HTTP/1.1`, {
      'content-type': 'application/json',
      'content-length': '1000000000',
    })
    const line = await dial(served)
    line.send(big)
    line.send(' '.repeat(100_000))
    expect(outcome(await line.until(/\}\n$/))).toBe('413 BODY_TOO_LARGE')
    expect(await line.ended()).toContain('connection: close')
    const chunked = await dial(served)
    chunked.send(
      head(served, `POST ${FEED} HTTP/1.1`, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }),
    )
    for (let i = 0; i < 20; i++) chunked.send(`10000\r\n${' '.repeat(0x10000)}\r\n`)
    expect(outcome(await chunked.until(/\}\n$/))).toBe('413 BODY_TOO_LARGE')
    chunked.socket.destroy()
    // A client of the usual kind gets to read why.
    const usual = await fetch(served.url + FEED, { method: 'POST', headers: JSON_HEADERS, body: ' '.repeat(3_000_000) })
    expect([usual.status, await usual.json()]).toMatchObject([413, { code: 'BODY_TOO_LARGE' }])
  })

  it('a body that does not come is given up with 408, and so are headers', async () => {
    const { served } = await start({ bodyTimeout: 50 })
    const line = await dial(served)
    line.send(head(served, `POST ${FEED} HTTP/1.1`, { 'content-type': 'application/json', 'content-length': '100' }))
    line.send('{"RideRequest":')
    expect(outcome(await line.until(/\}\n$/))).toBe('408 BODY_TIMEOUT')
    await line.ended()
    const { headersTimeout, requestTimeout } = served.server
    expect([headersTimeout, requestTimeout]).toEqual([10_000, 30_000])
    served.server.headersTimeout = 30
    const silent = await dial(served)
    silent.send('GET /api HTTP/1.1\r\nhost: ')
    expect(outcome(await silent.ended())).toBe('408 BODY_TIMEOUT')
  })

  it('a client that is gone after it has sent all is served all the same', async () => {
    const { served, polaris } = await start()
    const line = await dial(served)
    const headers = { 'content-type': 'application/json', 'content-length': String(ride.length) }
    await new Promise<void>((resolve) => {
      line.socket.write(head(served, `POST ${FEED} HTTP/1.1`, headers) + ride, () => resolve())
    })
    line.socket.destroy()
    let seen: unknown
    const look = setInterval(() => void polaris.get('r').then((view) => (seen = view)), 1)
    await until(() => seen !== undefined, 'the ride')
    clearInterval(look)
    expect(seen).toMatchObject({ status: 'waiting', scopes: 1 })
  })

  it('connections beyond the cap are closed, and those within are served', async () => {
    const { served } = await start({ maxConnections: 2 })
    const [one, two] = [await dial(served), await dial(served)]
    const three = await dial(served)
    expect(await three.ended()).toBe('')
    for (const line of [one, two]) {
      line.send(head(served, 'GET /api HTTP/1.1'))
      expect(status(await line.until(/\}\n$/))).toBe('200')
    }
    for (const line of [one, two]) line.socket.destroy()
  })

  it('requests in a row on one line are answered in order', async () => {
    const { served } = await start()
    const line = await dial(served)
    const headers = { 'content-type': 'application/json', 'content-length': String(ride.length) }
    line.send(
      head(served, `POST ${FEED} HTTP/1.1`, headers) +
        ride +
        head(served, 'GET /nowhere HTTP/1.1') +
        head(served, 'GET /api HTTP/1.1'),
    )
    const text = await line.until(/"service":"polaris-workflow".*\}\n$/)
    expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1])).toEqual(['200', '404', '200'])
    line.socket.destroy()
  })
})
