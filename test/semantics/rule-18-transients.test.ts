import { nothing, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory } from '../support/media.ts'
import { dataOf, failure, newLab, over, texts } from '../support/lab.ts'

const modes = ['sequential', 'parallel'] as const

describe('rule 18: transients', () => {
  eachStore((kind) => {
    for (const mode of modes) {
      it(`rule 18: visible within the scope, returned, never stored (${mode})`, async () => {
        const [A, M, T] = texts('A', 'M', 'T')
        const lab = newLab()
        const w = workflow({
          name: 'w',
          builders: [lab.step('m', [A], M), lab.step('t', [M], T)],
          target: T,
          transients: [M],
        })
        const polaris = over(kind.medium().open(), w)
        const result = await polaris.executor()[mode](w, 'i', A('a1'))
        expect(result.get(M)).toBe('m(a1)')
        expect(result.latest(M)).toBe('m(a1)')
        expect(result).toMatchObject({ status: 'completed', target: 't(m(a1))' })
        expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1', T: 't(m(a1))' })
        const made = (await polaris.history('i')).find(({ data }) => data === 'M')
        expect(made).toMatchObject({ builder: 'm', outcome: 'produced' })
        expect(made).not.toHaveProperty('value')
        const next = await polaris.executor()[mode](w, 'i')
        expect(next.latest(M)).toBeUndefined()
        expect(next.status).toBe('completed')
      })

      it(`rule 18: for a triggered builder that lacks it, its producer runs again first (${mode})`, async () => {
        const [A, X, K, M, N, T] = texts('A', 'X', 'K', 'M', 'N', 'T')
        const lab = newLab()
        const builders = [
          lab.step('t', [X, N], T),
          lab.step('n', [M], N),
          lab.step('m', [K], M, { accesses: [X] }),
          lab.step('k', [A], K),
        ]
        const w = workflow({ name: 'w', builders, target: T, transients: [M, N] })
        const polaris = over(kind.medium().open(), w)
        const run = polaris.executor()
        await run[mode](w, 'i', A('a1'))
        expect(lab.look()).toEqual(['k', 'm', 'n'])
        const second = await run[mode](w, 'i', X('x1'))
        // All that is lacking up to what is stored, and no more.
        expect(lab.look()).toEqual(['m', 'n', 't'])
        expect(second.target).toBe('t(x1,n(m(k(a1),x1)))')
        expect(second.get(N)).toBe('n(m(k(a1),x1))')
        expect((await polaris.history('i')).filter(({ data }) => data === 'M' || data === 'N')).toHaveLength(4)
      })

      it(`rule 18: an optional transient is made again, too (${mode})`, async () => {
        const [A, X, M, T] = texts('A', 'X', 'M', 'T')
        const lab = newLab()
        const builders = [lab.step('m', [A], M), lab.step('t', [X], T, { optionals: [M] })]
        const w = workflow({ name: 'w', builders, target: T, transients: [M] })
        const run = over(kind.medium().open(), w).executor()
        await run[mode](w, 'i', A('a1'))
        expect((await run[mode](w, 'i', X('x1'))).target).toBe('t(x1,m(a1))')
      })

      it(`rule 18: for a due builder, too (${mode})`, async () => {
        const [A, M, T] = texts('A', 'M', 'T')
        const lab = newLab()
        const does = (made: string, run: number): unknown => {
          if (run === 1) throw new Error('down')
          return made
        }
        const w = workflow({
          name: 'w',
          builders: [lab.step('m', [A], M), lab.step('t', [M], T, { does })],
          target: T,
          transients: [M],
        })
        const run = over(kind.medium().open(), w).executor()
        const error = await failure(run[mode](w, 'i', A('a1')))
        expect(error.result.get(M)).toBe('m(a1)')
        lab.look()
        expect((await run.resume(w, 'i')).target).toBe('t(m(a1))')
        expect(lab.look()).toEqual(['m', 't'])
      })
    }

    it('rule 18: a producer that was only to supply a reader triggers nobody else, and is not due after', async () => {
      const [A, X, M, S, T] = texts('A', 'X', 'M', 'S', 'T')
      const lab = newLab()
      const builders = [lab.step('m', [A], M), lab.step('side', [M], S), lab.step('t', [X, M], T)]
      const w = workflow({ name: 'w', builders, target: T, transients: [M] })
      const run = over(kind.medium().open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      lab.look()
      const second = await run.sequential(w, 'i', X('x1'))
      expect(lab.look()).toEqual(['m', 't'])
      expect(second.status).toBe('completed')
      await run.sequential(w, 'i')
      expect(lab.look()).toEqual([])
    })

    it('rule 18: a fed transient is active in its scope and gone afterwards', async () => {
      const [M, X, B, T] = texts('M', 'X', 'B', 'T')
      const lab = newLab()
      const builders = [lab.step('b', [M], B), lab.step('t', [X, M], T)]
      const w = workflow({ name: 'w', builders, target: T, transients: [M] })
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      const first = await run.sequential(w, 'i', M('secret'))
      expect(first.get(B)).toBe('b(secret)')
      // M counts too: it is gone with this scope.
      expect(first.waitingFor).toEqual(['M', 'X'])
      expect(await dataOf(polaris, 'i')).toEqual({ B: 'b(secret)' })
      expect(await polaris.history('i')).toSatisfy(
        (entries: { data?: string; value?: unknown }[]) =>
          !entries.some(({ data, value }) => data === 'M' && value !== undefined),
      )
      const second = await run.sequential(w, 'i', X('x1'))
      expect(second).toMatchObject({ status: 'waiting', waitingFor: ['M'] })
      const third = await run.sequential(w, 'i', M('again'))
      expect(third.target).toBe('t(x1,again)')
    })
  })

  it('rule 18: where the producer gives nothing this time, a consumer does not run, and an optional does without', async () => {
    const [A, X, M, S, T] = texts('A', 'X', 'M', 'S', 'T')
    const lab = newLab()
    const does = (made: string, run: number): unknown => (run === 1 ? made : nothing())
    const builders = [
      lab.step('m', [A], M, { does }),
      lab.step('s', [X, M], S),
      lab.step('t', [X], T, { optionals: [M] }),
    ]
    const w = workflow({ name: 'w', builders, target: T, transients: [M] })
    const run = over(memory.medium().open(), w).executor()
    await run.sequential(w, 'i', A('a1'))
    lab.look()
    const result = await run.sequential(w, 'i', X('x1'))
    expect(lab.look()).toEqual(['m', 't'])
    expect(result.target).toBe('t(x1,-)')
    expect(result.get(S)).toBeUndefined()
  })

  it('rule 18: a producer that throws when it runs again fails the scope, and the reader stays due', async () => {
    const [A, X, M, T] = texts('A', 'X', 'M', 'T')
    const lab = newLab()
    const does = (made: string, run: number): unknown => {
      if (run === 2) throw new Error('down')
      return made
    }
    const builders = [lab.step('m', [A], M, { does }), lab.step('t', [X, M], T)]
    const w = workflow({ name: 'w', builders, target: T, transients: [M] })
    const run = over(memory.medium().open(), w).executor()
    await run.sequential(w, 'i', A('a1'))
    const error = await failure(run.sequential(w, 'i', X('x1')))
    expect(error.builder).toBe('m')
    expect((await run.sequential(w, 'i')).target).toBe('t(x1,m(a1))')
  })

  it('rule 18: an access never has a producer run', async () => {
    const [A, X, M, T] = texts('A', 'X', 'M', 'T')
    const lab = newLab()
    const builders = [lab.step('m', [A], M), lab.step('t', [X], T, { accesses: [M] })]
    const w = workflow({ name: 'w', builders, target: T, transients: [M] })
    const run = over(memory.medium().open(), w).executor()
    await run.sequential(w, 'i', A('a1'))
    lab.look()
    expect((await run.sequential(w, 'i', X('x1'))).target).toBe('t(x1,-)')
    expect(lab.look()).toEqual(['t'])
  })

  it('rule 18: a source makes its transient again for those who lack it', async () => {
    const [X, M, T] = texts('X', 'M', 'T')
    const lab = newLab()
    const builders = [lab.step('m', [], M), lab.step('t', [X, M], T)]
    const w = workflow({ name: 'w', builders, target: T, transients: [M] })
    const run = over(memory.medium().open(), w).executor()
    expect((await run.sequential(w, 'i')).waitingFor).toEqual(['X'])
    expect((await run.sequential(w, 'i', X('x1'))).target).toBe('t(x1,m())')
    expect(lab.look()).toEqual(['m', 'm', 't'])
  })

  it('rule 18: a transient that its builder makes again when needed is not waited for', async () => {
    const [A, X, M, T] = texts('A', 'X', 'M', 'T')
    const lab = newLab()
    const builders = [lab.step('m', [A], M), lab.step('t', [M, X], T)]
    const w = workflow({ name: 'w', builders, target: T, transients: [M] })
    const polaris = over(memory.medium().open(), w)
    await polaris.executor().sequential(w, 'i', A('a1'))
    expect((await polaris.get('i'))?.waitingFor).toEqual(['X'])
    expect((await polaris.explain('i'))!.builders[1]?.lacks).toEqual([{ data: 'X' }])
  })

  it('rule 3: a transient target serves compute only', async () => {
    const [A, T] = texts('A', 'T')
    const lab = newLab()
    const made = workflow({ name: 'w', builders: [lab.step('t', [A], T)], target: T, transients: [T] })
    const polaris = over(memory.medium().open(), made)
    expect((await polaris.executor().compute(made, A('a1'))).target).toBe('t(a1)')
    await expect(polaris.executor().sequential(made, 'i', A('a1'))).rejects.toMatchObject({ code: 'GRAPH_INVALID' })
    expect(await polaris.get('i')).toBeUndefined()
  })
})
