import { workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory } from '../support/media.ts'
import { deferred, newLab, over, texts, turns } from '../support/lab.ts'

const modes = ['sequential', 'parallel'] as const

describe('rule 1: accesses at run time', () => {
  eachStore((kind) => {
    it('rule 1: an access is visible, and never a trigger', async () => {
      const [A, X, R] = texts('A', 'X', 'R')
      const lab = newLab()
      const w = workflow({ name: 'w', builders: [lab.step('r', [A], R, { accesses: [X] })], target: R })
      const run = over(kind.medium().open(), w).executor()
      expect((await run.sequential(w, 'i', A('a1'))).get(R)).toBe('r(a1,-)')
      lab.look()
      const fedAccess = await run.sequential(w, 'i', X('x1'))
      expect(lab.look()).toEqual([])
      expect(fedAccess.get(R)).toBeUndefined()
      expect(fedAccess.status).toBe('completed')
      expect((await run.sequential(w, 'i', A('a2'))).get(R)).toBe('r(a2,x1)')
    })

    it('rule 1: an access makes no builder due, even when it came before everything else', async () => {
      const [A, X, R] = texts('A', 'X', 'R')
      const lab = newLab()
      const w = workflow({ name: 'w', builders: [lab.step('r', [A], R, { accesses: [X] })], target: R })
      const run = over(kind.medium().open(), w).executor()
      const first = await run.sequential(w, 'i', X('x1'))
      expect(first.waitingFor).toEqual(['A'])
      await run.sequential(w, 'i')
      expect(lab.look()).toEqual([])
      expect((await run.sequential(w, 'i', A('a1'))).get(R)).toBe('r(a1,x1)')
    })
  })

  for (const mode of modes) {
    for (const readerFirst of [true, false]) {
      const order = `${mode}, reader declared ${readerFirst ? 'first' : 'last'}`
      eachStore((kind) => {
        it(`rule 1: an access shows what stood at the pass's start (${order})`, async () => {
          const [A, X, R] = texts('A', 'X', 'R')
          const lab = newLab()
          const reader = lab.step('r', [A], R, { accesses: [X] })
          const maker = lab.step('x', [A], X)
          const builders = readerFirst ? [reader, maker] : [maker, reader]
          const w = workflow({ name: 'w', builders, target: R })
          const polaris = over(kind.medium().open(), w)
          const run = polaris.executor()
          expect((await run[mode](w, 'i', A('a1'))).get(R)).toBe('r(a1,-)')
          expect((await run[mode](w, 'i', A('a2'))).get(R)).toBe('r(a2,x(a1))')
          // The delta stands at the start, and its renewal comes later.
          const third = await run[mode](w, 'i', A('a3'), X('fed'))
          expect(third.get(R)).toBe('r(a3,fed)')
          expect(third.get(X)).toBe('x(a3)')
          expect((await polaris.get('i'))?.latest(X)).toBe('x(a3)')
        })
      })
    }
  }

  it('rule 1: an access shows new products of the reader`s own ancestors, through consumes and optionals', async () => {
    for (const mode of modes) {
      const [A, X, Y, Z, R] = texts('A', 'X', 'Y', 'Z', 'R')
      const lab = newLab()
      const builders = [
        lab.step('r', [Z], R, { accesses: [X, Y] }),
        lab.step('z', [A], Z, { optionals: [Y] }),
        lab.step('y', [X], Y),
        lab.step('x', [A], X),
      ]
      const w = workflow({ name: 'w', builders, target: R })
      const polaris = over(memory.medium().open(), w)
      const result = await polaris.executor()[mode](w, 'i', A('a1'))
      expect(result.get(R)).toBe('r(z(a1,y(x(a1))),x(a1),y(x(a1)))')
    }
  })

  it('rule 1: nobody waits for the producer of an access', async () => {
    const [A, X, R] = texts('A', 'X', 'R')
    const lab = newLab()
    const gate = deferred<string>()
    const builders = [lab.step('x', [A], X, { does: () => gate.promise }), lab.step('r', [A], R, { accesses: [X] })]
    const w = workflow({ name: 'w', builders, target: R })
    const call = over(memory.medium().open(), w).executor().parallel(w, 'i', A('a1'))
    await turns()
    expect(lab.ran).toEqual(['x', 'r'])
    gate.resolve('late')
    expect((await call).get(R)).toBe('r(a1,-)')
  })

  it('rule 1: a builder may access its own product, and sees the one before', async () => {
    const [A, R] = texts('A', 'R')
    const lab = newLab()
    const w = workflow({ name: 'w', builders: [lab.step('r', [A], R, { accesses: [R] })], target: R })
    const run = over(memory.medium().open(), w).executor()
    expect((await run.sequential(w, 'i', A('1'))).get(R)).toBe('r(1,-)')
    expect((await run.sequential(w, 'i', A('2'))).get(R)).toBe('r(2,r(1,-))')
    expect((await run.sequential(w, 'i', A('3'), R('fed'))).get(R)).toBe('r(3,fed)')
  })

  it('rule 1: in a later pass an access shows what the passes before made', async () => {
    const [A, Back, First, Side, X, T] = texts('A', 'Back', 'First', 'Side', 'X', 'T')
    const lab = newLab()
    const builders = [
      lab.step('first', [Back], First, { accesses: [X] }),
      lab.step('second', [A], Back, { optionals: [First] }),
      lab.step('x', [A], X),
      lab.step('side', [First], Side, { accesses: [X] }),
      lab.step('t', [Side], T),
    ]
    const w = workflow({ name: 'w', builders, target: T, loops: true })
    const result = await over(memory.medium().open(), w).executor().sequential(w, 'i', A('a1'))
    expect(result.get(First)).toBe('first(second(a1,-),x(a1))')
    expect(result.get(T)).toBe('t(side(first(second(a1,-),x(a1)),x(a1)))')
  })

  it('rule 1: a missing access hinders nothing', async () => {
    const [A, X, R] = texts('A', 'X', 'R')
    const lab = newLab()
    const w = workflow({ name: 'w', builders: [lab.step('r', [A], R, { accesses: [X] })], target: R })
    const polaris = over(memory.medium().open(), w)
    await polaris.executor().sequential(w, 'i')
    expect((await polaris.get('i'))?.waitingFor).toEqual(['A'])
    const [explained] = (await polaris.explain('i'))!.builders
    expect(explained?.lacks.map(({ data }) => data)).toEqual(['A'])
  })
})
