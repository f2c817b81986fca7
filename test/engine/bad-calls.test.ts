import { builder, Polaris, service, workflow } from 'polaris-workflow'
import type { DataStore, Datum } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import { eachStore, memory, strictMemory } from '../support/media.ts'
import { dataOf, expectUnknown, newLab, over, refusal, texts, thrown } from '../support/lab.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'

expectNoUnhandledRejections()

function world() {
  const [A, B] = texts('A', 'B')
  const lab = newLab()
  return { A, B, lab, w: workflow({ name: 'w', builders: [lab.step('b', [A], B)], target: B }) }
}

const badIds: Record<string, unknown> = {
  empty: '',
  blank: '   ',
  'blank in other ways': '\u00a0\u2003',
  '10,000 long': 'x'.repeat(10_000),
  '513 long': 'x'.repeat(513),
  'with NUL': 'a\0b',
  'with a line break': 'a\nb',
  'with DEL': 'a\u007f',
  'with a C1 control': 'a\u0085',
  'with a lone surrogate': 'a\ud800',
  'with surrogates the wrong way round': '\udc00\ud800',
  undefined: undefined,
  null: null,
  'a number': 17,
  'an object': { toString: () => 'i' },
  'a String object': Object('i'),
  'an array': ['i'],
  'a symbol': Symbol('i'),
}

const goodIds = [
  'x',
  'x'.repeat(512),
  '..',
  '../../etc/passwd',
  '/',
  '\\',
  "'; drop table instances; --",
  '"quoted"',
  '`',
  '%_',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'a:b|c*d?<e>',
  'дружба',
  '東京',
  'مرحبا',
  '👩‍👩‍👧‍👦',
  'é',
  'e\u0301',
  ' a ',
  'A',
  'a',
  '0',
  'null',
  '{}',
  '~["$u"]',
]

describe('ids', () => {
  for (const [name, id] of Object.entries(badIds)) {
    it(`ID_INVALID: ${name}`, async () => {
      const { A, w } = world()
      const polaris = over(strictMemory.medium().open(), w)
      const run = polaris.executor()
      const bad = id as string
      const { message } = await refusal(run.sequential(w, bad, A('a1')), 'ID_INVALID')
      expect(message.length).toBeLessThan(1000)
      await refusal(run.parallel(w, bad, A('a1')), 'ID_INVALID')
      await refusal(run.resume(w, bad), 'ID_INVALID')
      await refusal(polaris.get(bad), 'ID_INVALID')
      await refusal(polaris.history(bad), 'ID_INVALID')
      await refusal(polaris.explain(bad), 'ID_INVALID')
      expect((await polaris.list()).items).toEqual([])
      expect((await run.sequential(w, 'good', A('a1'))).status).toBe('completed')
    })
  }

  eachStore((kind) => {
    it('everything else is only text', async () => {
      const { A, w } = world()
      const medium = kind.medium()
      const polaris = over(medium.open(), w)
      for (const id of goodIds) await polaris.executor().sequential(w, id, A(`of ${id}`))
      const again = over(medium.open(), w)
      for (const id of goodIds) {
        expect(await dataOf(again, id)).toEqual({ A: `of ${id}`, B: `b(of ${id})` })
        expect(await again.history(id)).toHaveLength(2)
        expect((await again.get(id))?.id).toBe(id)
      }
      const pages: string[] = []
      for (let page = await again.list({ limit: 1 }); ; page = await again.list({ limit: 1, cursor: page.next })) {
        pages.push(...page.items.map(({ id }) => id))
        if (page.next === undefined) break
      }
      expect(pages.sort()).toEqual([...goodIds].sort())
      const { items } = await again.list()
      expect(items.map(({ id }) => id).sort()).toEqual([...goodIds].sort())
      expect(({} as Record<string, unknown>)['A']).toBeUndefined()
    })

    it('an unknown id is undefined to look at', async () => {
      const { w } = world()
      const polaris = over(kind.medium().open(), w)
      await expectUnknown(polaris, 'nobody')
      expect(await polaris.explain('nobody')).toBeUndefined()
      await refusal(polaris.executor().resume(w, 'nobody'), 'INSTANCE_NOT_FOUND')
    })
  })
})

describe('workflows and data that are not known', () => {
  eachStore((kind) => {
    it('unknown workflow, unregistered object, foreign and namesake data: the right code, nothing stored', async () => {
      const { A, w } = world()
      const other = world()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      const [Foreign] = texts('Foreign')
      await refusal(run.sequential('nope', 'i', A('a1')), 'WORKFLOW_NOT_FOUND')
      await refusal(run.sequential('__proto__', 'i', A('a1')), 'WORKFLOW_NOT_FOUND')
      await refusal(run.compute('nope', A('a1')), 'WORKFLOW_NOT_FOUND')
      await refusal(run.resume('nope', 'i'), 'WORKFLOW_NOT_FOUND')
      for (const odd of [other.w, undefined, null, {}, { name: 'w' }, 7, [w]]) {
        await refusal(run.sequential(odd as never, 'i', A('a1') as never), 'WORKFLOW_NOT_FOUND')
        await refusal(run.compute(odd as never, A('a1') as never), 'WORKFLOW_NOT_FOUND')
      }
      const unknown = await refusal(run.sequential('w', 'i', Foreign('f')), 'DATA_UNKNOWN')
      expect(unknown.message).toContain('Foreign')
      await refusal(run.sequential('w', 'i', A('a1'), Foreign('f')), 'DATA_UNKNOWN')
      await refusal(run.sequential('w', 'i', other.A('a1')), 'DATA_UNKNOWN')
      await refusal(run.compute('w', other.A('a1')), 'DATA_UNKNOWN')
      await expectUnknown(polaris, 'i')
      expect((await run.sequential('w', 'i', A('a1'))).status).toBe('completed')
    })

    it('what is no datum is DATA_INVALID, and nothing is stored', async () => {
      const { A, w } = world()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      const odd: unknown[] = [
        undefined,
        null,
        'A',
        7,
        {},
        { name: 'A', value: 'a1' },
        A,
        () => A('a1'),
        [A('a1')],
        Symbol('A'),
      ]
      odd.push(Promise.resolve(A('a1')), new Proxy({}, { get: () => undefined }))
      for (const each of odd) {
        await refusal(run.sequential(w, 'i', each as Datum<'A', string>), 'DATA_INVALID')
        await refusal(run.parallel(w, 'i', A('a1'), each as Datum<'A', string>), 'DATA_INVALID')
        await refusal(run.compute(w, each as Datum<'A', string>), 'DATA_INVALID')
      }
      await expectUnknown(polaris, 'i')
      expect((await run.sequential(w, 'i', A('a1'))).status).toBe('completed')
    })

    it('an instance of another workflow refuses the call, and stays as it is', async () => {
      const { A, w } = world()
      const [X, Y] = texts('X', 'Y')
      const v = workflow({ name: 'v', builders: [newLab().step('y', [X], Y)], target: Y })
      const polaris = over(kind.medium().open(), w, v)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a1'))
      const before = await polaris.get('i')
      await refusal(run.sequential(v, 'i', X('x1')), 'WORKFLOW_MISMATCH')
      await refusal(run.resume(v, 'i'), 'WORKFLOW_MISMATCH')
      expect((await polaris.get('i'))?.revision).toBe(before?.revision)
      expect((await run.sequential(v, 'j', X('x1'))).status).toBe('completed')
    })

    it('a graph that changed under one version is VERSION_CHANGED, and a version nobody serves VERSION_NOT_SERVED', async () => {
      const { A, B, lab, w } = world()
      const medium = kind.medium()
      await over(medium.open(), w).executor().sequential(w, 'i', A('a1'))
      const [C] = texts('C')
      const changed = workflow({ name: 'w', builders: [lab.step('b', [A], B), lab.step('c', [B], C)], target: C })
      await refusal(over(medium.open(), changed).executor().sequential(changed, 'i', A('a2')), 'VERSION_CHANGED')
      const second = workflow({ name: 'w', version: 2, builders: [lab.step('b', [A], B)], target: B })
      await refusal(over(medium.open(), second).executor().sequential(second, 'i', A('a2')), 'VERSION_NOT_SERVED')
      const both = over(medium.open(), w, second)
      expect(await both.history('i')).toHaveLength(2)
      expect(await both.executor().sequential(second, 'i', A('a2'))).toMatchObject({ version: 1, scope: 2 })
      expect(await both.executor().sequential(second, 'j', A('a2'))).toMatchObject({ version: 2 })
    })
  })
})

describe('options', () => {
  it('misspelt, unknown and wrong ones are refused', () => {
    const { w } = world()
    const polaris = over(memory.medium().open(), w)
    const run = polaris.executor()
    const withs: unknown[] = [
      ...[undefined, null, 'new', 7],
      ...[{ requestId: '' }, { requestId: 7 }, { request: 'r1' }, { Expect: 'new' }, { timeout: 1 }],
      ...[{ expect: 'maybe' }, { expect: true }, { expect: null }, { signal: {} }, { signal: new AbortController() }],
      ...[{ signal: null }, { meta: 'me' }, { meta: null }, { meta: ['me'] }, { meta: { big: 2n } }],
      ...[{ meta: { long: 'x'.repeat(20_000) } }, { meta: cyclic() }],
    ]
    for (const options of withs) thrown(() => run.with(options as never), 'OPTION_INVALID')
    for (const options of [null, 'x', { hooks: {} }, { concurency: 2 }]) {
      thrown(() => polaris.executor(options as never), 'OPTION_INVALID')
    }
    for (const options of [null, 'x', { stores: memoryStore() }, { hooks: {} }]) {
      thrown(() => new Polaris(options as never), 'OPTION_INVALID')
    }
  })

  for (const options of [
    { services: 'x' },
    { services: null },
    { clock: {} },
    { clock: 7 },
    { clock: null },
    { warm: -1 },
    { warm: 1.5 },
    { warm: 'x' },
    { lease: 99 },
    { lease: Infinity },
    { longestRun: 0 },
  ]) {
    it(`the constructor refuses ${JSON.stringify(options)}`, () => {
      thrown(() => new Polaris(options as never), 'OPTION_INVALID')
    })
  }

  it('a store must be one', () => {
    for (const store of [
      null,
      7,
      'app.db',
      {},
      { ...memoryStore(), write: undefined },
      { ...memoryStore(), capabilities: 1 },
    ]) {
      thrown(() => new Polaris({ store: store as DataStore }), 'STORE_INVALID')
    }
  })

  it('queries are checked', async () => {
    const { A, w } = world()
    const polaris = over(strictMemory.medium().open(), w)
    await polaris.executor().sequential(w, 'i', A('a1'))
    const queries = [
      null,
      7,
      { limit: 0 },
      { limit: 1001 },
      { limit: 1.5 },
      { limit: '10' },
      { order: 'asc' },
      { cursor: '%%' },
    ]
    for (const query of queries) await refusal(polaris.list(query as never), 'OPTION_INVALID')
    for (const query of [null, { limit: 0 }, { limit: 1001 }, { from: 3 }]) {
      await refusal(polaris.history('i', query as never), 'OPTION_INVALID')
    }
  })

  for (const query of [
    ...[{ workflow: 7 }, { version: '1' }, { status: 'done' }, { status: ['waiting', 'done'] }],
    ...[{ createdFrom: 'yesterday' }, { createdBefore: null }, { cursor: 7 }, { cursor: 'x' }, { order: 'id' }],
  ]) {
    it(`list refuses ${JSON.stringify(query)}`, async () => {
      await refusal(over(strictMemory.medium().open()).list(query as never), 'OPTION_INVALID')
    })
  }

  for (const after of [-1, 1.5, '1', null]) {
    it(`history refuses to begin after ${JSON.stringify(after)}`, async () => {
      await refusal(over(strictMemory.medium().open()).history('i', { after } as never), 'OPTION_INVALID')
    })
  }

  it('options of with add up, and do not change the executor they were called on', async () => {
    const { A, w } = world()
    const polaris = over(memory.medium().open(), w)
    const run = polaris.executor()
    const strict = run.with({ expect: 'existing' }).with({ meta: { who: 'me' } })
    await refusal(strict.sequential(w, 'i', A('a1')), 'INSTANCE_NOT_FOUND')
    await expectUnknown(polaris, 'i')
    await run.sequential(w, 'i', A('a1'))
    expect((await strict.sequential(w, 'i', A('a2'))).scope).toBe(2)
    await refusal(run.with({ expect: 'new' }).sequential(w, 'i', A('a3')), 'INSTANCE_EXISTS')
    expect((await run.with({ expect: 'new' }).sequential(w, 'j', A('a1'))).scope).toBe(1)
    expect(await polaris.history('i')).toHaveLength(5)
  })
})

describe('services', () => {
  it('one that nobody gave is refused at registration, and those given reach the builders that ask', async () => {
    const [A, B] = texts('A', 'B')
    const Greeting = service<{ text: string }>()('greeting')
    const b = builder({
      name: 'b',
      consumes: { a: A },
      services: { greet: Greeting },
      produces: B,
      process: ({ a }, { services }) => `${services.greet.text} ${a} ${Object.keys(services).join()}`,
    })
    const w = workflow({ name: 'w', builders: [b], target: B })
    thrown(() => new Polaris().register(w as never), 'SERVICE_MISSING')
    thrown(() => new Polaris({ services: { greeting: undefined } }).register(w as never), 'SERVICE_MISSING')
    const polaris = new Polaris({ services: { greeting: { text: 'hello' }, other: 1 } }).register(w)
    expect((await polaris.executor().compute(w, A('ada'))).target).toBe('hello ada greet')
  })
})

describe('a Polaris without a store, or closed', () => {
  it('without a store only compute works', async () => {
    const { A, w } = world()
    const polaris = new Polaris().register(w)
    const run = polaris.executor()
    await refusal(run.sequential(w, 'i', A('a1')), 'STORE_INVALID')
    await refusal(run.resume(w, 'i'), 'STORE_INVALID')
    await refusal(polaris.get('i'), 'STORE_INVALID')
    await refusal(polaris.list(), 'STORE_INVALID')
    await refusal(polaris.start(), 'STORE_INVALID')
    expect((await run.compute(w, A('a1'))).target).toBe('b(a1)')
    await polaris.close()
  })

  eachStore((kind) => {
    it('a closed one refuses everything with CLOSED, after finishing what was under way', async () => {
      const { A, w } = world()
      const medium = kind.medium()
      const polaris = over(medium.open(), w)
      const run = polaris.executor()
      const calls = [1, 2, 3].map((n) => run.sequential(w, 'i', A(`a${n}`)))
      const closing = polaris.close()
      expect((await Promise.all(calls)).map(({ scope }) => scope)).toEqual([1, 2, 3])
      await closing
      await polaris.close()
      await refusal(run.sequential(w, 'i', A('a4')), 'CLOSED')
      await refusal(run.resume(w, 'i'), 'CLOSED')
      await refusal(polaris.get('i'), 'CLOSED')
      await refusal(polaris.history('i'), 'CLOSED')
      await refusal(polaris.explain('i'), 'CLOSED')
      await refusal(polaris.list(), 'CLOSED')
      await refusal(polaris.start(), 'CLOSED')
      expect(() => polaris.worker()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
      expect((await over(medium.open(), w).get('i'))?.scopes).toBe(3)
    })
  })
})

describe('registering', () => {
  it('the same object twice is harmless; two graphs of one version, and what is no workflow, are refused', () => {
    const { A, B, lab, w } = world()
    const polaris = over(memory.medium().open(), w).register(w)
    expect(polaris.workflows).toEqual([w])
    expect(polaris.workflows[0]).toBe(w)
    const [C] = texts('C')
    const changed = workflow({ name: 'w', builders: [lab.step('b', [A], B), lab.step('c', [B], C)], target: C })
    thrown(() => polaris.register(changed), 'GRAPH_INVALID')
    for (const odd of [undefined, null, {}, { name: 'w', version: 1, plan: w.plan }, 'w']) {
      thrown(() => polaris.register(odd as never), 'WORKFLOW_NOT_FOUND')
    }
  })
})

function cyclic(): object {
  const value: Record<string, unknown> = {}
  value['self'] = value
  return value
}
