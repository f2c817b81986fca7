import { builder, data, Polaris, type, workflow } from 'polaris-workflow'
import { httpHandler } from 'polaris-workflow/http'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import { scrubbed } from '../../src/http/veil.ts'
import { shown } from '../../src/http/values.ts'
import { eachStore } from '../support/media.ts'
import { asking, Card, expectProblem, RIDE, worldOf } from './lab.ts'

const SECRET = '4111111111111111'
const MARK = { $sensitive: true }

describe('sensitive data', () => {
  eachStore((kind) => {
    it('never leave the server, by whatever route', async () => {
      const { ask, feed, polaris } = worldOf({}, kind.medium().open())
      const answers = [
        await feed('r', { RideRequest: RIDE, Card: { number: SECRET } }),
        await feed('r', { Card: { number: `no-${SECRET}` } }),
        await feed('r', { Card: SECRET }),
        await feed('r', { RideEnded: { minutes: 1 } }),
        await ask('/api/instances/r'),
        await ask('/api/instances/r/history?values=true'),
        await ask('/api/instances/r/explain'),
        await ask('/api/instances'),
        await ask('/api/instances/r/rerun', { body: { builder: 'tokenise' } }),
        await ask('/api/instances/r/fork', { body: { id: 'copy' } }),
        await ask('/api/openapi.json'),
        await ask('/api/workflows/cabRide'),
      ]
      for (const answer of answers) expect(answer.text).not.toContain(SECRET)
      expect(answers.map(({ status }) => status)).toEqual([200, 422, 422, 200, 200, 200, 200, 200, 200, 201, 200, 200])

      const [first, refused, , , seen, history, , , rerun] = answers
      expect(first?.body.produced).toEqual({ Quote: { fare: 20 }, Token: MARK })
      expect(refused?.body.errors).toEqual([
        { pointer: '#/Card', detail: expect.stringContaining('since it is sensitive') },
      ])
      expect(seen?.body.data).toMatchObject({ RideRequest: RIDE, Card: MARK, Token: MARK, Receipt: { paid: 21 } })
      const values = history?.body.entries.filter(({ value }) => value !== undefined)
      expect(values).toContainEqual(expect.objectContaining({ data: 'Card', value: MARK }))
      expect(values).toContainEqual(expect.objectContaining({ data: 'Token', value: MARK }))
      expect(rerun?.body.produced.Token).toEqual(MARK)
      // It is all there.
      expect((await polaris.get('r'))?.latest(Card)).toEqual({ number: SECRET })
    })

    it('what builders that know them say is withheld, and what others say is not', async () => {
      const { ask, feed } = worldOf({}, kind.medium().open())
      const failed = await feed('r', { Card: { number: '666' } })
      expectProblem(failed, 500, 'BUILDER_FAILED')
      const after = [
        failed,
        await ask('/api/instances/r'),
        await ask('/api/instances/r/history'),
        await ask('/api/instances/r/explain'),
      ]
      for (const { text } of after) {
        expect(text).not.toContain('bank refuses')
        expect(text).toContain('withheld, since the builder has to do with sensitive data')
      }
      await feed('none', { Card: { number: '000' } })
      for (const path of ['explain', 'history']) {
        const { text } = await ask(`/api/instances/none/${path}`)
        expect(text).not.toContain('no card like')
        expect(text).toContain('withheld, since')
      }
      expect((await feed('open', { RideRequest: { ...RIDE, to: 'nowhere' } })).text).toContain('no way from Zoo')
      expect((await ask('/api/instances/open/explain')).text).toContain('no way from Zoo')
      expect((await feed('later', { RideRequest: { ...RIDE, to: 'later' } })).status).toBe(200)
      expect((await ask('/api/instances/later/explain')).text).toContain('not yet')
    })
  })

  it('what is tried again and what is undone says no more, and never where it was thrown', async () => {
    const [In, Made, Open] = [
      data('In', type<string>(), { sensitive: true }),
      data('Made', type<number>()),
      data('Open', type<number>()),
    ]
    const fails = (): never => {
      throw new Error(`no ${SECRET}`)
    }
    const retry = { attempts: 3, backoff: { initial: '1h' } } as const
    const hidden = builder({ name: 'hidden', consumes: { in: In }, produces: Made, retry, process: fails })
    const plain = builder({
      name: 'plain',
      produces: Open,
      retry,
      process() {
        throw new Error('for all to read')
      },
    })
    const done = builder({ name: 'done', consumes: { in: In }, produces: Open, process: () => 1, compensate: fails })
    const retrying = workflow({ name: 'retrying', builders: [hidden, plain], target: Made })
    const undoing = workflow({ name: 'undoing', builders: [done], target: Open })
    const polaris = new Polaris({ store: memoryStore() }).register(retrying, undoing)
    const ask = asking(httpHandler(polaris, { authorize: () => true }))
    const fed = await ask('/api/workflows/retrying/instances/i', { body: { In: SECRET } })
    expect(fed.body.status).toBe('retrying')
    await ask('/api/workflows/undoing/instances/u', { body: { In: SECRET } })
    await ask('/api/instances/u/cancel', { body: { compensate: true } })
    for (const id of ['i', 'u']) {
      for (const view of ['', '/explain', '/history']) {
        const { text, status } = await ask(`/api/instances/${id}${view}`)
        expect(status).toBe(200)
        expect(text).not.toContain(SECRET)
        expect(text).not.toMatch(/stack|\\n\s+at /)
        expect(text).toContain('withheld')
        if (id === 'i') expect(text).toContain('for all to read')
      }
    }
    // The one that is tried first comes first, and that is left to chance.
    const { body } = await ask('/api/instances/i')
    expect(body.retries.toSorted((one, other) => (one.builder < other.builder ? -1 : 1))).toMatchObject([
      { builder: 'hidden', attempt: 1, retryAt: expect.stringMatching(/Z$/) },
      { builder: 'plain', error: { name: 'Error', message: 'for all to read' } },
    ])
    expect((await ask('/api/instances/u')).body).toMatchObject({ compensation: { done: false, builder: 'done' } })
  })

  it('as a target', async () => {
    const [In, Out] = [data('In', type<string>()), data('Out', type<string>(), { sensitive: true })]
    const make = builder({ name: 'make', consumes: { in: In }, produces: Out, process: () => SECRET })
    const polaris = new Polaris({ store: memoryStore() }).register(
      workflow({ name: 'w', builders: [make], target: Out }),
    )
    const ask = asking(httpHandler(polaris, { authorize: () => true }))
    const { body } = await ask('/api/workflows/w/instances/i', { body: { In: 'x' } })
    expect(body).toMatchObject({ status: 'completed', targetName: 'Out', target: MARK, produced: { Out: MARK } })
  })

  it('of versions that this process does not serve are judged by those it does, and what nobody knows stays', async () => {
    const store = memoryStore({ strict: true })
    const [A, B] = [data('A', type<string>()), data('B', type<string>(), { sensitive: true })]
    const [Gone, Made] = [data('Gone', type<string>()), data('Made', type<string>())]
    const version = (number: number, reads: object) =>
      workflow({
        name: 'w',
        version: number,
        builders: [
          builder({ name: 'make', consumes: reads as { a: typeof A }, produces: Made, process: () => 'made' }),
        ],
        target: Made,
      })
    const old = version(1, { a: A, b: B, gone: Gone })
    const before = new Polaris({ store }).register(old)
    await before.executor().sequential('w', 'i', A('open'), B('secret'), Gone('unknown'))
    const polaris = new Polaris({ store }).register(version(2, { a: A, b: B }))
    const ask = asking(httpHandler(polaris, { authorize: () => true }))
    const { body } = await ask('/api/instances/i/history?values=true')
    expect(body.entries.map(({ data, value }) => [data, value])).toEqual([
      ['A', 'open'],
      ['B', MARK],
      ['Gone', MARK],
      ['Made', 'made'],
    ])
    expectProblem(await ask('/api/instances/i'), 503, 'VERSION_NOT_SERVED')
  })
})

describe('what errors say', () => {
  it.each([
    ['could not connect to postgres://admin:hunter2@db.internal:5432/rides', 'could not connect to postgres://…'],
    ['mongodb+srv://u:p@cluster0.example.net/x?retryWrites=true failed', 'mongodb+srv://… failed'],
    ['jdbc:postgresql://db/rides refused', 'postgresql://… refused'],
    ['fetch https://user:pass@api.example.com/v1 failed', 'fetch https://…@api.example.com/v1 failed'],
    ['Server=db;User=sa;Password=hunter2;Database=x', 'Server=db;User=sa;Password=…;Database=x'],
    ['bad header authorization: Bearer-abc', 'bad header authorization: …'],
    ['{"apiKey": "abc", "b": 1}', '{"apiKey": …, "b": 1}'],
    ['Failed query: select "id" from "cards" where x = $1\nparams: 4111', 'Failed query: (SQL withheld)'],
    ['ERROR at INSERT INTO cards VALUES (1)', 'ERROR at (SQL withheld)'],
    ['update cards set n = 1', '(SQL withheld)'],
    ['drop table cards', '(SQL withheld)'],
    ['it broke\n    at charge (/srv/app/charge.ts:3:9)\n    at next', 'it broke'],
    ['please select a seat, then update it', 'please select a seat, then update it'],
    ['no way from Zoo', 'no way from Zoo'],
  ])('%j', (text, expected) => {
    expect(scrubbed(text)).toBe(expected)
  })

  it('is cut, and hostile texts take no time', () => {
    expect(scrubbed('x'.repeat(5_000))).toHaveLength(1_001)
    for (const text of ['select ', 'a:', 'password=', '\n ', 'with a as ', 'x://']) scrubbed(text.repeat(100_000))
  })

  it('is not shown where the store is to blame', async () => {
    const store = memoryStore()
    const broken = { ...store, read: () => Promise.reject(new Error('select * from instances: postgres://u:p@db/x')) }
    const { ask, errors } = worldOf({}, broken)
    const answer = await ask('/api/instances/r')
    expectProblem(answer, 500, 'INTERNAL')
    expect(answer.text).not.toMatch(/select|postgres/)
    expect(errors).toHaveLength(1)
  })
})

describe('values as JSON', () => {
  it('are the text or the list they are closest to', () => {
    const value = {
      at: new Date(0),
      never: new Date(NaN),
      big: 2n ** 70n,
      bytes: new Uint8Array([1, 2, 255]),
      set: new Set(['a', undefined]),
      map: new Map<unknown, unknown>([[{ k: 1 }, 'v']]),
      odd: [NaN, Infinity, -0, undefined],
      none: undefined,
      nothing: null,
      text: '<script>\u202e\0',
    }
    expect(JSON.parse(JSON.stringify(shown(value)))).toEqual({
      ...{ at: '1970-01-01T00:00:00.000Z', never: 'Invalid Date', big: '1180591620717411303424', bytes: 'AQL/' },
      ...{ set: ['a', null], map: [[{ k: 1 }, 'v']], odd: ['NaN', 'Infinity', 0, null], nothing: null },
      ...{ text: '<script>\u202e\0' },
    })
    const own = JSON.parse('{"__proto__":{"a":1}}') as object
    expect(JSON.stringify(shown(own))).toBe('{"__proto__":{"a":1}}')
    expect(JSON.stringify(shown(new Uint8Array(100_000)))).toHaveLength(133_338)
  })

  it('that cannot be shown are named, whatever they are', () => {
    const cyclic: Record<string, unknown> = { f: () => 1, s: Symbol('x') }
    cyclic['self'] = cyclic
    expect(shown(cyclic)).toEqual({
      f: { $unshown: 'a function' },
      s: { $unshown: 'a symbol' },
      self: { $unshown: 'a cycle' },
    })
    const getter = {
      get a(): unknown {
        throw new Error('no')
      },
    }
    expect(
      shown([
        getter,
        new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error('no')
            },
          },
        ),
      ]),
    ).toEqual([{ $unshown: 'it cannot be read' }, { $unshown: 'it cannot be read' }])
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(JSON.stringify(shown(deep))).toContain('too deep')
    const twice = { a: 1 }
    expect(shown([twice, twice])).toEqual([{ a: 1 }, { a: 1 }])
  })
})
