import { nothing, workflow } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory, strictMemory } from '../support/media.ts'
import { failure, newLab, over, texts, turns, until } from '../support/lab.ts'
import type { Part } from '../support/lab.ts'
import { mortal } from '../support/mortal.ts'

/** Notes the key of every run. */
function noting(
  keys: string[],
  does: (made: string, run: number) => unknown = (made) => made,
): NonNullable<Part['does']> {
  return (made, run, _, { idempotencyKey, attempt }) => {
    expect(attempt).toBe(1)
    expect(idempotencyKey).toBeTypeOf('string')
    keys.push(idempotencyKey)
    return does(made, run)
  }
}
const failsAt =
  (...failing: number[]) =>
  (made: string, run: number) => {
    if (failing.includes(run)) throw new Error(`down at run ${run}`)
    return made
  }

describe('rule 22 and P8: idempotency keys', () => {
  eachStore((kind) => {
    it('rule 22: a run carried over a failure keeps its key while no input changed', async () => {
      const [A, X, Y, B, T] = texts('A', 'X', 'Y', 'B', 'T')
      const lab = newLab()
      const keys: string[] = []
      const builders = [
        lab.step('b', [A], B),
        lab.step('t', [B], T, { optionals: [X], does: noting(keys, failsAt(1, 2, 3, 4)) }),
        lab.step('y', [Y], texts('Z')[0]),
      ]
      const w = workflow({ name: 'w', builders, target: T })
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      await failure(run.sequential(w, 'i', A('a1')))
      await failure(run.resume(w, 'i'))
      // Another process, and a delta that does not concern it.
      const other = over(medium.open(), w).executor()
      await failure(other.parallel(w, 'i', Y('y1')))
      expect(new Set(keys).size).toBe(1)
      // A changed input makes it another run, carried over in its turn.
      await failure(other.sequential(w, 'i', X('x1')))
      await other.sequential(w, 'i')
      expect(keys[3]).not.toBe(keys[0])
      expect(keys[4]).toBe(keys[3])
      // And so does a changed product upstream.
      await other.sequential(w, 'i', A('a2'))
      expect(new Set(keys).size).toBe(3)
      expect(keys).toHaveLength(6)
    })

    it('P8: a transient made again in a loop has a key of its own where its inputs changed since, and only there', async () => {
      const [A, X, M, B, T] = texts('A', 'X', 'M', 'B', 'T')
      const lab = newLab()
      const keys: string[] = []
      const builders = [
        lab.step('m', [A], M, { optionals: [B], does: noting(keys) }),
        lab.step('b', [M], B),
        lab.step('t', [M, X], T),
      ]
      const w = workflow({ name: 'w', builders, target: T, transients: [M], loops: true })
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      // What `b` made reaches back to `m`, which has run: only who lacks the transient has it made again, of that.
      await run.sequential(w, 'i', X('x2'))
      await over(medium.open(), w).executor().parallel(w, 'i', X('x3'))
      expect(lab.made.filter((made) => made.startsWith('m('))).toEqual([
        'm(a1,-)',
        'm(a1,b(m(a1,-)))',
        'm(a1,b(m(a1,-)))',
      ])
      expect(keys[1]).not.toBe(keys[0])
      expect(keys[2]).toBe(keys[1])
    })

    it('rule 22: a once builder keeps its key over failures, whatever changes, until it ends without a product', async () => {
      const [A, T] = texts('A', 'T')
      const lab = newLab()
      const keys: string[] = []
      const does = noting(keys, (made, run) => {
        if (run === 1 || run === 4) throw new Error('down')
        return run === 2 || run === 3 ? nothing('declined') : made
      })
      const w = workflow({ name: 'w', builders: [lab.step('t', [A], T, { once: true, does })], target: T })
      const run = over(kind.medium().open(), w).executor()
      await failure(run.sequential(w, 'i', A('a1')))
      await run.sequential(w, 'i', A('a2'))
      expect(keys[1]).toBe(keys[0])
      await run.sequential(w, 'i', A('a3'))
      expect(keys[2]).not.toBe(keys[1])
      await failure(run.sequential(w, 'i', A('a4')))
      expect(keys[3]).not.toBe(keys[2])
      await run.sequential(w, 'i', A('a5'))
      expect(keys[4]).toBe(keys[3])
      expect(new Set(keys).size).toBe(3)
    })

    it('rule 22: different builders, ids, scopes and lives have different keys', async () => {
      const [A, B, T] = texts('A', 'B', 'T')
      const lab = newLab()
      const keys: string[] = []
      const builders = [lab.step('b', [A], B, { does: noting(keys) }), lab.step('t', [B], T, { does: noting(keys) })]
      const w = workflow({ name: 'w', builders, target: T })
      for (const run of [over(kind.medium().open(), w).executor(), over(kind.medium().open(), w).executor()]) {
        await run.sequential(w, 'i', A('a1'))
        await run.sequential(w, 'i', A('a1'))
        await run.sequential(w, 'j', A('a1'))
        await run.compute(w, A('a1'))
        await run.compute(w, A('a1'))
      }
      expect(keys).toHaveLength(20)
      expect(new Set(keys).size).toBe(20)
    })
  })

  it('rule 22: names that differ only in odd characters have different keys', async () => {
    const [A, ...outs] = texts('A', 'B', 'C', 'D', 'E', 'F', 'G')
    const lab = newLab()
    const keys: string[] = []
    const names = ['a b', 'a%20;b', 'a:b', 'ä', '%e4;', '1:x']
    const builders = names.map((name, i) => lab.step(name, [A], outs[i]!, { does: noting(keys) }))
    const w = workflow({ name: 'w', builders, target: outs[0] })
    await over(memory.medium().open(), w).executor().sequential(w, 'i', A('a1'))
    expect(new Set(keys).size).toBe(names.length)
  })

  it('rule 22: a transient that is made again for a reader changes no key of it', async () => {
    for (const crash of [false, true]) {
      const [A, M, T] = texts('A', 'M', 'T')
      const lab = newLab()
      const keys: string[] = []
      const does = noting(keys, (made, run) => {
        if (run > 1) return made
        if (crash) return new Promise(() => undefined)
        throw new Error('down')
      })
      const builders = [lab.step('m', [A], M), lab.step('t', [M], T, { does })]
      const w = workflow({ name: 'w', builders, target: T, transients: [M] })
      const medium = strictMemory.medium()
      const first = over(medium.open(), w).executor().sequential(w, 'i', A('a1'))
      if (crash) await until(() => keys.length === 1, 't')
      else await failure(first)
      await turns()
      expect((await over(medium.open(), w).executor().resume(w, 'i')).target).toBe('t(m(a1))')
      expect(keys[1]).toBe(keys[0])
    }
  })

  it('rule 22: a once builder keeps its key over a crash', async () => {
    const [A, T] = texts('A', 'T')
    const lab = newLab()
    const keys: string[] = []
    const does = noting(keys, (made, run) => (run === 1 ? new Promise(() => undefined) : made))
    const w = workflow({ name: 'w', builders: [lab.step('t', [A], T, { once: true, does })], target: T })
    const medium = strictMemory.medium()
    void over(medium.open(), w).executor().sequential(w, 'i', A('a1'))
    await until(() => keys.length === 1, 't')
    // The interrupted scope is finished before A is fed anew, and then it has its product.
    const result = await over(medium.open(), w).executor().sequential(w, 'i', A('a2'))
    expect(result.target).toBe('t(a1)')
    expect(keys).toHaveLength(2)
    expect(keys[1]).toBe(keys[0])
  })
})

describe('durability: what is stored when', () => {
  function world(part: { readonly durability?: 'builder' | 'scope'; readonly pure?: readonly string[] }) {
    const [A, B, C, D, T] = texts('A', 'B', 'C', 'D', 'T')
    const lab = newLab()
    const store = strictMemory.medium().open()
    const held = mortal(store, Infinity, 'unsent')
    /** By builder: which data the store had when it started. */
    const stored: Record<string, (string | null)[]> = {}
    const step = (name: string, from: Parameters<typeof lab.step>[1], to: typeof A) =>
      lab.step(name, from, to, {
        pure: part.pure?.includes(name) ?? false,
        async does(made) {
          stored[name] = (await store.history('i', { limit: 1000 })).map(({ data }) => data)
          return made
        },
      })
    const builders = [
      step('b', [A], B as never),
      step('c', [B], C as never),
      step('d', [A], D as never),
      step('t', [C, D], T as never),
    ]
    const { durability = 'builder' } = part
    const w = workflow({ name: 'w', builders, target: T, durability })
    return { A, B, C, D, T, w, lab, stored, held, run: over(held.store, w).executor() }
  }

  for (const mode of ['sequential', 'parallel'] as const) {
    it(`the delta is stored before the first builder runs, each product before a dependant starts (${mode})`, async () => {
      const { A, w, stored, run } = world({})
      await run[mode](w, 'i', A('a1'))
      expect(stored['b']).toContain('A')
      expect(stored['d']).toContain('A')
      expect(stored['c']).toContain('B')
      expect(stored['t']).toEqual(expect.arrayContaining(['A', 'B', 'C', 'D']))
    })

    it(`a pure builder's product is stored before one that is not pure starts on it (${mode})`, async () => {
      const { A, w, stored, held, run } = world({ pure: ['b', 'c', 'd'] })
      await run[mode](w, 'i', A('a1'))
      expect(stored['b']).toContain('A')
      expect(stored['t']).toEqual(expect.arrayContaining(['A', 'B', 'C', 'D']))
      // Delta; b, c and d together; the end.
      expect(held.writes()).toBe(3)
    })

    it(`durability 'scope' is one commit at the scope's end (${mode})`, async () => {
      const { A, w, stored, held, run } = world({ durability: 'scope' })
      await run[mode](w, 'i', A('a1'))
      expect(Object.values(stored).flat()).toEqual([])
      expect(held.writes()).toBe(1)
      await run[mode](w, 'i', A('a2'))
      expect(held.writes()).toBe(2)
    })
  }

  it('with every builder pure, a scope is two commits', async () => {
    const { A, w, held, run } = world({ pure: ['b', 'c', 'd', 't'] })
    await run.sequential(w, 'i', A('a1'))
    expect(held.writes()).toBe(2)
  })

  it('a failed scope of durability `scope` keeps its delta and what was produced', async () => {
    const [A, B, T] = texts('A', 'B', 'T')
    const lab = newLab()
    const builders = [lab.step('b', [A], B), lab.step('t', [B], T, { does: failsAt(1) })]
    const w = workflow({ name: 'w', builders, target: T, durability: 'scope' })
    const medium = strictMemory.medium()
    await failure(over(medium.open(), w).executor().sequential(w, 'i', A('a1')))
    lab.look()
    expect((await over(medium.open(), w).executor().resume(w, 'i')).target).toBe('t(b(a1))')
    expect(lab.look()).toEqual(['t'])
  })

  it('a known instance needs no read before its next scope', async () => {
    const [A, T] = texts('A', 'T')
    const w = workflow({ name: 'w', builders: [newLab().step('t', [A], T)], target: T })
    let reads = 0
    const store = strictMemory.medium().open()
    const counting = { ...store, read: (id: string) => (reads++, store.read(id)) }
    const run = over(counting, w).executor()
    await run.with({ expect: 'new' }).sequential(w, 'i', A('a'))
    for (let i = 0; i < 5; i++) await run.sequential(w, 'i', A(`a${i}`))
    expect(reads).toBe(0)
  })

  it('new instances need no read either, once ids that are not at hand tend to be new', async () => {
    const [A, T] = texts('A', 'T')
    const lab = newLab()
    const w = workflow({ name: 'w', builders: [lab.step('t', [A], T)], target: T })
    const store = strictMemory.medium().open()
    const before = over(store, w).executor()
    for (let i = 0; i < 5; i++) await before.sequential(w, `old${i}`, A('a'))
    lab.look()
    let reads = 0
    let writes = 0
    const counting: DataStore = {
      ...store,
      read: (id) => (reads++, store.read(id)),
      write: (changes) => ((writes += changes.length), store.write(changes)),
    }
    const run = over(counting, w).executor()
    // The first that is there after all costs a commit that loses, and no builder has run by then.
    for (let i = 0; i < 5; i++) {
      expect((await run.sequential(w, `old${i}`, A('b'))).target).toBe('t(b)')
      expect(lab.look()).toEqual(['t'])
    }
    expect([reads, writes]).toEqual([5, 11])
    for (let i = 0; i < 50; i++) await run.sequential(w, `new${i}`, A('a'))
    expect(reads).toBeLessThan(5 + 30)
  })
})
