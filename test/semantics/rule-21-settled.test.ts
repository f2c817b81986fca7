/** Rule 21: a failure that a consumer takes for an answer does not end the scope. */
import { builder, data, nothing, settled, type, workflow } from 'polaris-workflow'
import type { AnyWorkflow, BuildContext, DataStore, Settled, Polaris } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import { eachStore, memory, strictMemory } from '../support/media.ts'
import { eventually } from '../protocol/bench.ts'
import { dataOf, deferred, failure, newLab, over, texts, turns, until } from '../support/lab.ts'
import type { Lab, Part, Step, Text } from '../support/lab.ts'
import { storeTime } from '../support/time.ts'

const [A, Y, B, C, T] = texts('A', 'Y', 'B', 'C', 'T')

type Outcomes = Readonly<Record<string, Settled<string> | string | undefined>>

/** Makes `t([B],a)` of a product B, and `t(!why,a)` of a failure. */
function settler(
  lab: Lab,
  name: string,
  [of, ...plain]: readonly [Text, ...Text[]],
  produces: Text,
  part: Part = {},
): Step {
  const does: Part['does'] = (_, run, input, context) => {
    const outcome = (input as Outcomes)[of.name] as Settled<string>
    const first = outcome.ok ? `[${outcome.value}]` : `!${outcome.error.message}`
    const made = `${name}(${[first, ...plain.map((each) => input[each.name] ?? '-')].join()})`
    return part.does === undefined ? made : part.does(made, run, input, context)
  }
  const consumes = Object.fromEntries(plain.map((each) => [each.name, each]))
  return lab.step(name, [], produces, { ...part, does, options: { consumes: { [of.name]: settled(of), ...consumes } } })
}

/** Fails in these of its runs. */
const failsIn =
  (...runs: number[]): NonNullable<Part['does']> =>
  (made, run) => {
    if (runs.includes(run)) throw Object.assign(new Error(`down ${run}`), { code: 'E_DOWN' })
    return made
  }

const flow = (...builders: Step[]): AnyWorkflow => workflow({ name: 'w', builders, target: T })

eachStore((kind) => {
  describe.each(['sequential', 'parallel'] as const)('in %s', (mode) => {
    it('rule 21: the scope goes on, and the consumer has the error', async () => {
      const lab = newLab()
      const w = flow(lab.step('b', [A], B, { does: failsIn(1) }), settler(lab, 't', [B, A], T))
      const medium = kind.medium()
      const result = await over(medium.open(), w).executor()[mode](w, 'i', A('a'))
      expect(result).toMatchObject({ status: 'completed', target: 't(!down 1,a)' })
      const polaris = over(medium.open(), w)
      expect(await polaris.get('i')).toMatchObject({ status: 'completed', retries: [] })
      expect(await polaris.get('i')).not.toHaveProperty('failure')
      const history = await polaris.history('i')
      const error = { name: 'Error', message: 'down 1', code: 'E_DOWN' }
      expect(history[1]).toMatchObject({ outcome: 'failed', builder: 'b', data: 'B', error })
      expect(history[2]?.inputs).toEqual([
        { data: 'B', seq: 2 },
        { data: 'A', seq: 1 },
      ])
      const explained = (await polaris.explain('i'))?.builders
      expect(explained).toMatchObject([
        { name: 'b', state: 'settled', error },
        { name: 't', state: 'done' },
      ])
      expect(lab.look()).toEqual(['b', 't'])
    })

    it('rule 21: of a product it has the value', async () => {
      const lab = newLab()
      const w = flow(lab.step('b', [A], B), settler(lab, 't', [B], T))
      const run = over(kind.medium().open(), w).executor()
      expect((await run[mode](w, 'i', A('a'))).target).toBe('t([b(a)])')
    })

    it('rule 7: a failed builder that succeeds later makes the consumer due again, and the other way round', async () => {
      const lab = newLab()
      const w = flow(lab.step('b', [A], B, { does: failsIn(1, 3) }), settler(lab, 't', [B], T))
      const medium = kind.medium()
      const targets: unknown[] = []
      for (const a of ['a1', 'a2', 'a3', 'a4']) {
        targets.push((await over(medium.open(), w).executor()[mode](w, 'i', A(a))).target)
      }
      expect(targets).toEqual(['t(!down 1)', 't([b(a2)])', 't(!down 3)', 't([b(a4)])'])
      expect(lab.look()).toEqual(['b', 't', 'b', 't', 'b', 't', 'b', 't'])
    })

    it('rule 7: triggered by something else, it has what stood last, be it the failure', async () => {
      const lab = newLab()
      const w = flow(lab.step('b', [A], B, { does: failsIn(2) }), settler(lab, 't', [B, Y], T))
      const medium = kind.medium()
      const call = async (...delta: never[]): Promise<unknown> => {
        const run = over(medium.open(), w).executor()
        return (await run[mode](w, 'i', ...delta)).target
      }
      expect(await call(A('a1') as never, Y('y1') as never)).toBe('t([b(a1)],y1)')
      expect(await call(A('a2') as never)).toBe('t(!down 2,y1)')
      expect(await call(Y('y2') as never)).toBe('t(!down 2,y2)')
      expect(await call(B('fed') as never)).toBe('t([fed],y2)')
      expect(await call(Y('y3') as never)).toBe('t([fed],y3)')
    })

    it('rule 21: others that consume the same data do not run, and wait for it', async () => {
      const lab = newLab()
      const [Plain] = texts('Plain')
      const steps = [
        lab.step('b', [A], B, { does: failsIn(1) }),
        settler(lab, 'c', [B], C),
        lab.step('plain', [B], Plain),
        lab.step('t', [C, Plain], T),
      ]
      const w = flow(...steps)
      const medium = kind.medium()
      const polaris = over(medium.open(), w)
      expect(await polaris.executor()[mode](w, 'i', A('a1'))).toMatchObject({ status: 'waiting', waitingFor: ['B'] })
      expect(lab.look()).toEqual(['b', 'c'])
      const plain = (await polaris.explain('i'))?.builders.find(({ name }) => name === 'plain')
      expect(plain).toMatchObject({ state: 'lacking', lacks: [{ data: 'B', from: 'b', because: 'down 1' }] })
      expect((await over(medium.open(), w).executor()[mode](w, 'i', A('a2'))).target).toBe('t(c([b(a2)]),plain(b(a2)))')
    })

    it('rule 15: a target made before, over plain edges, is stale, and completed along settled ones', async () => {
      const lab = newLab()
      const plain = flow(lab.step('b', [A], B, { does: failsIn(2) }), settler(lab, 'c', [B], C), lab.step('t', [B], T))
      const run = over(kind.medium().open(), plain).executor()
      await run[mode](plain, 'i', A('a1'))
      expect(await run[mode](plain, 'i', A('a2'))).toMatchObject({ status: 'waiting', waitingFor: ['B'] })
    })

    it('rule 15: along optional edges it is answered', async () => {
      const lab = newLab()
      const optional = lab.step('t', [A], T, { optionals: [B] })
      const w = flow(lab.step('b', [A], B, { does: failsIn(2) }), settler(lab, 'c', [B], C), optional)
      const run = over(kind.medium().open(), w).executor()
      await run[mode](w, 'i', A('a1'))
      expect(await run[mode](w, 'i', A('a2'))).toMatchObject({ status: 'completed', target: 't(a2,b(a1))' })
    })

    it('rule 21: a failure that nobody takes ends the scope beside one that somebody does', async () => {
      const lab = newLab()
      const w = flow(
        lab.step('b', [A], B, { does: failsIn(1) }),
        lab.step('c', [A], C, { does: failsIn(1) }),
        settler(lab, 't', [B, C], T),
      )
      const medium = kind.medium()
      const error = await failure(over(medium.open(), w).executor()[mode](w, 'i', A('a')))
      expect(error.builder).toBe('c')
      lab.look()
      const result = await over(medium.open(), w).executor().resume(w, 'i')
      expect(result.target).toBe('t(!down 1,c(a))')
      expect(lab.look()).toEqual(['c', 't'])
    })

    it('rule 10: nothing is no outcome', async () => {
      const lab = newLab()
      const w = flow(lab.step('b', [A], B, { does: () => nothing('no') }), settler(lab, 't', [B], T))
      const run = over(kind.medium().open(), w).executor()
      expect(await run[mode](w, 'i', A('a'))).toMatchObject({ status: 'waiting', waitingFor: ['B'] })
      expect(lab.look()).toEqual(['b'])
    })

    it('rule 18: a transient whose builder fails has that outcome; later it is made again', async () => {
      const lab = newLab()
      const steps = [lab.step('b', [A], B, { does: failsIn(1, 3) }), settler(lab, 't', [B, Y], T)]
      const w = workflow({ name: 'w', builders: steps, target: T, transients: [B] })
      const medium = kind.medium()
      const call = async (...delta: never[]): Promise<unknown> => {
        const run = over(medium.open(), w).executor()
        return (await run[mode](w, 'i', ...delta)).target
      }
      expect(await call(A('a1') as never, Y('y1') as never)).toBe('t(!down 1,y1)')
      expect(await call(Y('y2') as never)).toBe('t([b(a1)],y2)')
      expect(await call(Y('y3') as never)).toBe('t(!down 3,y3)')
      expect(lab.look()).toEqual(['b', 't', 'b', 't', 'b', 't'])
    })

    it('rule 24: rerun of the failed builder', async () => {
      const lab = newLab()
      const w = flow(lab.step('b', [A], B, { does: failsIn(1) }), settler(lab, 't', [B], T))
      const medium = kind.medium()
      await over(medium.open(), w).executor()[mode](w, 'i', A('a'))
      expect((await over(medium.open(), w).executor().rerun(w, 'i', 'b')).target).toBe('t([b(a)])')
    })
  })

  it('P8: keys: a once builder keeps its own over a failure, its consumer gets a new one with each outcome', async () => {
    const lab = newLab()
    const keys: string[] = []
    const note = (made: string, context: BuildContext): string => {
      keys.push(context.idempotencyKey)
      return made
    }
    const b = lab.step('b', [A], B, {
      once: true,
      does(made, run, _, context) {
        note(made, context)
        if (run === 1) return nothing()
        if (run < 4) throw new Error('down')
        return made
      },
    })
    const tKeys: string[] = []
    const t = settler(lab, 't', [B], T, {
      does(made, _, __, { idempotencyKey }) {
        tKeys.push(idempotencyKey)
        return made
      },
    })
    const w = flow(b, t)
    const medium = kind.medium()
    for (const a of ['a1', 'a2', 'a3', 'a4']) await over(medium.open(), w).executor().sequential(w, 'i', A(a))
    expect(keys).toHaveLength(4)
    expect(new Set(keys).size).toBe(2)
    expect(keys[0]).not.toBe(keys[1])
    expect(new Set(tKeys).size).toBe(3)
  })

  it('rule 9: the consumer waits for it', async () => {
    const lab = newLab()
    const gate = deferred<string>()
    const w = flow(lab.step('b', [A], B, { does: () => gate.promise }), settler(lab, 't', [B, Y], T))
    const call = over(kind.medium().open(), w).executor().parallel(w, 'i', A('a'), Y('y'))
    await eventually(() => lab.ran.length > 0, 'the run of b')
    await turns()
    expect(lab.look()).toEqual(['b'])
    gate.reject(new Error('down'))
    expect((await call).target).toBe('t(!down,y)')
  })

  it('rule 21: with a fallback there is no failure to take', async () => {
    const lab = newLab()
    const b = lab.step('b', [A], B, { does: failsIn(1), options: { fallback: () => 'instead' } })
    const w = flow(b, settler(lab, 't', [B], T))
    const result = await over(kind.medium().open(), w).executor().parallel(w, 'i', A('a'))
    expect(result.target).toBe('t([instead])')
  })

  it('rule 21: a retry comes first, the failure of the last try counts', async () => {
    const lab = newLab()
    const b = lab.step('b', [A], B, {
      does: failsIn(1, 2, 3),
      options: { retry: { attempts: 2, backoff: { initial: 0 } } },
    })
    const w = flow(b, settler(lab, 't', [B], T))
    const polaris = over(kind.medium().open(), w)
    expect((await polaris.executor().parallel(w, 'i', A('a'))).target).toBe('t(!down 2)')
    expect((await polaris.explain('i'))?.builders[0]).toMatchObject({ state: 'settled', attempt: 2 })
  })

  it('P9: while it is parked nobody has an outcome', async () => {
    const lab = newLab()
    const b = lab.step('b', [A], B, {
      does: failsIn(1, 2),
      options: { retry: { attempts: 2, backoff: { initial: '1h' } } },
    })
    const w = flow(b, settler(lab, 't', [B, A], T))
    const run = over(kind.medium().open(), w).executor()
    expect((await run.parallel(w, 'i', A('a'))).status).toBe('retrying')
    expect(lab.look()).toEqual(['b'])
    expect((await run.resume(w, 'i')).target).toBe('t(!down 2,a)')
  })

  it('rule 17: a product that is refused is a failure like any other', async () => {
    const lab = newLab()
    const w = flow(lab.step('b', [A], B, { does: () => undefined }), settler(lab, 't', [B], T))
    const result = await over(kind.medium().open(), w).executor().parallel(w, 'i', A('a'))
    expect(result.target).toContain('returned undefined')
  })

  it('rule 26: the stored answer of a scope that failed otherwise blames the right one', async () => {
    const lab = newLab()
    const w = flow(
      lab.step('b', [A], B, { does: failsIn(1) }),
      lab.step('c', [A], C, { does: failsIn(1) }),
      settler(lab, 't', [B, C], T),
    )
    const medium = kind.medium()
    const named = (): ReturnType<Polaris['executor']> => over(medium.open(), w).executor().with({ requestId: 'r' })
    await failure(named().sequential(w, 'i', A('a')))
    expect(await failure(named().sequential(w, 'i', A('a')))).toMatchObject({
      builder: 'c',
      cause: { message: 'down 1' },
    })
  })
}, 'everywhere')

describe('after a crash', () => {
  /** A store that keeps what is committed within a scope, in memory. */
  const durable = (): DataStore => {
    const store = memoryStore({ strict: true, now: storeTime.now })
    return { ...store, capabilities: { ...store.capabilities, durable: true }, close: () => undefined }
  }

  it('rule 22: the consumer runs with the failure that is stored, and the failed builder does not run again', async () => {
    const lab = newLab()
    const hangs: NonNullable<Part['does']> = (made, run) => (run === 1 ? new Promise(() => undefined) : made)
    const w = flow(lab.step('b', [A], B, { does: failsIn(1) }), settler(lab, 't', [B], T, { does: hangs }))
    const store = durable()
    void over(store, w).executor().parallel(w, 'i', A('a'))
    await until(() => lab.ran.length === 2)
    await turns()
    expect((await store.history('i', { limit: 9 })).map(({ outcome }) => outcome)).toEqual(['fed', 'failed'])
    lab.look()
    storeTime.outliveLeases()
    expect((await over(store, w).executor().resume(w, 'i')).target).toBe('t(!down 1)')
    expect(lab.look()).toEqual(['t'])
  })

  it('rule 22: the consumer starts only once the failure is durable', async () => {
    const lab = newLab()
    const w = flow(lab.step('b', [A], B, { does: failsIn(1) }), settler(lab, 't', [B], T))
    const store = durable()
    const gate = deferred()
    let writes = 0
    const slow: DataStore = {
      ...store,
      async write(changes) {
        if (++writes === 2) await gate.promise
        return store.write(changes)
      },
    }
    const call = over(slow, w).executor().parallel(w, 'i', A('a'))
    await until(() => writes === 2)
    await turns()
    expect(lab.ran).toEqual(['b'])
    gate.resolve()
    expect((await call).target).toBe('t(!down 1)')
  })

  it('rule 22: a consumer that ran with the failure does not run again', async () => {
    const lab = newLab()
    const hangs: NonNullable<Part['does']> = (made, run) => (run === 1 ? new Promise(() => undefined) : made)
    const w = flow(
      lab.step('b', [A], B, { does: failsIn(1) }),
      settler(lab, 'c', [B], C),
      lab.step('t', [C], T, { does: hangs }),
    )
    const store = durable()
    void over(store, w).executor().parallel(w, 'i', A('a'))
    await until(() => lab.ran.length === 3)
    await turns()
    lab.look()
    storeTime.outliveLeases()
    const polaris = over(store, w)
    expect((await polaris.executor().resume(w, 'i')).target).toBe('t(c(!down 1))')
    expect(lab.look()).toEqual(['t'])
    expect(await dataOf(polaris, 'i')).toEqual({ A: 'a', C: 'c(!down 1)', T: 't(c(!down 1))' })
  })
})

describe('elsewhere', () => {
  it('rule 21: in compute, too', async () => {
    const lab = newLab()
    const w = flow(lab.step('b', [A], B, { does: failsIn(1) }), settler(lab, 't', [B], T))
    expect((await over(memory.medium().open(), w).executor().compute(w, A('a'))).target).toBe('t(!down 1)')
  })

  it('rule 19: what it is given is frozen, and says no more than the error’s name, message and code', async () => {
    let given: Settled<unknown> | undefined
    const X = data('X', type<{ list: number[] }>())
    const Z = data('Z', type<number>())
    const x = builder({
      name: 'x',
      consumes: { a: A },
      produces: X,
      process({ a }) {
        if (a === 'bad') throw Object.assign(new RangeError('down'), { code: 7, secret: 'no' })
        return { list: [1] }
      },
    })
    const z = builder({ name: 'z', consumes: { x: settled(X) }, produces: Z, process: ({ x }) => ((given = x), 1) })
    const w = workflow({ name: 'w', builders: [x, z], target: Z })
    const run = over(strictMemory.medium().open(), w).executor()
    await run.sequential(w, 'i', A('good'))
    expect(given).toEqual({ ok: true, value: { list: [1] } })
    expect(Object.isFrozen(given)).toBe(true)
    await run.sequential(w, 'i', A('bad'))
    expect(given).toEqual({ ok: false, error: { name: 'RangeError', message: 'down' } })
    expect(Object.isFrozen((given as { error?: object }).error)).toBe(true)
  })
})
