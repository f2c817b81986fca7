import { builder, data, nothing, workflow } from 'polaris-workflow'
import type { PolarisError } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eachStore, memory, strictMemory } from '../support/media.ts'
import { dataOf, deferred, failure, over, texts } from '../support/lab.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'

expectNoUnhandledRejections()

const Shaped = data('Shaped', z.object({ n: z.number() }))
const [A, B, T] = texts('A', 'B', 'T')

/** `b` before, `odd` in question, `t` after. */
function world(odd: () => unknown) {
  let run = 0
  const builders = [
    builder({ name: 'b', consumes: { a: A }, produces: B, process: ({ a }) => `b(${a})` }),
    builder({
      name: 'odd',
      consumes: { b: B },
      produces: Shaped,
      process: () => (++run === 1 ? odd() : { n: 1 }) as never,
    }),
    builder({ name: 't', consumes: { shaped: Shaped }, produces: T, process: ({ shaped }) => `t(${shaped.n})` }),
  ]
  return workflow({ name: 'w', builders, target: T })
}

const hostile = (): Error => {
  const error = new Error('x')
  // The stack first: it is made of the message when it is first touched.
  for (const key of ['stack', 'message', 'name', 'code', 'cause']) {
    Object.defineProperty(error, key, {
      get() {
        throw new Error(`no ${key} for you`)
      },
    })
  }
  return error
}
const selfCaused = (): Error => {
  const error = new Error('loop')
  error.cause = error
  return error
}
class Odd extends Error {
  override get message(): string {
    throw new Error('no message')
  }
}
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const throwing = (value: unknown) => () => {
  throw value
}
const odd = (name: string, value: unknown): [string, unknown] => [name, value]

const thrown = [
  ...[odd('undefined', undefined), odd('null', null), odd('a text', 'a text'), odd('an empty text', '')],
  ...[odd('a number', 7), odd('NaN', NaN), odd('false', false), odd('a bigint', 3n), odd('a symbol', Symbol('s'))],
  ...[
    odd('a function', () => 1),
    odd('an object', { message: 7 }),
    odd('a null-prototype object', Object.create(null)),
  ],
  ...[odd('a frozen error', Object.freeze(new Error('frozen'))), odd('an error without a message', new Error())],
  ...[odd('an error whose getters throw', hostile()), odd('an error class whose message throws', new Odd())],
  ...[odd('an error with odd members', Object.assign(new Error('x'), { name: {}, message: Symbol('m'), code: {} }))],
  ...[
    odd('a revoked proxy', revoked()),
    odd('a promise', Promise.resolve(1)),
    odd('a very long text', 'x'.repeat(100_000)),
  ],
  ...[odd('an error with NUL and lone surrogates', new Error('a\0b\ud800'))],
  ...[odd('an error that is its own cause', selfCaused())],
]

const returned: [string, () => unknown][] = [
  ['the wrong shape', () => ({ n: 'x' })],
  ['nothing at all', () => undefined],
  ['a promise of undefined', async () => undefined],
  ['a promise of the wrong shape', async () => ({})],
  ['null', () => null],
  ['a data instead of a value', () => Shaped],
  ['a datum instead of a value', () => Shaped({ n: 1 })],
  ['a thenable that resolves with the wrong shape', () => ({ then: (yes: (v: unknown) => void) => yes('x') })],
]

const rejected: [string, () => unknown][] = [
  ['a promise that rejects with undefined', () => Promise.reject(undefined)],
  ['a promise that rejects with null', () => Promise.reject(null)],
  ['a thenable that throws', () => ({ then: throwing(new Error('then')) })],
  ['a thenable that throws undefined', () => ({ then: throwing(undefined) })],
  [
    'a thenable that rejects twice',
    () => ({
      then(_: unknown, no: (e: unknown) => void) {
        no(new Error('one'))
        no(new Error('two'))
      },
    }),
  ],
  ['a revoked proxy', revoked],
  ['a proxy of a promise', () => new Proxy(Promise.resolve({ n: 1 }), {})],
  ['a proxy that hides what it is', () => new Proxy({}, { getPrototypeOf: throwing(new Error('do not ask')) })],
  [
    'something whose then throws when it is read',
    () => ({
      get then() {
        throw new Error('do not look')
      },
    }),
  ],
]

describe('what builders throw', () => {
  eachStore((kind) => {
    async function check(how: () => unknown, code: 'BUILDER_FAILED' | 'PRODUCT_INVALID') {
      for (const mode of ['sequential', 'parallel'] as const) {
        const w = world(how)
        const medium = kind.medium()
        const polaris = over(medium.open(), w)
        const error = await failure(polaris.executor()[mode](w, 'i', A('a1')), code)
        expect(error.builder).toBe('odd')
        expect(error.message).toBeTypeOf('string')
        expect(error.message).toContain('odd')
        expect(error.result.status).toBe('failed')
        expect(error.result.get(B)).toBe('b(a1)')
        expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1', B: 'b(a1)' })
        const view = (await over(medium.open(), w).get('i'))!
        expect(view).toMatchObject({ status: 'failed', failure: { builder: 'odd' } })
        expect(view.failure?.message).toBeTypeOf('string')
        const explained = (await polaris.explain('i'))!.builders.find(({ name }) => name === 'odd')
        expect(explained).toMatchObject({ state: 'failed' })
        expect((await over(medium.open(), w).executor().resume(w, 'i')).target).toBe('t(1)')
        expect((await polaris.get('i'))?.failure).toBeUndefined()
      }
      const w = world(how)
      const error = await failure(over(kind.medium().open(), w).executor().compute(w, A('a1')), code)
      expect(error.result.get(B)).toBe('b(a1)')
      return error
    }

    for (const [name, value] of thrown) {
      it(`BUILDER_FAILED, and nothing else comes of it: ${name}, at once and later`, async () => {
        expect((await check(throwing(value), 'BUILDER_FAILED')).cause).toBe(value)
        expect((await check(() => Promise.reject(value), 'BUILDER_FAILED')).cause).toBe(value)
      })
    }
    for (const [name, how] of rejected) {
      it(`BUILDER_FAILED: ${name}`, { timeout: 3000 }, async () => {
        await check(how, 'BUILDER_FAILED')
      })
    }
    for (const [name, how] of returned) {
      it(`PRODUCT_INVALID: ${name}`, async () => {
        await check(how, 'PRODUCT_INVALID')
      })
    }
  })

  it('a thenable that resolves twice, or resolves and throws, has resolved once', async () => {
    const twice = { then: (yes: (v: unknown) => void) => (yes({ n: 5 }), yes({ n: 6 })) }
    const andThrows = {
      then(yes: (v: unknown) => void) {
        yes({ n: 5 })
        throw new Error('late')
      },
    }
    const andRejects = {
      then: (yes: (v: unknown) => void, no: (e: unknown) => void) => (yes({ n: 5 }), no(new Error('late'))),
    }
    for (const thenable of [twice, andThrows, andRejects]) {
      const w = world(() => thenable)
      const result = await over(memory.medium().open(), w).executor().sequential(w, 'i', A('a1'))
      expect(result.target).toBe('t(5)')
      expect(result.produced).toHaveLength(3)
    }
  })

  // Builders that wait one after the other share what they wait with, so the second answer would be the next one's.
  it('a promise that answers twice has answered once, also while the next builder waits', async () => {
    const promise = Object.assign(Promise.resolve({ n: 7 }), {
      then(yes: (v: unknown) => void) {
        void Promise.resolve().then(() => (yes({ n: 5 }), yes('second')))
      },
    })
    const odd = builder({ name: 'odd', consumes: { a: A }, produces: Shaped, process: () => promise as never })
    const slow = async ({ shaped }: { readonly shaped: { readonly n: number } }): Promise<string> => {
      await new Promise(setImmediate)
      return `t(${shaped.n})`
    }
    const t = builder({ name: 't', consumes: { shaped: Shaped }, produces: T, process: slow })
    for (const mode of ['sequential', 'parallel'] as const) {
      const w = workflow({ name: 'w', builders: [odd, t], target: T })
      const result = await over(memory.medium().open(), w).executor()[mode](w, 'i', A('a1'))
      expect(result.target).toBe('t(5)')
    }
  })

  for (const [what, because] of [
    ['a null-prototype object', Object.create(null) as unknown],
    ['a symbol', Symbol('s')],
    ['what has no text', { toString: throwing(new Error('no text')) }],
    ['a number', 7],
  ] as const) {
    it(`a reason that is ${what} holds nothing up`, { timeout: 3000 }, async () => {
      for (const mode of ['sequential', 'parallel'] as const) {
        const w = world(async () => nothing(because as never))
        const polaris = over(strictMemory.medium().open(), w)
        const run = polaris.executor()
        const code = await run[mode](w, 'i', A('a1')).then(
          ({ status }) => status,
          (error: PolarisError) => error.code,
        )
        expect(['waiting', 'PRODUCT_INVALID', 'BUILDER_FAILED']).toContain(code)
        expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1', B: 'b(a1)' })
      }
    })
  }

  it('a builder that never answers holds up its own id only', async () => {
    const gate = deferred<{ n: number }>()
    const w = world(() => gate.promise)
    const polaris = over(memory.medium().open(), w)
    const ends: string[] = []
    const call = polaris
      .executor()
      .sequential(w, 'i', A('a1'))
      .then(() => ends.push('i'))
    expect((await polaris.executor().sequential(w, 'j', A('a1'))).target).toBe('t(1)')
    expect(ends).toEqual([])
    gate.resolve({ n: 2 })
    await call
    expect((await polaris.get('i'))?.latest(T)).toBe('t(2)')
  })
})
