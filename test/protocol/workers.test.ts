import { Polaris, PolarisError, workflow } from 'polaris-workflow'
import type { BuildContext, DataStore } from 'polaris-workflow'
import { expect, it } from 'vitest'
import { deferred, newLab, over, refusal, texts, thrown, turns } from '../support/lab.ts'
import { eachStore } from '../support/media.ts'
import { eachLocalStore } from '../support/timed.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'
import { auditAfterEach, eventually, newBench } from './bench.ts'
import type { Bench } from './bench.ts'

expectNoUnhandledRejections()
auditAfterEach()

type Subscribe = NonNullable<DataStore['subscribe']>

const DAY_MS = 86_400_000
const [A, X, B, T, Y] = texts('A', 'X', 'B', 'T', 'Y')

/** `t` waits in its first run until it is let go. */
function world() {
  const lab = newLab()
  const gate = deferred()
  const signals: AbortSignal[] = []
  const does = (made: string, run: number, _: unknown, { signal }: BuildContext): unknown => {
    signals.push(signal)
    return run === 1 ? gate.promise.then(() => `first ${made}`) : made
  }
  const builders = [lab.step('b', [A], B), lab.step('t', [B], T, { optionals: [X], does })]
  return { lab, gate, signals, w: workflow({ name: 'w', builders, target: T }) }
}

const handled = (bench: Bench, id: string, seq: number): Promise<void> =>
  eventually(async () => ((await bench.store.read(id))?.header.mailHandled ?? 0) >= seq, `scope ${seq} of ${id}`)

eachStore((kind) => {
  it('stop: running builders are let finish, nothing new is begun, and what waits is left to others at once', async () => {
    const { lab, gate, signals, w } = world()
    const bench = newBench(kind, w)
    const run = bench.process().executor()
    await run.submit(w, 'i', A('a1'))
    await run.submit(w, 'i', X('x2'))
    const worker = bench.process().worker({ pollInterval: 20 }).start()
    await eventually(() => lab.ran.length === 2, 'the scope')
    await run.submit(w, 'j', A('j1'))
    let stopped = false
    const stop = worker.stop().then(() => (stopped = true))
    await turns()
    expect([stopped, signals[0]?.aborted]).toEqual([false, false])
    gate.resolve()
    await stop
    const { mailHandled, holder, wakeAt, scope } = await bench.header('i')
    expect({ mailHandled, holder, scope }).toEqual({ mailHandled: 1, holder: null, scope: 1 })
    expect(wakeAt).not.toBeNull()
    thrown(() => worker.start(), 'CLOSED')
    bench.process().worker({ pollInterval: 20 }).start()
    await handled(bench, 'i', 2)
    await handled(bench, 'j', 1)
    expect((await bench.process().get('i'))?.data['T']).toBe('t(b(a1),x2)')
  })

  it('stop: after its grace it leaves: signals abort, finished products are kept, others go on at once', async () => {
    const { lab, gate, signals, w } = world()
    const bench = newBench(kind, w)
    const feeder = bench.process()
    await feeder.executor().submit(w, 'i', A('a1'))
    const troubles: unknown[] = []
    const worker = bench
      .process()
      .worker({ grace: 0, onTrouble: (error) => void troubles.push(error) })
      .start()
    await eventually(() => lab.ran.length === 2, 'the scope')
    await worker.stop()
    expect(signals[0]?.aborted).toBe(true)
    expect(await bench.header('i')).toMatchObject({ holder: null, scope: 1, pass: 1, mailHandled: 0 })
    // No lease has to end for that.
    bench.process().worker({ pollInterval: 20 }).start()
    await handled(bench, 'i', 1)
    gate.resolve()
    await turns()
    expect(lab.ran).toEqual(['b', 't', 't'])
    expect((await feeder.get('i'))?.data['T']).toBe('t(b(a1),-)')
    expect(troubles).toEqual([])
  })

  it('stop: another process hears of what is left, and needs no look of its own; of what is at rest it hears nothing', async () => {
    const { lab, gate, w } = world()
    const bench = newBench(kind, w)
    const feeder = bench.process()
    await feeder.executor().submit(w, 'i', A('a1'))
    const worker = bench.process().worker({ grace: 0, concurrency: 1 }).start()
    await eventually(() => lab.ran.length === 2, 'the scope')
    const told = new Set<string>()
    let left = false
    let looks = 0
    // A look that happens to come at the right time finds nothing.
    const hearing = (store: DataStore): DataStore => ({
      ...store,
      subscribe: (onMail) => (store.subscribe as Subscribe)((id) => (told.add(id), onMail(id))),
      claim: (query) => (looks++, left && !told.has('i') ? [] : store.claim(query)),
    })
    bench.process({}, hearing).worker({ pollInterval: DAY_MS }).start()
    // It hears of nothing before its store has begun to listen.
    const hears = async (id: string): Promise<void> => {
      let n = 0
      await eventually(async () => {
        await feeder.executor().submit(w, id, A(`a${++n}`))
        return (await bench.header(id)).mailHandled > 0
      }, `a scope of ${id}`)
    }
    await hears('heard')
    left = true
    told.clear()
    await worker.stop()
    await handled(bench, 'i', 1)
    gate.resolve()
    expect((await feeder.get('i'))?.data['T']).toBe('t(b(a1),-)')
    const before = looks
    for (let n = 0; n < 50; n++) await feeder.executor().sequential(w, `rest-${n}`, A('a1'))
    await hears('heard again')
    expect(looks - before).toBeLessThan(50)
  })

  it('an instance that was given back is taken at once, without the end of a lease', async () => {
    const { lab, gate, w } = world()
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    const first = one.executor().sequential(w, 'i', A('a1'))
    await eventually(() => lab.ran.length === 2, 'the scope')
    gate.resolve()
    await first
    expect(await bench.header('i')).toMatchObject({ holder: null, wakeAt: null })
    expect((await two.executor().sequential(w, 'i', X('x2'))).scope).toBe(2)
    expect((await one.executor().sequential(w, 'i', X('x3'))).scope).toBe(3)
  })

  it('concurrency: at most so many instances at once', async () => {
    const lab = newLab()
    const gate = deferred()
    let running = 0
    let most = 0
    const does = async (made: string): Promise<string> => {
      most = Math.max(most, ++running)
      if (running === 2) gate.resolve()
      await gate.promise
      await turns(3)
      running--
      return made
    }
    const w = workflow({ name: 'w', builders: [lab.step('t', [A], T, { does })], target: T })
    const bench = newBench(kind, w)
    const run = bench.process().executor()
    const ids = Array.from({ length: 8 }, (_, i) => `id-${i}`)
    await Promise.all(ids.map((id) => run.submit(w, id, A('a'))))
    bench.process().worker({ concurrency: 2, pollInterval: 20 }).start()
    for (const id of ids) await handled(bench, id, 1)
    expect(most).toBe(2)
    expect(lab.ran).toHaveLength(8)
  })

  it('several workers share what is due: each delta is handled once', async () => {
    const lab = newLab()
    const w = workflow({ name: 'w', builders: [lab.step('t', [A], T)], target: T })
    const bench = newBench(kind, w)
    const run = bench.process().executor()
    const ids = Array.from({ length: 40 }, (_, i) => `id-${i}`)
    for (let i = 0; i < 3; i++) bench.process().worker({ concurrency: 3, pollInterval: 20 }).start()
    await Promise.all(ids.map((id) => run.submit(w, id, A(id))))
    for (const id of ids) await handled(bench, id, 1)
    expect(lab.made.toSorted()).toEqual(ids.map((id) => `t(${id})`).toSorted())
  })

  it('a worker takes only what its process serves', async () => {
    const { w } = world()
    const lab = newLab()
    const [v1, v2] = [1, 2].map((version) =>
      workflow({ name: 'v', version, builders: [lab.step(`t${version}`, [A], T)], target: T }),
    )
    const bench = newBench(kind, v1 as never)
    await bench.process().executor().submit('v', 'i', A('a1'))
    const strangers = new Polaris({ store: { ...bench.store, close: () => undefined } }).register(w, v2 as never)
    const worker = strangers.worker({ pollInterval: 1 }).start()
    // It looks once before it stops.
    await worker.stop()
    await strangers.close()
    expect(await bench.header('i')).toMatchObject({ claims: 0, fence: 0, mailHandled: 0 })
    bench.process().worker({ pollInterval: 20 }).start()
    await handled(bench, 'i', 1)
    expect(lab.ran).toEqual(['t1'])
  })

  it('a process that closes tells its callers that wait; what they fed stays, and others handle it', async () => {
    const { lab, gate, w } = world()
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    const first = one.executor().sequential(w, 'i', A('a1'))
    await eventually(() => lab.ran.length === 2, 'the scope')
    const waiting = refusal(two.executor().sequential(w, 'i', X('x2')), 'CLOSED')
    await eventually(async () => (await bench.header('i')).mailAppended === 2, 'its mail')
    await two.close()
    await waiting
    await refusal(two.executor().sequential(w, 'i', X('x3')), 'CLOSED')
    await refusal(two.executor().submit(w, 'i', X('x3')), 'CLOSED')
    gate.resolve()
    await first
    await handled(bench, 'i', 2)
    expect((await one.get('i'))?.data['T']).toBe('t(b(a1),x2)')
  })

  it('a caller that gives up while it waits is told ABORTED; what it fed stays, and is handled', async () => {
    const { lab, gate, w } = world()
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    const first = one.executor().sequential(w, 'i', A('a1'))
    await eventually(() => lab.ran.length === 2, 'the scope')
    const controller = new AbortController()
    const call = two.executor().with({ signal: controller.signal, requestId: 'r2' }).sequential(w, 'i', X('x2'))
    const aborted = refusal(call, 'ABORTED')
    await eventually(async () => (await bench.header('i')).mailAppended === 2, 'its mail')
    controller.abort(new Error('enough'))
    expect((await aborted).message).toMatch('will be handled')
    gate.resolve()
    await first
    await handled(bench, 'i', 2)
    const again = await two.executor().with({ requestId: 'r2' }).sequential(w, 'i', X('x2'))
    expect(again).toMatchObject({ scope: 2, target: 't(b(a1),x2)' })
  })
}, 'servers')

/** A store that can be out of reach. */
function fragile() {
  const state = { gone: false }
  const fail = (): void => {
    if (state.gone) throw new PolarisError('STORE_UNAVAILABLE', 'gone for a while')
  }
  const through = (store: DataStore): DataStore => ({
    ...store,
    read: (id) => (fail(), store.read(id)),
    mail: (id, query) => (fail(), store.mail(id, query)),
    write: (changes) => (fail(), store.write(changes)),
    claim: (query) => (fail(), store.claim(query)),
  })
  return { state, through }
}

eachLocalStore((kind, clock) => {
  it('stop gives back an instance that it has moved to another version, between two mails', async () => {
    const { lab, gate, w: one } = world()
    const does = (made: string): unknown => gate.promise.then(() => made)
    const builders = [lab.step('b', [A], B), lab.step('t', [B, X], T), lab.step('y', [B], Y, { does })]
    const two = workflow({ name: 'w', version: 2, builders, target: T, policy: 'upgrade' })
    const bench = newBench(kind, one, two)
    const before = over({ ...bench.store, close: () => undefined }, one).executor()
    for (const a of ['a1', 'a2']) await before.submit('w', 'i', A(a))
    const worker = bench.process({ clock }).worker().start()
    await clock.advance(1)
    expect(await bench.header('i')).toMatchObject({ version: 2, status: 'running', mailHandled: 0 })
    const stopping = worker.stop()
    gate.resolve()
    await clock.advance(1)
    await stopping
    expect(await bench.header('i')).toMatchObject({ version: 2, mailHandled: 1, holder: null })
  })

  it('a lease that is renewed before a move is committed does not say that it moved', async () => {
    const { lab, gate, w: one } = world()
    const does = (made: string): unknown => gate.promise.then(() => made)
    const builders = [lab.step('b', [A], B), lab.step('t', [B, X], T), lab.step('y', [B], Y, { does })]
    const rest = { name: 'w', version: 2, target: T, policy: 'upgrade', durability: 'scope' } as const
    const bench = newBench(kind, one, workflow({ ...rest, builders }))
    await over({ ...bench.store, close: () => undefined }, one)
      .executor()
      .submit('w', 'i', A('a1'))
    const polaris = bench.process({ clock })
    polaris.worker().start()
    await clock.advance(20_000)
    const { revision, version, rows } = await bench.header('i')
    expect(revision).toBeGreaterThan(0)
    expect([version, rows]).toEqual([1, 0])
    gate.resolve()
    await clock.advance(1)
    expect(await polaris.get('i')).toMatchObject({ version: 2, data: { Y: 'y(b(a1))' } })
  })

  it('stop waits for no longer than its grace', async () => {
    const { lab, signals, w } = world()
    const bench = newBench(kind, w)
    const polaris = bench.process({ clock })
    await polaris.executor().submit(w, 'i', A('a1'))
    const worker = polaris.worker({ grace: 5_000 }).start()
    await clock.advance(1)
    expect(lab.ran).toEqual(['b', 't'])
    let stopped = false
    const stop = worker.stop().then(() => (stopped = true))
    await clock.advance(4_900)
    expect([stopped, signals[0]?.aborted]).toEqual([false, false])
    await clock.advance(200)
    await stop
    expect(signals[0]?.aborted).toBe(true)
    expect(await bench.header('i')).toMatchObject({ holder: null, pass: 1 })
    expect((await bench.header('i')).wakeAt).toBeLessThanOrEqual(clock.now())
  })

  it('a caller that waits bears a store that is out of reach for less than a lease', async () => {
    const { lab, gate, w } = world()
    const bench = newBench(kind, w)
    const { state, through } = fragile()
    const first = bench.process({ clock }).executor().sequential(w, 'i', A('a1'))
    await clock.advance(1)
    const second = bench.process({ clock }, through).executor().sequential(w, 'i', X('x2'))
    await clock.advance(1)
    expect((await bench.header('i')).mailAppended).toBe(2)
    state.gone = true
    await clock.advance(10_000)
    state.gone = false
    gate.resolve()
    await clock.advance(2_000)
    expect((await first).scope).toBe(1)
    expect(await second).toMatchObject({ scope: 2, target: 't(b(a1),x2)' })
    expect(lab.ran).toEqual(['b', 't', 't'])
  })

  it('it is told of trouble that lasts longer, and its delta is handled all the same', async () => {
    const { gate, w } = world()
    const bench = newBench(kind, w)
    const { state, through } = fragile()
    const first = bench.process({ clock }).executor().sequential(w, 'i', A('a1'))
    await clock.advance(1)
    const second = refusal(
      bench.process({ clock }, through).executor().sequential(w, 'i', X('x2')),
      'STORE_UNAVAILABLE',
    )
    await clock.advance(1)
    state.gone = true
    await clock.advance(20_000)
    await second
    state.gone = false
    gate.resolve()
    await first
    await clock.advance(1_000)
    expect(await bench.header('i')).toMatchObject({ mailHandled: 2, holder: null })
  })

  it('a worker tells of trouble with the store, and goes on when it is over', async () => {
    const { gate, w } = world()
    gate.resolve()
    const bench = newBench(kind, w)
    const { state, through } = fragile()
    const troubles: unknown[] = []
    const onTrouble = (error: unknown): void => void troubles.push(error)
    bench.process({ clock }, through).worker({ onTrouble }).start()
    await clock.advance(1)
    state.gone = true
    await bench.process({ clock }).executor().submit(w, 'i', A('a1'))
    await clock.advance(10_000)
    expect(troubles.length).toBeGreaterThan(0)
    for (const error of troubles) expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    state.gone = false
    await clock.advance(2_000)
    expect(await bench.header('i')).toMatchObject({ mailHandled: 1, status: 'completed' })
  })
})
