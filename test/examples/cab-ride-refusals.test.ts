import { describe, expect, it } from 'vitest'
import { EVENTS } from '../../examples/cab-ride/events.ts'
import { openRides, REQUEST, rideTo } from './rides.ts'

describe('400, with the reason and nothing stored', () => {
  it.each([
    ['an empty body', '', /body is empty/],
    ['what is not JSON', '{rider: "Ada"}', /not JSON: Expected property name/],
    ['quotes as cmd.exe leaves them', `'{"rider":"Ada"}'`, /In cmd\.exe/],
    ['what is not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), /not UTF-8/],
    ['another kind of JSON', '[]', /expected object, received array/],
  ])('%s', async (_, body, message) => {
    const app = openRides()
    const refused = await app.postText('/rides/r/RideRequest', body)
    expect(refused.status).toBe(400)
    expect(refused.body.message).toMatch(message)
    expect(refused.body.example).toMatchObject({ rider: 'Ada' })
    expect((await app.get('/rides')).body.rides).toEqual([])
    expect((await app.post('/rides/r/RideRequest', REQUEST)).status).toBe(200)
  })

  it('schema issues, each with its path', async () => {
    const { status, body } = await openRides().post('/rides/r/RideRequest', {
      ...REQUEST,
      from: 'Moon',
      seat: 2,
      rider: ' ',
    })
    expect(status).toBe(400)
    expect(body.error).toBe('DATA_INVALID')
    expect(body.issues.map(({ path }) => path)).toEqual(['rider', 'from', ''])
    expect(body.message).toMatch(/"Airport"\|"Harbour"/)
    expect(body.message).toMatch(/Unrecognized key: "seat"/)
  })

  it('own keys named __proto__', async () => {
    const app = openRides()
    const { status, body } = await app.postText('/rides/r/RideRequest', '{"__proto__":{"rider":"Eve"}}')
    expect(status).toBe(400)
    expect(body.message).toContain('Unrecognized key: "__proto__"')
    expect({}).not.toHaveProperty('rider')
  })

  it.each([
    ['with a control character', '%00'],
    ['that is blank', '%20'],
    ['of 513 characters', 'x'.repeat(513)],
  ])('an id %s', async (_, id) => {
    const app = openRides()
    const path = `/rides/${id}`
    for (const { status, body } of [await app.get(path), await app.post(`${path}/RideRequest`, REQUEST)]) {
      expect(status).toBe(400)
      expect(body.error).toBe('ID_INVALID')
    }
  })

  it.each([
    ['/rides?status=done', /status must be one of running, waiting/],
    ['/rides?limit=0', /limit must be a whole number from 1 to 1000/],
    ['/rides?limit=ten', /limit must be a whole number/],
    ['/rides?cursor=nonsense', /cursor/i],
    ['/rides/r/history?after=-1', /after must be a whole number/],
  ])('%s', async (path, message) => {
    const { status, body } = await openRides().get(path)
    expect(status).toBe(400)
    expect(body.message).toMatch(message)
  })
})

describe('404', () => {
  it.each([
    ['Payment', /Payment cannot be sent: the builder takePayment makes it/],
    ['riderequest', /did you mean RideRequest\?/],
    ['Weather', /knows no data 'Weather'/],
    ['__proto__', /knows no data '__proto__'/],
  ])('for the datum %s, naming what may be sent', async (name, message) => {
    const { status, body } = await openRides().post(`/rides/r/${name}`)
    expect(status).toBe(404)
    expect(body.message).toMatch(message)
    expect(body.send).toEqual(EVENTS.map(({ data }) => data.name))
  })

  it('for an id nobody requested a ride under: an event makes no ride', async () => {
    const app = openRides()
    const replies = [
      await app.post('/rides/r/Departure', { waitedMinutes: 1 }),
      await app.call('POST', '/rides/r/resume'),
      ...(await Promise.all(['', '/explain', '/history'].map((page) => app.get(`/rides/r${page}`)))),
    ]
    for (const { status, body } of replies) {
      expect(status).toBe(404)
      expect(body.message).toBe(`There is no ride 'r'. A ride begins with POST /rides/r/RideRequest.`)
    }
  })

  it.each(['/ride', '/rides/r/nothing', '/rides/r/Departure/x'])('for %s, pointing to the help', async (path) => {
    const { status, body } = await openRides().get(path)
    expect(status).toBe(404)
    expect(body.message).toMatch(/GET \/ lists the requests to try/)
  })
})

it('405 says which method is meant', async () => {
  const app = openRides()
  for (const [method, path, allow] of [
    ['GET', '/rides/r/RideRequest', 'POST'],
    ['GET', '/rides/r/resume', 'POST'],
    ['POST', '/rides/r', 'GET'],
  ] as const) {
    const { status, headers } = await app.call(method, path)
    expect([status, headers.get('allow')]).toEqual([405, allow])
  }
})

describe('409', () => {
  it('for anything but a rating once the ride is paid', async () => {
    const app = openRides()
    await rideTo('DestinationArrival', app)
    const { status, body } = await app.post('/rides/r/Coupon', { code: 'HALF' })
    expect(status).toBe(409)
    expect(body.message).toMatch(/'r' is paid/)
    expect((await app.get('/rides/r')).body.status).toBe('completed')
  })

  it('for another request once the ride is on the road', async () => {
    const app = openRides()
    await rideTo('Departure', app)
    const { status, body } = await app.post('/rides/r/RideRequest', { ...REQUEST, to: 'Museum' })
    expect(status).toBe(409)
    expect(body.message).toMatch(/on the road/)
  })
})

it('413 for a body that is too large, of known length and streamed', async () => {
  const app = openRides()
  const large = `{"code":"${'x'.repeat(70_000)}"}`
  expect((await app.postText('/rides/r/Coupon', large)).status).toBe(413)
  const stream = new Blob([large]).stream()
  expect((await app.postText('/rides/r/Coupon', stream)).status).toBe(413)
})
