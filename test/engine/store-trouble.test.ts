import { Polaris, PolarisError, workflow } from 'polaris-workflow'
import type { AnyWorkflow, Change, Clock, DataStore } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore } from '../support/media.ts'
import { dataOf, expectUnknown, newLab, over, refusal, texts } from '../support/lab.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'

expectNoUnhandledRejections()

type How = 'refused' | 'lost'

/** As often as the same is sent again, and once more. */
const FOR_GOOD = 3

/** Fails from its `bad`th write on, so often in a row: before anything was written, or after all of it was. */
function faltering(
  store: DataStore,
  bad: number,
  how: How,
  later: boolean,
  times = FOR_GOOD,
): DataStore & { heal(): void } {
  let writes = 0
  let healed = false
  const fail = (): never => {
    throw new PolarisError('STORE_UNAVAILABLE', 'gone for a moment')
  }
  return {
    ...store,
    heal: () => void (healed = true),
    write(changes: readonly Change[]) {
      if (++writes < bad || writes >= bad + times || healed) return store.write(changes)
      if (how === 'refused') return later ? Promise.resolve().then(fail) : fail()
      return Promise.resolve(store.write(changes)).then(fail)
    },
  }
}

function world() {
  const [A, B, C, T] = texts('A', 'B', 'C', 'T')
  const lab = newLab()
  const builders = [
    lab.step('b', [A], B, { does: async (made) => made }),
    lab.step('c', [A], C),
    lab.step('t', [B, C], T, { does: async (made) => made }),
  ]
  return { A, B, T, lab, w: workflow({ name: 'w', builders, target: T }) }
}

/** Pauses are over at once, and leases never end. */
const hasty: Clock = {
  now: () => Date.now(),
  after(_ms, callback, idle) {
    const timer = idle ? undefined : setImmediate(callback)
    return () => clearImmediate(timer)
  },
}

function overHastily(store: DataStore, w: AnyWorkflow): Polaris {
  return new Polaris({ store, clock: hasty }).register(w as never)
}

eachStore((kind) => {
  describe('a store that fails at one write', () => {
    for (const mode of ['sequential', 'parallel'] as const) {
      for (const how of ['refused', 'lost'] as const) {
        it(`${how}, ${mode}: the call says so or succeeds, and the next one goes on from what stands`, async () => {
          let failures = 0
          for (let bad = 1; bad <= 6; bad++) {
            for (const later of [false, true]) {
              const { A, w } = world()
              const medium = kind.medium()
              const store = faltering(medium.open(), bad, how, later)
              const polaris = overHastily(store, w)
              const run = polaris.executor()
              const end = await run[mode](w, 'i', A('a1')).then(
                ({ target }) => target,
                (error: unknown) => {
                  expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
                  failures++
                },
              )
              store.heal()
              if (end !== undefined) expect(end).toBe('t(b(a1),c(a1))')
              const stored = await dataOf(polaris, 'i')
              const known = 'A' in stored
              const next = known ? await run[mode](w, 'i') : await run[mode](w, 'i', A('a1'))
              expect(next).toMatchObject({ status: 'completed', target: 't(b(a1),c(a1))' })
              expect((await run[mode](w, 'i', A('a2'))).target).toBe('t(b(a2),c(a2))')
              const history = await over(medium.open(), w).history('i')
              expect(history.map(({ seq }) => seq)).toEqual(history.map((_, i) => i + 1))
              expect(history.filter(({ outcome }) => outcome === 'fed').map(({ value }) => value)).toEqual(['a1', 'a2'])
            }
          }
          expect(failures).toBeGreaterThan(0)
        })
      }
    }
  })

  it('a store that cannot be read: the call says so, nothing is stored, the next good call works', async () => {
    const { A, w } = world()
    const store = kind.medium().open()
    let broken = true
    const polaris = over(
      {
        ...store,
        read(id) {
          if (broken) throw new PolarisError('STORE_UNAVAILABLE', 'gone for a moment')
          return store.read(id)
        },
      },
      w,
    )
    await refusal(polaris.executor().with({ expect: 'existing' }).sequential(w, 'i', A('a1')), 'STORE_UNAVAILABLE')
    await refusal(polaris.executor().resume(w, 'i'), 'STORE_UNAVAILABLE')
    await refusal(polaris.get('i'), 'STORE_UNAVAILABLE')
    broken = false
    await expectUnknown(polaris, 'i')
    expect((await polaris.executor().sequential(w, 'i', A('a1'))).status).toBe('completed')
  })

  it('one id`s failed write does not fail those that come after it', async () => {
    const { A, w } = world()
    const polaris = overHastily(faltering(kind.medium().open(), 1, 'refused', true), w)
    const ids = ['a', 'b', 'c', 'd']
    const first = await Promise.allSettled(ids.map((id) => polaris.executor().sequential(w, id, A(id))))
    const failed = ids.filter((_, i) => first[i]?.status === 'rejected')
    expect(failed.length).toBeGreaterThan(0)
    for (const id of ids) {
      expect((await polaris.executor().sequential(w, id, A(id))).target).toBe(`t(b(${id}),c(${id}))`)
    }
  })
})

eachStore((kind) => {
  for (const how of ['refused', 'lost'] as const) {
    it(`P2: ${how} once or twice, the same change is sent again, and nobody notices`, async () => {
      for (const times of [1, 2]) {
        for (let bad = 1; bad <= 5; bad++) {
          const { A, lab, w } = world()
          const medium = kind.medium()
          const polaris = overHastily(faltering(medium.open(), bad, how, true, times), w)
          expect((await polaris.executor().parallel(w, 'i', A('a1'))).target).toBe('t(b(a1),c(a1))')
          expect(lab.look().sort()).toEqual(['b', 'c', 't'])
          const history = await polaris.history('i')
          expect(history.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
        }
      }
    })
  }
}, 'text')
