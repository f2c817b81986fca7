import { nothing, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory } from '../support/media.ts'
import { dataOf, failure, newLab, over, texts } from '../support/lab.ts'

const modes = ['sequential', 'parallel'] as const

describe('rules 6, 7 and 8: what a delta sets off', () => {
  eachStore((kind) => {
    for (const mode of modes) {
      it(`rule 6: a delta is merged into the data set, and the newest datum wins (${mode})`, async () => {
        const [A, B, C, R] = texts('A', 'B', 'C', 'R')
        const lab = newLab()
        const w = workflow({ name: 'w', builders: [lab.step('r', [A, B, C], R)], target: R })
        const polaris = over(kind.medium().open(), w)
        const run = polaris.executor()
        await run[mode](w, 'i', A('a1'), B('b1'))
        await run[mode](w, 'i', A('a2'))
        expect(await dataOf(polaris, 'i')).toEqual({ A: 'a2', B: 'b1' })
        expect((await run[mode](w, 'i', C('c1'))).get(R)).toBe('r(a2,b1,c1)')
        expect(lab.look()).toEqual(['r'])
      })

      it(`rule 6: a fed datum whose producer is triggered in the same scope is renewed by it (${mode})`, async () => {
        const [A, B, C] = texts('A', 'B', 'C')
        const lab = newLab()
        const w = workflow({ name: 'w', builders: [lab.step('c', [B], C), lab.step('b', [A], B)], target: C })
        const polaris = over(kind.medium().open(), w)
        const result = await polaris.executor()[mode](w, 'i', B('fed'), A('a1'))
        expect(lab.look()).toEqual(['b', 'c'])
        expect(result.get(C)).toBe('c(b(a1))')
        expect(result.get(B)).toBe('b(a1)')
        expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1', B: 'b(a1)', C: 'c(b(a1))' })
      })

      it(`rule 6: a fed product stands where its producer is not triggered, or gives nothing (${mode})`, async () => {
        const [A, B, C] = texts('A', 'B', 'C')
        const lab = newLab()
        const b = lab.step('b', [A], B, { does: () => nothing() })
        const w = workflow({ name: 'w', builders: [b, lab.step('c', [B], C)], target: C })
        const run = over(kind.medium().open(), w).executor()
        expect((await run[mode](w, 'i', B('fed1'))).get(C)).toBe('c(fed1)')
        expect(lab.look()).toEqual(['c'])
        expect((await run[mode](w, 'i', A('a1'), B('fed2'))).get(C)).toBe('c(fed2)')
        expect(lab.look()).toEqual(['b', 'c'])
      })

      it(`rule 7: a builder runs once per scope, however many of its inputs are active (${mode})`, async () => {
        const [A, B, L, M, R] = texts('A', 'B', 'L', 'M', 'R')
        const lab = newLab()
        const builders = [lab.step('r', [A, L, M], R, { optionals: [B] }), lab.step('l', [A], L), lab.step('m', [L], M)]
        const w = workflow({ name: 'w', builders, target: R })
        const run = over(kind.medium().open(), w).executor()
        expect((await run[mode](w, 'i', A('a1'), B('b1'))).get(R)).toBe('r(a1,l(a1),m(l(a1)),b1)')
        expect(lab.look()).toEqual(['l', 'm', 'r'])
      })

      it(`rule 7: not before every consumes is there, then on all of them (${mode})`, async () => {
        const [A, B, O, R] = texts('A', 'B', 'O', 'R')
        const lab = newLab()
        const w = workflow({ name: 'w', builders: [lab.step('r', [A, B], R, { optionals: [O] })], target: R })
        const run = over(kind.medium().open(), w).executor()
        await run[mode](w, 'i', O('o1'))
        await run[mode](w, 'i', A('a1'))
        expect(lab.look()).toEqual([])
        expect((await run[mode](w, 'i', B('b1'))).get(R)).toBe('r(a1,b1,o1)')
      })

      it(`rule 7: at least one consumes or optional must be active (${mode})`, async () => {
        const [A, O, X, R, Y] = texts('A', 'O', 'X', 'R', 'Y')
        const lab = newLab()
        const builders = [lab.step('r', [A], R, { optionals: [O] }), lab.step('y', [X], Y)]
        const w = workflow({ name: 'w', builders, target: R })
        const run = over(kind.medium().open(), w).executor()
        await run[mode](w, 'i', A('a1'))
        lab.look()
        await run[mode](w, 'i', X('x1'))
        expect(lab.look()).toEqual(['y'])
        expect((await run[mode](w, 'i', O('o1'))).get(R)).toBe('r(a1,o1)')
        expect(lab.look()).toEqual(['r'])
      })

      it(`rule 7: a builder with neither consumes nor optionals runs once, in the first scope (${mode})`, async () => {
        const [A, X, S, N, P, R] = texts('A', 'X', 'S', 'N', 'P', 'R')
        const lab = newLab()
        const builders = [
          lab.step('source', [], S, { accesses: [X] }),
          lab.step('empty', [], N, { does: () => nothing() }),
          lab.step('optional', [], P, { optionals: [X] }),
          lab.step('r', [A, S], R),
        ]
        const w = workflow({ name: 'w', builders, target: R })
        const run = over(kind.medium().open(), w).executor()
        const first = await run[mode](w, 'i')
        expect(lab.look()).toEqual(['source', 'empty'])
        expect(first.get(S)).toBe('source(-)')
        expect(first.waitingFor).toEqual(['A'])
        expect((await run[mode](w, 'i', A('a1'))).get(R)).toBe('r(a1,source(-))')
        await run[mode](w, 'i', X('x1'))
        await run[mode](w, 'i')
        expect(lab.look()).toEqual(['r', 'optional'])
      })

      it(`rule 7: feeding data again re-runs what depends on it, even with an equal value (${mode})`, async () => {
        const [A, X, B, C, Y] = texts('A', 'X', 'B', 'C', 'Y')
        const lab = newLab()
        const builders = [lab.step('b', [A], B), lab.step('c', [B], C), lab.step('y', [X], Y)]
        const w = workflow({ name: 'w', builders, target: C })
        const run = over(kind.medium().open(), w).executor()
        await run[mode](w, 'i', A('a1'), X('x1'))
        lab.look()
        const again = await run[mode](w, 'i', A('a1'))
        expect(lab.look()).toEqual(['b', 'c'])
        expect(again.get(C)).toBe('c(b(a1))')
      })

      it(`rule 7: a once builder with a product does not run again by itself (${mode})`, async () => {
        const [A, X, B, C, R] = texts('A', 'X', 'B', 'C', 'R')
        const lab = newLab()
        const builders = [
          lab.step('b', [A], B),
          lab.step('c', [B], C, { once: true, optionals: [X] }),
          lab.step('r', [C], R),
        ]
        const w = workflow({ name: 'w', builders, target: R })
        const polaris = over(kind.medium().open(), w)
        const run = polaris.executor()
        const first = await run[mode](w, 'i', A('a1'))
        expect(first.status).toBe('completed')
        const outdated = async () => (await polaris.explain('i'))!.builders.map((each) => each.outdated)
        expect(await outdated()).toEqual([false, false, false])
        lab.look()
        const second = await run[mode](w, 'i', A('a2'))
        expect(lab.look()).toEqual(['b'])
        expect(second.get(C)).toBeUndefined()
        expect(second.latest(C)).toBe('c(b(a1),-)')
        // For rule 15 it counts as renewed.
        expect(second.status).toBe('completed')
        expect(second.target).toBe('r(c(b(a1),-))')
        expect(await outdated()).toEqual([false, true, false])
        await run[mode](w, 'i', X('x1'))
        await run.resume(w, 'i')
        expect(lab.look()).toEqual([])
        expect(await outdated()).toEqual([false, true, false])
      })

      it(`rule 7: a once builder that gave nothing, or threw, runs again (${mode})`, async () => {
        const [A, R] = texts('A', 'R')
        const lab = newLab()
        const does = (made: string, count: number): unknown => {
          if (count === 1) return nothing('declined')
          if (count === 2) throw new Error('down')
          return made
        }
        const w = workflow({ name: 'w', builders: [lab.step('r', [A], R, { once: true, does })], target: R })
        const run = over(kind.medium().open(), w).executor()
        await run[mode](w, 'i', A('a1'))
        // It counts as run: without a new input it is not due.
        await run[mode](w, 'i')
        expect(lab.look()).toEqual(['r'])
        await failure(run[mode](w, 'i', A('a2')))
        expect((await run[mode](w, 'i')).get(R)).toBe('r(a2)')
        await run[mode](w, 'i', A('a3'))
        expect(lab.look()).toEqual(['r', 'r'])
      })

      it(`rule 8: a product is active and present at once for all later builders (${mode})`, async () => {
        const [A, L, M, N, R] = texts('A', 'L', 'M', 'N', 'R')
        const lab = newLab()
        const builders = [
          lab.step('r', [M, N], R),
          lab.step('n', [L], N),
          lab.step('m', [L, A], M),
          lab.step('l', [A], L),
        ]
        const w = workflow({ name: 'w', builders, target: R })
        const polaris = over(kind.medium().open(), w)
        const result = await polaris.executor()[mode](w, 'i', A('a1'))
        expect(result.get(R)).toBe('r(m(l(a1),a1),n(l(a1)))')
        expect((await polaris.executor()[mode](w, 'i', A('a2'))).get(R)).toBe('r(m(l(a2),a2),n(l(a2)))')
        expect(lab.look()).toEqual(['l', 'n', 'm', 'r', 'l', 'n', 'm', 'r'])
      })
    }
  })

  it('rule 7: a builder that is due still waits for all its consumes', async () => {
    const [A, O, B, R] = texts('A', 'O', 'B', 'R')
    const lab = newLab()
    const does = (made: string, run: number): unknown => {
      if (run === 1) throw new Error('down')
      return made
    }
    const builders = [lab.step('b', [A], B, { does }), lab.step('r', [B], R, { optionals: [O] })]
    const w = workflow({ name: 'w', builders, target: R })
    const run = over(memory.medium().open(), w).executor()
    await failure(run.sequential(w, 'i', A('a1'), O('o1')))
    expect(lab.look()).toEqual(['b'])
    expect((await run.sequential(w, 'i')).get(R)).toBe('r(b(a1),o1)')
    expect(lab.look()).toEqual(['b', 'r'])
  })

  it('rule 7: what is not on a path to the target runs all the same', async () => {
    const [A, R, Letter] = texts('A', 'R', 'Letter')
    const lab = newLab()
    const w = workflow({ name: 'w', builders: [lab.step('r', [A], R), lab.step('letter', [A], Letter)], target: R })
    const result = await over(memory.medium().open(), w).executor().sequential(w, 'i', A('a1'))
    expect(lab.look()).toEqual(['r', 'letter'])
    expect(result.get(Letter)).toBe('letter(a1)')
  })
})
