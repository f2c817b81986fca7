import { Polaris } from 'polaris-workflow'
import { httpHandler, tokenAuthorize } from 'polaris-workflow/http'
import type { Grant, HttpOptions, Wish } from 'polaris-workflow/http'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import { thrown, turns } from '../support/lab.ts'
import { expectProblem, ORIGIN, RIDE, TOKEN, worldOf } from './lab.ts'
import { stoppedClock } from './stopped-clock.ts'

const FEED = '/api/workflows/cabRide/instances/r'

describe('bodies', () => {
  const nothingStored = async ({ polaris }: ReturnType<typeof worldOf>) => {
    expect(await polaris.get('r')).toBeUndefined()
  }

  it('that are no JSON object are refused with 400, and not quoted', async () => {
    const world = worldOf()
    const bodies = [
      '{',
      '{"RideRequest":}',
      '[]',
      'null',
      '17',
      '"text"',
      '',
      ' ',
      '{"a":1}x',
      "{'a':1}",
      '{"a":01}',
      '\ufeff{',
    ]
    for (const body of [...bodies, '{"Card": secret-4111 }']) {
      const answer = await world.ask(FEED, { body, method: 'POST' })
      expectProblem(answer, 400, 'BODY_INVALID')
      expect(answer.text).not.toContain('4111')
    }
    expectProblem(
      await world.ask(FEED, { method: 'POST', headers: { 'content-type': 'application/json' } }),
      400,
      'BODY_INVALID',
    )
    await nothingStored(world)
  })

  it('that are no UTF-8 are refused with 400', async () => {
    const world = worldOf()
    for (const bytes of [
      [0x7b, 0x22, 0xff, 0x22, 0x7d],
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
    ]) {
      expectProblem(await world.ask(FEED, { body: new Uint8Array(bytes) }), 400, 'BODY_INVALID')
    }
    await nothingStored(world)
  })

  it('that are too large are refused with 413, announced or not, without reading all of them', async () => {
    const world = worldOf()
    const announced = { 'content-length': String(2 ** 20 + 1) }
    let pulled = 0
    let cancelled = false
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          pulled++
          controller.enqueue(new Uint8Array(65_536).fill(0x20))
        },
        cancel() {
          cancelled = true
        },
      })
    expectProblem(await world.ask(FEED, { body: endless(), headers: announced }), 413, 'BODY_TOO_LARGE')
    // A stream fetches one chunk ahead before anybody reads.
    expect(pulled).toBeLessThanOrEqual(1)
    expectProblem(await world.ask(FEED, { body: endless(), headers: { 'content-length': 'x' } }), 413, 'BODY_TOO_LARGE')
    pulled = 0
    expectProblem(await world.ask(FEED, { body: endless() }), 413, 'BODY_TOO_LARGE')
    expect(pulled).toBeLessThanOrEqual(18)
    expect(cancelled).toBe(true)
    const fits = JSON.stringify({ RideRequest: { ...RIDE, to: 'x'.repeat(2 ** 20 - 100) } })
    expect((await world.ask(FEED, { body: fits })).status).toBe(200)
    expectProblem(await worldOf({ maxBody: 10 }).ask(FEED, { body: '{"a":"bcd"}' }), 413, 'BODY_TOO_LARGE')
  })

  it('of another type, or compressed, are refused with 415', async () => {
    const world = worldOf()
    const body = { RideRequest: RIDE }
    const types = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/jsonx',
      'json',
      'application/json; charset=latin1',
      'text/json',
      'application/json, text/plain',
    ]
    for (const type of types) {
      expectProblem(await world.ask(FEED, { body, headers: { 'content-type': type } }), 415, 'TYPE_UNSUPPORTED')
    }
    for (const encoding of ['gzip', 'br', 'deflate', 'gzip, identity']) {
      expectProblem(await world.ask(FEED, { body, headers: { 'content-encoding': encoding } }), 415, 'TYPE_UNSUPPORTED')
    }
    await nothingStored(world)
    for (const type of ['application/json', 'Application/JSON; charset=UTF-8', 'application/json;charset="utf-8"']) {
      expect(
        (await world.ask(FEED, { body, headers: { 'content-type': type, 'content-encoding': 'identity' } })).status,
      ).toBe(200)
    }
  })

  it('that nest too deep are refused with 400 before they are built', async () => {
    const nested = (depth: number) => `{"RideRequest":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
    const world = worldOf()
    expectProblem(await world.ask(FEED, { body: nested(65) }), 400, 'BODY_INVALID')
    expectProblem(await world.ask(FEED, { body: `{"a":${'[{"b":'.repeat(150_000)}` }), 400, 'BODY_INVALID')
    expectProblem(await world.ask(FEED, { body: nested(64) }), 422, 'DATA_INVALID')
    const quoted = { RideRequest: { ...RIDE, to: '[{"\\"['.repeat(1000) } }
    expect((await world.ask(FEED, { body: quoted })).status).toBe(200)
  })

  it('that take too long are given up with 408', async () => {
    const { clock, pass, waiting } = stoppedClock()
    const world = worldOf({ clock, bodyTimeout: 5_000 })
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"RideRequest":')),
      cancel() {
        cancelled = true
      },
    })
    const asked = world.ask(FEED, { body })
    await turns()
    pass(4_999)
    await turns()
    expect(cancelled).toBe(false)
    pass(1)
    expectProblem(await asked, 408, 'BODY_TIMEOUT')
    expect(cancelled).toBe(true)
    expect((await world.ask(FEED, { body: { RideRequest: RIDE } })).status).toBe(200)
    expect(waiting.size).toBe(0)
  })

  it('that break off are refused, and nothing is stored', async () => {
    const world = worldOf()
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(JSON.stringify({ RideRequest: RIDE })))
        controller.error(new Error('the line went dead'))
      },
    })
    expectProblem(await world.ask(FEED, { body }), 400, 'BODY_INVALID')
    await nothingStored(world)
  })

  it('are handled though the client is gone since', async () => {
    const { handler, polaris } = worldOf()
    const gone = new AbortController()
    const request = new Request(ORIGIN + FEED, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ RideRequest: RIDE }),
      signal: gone.signal,
    })
    const answering = handler(request)
    await turns(1)
    gone.abort()
    expect((await answering).status).toBe(200)
    expect(await polaris.get('r')).toMatchObject({ status: 'waiting', scopes: 1 })
  })
})

describe('paths and methods', () => {
  it('that lead nowhere are 404, encoded, doubly encoded and climbing ones too', async () => {
    const { ask, feed } = worldOf()
    await feed('r', { RideRequest: RIDE })
    const paths = [
      ...[
        '/',
        '/api/',
        '/api//',
        '/api/instances/',
        '/api/instances/r/',
        '/api/instances//explain',
        '/api/nothing',
        '/API/instances',
      ],
      ...[
        '/api/instances/r/../../../etc/passwd',
        '/api/../../etc/passwd',
        '/api/%2e%2e/instances',
        '/%61pi/instances/r',
      ],
      ...[
        '/api/%69nstances/r',
        '/api%2finstances/r',
        '/api/instances/%',
        '/api/instances/%ff',
        '/api/instances/%c0%ae%c0%ae',
      ],
      ...['/api/instances/r/history/1', '/api/openapi.json/', '/favicon.ico', '/api/instances/r%2fhistory/explain'],
    ]
    for (const path of paths) {
      const answer = await ask(path)
      expect([path, answer.status]).toEqual([path, 404])
      expectProblem(answer, 404, path.startsWith('/api/instances/r%2f') ? 'INSTANCE_NOT_FOUND' : 'NOT_FOUND')
    }
    // An id is only text: decoded once, and no path.
    for (const id of [
      '..%2f..%2fetc%2fpasswd',
      '%252e%252e',
      '%252F',
      'r%2fhistory',
      '%3Cscript%3E',
      'R',
      '__proto__',
      "'%20or%201=1",
    ]) {
      expectProblem(await ask(`/api/instances/${id}`), 404, 'INSTANCE_NOT_FOUND')
    }
    for (const id of ['%00', '%20', 'x'.repeat(513), '%7f'])
      expectProblem(await ask(`/api/instances/${id}`), 400, 'ID_INVALID')
  })

  it('of the wrong method are 405 and say which is right; GET changes nothing', async () => {
    const { ask, polaris } = worldOf()
    const cases: [string, string, string][] = [
      ['GET', FEED, 'POST'],
      ['GET', '/api/instances/r/resume', 'POST'],
      ['HEAD', '/api/instances/r/restart', 'POST'],
      ['POST', '/api/instances', 'GET, HEAD'],
      ['POST', '/api/instances/r/history', 'GET, HEAD'],
      ['PUT', '/api/instances/r', 'GET, HEAD, DELETE'],
      ['PATCH', FEED, 'POST'],
      ['OPTIONS', FEED, 'POST'],
      ['DELETE', '/api/instances/r/explain', 'GET, HEAD'],
      ['GET', '/api/session', 'POST, DELETE'],
    ]
    for (const [method, path, allow] of cases) {
      const answer = await ask(path, { method })
      expect([method, path, answer.status, answer.headers.get('allow')]).toEqual([method, path, 405, allow])
    }
    expect((await polaris.list()).items).toEqual([])
  })
})

describe('hosts and origins', () => {
  const from = (
    world: ReturnType<typeof worldOf>,
    headers: Record<string, string>,
    path = '/api/workflows',
    method = 'GET',
  ) => world.ask(path, { headers, method })

  it('a host that is not known is refused with 403 on every route: names may be rebound', async () => {
    const world = worldOf()
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'evil.example:8080',
      '',
      '127.0.0.2',
      '0.0.0.0',
      'localhost:8080@evil.example',
    ]) {
      for (const [path, method] of [
        ['/api/workflows', 'GET'],
        [FEED, 'POST'],
        ['/nowhere', 'GET'],
        ['/api/session', 'POST'],
      ] as const) {
        expectProblem(await from(world, { host }, path, method), 403, 'HOST_REFUSED')
      }
    }
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:8080', '[::1]:8080']) {
      expect((await from(world, { host })).status).toBe(200)
    }
  })

  it('those named are answered, with any port or the one that is named', async () => {
    const world = worldOf({ hosts: ['rides.example.com', 'other.example.com:8443'] })
    const statusOf = async (host: string) => (await from(world, { host })).status
    expect(
      await Promise.all(['rides.example.com', 'Rides.Example.com:99', 'other.example.com:8443'].map(statusOf)),
    ).toEqual([200, 200, 200])
    expect(
      await Promise.all(['localhost', 'other.example.com', 'other.example.com:1', 'x.rides.example.com'].map(statusOf)),
    ).toEqual([403, 403, 403, 403])
    expect((await from(worldOf({ hosts: '*' }), { host: 'anything.example' })).status).toBe(200)
  })

  it('pages of other origins are refused with 403 on every route', async () => {
    const world = worldOf()
    const host = 'localhost:8080'
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost',
      'http://localhost:81',
      'http://127.0.0.1:8080',
      'https://localhost:8080.evil.example',
      'file://',
      '',
    ]) {
      for (const [path, method] of [
        ['/api/workflows', 'GET'],
        [FEED, 'POST'],
        ['/nowhere', 'GET'],
        ['/api/session', 'POST'],
        [FEED, 'OPTIONS'],
      ] as const) {
        expectProblem(await from(world, { host, origin }, path, method), 403, 'ORIGIN_REFUSED')
      }
    }
    expectProblem(await from(world, { host, 'sec-fetch-site': 'cross-site' }, FEED, 'POST'), 403, 'ORIGIN_REFUSED')
    expectProblem(await from(world, { host, 'sec-fetch-site': 'same-site' }), 403, 'ORIGIN_REFUSED')
    for (const headers of [
      { origin: 'http://localhost:8080' },
      { origin: 'https://localhost:8080' },
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    ]) {
      expect((await from(world, { host, ...headers })).status).toBe(200)
    }
  })

  it('a page without TLS may not call a service with it, though both have one name', async () => {
    const { handler } = worldOf()
    const statusOf = async (origin: string) => {
      const headers = { authorization: `Bearer ${TOKEN}`, origin }
      return (await handler(new Request('https://localhost:8443/api', { headers }))).status
    }
    expect(await statusOf('https://localhost:8443')).toBe(200)
    expect(await statusOf('http://localhost:8443')).toBe(403)
  })

  it('those named may call, and are told so', async () => {
    const origin = 'https://admin.example.com'
    const world = worldOf({ origins: [origin] })
    const host = 'localhost:8080'
    const preflight = await from(world, { host, origin, authorization: '' }, FEED, 'OPTIONS')
    expect(preflight.status).toBe(204)
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
      'access-control-allow-headers': expect.stringContaining('idempotency-key'),
      vary: 'origin',
    })
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull()
    const answer = await from(world, { host, origin })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, origin])
    const other = await from(world, { host, origin: 'https://admin.example.com.evil.example' })
    expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([403, null])
  })

  it('every answer forbids to run, frame, sniff and keep it', async () => {
    const world = worldOf()
    const answers = [
      await from(world, {}),
      await from(world, {}, '/nowhere'),
      await from(world, { host: 'evil.example' }),
      await from(world, { authorization: '' }),
    ]
    for (const { headers } of answers) {
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      )
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    }
  })
})

describe('authorize', () => {
  it('has to be there: without it the handler is an error at start', () => {
    const polaris = new Polaris({ store: memoryStore() })
    for (const authorize of [undefined, null, true, 'token', {}]) {
      const error = thrown(() => httpHandler(polaris, { authorize } as never), 'OPTION_INVALID')
      expect(error.message).toContain('httpHandler needs `authorize`')
    }
    thrown(() => (httpHandler as (polaris: Polaris) => unknown)(polaris), 'OPTION_INVALID')
    thrown(() => httpHandler({} as never, { authorize: () => true }), 'OPTION_INVALID')
    const wrong: Record<string, unknown>[] = [
      ...[
        { basePath: 'polaris' },
        { basePath: '/a/' },
        { basePath: '/a/../b' },
        { hosts: 'localhost' },
        { hosts: ['http://x'] },
      ],
      ...[
        { origins: ['admin.example.com'] },
        { origins: ['https://x/'] },
        { maxBody: 0 },
        { maxDepth: 201 },
        { bodyTimeout: 2 ** 31 },
      ],
      ...[
        { rate: {} },
        { rate: { perSecond: 0 } },
        { rate: { perSecond: 1, bursts: 1 } },
        { clock: {} },
        { onError: 1 },
        { base: '/' },
      ],
      ...[{ maxRequests: 0 }, { maxStreams: -1 }, { hosts: [1] }, { rate: { perSecond: 1, client: 'ip' } }],
    ]
    for (const options of wrong) {
      thrown(() => httpHandler(polaris, { authorize: () => true, ...options }), 'OPTION_INVALID')
    }
  })

  it('is asked before anything else of the request is read, with what it is about', async () => {
    const wishes: Wish[] = []
    const authorize: HttpOptions['authorize'] = (request, wish) => {
      expect(request.body).toBeNull()
      expect(request.headers.get('authorization')).toBe(`Bearer ${TOKEN}`)
      wishes.push(wish)
      return false
    }
    const { ask } = worldOf({ authorize })
    expectProblem(
      await ask('/api/workflows/cabRide/instances/a%2Fb?mode=odd', { body: '{', headers: { 'content-type': 'odd' } }),
      401,
      'UNAUTHENTICATED',
    )
    for (const path of [
      '/api/instances?workflow=cabRide&odd=1',
      '/api/instances/r/history',
      '/api/workflows/cabRide',
      '/api/instances/r/events',
    ]) {
      expectProblem(await ask(path), 401, 'UNAUTHENTICATED')
    }
    expectProblem(await ask('/api/instances/r/rerun', { method: 'POST' }), 401, 'UNAUTHENTICATED')
    const narrow = worldOf({ authorize: (_, { action }) => action !== 'explain' || 'forbidden' })
    await narrow.feed('r', { RideEnded: { minutes: 1 } })
    expect((await narrow.ask('/api/instances/r?explain=false')).status).toBe(200)
    expectProblem(await narrow.ask('/api/instances/r?explain=true'), 403, 'FORBIDDEN')
    expect(wishes).toEqual([
      { action: 'feed', changes: true, workflow: 'cabRide', id: 'a/b' },
      { action: 'list', changes: false, workflow: 'cabRide' },
      { action: 'history', changes: false, id: 'r' },
      { action: 'describe', changes: false, workflow: 'cabRide' },
      { action: 'watch', changes: false, id: 'r' },
      { action: 'rerun', changes: true, id: 'r' },
    ])
  })

  it('opens the door for true alone, and for what says so; a throw is 500 and told to the log', async () => {
    const answers: [unknown, number][] = [
      ...([
        [true, 200],
        [false, 401],
        ['forbidden', 403],
        [undefined, 401],
        [null, 401],
        [1, 401],
        ['true', 401],
      ] as const),
      ...([
        [{}, 401],
        [{ allowed: false }, 401],
        [{ allowed: 'yes' }, 401],
        [{ allowed: true }, 200],
        [Promise.resolve(false), 401],
      ] as const),
    ].map(([grant, status]) => [grant, status])
    for (const [grant, status] of answers) {
      const { ask } = worldOf({ authorize: () => grant as Grant })
      expect((await ask('/api/workflows')).status).toBe(status)
    }
    const { ask, errors } = worldOf({
      authorize: () => {
        throw new Error('postgres://admin:hunter2@db is down')
      },
    })
    const answer = await ask('/api/workflows')
    expectProblem(answer, 500, 'INTERNAL')
    expect(answer.text).not.toContain('hunter2')
    expect(errors).toEqual([new Error('postgres://admin:hunter2@db is down')])
    const worse = worldOf({
      authorize: () => Promise.reject(new Error('no')),
      onError: () => {
        throw new Error('log is full')
      },
    })
    expectProblem(await worse.ask('/api/workflows'), 500, 'INTERNAL')
  })
})

describe('tokens', () => {
  const withAuth = async (authorization: string) => worldOf().ask('/api/workflows', { headers: { authorization } })

  it('none, a wrong one or another scheme is 401', async () => {
    for (const header of [
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Basic ${TOKEN}`,
      TOKEN,
      `Bearer ${TOKEN} x`,
      'Bearer \u00e9',
    ]) {
      const answer = await withAuth(header)
      expectProblem(answer, 401, 'UNAUTHENTICATED')
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
    expect((await withAuth(`bearer ${TOKEN}`)).status).toBe(200)
  })

  it('are fresh and long unless given, and what is given has to be long', () => {
    const [one, two] = [tokenAuthorize(), tokenAuthorize()]
    expect(one.token).toMatch(/^[\w-]{43}$/)
    expect(one.token).not.toBe(two.token)
    for (const token of [
      'short',
      'x'.repeat(15),
      'has a blank in its middle',
      'ümläute sind nicht dabei',
      17 as never,
    ]) {
      const error = thrown(() => tokenAuthorize({ token }), 'OPTION_INVALID')
      expect(error.message).not.toContain(String(token))
    }
    thrown(() => tokenAuthorize({ tokens: [] } as never), 'OPTION_INVALID')
  })

  it('are exchanged for a cookie that no script reads and no other site sends', async () => {
    const world = worldOf({ basePath: '/polaris', hosts: ['rides.example.com', 'localhost'] })
    const signIn = (body: unknown, headers = {}) =>
      world.ask('/polaris/api/session', { body, headers: { authorization: '', ...headers } })
    for (const wrong of [{ token: `${TOKEN}x` }, { token: '' }, {}, { token: [TOKEN] }]) {
      const answer = await signIn(wrong)
      expectProblem(answer, 401, 'UNAUTHENTICATED')
      expect(answer.headers.get('set-cookie')).toBeNull()
    }
    expectProblem(await signIn({ token: TOKEN }, { origin: 'https://evil.example' }), 403, 'ORIGIN_REFUSED')
    const answer = await signIn({ token: TOKEN })
    expect(answer.status).toBe(204)
    const cookie = answer.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^polaris-[0-9a-f]{12}=[\w-]{43}; Path=\/polaris; HttpOnly; SameSite=Strict$/)
    expect(cookie).not.toContain(TOKEN)
    const [pair = ''] = cookie.split(';')
    const statusWith = async (cookie: string) =>
      (await world.ask('/polaris/api/workflows', { headers: { authorization: '', cookie } })).status
    expect(await statusWith(pair)).toBe(200)
    expect(await statusWith(`a=b; ${pair}; c`)).toBe(200)
    expect(await statusWith(`${pair}x`)).toBe(401)
    expect(await statusWith(`x${pair}`)).toBe(401)
    expect(await statusWith('')).toBe(401)

    const secure = await signIn({ token: TOKEN }, { origin: 'https://rides.example.com', host: 'rides.example.com' })
    expect(secure.headers.get('set-cookie')).toMatch(/^__Secure-polaris-.*; Secure$/)
    const out = await world.ask('/polaris/api/session', { method: 'DELETE' })
    expect(out.headers.get('set-cookie')).toMatch(/^polaris-[0-9a-f]{12}=; .*Max-Age=0$/)
  })
})

describe('rates', () => {
  it('a client that asks too often is told when to come again, and others are not concerned', async () => {
    const { clock, pass } = stoppedClock()
    const { handler } = worldOf({ clock, rate: { perSecond: 2, burst: 3 } })
    const statusOf = async (address: string) => {
      const response = await handler(
        new Request(`${ORIGIN}/api/workflows`, { headers: { authorization: `Bearer ${TOKEN}` } }),
        { address },
      )
      return [response.status, response.headers.get('retry-after')]
    }
    const ok = [200, null]
    for (let i = 0; i < 3; i++) expect(await statusOf('10.0.0.1')).toEqual(ok)
    expect(await statusOf('10.0.0.1')).toEqual([429, '1'])
    expect(await statusOf('10.0.0.2')).toEqual(ok)
    pass(500)
    expect(await statusOf('10.0.0.1')).toEqual(ok)
    expect(await statusOf('10.0.0.1')).toEqual([429, '1'])
    pass(60_000)
    for (let i = 0; i < 3; i++) expect(await statusOf('10.0.0.1')).toEqual(ok)
    expect((await statusOf('10.0.0.1'))[0]).toBe(429)
    // A clock that is set back shuts nobody out until it is there again.
    pass(-3_600_000)
    expect((await statusOf('10.0.0.1'))[0]).toBe(429)
    pass(500)
    expect(await statusOf('10.0.0.1')).toEqual(ok)
  })

  it('count clients as told, guess wrong tokens slowly, and forget who was not seen for long', async () => {
    const { clock } = stoppedClock()
    const rate = { perSecond: 1, burst: 1, client: (request: Request) => request.headers.get('x-client') ?? '' }
    const { ask } = worldOf({ clock, rate })
    const statusOf = async (client: string, authorization = 'Bearer wrong') =>
      (await ask('/api', { headers: { 'x-client': client, authorization } })).status
    expect([await statusOf('a'), await statusOf('a'), await statusOf('b')]).toEqual([401, 429, 401])
    for (let i = 0; i < 10_001; i++) await statusOf(`c${i}`)
    expect(await statusOf('a')).toBe(401)
  }, 60_000)

  it('so many requests at once are too many', async () => {
    const { ask } = worldOf({
      maxRequests: 2,
      authorize: () => new Promise<boolean>((resolve) => void setImmediate(() => resolve(true))),
    })
    const statuses = await Promise.all([1, 2, 3].map(async () => (await ask('/api')).status))
    expect(statuses).toEqual([200, 200, 503])
    expect((await ask('/api')).status).toBe(200)
  })
})
