import { deepStrictEqual } from 'node:assert/strict'
import { builder, data, DataError, type, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory } from '../support/media.ts'
import { dataOf, expectUnknown, failure, over, refusal } from '../support/lab.ts'

const Fed = data('Fed', type<unknown>())
const Go = data('Go', type<unknown>())
const Made = data('Made', type<unknown>())
const Copy = data('Copy', type<unknown>())

/** Stores what is fed, and what `make` gives; `copy` passes on what it read. */
function world(make: () => unknown) {
  const builders = [
    builder({ name: 'make', consumes: { go: Go }, produces: Made, process: () => make() as never }),
    builder({ name: 'copy', consumes: { fed: Fed }, produces: Copy, process: ({ fed }) => fed as never }),
  ]
  return workflow({ name: 'w', builders, target: Made })
}

function nested(levels: number): unknown {
  let value: unknown = 'bottom'
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { in: value }
  return value
}

const nullProto = Object.assign(Object.create(null) as object, { a: 1, b: [Object.create(null)] })
const shared = { twice: true }

const storable: Record<string, () => unknown> = {
  'text with NUL and odd characters': () => 'a\0b\u0001\u001f\u007f\u2028\u2029\ufeff\uffff"\\\n\r\t',
  'lone surrogates': () => ['\ud800', '\udc00x', 'a\udfff\ud800b'],
  emoji: () => '👩‍👩‍👧‍👦 𝕏 é e\u0301',
  'empty text': () => '',
  'texts that look like ours': () => ['~', '~["$u"]', '$', '$u', ['$u'], ['$', 'x'], ['$d', 3], { $u: 1 }, [['$nan']]],
  numbers: () => [0, 1.5, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER],
  'minus zero': () => [-0, { z: -0 }],
  'NaN and infinities': () => [Number.NaN, Infinity, -Infinity, { n: Number.NaN }],
  bigint: () => [0n, -1n, 2n ** 200n],
  'undefined members': () => ({ a: undefined, b: [undefined, 1], c: new Map([[undefined, undefined]]) }),
  booleans: () => [true, false],
  null: () => ({ n: null, list: [null] }),
  Date: () => [new Date(0), new Date('2024-02-29T12:34:56.789Z'), new Date(8.64e15)],
  'an invalid Date': () => ({ when: new Date(Number.NaN) }),
  Map: () =>
    new Map<unknown, unknown>([
      [{ key: 1 }, new Map([[1, new Set([1])]])],
      ['b', 2],
      [Number.NaN, 3],
      [null, 4],
    ]),
  'the order of a Map': () => [
    ...new Map([
      ['z', 1],
      ['a', 2],
    ]).entries(),
  ],
  Set: () => new Set<unknown>([1, '1', { a: [1] }, new Set()]),
  Uint8Array: () => ({ bytes: new Uint8Array([0, 255, 128]), none: new Uint8Array() }),
  'part of a buffer': () => new Uint8Array(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2),
  'empty containers': () => [{}, [], new Map(), new Set(), [[]], [{}]],
  'own __proto__ and constructor': () =>
    JSON.parse(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":1,"deep":[{"__proto__":null}]}',
    ) as unknown,
  'names of all kinds': () => ({ '': 1, ' ': 2, 'a.b': 3, '0': 4, '\0': 5, length: 6, hasOwnProperty: 7, '\ud800': 8 }),
  'no prototype': () => nullProto,
  'one value in two places': () => [shared, { again: shared }],
  '200 levels': () => nested(200),
  'a long list': () => Array.from({ length: 5000 }, (_, i) => i / 3),
  'a long text': () => 'x\0'.repeat(100_000),
}

class Money {
  amount = 1
}
const cycle = (): unknown => {
  const list: unknown[] = []
  const value = { a: { list } }
  list.push('x', value)
  return value
}
const throwing = (): unknown => ({
  ok: 1,
  get bad() {
    throw new Error('do not look')
  },
})

const no = (): never => {
  throw new Error('do not look')
}
const traps: ProxyHandler<object> = { get: no, ownKeys: no, getPrototypeOf: no, has: no, getOwnPropertyDescriptor: no }
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** What is refused, where in it the fault is, and how the message says so. */
const refused: Record<string, [() => unknown, string]> = {
  function: [() => ({ a: [1, () => 1] }), 'a[1]'],
  'a function itself': [() => () => 1, ''],
  symbol: [() => ({ a: { b: Symbol('s') } }), 'a.b'],
  'a symbol as key': [() => ({ a: { [Symbol('secret')]: 1 } }), 'a[Symbol(secret)]'],
  'a class instance': [() => ({ price: [new Money()] }), 'price[0]'],
  'an error': [() => ({ e: new Error('x') }), 'e'],
  'a regular expression': [() => ({ r: /x/ }), 'r'],
  'a promise': [() => ({ p: Promise.resolve(1) }), 'p'],
  'a URL': [() => ({ 'my url': new URL('http://x') }), '["my url"]'],
  'a Buffer': [() => ({ b: Buffer.from('x') }), 'b'],
  'another typed array': [() => ({ b: new Uint16Array(2) }), 'b'],
  'a subclass of Map': [() => ({ m: new (class extends Map {})() }), 'm'],
  'a subclass of Array': [() => ({ m: new (class extends Array {})() }), 'm'],
  'a subclass of Date': [() => ({ m: new (class extends Date {})() }), 'm'],
  'a boxed text': [() => ({ m: Object('x') as unknown }), 'm'],
  'a WeakMap': [() => ({ m: new WeakMap() }), 'm'],
  'a cycle': [cycle, 'a.list[1]'],
  'a getter that throws': [throwing, 'bad'],
  'a getter that throws within': [() => ({ list: [throwing()] }), 'list[0].bad'],
  'a proxy whose traps throw': [() => ({ p: new Proxy({}, traps) }), 'p'],
  'a revoked proxy': [() => ({ p: revoked() }), 'p'],
  'something odd in a Map': [() => ({ m: new Map([['k', { f: () => 1 }]]) }), 'm.k.f'],
  'something odd in a Set': [() => ({ s: new Set([Symbol('x')]) }), 's'],
  '201 levels': [() => nested(201), ''],
  '100,000 levels': [() => nested(100_000), ''],
  'a hole': [() => ({ list: [1, , 3] }), 'list[1]'], // eslint-disable-line no-sparse-arrays
}

describe('rule 20: what is stored', () => {
  eachStore((kind) => {
    for (const [name, make] of Object.entries(storable)) {
      it(`rule 20: comes back equal: ${name}`, async () => {
        const w = world(make)
        // Vitest takes an own `constructor` for the value's class, and Node holds no invalid date equal to another.
        const same: (actual: unknown, expected: unknown) => void = name.includes('constructor')
          ? deepStrictEqual
          : (actual, expected) => expect(actual).toStrictEqual(expected)
        const medium = kind.medium()
        await over(medium.open(), w).executor().sequential(w, 'i', Go(1))
        await over(medium.open(), w).executor().sequential(w, 'i', Fed(make()))
        const polaris = over(medium.open(), w)
        const view = (await polaris.get('i'))!
        for (const read of ['Made', 'Fed', 'Copy']) same(view.data[read], make())
        const values = (await polaris.history('i')).map(({ value }) => value)
        same(values, [1, make(), make(), make()])
        const result = await polaris.executor().sequential(w, 'i')
        same(result.latest(Made), make())
        expect(Reflect.ownKeys({})).toEqual([])
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
      })
    }
  })

  eachStore((kind) => {
    for (const [name, [make, path]] of Object.entries(refused)) {
      it(`rule 20: is refused with its path, fed and produced: ${name}`, async () => {
        let good = false
        const w = world(() => (good ? 'good' : make()))
        const polaris = over(kind.medium().open(), w)
        const run = polaris.executor()
        const fed = await refusal(run.sequential(w, 'i', Go(1), Fed(make())), 'DATA_INVALID')
        expect(fed).toBeInstanceOf(DataError)
        expect(fed.message).toContain('Fed')
        expect(fed.message).toContain(path)
        expect((fed as DataError).issues).toHaveLength(1)
        await expectUnknown(polaris, 'i')

        const error = await failure(run.parallel(w, 'i', Go(1)), 'PRODUCT_INVALID')
        expect(error.builder).toBe('make')
        expect(error.message).toContain(path)
        expect(await dataOf(polaris, 'i')).toEqual({ Go: 1 })
        expect(await polaris.get('i')).toMatchObject({ status: 'failed', failure: { code: 'PRODUCT_INVALID' } })

        const before = (await polaris.get('i'))!.revision
        await refusal(run.sequential(w, 'i', Fed({ deeper: make() })), 'DATA_INVALID')
        expect((await polaris.get('i'))!.revision).toBe(before)
        good = true
        expect((await run.resume(w, 'i')).target).toBe('good')
        expect((await run.sequential(w, 'i', Fed('fine'))).get(Copy)).toBe('fine')
      })
    }

    it('rule 20: a getter that changes its mind is read once', async () => {
      let reads = 0
      const w = world(() => ({
        get member() {
          return ++reads === 1 ? 'first' : () => 'later'
        },
      }))
      const medium = kind.medium()
      await over(medium.open(), w).executor().sequential(w, 'i', Go(1))
      expect(await dataOf(over(medium.open(), w), 'i')).toEqual({ Go: 1, Made: { member: 'first' } })
    })
  }, 'text')

  it('rule 20: the memory store and transients hold any value', async () => {
    const odd = { money: new Money(), call: () => 7, symbol: Symbol('s'), deep: nested(3000), map: new WeakMap() }
    const w = world(() => odd)
    const polaris = over(memory.medium().open(), w)
    const fed = cycle()
    const result = await polaris.executor().sequential(w, 'i', Go(1), Fed(fed))
    expect(result.target).toBe(odd)
    expect(result.get(Copy)).toBe(fed)
    expect((await polaris.get('i'))?.latest(Made)).toBe(odd)
  })

  it('rule 20: what even the memory store cannot read is refused, and nothing else comes of it', async () => {
    for (const make of [() => new Proxy({}, traps), () => ({ in: new Proxy({}, traps) }), revoked, throwing]) {
      const w = world(() => make())
      const polaris = over(memory.medium().open(), w)
      const run = polaris.executor()
      const fed = await run.sequential(w, 'i', Fed(make())).then(
        () => 'held',
        (error: unknown) => (error as { code?: string }).code,
      )
      expect(['held', 'DATA_INVALID']).toContain(fed)
      const produced = await run.sequential(w, 'j', Go(1)).then(
        () => 'held',
        (error: unknown) => (error as { code?: string }).code,
      )
      expect(['held', 'PRODUCT_INVALID', 'BUILDER_FAILED']).toContain(produced)
    }
  })

  eachStore((kind) => {
    it('rule 20: transients hold any value on every store', async () => {
      const odd = { money: new Money(), call: () => 7, self: undefined as unknown }
      odd.self = odd
      const Out = data('Out', type<string>())
      const builders = [
        builder({ name: 'make', consumes: { go: Go }, produces: Made, process: () => odd as never }),
        builder({
          name: 'out',
          consumes: { made: Made },
          optionals: { fed: Fed },
          produces: Out,
          process: ({ made, fed }) => `${(made as typeof odd).call()} ${typeof fed}`,
        }),
      ]
      const w = workflow({ name: 'w', builders, target: Out, transients: [Made, Fed] })
      const result = await over(kind.medium().open(), w)
        .executor()
        .sequential(
          w,
          'i',
          Go(1),
          Fed(() => 1),
        )
      expect(result.target).toBe('7 function')
      expect(result.get(Made)).toBe(odd)
    })
  }, 'text')
})
