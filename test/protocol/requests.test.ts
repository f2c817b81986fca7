import { BuilderError, data, type, workflow } from 'polaris-workflow'
import type { Polaris } from 'polaris-workflow'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { deferred, failure, newLab, refusal, texts, until } from '../support/lab.ts'
import { eachStore } from '../support/media.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'
import { auditAfterEach, eventually, newBench } from './bench.ts'

expectNoUnhandledRejections()
auditAfterEach()

const [A, X, T] = texts('A', 'X', 'T')
/** Everything a result says, as a log or an HTTP answer has it. */
const plain = (result: unknown): unknown => JSON.parse(JSON.stringify(result))
const named = (polaris: Polaris, requestId = 'r1') => polaris.executor().with({ requestId })

function world() {
  const lab = newLab()
  const does = (made: string): string => {
    if (made.includes('bad')) throw Object.assign(new TypeError('down'), { code: 'E_DOWN' })
    return made
  }
  const w = workflow({ name: 'w', builders: [lab.step('t', [A], T, { optionals: [X], does })], target: T })
  return { lab, w }
}

eachStore((kind) => {
  it('rule 26, G4: a request sent again after its end is answered from its record, also by another process', async () => {
    const { lab, w } = world()
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    const first = await named(one).sequential(w, 'i', A('a1'))
    await one.executor().sequential(w, 'i', X('x2'))
    expect(lab.look()).toEqual(['t', 't'])
    for (const polaris of [one, two, bench.process()]) {
      const again = await named(polaris).sequential(w, 'i', A('a1'))
      expect(plain(again)).toEqual(plain(first))
      expect([again.target, again.get(T), again.latest(T), again.latest(X), again.scope]).toEqual(
        // As it stood when the scope ended, whatever came since.
        ['t(a1,-)', 't(a1,-)', 't(a1,-)', undefined, 1],
      )
    }
    expect(lab.look()).toEqual([])
    expect(await one.history('i')).toHaveLength(4)
  })

  it('rule 26: the same request many times at once, from two processes: one scope, and all get its result', async () => {
    const { lab, w } = world()
    const bench = newBench(kind, w)
    const two = [bench.process(), bench.process()]
    await two[0]!.executor().sequential(w, 'old', A('a0'))
    lab.look()
    for (const id of ['old', 'new']) {
      const calls = Array.from({ length: 10 }, (_, i) =>
        named(two[i % 2]!)[i % 3 === 0 ? 'parallel' : 'sequential'](w, id, A('a1')),
      )
      const ends = await Promise.all(calls)
      expect(new Set(ends.map((end) => JSON.stringify(end)))).toHaveLength(1)
      expect(ends[0]).toMatchObject({ target: 't(a1,-)', scope: id === 'old' ? 2 : 1 })
      expect(lab.look()).toEqual(['t'])
    }
  })

  it('rule 26: sent again while its scope runs in another process, it waits for that scope', async () => {
    const lab = newLab()
    const gate = deferred()
    const does = (made: string): unknown => gate.promise.then(() => made)
    const w = workflow({ name: 'w', builders: [lab.step('t', [A], T, { does })], target: T })
    const bench = newBench(kind, w)
    const first = named(bench.process()).sequential(w, 'i', A('a1'))
    await eventually(() => lab.ran.length === 1, 'the scope')
    const again = named(bench.process()).sequential(w, 'i', A('a1'))
    const other = refusal(named(bench.process()).sequential(w, 'i', A('other')), 'REQUEST_CONFLICT')
    await other
    gate.resolve()
    expect(plain(await again)).toEqual(plain(await first))
    expect(lab.ran).toEqual(['t'])
  })

  it('rule 26, P9: after a failure the same error again: code, message, builder, cause, and what came before', async () => {
    const { lab, w } = world()
    const bench = newBench(kind, w)
    const one = bench.process()
    const thrown = await failure(named(one).sequential(w, 'i', A('bad')))
    lab.look()
    for (const polaris of [one, bench.process()]) {
      const again = await failure(named(polaris).sequential(w, 'i', A('bad')))
      expect(again).toBeInstanceOf(BuilderError)
      expect([again.message, again.builder, again.id]).toEqual([thrown.message, 't', 'i'])
      expect(again.cause).toMatchObject({ name: 'TypeError', message: 'down', code: 'E_DOWN' })
      expect(again.result).toMatchObject({ status: 'failed', scope: 1, produced: [] })
      expect(again.result.latest(A)).toBe('bad')
    }
    expect(lab.look()).toEqual([])
  })

  it('rule 26: expect new, and the instance is there only because of this very request', async () => {
    const { w } = world()
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    const first = await one.executor().with({ requestId: 'r1', expect: 'new' }).sequential(w, 'i', A('a1'))
    for (const polaris of [one, two]) {
      const run = polaris.executor().with({ requestId: 'r1', expect: 'new' })
      expect(plain(await run.sequential(w, 'i', A('a1')))).toEqual(plain(first))
      expect(await run.submit(w, 'i', A('a1'))).toEqual({ id: 'i', scope: 1 })
      await refusal(run.with({ requestId: 'r2' }).sequential(w, 'i', A('a1')), 'INSTANCE_EXISTS')
    }
  })

  it('rule 26: the same request with other content is refused, and leaves no trace', async () => {
    const { lab, w } = world()
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    await named(one).sequential(w, 'i', A('a1'))
    const { revision } = await bench.header('i')
    lab.look()
    for (const polaris of [one, two]) {
      await refusal(named(polaris).sequential(w, 'i', A('a2')), 'REQUEST_CONFLICT')
      await refusal(named(polaris).sequential(w, 'i', X('a1')), 'REQUEST_CONFLICT')
      await refusal(named(polaris).sequential(w, 'i', A('a1'), X('x1')), 'REQUEST_CONFLICT')
      await refusal(named(polaris).submit(w, 'i', A('a2')), 'REQUEST_CONFLICT')
    }
    expect((await bench.header('i')).revision).toBe(revision)
    expect(lab.look()).toEqual([])
  })

  it('rule 26: a request is one within its instance: the same name elsewhere is another', async () => {
    const { lab, w } = world()
    const bench = newBench(kind, w)
    const polaris = bench.process()
    expect((await named(polaris).sequential(w, 'i', A('a1'))).target).toBe('t(a1,-)')
    expect((await named(polaris).sequential(w, 'j', A('a2'))).target).toBe('t(a2,-)')
    expect(lab.look()).toEqual(['t', 't'])
  })

  it('rule 26: the same request to another workflow is no duplicate of it, but WORKFLOW_MISMATCH', async () => {
    const { w } = world()
    const v = workflow({ name: 'v', builders: [newLab().step('t', [A], T)], target: T })
    const bench = newBench(kind, w, v)
    const [one, two] = [bench.process(), bench.process()]
    await named(one).sequential(w, 'i', A('a1'))
    for (const polaris of [one, two]) {
      await refusal(named(polaris).sequential(v, 'i', A('a1')), 'WORKFLOW_MISMATCH')
      await refusal(named(polaris).submit(v, 'i', A('a1')), 'WORKFLOW_MISMATCH')
      expect(await named(polaris).submit(w, 'i', A('a1'))).toEqual({ id: 'i', scope: 1 })
    }
  })

  it('P14: what counts is the raw input: neither what a schema makes of it, nor the order of members or data', async () => {
    let now = 0
    const Order = data('Order', z.object({ item: z.string(), n: z.number(), at: z.number().default(() => ++now) }))
    const lab = newLab()
    const w = workflow({ name: 'w', builders: [lab.step('t', [Order as never, X], T)], target: T })
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    const first = await named(one).sequential(w, 'i', Order({ item: 'tea', n: 2 }) as never, X('x1'))
    const again = await named(two).sequential(w, 'i', X('x1'), Order({ n: 2, item: 'tea' }) as never)
    expect(plain(again)).toEqual(plain(first))
    const conflict = named(two).sequential(w, 'i', X('x1'), Order({ n: 3, item: 'tea' }) as never)
    await refusal(conflict, 'REQUEST_CONFLICT')
    expect(lab.ran).toEqual(['t'])
  })

  it('P14: values that differ only in what JSON does not tell apart are different content', async () => {
    const V = data('V', type<unknown>())
    const w = workflow({
      name: 'w',
      builders: [newLab().step('t', [V as never], T, { does: () => 'made' })],
      target: T,
    })
    const bench = newBench(kind, w)
    const polaris = bench.process()
    const values = [0, -0, '0', 0n, new Date(0), new Date(0).toJSON(), [0], new Set([0]), new Map([[0, 0]]), null, NaN]
    for (const [i, value] of values.entries()) {
      await named(polaris, `r${i}`).sequential('w', 'i', V(value))
    }
    for (const [i] of values.entries()) {
      for (const [j, other] of values.entries()) {
        const call = named(polaris, `r${i}`).sequential('w', 'i', V(other))
        if (i === j) expect((await call).scope).toBe(i + 1)
        else await refusal(call, 'REQUEST_CONFLICT')
      }
    }
  })

  it('P14: a value that no later process could compare is refused under a request id, before anything is stored', async () => {
    const F = data('F', type<unknown>())
    const w = workflow({
      name: 'w',
      builders: [newLab().step('t', [F as never], T)],
      target: T,
      transients: [F as never],
    })
    const polaris = newBench(kind, w).process()
    await refusal(
      named(polaris).sequential(
        'w',
        'i',
        F(() => 1),
      ),
      'DATA_INVALID',
    )
    await refusal(named(polaris).sequential('w', 'i', F(Symbol('s'))), 'DATA_INVALID')
    expect(await polaris.get('i')).toBeUndefined()
    expect((await polaris.executor().sequential('w', 'i', F(() => 1) as never)).status).toBe('completed')
  })

  for (const how of ['unsent', 'answer lost'] as const) {
    it(`rule 26, G1: its process was killed at any of its commits (${how}): sent again it is handled once`, async () => {
      const ends: unknown[] = []
      for (let fatal = 1; fatal <= 3; fatal++) {
        const lab = newLab()
        const B = texts('B')[0]
        const builders = [lab.step('b', [A], B), lab.step('t', [B], T)]
        const w = workflow({ name: 'w', builders, target: T })
        const bench = newBench(kind, w)
        const victim = bench.dying(fatal, how)
        void named(victim.polaris).sequential(w, 'i', A('a1'))
        await victim.death
        const again = named(bench.process()).sequential(w, 'i', A('a1'))
        await kind.endLeases()
        const { scope, target } = await again
        ends.push([scope, target])
        const history = await bench.process().history('i')
        expect(history.filter(({ outcome }) => outcome === 'fed')).toHaveLength(1)
        expect(history.filter(({ outcome }) => outcome === 'produced')).toHaveLength(2)
      }
      expect(ends).toEqual(Array.from({ length: 3 }, () => [1, 't(b(a1))']))
    })
  }

  it('rule 26: an answer is forgotten after keepRequests, and then the request is a new one', async () => {
    const { lab, w } = world()
    const bench = newBench(kind, w)
    const polaris = bench.process()
    await named(polaris).sequential(w, 'i', A('a1'))
    const keeping = bench.process().worker({ keepRequests: 60_000, pollInterval: 5 }).start()
    await keeping.stop()
    expect((await named(polaris).sequential(w, 'i', A('a1'))).scope).toBe(1)
    await until(() => Date.now() % 2 === 0)
    bench.process().worker({ keepRequests: 0, pollInterval: 5 }).start()
    await eventually(async () => (await bench.store.request('i', 'r1')) === undefined, 'oblivion')
    expect((await named(polaris).sequential(w, 'i', A('a1'))).scope).toBe(2)
    expect(lab.ran).toEqual(['t', 't'])
  })

  it('rule 26: a call that brings nothing can be a request too', async () => {
    const { lab, w } = world()
    const bench = newBench(kind, w)
    const polaris = bench.process()
    await polaris.executor().sequential(w, 'i', A('a1'))
    const ends = [await named(polaris).sequential(w, 'i'), await named(bench.process()).sequential(w, 'i')]
    expect(ends.map(({ scope, status }) => [scope, status])).toEqual([
      [2, 'completed'],
      [2, 'completed'],
    ])
    expect(lab.ran).toEqual(['t'])
  })

  it('requestId: 1 to 512 characters of text', () => {
    const { w } = world()
    const run = newBench(kind, w).process().executor()
    for (const requestId of ['', ' ', 'a'.repeat(513), 'a\u0000b', '\ud800', 7 as never]) {
      expect(() => run.with({ requestId })).toThrow(/requestId/)
    }
    for (const requestId of ['a', '__proto__', `'"/\\`, 'é 日本', 'x'.repeat(512)]) run.with({ requestId })
  })
}, 'servers')
