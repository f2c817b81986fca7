import { Polaris } from 'polaris-workflow'
import { httpHandler } from 'polaris-workflow/http'
import type { HttpHandler } from 'polaris-workflow/http'
import { describe, expect, it } from 'vitest'
import { turns } from '../support/lab.ts'
import { eachStore, memory } from '../support/media.ts'
import { cabRide, Card, expectProblem, ORIGIN, RIDE, TOKEN, worldOf } from './lab.ts'
import { stoppedClock } from './stopped-clock.ts'

interface Event {
  readonly event: string
  readonly id: string | undefined
  readonly data: {
    readonly instance: { readonly status: string }
    readonly entries: readonly { readonly builder?: string; readonly data: string }[]
  }
}

/** Reads events one by one, as a browser does. */
async function viewer(handler: HttpHandler, path: string, headers: Record<string, string> = {}, signal?: AbortSignal) {
  const init = { headers: { authorization: `Bearer ${TOKEN}`, ...headers }, ...(signal && { signal }) }
  const response = await handler(new Request(ORIGIN + path, init))
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  return {
    reader,
    /** The next event, or `undefined` at the end. Comments are beats. */
    async next(): Promise<Event | undefined> {
      for (;;) {
        const end = text.indexOf('\n\n')
        if (end < 0) {
          const chunk = await reader.read()
          if (chunk.done) return undefined
          text += decoder.decode(chunk.value, { stream: true })
          continue
        }
        const fields = new Map(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const),
        )
        text = text.slice(end + 2)
        const event = fields.get('event')
        if (event !== undefined)
          return { event, id: fields.get('id'), data: JSON.parse(fields.get('data') ?? '') as Event['data'] }
      }
    },
  }
}

const told = ({ event, id, data }: Event) => [
  event,
  id,
  data.instance.status,
  data.entries.map(({ builder, data }) => `${builder ?? 'fed'} ${data}`),
]

describe('events', () => {
  eachStore((kind) => {
    it('tell how the instance stands, and what becomes of it, without values', async () => {
      const { feed, handler, polaris } = worldOf({}, kind.medium().open())
      await feed('r', { RideRequest: RIDE })
      const view = await viewer(handler, '/api/instances/r/events')
      const first = await view.next()
      expect(first && told(first)).toEqual(['change', undefined, 'waiting', []])
      expect(first?.data.instance).toMatchObject({ id: 'r', workflow: 'cabRide', version: 1, scopes: 1 })
      await feed('r', { Card: { number: '4111' }, RideEnded: { minutes: 4 } })
      const entries: string[] = []
      for (let last: Event | undefined; last?.data.instance.status !== 'completed';) {
        last = await view.next()
        expect(JSON.stringify(last)).not.toContain('4111')
        entries.push(...(last?.data.entries.map(({ data }) => data) ?? []))
      }
      expect(entries.sort()).toEqual(['Card', 'Receipt', 'RideEnded', 'Token'])
      await polaris.close()
      expect(await view.next()).toBeUndefined()
    })

    it('go on after the entry that was seen last', async () => {
      const { feed, handler } = worldOf({}, kind.medium().open())
      await feed('r', { RideRequest: RIDE, RideEnded: { minutes: 4 } })
      const all = ['fed RideRequest', 'fed RideEnded', 'quoteFare Quote', 'charge Receipt']
      const cases: [string, Record<string, string>, unknown[]][] = [
        ['?after=0', {}, ['change', '4', 'completed', all]],
        ['?after=0', { 'last-event-id': '3' }, ['change', '4', 'completed', all.slice(3)]],
        ['?after=2', { 'last-event-id': 'odd' }, ['change', '4', 'completed', all.slice(2)]],
        ['', { 'last-event-id': '4' }, ['change', undefined, 'completed', []]],
        ['', { 'last-event-id': '400' }, ['change', undefined, 'completed', []]],
      ]
      for (const [query, headers, expected] of cases) {
        const event = await (await viewer(handler, `/api/instances/r/events${query}`, headers)).next()
        expect(event && told(event)).toEqual(expected)
      }
      handler.close()
    })
  })

  it('are refused for what is not there, and where there are too many viewers; places become free again', async () => {
    const { ask, feed, handler } = worldOf({ maxStreams: 2 })
    expectProblem(await ask('/api/instances/r/events'), 404, 'INSTANCE_NOT_FOUND')
    await feed('r', { RideRequest: RIDE })
    expectProblem(await ask('/api/instances/r/events?after=x'), 400, 'QUERY_INVALID')
    expectProblem(await ask('/api/instances/r/events', { headers: { authorization: '' } }), 401, 'UNAUTHENTICATED')
    const gone = new AbortController()
    const [one] = [
      await viewer(handler, '/api/instances/r/events'),
      await viewer(handler, '/api/instances/r/events', {}, gone.signal),
    ]
    expectProblem(await ask('/api/instances/r/events'), 503, 'BUSY')
    await one.reader.cancel()
    const third = await viewer(handler, '/api/instances/r/events')
    expectProblem(await ask('/api/instances/r/events'), 503, 'BUSY')
    gone.abort()
    const fourth = await viewer(handler, '/api/instances/r/events')
    handler.close()
    for (const view of [third, fourth]) while ((await view.next()) !== undefined);
    expect((await ask('/api/instances/r/events', { method: 'HEAD' })).status).toBe(200)
    await viewer(handler, '/api/instances/r/events')
    await viewer(handler, '/api/instances/r/events')
    handler.close()
  })

  it('beat while nothing happens, and end after an hour so that the viewer shows its token again', async () => {
    const { clock, pass, waiting } = stoppedClock()
    const { feed, handler } = worldOf({ clock })
    await feed('r', { RideRequest: RIDE })
    const { reader } = await viewer(handler, '/api/instances/r/events')
    let text = ''
    let ended = false
    void (async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read())
        text += new TextDecoder().decode(next.value)
      ended = true
    })()
    await turns()
    for (let i = 0; i < 239; i++) {
      pass(15_000)
      await turns(2)
    }
    expect(text.match(/^:$/gm)).toHaveLength(239)
    expect(ended).toBe(false)
    pass(15_000)
    await turns()
    expect(ended).toBe(true)
    expect(waiting.size).toBe(0)
  })

  it('of a viewer that takes nothing are dropped, and meanwhile held in little memory', async () => {
    const { clock, pass } = stoppedClock()
    const { feed, handler } = worldOf({ clock, maxStreams: 1 })
    await feed('r', { RideRequest: RIDE })
    const { reader } = await viewer(handler, '/api/instances/r/events?after=0')
    // So many changes that their events fill the buffer many times over.
    for (let i = 0; i < 300; i++) {
      await feed('r', { RideEnded: { minutes: i } })
      await turns(1)
    }
    pass(15_000)
    pass(15_000)
    await turns()
    let size = 0
    const end = await (async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read()) size += next.value.length
    })().catch((error: unknown) => error)
    expect(end).toEqual(new Error('The viewer took nothing any more.'))
    expect(size).toBe(0)
    // Its place is free.
    const next = await viewer(handler, '/api/instances/r/events?after=0')
    const event = await next.next()
    expect(event?.data.entries).toHaveLength(602)
    handler.close()
  })

  it('are made once for all who look at the same instance, and fewer a second the more look on', async () => {
    const { clock, pass } = stoppedClock()
    const polaris = new Polaris({ store: memory.medium().open(), clock }).register(cabRide)
    const handler = httpHandler(polaris, { authorize: () => true, clock, maxStreams: 50 })
    const executor = polaris.executor()
    await executor.sequential(cabRide, 'r')
    const came: Uint8Array[][] = []
    for (let n = 0; n < 50; n++) {
      const { reader } = await viewer(handler, '/api/instances/r/events')
      const chunks: Uint8Array[] = []
      came.push(chunks)
      void (async () => {
        for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value)
      })()
    }
    await turns()
    pass(1_000)
    await turns()
    for (const chunks of came) chunks.length = 0
    for (let n = 0; n < 100; n++) {
      await executor.sequential(cabRide, 'r', Card({ number: String(n) }))
      pass(100)
      await turns(10)
    }
    for (const chunks of came) expect(Math.abs(chunks.length - 10)).toBeLessThanOrEqual(1)
    // The very same bytes for everybody.
    expect(new Set(came.flat()).size).toBeLessThanOrEqual(11)
    handler.close()
    await polaris.close()
  })

  it('end with the instance only where it is gone, not where the service stops', async () => {
    const medium = memory.medium()
    const store = medium.open()
    let there = true
    const forgetful = { ...store, read: (id: string) => (there ? store.read(id) : undefined) }
    const polaris = new Polaris({ store: forgetful }).register(cabRide)
    const handler = httpHandler(polaris, { authorize: () => true })
    await polaris.executor().sequential(cabRide, 'r')
    const view = await viewer(handler, '/api/instances/r/events')
    await view.next()
    there = false
    expect(await view.next()).toMatchObject({ event: 'gone' })
    expect(await view.next()).toBeUndefined()
    there = true
    const other = await viewer(handler, '/api/instances/r/events')
    await other.next()
    await polaris.close()
    expect(await other.next()).toBeUndefined()
  })
})
