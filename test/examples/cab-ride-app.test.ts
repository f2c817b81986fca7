import type { DataStore, ErrorCode } from 'polaris-workflow'
import { PolarisError } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import { EVENTS } from '../../examples/cab-ride/events.ts'
import { cabRide } from '../../examples/cab-ride/workflow.ts'
import { openRides, REQUEST, rideTo } from './rides.ts'

describe('a ride', () => {
  it('goes through its seven steps, each answer saying what was produced and what it waits for', async () => {
    const app = openRides()
    const first = await app.post('/rides/ride-1/RideRequest', REQUEST)
    expect(first.status).toBe(200)
    expect(first.body).toMatchObject({
      ride: 'ride-1',
      status: 'waiting',
      produced: { Route: { km: 5 }, CabbieMatch: { cabbie: 'Esther' }, Quote: { cents: 1250 } },
      waitingFor: ['PickupArrival', 'Departure', 'DestinationArrival'],
    })
    expect(first.body.next).toContain('POST /rides/ride-1/PickupArrival')

    const cheaper = await app.post('/rides/ride-1/Coupon', { code: 'HELLO20' })
    expect(Object.keys(cheaper.body.produced)).toEqual(['Discount', 'Quote', 'RiderMessage'])
    expect(cheaper.body.produced.Quote).toEqual({ cents: 1000 })

    await app.post('/rides/ride-1/PickupArrival', { odometerKm: 100 })
    await app.post('/rides/ride-1/Departure', { waitedMinutes: 5 })
    const last = await app.post('/rides/ride-1/DestinationArrival', { odometerKm: 105 })
    expect(last.status).toBe(200)
    expect(last.body).toMatchObject({
      status: 'completed',
      produced: { Fare: { cents: 1080, waiting: 80, detour: 0 }, RideClosed: { rider: 'Ada', cents: 1080 } },
      waitingFor: [],
      next: [],
    })

    const rated = await app.post('/rides/ride-1/Rating', { stars: 5 })
    expect(rated.body.produced).toEqual({
      RideClosed: { rider: 'Ada', cabbie: 'Esther', km: 5, cents: 1080, stars: 5 },
    })
    expect(app.charges()).toHaveLength(1)
  })

  it('takes data in any order: what comes early waits', async () => {
    const app = openRides()
    await app.post('/rides/r/RideRequest', REQUEST)
    await app.post('/rides/r/DestinationArrival', { odometerKm: 105 })
    const { body } = await app.post('/rides/r/Departure', { waitedMinutes: 0 })
    expect(body.waitingFor).toEqual(['PickupArrival'])
    expect((await app.post('/rides/r/PickupArrival', { odometerKm: 100 })).body.status).toBe('completed')
  })

  it('whose card is declined waits for another one', async () => {
    const app = openRides()
    const declined = await rideTo('DestinationArrival', app, { ...REQUEST, card: 'tok_declined' })
    expect(declined.status).toBe(200)
    expect(declined.body).toMatchObject({
      status: 'waiting',
      waitingFor: ['OtherCard'],
      because: ['takePayment: the card tok_declined was declined: insufficient funds'],
      next: ['POST /rides/r/OtherCard'],
    })
    const paid = await app.post('/rides/r/OtherCard', { card: 'tok_mastercard' })
    expect(paid.body).toMatchObject({ status: 'completed', produced: { Payment: { card: 'tok_mastercard' } } })
    expect(app.charges()).toEqual(['declined', 'charge'])
  })

  it('that cannot be served says why and waits for a better request', async () => {
    const app = openRides()
    const { body } = await app.post('/rides/r/RideRequest', { ...REQUEST, to: 'Station', seats: 8 })
    expect(body.waitingFor[0]).toBe('RideRequest')
    expect(body.because).toEqual([
      'planRoute: the ride would begin and end at the Station',
      'matchCabbie: no cab takes 8: ask again with fewer seats, or take two rides',
    ])
    const better = await app.post('/rides/r/RideRequest', REQUEST)
    expect(better.body.waitingFor).toEqual(['PickupArrival', 'Departure', 'DestinationArrival'])
    expect(better.body).not.toHaveProperty('because')
  })

  it('can be looked at: as it stands, builder by builder, and what happened', async () => {
    const app = openRides()
    await rideTo('Departure', app)
    const { status, body } = await app.get('/rides/r')
    expect(status).toBe(200)
    expect(body).toMatchObject({ ride: 'r', status: 'waiting', waitingFor: ['DestinationArrival'] })
    expect(body.data.RideRequest).toEqual({ ...REQUEST, seats: 1 })

    const explained = (await app.get('/rides/r/explain')).body
    const recordTrip = explained.builders.find(({ name }) => name === 'recordTrip')
    expect(recordTrip).toMatchObject({ state: 'lacking', lacks: [{ data: 'DestinationArrival' }] })

    const all = (await app.get('/rides/r/history')).body.entries
    expect(all[0]).toMatchObject({ seq: 1, outcome: 'fed', data: 'RideRequest' })
    const pages: unknown[] = []
    for (let path = '/rides/r/history?limit=3'; path;) {
      const page = (await app.get(path)).body
      expect(page.entries.length).toBeLessThanOrEqual(3)
      pages.push(...page.entries)
      path = page.next as string
    }
    expect(pages).toEqual(all)
  })
})

describe('the list of rides', () => {
  it('can be filtered by status and turned page by page', async () => {
    const app = openRides()
    await rideTo('DestinationArrival', app)
    for (let i = 1; i <= 5; i++) await app.post(`/rides/w${i}/RideRequest`, REQUEST)
    const completed = (await app.get('/rides?status=completed,failed')).body.rides
    expect(completed).toMatchObject([{ ride: 'r', status: 'completed', calls: 4 }])

    const names: string[] = []
    for (let path = '/rides?status=waiting&limit=2'; path;) {
      const page = (await app.get(path)).body
      names.push(...page.rides.map(({ ride }) => ride))
      path = page.next as string
    }
    expect(names.sort()).toEqual(['w1', 'w2', 'w3', 'w4', 'w5'])
  })
})

describe('faults of the service', () => {
  it('502 where the payment provider fails: what was sent is kept, and resume pays', async () => {
    const app = openRides()
    const failed = await rideTo('DestinationArrival', app, { ...REQUEST, card: 'tok_flaky' })
    expect(failed.status).toBe(502)
    expect(failed.body).toMatchObject({
      error: 'BUILDER_FAILED',
      builder: 'takePayment',
      status: 'failed',
      produced: { Trip: { km: 5 } },
      next: ['POST /rides/r/resume'],
    })
    expect(failed.body.message).toMatch(/the payment provider did not answer. What you sent is kept/)
    const { body } = await app.get('/rides/r')
    expect(body).toMatchObject({ status: 'failed', failure: 'takePayment: the payment provider did not answer' })
    expect(body.data.DestinationArrival).toEqual({ odometerKm: 105 })

    const resumed = await app.call('POST', '/rides/r/resume')
    expect(resumed.status).toBe(200)
    expect(resumed.body).toMatchObject({ status: 'completed', produced: { Payment: { cents: 1330 } } })
    expect(app.charges()).toEqual(['charge'])
  })

  it('500 where a builder has a bug: the log has it, the answer does not', async () => {
    const app = openRides({
      coupons: {
        percentOf: () => {
          throw new TypeError('secret internals')
        },
      },
    })
    await app.post('/rides/r/RideRequest', REQUEST)
    const { status, body } = await app.post('/rides/r/Coupon', { code: 'HALF' })
    expect(status).toBe(500)
    expect(body.message).toMatch(/^checkCoupon failed; the log says why/)
    expect(JSON.stringify(body)).not.toContain('secret')
    expect(app.logged.join('\n')).toContain('secret internals')
  })

  it.each<[ErrorCode, number]>([
    ['STORE_UNAVAILABLE', 503],
    ['LEASE_LOST', 503],
    ['STORE_FULL', 507],
    ['STORE_INVALID', 500],
  ])('%s is %i, and the next call works', async (code, status) => {
    const store = memoryStore({ strict: true })
    let broken = true
    const write: DataStore['write'] = (changes) => {
      if (broken) throw new PolarisError(code, 'The disk is on fire.')
      return store.write(changes)
    }
    const app = openRides({ store: { ...store, write } })
    const refused = await app.post('/rides/r/RideRequest', REQUEST)
    expect(refused.status).toBe(status)
    expect(refused.headers.get('retry-after')).toBe(status === 503 ? '1' : null)
    expect(app.logged.join('\n')).toContain('The disk is on fire.')
    broken = false
    expect((await app.post('/rides/r/RideRequest', REQUEST)).status).toBe(200)
  })

  it('503 once it is closed', async () => {
    const app = openRides()
    await app.rides.close()
    expect((await app.get('/rides/r')).status).toBe(503)
  })
})

describe('the help', () => {
  it('lists requests of which each works as it stands, one after the other', async () => {
    const app = openRides()
    const { text } = (await app.get('/')).body
    const lines = [...text.matchAll(/^ {2}curl (?:-X POST )?'?http:\/\/rides\.test(\S*?)'?(?: -d '(.*)'| +#.*)?$/gm)]
    expect(lines.length).toBe(text.match(/curl /g)?.length)
    const statuses = new Map<string, number>()
    for (const [line, path = '', body] of lines) {
      const method = line.includes('-X POST') || body !== undefined ? 'POST' : 'GET'
      statuses.set(path, (await app.call(method, path, body)).status)
    }
    // OtherCard comes when the ride is paid; ride-4 is the mistake to try.
    const notOk = [...statuses].filter(([, status]) => status !== 200)
    expect(notOk).toEqual([
      ['/rides/ride-1/OtherCard', 409],
      ['/rides/ride-4/RideRequest', 400],
    ])
  })

  it('covers all that nobody but a caller can give, each with an example its schema accepts', async () => {
    expect(EVENTS.map(({ data }) => data.name).sort()).toEqual([...cabRide.plan.inputs].sort())
    for (const { data, example } of EVENTS) {
      const { issues } = await data.schema['~standard'].validate(example)
      expect(issues, data.name).toBeUndefined()
    }
  })

  it('has the graph as Mermaid', async () => {
    expect((await openRides().get('/graph')).body.text).toMatch(/^flowchart TD[^]*takePayment/)
  })
})
