/** Rules 7, 8 and 15: a product that equals the one it replaces wakes nobody, and counts as renewed all the way down. */
import { builder, data, nothing, type, waitFor, workflow } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import { eachStore, strictMemory } from '../support/media.ts'
import { failure, newLab, over, texts, turns } from '../support/lab.ts'
import type { Lab, Part } from '../support/lab.ts'
import { storeTime } from '../support/time.ts'

const [A, X, B, C, T] = texts('A', 'X', 'B', 'C', 'T')

/** `b` makes the first letter of A, with cutoff; `c` and `t` follow. */
function chain(lab: Lab, parts: { readonly c?: Part; readonly t?: Part } = {}) {
  const does = (_: string, __: number, input: { readonly A?: string | undefined }): string =>
    (input.A ?? '').slice(0, 1)
  const b = lab.step('b', [A], B, { does, options: { cutoff: true } })
  return workflow({
    name: 'w',
    builders: [b, lab.step('c', [B], C, parts.c), lab.step('t', [C], T, parts.t)],
    target: T,
  })
}

describe('cutoff', () => {
  eachStore((kind) => {
    it('rule 15: what depends on it does not run, and the instance is completed', async () => {
      const lab = newLab()
      const w = chain(lab)
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      lab.look()
      const same = await run.sequential(w, 'i', A('a2'))
      expect(lab.look()).toEqual(['b'])
      expect(same).toMatchObject({ status: 'completed', target: 't(c(a))', waitingFor: [] })
      expect(same.produced).toEqual([expect.objectContaining({ name: 'B', value: 'a' })])
      expect(same.get(B)).toBe('a')
      const polaris = over(medium.open(), w)
      expect(await polaris.get('i')).toMatchObject({ status: 'completed', targetName: 'T', waitingFor: [] })
      const explained = await polaris.explain('i')
      expect(explained?.targets).toMatchObject([{ state: 'present', because: [] }])
      expect(explained?.builders.map(({ state }) => state)).toEqual(['done', 'done', 'done'])
      const [made, again] = (await polaris.history('i')).filter((entry) => entry.builder === 'b')
      expect(again).toMatchObject({ outcome: 'produced', data: 'B', scope: 2, sameAs: made?.seq })
      expect(again).not.toHaveProperty('value')
      expect(made).not.toHaveProperty('sameAs')
      expect((await polaris.executor().sequential(w, 'i', A('b1'))).target).toBe('t(c(b))')
      expect(lab.look()).toEqual(['b', 'c', 't'])
    })

    it('rule 22: who was due because of the product it equals stays due', async () => {
      const lab = newLab()
      const does = (made: string, run: number): string => {
        if (run === 2) throw new Error('down')
        return made
      }
      const w = chain(lab, { c: { does } })
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      await failure(run.sequential(w, 'i', A('b1')))
      lab.look()
      const result = await over(medium.open(), w).executor().sequential(w, 'i', A('b2'))
      expect(lab.look()).toEqual(['b', 'c', 't'])
      expect(result.target).toBe('t(c(b))')
    })

    it('rule 15: a change that was never answered makes the target stale, also once it is renewed unchanged', async () => {
      const lab = newLab()
      const w = chain(lab, { c: { optionals: [X], does: (made, run) => (run === 2 ? waitFor(B) : made) } })
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      expect(await run.sequential(w, 'i', A('b1'))).toMatchObject({ status: 'waiting', waitingFor: ['B'] })
      const same = await over(medium.open(), w).executor().sequential(w, 'i', A('b2'))
      expect(same).toMatchObject({ status: 'waiting', waitingFor: ['B'] })
      expect(await over(medium.open(), w).get('i')).toMatchObject({ status: 'waiting' })
    })

    it('rule 15: of what lies above it nothing is left unanswered', async () => {
      const lab = newLab()
      const up = lab.step('up', [X], A)
      const { builders } = { builders: [up, lab.step('b', [A], B, { does: () => 'same', options: { cutoff: true } })] }
      const w = workflow({ name: 'w', builders: [...builders, lab.step('t', [B], T)], target: T })
      const run = over(kind.medium().open(), w).executor()
      await run.parallel(w, 'i', X('x1'))
      lab.look()
      expect((await run.parallel(w, 'i', X('x2'))).status).toBe('completed')
      expect(lab.look()).toEqual(['up', 'b'])
    })

    it('rule 10: a product after nothing, equal to the one before, makes the target fresh again', async () => {
      const lab = newLab()
      const does = (_: string, run: number): unknown => (run === 2 ? nothing() : 'same')
      const b = lab.step('b', [A], B, { does, options: { cutoff: true } })
      const w = workflow({ name: 'w', builders: [b, lab.step('t', [B], T)], target: T })
      const run = over(kind.medium().open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      expect((await run.sequential(w, 'i', A('a2'))).status).toBe('waiting')
      lab.look()
      expect((await run.sequential(w, 'i', A('a3'))).status).toBe('completed')
      expect(lab.look()).toEqual(['b'])
    })

    it('rule 15: it may make the target itself', async () => {
      const lab = newLab()
      const t = lab.step('t', [A], T, { does: () => 'same', options: { cutoff: true } })
      const w = workflow({ name: 'w', builders: [t], target: T })
      const medium = kind.medium()
      await over(medium.open(), w).executor().sequential(w, 'i', A('a1'))
      const again = await over(medium.open(), w).executor().sequential(w, 'i', A('a2'))
      expect(again).toMatchObject({ status: 'completed', target: 'same' })
    })

    it('rule 6: it is compared with what a caller fed in its place, too', async () => {
      const lab = newLab()
      const w = chain(lab)
      const run = over(kind.medium().open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      await run.sequential(w, 'i', B('fed'))
      lab.look()
      await run.sequential(w, 'i', A('a2'))
      expect(lab.look()).toEqual(['b', 'c', 't'])
      await run.sequential(w, 'i', B('z'))
      lab.look()
      await run.sequential(w, 'i', A('z9'))
      expect(lab.look()).toEqual(['b'])
    })

    it('P8: who reads it later has the same key as if it had not run again', async () => {
      const lab = newLab()
      const keys: string[] = []
      const t: Part = {
        accesses: [X],
        does(made, _, __, { idempotencyKey }) {
          keys.push(idempotencyKey)
          if (keys.length === 1) throw new Error('down')
          return made
        },
      }
      const w = chain(lab, { t })
      const run = over(kind.medium().open(), w).executor()
      await failure(run.sequential(w, 'i', A('a1')))
      await run.sequential(w, 'i', A('a2'))
      expect(keys).toHaveLength(2)
      expect(new Set(keys).size).toBe(1)
    })

    it('rule 26: the result from the record has it, too', async () => {
      const lab = newLab()
      const w = chain(lab)
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      await run.with({ requestId: 'r' }).sequential(w, 'i', A('a2'))
      await run.sequential(w, 'i', A('b1'))
      const again = await over(medium.open(), w).executor().with({ requestId: 'r' }).sequential(w, 'i', A('a2'))
      expect(again).toMatchObject({ status: 'completed', target: 't(c(a))', scope: 2 })
      expect(again.get(B)).toBe('a')
    })

    it('rule 24: after a restart there is none to compare with', async () => {
      const lab = newLab()
      const w = chain(lab)
      const run = over(kind.medium().open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      await run.sequential(w, 'i', A('a2'))
      lab.look()
      expect((await run.restart(w, 'i')).target).toBe('t(c(a))')
      expect(lab.look()).toEqual(['b', 'c', 't'])
    })
  }, 'everywhere')

  it('rule 22: after a crash nobody runs because of it, and it does not run again', async () => {
    const lab = newLab()
    const hangs = (made: string, run: number): unknown => (run === 2 ? new Promise(() => undefined) : made)
    const builders = [
      lab.step('b', [A], B, { does: () => 'same', options: { cutoff: true } }),
      lab.step('c', [B], C),
      lab.step('t', [A, C], T, { does: hangs }),
    ]
    const w = workflow({ name: 'w', builders, target: T })
    const medium = strictDurable()
    const polaris = over(medium.open(), w)
    await polaris.executor().sequential(w, 'i', A('a1'))
    void polaris.executor().sequential(w, 'i', A('a2'))
    await turns()
    expect((await medium.open().history('i', { limit: 9 })).at(-1)).toMatchObject({ builder: 'b', note: { sameAs: 2 } })
    lab.look()
    storeTime.outliveLeases()
    const result = await over(medium.open(), w).executor().resume(w, 'i')
    expect(lab.look()).toEqual(['t'])
    expect(result).toMatchObject({ status: 'completed', target: 't(a2,c(same))' })
    expect(result.get(B)).toBe('same')
  })

  it('rule 11: it begins no further pass, and as the target it ends them', async () => {
    const lab = newLab()
    const again = lab.step('again', [A], B, { optionals: [C], does: () => 'same', options: { cutoff: true } })
    const w = workflow({ name: 'w', builders: [again, lab.step('c', [B], C)], target: B, loops: true })
    const run = over(strictMemory.medium().open(), w).executor()
    await run.sequential(w, 'i', A('a1'))
    lab.look()
    await run.sequential(w, 'i', A('a2'))
    expect(lab.look()).toEqual(['again'])
  })

  it.each([
    ['members in another order', { a: 1, b: [2] }, { b: [2], a: 1 }, true],
    ['a Date of the same time', { at: new Date(7) }, { at: new Date(7) }, true],
    ['equal bytes', new Uint8Array([1, 2]), new Uint8Array([1, 2]), true],
    ['other bytes', new Uint8Array([1, 2]), new Uint8Array([1, 3]), false],
    [
      'a Map in another order',
      new Map([
        [1, 2],
        [3, 4],
      ]),
      new Map([
        [3, 4],
        [1, 2],
      ]),
      false,
    ],
    ['zero and minus zero', 0, -0, false],
    ['a number and its bigint', 1, 1n, false],
    ['NaN', NaN, NaN, true],
    ['a member that is undefined, and none', { a: undefined }, {}, false],
    ['null', null, null, true],
    ['a list in another order', [1, 2], [2, 1], false],
    ['instances of a class, which have no text', new URL('http://a'), new URL('http://a'), false],
  ])('rule 20: %s', async (_, before, now, equal) => {
    const Any = data('Any', type<unknown>())
    const values = [before, now]
    const make = builder({
      name: 'make',
      consumes: { a: A },
      produces: Any,
      cutoff: true,
      process: () => values.shift(),
    })
    const Seen = data('Seen', type<number>())
    let seen = 0
    const see = builder({ name: 'see', consumes: { any: Any }, produces: Seen, process: () => ++seen })
    const w = workflow({ name: 'w', builders: [make, see], target: Seen })
    const run = over(memoryStore(), w).executor()
    await run.sequential(w, 'i', A('a1'))
    await run.sequential(w, 'i', A('a2'))
    expect(seen).toBe(equal ? 1 : 2)
  })
})

/** A store that keeps what is committed within a scope, in memory. */
function strictDurable(): { open(): DataStore } {
  const store = memoryStore({ strict: true, now: storeTime.now })
  const durable = { ...store, capabilities: { ...store.capabilities, durable: true }, close: () => undefined }
  return { open: () => durable }
}
