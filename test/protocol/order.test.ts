import { workflow } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { expect, it } from 'vitest'
import { deferred, newLab, texts, turns } from '../support/lab.ts'
import type { Lab } from '../support/lab.ts'
import { eachStore } from '../support/media.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'
import { auditAfterEach, eventually, newBench } from './bench.ts'

expectNoUnhandledRejections()
auditAfterEach()

const [A, X, T] = texts('A', 'X', 'T')

function plain(lab: Lab = newLab()) {
  return workflow({ name: 'w', builders: [lab.step('t', [A], T, { optionals: [X] })], target: T })
}

/** Its first run waits until it is let go. */
function slow() {
  const lab = newLab()
  const gate = deferred()
  const does = (made: string, run: number): unknown => (run === 1 ? gate.promise.then(() => made) : made)
  const w = workflow({ name: 'w', builders: [lab.step('t', [A], T, { does })], target: T })
  return { lab, gate, w }
}

eachStore((kind) => {
  it('rule 25: a call behind a long scope of another process waits its turn, and gets its own result', async () => {
    const { lab, gate, w } = slow()
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    const first = one.executor().sequential(w, 'i', A('a1'))
    await eventually(() => lab.ran.length === 1, 'the first scope')
    const ends: number[] = []
    const second = two.executor().sequential(w, 'i', A('a2'))
    void second.finally(() => ends.push(2))
    await eventually(async () => (await bench.header('i')).mailAppended === 2, 'the mail')
    const third = two.executor().parallel(w, 'i', A('a3'))
    void third.finally(() => ends.push(3))
    await eventually(async () => (await bench.header('i')).mailAppended === 3, 'the mail')
    expect(lab.ran).toEqual(['t'])
    expect(ends).toEqual([])
    gate.resolve()
    expect(await first).toMatchObject({ scope: 1, target: 't(a1)' })
    expect(await second).toMatchObject({ scope: 2, status: 'completed', target: 't(a2)' })
    expect(await third).toMatchObject({ scope: 3, target: 't(a3)' })
    expect((await second).get(T)).toBe('t(a2)')
    expect((await second).latest(A)).toBe('a2')
    expect((await third).produced).toEqual([{ name: 'T', value: 't(a3)' }])
  })

  it('P5: feeders never make the runner fail, however many come while a builder runs', async () => {
    const { lab, gate, w } = slow()
    const bench = newBench(kind, w)
    const [runner, ...feeders] = [bench.process(), bench.process(), bench.process()]
    const first = runner.executor().sequential(w, 'i', A('first'))
    await eventually(() => lab.ran.length === 1, 'the first scope')
    const fence = (await bench.header('i')).fence
    const submitted = await Promise.all(
      Array.from({ length: 40 }, (_, i) => feeders[i % 2]!.executor().submit(w, 'i', A(`${i}`))),
    )
    expect(submitted.map(({ scope }) => scope).toSorted((a, b) => a - b)).toEqual(submitted.map((_, i) => i + 2))
    expect((await bench.header('i')).fence).toBe(fence)
    gate.resolve()
    expect(await first).toMatchObject({ scope: 1, target: 't(first)' })
    // Whoever ends a scope goes on with the mail it sees.
    await eventually(async () => (await bench.header('i')).scope === 41, 'all scopes')
    await eventually(async () => (await bench.header('i')).holder === null, 'rest')
    const fed = (await runner.history('i')).filter(({ outcome }) => outcome === 'fed')
    for (const [i, { scope }] of submitted.entries()) expect(fed[scope - 1]).toMatchObject({ scope, value: `${i}` })
  })

  it('P6: mail that comes while a scope settles is handled', async () => {
    const lab = newLab()
    const w = plain(lab)
    const bench = newBench(kind, w)
    const feeder = bench.process()
    let fed = false
    const polaris = bench.process({}, (store) => ({
      ...store,
      async write(changes) {
        if (!fed && changes.some(({ header }) => header.holder === null)) {
          fed = true
          await feeder.executor().submit(w, 'i', A('late'))
        }
        return store.write(changes)
      },
    }))
    expect((await polaris.executor().sequential(w, 'i', A('a1'))).target).toBe('t(a1,-)')
    await eventually(async () => (await bench.header('i')).mailHandled === 2, 'the scope of the late mail')
    expect((await polaris.get('i'))?.data['T']).toBe('t(late,-)')
  })

  it('P6, G7: mail that comes while a scope settles is found by others when the runner dies right then', async () => {
    const w = plain()
    const bench = newBench(kind, w)
    const feeder = bench.process()
    const never = new Promise<never>(() => undefined)
    let died = false
    const dies = (store: DataStore): DataStore => ({
      ...store,
      async write(changes) {
        if (!changes.some(({ header }) => header.holder === null)) return store.write(changes)
        await feeder.executor().submit(w, 'i', A('late'))
        await store.write(changes)
        died = true
        return never
      },
    })
    void bench.hanging(dies).executor().sequential(w, 'i', A('a1'))
    await eventually(() => died, 'its death')
    const { wakeAt, holder, mailAppended, mailHandled } = await bench.header('i')
    expect({ holder, mailAppended, mailHandled }).toEqual({ holder: null, mailAppended: 2, mailHandled: 1 })
    expect(wakeAt).not.toBeNull()
    bench.process().worker({ pollInterval: 20 }).start()
    await eventually(async () => (await bench.header('i')).mailHandled === 2, 'the scope of the late mail')
    expect((await feeder.get('i'))?.data['T']).toBe('t(late,-)')
  })

  it('P7: a call that would begin at once comes after mail it did not know of', async () => {
    const lab = newLab()
    const w = plain(lab)
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    await one.executor().sequential(w, 'i', A('a1'))
    // Nobody works on it, and what the first process has at hand knows nothing of it.
    expect(await two.executor().submit(w, 'i', X('x2'))).toEqual({ id: 'i', scope: 2 })
    const end = await one.executor().sequential(w, 'i', A('a3'))
    expect(end).toMatchObject({ scope: 3, target: 't(a3,x2)' })
    expect(lab.made).toEqual(['t(a1,-)', 't(a1,x2)', 't(a3,x2)'])
  })

  it('P13: without any worker nobody waits for ever, whoever dies before its turn', async () => {
    const { lab, w } = slow()
    const bench = newBench(kind, w)
    void bench.hanging().executor().sequential(w, 'i', A('a1'))
    await eventually(() => lab.ran.length === 1, 'the first scope')
    // The lease ends by itself, and each of the two waits in the mailbox for that.
    const others = [bench.process(), bench.process()].map((polaris, i) =>
      polaris.executor().sequential(w, 'i', A(`b${i}`)),
    )
    await kind.endLeases()
    const ends = await Promise.all(others)
    expect(ends.map(({ target }) => target)).toEqual(['t(b0)', 't(b1)'])
    expect(ends.map(({ scope }) => scope).toSorted()).toEqual([2, 3])
    expect((await bench.process().history('i', { limit: 2 })).map(({ value }) => value)).toEqual(['a1', 't(a1)'])
  })

  it('rule 25: two processes that create one id at once: a scope each', async () => {
    const w = plain()
    const bench = newBench(kind, w)
    const two = [bench.process(), bench.process()]
    const ids = Array.from({ length: 10 }, (_, i) => `id-${i}`)
    const ends = await Promise.all(
      ids.flatMap((id) => two.map((polaris, i) => polaris.executor().sequential(w, id, A(`${i}`)))),
    )
    for (const [at, id] of ids.entries()) {
      const pair = [ends[2 * at]!, ends[2 * at + 1]!]
      expect(pair.map((end) => end.id)).toEqual([id, id])
      expect(pair.map(({ scope }) => scope).toSorted()).toEqual([1, 2])
      expect(pair.map(({ target }) => target)).toEqual(['t(0,-)', 't(1,-)'])
    }
  })

  it('P4: calls of different ids, sent in one batch, do not hinder each other when one of them loses', async () => {
    const w = plain()
    const bench = newBench(kind, w)
    const [one, two] = [bench.process(), bench.process()]
    const ids = Array.from({ length: 20 }, (_, i) => `id-${i}`)
    await Promise.all(ids.map((id) => one.executor().sequential(w, id, A('a'))))
    await two.executor().sequential(w, 'id-7', A('b'))
    const ends = await Promise.all(ids.map((id) => one.executor().sequential(w, id, A('c'))))
    expect(ends.map(({ scope }) => scope)).toEqual(ids.map((id) => (id === 'id-7' ? 3 : 2)))
    await turns(1)
  })
}, 'servers')
