/** Rule 21: a builder that takes longer than it may has failed, and what it gives later is nobody's. */
import { Polaris, workflow } from 'polaris-workflow'
import type { BuildContext } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { auditAfterEach, newBench } from '../protocol/bench.ts'
import { dataOf, deferred, failure, newLab, texts, turns } from '../support/lab.ts'
import type { Deferred, Part, Step, Text } from '../support/lab.ts'
import { eachTimedStore, testClock } from '../support/timed.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'

expectNoUnhandledRejections()
auditAfterEach()

const [A, B, T] = texts('A', 'B', 'T')

function lab() {
  const lab = newLab()
  return {
    ...lab,
    /** `t`, with options of its own. */
    t: (does: Part['does'], options: object, consumes: readonly Text[] = [A]): Step =>
      lab.step('t', consumes, T, { options, ...(does !== undefined && { does }) }),
  }
}

const w = (...builders: Step[]) => workflow({ name: 'w', builders, target: T })

eachTimedStore((kind, clock) => {
  it('rule 21: the signal aborts, the scope ends, what comes later is not kept', async () => {
    const { t, step } = lab()
    const gate = deferred<string>()
    let told: AbortSignal | undefined
    const slow = t(
      (_, run, __, { signal }) => {
        told = signal
        return run === 1 ? gate.promise : 'second'
      },
      { timeout: '2s' },
      [B],
    )
    const flow = w(step('b', [A], B), slow)
    const polaris = newBench(kind, flow).process({ clock })
    const call = failure(polaris.executor().parallel(flow, 'i', A('a')), 'BUILDER_TIMEOUT')
    await clock.advance(1_999)
    expect(told?.aborted).toBe(false)
    await clock.advance(1)
    const error = await call
    expect(error).toMatchObject({ builder: 't', cause: { code: 'BUILDER_TIMEOUT' } })
    expect(error.message).toContain('2000 ms')
    expect(error.result.get(B)).toBe('b(a)')
    expect(told).toMatchObject({ aborted: true, reason: error.cause })
    gate.resolve('late')
    await turns()
    expect(await dataOf(polaris, 'i')).toEqual({ A: 'a', B: 'b(a)' })
    expect((await polaris.history('i')).map(({ outcome }) => outcome)).toEqual(['fed', 'produced', 'failed'])
    expect((await polaris.executor().resume(flow, 'i')).target).toBe('second')
  })

  it('rule 21: a thenable that never settles does not hold the instance', async () => {
    const { t } = lab()
    const flow = w(t((_, run) => (run === 1 ? { then: () => undefined } : 'second'), { timeout: 500 }))
    const polaris = newBench(kind, flow).process({ clock })
    const call = failure(polaris.executor().parallel(flow, 'i', A('a')), 'BUILDER_TIMEOUT')
    await clock.advance(500)
    await call
    expect((await polaris.executor().resume(flow, 'i')).target).toBe('second')
  })

  it('rule 21: it is tried again like a throw, and an earlier try cannot answer for a later one', async () => {
    const { t } = lab()
    const gates: Deferred<string>[] = []
    const does = (): Promise<string> => {
      gates.push(deferred<string>())
      return (gates.at(-1) as Deferred<string>).promise
    }
    const flow = w(t(does, { timeout: '1s', retry: { attempts: 3, backoff: { initial: 100, factor: 1, jitter: 0 } } }))
    const polaris = newBench(kind, flow).process({ clock })
    const call = polaris.executor().parallel(flow, 'i', A('a'))
    await clock.advance(1_100)
    expect(gates).toHaveLength(2)
    gates[0]?.resolve('first')
    await clock.advance(500)
    gates[1]?.resolve('second')
    expect((await call).target).toBe('second')
    const error = { code: 'BUILDER_TIMEOUT' }
    expect((await polaris.history('i')).slice(1)).toMatchObject([
      { outcome: 'failed', attempt: 1, error },
      { attempt: 2 },
    ])
  })

  it('rule 21: the rejection of one that came too late is nobody’s either', async () => {
    const { t } = lab()
    const gate = deferred<string>()
    const flow = w(t(() => gate.promise, { timeout: '1s' }))
    const call = failure(
      newBench(kind, flow).process({ clock }).executor().parallel(flow, 'i', A('a')),
      'BUILDER_TIMEOUT',
    )
    await clock.advance(1_000)
    await call
    gate.reject(new Error('late'))
    await turns()
  })

  it('rule 21: one that blocks the process for longer has failed all the same', async () => {
    const { t } = lab()
    let blocks = 3_000
    let blocked = 0
    const now = (): number => clock.now() + blocked
    const does: Part['does'] = (made) => {
      blocked += blocks
      return made
    }
    const flow = w(t(does, { timeout: '2s' }))
    const run = newBench(kind, flow)
      .process({ clock: { ...clock, now, monotonic: now } })
      .executor()
    await failure(run.parallel(flow, 'i', A('a')), 'BUILDER_TIMEOUT')
    blocks = 2_000
    expect((await run.resume(flow, 'i')).target).toBe('t(a)')
  })

  it('the signal of one with a timeout aborts with the scope, and leaves nothing behind on it', async () => {
    const { t } = lab()
    const signals: AbortSignal[] = []
    const gate = deferred<string>()
    const does = (_: string, run: number, __: object, { signal }: BuildContext): unknown => {
      signals.push(signal)
      return run === 1 ? gate.promise : 'second'
    }
    const flow = w(t(does, { timeout: '1h' }))
    const run = newBench(kind, flow).process({ clock }).executor()
    const controller = new AbortController()
    const call = run.with({ signal: controller.signal }).parallel(flow, 'i', A('a'))
    await clock.advance(10)
    controller.abort(new Error('enough'))
    expect(signals[0]).toMatchObject({ aborted: true, reason: { message: 'enough' } })
    gate.resolve('kept')
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' })
    expect((await run.parallel(flow, 'i', A('b'))).target).toBe('second')
    expect(signals[1]?.aborted).toBe(false)
  })

  it('a timeout that is not reached leaves no timer behind', async () => {
    const { t } = lab()
    const timers = new Set<() => void>()
    const counting = {
      ...clock,
      after: (ms: number, callback: () => void) => {
        if (ms !== 7_777) return clock.after(ms, callback, false)
        timers.add(callback)
        return () => void timers.delete(callback)
      },
    }
    const flow = w(t((made) => Promise.resolve(made), { timeout: 7_777 }))
    const run = newBench(kind, flow).process({ clock: counting }).executor()
    expect((await run.parallel(flow, 'i', A('a'))).target).toBe('t(a)')
    expect(timers.size).toBe(0)
  })
})

describe('in compute', () => {
  it('a timeout ends it', async () => {
    const { t } = lab()
    const clock = testClock()
    const flow = w(t(() => new Promise(() => undefined), { timeout: '30s' }))
    const polaris = new Polaris({ clock }).register(flow as never)
    const call = failure(polaris.executor().compute(flow, A('a')), 'BUILDER_TIMEOUT')
    await clock.advance(30_000)
    expect((await call).builder).toBe('t')
  })
})
