/** Rule 21: what stands in for a builder that has failed for good. */
import { nothing, Polaris, waitFor, workflow } from 'polaris-workflow'
import type { BuildContext } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { auditAfterEach, newBench } from '../protocol/bench.ts'
import { failure, newLab, texts } from '../support/lab.ts'
import type { TextInput } from '../support/lab.ts'
import { eachTimedStore } from '../support/timed.ts'

auditAfterEach()

const [A, B, T] = texts('A', 'B', 'T')

type Fallback = (error: unknown, input: TextInput, context: BuildContext) => unknown

/** `b` always throws; `t` consumes what it makes. */
function broken(fallback: Fallback, options: object = {}) {
  const lab = newLab()
  const does = (_: string, run: number): never => {
    throw new Error(`down ${run}`)
  }
  const b = lab.step('b', [A], B, { does, options: { fallback, ...options } })
  return { lab, w: workflow({ name: 'w', builders: [b, lab.step('t', [B], T)], target: T }) }
}

eachTimedStore((kind, clock) => {
  it('rule 21: its product counts like any other, and the history says where it is from', async () => {
    const asked: unknown[] = []
    const { lab, w } = broken((error, input, { attempt, workflowId }) => {
      asked.push((error as Error).message, input, attempt, workflowId)
      return 'instead'
    })
    const polaris = newBench(kind, w).process({ clock })
    const result = await polaris.executor().sequential(w, 'i', A('a'))
    expect(result.target).toBe('t(instead)')
    expect(result.get(B)).toBe('instead')
    expect(asked).toEqual(['down 1', { A: 'a' }, 1, 'i'])
    const history = await polaris.history('i')
    expect(history.map(({ outcome }) => outcome)).toEqual(['fed', 'produced', 'produced'])
    expect(history[1]).toMatchObject({ builder: 'b', value: 'instead', fallback: true, error: { message: 'down 1' } })
    expect(history[2]).not.toHaveProperty('fallback')
    expect((await polaris.explain('i'))?.builders[0]).toMatchObject({ name: 'b', state: 'done' })
    expect(lab.look()).toEqual(['b', 't'])
  })

  it('rule 21: it stands in only when the attempts are used up, with what the last one threw', async () => {
    const asked: unknown[] = []
    const { lab, w } = broken(
      async (error, _, { attempt }) => {
        asked.push((error as Error).message, attempt)
        return Promise.resolve('instead')
      },
      { retry: { attempts: 3, backoff: { initial: 100, factor: 1, jitter: 0 } } },
    )
    const polaris = newBench(kind, w).process({ clock })
    const call = polaris.executor().parallel(w, 'i', A('a'))
    await clock.advance(200)
    expect((await call).target).toBe('t(instead)')
    expect(asked).toEqual(['down 3', 3])
    expect(lab.look()).toEqual(['b', 'b', 'b', 't'])
    const tries = (await polaris.history('i')).filter((entry) => entry.builder === 'b')
    expect(tries.map(({ outcome, attempt, fallback }) => [outcome, attempt, fallback])).toEqual([
      ['failed', 1, undefined],
      ['failed', 2, undefined],
      ['produced', 3, true],
    ])
  })

  it('rule 21: for one that took too long, too', async () => {
    const lab = newLab()
    const does = (): Promise<never> => new Promise(() => undefined)
    const options = { timeout: '1s', fallback: (error: { code?: string }) => `instead of ${error.code ?? ''}` }
    const t = lab.step('t', [A], T, { does, options })
    const w = workflow({ name: 'w', builders: [t], target: T })
    const call = newBench(kind, w).process({ clock }).executor().parallel(w, 'i', A('a'))
    await clock.advance(1_000)
    expect((await call).target).toBe('instead of BUILDER_TIMEOUT')
  })

  it('rule 21: one that takes too long itself has failed', async () => {
    const { w } = broken(() => new Promise(() => undefined), { timeout: '1s' })
    const call = failure(newBench(kind, w).process({ clock }).executor().parallel(w, 'i', A('a')))
    await clock.advance(1_000)
    expect((await call).message).toContain('Its fallback took longer than')
  })

  it('rule 21: what it throws ends the scope, and both are told', async () => {
    const { w } = broken(() => {
      throw new Error('no stand-in')
    })
    const polaris = newBench(kind, w).process({ clock })
    const error = await failure(polaris.executor().parallel(w, 'i', A('a')))
    expect(error).toMatchObject({ builder: 'b', cause: { message: 'down 1' } })
    expect(error.message).toContain('no stand-in')
    expect(await polaris.get('i')).toMatchObject({ status: 'failed', failure: { message: 'down 1' } })
  })

  it.each([
    ['nothing', () => nothing('nor this'), { state: 'nothing', because: 'nor this' }, ['B']],
    ['waitFor', () => waitFor(A), { state: 'waitFor', awaits: 'A' }, ['A']],
  ])('rule 10: it may give %s', async (_, fallback, explained, waits) => {
    const { w } = broken(fallback)
    const polaris = newBench(kind, w).process({ clock })
    expect(await polaris.executor().parallel(w, 'i', A('a'))).toMatchObject({ status: 'waiting', waitingFor: waits })
    expect((await polaris.explain('i'))?.builders[0]).toMatchObject({ ...explained, error: { message: 'down 1' } })
  })

  it('rule 17: its product is checked', async () => {
    const { w } = broken(() => undefined)
    const error = await failure(newBench(kind, w).process({ clock }).executor().parallel(w, 'i', A('a')))
    expect(error.message).toContain('returned undefined')
  })

  it('rule 7: a once builder whose fallback made its product does not run again', async () => {
    const { lab, w } = broken(() => 'instead', { once: true })
    const run = newBench(kind, w).process({ clock }).executor()
    await run.parallel(w, 'i', A('a1'))
    lab.look()
    await run.parallel(w, 'i', A('a2'))
    expect(lab.look()).toEqual([])
  })
})

describe('in compute', () => {
  it('it stands in too, also for a retry that would be too far', async () => {
    const { lab, w } = broken(() => 'instead', { retry: { attempts: 5, backoff: { initial: '1h' } } })
    expect((await new Polaris().register(w).executor().compute(w, A('a'))).target).toBe('t(instead)')
    expect(lab.look()).toEqual(['b', 't'])
  })
})
