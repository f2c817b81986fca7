import { describe, expect, it } from 'vitest'
import { eachStore } from '../support/media.ts'
import { cabRide, expectProblem, RIDE, worldOf } from './lab.ts'

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

describe('a ride by HTTP', () => {
  eachStore((kind) => {
    it('is fed, looked at and completed', async () => {
      const { ask, feed } = worldOf({}, kind.medium().open())
      const first = await feed('ride-17', { RideRequest: RIDE })
      expect([first.status, first.body]).toEqual([
        200,
        {
          ...{ id: 'ride-17', workflow: 'cabRide', version: 1, scope: 1, status: 'waiting' },
          ...{ waitingFor: ['RideEnded'], produced: { Quote: { fare: 20 } } },
        },
      ])
      const seen = await ask('/api/instances/ride-17')
      expect(seen.body).toEqual({
        ...{ id: 'ride-17', workflow: 'cabRide', version: 1, status: 'waiting', scopes: 1 },
        ...{
          revision: expect.any(Number),
          createdAt: expect.stringMatching(time),
          updatedAt: expect.stringMatching(time),
        },
        ...{
          waitingFor: ['RideEnded'],
          seqs: { RideRequest: 1, Quote: 2 },
          data: { RideRequest: RIDE, Quote: { fare: 20 } },
        },
      })
      const explained = await ask('/api/instances/ride-17/explain')
      expect(explained.body).toMatchObject({ status: 'waiting', targets: [{ name: 'Receipt', state: 'absent' }] })
      const both = await ask('/api/instances/ride-17?explain=true')
      expect(both.body).toEqual({ ...seen.body, explanation: explained.body })
      expectProblem(await ask('/api/instances/ride-17?explain=true&at=1'), 400, 'QUERY_INVALID')
      const last = await feed('ride-17', { RideEnded: { minutes: 12 } })
      expect(last.body).toMatchObject({ status: 'completed', targetName: 'Receipt', target: { paid: 32 }, scope: 2 })

      const short = await ask('/api/instances/ride-17/history')
      expect(short.body.entries.every((entry) => !('value' in entry))).toBe(true)
      const page = await ask('/api/instances/ride-17/history?limit=3&values=true')
      expect(page.body).toMatchObject({
        next: 3,
        entries: [{ seq: 1, outcome: 'fed', data: 'RideRequest', value: RIDE }, {}, {}],
      })
      const rest = await ask('/api/instances/ride-17/history?after=3&values=true')
      expect(rest.body.next).toBeUndefined()
      expect(rest.body.entries.map(({ data }) => data)).toEqual(['Receipt'])
      expect(rest.body.entries[0]).toMatchObject({
        builder: 'charge',
        startedAt: expect.stringMatching(time),
        value: { paid: 32 },
      })
    })

    it('is handled once per Idempotency-Key; the key with another body is a conflict', async () => {
      const { ask, feed } = worldOf({}, kind.medium().open())
      const headers = { 'idempotency-key': 'booking-1' }
      const [one, two] = [
        await feed('r', { RideRequest: RIDE }, headers),
        await feed('r', { RideRequest: RIDE }, headers),
      ]
      expect([one.status, two.status, two.body]).toEqual([200, 200, one.body])
      // As structured fields have it.
      expect((await feed('r', { RideRequest: RIDE }, { 'idempotency-key': '"booking-1"' })).body).toEqual(one.body)
      expect((await ask('/api/instances/r')).body.scopes).toBe(1)
      expectProblem(await feed('r', { RideRequest: { ...RIDE, to: 'Zoo' } }, headers), 409, 'REQUEST_CONFLICT')
      expect((await ask('/api/instances/r')).body.scopes).toBe(1)
    })

    it('is stored and left to a worker with mode=submit', async () => {
      const { ask, feed, polaris } = worldOf({}, kind.medium().open())
      const answer = await feed('a/b', { RideRequest: RIDE }, {}, '?mode=submit')
      expect([answer.status, answer.body]).toEqual([202, { id: 'a/b', scope: 1 }])
      expect(answer.headers.get('location')).toBe('/api/instances/a%2Fb')
      await polaris.executor().resume(cabRide, 'a/b')
      expect((await ask('/api/instances/a%2Fb')).body).toMatchObject({ id: 'a/b', status: 'waiting', scopes: 2 })
      await polaris.close()
    })
  })

  it('takes expect, and modes that give the same', async () => {
    const { feed } = worldOf()
    expectProblem(await feed('r', { RideRequest: RIDE }, {}, '?expect=existing'), 404, 'INSTANCE_NOT_FOUND')
    const modes = ['sequential', 'parallel']
    const answers = await Promise.all(
      modes.map((mode) => feed(mode, { RideRequest: RIDE }, {}, `?mode=${mode}&expect=new`)),
    )
    for (const { body } of answers) expect(body).toMatchObject({ scope: 1, produced: { Quote: { fare: 20 } } })
    expectProblem(await feed('parallel', { RideRequest: RIDE }, {}, '?expect=new'), 409, 'INSTANCE_EXISTS')
    expectProblem(await feed('r', { RideRequest: RIDE }, {}, '?mode=fast'), 400, 'QUERY_INVALID')
  })

  it('says who fed it where authorize knows', async () => {
    const { ask, feed } = worldOf({ authorize: () => ({ allowed: true, meta: { user: 'ann' } }) })
    await feed('r', { RideRequest: RIDE })
    const { entries } = (await ask('/api/instances/r/history')).body
    expect(entries[0]).toMatchObject({ outcome: 'call', meta: { user: 'ann' } })
  })

  it('takes data that no builder makes, and those that the workflow opens, and no others', async () => {
    const { ask, feed } = worldOf()
    expect((await feed('r', { Quote: { fare: 3 }, RideEnded: { minutes: 1 } })).body.target).toEqual({ paid: 4 })
    const made = await feed('new', { RideRequest: RIDE, Receipt: { paid: 0 } })
    expectProblem(made, 422, 'DATA_NOT_FEEDABLE')
    expect(made.body.detail).toBe(
      "'Receipt' cannot be fed: the builder 'charge' makes it. It takes RideRequest, Coupon, Quote, Card, RideEnded. Nothing was stored.",
    )
    for (const name of ['Nobody', '__proto__', 'constructor', 'toString', '']) {
      const body = `{"RideRequest":${JSON.stringify(RIDE)},${JSON.stringify(name)}:{}}`
      expectProblem(await feed('new', body), 422, 'DATA_UNKNOWN')
    }
    expectProblem(await ask('/api/instances/new'), 404, 'INSTANCE_NOT_FOUND')
  })

  it('is told at which field a datum is wrong', async () => {
    const { ask, feed } = worldOf()
    const answer = await feed('r', { RideRequest: { from: '' }, Coupon: { percent: 1 } })
    expectProblem(answer, 422, 'DATA_INVALID')
    expect(answer.body).toMatchObject({
      data: 'RideRequest',
      errors: [
        { pointer: '#/RideRequest/from', detail: expect.stringContaining('>=1') },
        { pointer: '#/RideRequest/to', detail: expect.stringContaining('expected string') },
      ],
    })
    expectProblem(await ask('/api/instances/r'), 404, 'INSTANCE_NOT_FOUND')
  })

  it('is listed, filtered, a page at a time', async () => {
    const { ask, feed } = worldOf()
    for (const id of ['r1', 'r2', 'r3']) await feed(id, { RideRequest: RIDE })
    await feed('r2', { RideEnded: { minutes: 1 } })
    const ids = async (query: string) => (await ask(`/api/instances?${query}`)).body.instances.map(({ id }) => id)
    expect(await ids('')).toEqual(['r1', 'r2', 'r3'])
    expect(await ids('status=completed')).toEqual(['r2'])
    expect(await ids('status=waiting,completed&workflow=cabRide&version=1')).toEqual(['r1', 'r2', 'r3'])
    expect(await ids('workflow=other')).toEqual([])
    expect(await ids('createdFrom=2020-01-01')).toHaveLength(3)
    expect(await ids('createdBefore=2020-01-01T00:00:00Z')).toEqual([])
    expect(await ids('order=newest')).toEqual((await ids('order=oldest')).reverse())
    expectProblem(await ask('/api/instances?order=id'), 400, 'QUERY_INVALID')
    const first = await ask('/api/instances?limit=2')
    expect(first.body.instances).toHaveLength(2)
    const next = encodeURIComponent(first.body.next)
    expect(await ids(`limit=2&cursor=${next}`)).toEqual(['r3'])
    for (const query of [
      'limit=0',
      'limit=1001',
      'limit=-1',
      'limit=x',
      'status=done',
      'version=a',
      'createdFrom=now',
      'colour=red',
      'limit=1&limit=2',
    ]) {
      expectProblem(await ask(`/api/instances?${query}`), 400, 'QUERY_INVALID')
    }
    const odd = await ask('/api/instances?cursor=odd')
    expect([200, 400]).toContain(odd.status)
  })

  it('shows its workflow, its graph, and where things are', async () => {
    const { ask } = worldOf({ basePath: '/polaris' })
    expect((await ask('/polaris/api')).body.links.workflows).toBe('/polaris/api/workflows')
    expect((await ask('/polaris/api/workflows')).body.workflows).toEqual([
      {
        name: 'cabRide',
        version: 1,
        versions: [1],
        targets: ['Receipt'],
        inputs: ['RideRequest', 'Coupon', 'Card', 'RideEnded'],
      },
    ])
    const { body } = await ask('/polaris/api/workflows/cabRide')
    expect(body).toMatchObject({ workflow: 'cabRide', ranks: [['quoteFare', 'tokenise'], ['charge']] })
    expect(body.data[0]).toMatchObject({
      name: 'RideRequest',
      feedable: true,
      schema: { type: 'object', required: ['from', 'to'] },
    })
    expect((await ask('/polaris/api/workflows/cabRide/graph')).text).toBe(cabRide.plan.toMermaid())
    expect((await ask('/polaris/api/workflows/cabRide/graph?format=dot')).text).toBe(cabRide.plan.toDot())
    expectProblem(await ask('/polaris/api/workflows/cabRide?version=2'), 404, 'WORKFLOW_NOT_FOUND')
    expectProblem(await ask('/polaris/api/workflows/toString'), 404, 'WORKFLOW_NOT_FOUND')
    expectProblem(await ask('/api/workflows'), 404, 'NOT_FOUND')
    expectProblem(await ask('/polaris/apix'), 404, 'NOT_FOUND')
    const head = await ask('/polaris/api/workflows', { method: 'HEAD' })
    expect([head.status, head.text, head.headers.get('content-type')]).toEqual([200, '', 'application/json'])
  })

  it('fails, is explained, resumed, rerun, restarted and forked', async () => {
    const { ask, feed, errors } = worldOf()
    const failed = await feed('r', { RideRequest: { ...RIDE, to: 'nowhere' } })
    expectProblem(failed, 500, 'BUILDER_FAILED')
    expect(failed.body).toMatchObject({
      builder: 'quoteFare',
      detail: expect.stringContaining("Builder 'quoteFare' threw: no way from Zoo."),
      instance: { id: 'r', status: 'failed', scope: 1 },
    })
    expect(errors).toHaveLength(1)
    expect((await ask('/api/instances/r')).body).toMatchObject({
      status: 'failed',
      failure: { builder: 'quoteFare', name: 'Error', message: 'no way from Zoo' },
    })
    expectProblem(await ask('/api/instances/r/resume', { method: 'POST' }), 500, 'BUILDER_FAILED')
    expect((await feed('r', { RideRequest: RIDE, RideEnded: { minutes: 2 } })).body.target).toEqual({ paid: 22 })
    expect((await ask('/api/instances/r/resume', { method: 'POST' })).body.status).toBe('completed')

    const rerun = await ask('/api/instances/r/rerun', { body: { builder: 'charge', reason: 'the bank was down' } })
    expect(rerun.body.produced).toEqual({ Receipt: { paid: 22 } })
    expectProblem(await ask('/api/instances/r/rerun', { body: { builder: 'nobody' } }), 422, 'BUILDER_UNKNOWN')
    expectProblem(await ask('/api/instances/r/rerun', { body: {} }), 400, 'BODY_INVALID')
    expectProblem(await ask('/api/instances/r/rerun', { body: { builder: 'charge', why: 'x' } }), 400, 'BODY_INVALID')
    const restarted = await ask('/api/instances/r/restart', { body: { reason: 'again' } })
    expect(restarted.body.produced).toEqual({ Quote: { fare: 20 }, Receipt: { paid: 22 } })
    expect((await ask('/api/instances/r/restart', { method: 'POST' })).status).toBe(200)

    const forked = await ask('/api/instances/r/fork', { body: { id: 'copy', at: 2 } })
    expect([forked.status, forked.headers.get('location')]).toEqual([201, '/api/instances/copy'])
    expect(forked.body).toMatchObject({ id: 'copy', data: { RideRequest: { to: 'nowhere' } } })
    expectProblem(await ask('/api/instances/r/fork', { body: { id: 'copy' } }), 409, 'INSTANCE_EXISTS')
    expectProblem(await ask('/api/instances/r/fork', { body: { id: 'other', at: 'x' } }), 400, 'OPTION_INVALID')
    for (const action of ['resume', 'restart', 'rerun', 'fork']) {
      const body = action === 'rerun' ? { builder: 'charge' } : action === 'fork' ? { id: 'x' } : {}
      expectProblem(await ask(`/api/instances/unknown/${action}`, { body }), 404, 'INSTANCE_NOT_FOUND')
    }
  })

  it('is cancelled and deleted, by whom and why', async () => {
    const { ask, feed } = worldOf({ authorize: () => ({ allowed: true, meta: { user: 'ann' } }) })
    await feed('r', { RideRequest: RIDE }, { 'idempotency-key': 'booking-1' })
    const cancelled = await ask('/api/instances/r/cancel', { body: { reason: 'nobody came' } })
    expect([cancelled.status, cancelled.body]).toMatchObject([200, { id: 'r', status: 'cancelled' }])
    const { entries } = (await ask('/api/instances/r/history')).body
    expect(entries).toContainEqual(expect.objectContaining({ outcome: 'cancelled', because: 'nobody came' }))
    expect(entries.filter(({ outcome }) => outcome === 'call')).toHaveLength(2)
    expectProblem(await feed('r', { RideEnded: { minutes: 1 } }), 409, 'CANCELLED')
    expectProblem(await ask('/api/instances/r/cancel', { body: { reason: 1 } }), 400, 'BODY_INVALID')
    expectProblem(await ask('/api/instances/unknown/cancel', { method: 'POST' }), 404, 'INSTANCE_NOT_FOUND')

    const deleted = await ask('/api/instances/r', { method: 'DELETE' })
    expect([deleted.status, deleted.text]).toEqual([204, ''])
    expectProblem(await ask('/api/instances/r'), 404, 'INSTANCE_NOT_FOUND')
    expectProblem(await ask('/api/instances/r', { method: 'DELETE' }), 404, 'INSTANCE_NOT_FOUND')
    const late = await feed('r', { RideRequest: RIDE }, { 'idempotency-key': 'booking-1' })
    expectProblem(late, 410, 'INSTANCE_DELETED')
    expect((await ask('/api/instances?status=cancelled')).body.instances).toEqual([])
  })
})
