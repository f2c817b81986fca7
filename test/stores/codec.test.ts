import assert from 'node:assert/strict'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { freezeDeep } from '../../src/engine/values/freeze.ts'
import { isPolarisError } from '../../src/graph/errors.ts'
import { decode, encode, EncodingRefused } from '../../src/stores/codec.ts'

/** Every kind of value that rule 20 promises to give back, nested in every kind of container. */
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
    fc.constantFrom('$', '$u', '$d', '~', '\0', '\ud800', '__proto__', 'constructor', 'toJSON', 'length', '0'),
  )
  const leaf = fc.oneof(
    text,
    fc.double(),
    fc.integer(),
    fc.constantFrom(null, undefined, true, false, -0, Number.NaN, Infinity, -Infinity),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 20 }),
  )
  const members = fc.array(fc.tuple(text, tie('value')), { maxLength: 5 })
  const record = (prototype: object | null) =>
    members.map((entries) => {
      const object = Object.create(prototype) as object
      for (const [key, value] of entries) {
        Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
      }
      return object
    })
  const list = fc.array(tie('value'), { maxLength: 5 })
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      record(Object.prototype),
      record(null),
      list,
      list.map((items) => new Set(items)),
      fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
      fc.array(fc.double(), { minLength: 33, maxLength: 40 }),
    ),
  }
})

describe('rule 20: what is stored comes back equal', () => {
  test.prop([anyValue], { numRuns: 2_000 })('any supported value', (value) => {
    const text = encode(value)
    assert.deepStrictEqual(decode(text), value)
    assert.equal(encode(decode(text)), text)
  })

  test.prop([anyValue], { numRuns: 300 })('frozen as the engine freezes it', (value) => {
    const text = encode(value)
    freezeDeep(value)
    assert.equal(encode(value), text)
  })

  test.prop([fc.jsonValue({ noUnicodeString: false })], { numRuns: 1_000 })(
    'plain JSON stays plain JSON text',
    (value) => {
      const text = encode(value)
      assert.deepStrictEqual(decode(text), value)
      if (!text.startsWith('~')) assert.equal(text, JSON.stringify(value))
    },
  )

  it('plain values are stored as plain JSON, others behind a prefix', () => {
    expect(encode({ b: [1, 'x', null], a: '\0"' })).toBe('{"b":[1,"x",null],"a":"\\u0000\\""}')
    expect(encode({ at: new Date(5), n: 1n })).toBe('~{"at":["$d",5],"n":["$n","1"]}')
    expect(encode(['$d', 5])).toBe('~["$","$d",5]')
    expect(encode(undefined)).toBe('~["$u"]')
  })

  it('an invalid date', () => {
    const date = decode(encode([new Date(Number.NaN)])) as [Date]
    expect(date[0]).toBeInstanceOf(Date)
    expect(date[0].getTime()).toBeNaN()
  })

  it('members named __proto__ come back as members and pollute nothing', () => {
    for (const extra of ['', ',"at":null']) {
      const value = JSON.parse(`{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}${extra}}`) as {
        at?: unknown
      }
      if ('at' in value) value.at = new Date(1)
      const back = decode(encode(value)) as object
      assert.deepStrictEqual(back, value)
      expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
      expect(Object.hasOwn(back, '__proto__')).toBe(true)
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    }
  })

  it('part of a buffer, and bytes of their own', () => {
    const whole = new Uint8Array([1, 2, 3, 4])
    const back = decode(encode(whole.subarray(1, 3))) as Uint8Array
    expect(back).toEqual(new Uint8Array([2, 3]))
    expect(back.buffer.byteLength).toBe(2)
    expect(back.constructor).toBe(Uint8Array)
  })

  it('shared references come back as copies', () => {
    const shared = { x: 1 }
    expect(decode(encode([shared, shared]))).toEqual([{ x: 1 }, { x: 1 }])
  })

  it('nesting of 200', () => {
    const value = nested(200)
    assert.equal(encode(decode(encode(value))), encode(value))
  })

  it('a getter that gives a value is read once, and what it gave is stored', () => {
    let reads = 0
    const value = {
      get n() {
        reads += 1
        return reads === 1 ? 1 : () => 2
      },
      at: new Date(0),
    }
    expect(decode(encode(value))).toEqual({ n: 1, at: new Date(0) })
    expect(reads).toBe(1)
  })
})

function nested(levels: number): unknown {
  let value: unknown[] = []
  for (let level = 1; level < levels; level += 1) value = [value]
  return value
}

function given(..._: unknown[]): unknown {
  // eslint-disable-next-line prefer-rest-params -- the object itself is what is tested
  return arguments
}

function refusal(value: unknown): { readonly message: string; readonly path: readonly PropertyKey[] } {
  try {
    encode(value)
  } catch (error) {
    expect(error).toBeInstanceOf(EncodingRefused)
    const { issues, message } = error as EncodingRefused
    expect(issues).toHaveLength(1)
    return { message, path: issues[0]?.path ?? [] }
  }
  throw new Error('nothing was refused')
}

describe('rule 20: anything else is refused with the path of the offending member', () => {
  class Point {
    x = 1
  }
  class Stamp extends Date {}
  const symbol = Symbol('s')
  const cyclic: Record<string, unknown> = { name: 'a', list: [] }
  ;(cyclic['list'] as unknown[]).push({ back: cyclic })
  const hole = [1, , 3] // eslint-disable-line no-sparse-arrays
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()

  const cases: readonly (readonly [what: string, value: unknown, path: readonly PropertyKey[], message: RegExp])[] = [
    ['a function', { a: [{ f: () => 1 }] }, ['a', 0, 'f'], /the function f cannot be stored/],
    ['a toJSON method', { a: { toJSON: () => 1 } }, ['a', 'toJSON'], /function/],
    ['a symbol', [symbol], [0], /Symbol\(s\) cannot be stored/],
    ['a member named by a symbol', { a: { [symbol]: 1 } }, ['a', symbol], /named by a symbol/],
    ['a class instance', { p: new Point() }, ['p'], /a Point cannot be stored: use plain objects/],
    ['an instance at the root', new Point(), [], /^a Point/],
    ['a subclass of Date', { at: new Stamp() }, ['at'], /a Stamp/],
    ['what only claims to be a Date', { at: Object.create(Date.prototype) }, ['at'], /threw when it was read/],
    ['a Buffer', { b: Buffer.from('x') }, ['b'], /new Uint8Array\(buffer\)/],
    ['another typed array', { b: new Uint16Array(2) }, ['b'], /a Uint16Array/],
    ['a WeakMap', new Map([['k', new WeakMap()]]), ['k'], /a WeakMap/],
    ['a promise', { p: Promise.resolve(1) }, ['p'], /await it first/],
    ['an error', { e: new Error('x') }, ['e'], /name and message/],
    ['a RegExp', [/x/], [0], /a RegExp/],
    ['a boxed string', [Object('x')], [0], /a String/],
    ['a cycle', cyclic, ['list', 0, 'back'], /list\[0\]\.back: refers back/],
    ['a throwing getter', { a: { get b() { throw new Error('boom') } } }, ['a', 'b'], /threw when it was read \(boom\)/], // prettier-ignore
    ['a throwing getter beside a Date', { d: new Date(), get b() { throw 'no' } }, ['b'], /threw when it was read \("no"\)/], // prettier-ignore
    ['a hole', { list: hole }, ['list', 1], /holes/],
    ['holes only', new Array(3), [0], /holes/],
    ['a hole beside a member', Object.assign([1, , 3], { extra: 1 }), [1], /holes/], // eslint-disable-line no-sparse-arrays
    ['a member of an array', Object.assign([1], { extra: 1 }), ['extra'], /besides its elements/],
    [
      'a subclass of Array',
      new (class List extends Array {})(),
      [],
      /an array cannot be stored: it is of a class of its own/,
    ],
    ['a member of a Map', Object.assign(new Map(), { extra: 1 }), ['extra'], /of its own/],
    ['a hidden member', Object.defineProperty({}, 'secret', { value: 1 }), ['secret'], /not enumerable/],
    ['arguments', given(1), ['length'], /not enumerable/],
    ['a function as a Map key', new Map([[() => 1, 1]]), ['(a key)'], /function/],
    ['a function in a Set', [new Set([1, () => 1])], [0, 1], /function/],
    ['a revoked proxy', { p: proxy }, ['p'], /revoked/],
    ['nesting of 201', nested(201), new Array(200).fill(0), /more than 200 levels/],
  ]
  for (const [what, value, path, message] of cases) {
    it(what, () => {
      const found = refusal(value)
      expect(found.path).toEqual(path)
      expect(found.message).toMatch(message)
    })
  }

  it('a value that shared references make far too large, in bounded time', () => {
    let value: unknown = [1]
    for (let level = 0; level < 60; level += 1) value = [value, value]
    expect(refusal(value).message).toMatch(/more than 10000000 members/)
  })

  it('a text that no value makes is STORE_INVALID', () => {
    for (const text of ['', '{', '~', '~["$unheard of"]', '~["$n","x"]', 'undefined']) {
      expect(() => decode(text), text).toThrow(expect.objectContaining({ code: 'STORE_INVALID' }) as Error)
      try {
        decode(text)
      } catch (error) {
        expect(isPolarisError(error, 'STORE_INVALID')).toBe(true)
      }
    }
  })
})
