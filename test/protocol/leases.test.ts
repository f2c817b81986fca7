import { Polaris, PolarisError, workflow } from 'polaris-workflow'
import type { BuildContext, DataStore } from 'polaris-workflow'
import type { SimulatedClock } from 'polaris-workflow/testing'
import { expect, it } from 'vitest'
import { deferred, newLab, refusal, texts, turns } from '../support/lab.ts'
import { eachServer, memory } from '../support/media.ts'
import { storeTime } from '../support/time.ts'
import { eachLocalStore, testClock } from '../support/timed.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'
import { auditAfterEach, eventually, newBench } from './bench.ts'

expectNoUnhandledRejections()
auditAfterEach()

const [A, X, B, T] = texts('A', 'X', 'B', 'T')
const LEASE = 15_000

/** `b` waits in its first run until it is let go. */
function world(durability: 'builder' | 'scope' = 'builder') {
  const lab = newLab()
  const gate = deferred()
  const contexts: BuildContext[] = []
  const signals: AbortSignal[] = []
  const does = (made: string, run: number, _: unknown, context: BuildContext): unknown => {
    contexts.push(context)
    signals.push(context.signal)
    return run === 1 ? gate.promise.then(() => `first ${made}`) : made
  }
  const builders = [lab.step('b', [A], B, { does }), lab.step('t', [B], T, { optionals: [X] })]
  return { lab, gate, contexts, signals, w: workflow({ name: 'w', builders, target: T, durability }) }
}

/** Lets time pass until something has happened that needs it. */
async function inTime<R>(clock: SimulatedClock, promise: Promise<R>): Promise<R> {
  let done = false
  const settled = promise.finally(() => (done = true))
  settled.catch(() => undefined)
  for (let i = 0; i < 1_000 && !done; i++) await clock.advance(500)
  expect(done, 'it came to an end').toBe(true)
  return settled
}

eachLocalStore((kind, clock) => {
  it('a lease is renewed for as long as a builder runs, and nobody else takes the instance', async () => {
    const { lab, gate, signals, w } = world()
    const bench = newBench(kind, w)
    let writes = 0
    const counting = (store: DataStore): DataStore => ({
      ...store,
      write: (changes) => (writes++, store.write(changes)),
    })
    const one = bench.process({ clock }, counting)
    const two = bench.process({ clock })
    const first = one.executor().sequential(w, 'i', A('a1'))
    await clock.advance(1)
    two.worker({ pollInterval: 100 }).start()
    const second = two.executor().sequential(w, 'i', X('x2'))
    for (let i = 0; i < 40; i++) {
      await clock.advance(LEASE / 4)
      const { holder, wakeAt } = await bench.header('i')
      expect(holder).not.toBeNull()
      expect(wakeAt).toBeGreaterThan(clock.now())
    }
    expect(lab.ran).toEqual(['b'])
    expect(signals[0]?.aborted).toBe(false)
    // One for the delta, and at most one per third of a lease.
    expect(writes).toBeGreaterThanOrEqual(10)
    expect(writes).toBeLessThanOrEqual(32)
    gate.resolve()
    expect(await inTime(clock, first)).toMatchObject({ scope: 1, target: 't(first b(a1),-)' })
    expect(await inTime(clock, second)).toMatchObject({ scope: 2, target: 't(first b(a1),x2)' })
    expect(lab.ran).toEqual(['b', 't', 't'])
  })

  it('G3, P4: who was paused for minutes and lost it commits nothing: LEASE_LOST, and the signal is aborted', async () => {
    const { lab, gate, contexts, signals, w } = world()
    const bench = newBench(kind, w)
    const own = testClock()
    const lost = refusal(bench.process({ clock: own }).executor().sequential(w, 'i', A('a1')), 'LEASE_LOST')
    await turns()
    expect(lab.ran).toEqual(['b'])
    // Its own time stands still meanwhile.
    await clock.advance(600_000)
    const other = bench.process({ clock })
    const second = await inTime(clock, other.executor().sequential(w, 'i', X('x2')))
    expect(second).toMatchObject({ scope: 2, target: 't(b(a1),x2)' })
    const { revision, fence } = await bench.header('i')
    expect(signals[0]?.aborted).toBe(false)
    await own.jump(600_000)
    await lost
    expect(signals[0]?.aborted).toBe(true)
    expect(signals[0]?.reason).toMatchObject({ code: 'LEASE_LOST' })
    gate.resolve()
    await turns()
    expect(await bench.header('i')).toMatchObject({ revision, fence })
    expect(lab.made).toEqual(['b(a1)', 'b(a1)', 't(b(a1),-)', 't(b(a1),x2)'])
    expect(contexts[1]?.idempotencyKey).toBe(contexts[0]?.idempotencyKey)
  })

  it('G3: the same when the builder ends before the process finds out', async () => {
    const { lab, gate, signals, w } = world()
    const bench = newBench(kind, w)
    const lost = refusal(bench.process({ clock: testClock() }).executor().sequential(w, 'i', A('a1')), 'LEASE_LOST')
    await turns()
    await clock.advance(600_000)
    await inTime(clock, bench.process({ clock }).executor().sequential(w, 'i', X('x2')))
    gate.resolve()
    await lost
    expect(signals[0]?.aborted).toBe(true)
    const values = (await bench.process({ clock }).history('i')).map(({ value }) => value)
    expect(values).not.toContain('first b(a1)')
    expect(lab.ran.filter((name) => name === 'b')).toHaveLength(2)
  })

  it('who was paused for minutes and lost nothing goes on', async () => {
    const { lab, gate, signals, w } = world()
    const bench = newBench(kind, w)
    const call = bench.process({ clock }).executor().sequential(w, 'i', A('a1'))
    await turns()
    await clock.jump(600_000)
    expect(signals[0]?.aborted).toBe(false)
    gate.resolve()
    expect((await inTime(clock, call)).target).toBe('t(first b(a1),-)')
    expect(lab.ran).toEqual(['b', 't'])
  })

  it('P11: a builder that never ends is not kept for ever: after longestRun others take the instance', async () => {
    const { lab, signals, w } = world()
    const bench = newBench(kind, w)
    const one = bench.process({ clock, longestRun: 60_000 })
    const two = bench.process({ clock })
    const lost = refusal(one.executor().sequential(w, 'i', A('a1')), 'LEASE_LOST')
    await clock.advance(55_000)
    expect(signals[0]?.aborted).toBe(false)
    expect((await bench.header('i')).wakeAt).toBeGreaterThan(clock.now())
    const second = two.executor().sequential(w, 'i', X('x2'))
    await clock.advance(60_000)
    await lost
    expect(signals[0]?.aborted).toBe(true)
    expect(await inTime(clock, second)).toMatchObject({ scope: 2, target: 't(b(a1),x2)' })
    expect(lab.ran).toEqual(['b', 'b', 't', 't'])
  })

  it('P11: one that gets on is kept for longer than longestRun', async () => {
    const names = ['S1', 'S2', 'S3', 'S4']
    const data = [A, ...texts(...names)]
    const lab = newLab()
    const does = (made: string): Promise<string> => clock.sleep(40_000).then(() => made)
    const builders = names.map((name, i) => lab.step(name.toLowerCase(), [data[i]!], data[i + 1]!, { does }))
    const w = workflow({ name: 'w', builders, target: data[4]! })
    const call = newBench(kind, w).process({ clock, longestRun: 60_000 }).executor().sequential(w, 'i', A('a1'))
    expect((await inTime(clock, call)).target).toBe('s4(s3(s2(s1(a1))))')
    expect(lab.ran).toHaveLength(4)
  })

  it('a store that is out of reach for less than the lease does no harm', async () => {
    const { lab, gate, w } = world()
    const bench = newBench(kind, w)
    let gone = false
    let refused = 0
    const polaris = bench.process({ clock }, (store) => ({
      ...store,
      write(changes) {
        if (!gone) return store.write(changes)
        refused++
        throw new PolarisError('STORE_UNAVAILABLE', 'gone for a moment')
      },
    }))
    const call = polaris.executor().sequential(w, 'i', A('a1'))
    await clock.advance(1)
    gone = true
    await clock.advance(LEASE * 0.6)
    gone = false
    expect(refused).toBeGreaterThan(0)
    await clock.advance(LEASE)
    gate.resolve()
    expect((await inTime(clock, call)).target).toBe('t(first b(a1),-)')
    expect(lab.ran).toEqual(['b', 't'])
  })

  it('durability scope: no lease, one commit; who is overtaken begins anew, and nothing is lost', async () => {
    const { gate, w } = world('scope')
    const bench = newBench(kind, w)
    let writes = 0
    const counting = (store: DataStore): DataStore => ({
      ...store,
      write: (changes) => (writes++, store.write(changes)),
    })
    const first = bench.process({ clock }, counting).executor().sequential(w, 'i', A('a1'))
    await clock.advance(LEASE * 2)
    expect(writes).toBe(0)
    const second = bench.process({ clock }).executor().sequential(w, 'i', A('a2'))
    expect(await inTime(clock, second)).toMatchObject({ scope: 1, target: 't(b(a2),-)' })
    gate.resolve()
    // Its first attempt lost its compare: it runs again, on what stands now.
    expect(await inTime(clock, first)).toMatchObject({ scope: 2, target: 't(b(a1),-)' })
    expect(writes).toBe(2)
    expect((await bench.header('i')).holder).toBeNull()
  })
})

eachServer((kind) => {
  it('in real time too: a lease outlasts itself while its builder runs, and ends with its process', async () => {
    const { lab, gate, w } = world()
    const bench = newBench(kind, w)
    // Renewed each third of it: half a second that the machine may be busy elsewhere.
    const lease = 750
    const one = bench.process({ lease })
    const first = one.executor().sequential(w, 'i', A('a1'))
    await eventually(() => lab.ran.length === 1, 'the scope')
    const ends = Date.now() + 2.5 * lease
    const second = bench.process().executor().sequential(w, 'i', X('x2'))
    await eventually(() => Date.now() > ends, 'the end of the lease')
    expect(lab.ran).toEqual(['b'])
    gate.resolve()
    expect((await first).scope).toBe(1)
    expect(await second).toMatchObject({ scope: 2, target: 't(first b(a1),x2)' })
    expect(lab.ran).toEqual(['b', 't', 't'])
  })
})

it('in memory too, who finds its lease lost gives up that scope, and harms nothing else', async () => {
  const { lab, gate, signals, w } = world()
  const bench = newBench(memory, w)
  const alarms: (() => void)[] = []
  const ring = async (): Promise<void> => {
    for (const alarm of alarms.splice(0)) alarm()
    await turns()
  }
  const after = (_: number, alarm: () => void) => (alarms.push(alarm), () => undefined)
  const sleeper = bench.process({ longestRun: 1e9, clock: { now: storeTime.now, after } })
  sleeper.worker().start()
  await sleeper.executor().submit(w, 'i', A('a1'))
  await ring()
  expect(lab.ran).toEqual(['b'])
  storeTime.outliveLeases()
  const serves = [{ workflow: 'w', version: 1 }]
  expect(await bench.store.claim({ holder: 'other', lease: LEASE, limit: 1, serves })).toHaveLength(1)
  await ring()
  expect(signals[0]?.aborted).toBe(true)
  storeTime.outliveLeases()
  const other = bench.process()
  expect((await other.executor().sequential(w, 'i', X('x2'))).target).toBe('t(b(a1),x2)')
  gate.resolve()
  await sleeper.executor().submit(w, 'j', A('a1'))
  await ring()
  expect((await other.get('j'))?.status).toBe('completed')
})

it('lease and longestRun are checked', () => {
  for (const bad of [0, 99, -1, NaN, Infinity, '15000' as never]) {
    expect(() => new Polaris({ lease: bad })).toThrow(/lease must be a number of milliseconds from 100/)
  }
  expect(() => new Polaris({ longestRun: 0 })).toThrow(/longestRun/)
})
