import { nothing, workflow } from 'polaris-workflow'
import type { BuildContext } from 'polaris-workflow'
import type { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import { eachStore, strictMemory } from '../support/media.ts'
import { dataOf, deferred, failure, newLab, over, refusal, texts, turns, until } from '../support/lab.ts'

const failsAt =
  (...failing: number[]) =>
  (made: string, run: number) => {
    if (failing.includes(run)) throw new Error(`down at run ${run}`)
    return made
  }
const modes = ['sequential', 'parallel'] as const

describe('rule 22: after a failure', () => {
  eachStore((kind) => {
    for (const mode of modes) {
      it(`rule 22: resume runs what is due, and nothing that had run (${mode})`, async () => {
        const [A, B, C, D, E] = texts('A', 'B', 'C', 'D', 'E')
        const lab = newLab()
        const builders = [
          lab.step('b', [A], B),
          lab.step('c', [B], C, { does: failsAt(1) }),
          lab.step('d', [A], D),
          lab.step('e', [C, D], E),
        ]
        const w = workflow({ name: 'w', builders, target: E })
        const medium = kind.medium()
        await failure(over(medium.open(), w).executor()[mode](w, 'i', A('a1')))
        const had = lab.look()
        expect(had.slice(0, 2)).toEqual(expect.arrayContaining(['b']))
        const polaris = over(medium.open(), w)
        const result = await polaris.executor().resume(w, 'i')
        expect([...had, ...lab.look()].sort()).toEqual(['b', 'c', 'c', 'd', 'e'])
        expect(result).toMatchObject({ status: 'completed', target: 'e(c(b(a1)),d(a1))', scope: 2 })
      })

      it(`rule 22: the next delta's scope runs what is due, together with what it triggers (${mode})`, async () => {
        const [A, X, B, C, Y, T] = texts('A', 'X', 'B', 'C', 'Y', 'T')
        const lab = newLab()
        const builders = [
          lab.step('b', [A], B, { does: failsAt(1) }),
          lab.step('c', [B], C),
          lab.step('y', [X], Y),
          lab.step('t', [C, Y], T),
        ]
        const w = workflow({ name: 'w', builders, target: T })
        const run = over(kind.medium().open(), w).executor()
        await failure(run[mode](w, 'i', A('a1')))
        lab.look()
        const result = await run[mode](w, 'i', X('x1'))
        expect(lab.look().sort()).toEqual(['b', 'c', 't', 'y'])
        expect(result).toMatchObject({ scope: 2, target: 't(c(b(a1)),y(x1))' })
      })

      it(`rule 22: on the newest data (${mode})`, async () => {
        const [A, O, B, T] = texts('A', 'O', 'B', 'T')
        const lab = newLab()
        const builders = [lab.step('b', [A], B, { optionals: [O], does: failsAt(1, 2) }), lab.step('t', [B], T)]
        const w = workflow({ name: 'w', builders, target: T })
        const run = over(kind.medium().open(), w).executor()
        await failure(run[mode](w, 'i', A('a1')))
        await failure(run[mode](w, 'i', A('a2')))
        const result = await run[mode](w, 'i', O('o1'))
        expect(result.target).toBe('t(b(a2,o1))')
        expect(lab.look()).toEqual(['b', 'b', 'b', 't'])
        await run[mode](w, 'i')
        expect(lab.look()).toEqual([])
      })
    }

    it('rule 22: what was triggered and did not get to start is due as well', async () => {
      const [A, B, C, S, T] = texts('A', 'B', 'C', 'S', 'T')
      const lab = newLab()
      const builders = [
        lab.step('bad', [A], B, { does: failsAt(1) }),
        lab.step('c', [A], C),
        lab.step('source', [], S),
        lab.step('t', [B, C, S], T),
      ]
      const w = workflow({ name: 'w', builders, target: T })
      const polaris = over(kind.medium().open(), w)
      await failure(polaris.executor().sequential(w, 'i', A('a1')))
      expect(lab.look()).toEqual(['bad'])
      expect((await polaris.explain('i'))!.builders.map(({ name, state }) => [name, state])).toEqual([
        ['bad', 'failed'],
        ['c', 'due'],
        ['source', 'due'],
        ['t', 'lacking'],
      ])
      expect((await polaris.executor().sequential(w, 'i')).target).toBe('t(bad(a1),c(a1),source())')
      expect(lab.look()).toEqual(['bad', 'c', 'source', 't'])
    })

    it('rule 22: a builder whose inputs changed in the scope that failed runs again, others do not', async () => {
      const [A, X, B, C, D, T] = texts('A', 'X', 'B', 'C', 'D', 'T')
      const lab = newLab()
      const builders = [
        lab.step('b', [A], B),
        lab.step('c', [B], C),
        lab.step('d', [X], D),
        lab.step('t', [C, D], T, { does: failsAt(2) }),
      ]
      const w = workflow({ name: 'w', builders, target: T })
      const run = over(kind.medium().open(), w).executor()
      await run.sequential(w, 'i', A('a1'), X('x1'))
      lab.look()
      await failure(run.sequential(w, 'i', A('a2')))
      expect(lab.look()).toEqual(['b', 'c', 't'])
      expect((await run.resume(w, 'i')).target).toBe('t(c(b(a2)),d(x1))')
      expect(lab.look()).toEqual(['t'])
    })
  })

  it('rule 22: resume of what is not there is refused', async () => {
    const [A, T] = texts('A', 'T')
    const w = workflow({ name: 'w', builders: [newLab().step('t', [A], T)], target: T })
    const polaris = over(strictMemory.medium().open(), w)
    await refusal(polaris.executor().resume(w, 'i'), 'INSTANCE_NOT_FOUND')
    expect(await polaris.get('i')).toBeUndefined()
  })
})

/** A process that is gone while `stuck` runs for the first time, in its first or its second scope. */
async function interrupted(open: () => ReturnType<typeof memoryStore>, mode: (typeof modes)[number] = 'sequential') {
  const [A, X, B, C, T] = texts('A', 'X', 'B', 'C', 'T')
  const lab = newLab()
  const contexts: BuildContext[] = []
  const second = deferred()
  const builders = [
    lab.step('b', [A], B),
    lab.step('stuck', [B], C, {
      optionals: [X],
      does(made, run, _, context) {
        contexts.push(context)
        if (run === 1) return new Promise(() => undefined)
        return run === 2 ? second.promise.then(() => made) : made
      },
    }),
    lab.step('t', [C], T),
  ]
  const w = workflow({ name: 'w', builders, target: T })
  const dead = over(open(), w)
    .executor()
    .with({ meta: { who: 'first' } })
  void dead[mode](w, 'i', A('a1'))
  await until(() => lab.ran.includes('stuck'), 'stuck')
  lab.look()
  return { A, X, B, C, T, w, lab, contexts, second, polaris: over(open(), w) }
}

describe('rule 22: after a crash', () => {
  eachStore((kind) => {
    for (const mode of modes) {
      it(`rule 22: the interrupted scope is finished first, alone, then the delta's own runs (${mode})`, async () => {
        const medium = kind.medium()
        const { X, T, w, lab, contexts, second, polaris } = await interrupted(medium.open as never, mode)
        expect(await polaris.get('i')).toMatchObject({ status: 'running', scopes: 1, data: { A: 'a1', B: 'b(a1)' } })
        expect((await polaris.explain('i'))?.open).toEqual({ scope: 1, pass: 1, mode })
        const infos: unknown[] = []
        const run = polaris.executor({
          before: (b, delta, { scope, mode, meta }) =>
            infos.push([b.name, scope, mode, meta, delta.map((d) => d.name)]),
        })
        const other = mode === 'sequential' ? 'parallel' : 'sequential'
        const call = run.with({ meta: { who: 'second' } })[other](w, 'i', X('x1'))
        await until(() => lab.ran.includes('stuck'), 'stuck again')
        await turns(3)
        // The new delta is not there yet, neither for the builder nor in the store.
        expect(lab.made.at(-1)).toBe('stuck(b(a1),-)')
        expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1', B: 'b(a1)' })
        second.resolve()
        const result = await call
        expect(lab.look()).toEqual(['stuck', 't', 'stuck', 't'])
        expect(result).toMatchObject({ scope: 2, status: 'completed', target: 't(stuck(b(a1),x1))' })
        expect(result.produced).toHaveLength(2)
        expect(result.get(T)).toBe('t(stuck(b(a1),x1))')
        // The same way as it was begun, for the one who began it.
        expect(infos).toEqual([
          ['stuck', 1, mode, { who: 'first' }, ['A']],
          ['t', 1, mode, { who: 'first' }, ['A']],
          ['stuck', 2, other, { who: 'second' }, ['X']],
          ['t', 2, other, { who: 'second' }, ['X']],
        ])
        expect(contexts.map(({ meta }) => meta)).toEqual([{ who: 'first' }, { who: 'first' }, { who: 'second' }])
        expect(contexts[1]!.idempotencyKey).toBe(contexts[0]!.idempotencyKey)
        expect(contexts[2]!.idempotencyKey).not.toBe(contexts[0]!.idempotencyKey)
        const scopes = (await polaris.history('i')).map(({ scope }) => scope)
        expect(scopes).toEqual([...scopes].sort())
      })
    }

    it('rule 22: resume finishes it, and its result is that of the whole scope', async () => {
      const { A, B, C, w, second, polaris } = await interrupted(kind.medium().open as never)
      second.resolve()
      const result = await polaris.executor().resume(w, 'i')
      expect(result).toMatchObject({ scope: 1, status: 'completed', target: 't(stuck(b(a1),-))' })
      expect(result.produced.map(({ name }) => name)).toEqual(['B', 'C', 'T'])
      expect(result.get(B)).toBe('b(a1)')
      expect(result.get(C)).toBe('stuck(b(a1),-)')
      expect(result.latest(A)).toBe('a1')
      expect(await polaris.get('i')).toMatchObject({ status: 'completed', scopes: 1 })
    })

    it('rule 22: a call without data finishes it, too', async () => {
      const { w, second, polaris } = await interrupted(kind.medium().open as never)
      second.resolve()
      expect(await polaris.executor().sequential(w, 'i')).toMatchObject({
        status: 'completed',
        target: 't(stuck(b(a1),-))',
      })
    })
  }, 'text')

  it('rule 22: where the interrupted scope fails, the next call runs what is due in a scope of its own', async () => {
    const [A, X, B, T] = texts('A', 'X', 'B', 'T')
    const lab = newLab()
    const does = (made: string, run: number): unknown => {
      if (run === 1) return new Promise(() => undefined)
      if (run <= 3) throw new Error(`down at run ${run}`)
      return made
    }
    const w = workflow({
      name: 'w',
      builders: [lab.step('b', [A], B, { optionals: [X], does }), lab.step('t', [B], T)],
      target: T,
    })
    const medium = strictMemory.medium()
    void over(medium.open(), w).executor().sequential(w, 'i', A('a1'))
    await until(() => lab.ran.length === 1, 'b')
    const polaris = over(medium.open(), w)
    const error = await failure(polaris.executor().resume(w, 'i'))
    expect(error).toMatchObject({ builder: 'b', result: { scope: 1 } })
    await failure(polaris.executor().resume(w, 'i'))
    expect((await polaris.executor().sequential(w, 'i', X('x1'))).target).toBe('t(b(a1,x1))')
  })

  it('rule 22: the throw of an interrupted scope is not that of the call that finishes it on the way', async () => {
    const [A, X, B, T] = texts('A', 'X', 'B', 'T')
    const lab = newLab()
    const does = (made: string, run: number): unknown => {
      if (run === 1) return new Promise(() => undefined)
      if (run === 2) throw new Error('down')
      return made
    }
    const w = workflow({
      name: 'w',
      builders: [lab.step('b', [A], B, { optionals: [X], does }), lab.step('t', [B], T)],
      target: T,
    })
    const medium = strictMemory.medium()
    void over(medium.open(), w).executor().sequential(w, 'i', A('a1'))
    await until(() => lab.ran.length === 1, 'b')
    const result = await over(medium.open(), w).executor().sequential(w, 'i', X('x1'))
    expect(result).toMatchObject({ scope: 2, target: 't(b(a1,x1))' })
  })

  it('rule 22: TRANSIENT_NOT_STORED for a transient that the crash took and nobody needed again', async () => {
    const [A, M, B, T] = texts('A', 'M', 'B', 'T')
    const lab = newLab()
    const builders = [
      lab.step('m', [A], M),
      lab.step('b', [A], B, { does: (made, run) => (run === 1 ? new Promise(() => undefined) : made) }),
      lab.step('t', [B], T),
    ]
    const w = workflow({ name: 'w', builders, target: T, transients: [M] })
    const medium = strictMemory.medium()
    void over(medium.open(), w).executor().parallel(w, 'i', A('a1'))
    await until(() => lab.ran.includes('b'), 'b')
    await turns()
    const polaris = over(medium.open(), w)
    lab.look()
    const result = await polaris.executor().resume(w, 'i')
    expect(lab.look()).toEqual(['b', 't'])
    expect(() => result.get(M)).toThrowError(expect.objectContaining({ code: 'TRANSIENT_NOT_STORED' }))
    expect(() => result.require(M)).toThrowError(expect.objectContaining({ code: 'TRANSIENT_NOT_STORED' }))
    expect(result.get(T)).toBe('t(b(a1))')
  })

  it('rule 22: a fed transient is gone with the crash, and what lacks it is waited for', async () => {
    const [A, M, B, T] = texts('A', 'M', 'B', 'T')
    const lab = newLab()
    const builders = [
      lab.step('b', [A], B, { does: (made, run) => (run === 1 ? new Promise(() => undefined) : made) }),
      lab.step('t', [B, M], T),
    ]
    const w = workflow({ name: 'w', builders, target: T, transients: [M] })
    const medium = strictMemory.medium()
    void over(medium.open(), w).executor().sequential(w, 'i', A('a1'), M('secret'))
    await until(() => lab.ran.includes('b'), 'b')
    const run = over(medium.open(), w).executor()
    expect(await run.resume(w, 'i')).toMatchObject({ status: 'waiting', waitingFor: ['M'] })
    expect((await run.sequential(w, 'i', M('again'))).target).toBe('t(b(a1),again)')
  })

  it('rule 22: expect looks at the interrupted instance as at any other', async () => {
    const { A, w, polaris, second } = await interrupted(strictMemory.medium().open as never)
    await refusal(polaris.executor().with({ expect: 'new' }).sequential(w, 'i', A('a2')), 'INSTANCE_EXISTS')
    await refusal(polaris.executor().sequential(w, 'i', A.untyped(undefined)), 'DATA_INVALID')
    expect((await polaris.get('i'))?.status).toBe('running')
    second.resolve()
    expect((await polaris.executor().with({ expect: 'existing' }).sequential(w, 'i', A('a2'))).scope).toBe(2)
  })

  it('rule 22: what gave nothing in the interrupted scope has run', async () => {
    const [A, B, C, T] = texts('A', 'B', 'C', 'T')
    const lab = newLab()
    const builders = [
      lab.step('b', [A], B, { does: () => nothing() }),
      lab.step('c', [A], C, { optionals: [B], does: (made, run) => (run === 1 ? new Promise(() => undefined) : made) }),
      lab.step('t', [C], T),
    ]
    const w = workflow({ name: 'w', builders, target: T })
    const medium = strictMemory.medium()
    void over(medium.open(), w).executor().sequential(w, 'i', A('a1'))
    await until(() => lab.ran.includes('c'), 'c')
    await turns()
    await over(medium.open(), w).executor().resume(w, 'i')
    expect(lab.look()).toEqual(['b', 'c', 'c', 't'])
  })
})
