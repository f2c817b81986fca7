import { workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, strictMemory } from '../support/media.ts'
import { dataOf, deferred, expectUnknown, newLab, over, refusal, texts, turns, until } from '../support/lab.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'

expectNoUnhandledRejections()

function world() {
  const [A, B, C] = texts('A', 'B', 'C')
  const lab = newLab()
  const gate = deferred()
  const signals: AbortSignal[] = []
  const builders = [
    lab.step('b', [A], B, {
      does(made, run, _, { signal }) {
        signals.push(signal)
        return run === 1 ? gate.promise.then(() => made) : made
      },
    }),
    lab.step('c', [B], C),
  ]
  return { A, B, C, lab, gate, signals, w: workflow({ name: 'w', builders, target: C }) }
}

eachStore((kind) => {
  describe('a signal', () => {
    for (const mode of ['sequential', 'parallel'] as const) {
      it(`ends the scope: running builders are told and waited for, no further one starts (${mode})`, async () => {
        const { A, B, w, lab, gate, signals } = world()
        const polaris = over(kind.medium().open(), w)
        const controller = new AbortController()
        let ended = false
        const run = polaris.executor().with({ signal: controller.signal })
        const call = run[mode](w, 'i', A('a1')).finally(() => (ended = true))
        const refused = refusal(call, 'ABORTED')
        await until(() => lab.ran.length === 1, 'b')
        expect(signals[0]?.aborted).toBe(false)
        const reason = new Error('gone home')
        controller.abort(reason)
        await turns()
        expect(signals[0]?.aborted).toBe(true)
        expect(signals[0]?.reason).toBe(reason)
        expect(ended).toBe(false)
        gate.resolve()
        expect((await refused).cause).toBe(reason)
        expect(lab.look()).toEqual(['b'])
        // What was produced is kept, and the rest is due.
        expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1', B: 'b(a1)' })
        expect((await polaris.get('i'))?.status).toBe('failed')
        const result = await polaris.executor().resume(w, 'i')
        expect(result).toMatchObject({ status: 'completed', target: 'c(b(a1))', scope: 2 })
        expect(lab.look()).toEqual(['c'])
        expect(result.get(B)).toBeUndefined()
      })
    }

    it('aborted before the call: nothing is stored and nothing runs', async () => {
      const { A, w, lab } = world()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor().with({ signal: AbortSignal.abort(new Error('too late')) })
      await refusal(run.sequential(w, 'i', A('a1')), 'ABORTED')
      await refusal(run.parallel(w, 'i', A('a1')), 'ABORTED')
      await refusal(run.compute(w, A('a1')), 'ABORTED')
      await expectUnknown(polaris, 'i')
      expect(lab.ran).toEqual([])
    })

    it('aborted while the call waits for its turn: nothing of it is stored, and the others are not disturbed', async () => {
      const { A, w, lab, gate } = world()
      const polaris = over(kind.medium().open(), w)
      const controller = new AbortController()
      const first = polaris.executor().sequential(w, 'i', A('a1'))
      const second = refusal(
        polaris.executor().with({ signal: controller.signal }).sequential(w, 'i', A('a2')),
        'ABORTED',
      )
      const third = polaris.executor().sequential(w, 'i', A('a3'))
      await until(() => lab.ran.length === 1, 'b')
      controller.abort()
      await turns()
      gate.resolve()
      expect((await first).target).toBe('c(b(a1))')
      await second
      expect(await third).toMatchObject({ scope: 2, target: 'c(b(a3))' })
      const fed = (await polaris.history('i')).filter(({ outcome }) => outcome === 'fed').map(({ value }) => value)
      expect(fed).toEqual(['a1', 'a3'])
    })

    it('aborted after the end: nothing happens', async () => {
      const { A, w, gate, signals } = world()
      gate.resolve()
      const polaris = over(kind.medium().open(), w)
      const controller = new AbortController()
      const result = await polaris.executor().with({ signal: controller.signal }).sequential(w, 'i', A('a1'))
      controller.abort()
      await turns()
      expect(result.status).toBe('completed')
      expect(signals[0]?.aborted).toBe(false)
      expect((await polaris.get('i'))?.status).toBe('completed')
    })

    it('a builder that throws because of it is due like the others, and the call is ABORTED', async () => {
      const [A, B, C] = texts('A', 'B', 'C')
      const lab = newLab()
      const builders = [
        lab.step('b', [A], B, {
          does: (made, run, _, { signal }) =>
            run > 1
              ? made
              : new Promise((_yes, no) =>
                  signal.addEventListener('abort', () => no(signal.reason as Error), { once: true }),
                ),
        }),
        lab.step('c', [B], C),
      ]
      const w = workflow({ name: 'w', builders, target: C })
      const polaris = over(kind.medium().open(), w)
      const controller = new AbortController()
      const call = polaris.executor().with({ signal: controller.signal }).sequential(w, 'i', A('a1'))
      await until(() => lab.ran.length === 1, 'b')
      controller.abort(new Error('gone home'))
      await refusal(call, 'ABORTED')
      expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1' })
      expect((await polaris.executor().resume(w, 'i')).target).toBe('c(b(a1))')
    })
  })
})

describe('a signal in compute and in builders', () => {
  it('ends a compute', async () => {
    const { A, w, lab, gate } = world()
    const controller = new AbortController()
    const call = refusal(
      over(strictMemory.medium().open(), w).executor().with({ signal: controller.signal }).compute(w, A('a1')),
      'ABORTED',
    )
    await until(() => lab.ran.length === 1, 'b')
    controller.abort()
    gate.resolve()
    await call
    expect(lab.look()).toEqual(['b'])
  })

  it('aborted by a builder itself: it is the last one', async () => {
    const [A, B, C] = texts('A', 'B', 'C')
    const lab = newLab()
    const controller = new AbortController()
    const does = (made: string): string => {
      controller.abort()
      return made
    }
    const w = workflow({ name: 'w', builders: [lab.step('b', [A], B, { does }), lab.step('c', [B], C)], target: C })
    const polaris = over(strictMemory.medium().open(), w)
    await refusal(polaris.executor().with({ signal: controller.signal }).sequential(w, 'i', A('a1')), 'ABORTED')
    expect(lab.look()).toEqual(['b'])
    expect(await dataOf(polaris, 'i')).toEqual({ A: 'a1', B: 'b(a1)' })
  })

  it('leaves no listener behind', async () => {
    const { A, w, gate } = world()
    gate.resolve()
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args))
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args))
    const run = over(strictMemory.medium().open(), w).executor().with({ signal })
    for (let i = 0; i < 20; i++) await run.sequential(w, 'i', A(`a${i}`))
    expect(listeners).toBe(0)
  })

  it('every builder has one that is not aborted, whether the caller gave one or not', async () => {
    const { A, w, gate, signals } = world()
    gate.resolve()
    await over(strictMemory.medium().open(), w).executor().compute(w, A('a1'))
    expect(signals[0]).toBeInstanceOf(AbortSignal)
    expect(signals[0]?.aborted).toBe(false)
  })
})
