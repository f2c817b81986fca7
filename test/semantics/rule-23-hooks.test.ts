import { nothing, waitFor, workflow } from 'polaris-workflow'
import type { ExecutorOptions } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eachStore, memory } from '../support/media.ts'
import { deferred, failure, newLab, over, texts, thrown, turns } from '../support/lab.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'

expectNoUnhandledRejections()

function world() {
  const [A, B, N, T] = texts('A', 'B', 'N', 'T')
  const lab = newLab()
  const builders = [
    lab.step('b', [A], B),
    lab.step('n', [A], N, { does: () => nothing() }),
    lab.step('t', [B], T, { does: (made) => Promise.resolve(made) }),
  ]
  return { A, B, N, T, lab, w: workflow({ name: 'w', version: 3, builders, target: T }) }
}

/** Every way in which a hook can go wrong. */
const troubles: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('hook')
  },
  'throws undefined': () => {
    throw undefined
  },
  rejects: () => Promise.reject(new Error('hook')),
  'rejects later': () => turns(2).then(() => Promise.reject(new Error('hook'))),
  'never answers': () => new Promise(() => undefined),
  'gives a thenable that throws': () => ({
    then() {
      throw new Error('hook')
    },
  }),
  'gives something whose then throws': () => ({
    get then() {
      throw new Error('hook')
    },
  }),
}

describe('rule 23: hooks', () => {
  for (const mode of ['sequential', 'parallel', 'compute'] as const) {
    it(`rule 23: before and after each builder, with what they are told (${mode})`, async () => {
      const { A, w, lab } = world()
      const calls: unknown[] = []
      const executor = over(memory.medium().open(), w)
        .executor({
          before(builder, delta, info) {
            calls.push([
              'before',
              builder.name,
              delta.map(({ name, value }) => [name, value]),
              lab.ran.includes(builder.name),
            ])
            expect(info).toMatchObject({ workflow: 'w', version: 3, scope: 1, pass: 1, meta: { who: 'me' } })
            expect(info.mode).toBe(mode === 'sequential' ? 'sequential' : 'parallel')
            if (mode !== 'compute') expect(info.id).toBe('i')
            expect(info.id).toBeTypeOf('string')
            expect(w.plan.builders.map(({ name }) => name)).toContain(builder.name)
          },
          after(builder, produced, info) {
            calls.push(['after', builder.name, produced && [produced.name, produced.value]])
            expect(info).toMatchObject({ workflow: 'w', scope: 1, meta: { who: 'me' } })
          },
        })
        .with({ meta: { who: 'me' } })
      if (mode === 'compute') await executor.compute(w, A('a1'))
      else await executor[mode](w, 'i', A('a1'))
      const fed = [['A', 'a1']]
      expect(calls).toEqual([
        ['before', 'b', fed, false],
        ['after', 'b', ['B', 'b(a1)']],
        ['before', 'n', fed, false],
        ['after', 'n', undefined],
        ['before', 't', fed, false],
        ['after', 't', ['T', 't(b(a1))']],
      ])
    })
  }

  it('rule 23: after is not called for a builder that threw', async () => {
    const [A, T] = texts('A', 'T')
    const does = (): never => {
      throw new Error('down')
    }
    const w = workflow({ name: 'w', builders: [newLab().step('t', [A], T, { does })], target: T })
    const calls: string[] = []
    const options: ExecutorOptions = {
      before: () => calls.push('before'),
      after: () => calls.push('after'),
      onError: () => calls.push('error'),
    }
    await failure(over(memory.medium().open(), w).executor(options).sequential(w, 'i', A('a1')))
    expect(calls).toEqual(['before'])
  })

  it('rule 23: nobody waits for a hook', async () => {
    const { A, w } = world()
    const gate = deferred()
    const executor = over(memory.medium().open(), w).executor({ before: () => gate.promise, after: () => gate.promise })
    expect((await executor.sequential(w, 'i', A('a1'))).status).toBe('completed')
    gate.resolve()
  })

  eachStore((kind) => {
    for (const [what, trouble] of Object.entries(troubles)) {
      for (const hook of ['before', 'after'] as const) {
        it(`rule 23: a hook that ${what} (${hook}) harms no run and is reported`, async () => {
          const { A, T, w } = world()
          const errors: unknown[] = []
          const polaris = over(kind.medium().open(), w)
          const executor = polaris.executor({ [hook]: trouble, onError: (error, where) => errors.push([error, where]) })
          const result = await executor.sequential(w, 'i', A('a1'))
          expect(result).toMatchObject({ status: 'completed', target: 't(b(a1))' })
          expect((await polaris.get('i'))?.latest(T)).toBe('t(b(a1))')
          await turns(8)
          if (what === 'never answers') expect(errors).toEqual([])
          else {
            expect(errors).toHaveLength(3)
            const [error, where] = errors[0] as [unknown, unknown]
            if (what === 'throws undefined') expect(error).toBeUndefined()
            else expect(error).toMatchObject({ message: 'hook' })
            expect(where).toMatchObject({ builder: 'b', hook, id: 'i', workflow: 'w', scope: 1 })
          }
        })
      }

      it(`rule 23: even where onError ${what}`, async () => {
        const { A, w } = world()
        const executor = over(kind.medium().open(), w).executor({
          before: () => Promise.reject(new Error('before')),
          after() {
            throw new Error('after')
          },
          onError: trouble,
        })
        expect(await executor.parallel(w, 'i', A('a1'))).toMatchObject({ status: 'completed', target: 't(b(a1))' })
      })
    }

    it('rule 23: without onError, what a hook throws is lost, and nothing else', async () => {
      const { A, w } = world()
      const executor = over(kind.medium().open(), w).executor({
        before: troubles['throws']!,
        after: troubles['rejects']!,
      })
      expect(await executor.sequential(w, 'i', A('a1'))).toMatchObject({ status: 'completed', target: 't(b(a1))' })
    })
  })

  it('rule 23: what a hook does to what it is given harms no run', async () => {
    const { A, w } = world()
    const executor = over(memory.medium().open(), w).executor({
      before(builder, delta, info) {
        for (const victim of [builder, delta, delta[0], info, info.meta]) {
          try {
            Object.assign(victim as object, { name: 'x', value: 'x', length: 0, id: 'x', pass: 9 })
          } catch {
            // Refused, which is as good.
          }
        }
      },
      after(_, produced) {
        try {
          if (produced !== undefined) Object.assign(produced, { value: 'x', name: 'x', slot: 0 })
        } catch {
          // As above.
        }
      },
    })
    const result = await executor.sequential(w, 'i', A('a1'))
    expect(result.produced.map(({ name, value }) => [name, value])).toEqual([
      ['B', 'b(a1)'],
      ['T', 't(b(a1))'],
    ])
    expect(result).toMatchObject({ id: 'i', status: 'completed', target: 't(b(a1))' })
    expect(result.latest(A)).toBe('a1')
  })

  it('rule 23: a hook may call the executor: on another id at once, on its own id after this call', async () => {
    const { A, w } = world()
    const polaris = over(memory.medium().open(), w)
    const inner: Promise<unknown>[] = []
    const executor = polaris.executor({
      before(builder) {
        if (builder.name !== 'b') return
        inner.push(polaris.executor().sequential(w, 'other', A('a1')), polaris.executor().sequential(w, 'i', A('a2')))
      },
    })
    expect((await executor.sequential(w, 'i', A('a1'))).target).toBe('t(b(a1))')
    expect(await Promise.all(inner)).toMatchObject([{ target: 't(b(a1))' }, { target: 't(b(a2))', scope: 2 }])
  })

  it('rule 23: hooks must be functions', () => {
    const { w } = world()
    const polaris = over(memory.medium().open(), w)
    for (const hook of ['before', 'after', 'onError']) {
      for (const bad of ['log', null, {}, 7]) thrown(() => polaris.executor({ [hook]: bad }), 'OPTION_INVALID')
    }
    thrown(() => polaris.executor({ befor: () => 1 } as never), 'OPTION_INVALID')
  })

  it('rule 23: waitFor and a supplied transient are told like the rest', async () => {
    const [A, X, M, T] = texts('A', 'X', 'M', 'T')
    const lab = newLab()
    const builders = [
      lab.step('m', [A], M),
      lab.step('t', [M], T, { optionals: [X], does: (made, run) => (run === 1 ? waitFor(X) : made) }),
    ]
    const w = workflow({ name: 'w', builders, target: T, transients: [M] })
    const calls: unknown[] = []
    const run = over(memory.medium().open(), w).executor({ after: (b, made) => calls.push([b.name, made?.value]) })
    await run.sequential(w, 'i', A('a1'))
    await run.sequential(w, 'i', X('x1'))
    expect(calls).toEqual([
      ['m', 'm(a1)'],
      ['t', undefined],
      ['m', 'm(a1)'],
      ['t', 't(m(a1),x1)'],
    ])
  })
})
