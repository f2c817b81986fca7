import { nothing, waitFor, workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory, strictMemory } from '../support/media.ts'
import { deferred, failure, newLab, over, texts, turns } from '../support/lab.ts'

const modes = ['sequential', 'parallel'] as const

describe('rule 14: the result', () => {
  eachStore((kind) => {
    for (const mode of modes) {
      it(`rule 14: it holds what this scope produced, transients included, and not what was only fed (${mode})`, async () => {
        const [A, X, B, M, C] = texts('A', 'X', 'B', 'M', 'C')
        const lab = newLab()
        const builders = [lab.step('b', [A], B), lab.step('m', [B], M), lab.step('c', [M, X], C)]
        const w = workflow({ name: 'w', builders, target: C, transients: [M] })
        const run = over(kind.medium().open(), w).executor()
        const first = await run[mode](w, 'i', A('a1'))
        expect(first.produced.map(({ name, value }) => [name, value])).toEqual([
          ['B', 'b(a1)'],
          ['M', 'm(b(a1))'],
        ])
        expect(first.get(M)).toBe('m(b(a1))')
        expect(first.get(A)).toBeUndefined()
        expect(first.latest(A)).toBe('a1')
        expect(first.get(C)).toBeUndefined()
        const second = await run[mode](w, 'i', B('fed'))
        expect(second.get(B)).toBeUndefined()
        expect(second.latest(B)).toBe('fed')
        expect(second.produced.map(({ name }) => name)).toEqual(['M'])
        const third = await run[mode](w, 'i', X('x1'))
        expect(third.get(B)).toBeUndefined()
        expect(third.get(C)).toBe('c(m(fed),x1)')
      })
    }
  })
})

describe('rule 15: status', () => {
  eachStore((kind) => {
    for (const mode of modes) {
      it(`rule 15: waiting until the target is there, then completed (${mode})`, async () => {
        const [A, X, B, C] = texts('A', 'X', 'B', 'C')
        const lab = newLab()
        const w = workflow({ name: 'w', builders: [lab.step('b', [A], B), lab.step('c', [B, X], C)], target: C })
        const polaris = over(kind.medium().open(), w)
        const run = polaris.executor()
        const first = await run[mode](w, 'i', A('a1'))
        expect(first).toMatchObject({ status: 'waiting', waitingFor: ['X'], scope: 1 })
        expect(first.target).toBeUndefined()
        expect(first.targetName).toBeUndefined()
        expect(await polaris.get('i')).toMatchObject({ status: 'waiting', waitingFor: ['X'], scopes: 1 })
        const second = await run[mode](w, 'i', X('x1'))
        expect(second).toMatchObject({ status: 'completed', waitingFor: [], scope: 2 })
        expect(second).toMatchObject({ target: 'c(b(a1),x1)', targetName: 'C' })
        expect(await polaris.get('i')).toMatchObject({
          status: 'completed',
          waitingFor: [],
          targetName: 'C',
          scopes: 2,
        })
      })

      it(`rule 15: failed after a throw, whatever the target looks like, until a later scope succeeds (${mode})`, async () => {
        const [A, X, T, L] = texts('A', 'X', 'T', 'L')
        const lab = newLab()
        let broken = true
        const does = (made: string): string => {
          if (broken) throw new Error('down')
          return made
        }
        const builders = [lab.step('t', [A], T), lab.step('letter', [T], L, { optionals: [X], does })]
        const w = workflow({ name: 'w', builders, target: T })
        const polaris = over(kind.medium().open(), w)
        const run = polaris.executor()
        const error = await failure(run[mode](w, 'i', A('a1')))
        expect(error.result.status).toBe('failed')
        expect(error.result.get(T)).toBe('t(a1)')
        expect(error.result.target).toBeUndefined()
        expect(await polaris.get('i')).toMatchObject({
          status: 'failed',
          failure: { builder: 'letter', message: 'down' },
        })
        await failure(run[mode](w, 'i', X('x1')))
        expect((await polaris.get('i'))?.status).toBe('failed')
        broken = false
        const result = await run[mode](w, 'i')
        expect(result).toMatchObject({ status: 'completed', target: 't(a1)' })
        const view = await polaris.get('i')
        expect(view?.status).toBe('completed')
        expect(view?.failure).toBeUndefined()
      })
    }

    it('rule 15: a target whose builder gave nothing since is stale, and waits for its own product', async () => {
      const [A, T] = texts('A', 'T')
      const lab = newLab()
      const does = (made: string, run: number): unknown => (run === 2 ? nothing('closed on Sundays') : made)
      const w = workflow({ name: 'w', builders: [lab.step('t', [A], T, { does })], target: T })
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'i', A('a1'))
      const second = await run.sequential(w, 'i', A('a2'))
      expect(second).toMatchObject({ status: 'waiting', waitingFor: ['T'] })
      expect(second.latest(T)).toBe('t(a1)')
      expect((await polaris.explain('i'))!.targets).toEqual([
        { name: 'T', state: 'stale', because: ['t'], waitingFor: ['T'] },
      ])
      expect((await run.sequential(w, 'i', A('a3'))).status).toBe('completed')
    })

    it('rule 15: what gave nothing makes the target stale along consumes edges only', async () => {
      const [A, X, B, C, T] = texts('A', 'X', 'B', 'C', 'T')
      for (const viaOptional of [false, true]) {
        const lab = newLab()
        const does = (made: string, run: number): unknown => (run === 2 ? nothing() : made)
        const builders = [
          lab.step('b', [A], B, { does }),
          lab.step('c', [B], C),
          viaOptional ? lab.step('t', [X], T, { optionals: [C] }) : lab.step('t', [X, C], T),
        ]
        const w = workflow({ name: 'w', builders, target: T })
        const run = over(kind.medium().open(), w).executor()
        expect((await run.sequential(w, 'i', A('a1'), X('x1'))).target).toBe('t(x1,c(b(a1)))')
        const second = await run.sequential(w, 'i', A('a2'))
        expect(second.status).toBe(viaOptional ? 'completed' : 'waiting')
        expect(second.waitingFor).toEqual(viaOptional ? [] : ['B'])
      }
    })

    it('rule 15: what returned waitFor makes it stale along all edges, and is waited for by name', async () => {
      const [A, X, Info, B, C, T] = texts('A', 'X', 'Info', 'B', 'C', 'T')
      for (const viaOptional of [false, true]) {
        const lab = newLab()
        const does = (made: string, run: number): unknown => (run === 2 ? waitFor(Info, 'who is it?') : made)
        const builders = [
          lab.step('b', [A], B, { optionals: [Info], does }),
          lab.step('c', [B], C),
          viaOptional ? lab.step('t', [X], T, { optionals: [C] }) : lab.step('t', [X, C], T),
        ]
        const w = workflow({ name: 'w', builders, target: T })
        const polaris = over(kind.medium().open(), w)
        const run = polaris.executor()
        await run.sequential(w, 'i', A('a1'), X('x1'))
        const second = await run.sequential(w, 'i', A('a2'))
        expect(second).toMatchObject({ status: 'waiting', waitingFor: ['Info'] })
        const third = await run.sequential(w, 'i', Info('me'))
        expect(third).toMatchObject({ status: 'completed', target: 't(x1,c(b(a2,me)))' })
      }
    })

    it('rule 15: a fed target completes it, and is stale once its upstream ran without renewing it', async () => {
      const [A, X, B, T] = texts('A', 'X', 'B', 'T')
      const lab = newLab()
      const w = workflow({ name: 'w', builders: [lab.step('b', [A], B), lab.step('t', [B, X], T)], target: T })
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      const fed = await run.sequential(w, 'i', T('by hand'))
      expect(fed).toMatchObject({ status: 'completed', target: 'by hand', targetName: 'T' })
      expect(lab.look()).toEqual([])
      const second = await run.sequential(w, 'i', A('a1'))
      expect(second).toMatchObject({ status: 'waiting', waitingFor: ['X'] })
      expect((await polaris.explain('i'))!.targets[0]).toMatchObject({ state: 'stale', because: ['b'] })
      // Fed in the very scope in which b runs, it is as new as that.
      expect((await run.sequential(w, 'i', A('a2'), T('again'))).target).toBe('again')
      expect((await run.sequential(w, 'i', X('x1'))).target).toBe('t(b(a2),x1)')
    })

    it('rule 15: a once builder counts as renewed, and so does what lies above it', async () => {
      const [A, B, C, T] = texts('A', 'B', 'C', 'T')
      const lab = newLab()
      const does = (made: string, run: number): unknown => (run === 3 ? nothing() : made)
      const builders = [lab.step('b', [A], B, { does }), lab.step('c', [B], C, { once: true }), lab.step('t', [C], T)]
      const w = workflow({ name: 'w', builders, target: T })
      const run = over(kind.medium().open(), w).executor()
      await run.sequential(w, 'i', A('a1'))
      for (const a of ['a2', 'a3']) {
        expect(await run.sequential(w, 'i', A(a))).toMatchObject({ status: 'completed', target: 't(c(b(a1)))' })
      }
      expect(lab.look()).toEqual(['b', 'c', 't', 'b', 'b'])
    })

    it('rule 15: waitingFor names what no builder makes, through others, and nothing a side builder wants', async () => {
      const [A, X, Y, Z, S, B, C, T, L] = texts('A', 'X', 'Y', 'Z', 'S', 'B', 'C', 'T', 'L')
      const lab = newLab()
      const builders = [
        lab.step('letter', [S], L),
        lab.step('t', [C, Y], T, { optionals: [Z] }),
        lab.step('c', [B, X], C),
        lab.step('b', [A], B, { accesses: [S] }),
      ]
      const w = workflow({ name: 'w', builders, target: T })
      const run = over(kind.medium().open(), w).executor()
      expect([...(await run.sequential(w, 'i')).waitingFor].sort()).toEqual(['A', 'X', 'Y'])
      expect([...(await run.sequential(w, 'i', A('a1'))).waitingFor].sort()).toEqual(['X', 'Y'])
      expect((await run.sequential(w, 'i', X('x1'))).waitingFor).toEqual(['Y'])
      expect((await run.sequential(w, 'i', Y('y1'))).status).toBe('completed')
    })

    it('rule 15: where a builder gave nothing on the way, its product is named', async () => {
      const [A, X, B, T] = texts('A', 'X', 'B', 'T')
      const lab = newLab()
      const builders = [lab.step('b', [A], B, { does: () => nothing('no cab') }), lab.step('t', [B, X], T)]
      const w = workflow({ name: 'w', builders, target: T })
      const polaris = over(kind.medium().open(), w)
      const result = await polaris.executor().sequential(w, 'i', A('a1'))
      expect([...result.waitingFor].sort()).toEqual(['B', 'X'])
      const t = (await polaris.explain('i'))!.builders.find(({ name }) => name === 't')
      expect(t).toMatchObject({ state: 'lacking' })
      expect(t?.lacks).toEqual([{ data: 'B', from: 'b', because: 'no cab' }, { data: 'X' }])
    })

    it('rule 15: several targets are different ends: the first declared one that is there completes it', async () => {
      const [A, B, Paid, Free, L] = texts('A', 'B', 'Paid', 'Free', 'L')
      const lab = newLab()
      const builders = [lab.step('free', [B], Free), lab.step('paid', [A], Paid), lab.step('l', [Free], L)]
      const w = workflow({ name: 'w', builders, target: [Paid, Free] })
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      expect([...(await run.sequential(w, 'i')).waitingFor].sort()).toEqual(['A', 'B'])
      expect((await polaris.explain('i'))!.targets.map(({ name, waitingFor }) => [name, waitingFor])).toEqual([
        ['Paid', ['A']],
        ['Free', ['B']],
      ])
      const second = await run.sequential(w, 'i', B('b1'))
      expect(second).toMatchObject({ status: 'completed', targetName: 'Free', target: 'free(b1)', waitingFor: [] })
      // None stops the scope.
      expect(lab.look()).toEqual(['free', 'l'])
      const third = await run.sequential(w, 'i', A('a1'))
      expect(third).toMatchObject({ status: 'completed', targetName: 'Paid', target: 'paid(a1)' })
      expect(lab.look()).toEqual(['paid'])
    })

    it('rule 15: a stale first target leaves it to the second', async () => {
      const [A, B, One, Two] = texts('A', 'B', 'One', 'Two')
      const lab = newLab()
      const does = (made: string, run: number): unknown => (run === 2 ? nothing() : made)
      const builders = [lab.step('one', [A], One, { does }), lab.step('two', [B], Two)]
      const w = workflow({ name: 'w', builders, target: [One, Two] })
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      expect((await run.sequential(w, 'i', A('a1'), B('b1'))).targetName).toBe('One')
      expect((await run.sequential(w, 'i', A('a2'))).targetName).toBe('Two')
      expect((await polaris.get('i'))?.targetName).toBe('Two')
      expect((await polaris.explain('i'))!.targets.map(({ state }) => state)).toEqual(['stale', 'present'])
      expect((await run.sequential(w, 'i', A('a3'))).targetName).toBe('One')
    })

    it('rule 15: a call without data runs what is due, and leaves no trace if nothing is', async () => {
      const [A, T] = texts('A', 'T')
      const lab = newLab()
      const w = workflow({ name: 'w', builders: [lab.step('t', [A], T)], target: T })
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      const done = await run.sequential(w, 'i', A('a1'))
      const before = await polaris.get('i')
      for (const call of [run.sequential(w, 'i'), run.parallel(w, 'i'), run.resume(w, 'i')]) {
        expect(await call).toMatchObject({ status: 'completed', target: done.target, produced: [] })
      }
      expect((await polaris.get('i'))?.revision).toBe(before?.revision)
      expect(await polaris.history('i')).toHaveLength(2)
    })
  })

  it('rule 15: feeding a completed instance opens it again', async () => {
    const [A, T] = texts('A', 'T')
    const lab = newLab()
    const gate = deferred<string>()
    const does = (made: string, run: number): unknown => (run === 2 ? gate.promise : made)
    const w = workflow({ name: 'w', builders: [lab.step('t', [A], T, { does })], target: T })
    const store = strictMemory.medium().open()
    const polaris = over(store, w)
    const run = polaris.executor()
    await run.sequential(w, 'i', A('a1'))
    const call = run.sequential(w, 'i', A('a2'))
    await turns()
    expect((await polaris.get('i'))?.status).toBe('running')
    gate.resolve('anew')
    expect(await call).toMatchObject({ status: 'completed', target: 'anew', scope: 2 })
  })

  it('rule 15: the first call may bring nothing at all', async () => {
    const [A, T] = texts('A', 'T')
    const w = workflow({ name: 'w', builders: [newLab().step('t', [A], T)], target: T })
    const polaris = over(memory.medium().open(), w)
    expect(await polaris.executor().sequential(w, 'i')).toMatchObject({
      status: 'waiting',
      waitingFor: ['A'],
      scope: 1,
    })
    expect(await polaris.get('i')).toMatchObject({ status: 'waiting', data: {} })
  })

  it('rule 15: compute has the same statuses', async () => {
    const [A, X, T] = texts('A', 'X', 'T')
    const w = workflow({ name: 'w', builders: [newLab().step('t', [A, X], T)], target: T })
    const run = over(memory.medium().open(), w).executor()
    expect(await run.compute(w, A('a1'))).toMatchObject({ status: 'waiting', waitingFor: ['X'] })
    expect(await run.compute(w, A('a1'), X('x1'))).toMatchObject({ status: 'completed', target: 't(a1,x1)' })
    expect(await run.compute(w, T('fed'))).toMatchObject({ status: 'completed', target: 'fed', produced: [] })
  })
})
