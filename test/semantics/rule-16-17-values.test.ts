import { type as ark } from 'arktype'
import { builder, data, DataError, Polaris, type, workflow } from 'polaris-workflow'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eachStore, memory } from '../support/media.ts'
import {
  dataOf,
  deferred,
  expectUnknown,
  failure,
  newLab,
  over,
  refusal,
  texts,
  thrown,
  turns,
} from '../support/lab.ts'

describe('rule 16: what process sees', () => {
  eachStore((kind) => {
    it('rule 16: exactly what it declared, by its own keys', async () => {
      const [A, O, X, Y, R] = texts('A', 'O', 'X', 'Y', 'R')
      const seen: Record<string, unknown>[] = []
      const r = builder({
        name: 'r',
        consumes: { one: A },
        optionals: { maybe: O },
        accesses: { look: X },
        produces: R,
        process(input) {
          seen.push({ ...input })
          expect(input.maybe === undefined || typeof input.maybe === 'string').toBe(true)
          expect((input as Record<string, unknown>)['A']).toBeUndefined()
          expect((input as Record<string, unknown>)['other']).toBeUndefined()
          return 'r'
        },
      })
      const w = workflow({ name: 'w', builders: [r, newLab().step('y', [Y], texts('Z')[0])], target: R })
      const run = over(kind.medium().open(), w).executor()
      await run.sequential(w, 'i', A('a1'), Y('y1'))
      await run.sequential(w, 'i', O('o1'), X('x1'))
      const present = seen.map((input) =>
        Object.fromEntries(Object.entries(input).filter(([, value]) => value != null)),
      )
      expect(present).toEqual([{ one: 'a1' }, { one: 'a1', maybe: 'o1', look: 'x1' }])
      for (const input of seen) expect(['look', 'maybe', 'one']).toEqual(expect.arrayContaining(Object.keys(input)))
    })
  })

  it('rule 16: keys such as constructor and toString are only names; __proto__, which cannot be one, is refused', async () => {
    const [A, B, C, R] = texts('A', 'B', 'C', 'R')
    const seen: object[] = []
    const define = (first: string) =>
      builder({
        name: 'r',
        consumes: { [first]: A, constructor: B, toString: C },
        produces: R,
        process(input: object) {
          seen.push(Object.entries(input))
          return 'r'
        },
      } as never)
    thrown(() => define('__proto__'), 'GRAPH_INVALID')
    const w = workflow({ name: 'w', builders: [define('hasOwnProperty')], target: R as never })
    await over(memory.medium().open(), w).executor().sequential('w', 'i', A('a'), B('b'), C('c'))
    expect(seen).toEqual([
      [
        ['hasOwnProperty', 'a'],
        ['constructor', 'b'],
        ['toString', 'c'],
      ],
    ])
  })
})

const schemaOf = (validate: (value: unknown) => unknown): StandardSchemaV1<unknown, unknown> =>
  ({ '~standard': { version: 1, vendor: 'test', validate } }) as never

describe('rule 17: validation', () => {
  eachStore((kind) => {
    it('rule 17: the schema`s output is what is stored and what readers get', async () => {
      const Fed = data('Fed', z.object({ at: z.coerce.date(), tags: z.array(z.string()).default([]) }))
      const Made = data('Made', z.object({ name: z.string().trim(), at: z.coerce.date() }))
      const seen: unknown[] = []
      const b = builder({
        name: 'b',
        consumes: { fed: Fed },
        produces: Made,
        process({ fed }) {
          seen.push(fed)
          return { name: '  Ada ', at: '2020-01-02' }
        },
      })
      const w = workflow({ name: 'w', builders: [b], target: Made })
      const medium = kind.medium()
      const polaris = over(medium.open(), w)
      const result = await polaris.executor().sequential(w, 'i', Fed({ at: '2020-01-01' }))
      const fed = { at: new Date('2020-01-01'), tags: [] }
      const made = { name: 'Ada', at: new Date('2020-01-02') }
      expect(seen).toEqual([fed])
      expect(result.target).toEqual(made)
      expect(result.latest(Fed)).toEqual(fed)
      for (const process of [polaris, over(medium.open(), w)]) {
        expect(await dataOf(process, 'i')).toEqual({ Fed: fed, Made: made })
        expect((await process.history('i')).map(({ value }) => value)).toEqual([fed, made])
      }
    })

    it('rule 17: valibot and arktype do as well', async () => {
      const Fed = data('Fed', v.object({ n: v.pipe(v.string(), v.trim()) }))
      const Made = data('Made', ark({ n: 'string > 0' }))
      const b = builder({ name: 'b', consumes: { fed: Fed }, produces: Made, process: ({ fed }) => ({ n: fed.n }) })
      const w = workflow({ name: 'w', builders: [b], target: Made })
      const run = over(kind.medium().open(), w).executor()
      expect((await run.sequential(w, 'i', Fed({ n: ' x ' }))).target).toEqual({ n: 'x' })
      await refusal(run.sequential(w, 'i', Fed.untyped({ n: 1 })), 'DATA_INVALID')
      await failure(run.sequential(w, 'i', Fed({ n: ' ' })), 'PRODUCT_INVALID')
    })

    it('rule 17: a refused datum names its data and every issue with its path, and nothing is stored', async () => {
      const Fed = data('Fed', z.object({ a: z.number(), list: z.array(z.object({ b: z.string() })) }))
      const [A, B] = texts('A', 'B')
      const w = workflow({
        name: 'w',
        builders: [builder({ name: 'b', consumes: { fed: Fed, a: A }, produces: B, process: () => 'b' })],
        target: B,
      })
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      const bad = Fed.untyped({ a: 'x', list: [{ b: 'fine' }, { b: 1 }] })
      const error = await refusal(run.sequential(w, 'i', A('a1'), bad), 'DATA_INVALID')
      expect(error).toBeInstanceOf(DataError)
      expect((error as DataError).data).toBe('Fed')
      expect((error as DataError).issues.map(({ path }) => path)).toEqual([['a'], ['list', 1, 'b']])
      expect(error.message).toContain('Fed')
      expect(error.message).toContain('list[1].b')
      await expectUnknown(polaris, 'i')
      // The delta is checked whole, whatever the order, also on an instance that is there.
      await run.sequential(w, 'i', A('a1'))
      const before = await polaris.get('i')
      for (const delta of [
        [A('a2'), bad],
        [bad, A('a2')],
      ]) {
        await refusal(run.sequential(w, 'i', ...delta), 'DATA_INVALID')
        await refusal(run.parallel(w, 'i', ...delta), 'DATA_INVALID')
      }
      expect(await polaris.get('i')).toMatchObject({ revision: before?.revision, data: { A: 'a1' } })
      expect(await polaris.history('i')).toHaveLength(1)
      expect((await run.sequential(w, 'i', Fed({ a: 1, list: [] }))).status).toBe('completed')
    })

    for (const [what, validate] of [
      [
        'throws',
        () => {
          throw new Error('broken schema')
        },
      ],
      [
        'throws undefined',
        () => {
          throw undefined
        },
      ],
      ['rejects', () => Promise.reject(new Error('broken schema'))],
      ['rejects with null', () => Promise.reject(null)],
      ['returns nothing', () => undefined],
      ['returns null', () => null],
      ['returns a text', () => 'fine'],
      ['resolves with rubbish', () => Promise.resolve(7)],
      ['gives undefined', () => ({ value: undefined })],
      ['gives an issue later', async () => ({ issues: [{ message: 'no' }] })],
      ['gives issues that are no list', () => ({ issues: 'no' })],
      ['gives issues that are no list, later', async () => ({ issues: 'no' })],
      ['gives issues that are none', async () => ({ issues: [null] })],
      ['gives no issue, but an empty list of them', () => ({ issues: [] })],
      ['gives odd paths', async () => ({ issues: [{ message: 7, path: [null, Symbol('s'), {}] }, { path: 'a' }] })],
      [
        'gives issues that cannot be read, later',
        async () => ({
          get issues() {
            throw new Error('do not look')
          },
        }),
      ],
      [
        'gives a value that cannot be read, later',
        async () => ({
          get value() {
            throw new Error('do not look')
          },
        }),
      ],
      ['gives issues without end', () => ({ issues: [{ message: 'no', path: ['a', { key: 'b' }, 3] }] })],
      [
        'returns a thenable that throws',
        () => ({
          then() {
            throw new Error('broken thenable')
          },
        }),
      ],
    ] as const) {
      it(`rule 17: a schema that ${what}: DATA_INVALID for what is fed, PRODUCT_INVALID for a product`, async () => {
        let bad = true
        const odd = schemaOf((value) => (bad ? validate() : { value }))
        const Fed = data('Fed', odd)
        const Made = data('Made', odd)
        const [A, B] = texts('A', 'B')
        const builders = [
          builder({ name: 'b', consumes: { a: A }, optionals: { fed: Fed }, produces: B, process: () => 'b' }),
          builder({ name: 'm', consumes: { b: B }, produces: Made, process: () => 'm' }),
        ]
        const w = workflow({ name: 'w', builders, target: Made })
        const polaris = over(kind.medium().open(), w)
        const run = polaris.executor()
        await refusal(run.sequential(w, 'i', A('a1'), Fed('f')), 'DATA_INVALID')
        await expectUnknown(polaris, 'i')
        await refusal(run.compute(w, A('a1'), Fed('f')), 'DATA_INVALID')
        const error = await failure(run.sequential(w, 'i', A('a1')), 'PRODUCT_INVALID')
        expect(error.builder).toBe('m')
        expect(error.result.get(B)).toBe('b')
        expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1', B: 'b' })
        expect((await polaris.get('i'))?.status).toBe('failed')
        bad = false
        expect((await run.resume(w, 'i')).target).toBe('m')
        expect((await run.sequential(w, 'i', Fed('f'))).latest(Fed)).toBe('f')
      })
    }

    it('rule 17: async schemas are awaited, and calls on one id keep their order meanwhile', async () => {
      const gate = deferred()
      const [A] = texts('A')
      const Slow = data(
        'Slow',
        schemaOf((value) => gate.promise.then(() => ({ value: `${value as string}!` }))),
      )
      const B = data(
        'B',
        schemaOf((value) => Promise.resolve({ value: [value] })),
      )
      const b = builder({
        name: 'b',
        consumes: { slow: Slow },
        optionals: { a: A },
        produces: B,
        process: (i) => i.slow,
      })
      const w = workflow({ name: 'w', builders: [b], target: B })
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      const ends: string[] = []
      const first = run.sequential(w, 'i', Slow('s')).finally(() => ends.push('first'))
      const second = run.sequential(w, 'i', A('a')).finally(() => ends.push('second'))
      await turns()
      expect(ends).toEqual([])
      gate.resolve()
      expect((await first).target).toEqual(['s!'])
      expect((await second).scope).toBe(2)
      expect(ends).toEqual(['first', 'second'])
    })

    it('rule 17: two data of one name in one delta are refused', async () => {
      const [A, B] = texts('A', 'B')
      const w = workflow({ name: 'w', builders: [newLab().step('b', [A], B)], target: B })
      const polaris = over(kind.medium().open(), w)
      const error = await refusal(polaris.executor().sequential(w, 'i', A('a1'), A('a2')), 'DATA_INVALID')
      expect(error.message).toContain('A')
      await refusal(polaris.executor().sequential(w, 'i', A('a1'), A('a1')), 'DATA_INVALID')
      await expectUnknown(polaris, 'i')
    })

    it('rule 17: null is a value, undefined is none', async () => {
      const A = data('A', type<null | string>())
      const B = data('B', type<null>())
      const b = builder({ name: 'b', consumes: { a: A }, produces: B, process: ({ a }) => a as null })
      const w = workflow({ name: 'w', builders: [b], target: B })
      const medium = kind.medium()
      const polaris = over(medium.open(), w)
      await refusal(polaris.executor().sequential(w, 'i', A.untyped(undefined)), 'DATA_INVALID')
      await expectUnknown(polaris, 'i')
      const result = await polaris.executor().sequential(w, 'i', A(null))
      expect(result).toMatchObject({ status: 'completed', target: null, targetName: 'B' })
      expect(result.require(B)).toBeNull()
      expect(await dataOf(over(medium.open(), w), 'i')).toEqual({ A: null, B: null })
    })
  })

  it('rule 17: transients are validated like all others', async () => {
    const M = data('M', z.number().positive())
    const [A, T] = texts('A', 'T')
    const builders = [
      builder({ name: 'm', consumes: { a: A }, produces: M, process: () => -1 }),
      builder({ name: 't', consumes: { m: M }, produces: T, process: () => 't' }),
    ]
    const w = workflow({ name: 'w', builders, target: T, transients: [M] })
    const run = new Polaris({ store: memory.medium().open() }).register(w).executor()
    await failure(run.sequential(w, 'i', A('a')), 'PRODUCT_INVALID')
    await refusal(run.sequential(w, 'i', M(-2)), 'DATA_INVALID')
  })

  it('rule 17: a product`s refusal is a BuilderError that names the builder, the data and the place', async () => {
    const [A] = texts('A')
    const B = data('B', z.object({ fare: z.number() }))
    const b = builder({ name: 'b', consumes: { a: A }, produces: B, process: () => ({ fare: 'x' }) as never })
    const w = workflow({ name: 'w', builders: [b], target: B })
    const error = await failure(over(memory.medium().open(), w).executor().compute(w, A('a')), 'PRODUCT_INVALID')
    expect(error.builder).toBe('b')
    for (const word of ['b', 'B', 'fare']) expect(error.message).toContain(word)
  })
})
