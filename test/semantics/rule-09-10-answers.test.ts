import { nothing, waitFor, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory } from '../support/media.ts'
import { dataOf, deferred, failure, newLab, over, texts, turns, until, type Text } from '../support/lab.ts'

const modes = ['sequential', 'parallel'] as const

describe('rule 9: waiting for producers', () => {
  it('rule 9: an optional produced in the same scope is seen, however long it takes', async () => {
    const [A, O, R] = texts('A', 'O', 'R')
    const lab = newLab()
    const gate = deferred<string>()
    const builders = [lab.step('r', [A], R, { optionals: [O] }), lab.step('o', [A], O, { does: () => gate.promise })]
    const w = workflow({ name: 'w', builders, target: R })
    const call = over(memory.medium().open(), w).executor().parallel(w, 'i', A('a1'))
    await turns()
    expect(lab.ran).toEqual(['o'])
    gate.resolve('slow')
    expect((await call).get(R)).toBe('r(a1,slow)')
    expect(lab.ran).toEqual(['o', 'r'])
  })

  it('rule 9: a producer that may yet be triggered by a running one is waited for', async () => {
    const [A, P, Q, R] = texts('A', 'P', 'Q', 'R')
    const lab = newLab()
    const gate = deferred<string>()
    const builders = [
      lab.step('r', [A], R, { optionals: [Q] }),
      lab.step('q', [P], Q),
      lab.step('p', [A], P, { does: () => gate.promise }),
    ]
    const w = workflow({ name: 'w', builders, target: R })
    const call = over(memory.medium().open(), w).executor().parallel(w, 'i', A('a1'))
    await turns()
    expect(lab.ran).toEqual(['p'])
    gate.resolve('p!')
    expect((await call).get(R)).toBe('r(a1,q(p!))')
  })

  it('rule 9: a producer that gives nothing has run', async () => {
    for (const mode of modes) {
      const [A, P, Q, R] = texts('A', 'P', 'Q', 'R')
      const lab = newLab()
      const builders = [
        lab.step('r', [A], R, { optionals: [Q] }),
        lab.step('q', [P], Q),
        lab.step('p', [A], P, { does: async () => nothing() }),
      ]
      const w = workflow({ name: 'w', builders, target: R })
      const result = await over(memory.medium().open(), w).executor()[mode](w, 'i', A('a1'))
      expect(result.get(R)).toBe('r(a1,-)')
      expect(lab.ran).toEqual(['p', 'r'])
    }
  })

  it('rule 9: a producer that cannot run is not waited for, nor is an unrelated builder', async () => {
    const [A, X, O, U, R] = texts('A', 'X', 'O', 'U', 'R')
    const lab = newLab()
    const gate = deferred<string>()
    const builders = [
      lab.step('unrelated', [A], U, { does: () => gate.promise }),
      lab.step('o', [A, X], O),
      lab.step('r', [A], R, { optionals: [O] }),
    ]
    const w = workflow({ name: 'w', builders, target: R })
    const call = over(memory.medium().open(), w).executor().parallel(w, 'i', A('a1'))
    await until(() => lab.ran.includes('r'), 'r')
    expect(lab.ran).toEqual(['unrelated', 'r'])
    gate.resolve('u')
    expect((await call).get(R)).toBe('r(a1,-)')
  })

  it('rule 9: an earlier datum does not stand in for one that is being renewed', async () => {
    const [A, B, R] = texts('A', 'B', 'R')
    const lab = newLab()
    const gates = [deferred<string>(), deferred<string>()]
    const b = lab.step('b', [A], B, { does: (_, run) => gates[run - 1]?.promise })
    const w = workflow({ name: 'w', builders: [b, lab.step('r', [A, B], R)], target: R })
    const run = over(memory.medium().open(), w).executor()
    gates[0]?.resolve('b1')
    await run.parallel(w, 'i', A('a1'))
    const call = run.parallel(w, 'i', A('a2'))
    await turns()
    expect(lab.ran).toEqual(['b', 'r', 'b'])
    gates[1]?.resolve('b2')
    expect((await call).get(R)).toBe('r(a2,b2)')
  })
})

describe('rule 10: no product', () => {
  eachStore((kind) => {
    for (const [name, answer] of [
      ['nothing', () => nothing('not today')],
      ['waitFor', (A: never) => waitFor(A, 'not today')],
    ] as const) {
      it(`rule 10: after ${name} an earlier product stays, and the builder counts as run`, async () => {
        const [A, B, C] = texts('A', 'B', 'C')
        const lab = newLab()
        const does = (made: string, run: number): unknown => (run === 2 ? answer(A as never) : made)
        const w = workflow({ name: 'w', builders: [lab.step('b', [A], B, { does }), lab.step('c', [B], C)], target: C })
        const polaris = over(kind.medium().open(), w)
        const run = polaris.executor()
        await run.sequential(w, 'i', A('a1'))
        lab.look()
        const second = await run.sequential(w, 'i', A('a2'))
        expect(lab.look()).toEqual(['b'])
        expect(second.get(B)).toBeUndefined()
        expect(second.produced).toEqual([])
        expect(second.latest(B)).toBe('b(a1)')
        expect(await dataOf(polaris, 'i')).toEqual({ A: 'a2', B: 'b(a1)', C: 'c(b(a1))' })
        await run.sequential(w, 'i')
        await run.resume(w, 'i')
        expect(lab.look()).toEqual([])
        expect((await run.sequential(w, 'i', A('a3'))).get(C)).toBe('c(b(a3))')
      })

      it(`rule 10: the reason for ${name} is in the history and in explain`, async () => {
        const [A, B] = texts('A', 'B')
        const lab = newLab()
        const w = workflow({
          name: 'w',
          builders: [lab.step('b', [A], B, { does: () => answer(A as never) })],
          target: B,
        })
        const polaris = over(kind.medium().open(), w)
        await polaris.executor().sequential(w, 'i', A('a1'))
        const [, entry] = await polaris.history('i')
        expect(entry).toMatchObject({ outcome: name, builder: 'b', because: 'not today' })
        expect(entry?.awaits).toBe(name === 'waitFor' ? 'A' : undefined)
        const explained = (await polaris.explain('i'))!.builders[0]
        expect(explained).toMatchObject({ name: 'b', state: name, because: 'not today' })
        expect(explained?.awaits).toBe(name === 'waitFor' ? 'A' : undefined)
      })
    }

    for (const [what, made] of [
      ['undefined', () => undefined],
      ['a promise of undefined', () => Promise.resolve(undefined)],
      ['a waitFor of its own product', (d: Kinds) => waitFor(d.B)],
      ['a waitFor of what it only accesses', (d: Kinds) => waitFor(d.X)],
      ['a waitFor of a namesake of its input', () => waitFor(texts('A')[0])],
      ['a waitFor of no data', () => waitFor(undefined as never)],
      ['a waitFor of a text', () => waitFor('A' as never)],
      ['a promise of a wrong waitFor', (d: Kinds) => Promise.resolve(waitFor(d.X))],
    ] as const) {
      it(`rule 10: ${what} is refused with PRODUCT_INVALID`, async () => {
        const [A, X, B] = texts('A', 'X', 'B')
        const lab = newLab()
        let good = false
        const does = (text: string): unknown => (good ? text : made({ A, X, B }))
        const w = workflow({ name: 'w', builders: [lab.step('b', [A], B, { accesses: [X], does })], target: B })
        const polaris = over(kind.medium().open(), w)
        const error = await failure(polaris.executor().sequential(w, 'i', A('a1')), 'PRODUCT_INVALID')
        expect(error.builder).toBe('b')
        expect(error.result.status).toBe('failed')
        expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1' })
        good = true
        expect((await polaris.executor().resume(w, 'i')).get(B)).toBe('b(a1,-)')
      })
    }
  })

  it('rule 10: waitFor takes an optional, whether it is there or not, and its arrival runs the builder again', async () => {
    const [A, O, B] = texts('A', 'O', 'B')
    const lab = newLab()
    const does = (made: string, run: number): unknown => (run <= 2 ? waitFor(O) : made)
    const w = workflow({ name: 'w', builders: [lab.step('b', [A], B, { optionals: [O], does })], target: B })
    const run = over(memory.medium().open(), w).executor()
    expect((await run.sequential(w, 'i', A('a1'))).waitingFor).toEqual(['O'])
    expect((await run.sequential(w, 'i', O('o1'))).waitingFor).toEqual(['O'])
    expect((await run.sequential(w, 'i', O('o2'))).get(B)).toBe('b(a1,o2)')
  })

  it('rule 10: a source builder cannot wait', async () => {
    const [A, X, B] = texts('A', 'X', 'B')
    const lab = newLab()
    const source = lab.step('s', [], B, { accesses: [X], does: () => waitFor(X) })
    const w = workflow({ name: 'w', builders: [source, lab.step('x', [A], X)], target: B })
    const error = await failure(over(memory.medium().open(), w).executor().sequential(w, 'i'), 'PRODUCT_INVALID')
    expect(error.builder).toBe('s')
  })

  it('rule 10: undefined is refused in compute, too, and null is a product', async () => {
    const [A, B] = texts('A', 'B')
    const lab = newLab()
    const does = (_: string, run: number): unknown => (run === 1 ? undefined : null)
    const w = workflow({ name: 'w', builders: [lab.step('b', [A], B, { does })], target: B })
    const run = over(memory.medium().open(), w).executor()
    await failure(run.compute(w, A('a1')), 'PRODUCT_INVALID')
    const result = await run.compute(w, A('a1'))
    expect(result.get(B)).toBeNull()
    expect(result.status).toBe('completed')
  })
})

type Kinds = Readonly<Record<'A' | 'X' | 'B', Text>>
