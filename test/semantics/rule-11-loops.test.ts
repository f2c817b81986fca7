import { nothing, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory } from '../support/media.ts'
import { failure, newLab, over, texts } from '../support/lab.ts'

const modes = ['sequential', 'parallel'] as const

/** `first` reads what `second` makes, over the edge that is cut, and `second` what `first` makes. */
function loop() {
  const [A, Back, First, T] = texts('A', 'Back', 'First', 'T')
  const lab = newLab()
  const first = lab.step('first', [Back], First)
  const second = lab.step('second', [A], Back, { optionals: [First] })
  return { A, Back, First, T, lab, first, second }
}

describe('rule 11: loops', () => {
  eachStore((kind) => {
    for (const mode of modes) {
      it(`rule 11: a product that reaches back is seen in the next pass (${mode})`, async () => {
        const { A, Back, First, T, lab, first, second } = loop()
        const builders = [first, second, lab.step('t', [First], T)]
        const w = workflow({ name: 'w', builders, target: T, loops: true })
        const polaris = over(kind.medium().open(), w)
        const result = await polaris.executor()[mode](w, 'i', A('a1'))
        expect(result.get(T)).toBe('t(first(second(a1,-)))')
        expect(result.get(Back)).toBe('second(a1,-)')
        const passes = (await polaris.history('i')).map((entry) => [entry.builder ?? 'fed', entry.pass])
        expect(passes).toEqual([
          ['fed', 1],
          ['second', 1],
          ['first', 2],
          ['t', 2],
        ])
        // Second was reached again in pass 2, which leaves it neither active nor due.
        expect(lab.look()).toEqual(['second', 'first', 't'])
        await polaris.executor()[mode](w, 'i')
        await polaris.executor().resume(w, 'i')
        expect(lab.look()).toEqual([])
        expect((await polaris.explain('i'))!.builders.map(({ state }) => state)).toEqual(['done', 'done', 'done'])
        // In the next scope everything has its new input once more.
        const next = await polaris.executor()[mode](w, 'i', A('a2'))
        expect(next.get(Back)).toBe('second(a2,first(second(a1,-)))')
        expect(next.get(T)).toBe('t(first(second(a2,first(second(a1,-)))))')
      })
    }
  })

  it('rule 11: passes end when the target was produced in the last one', async () => {
    const { A, Back, First, T, lab, first, second } = loop()
    const w = workflow({ name: 'w', builders: [first, second, lab.step('t', [Back], T)], target: T, loops: true })
    const run = over(memory.medium().open(), w).executor()
    const result = await run.sequential(w, 'i', A('a1'))
    expect(lab.look()).toEqual(['second', 't'])
    expect(result.get(First)).toBeUndefined()
    // What pass 2 would have run is not due either: the scope settled everything.
    await run.sequential(w, 'i')
    expect(lab.look()).toEqual([])
  })

  it('rule 11: any of several targets ends the passes', async () => {
    const { A, Back, First, T, lab, first, second } = loop()
    const [Late] = texts('Late')
    const builders = [first, second, lab.step('late', [First], Late), lab.step('t', [Back], T)]
    const w = workflow({ name: 'w', builders, target: [Late, T], loops: true })
    const result = await over(memory.medium().open(), w).executor().sequential(w, 'i', A('a1'))
    expect(lab.look()).toEqual(['second', 't'])
    expect(result.targetName).toBe('T')
  })

  it('rule 11: a target that was only fed does not end the passes', async () => {
    const { A, Back, First, T, lab, first, second } = loop()
    const t = lab.step('t', [Back], T, { does: () => nothing() })
    const w = workflow({ name: 'w', builders: [first, second, t], target: T, loops: true })
    const result = await over(memory.medium().open(), w).executor().sequential(w, 'i', A('a1'), T('fed'))
    expect(lab.look()).toEqual(['second', 't', 'first'])
    expect(result.get(First)).toBe('first(second(a1,-))')
  })

  it('rule 11: passes end when the last one produced nothing new', async () => {
    const { A, First, T, lab, first } = loop()
    const Back = first.consumes.Back as typeof First
    const second = lab.step('second', [A], Back, { optionals: [First], does: () => nothing() })
    const w = workflow({ name: 'w', builders: [first, second, lab.step('t', [First], T)], target: T, loops: true })
    const polaris = over(memory.medium().open(), w)
    await polaris.executor().sequential(w, 'i', A('a1'))
    expect(lab.look()).toEqual(['second'])
    expect((await polaris.history('i')).map(({ pass }) => pass)).toEqual([1, 1])
  })

  it('rule 11: transients are nothing new, and are not active in the next pass', async () => {
    const [A, Back, First, Side, T] = texts('A', 'Back', 'First', 'Side', 'T')
    for (const withSide of [false, true]) {
      const lab = newLab()
      const builders = [
        lab.step('first', [Back], First),
        lab.step('second', [A], Back, { optionals: [First] }),
        lab.step('t', [First], T),
        ...(withSide ? [lab.step('side', [A], Side)] : []),
      ]
      const w = workflow({ name: 'w', builders, target: T, loops: true, transients: [Back] })
      const result = await over(memory.medium().open(), w).executor().sequential(w, 'i', A('a1'))
      // With a side product there is a second pass, in which the transient wakes nobody.
      expect(lab.look()).toEqual(withSide ? ['side', 'second'] : ['second'])
      expect(result.get(Back)).toBe('second(a1,-)')
      expect(result.get(First)).toBeUndefined()
    }
  })

  it('rule 11: only what the last pass produced is active in the next, not what was fed', async () => {
    const [A, F, Back, First, Other, T] = texts('A', 'F', 'Back', 'First', 'Other', 'T')
    const lab = newLab()
    const builders = [
      lab.step('first', [Back], First, { optionals: [F] }),
      lab.step('second', [A], Back, { optionals: [First] }),
      // Its consumes is there from pass 2 on, but F, active in pass 1, does not make it run; First does.
      lab.step('other', [First], Other, { optionals: [F] }),
      lab.step('t', [Other], T),
    ]
    const w = workflow({ name: 'w', builders, target: T, loops: true })
    const polaris = over(memory.medium().open(), w)
    await polaris.executor().sequential(w, 'i', A('a1'), F('f1'))
    expect(lab.look()).toEqual(['second', 'first', 'other', 't'])
  })

  it('rule 11: a builder that lacked something in pass 1 and whose fed input is old in pass 2 does not run', async () => {
    const [A, F, Back, First, Late, T] = texts('A', 'F', 'Back', 'First', 'Late', 'T')
    const lab = newLab()
    // `late` is declared before the loop; Back reaches it over no cut edge, but it lacks First in pass 1.
    const builders = [
      lab.step('first', [Back], First),
      lab.step('second', [A], Back, { optionals: [First] }),
      lab.step('late', [F], Late, { accesses: [First] }),
      lab.step('t', [First, Late], T),
    ]
    const w = workflow({ name: 'w', builders, target: T, loops: true })
    const result = await over(memory.medium().open(), w).executor().sequential(w, 'i', A('a1'), F('f1'))
    expect(lab.look()).toEqual(['late', 'second', 'first', 't'])
    expect(result.get(T)).toBe('t(first(second(a1,-)),late(f1,-))')
  })

  it('rule 11: a builder runs at most once in a scope, in whatever pass', async () => {
    const [A, Back, First, T] = texts('A', 'Back', 'First', 'T')
    const lab = newLab()
    const builders = [
      lab.step('first', [A], First, { optionals: [Back] }),
      lab.step('second', [First], Back),
      lab.step('t', [Back], T, { does: () => nothing() }),
    ]
    const w = workflow({ name: 'w', builders, target: T, loops: true })
    const run = over(memory.medium().open(), w).executor()
    const one = await run.sequential(w, 'i', A('a1'))
    expect(lab.look()).toEqual(['first', 'second', 't'])
    expect(one.get(First)).toBe('first(a1,-)')
    // Back reached first again in pass 2 of that scope: it is neither active nor due now.
    await run.sequential(w, 'i')
    expect(lab.look()).toEqual([])
    expect((await run.sequential(w, 'i', A('a2'))).get(First)).toBe('first(a2,second(first(a1,-)))')
  })

  it('rule 11: what reaches back shows its value from the pass`s start, also to an optional of a fed datum', async () => {
    const [A, Back, First, T] = texts('A', 'Back', 'First', 'T')
    const lab = newLab()
    const builders = [
      lab.step('first', [A], First, { optionals: [Back] }),
      lab.step('second', [First], Back),
      lab.step('t', [Back], T),
    ]
    const w = workflow({ name: 'w', builders, target: T, loops: true })
    const run = over(memory.medium().open(), w).executor()
    // Fed data reach over cut edges at once.
    expect((await run.sequential(w, 'i', A('a1'), Back('fed'))).get(T)).toBe('t(second(first(a1,fed)))')
    expect((await run.sequential(w, 'i', Back('again'))).get(First)).toBe('first(a1,again)')
  })

  it('rule 11: without loops there is one pass', async () => {
    const [A, B, C] = texts('A', 'B', 'C')
    const lab = newLab()
    const w = workflow({ name: 'w', builders: [lab.step('c', [B], C), lab.step('b', [A], B)], target: C })
    const polaris = over(memory.medium().open(), w)
    await polaris.executor().sequential(w, 'i', A('a1'))
    expect((await polaris.history('i')).map(({ pass }) => pass)).toEqual([1, 1, 1])
  })

  it('rule 11: a throw in a later pass ends the scope, and the next one takes up what is due', async () => {
    const [A, Back, First, T] = texts('A', 'Back', 'First', 'T')
    const lab = newLab()
    const does = (made: string, run: number): unknown => {
      if (run === 1) throw new Error('down')
      return made
    }
    const builders = [
      lab.step('first', [Back], First, { does }),
      lab.step('second', [A], Back, { optionals: [First] }),
      lab.step('t', [First], T),
    ]
    const w = workflow({ name: 'w', builders, target: T, loops: true })
    const run = over(memory.medium().open(), w).executor()
    const error = await failure(run.sequential(w, 'i', A('a1')))
    expect(error.result.get(Back)).toBe('second(a1,-)')
    expect(lab.look()).toEqual(['second', 'first'])
    expect((await run.sequential(w, 'i')).get(T)).toBe('t(first(second(a1,-)))')
  })
})
