import { data, nothing, type, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory } from '../support/media.ts'
import { failure, newLab, over, texts, thrown } from '../support/lab.ts'

function world() {
  const [A, X, B, C] = texts('A', 'X', 'B', 'C')
  const lab = newLab()
  const builders = [lab.step('b', [A], B), lab.step('c', [B, X], C)]
  return { A, X, B, C, lab, w: workflow({ name: 'w', version: 2, builders, target: C }) }
}

describe('results', () => {
  eachStore((kind) => {
    it('get, require, latest, target, targetName, waitingFor, produced and what it says of itself', async () => {
      const { A, X, B, C, w } = world()
      const run = over(kind.medium().open(), w).executor()
      const first = await run.sequential(w, 'i', A('a1'))
      expect(first).toMatchObject({
        id: 'i',
        workflow: 'w',
        version: 2,
        scope: 1,
        status: 'waiting',
        waitingFor: ['X'],
      })
      expect(first.get(B)).toBe('b(a1)')
      expect(first.require(B)).toBe('b(a1)')
      expect(first.get(C)).toBeUndefined()
      expect(first.target).toBeUndefined()
      expect(first.latest(X)).toBeUndefined()
      const missing = thrown(() => first.require(C), 'DATA_MISSING')
      for (const word of ['C', 'X', 'latest']) expect(missing.message).toContain(word)
      const second = await run.sequential(w, 'i', X('x1'))
      expect(second).toMatchObject({
        scope: 2,
        status: 'completed',
        waitingFor: [],
        target: 'c(b(a1),x1)',
        targetName: 'C',
      })
      // Made by an earlier scope: there, but not produced in this one.
      thrown(() => second.require(B), 'DATA_MISSING')
      expect(second.latest(B)).toBe('b(a1)')
    })

    it('toJSON has all of it, and survives JSON', async () => {
      const { A, X, w } = world()
      const run = over(kind.medium().open(), w).executor()
      const first = JSON.parse(JSON.stringify(await run.sequential(w, 'i', A('a1')))) as unknown
      const common = { id: 'i', workflow: 'w', version: 2 }
      expect(first).toEqual({ ...common, scope: 1, status: 'waiting', waitingFor: ['X'], produced: { B: 'b(a1)' } })
      const second = JSON.parse(JSON.stringify(await run.sequential(w, 'i', X('x1')))) as unknown
      expect(second).toEqual({
        ...common,
        ...{ scope: 2, status: 'completed', waitingFor: [], targetName: 'C', produced: { C: 'c(b(a1),x1)' } },
      })
    })

    it('data of other workflows and namesakes are DATA_UNKNOWN', async () => {
      const { A, w } = world()
      const result = await over(kind.medium().open(), w).executor().sequential(w, 'i', A('a1'))
      const [Foreign, B] = texts('Foreign', 'B')
      for (const odd of [Foreign, B, undefined, null, 'B', {}, { name: 'B' }, 7]) {
        thrown(() => result.get(odd as never), 'DATA_UNKNOWN')
        thrown(() => result.require(odd as never), 'DATA_UNKNOWN')
        thrown(() => result.latest(odd as never), 'DATA_UNKNOWN')
      }
    })

    it('a result does not change when later scopes run', async () => {
      const { A, X, B, C, w } = world()
      const run = over(kind.medium().open(), w).executor()
      const seen = (result: Awaited<ReturnType<typeof first>>) => [
        ...[result.get(B), result.get(C), result.latest(A), result.latest(B), result.latest(C), result.latest(X)],
        ...[result.status, result.target, result.targetName, [...result.waitingFor], JSON.stringify(result)],
      ]
      const first = () => run.sequential(w, 'i', A('a1'))
      const results = [await first()]
      const before = [seen(results[0]!)]
      for (const delta of [X('x1'), A('a2'), X('x2'), C('by hand'), B('by hand')]) {
        results.push(await run.parallel(w, 'i', delta))
        before.push(seen(results.at(-1)!))
      }
      expect(results.map(seen)).toEqual(before)
      expect(results[0]?.latest(A)).toBe('a1')
      expect(results[0]?.waitingFor).toEqual(['X'])
    })

    it('waitingFor asked late speaks of its own scope, and of nothing since', async () => {
      const { A, X, w } = world()
      const run = over(kind.medium().open(), w).executor()
      const first = await run.sequential(w, 'i', A('a1'))
      await run.sequential(w, 'i', X('x1'))
      expect(first.waitingFor).toEqual(['X'])
    })

    it('the result of a failure does not change either', async () => {
      const [A, B, C] = texts('A', 'B', 'C')
      const lab = newLab()
      const does = (made: string, count: number): string => {
        if (count === 1) throw new Error('down')
        return made
      }
      const w = workflow({ name: 'w', builders: [lab.step('b', [A], B), lab.step('c', [B], C, { does })], target: C })
      const run = over(kind.medium().open(), w).executor()
      const { result } = await failure(run.sequential(w, 'i', A('a1')))
      await run.sequential(w, 'i', A('a2'))
      expect(result.status).toBe('failed')
      expect(result.get(B)).toBe('b(a1)')
      expect(result.latest(C)).toBeUndefined()
      expect(result.latest(A)).toBe('a1')
    })
  })

  it('produced is in order of production, one entry a product', async () => {
    const { A, X, w } = world()
    const result = await over(memory.medium().open(), w).executor().compute(w, A('a1'), X('x1'))
    expect(result.produced.map(({ name, value }) => [name, value])).toEqual([
      ['B', 'b(a1)'],
      ['C', 'c(b(a1),x1)'],
    ])
  })

  it('null and other falsy products are products', async () => {
    for (const value of [null, 0, '', false, Number.NaN, 0n]) {
      const A = data('A', type<string>())
      const B = data('B', type<unknown>())
      const step = newLab().step('b', [A], B as never, { does: () => value })
      const w = workflow({ name: 'w', builders: [step], target: B as never })
      const result = await over(memory.medium().open(), w).executor().compute(w, A('a'))
      expect(result.status).toBe('completed')
      expect(result.require(B as never)).toBe(value)
      expect(result.target).toBe(value)
    }
  })

  it('a result tells nothing from never', async () => {
    const [A, B] = texts('A', 'B')
    const w = workflow({ name: 'w', builders: [newLab().step('b', [A], B, { does: () => nothing() })], target: B })
    const result = await over(memory.medium().open(), w).executor().compute(w, A('a'))
    expect(result.produced).toEqual([])
    expect(result.waitingFor).toEqual(['B'])
    expect(thrown(() => result.require(B), 'DATA_MISSING').message).toContain('B')
  })
})

describe('compute', () => {
  it('stores nothing, has an id of its own each time, and takes nothing from an instance', async () => {
    const { A, X, w } = world()
    const polaris = over(memory.medium().open(), w)
    const run = polaris.executor()
    await run.sequential(w, 'i', X('x1'))
    const results = await Promise.all([run.compute(w, A('a1')), run.compute('w', A('a1'))])
    expect(new Set(results.map(({ id }) => id)).size).toBe(2)
    for (const result of results) expect(result).toMatchObject({ status: 'waiting', waitingFor: ['X'], scope: 1 })
    expect((await polaris.list()).items).toHaveLength(1)
    for (const { id } of results) expect(await polaris.get(id)).toBeUndefined()
  })

  it('once and expect have no effect on it', async () => {
    const [A, B] = texts('A', 'B')
    const lab = newLab()
    const w = workflow({ name: 'w', builders: [lab.step('b', [A], B, { once: true })], target: B })
    const run = over(memory.medium().open(), w).executor()
    expect((await run.with({ expect: 'existing' }).compute(w, A('a1'))).target).toBe('b(a1)')
    expect((await run.compute(w, A('a2'), B('fed'))).target).toBe('b(a2)')
    expect(lab.look()).toEqual(['b', 'b'])
  })
})
