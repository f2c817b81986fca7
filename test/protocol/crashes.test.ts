import { PolarisError, workflow } from 'polaris-workflow'
import type { BuildContext, DataStore } from 'polaris-workflow'
import { expect, it } from 'vitest'
import { deferred, newLab, refusal, texts } from '../support/lab.ts'
import { eachStore, SHORT_LEASE_MS } from '../support/media.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'
import { auditAfterEach, eventually, newBench } from './bench.ts'
import type { Bench } from './bench.ts'

expectNoUnhandledRejections()
auditAfterEach()

const [A, X, B, T] = texts('A', 'X', 'B', 'T')

/** `b` hangs for ever in its first `hangs` runs. */
function world(hangs: number) {
  const lab = newLab()
  const contexts: BuildContext[] = []
  const does = (made: string, run: number, _: unknown, context: BuildContext): unknown => {
    contexts.push(context)
    return run <= hangs ? new Promise(() => undefined) : made
  }
  const builders = [lab.step('b', [A], B, { does }), lab.step('t', [B], T, { optionals: [X] })]
  return { lab, contexts, w: workflow({ name: 'w', builders, target: T }) }
}

const handled = (bench: Bench, id: string, seq: number): Promise<void> =>
  eventually(async () => ((await bench.store.read(id))?.header.mailHandled ?? 0) >= seq, `scope ${seq} of ${id}`)

/** Loses the answer to some calls, which did their work, or does not even pass them on. */
function lossy(store: DataStore, bad: (call: number) => boolean, how: 'unsent' | 'answer lost'): DataStore {
  let calls = 0
  const through = async <R>(call: () => PromiseLike<R> | R): Promise<R> => {
    const fails = bad(++calls)
    const answer = fails && how === 'unsent' ? undefined : await call()
    if (fails) throw new PolarisError('STORE_UNAVAILABLE', 'the answer was lost')
    return answer as R
  }
  return {
    ...store,
    write: (changes) => through(() => store.write(changes)),
    append: (appends) => through(() => store.append(appends)),
  }
}

eachStore((kind) => {
  for (const how of ['unsent', 'answer lost'] as const) {
    it(`P2: every answer is lost once (${how}): sent again, each change and each append stands once`, async () => {
      const { lab, w } = world(0)
      const bench = newBench(kind, w)
      const polaris = bench.process({}, (store) => lossy(store, (call) => call % 2 === 1, how))
      const run = polaris.executor()
      expect((await run.sequential(w, 'i', A('a1'))).target).toBe('t(b(a1),-)')
      expect((await run.with({ requestId: 'r2' }).sequential(w, 'i', X('x2'))).scope).toBe(2)
      expect((await run.submit(w, 'i', A('a3'))).scope).toBe(3)
      expect((await run.with({ requestId: 'r4' }).submit(w, 'i', A('a4'))).scope).toBe(4)
      expect(await run.sequential(w, 'i', A('a5'))).toMatchObject({ scope: 5, target: 't(b(a5),x2)' })
      expect(lab.made.filter((made) => made.startsWith('b'))).toEqual(['b(a1)', 'b(a3)', 'b(a4)', 'b(a5)'])
      expect((await bench.header('i')).mailAppended).toBe(5)
    })
  }

  it('P1: an id that was deleted and made anew is another instance, however alike it looks', async () => {
    const { lab, w } = world(0)
    const [old, fresh] = [newBench(kind, w), newBench(kind, w)]
    let store: DataStore = old.store
    const swapped = (): DataStore => ({
      ...store,
      read: (id) => store.read(id),
      write: (changes) => store.write(changes),
      request: (id, requestId) => store.request(id, requestId),
      close: () => undefined,
    })
    const polaris = old.process({}, swapped)
    expect((await polaris.executor().sequential(w, 'i', A('a1'))).target).toBe('t(b(a1),-)')
    await fresh.process().executor().sequential(w, 'i', A('z1'))
    const [before, after] = [await old.header('i'), await fresh.header('i')]
    expect([after.revision, after.fence, after.mailAppended]).toEqual([
      ...[before.revision, before.fence, before.mailAppended],
    ])
    store = fresh.store
    lab.look()
    expect(await polaris.executor().sequential(w, 'i', X('x2'))).toMatchObject({ scope: 2, target: 't(b(z1),x2)' })
    expect(lab.look()).toEqual(['t'])
  })

  it('P1, G3: who was overtaken by a claim commits nothing, though nothing else has changed yet', async () => {
    const lab = newLab()
    const gate = deferred()
    const does = (made: string, run: number): unknown => (run === 1 ? gate.promise.then(() => 'by the loser') : made)
    const w = workflow({ name: 'w', builders: [lab.step('t', [A], T, { does })], target: T })
    const bench = newBench(kind, w)
    const lost = refusal(bench.hanging().executor().sequential(w, 'i', A('a1')), 'LEASE_LOST')
    await eventually(() => lab.ran.length === 1, 'the scope')
    await kind.endLeases()
    const { revision } = await bench.header('i')
    const serves = [{ workflow: 'w', version: 1 }]
    const claimed = await bench.store.claim({ holder: 'another', lease: SHORT_LEASE_MS, limit: 9, serves })
    expect(claimed).toMatchObject([{ id: 'i', revision, claims: 1 }])
    gate.resolve()
    await lost
    expect(await bench.header('i')).toMatchObject({ revision, pass: 1 })
    await kind.endLeases()
    expect((await bench.process().executor().resume(w, 'i')).target).toBe('t(a1)')
  })

  it('P9: a crashed scope is finished first, alone and in its mode, under the same key; then the mail in order', async () => {
    const { lab, contexts, w } = world(1)
    const bench = newBench(kind, w)
    void bench.hanging().executor().sequential(w, 'i', A('a1'))
    await eventually(() => lab.ran.length === 1, 'the crash')
    const feeder = bench.process()
    await feeder.executor().submit(w, 'i', X('x2'))
    await feeder.executor().submit(w, 'i', A('a3'))
    await kind.endLeases()
    const modes: unknown[] = []
    const before = (_: unknown, delta: readonly unknown[], info: { scope: number; mode: string }): void =>
      void modes.push([info.scope, info.mode, delta])
    bench.process().worker({ pollInterval: 20, before }).start()
    await handled(bench, 'i', 3)
    expect(lab.made).toEqual(['b(a1)', 'b(a1)', 't(b(a1),-)', 't(b(a1),x2)', 'b(a3)', 't(b(a3),x2)'])
    expect(contexts[1]?.idempotencyKey).toBe(contexts[0]?.idempotencyKey)
    expect(contexts[2]?.idempotencyKey).not.toBe(contexts[0]?.idempotencyKey)
    const fed = (name: string, value: string): unknown => ({ name, value })
    expect(modes).toEqual([
      [1, 'sequential', [fed('A', 'a1')]],
      [1, 'sequential', [fed('A', 'a1')]],
      [2, 'parallel', [fed('X', 'x2')]],
      [3, 'parallel', [fed('A', 'a3')]],
      [3, 'parallel', [fed('A', 'a3')]],
    ])
  })

  it('P11: the sixth claim without any progress ends it: CRASH_LOOP, which those who wait are told; resume goes on', async () => {
    const { lab, w } = world(6)
    const bench = newBench(kind, w)
    const run = bench.process().executor()
    await run.with({ requestId: 'r1' }).submit(w, 'i', A('a1'))
    for (let runs = 1; runs <= 6; runs++) {
      bench.hanging().worker().start()
      await eventually(() => lab.ran.length === runs, 'the claim')
      // The first one got as far as to store what was fed, which was progress.
      expect(await bench.header('i')).toMatchObject({ claims: runs - 1, scope: 1, pass: 1 })
      await kind.endLeases()
    }
    const stopped = await refusal(run.with({ requestId: 'r1' }).sequential(w, 'i', A('a1')), 'CRASH_LOOP')
    expect(stopped.message).toMatch('resume')
    const { status, wakeAt, holder, pass } = await bench.header('i')
    expect({ status, wakeAt, holder, pass }).toEqual({ status: 'failed', wakeAt: null, holder: null, pass: 0 })
    const polaris = bench.process()
    expect((await polaris.get('i'))?.data).toEqual({ A: 'a1' })
    await refusal(run.with({ requestId: 'r1' }).sequential(w, 'i', A('a1')), 'CRASH_LOOP')
    expect(await run.resume(w, 'i')).toMatchObject({ scope: 2, status: 'completed', target: 't(b(a1),-)' })
  })

  it('P11: a scope that gets on by one builder each time is not given up, however often its process dies', async () => {
    const names = Array.from({ length: 9 }, (_, i) => `S${i}`)
    const data = [A, ...texts(...names)]
    const lab = newLab()
    // Each step is tried twice: its first process dies.
    const does = (made: string, n: number): unknown => (n === 1 ? new Promise(() => undefined) : made)
    const builders = names.map((name, i) => lab.step(name.toLowerCase(), [data[i]!], data[i + 1]!, { does }))
    const w = workflow({ name: 'w', builders, target: data[9]! })
    const bench = newBench(kind, w)
    await bench.process().executor().submit(w, 'i', A('a1'))
    for (let i = 0; i < 9; i++) {
      const ran = lab.ran.length
      bench.hanging().worker().start()
      await eventually(() => lab.ran.length === ran + (i === 0 ? 1 : 2), `step ${i}`)
      await kind.endLeases()
    }
    bench.process().worker({ pollInterval: 20 }).start()
    await handled(bench, 'i', 1)
    expect((await bench.header('i')).status).toBe('completed')
  })

  for (const how of ['unsent', 'answer lost'] as const) {
    it(`G1, G3, G5: a process that works on mail is killed at any of its commits (${how})`, async () => {
      let deaths = 0
      for (let fatal = 1; fatal <= 8; fatal++) {
        const { lab, w } = world(0)
        const bench = newBench(kind, w)
        const feeder = bench.process()
        for (const value of ['a1', 'a2', 'a3']) await feeder.executor().submit(w, 'i', A(value))
        const victim = bench.dying(fatal, how)
        victim.polaris.worker().start()
        const end = await Promise.race([victim.death, handled(bench, 'i', 3)])
        if (end === 'died') deaths++
        // Its builders had hardly begun when it died, and go on with nobody to keep what they make.
        await kind.endLeases()
        bench.process().worker({ pollInterval: 20 }).start()
        await handled(bench, 'i', 3)
        const history = await feeder.history('i')
        const fed = history.filter(({ outcome }) => outcome === 'fed')
        expect(fed.map(({ scope, value }) => [scope, value])).toEqual([1, 2, 3].map((n) => [n, `a${n}`]))
        const products = history.filter(({ outcome }) => outcome === 'produced')
        expect(products.map(({ scope, value }) => [scope, value])).toEqual(
          [1, 2, 3].flatMap((n) => [
            [n, `b(a${n})`],
            [n, `t(b(a${n}),-)`],
          ]),
        )
        // What was committed did not run again.
        expect(lab.ran.length).toBeLessThanOrEqual(8)
      }
      expect(deaths).toBeGreaterThanOrEqual(6)
    })
  }

  it('P12: a fed transient does not outlive its process: the scope is finished without, and waits for it', async () => {
    const [M] = texts('M')
    const lab = newLab()
    const gate = deferred()
    const builders = [
      lab.step('b', [A], B, { does: (made, run) => (run === 1 ? gate.promise : made) }),
      lab.step('t', [B, M], T),
    ]
    const w = workflow({ name: 'w', builders, target: T, transients: [M] })
    const bench = newBench(kind, w)
    void bench.hanging().executor().sequential(w, 'i', A('a1'), M('m1'))
    await eventually(() => lab.ran.length === 1, 'the crash')
    await kind.endLeases()
    const result = await bench.process().executor().resume(w, 'i')
    expect(result).toMatchObject({ scope: 1, status: 'waiting', waitingFor: ['M'] })
    expect((await bench.process().executor().sequential(w, 'i', M('m2'))).target).toBe('t(b(a1),m2)')
  })

  it('P12: a result from elsewhere lacks the transients that were made, and says so', async () => {
    const [M] = texts('M')
    const lab = newLab()
    const w = workflow({
      ...{ name: 'w', target: T, transients: [M] },
      builders: [lab.step('m', [A], M), lab.step('t', [M], T)],
    })
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    const named = { requestId: 'r1' }
    const here = await one.executor().with(named).sequential(w, 'i', A('a1'))
    expect(here.get(M)).toBe('m(a1)')
    const there = await two.executor().with(named).sequential(w, 'i', A('a1'))
    expect(there).toMatchObject({ target: 't(m(a1))', produced: [{ name: 'T', value: 't(m(a1))' }] })
    expect(() => there.get(M)).toThrow(expect.objectContaining({ code: 'TRANSIENT_NOT_STORED' }))
    expect(() => there.require(M)).toThrow(expect.objectContaining({ code: 'TRANSIENT_NOT_STORED' }))
    expect(there.latest(M)).toBeUndefined()
  })
}, 'servers')
