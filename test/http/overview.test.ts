import { Polaris } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { httpHandler, tokenAuthorize } from 'polaris-workflow/http'
import { memoryStore } from 'polaris-workflow/stores/memory'
import type { MemoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import { deferred, turns } from '../support/lab.ts'
import { asking, cabRide, expectProblem, RIDE, TOKEN, worldOf } from './lab.ts'
import { stoppedClock } from './stopped-clock.ts'

/** A world whose counts are asked of the store, and counted. */
function counting(tally: NonNullable<MemoryStore['tally']>) {
  const time = stoppedClock()
  const store = Object.assign(memoryStore(), { tally })
  const polaris = new Polaris({ store }).register(cabRide)
  const handler = httpHandler(polaris, { authorize: tokenAuthorize({ token: TOKEN }), clock: time.clock })
  return { ask: asking(handler), pass: time.pass, polaris }
}

const NONE = { running: 0, waiting: 0, retrying: 0, failed: 0, completed: 0, cancelled: 0 }

async function rides() {
  const world = worldOf()
  await world.feed('r-1', { RideRequest: RIDE })
  await world.feed('r-2', { RideRequest: RIDE, RideEnded: { minutes: 5 } })
  await world.feed('r-3', { RideRequest: { from: 'Zoo', to: 'nowhere' } })
  await world.feed('q-1', { Coupon: { percent: 5 } })
  return world
}

describe('the overview', () => {
  it('counts by workflow, version and status, with what is registered and has no instance', async () => {
    expect((await worldOf().ask('/api/overview')).body).toMatchObject({
      complete: true,
      workflows: [{ workflow: 'cabRide', newest: 1, versions: [{ version: 1, served: true, open: 0, counts: NONE }] }],
    })
    const { ask } = await rides()
    const { body } = await ask('/api/overview')
    const counts = { ...NONE, waiting: 2, completed: 1, failed: 1 }
    expect(body).toMatchObject({
      ...{ asOf: expect.any(String) as string, looked: 4 },
      workflows: [
        {
          workflow: 'cabRide',
          versions: [{ version: 1, open: 3, counts, lastMinute: { created: 4, changed: counts } }],
        },
      ],
    })
  })

  it('shows instances of versions that are not served here', async () => {
    const { ask } = counting(() => [
      { workflow: 'cabRide', version: 7, status: 'waiting', count: 2, oldest: 1_000, created: 0, touched: 0 },
      { workflow: 'gone', version: 1, status: 'cancelled', count: 1, oldest: 0, created: 0, touched: 1 },
    ])
    expect((await ask('/api/overview')).body.workflows).toMatchObject([
      {
        ...{ workflow: 'cabRide', newest: 1 },
        versions: [
          { version: 7, served: false, open: 2, oldestOpen: '1970-01-01T00:00:01.000Z' },
          { version: 1, served: true, open: 0 },
        ],
      },
      { workflow: 'gone', versions: [{ version: 1, served: false, open: 0 }] },
    ])
    expect((await ask('/api/versions')).body).toMatchObject({
      versions: [
        { workflow: 'cabRide', version: 7, served: false, open: 2, byStatus: { waiting: 2, failed: 0 } },
        { workflow: 'cabRide', version: 1, served: true, open: 0 },
        { workflow: 'gone', version: 1, served: false, open: 0 },
      ],
    })
  })

  it('keeps counts, makes them once for all who ask, and shows the last ones meanwhile', async () => {
    let asked = 0
    let slow = deferred<undefined>()
    const { ask, pass } = counting(async () => {
      asked++
      await slow.promise
      return [{ workflow: 'cabRide', version: 1, status: 'waiting', count: asked, oldest: 0, created: 0, touched: 0 }]
    })
    const open = async () =>
      ((await ask('/api/overview')).body.workflows as { versions: { open: number }[] }[])[0]?.versions[0]?.open
    const first = [open(), open(), open()]
    await turns()
    slow.resolve(undefined)
    expect(await Promise.all(first)).toEqual([1, 1, 1])
    expect([await open(), asked]).toEqual([1, 1])
    pass(3_500)
    slow = deferred()
    // Old, but at once; the new ones are under way.
    expect([await open(), await open(), asked]).toEqual([1, 1, 2])
    slow.resolve(undefined)
    await turns()
    expect([await open(), asked]).toEqual([2, 2])
  })

  it('gives up on counts that do not come, and hides what a store says that fails', async () => {
    const { ask, pass } = counting(() => new Promise(() => undefined))
    const answer = ask('/api/overview')
    await turns()
    pass(10_000)
    expectProblem(await answer, 503, 'BUSY')
    let fails = true
    const broken = counting(async () => {
      if (fails) throw new Error('password=hunter2')
      return []
    })
    const failed = await broken.ask('/api/overview')
    expectProblem(failed, 500, 'INTERNAL')
    expect(failed.text).not.toContain('hunter2')
    fails = false
    expect((await broken.ask('/api/overview')).status).toBe(200)
  })
})

describe('the list', () => {
  const ids = async (query: string) =>
    (await (await rides()).ask(`/api/instances?${query}`)).body.instances.map(({ id }) => id)

  it('finds by id, by the beginning of ids, and by what is waited for', async () => {
    expect(await ids('id=r-2')).toEqual(['r-2'])
    expect(await ids('id=r-2&status=waiting')).toEqual([])
    expect(await ids('id=r-2&workflow=cabRide&version=1&status=completed')).toEqual(['r-2'])
    expect(await ids('id=none')).toEqual([])
    expect((await ids('idPrefix=r-')).sort()).toEqual(['r-1', 'r-2', 'r-3'])
    expect((await ids('waitingFor=RideEnded&status=waiting')).sort()).toEqual(['q-1', 'r-1'])
    expect(await ids('waitingFor=RideRequest')).toEqual(['q-1'])
  })

  it('tells what each waits for, if asked, and how far it looked', async () => {
    const { ask } = await rides()
    const listed = (await ask('/api/instances?waiting=true&status=waiting')).body.instances
    // Created in the same millisecond, perhaps.
    expect([...listed].sort((a, b) => (a.id < b.id ? -1 : 1))).toMatchObject([
      { id: 'q-1', waitingFor: ['RideRequest', 'RideEnded'] },
      { id: 'r-1', waitingFor: ['RideEnded'] },
    ])
    expect((await ask('/api/instances?waitingFor=RideRequest')).body).toMatchObject({
      ...{ looked: 4, instances: [{ id: 'q-1', waitingFor: ['RideRequest', 'RideEnded'] }] },
    })
    expectProblem(await ask('/api/instances?waiting=true&limit=500'), 400, 'QUERY_INVALID')
    expectProblem(await ask('/api/instances?waiting=yes'), 400, 'QUERY_INVALID')
    expectProblem(await ask('/api/instances?idPrefix='), 400, 'OPTION_INVALID')
  })
})

describe('where instances stand', () => {
  it('tells of a sample how builders stand, what is waited for, and how builders fared', async () => {
    const { ask } = await rides()
    const { body } = await ask('/api/workflows/cabRide/standing')
    expect(body).toMatchObject({
      ...{
        workflow: 'cabRide',
        version: 1,
        open: { looked: 3, complete: true },
        recent: { looked: 4, complete: true },
      },
      waitingFor: [
        { data: 'RideEnded', count: 3 },
        { data: 'RideRequest', count: 1 },
      ],
    })
    const { builders } = body as unknown as {
      builders: { name: string; states: object; runs: number; failures: number }[]
    }
    expect(builders.map(({ name, runs, failures }) => [name, runs, failures])).toEqual([
      ['quoteFare', 2, 1],
      ['tokenise', 0, 0],
      ['charge', 1, 0],
    ])
    expect(builders[0]).toMatchObject({
      states: { done: 1, failed: 1, lacking: 1, idle: 0 },
      ms: { p50: expect.any(Number) as number },
    })
    expect(builders[1]).not.toHaveProperty('ms')
    expect(JSON.stringify(body)).not.toMatch(/Zoo|no way/)
    expectProblem(await ask('/api/workflows/none/standing'), 404, 'WORKFLOW_NOT_FOUND')
    expectProblem(await ask('/api/workflows/cabRide/standing?version=3'), 404, 'WORKFLOW_NOT_FOUND')
  })

  it('looks at the oldest and the newest of many, and says that these are not all', async () => {
    const store = memoryStore()
    const { feed, ask } = worldOf({}, store)
    await feed('seed', { RideRequest: RIDE })
    const { header, rows } = store.read('seed')!
    const HOUR = 3_600_000
    const changes = Array.from({ length: 1_000 }, (_, n) => {
      return { expected: null, header: { ...header, id: `old-${n}`, createdAt: header.createdAt - n * HOUR }, rows }
    })
    store.write(changes)
    const { body } = await ask('/api/workflows/cabRide/standing')
    expect(body).toMatchObject({
      open: { complete: false },
      recent: { complete: false },
      waitingFor: [{ data: 'RideEnded' }],
    })
    const { open, recent } = body as unknown as Record<'open' | 'recent', { looked: number }>
    expect(open.looked).toBe(100 + recent.looked)
    expect(recent.looked).toBeGreaterThan(80)
    expect(recent.looked).toBeLessThanOrEqual(100)
    const { since } = (body as unknown as { recent: { since: string } }).recent
    expect(header.createdAt - Date.parse(since)).toBeLessThanOrEqual(100 * HOUR)
  })
})

describe('a check', () => {
  it('tells what the code means for the open instances', async () => {
    const { ask } = await rides()
    expect((await ask('/api/check')).body).toMatchObject({
      ...{ ok: true, open: 3, checked: 3 },
      workflows: [{ workflow: 'cabRide', newest: 1, versions: [{ version: 1, open: 3, continue: 3, strand: 0 }] }],
    })
    expectProblem(await ask('/api/check?sample=0'), 400, 'QUERY_INVALID')
    expectProblem(await ask('/api/check?sample=100000'), 400, 'QUERY_INVALID')
  })

  it('that takes long is answered with what to do, goes on, and is there when it is asked for again', async () => {
    const time = stoppedClock()
    const store = memoryStore()
    const read = store.list.bind(store)
    const gate = deferred<undefined>()
    let begun = 0
    const slow = Object.assign(store, {
      list: async (query: Parameters<typeof read>[0]) => {
        begun++
        await gate.promise
        return read(query)
      },
    }) as unknown as DataStore
    const polaris = new Polaris({ store: slow }).register(cabRide)
    const handler = httpHandler(polaris, { authorize: tokenAuthorize({ token: TOKEN }), clock: time.clock })
    const ask = asking(handler)
    const first = ask('/api/check?sample=500')
    await turns()
    time.pass(10_000)
    const problem = await first
    expectProblem(problem, 503, 'BUSY')
    expect(problem.headers.get('retry-after')).toBe('5')
    expect(problem.body.detail).toBe(
      'It takes longer than a request should, and goes on: ask again in a while for what came of it. A smaller `sample` looks ' +
        'at fewer instances, though all are counted; `polaris check`, on the command line, shows how far it is.',
    )
    // The same one, still under way; those of other samples wait for their turn, and there are not any number of them.
    const again = ask('/api/check?sample=500')
    const others = [1, 2, 3].map((sample) => ask(`/api/check?sample=${sample}`))
    await turns()
    expect(begun).toBe(1)
    expectProblem(await ask('/api/check?sample=4'), 503, 'BUSY')
    gate.resolve(undefined)
    expect((await again).body).toMatchObject({ ok: true, open: 0, asOf: '1970-01-01T00:00:00.000Z' })
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200, 200])
    const lists = begun
    expect((await ask('/api/check?sample=500')).status).toBe(200)
    expect(begun).toBe(lists)
  })
})
