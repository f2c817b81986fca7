/** Rule 21, P8 and P9: builders that are tried again, within the call and after it. */
import { builder, NonRetryableError, Polaris, workflow } from 'polaris-workflow'
import type { BuildContext, DataStore, Retry } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { auditAfterEach, newBench } from '../protocol/bench.ts'
import { dataOf, deferred, failure, newLab, refusal, texts, turns, until } from '../support/lab.ts'
import type { Step } from '../support/lab.ts'
import { sqliteKind } from '../support/media.ts'
import { eachTimedStore, testClock } from '../support/timed.ts'

auditAfterEach()

const MINUTE = 60_000
const [A, B, C, D, T] = texts('A', 'B', 'C', 'D', 'T')

/** No jitter, so that a test can say when. */
const soon = (attempts: number): Retry => ({ attempts, backoff: { initial: '200ms', factor: 2, jitter: 0 } })
const later = (attempts: number): Retry => ({ attempts, backoff: { initial: '1m', factor: 3, max: '5m', jitter: 0 } })

/** `t` fails in its first so many runs; what each was told is kept. */
function flaky(retry: Retry, failures: number, more: Partial<Parameters<typeof builder>[0]> = {}) {
  const lab = newLab()
  const told: Pick<BuildContext, 'attempt' | 'idempotencyKey'>[] = []
  const does = (made: string, run: number, _: unknown, { attempt, idempotencyKey }: BuildContext): string => {
    told.push({ attempt, idempotencyKey })
    if (run <= failures) throw new Error(`down ${run}`)
    return made
  }
  const t = again(lab.step('t', [B], T, { does }), { retry, ...more })
  const w = workflow({ name: 'w', builders: [lab.step('b', [A], B), t, lab.step('d', [A], D)], target: T })
  return { lab, told, w }
}

/** The same builder with options of its own. */
function again(step: Step, options: object): Step {
  const { name, consumes, optionals, produces, process } = step
  return builder({ name, consumes, optionals, produces, process, ...options } as never) as unknown as Step
}

eachTimedStore((kind, clock) => {
  describe('a retry that is near', () => {
    it('rule 21: happens within the call, after the time that the policy says', async () => {
      const { lab, told, w } = flaky(soon(3), 2)
      const polaris = newBench(kind, w).process({ clock })
      const call = polaris.executor().parallel(w, 'i', A('a'))
      await clock.advance(199)
      expect(lab.look()).toEqual(['b', 'd', 't'])
      await clock.advance(1)
      expect(lab.look()).toEqual(['t'])
      await clock.advance(399)
      expect(lab.look()).toEqual([])
      await clock.advance(1)
      expect((await call).target).toBe('t(b(a))')
      expect(told.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
      expect(new Set(told.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
      const tries = (await polaris.history('i')).filter((entry) => entry.builder === 't')
      expect(tries).toMatchObject([
        { outcome: 'failed', attempt: 1, error: { message: 'down 1' } },
        { outcome: 'failed', attempt: 2, error: { message: 'down 2' } },
        { outcome: 'produced', attempt: 3, value: 't(b(a))' },
      ])
      expect(tries.map(({ retryAt, endedAt }) => retryAt && retryAt - endedAt)).toEqual([200, 400, undefined])
    })

    it('rule 9: what depends on it waits, whatever else is there', async () => {
      const lab = newLab()
      const does = (made: string, run: number): string => {
        if (run === 2) throw new Error('down')
        return made
      }
      const steps = [
        again(lab.step('b', [A], B, { does }), { retry: soon(2) }),
        lab.step('t', [A], T, { optionals: [B] }),
      ]
      const w = workflow({ name: 'w', builders: steps, target: T })
      const run = newBench(kind, w).process({ clock }).executor()
      expect((await run.parallel(w, 'i', A('a1'))).target).toBe('t(a1,b(a1))')
      const call = run.parallel(w, 'i', A('a2'))
      await clock.advance(200)
      expect((await call).target).toBe('t(a2,b(a2))')
      expect(lab.look()).toEqual(['b', 't', 'b', 'b', 't'])
    })

    it('rule 13: in sequence nothing else runs meanwhile', async () => {
      const { lab, w } = flaky(soon(2), 1)
      const run = newBench(kind, w).process({ clock }).executor()
      const call = run.sequential(w, 'i', A('a'))
      await clock.advance(200)
      expect((await call).target).toBe('t(b(a))')
      expect(lab.look()).toEqual(['b', 'd', 't', 't'])
    })

    it('rule 21: another builder that fails for good ends the scope; the count goes on with the next', async () => {
      const lab = newLab()
      const told: number[] = []
      const gate = deferred<string>()
      const does = (made: string, run: number, _: unknown, { attempt }: BuildContext): string => {
        told.push(attempt)
        if (run === 1) throw new Error('t is down')
        return made
      }
      const bad = lab.step('bad', [A], C, { does: (made, run) => (run === 1 ? gate.promise : made) })
      const w = workflow({
        name: 'w',
        builders: [again(lab.step('t', [A], T, { does }), { retry: soon(5) }), bad],
        target: T,
      })
      const polaris = newBench(kind, w).process({ clock })
      const call = failure(polaris.executor().parallel(w, 'i', A('a')))
      await clock.advance(100)
      gate.reject(new Error('bad is down'))
      expect((await call).builder).toBe('bad')
      await clock.advance(10 * MINUTE)
      expect(await polaris.get('i')).toMatchObject({ status: 'failed', failure: { builder: 'bad' }, retries: [] })
      expect(told).toEqual([1])
      expect((await polaris.executor().resume(w, 'i')).target).toBe('t(a)')
      expect(told).toEqual([1, 2])
    })

    it('rule 21: a caller that gives up is not kept waiting', async () => {
      const { told, w } = flaky(soon(5), 1)
      const polaris = newBench(kind, w).process({ clock })
      const controller = new AbortController()
      const call = polaris.executor().with({ signal: controller.signal }).parallel(w, 'i', A('a'))
      const gone = expect(call).rejects.toMatchObject({ code: 'ABORTED' })
      await clock.advance(100)
      controller.abort(new Error('enough'))
      await gone
      await clock.advance(MINUTE)
      expect(told).toHaveLength(1)
      expect((await polaris.executor().resume(w, 'i')).status).toBe('completed')
      expect(told.map(({ attempt }) => attempt)).toEqual([1, 2])
    })
  })

  describe('a retry that is far', () => {
    it('rule 21: parks the instance, and a worker goes on when its time has come', async () => {
      const { lab, told, w } = flaky(later(3), 2)
      const bench = newBench(kind, w)
      const polaris = bench.process({ clock })
      const first = await polaris.executor().parallel(w, 'i', A('a'))
      expect(first).toMatchObject({ status: 'retrying', target: undefined })
      expect(first.produced.map(({ name }) => name).sort()).toEqual(['B', 'D'])
      const at = clock.now() + MINUTE
      expect(await bench.header('i')).toMatchObject({ status: 'retrying', wakeAt: at, holder: null, pass: 0 })
      const error = { name: 'Error', message: 'down 1' }
      const retries = [{ builder: 't', attempt: 1, retryAt: at, error: expect.objectContaining(error) as object }]
      expect(await polaris.get('i')).toMatchObject({ status: 'retrying', retries })
      const explained = (await polaris.explain('i'))?.builders.find(({ name }) => name === 't')
      expect(explained).toMatchObject({ state: 'retrying', attempt: 1, retryAt: at, error })
      expect((await polaris.list({ status: 'retrying' })).items.map(({ id }) => id)).toEqual(['i'])

      const worker = bench.process({ clock }).worker({ pollInterval: 500 }).start()
      lab.look()
      await clock.advance(MINUTE - 1_000)
      expect(lab.look()).toEqual([])
      await clock.advance(2_000)
      expect(lab.look()).toEqual(['t'])
      expect(await polaris.get('i')).toMatchObject({ status: 'retrying', retries: [{ attempt: 2 }] })
      await clock.advance(3 * MINUTE + 1_000)
      expect(lab.look()).toEqual(['t'])
      expect(await polaris.get('i')).toMatchObject({ status: 'completed', targetName: 'T', retries: [] })
      expect((await bench.header('i')).wakeAt).toBeNull()
      expect(told.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
      expect(new Set(told.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
      await worker.stop()
    })

    it('rule 21: when the attempts are used up it is failed, kept and listed, and resume begins to count anew', async () => {
      const { told, w } = flaky(later(2), 3)
      const bench = newBench(kind, w)
      const polaris = bench.process({ clock })
      await polaris.executor().parallel(w, 'i', A('a'))
      const worker = polaris.worker({ pollInterval: 500 }).start()
      await clock.advance(MINUTE + 1_000)
      const view = await polaris.get('i')
      expect(view).toMatchObject({
        status: 'failed',
        retries: [],
        failure: { builder: 't', attempt: 2, message: 'down 2' },
      })
      expect((await bench.header('i')).wakeAt).toBeNull()
      expect((await polaris.list({ status: 'failed' })).items).toHaveLength(1)
      await clock.advance(60 * MINUTE)
      expect(told).toHaveLength(2)
      await worker.stop()
      const resumed = await bench.process({ clock }).executor().resume(w, 'i')
      expect(resumed.status).toBe('retrying')
      expect(told.map(({ attempt }) => attempt)).toEqual([1, 2, 1])
      expect(new Set(told.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
    })

    it('P9: mail wakes a parked instance at once, and does not reset the attempts', async () => {
      const { lab, told, w } = flaky(later(5), 2)
      const run = newBench(kind, w).process({ clock }).executor()
      await run.parallel(w, 'i', A('a1'))
      lab.look()
      const second = await run.parallel(w, 'i', D('fed'))
      expect(second.status).toBe('retrying')
      expect(lab.look()).toEqual(['t'])
      const third = await run.resume(w, 'i')
      expect(third.target).toBe('t(b(a1))')
      expect(told.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    })

    it('P9: the parked scope has its result, under its own request, whatever comes later', async () => {
      const { w } = flaky(later(5), 1)
      const run = newBench(kind, w).process({ clock }).executor()
      const named = run.with({ requestId: 'order 1' })
      expect((await named.parallel(w, 'i', A('a'))).status).toBe('retrying')
      expect((await run.resume(w, 'i')).status).toBe('completed')
      expect(await named.parallel(w, 'i', A('a'))).toMatchObject({ status: 'retrying', scope: 1 })
    })

    it('rule 21: each of several waits for its own time', async () => {
      const lab = newLab()
      const does = (made: string, run: number): string => {
        if (run === 1) throw new Error('down')
        return made
      }
      const retry = (initial: '1m' | '10m'): object => ({ retry: { attempts: 3, backoff: { initial, jitter: 0 } } })
      const builders = [
        again(lab.step('early', [A], B, { does }), retry('1m')),
        again(lab.step('late', [A], C, { does }), retry('10m')),
        lab.step('t', [B, C], T),
      ]
      const w = workflow({ name: 'w', builders, target: T })
      const bench = newBench(kind, w)
      const polaris = bench.process({ clock })
      await polaris.executor().parallel(w, 'i', A('a'))
      const worker = polaris.worker({ pollInterval: 500 }).start()
      lab.look()
      await clock.advance(MINUTE + 1_000)
      expect(lab.look()).toEqual(['early'])
      expect((await polaris.get('i'))?.retries.map(({ builder }) => builder)).toEqual(['late'])
      await clock.advance(8 * MINUTE)
      expect(lab.look()).toEqual([])
      await clock.advance(MINUTE + 1_000)
      expect(lab.look()).toEqual(['late', 't'])
      expect((await polaris.get('i'))?.status).toBe('completed')
      await worker.stop()
    })

    it('rule 9: nothing that depends on a parked builder runs, on old products neither', async () => {
      const lab = newLab()
      const does = (made: string, run: number): string => {
        if (run === 2) throw new Error('down')
        return made
      }
      const builders = [
        again(lab.step('b', [A], B, { does }), { retry: later(3) }),
        lab.step('c', [A], C),
        lab.step('t', [B, C], T),
      ]
      const w = workflow({ name: 'w', builders, target: T })
      const run = newBench(kind, w).process({ clock }).executor()
      await run.parallel(w, 'i', A('a1'))
      lab.look()
      expect((await run.parallel(w, 'i', A('a2'))).status).toBe('retrying')
      expect(lab.look()).toEqual(['b', 'c'])
      expect((await run.resume(w, 'i')).target).toBe('t(b(a2),c(a2))')
      expect(lab.look()).toEqual(['b', 't'])
    })

    it('rule 18: a transient whose builder is parked is made when its time comes', async () => {
      const lab = newLab()
      const does = (made: string, run: number): string => {
        if (run === 2) throw new Error('down')
        return made
      }
      const b = again(lab.step('b', [A], B, { does }), { retry: later(3) })
      const w = workflow({ name: 'w', builders: [b, lab.step('t', [B, C], T)], target: T, transients: [B] })
      const polaris = newBench(kind, w).process({ clock })
      await polaris.executor().parallel(w, 'i', A('a'))
      expect((await polaris.executor().parallel(w, 'i', C('c'))).status).toBe('retrying')
      const worker = polaris.worker({ pollInterval: 500 }).start()
      await clock.advance(MINUTE + 1_000)
      expect(await dataOf(polaris, 'i')).toEqual({ A: 'a', C: 'c', T: 't(b(a),c)' })
      await worker.stop()
    })

    it('rule 24: who is asked to run again begins to count anew', async () => {
      const { told, w } = flaky(later(5), 2)
      const run = newBench(kind, w).process({ clock }).executor()
      await run.parallel(w, 'i', A('a'))
      await run.rerun(w, 'i', 't')
      await run.restart(w, 'i')
      expect(told.map(({ attempt }) => attempt)).toEqual([1, 1, 1])
      expect(new Set(told.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(3)
    })
  })

  describe('what is worth another try', () => {
    it.each([
      ['NonRetryableError', {}, new NonRetryableError('declined'), 'declined'],
      [
        'retryIf',
        { retryIf: (error: unknown) => (error as Error).message !== 'no' },
        new Error('no'),
        'wants no further',
      ],
    ])('rule 21: %s ends it at once', async (_, more, thrown, said) => {
      const lab = newLab()
      const does = (): never => {
        throw thrown
      }
      const step = again(lab.step('t', [A], T, { does }), { retry: { ...soon(5), ...more } })
      const w = workflow({ name: 'w', builders: [step], target: T })
      const error = await failure(newBench(kind, w).process({ clock }).executor().parallel(w, 'i', A('a')))
      expect(error.message).toContain(said)
      expect(error.cause).toBe(thrown)
      expect(lab.look()).toEqual(['t'])
    })

    it('rule 21: retryIf is asked with the error and the try; what it throws is told, and ends it', async () => {
      const lab = newLab()
      const asked: unknown[] = []
      const retryIf = (error: unknown, attempt: number): boolean => {
        asked.push([(error as Error).message, attempt])
        if (attempt === 2) throw new Error('retryIf is broken')
        return true
      }
      const does = (_: string, run: number): never => {
        throw new Error(`down ${run}`)
      }
      const step = again(lab.step('t', [A], T, { does }), { retry: { ...soon(5), retryIf } })
      const w = workflow({ name: 'w', builders: [step], target: T })
      const call = failure(newBench(kind, w).process({ clock }).executor().parallel(w, 'i', A('a')))
      await clock.advance(200)
      const error = await call
      expect(error.message).toContain('retryIf is broken')
      expect(error.cause).toMatchObject({ message: 'down 2' })
      expect(asked).toEqual([
        ['down 1', 1],
        ['down 2', 2],
      ])
    })

    it('rule 17: a product that its schema refuses is tried again like a throw', async () => {
      const lab = newLab()
      const does = (made: string, run: number): unknown => (run === 1 ? undefined : made)
      const step = again(lab.step('t', [A], T, { does }), { retry: soon(2) })
      const w = workflow({ name: 'w', builders: [step], target: T })
      const polaris = newBench(kind, w).process({ clock })
      const call = polaris.executor().parallel(w, 'i', A('a'))
      await clock.advance(200)
      expect((await call).target).toBe('t(a)')
      expect((await polaris.history('i'))[1]).toMatchObject({ outcome: 'failed', error: { code: 'PRODUCT_INVALID' } })
    })

    it('the workflow has a default, which a builder may do without', async () => {
      const lab = newLab()
      const does = (made: string, run: number): string => {
        if (run === 1) throw new Error('down')
        return made
      }
      const builders = [
        lab.step('b', [A], B, { does }),
        again(lab.step('t', [B], T, { does }), { retry: { attempts: 1 } }),
      ]
      const w = workflow({ name: 'w', builders, target: T, retry: soon(2) })
      const call = failure(newBench(kind, w).process({ clock }).executor().parallel(w, 'i', A('a')))
      await clock.advance(1_000)
      expect((await call).builder).toBe('t')
      expect(lab.look()).toEqual(['b', 'b', 't'])
    })
  })

  it('rule 21: each try sees its inputs as they are, whatever the one before did to them', async () => {
    const lab = newLab()
    const does = (made: string, run: number, input: object): string => {
      expect(input).toEqual({ A: 'a' })
      delete (input as { A?: string }).A
      if (run === 1) throw new Error('down')
      return made
    }
    const w = workflow({ name: 'w', builders: [again(lab.step('t', [A], T, { does }), { retry: soon(2) })], target: T })
    const call = newBench(kind, w).process({ clock }).executor().parallel(w, 'i', A('a'))
    await clock.advance(200)
    expect((await call).target).toBe('t(a)')
  })
})

describe('on SQLite, when processes die or lose their instance', () => {
  const clock = testClock()
  const kind = sqliteKind({ now: clock.now })

  it('P8: a crash between two tries goes on counting, under the same key', async () => {
    const { told, w } = flaky(soon(3), 2)
    const bench = newBench(kind, w)
    // Its timers never come: it is gone in the middle of its wait.
    void bench.hanging().executor().parallel(w, 'i', A('a'))
    await until(() => told.length === 1, 'first try')
    await turns()
    expect((await bench.store.history('i', { limit: 9 })).at(-1)).toMatchObject({
      outcome: 'failed',
      note: { attempt: 1 },
    })
    await clock.jump(60_000)
    const call = bench.process({ clock }).executor().resume(w, 'i')
    await clock.advance(1_000)
    expect((await call).status).toBe('completed')
    expect(told.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    expect(new Set(told.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
  })

  it('P8: no try begins before the failure of the last one is durable', async () => {
    const { told, w } = flaky({ attempts: 3, backoff: { initial: 0 } }, 1)
    const bench = newBench(kind, w)
    const gate = deferred()
    let writes = 0
    const slow = (store: DataStore): DataStore => ({
      ...store,
      write: async (changes) => {
        if (++writes === 3) await gate.promise
        return store.write(changes)
      },
    })
    const call = bench.process({ clock }, slow).executor().sequential(w, 'i', A('a'))
    await clock.advance(1_000)
    expect(writes).toBe(3)
    expect(told).toHaveLength(1)
    gate.resolve()
    await clock.advance(1_000)
    expect((await call).status).toBe('completed')
    expect(told.map(({ attempt }) => attempt)).toEqual([1, 2])
  })

  it('G3: a process that lost the instance while it waited commits nothing', async () => {
    const { told, w } = flaky(soon(4), 2)
    const bench = newBench(kind, w)
    const slow = testClock()
    const lost = bench.process({ clock: slow }).executor().parallel(w, 'i', A('a'))
    const refused = refusal(lost, 'LEASE_LOST')
    await until(() => told.length === 1, 'first try')
    await turns()
    await clock.jump(60_000)
    const call = bench.process({ clock }).executor().resume(w, 'i')
    await clock.advance(1_000)
    expect((await call).status).toBe('completed')
    await slow.advance(1_000)
    await refused
    expect(told.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 2])
    const tries = (await bench.store.history('i', { limit: 99 })).filter((row) => row.builder === 't')
    expect(tries.map(({ outcome, note }) => [outcome, note?.attempt])).toEqual([
      ['failed', 1],
      ['failed', 2],
      ['produced', 3],
    ])
  })
})

describe('in compute', () => {
  it('a near retry is waited for, a far one is none: nobody could wake it', async () => {
    const { lab, told, w } = flaky({ attempts: 3, backoff: { initial: 1, factor: 1000, jitter: 0 } }, 2)
    const error = await failure(new Polaris({ longestWait: 500 }).register(w).executor().compute(w, A('a')))
    await turns()
    expect(lab.look()).toEqual(['b', 'd', 't', 't'])
    expect(told.map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(error.message).toContain('Its next try would be in 1000 ms')
  })
})
