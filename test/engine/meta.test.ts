import { workflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory } from '../support/media.ts'
import { failure, newLab, over, texts, thrown } from '../support/lab.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'

expectNoUnhandledRejections()

function world(does?: (made: string, run: number, meta: Readonly<Record<string, unknown>>) => unknown) {
  const [A, B, C] = texts('A', 'B', 'C')
  const lab = newLab()
  const metas: unknown[] = []
  const note = (made: string, run: number, meta: Readonly<Record<string, unknown>>): unknown => {
    metas.push(structuredClone(meta))
    return does === undefined ? made : does(made, run, meta)
  }
  const builders = [
    lab.step('b', [A], B, { does: (made, run, _, { meta }) => note(made, run, meta) }),
    lab.step('c', [B], C, { does: (made, run, _, { meta }) => note(made, run, meta) }),
  ]
  return { A, B, C, metas, w: workflow({ name: 'w', builders, target: C }) }
}

eachStore((kind) => {
  describe('meta', () => {
    it('is seen by all its call triggers, by hooks and in the history, and by no other call', async () => {
      const { A, metas, w } = world()
      const seen: unknown[] = []
      const medium = kind.medium()
      const polaris = over(medium.open(), w)
      const run = polaris.executor({ before: (_, __, { meta }) => seen.push(meta) })
      const meta = { who: 'ada', why: ['tired', { of: null }], ['__proto__']: { odd: true } }
      await run.with({ meta }).sequential(w, 'i', A('a1'))
      await run.sequential(w, 'i', A('a2'))
      expect(metas).toEqual([meta, meta, {}, {}])
      expect(seen).toEqual([meta, meta, {}, {}])
      const calls = (await over(medium.open(), w).history('i')).filter(({ outcome }) => outcome === 'call')
      expect(calls).toHaveLength(1)
      expect(calls[0]).toMatchObject({ scope: 1, meta: { who: 'ada', why: ['tired', { of: null }] } })
      expect(calls[0]).not.toHaveProperty('data')
      expect(({} as Record<string, unknown>)['odd']).toBeUndefined()
    })

    it('is that of the call that runs what is due', async () => {
      const { A, metas, w } = world((made, run) => {
        if (run === 1 && made.startsWith('c')) throw new Error('down')
        return made
      })
      const run = over(kind.medium().open(), w).executor()
      await failure(run.with({ meta: { call: 1 } }).sequential(w, 'i', A('a1')))
      await run.with({ meta: { call: 2 } }).resume(w, 'i')
      expect(metas).toEqual([{ call: 1 }, { call: 1 }, { call: 2 }])
    })

    it('what the caller or a builder does to it afterwards changes nothing for others', async () => {
      const meta = { who: { name: 'ada' } }
      const { A, metas, w } = world((made, _, seen) => {
        try {
          ;(seen['who'] as { name: string }).name = 'eve'
        } catch {
          // Refused, which is as good.
        }
        return made
      })
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor().with({ meta })
      meta.who.name = 'mallory'
      await run.sequential(w, 'i', A('a1'))
      expect(metas).toEqual([{ who: { name: 'ada' } }, { who: { name: 'ada' } }])
      expect((await polaris.history('i'))[0]?.meta).toEqual({ who: { name: 'ada' } })
    })
  })
})

describe('meta that is none', () => {
  const cases: Record<string, () => unknown> = {
    'a date': () => new Date(),
    'a map': () => new Map([['who', 'me']]),
    'a class instance': () => new (class Who {})(),
    'a promise': () => Promise.resolve({}),
    'what makes no JSON': () => ({ toJSON: () => undefined }),
    'what makes a text of itself': () => ({ toJSON: () => 'text' }),
    'a bigint within': () => ({ n: { big: 1n } }),
    'a getter that throws': () => ({
      get who() {
        throw new Error('do not look')
      },
    }),
    'a deep nest': () => {
      let value: unknown = 1
      for (let i = 0; i < 100_000; i++) value = [value]
      return { value }
    },
  }
  for (const [what, make] of Object.entries(cases)) {
    it(`OPTION_INVALID: ${what}`, () => {
      thrown(
        () =>
          over(memory.medium().open())
            .executor()
            .with({ meta: make() as never }),
        'OPTION_INVALID',
      )
    })
  }
})
