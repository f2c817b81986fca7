import { builder, Polaris, workflow } from 'polaris-workflow'
import type { DataStore, InstanceChange } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { stoppedClock } from '../http/stopped-clock.ts'
import { deferred, newLab, over, refusal, texts, thrown, turns } from '../support/lab.ts'
import { eachStore, memory } from '../support/media.ts'

function world() {
  const [A, B, C] = texts('A', 'B', 'C')
  const lab = newLab()
  const w = workflow({ name: 'w', builders: [lab.step('b', [A], B), lab.step('c', [B], C)], target: C })
  return { A, B, C, w }
}

const said = ({ summary, entries }: InstanceChange) => [
  summary.status,
  entries.map(({ data, builder, inputs }) =>
    [builder ?? 'fed', data, inputs.map((input) => input.data).join()].join(' '),
  ),
]

async function take(changes: AsyncGenerator<InstanceChange, void>, holds: (change: InstanceChange) => boolean) {
  const found: InstanceChange[] = []
  for (;;) {
    const next = await changes.next()
    if (next.done === true) throw new Error('it ended')
    found.push(next.value)
    if (holds(next.value)) return found
  }
}

const ends = async (changes: AsyncGenerator<InstanceChange, void>) => (await changes.next()).done
const completed = ({ summary }: InstanceChange): boolean => summary.status === 'completed'

describe('watch', () => {
  eachStore((kind) => {
    it('begins with how it stands, and goes on with what happens, here and in other processes', async () => {
      const { A, w } = world()
      const medium = kind.medium()
      const here = over(medium.open(), w)
      const there = over(medium.join(), w)
      await here.executor().sequential(w, 'i', A('a1'))
      const changes = here.watch('i')
      expect(said((await changes.next()).value as InstanceChange)).toEqual(['completed', []])

      for (const [value, process] of [
        ['a2', here],
        ['a3', there],
      ] as const) {
        const before = await here.summary('i')
        await process.executor().sequential(w, 'i', A(value))
        const found = await take(
          changes,
          (change) => completed(change) && change.summary.scopes > (before?.scopes ?? 0),
        )
        expect(found.flatMap(({ entries }) => entries.map(({ data, builder }) => [builder ?? 'fed', data]))).toEqual([
          ['fed', 'A'],
          ['b', 'B'],
          ['c', 'C'],
        ])
        expect(found.at(-1)?.summary).toEqual(await here.summary('i'))
      }
      await here.close()
      await there.close()
    })

    it('gives what came meanwhile as one change, from any entry on, with the names of all inputs', async () => {
      const { A, w } = world()
      const polaris = over(kind.medium().open(), w)
      for (const value of ['a1', 'a2']) await polaris.executor().sequential(w, 'i', A(value))
      const all = polaris.watch('i', { after: 0 })
      const entries = ['fed A ', 'b B A', 'c C B']
      expect(said((await all.next()).value as InstanceChange)).toEqual(['completed', [...entries, ...entries]])
      const later = polaris.watch('i', { after: 4 })
      expect(said((await later.next()).value as InstanceChange)).toEqual(['completed', ['b B A', 'c C B']])
      const last = polaris.watch('i', { after: 5 })
      expect(said((await last.next()).value as InstanceChange)).toEqual(['completed', ['c C B']])

      for (const value of ['a3', 'a4']) await polaris.executor().sequential(w, 'i', A(value))
      expect(said((await all.next()).value as InstanceChange)).toEqual(['completed', [...entries, ...entries]])
      await polaris.close()
      expect([await ends(all), await ends(later), await ends(last)]).toEqual([true, true, true])
    })

    it('ends with the instance, and begins anew with another one of its id', async () => {
      const { A, w } = world()
      const polaris = over(kind.medium().open(), w)
      await polaris.executor().sequential(w, 'i', A('a1'))
      const changes = polaris.watch('i')
      await changes.next()
      await polaris.delete('i')
      expect(await ends(changes)).toBe(true)
      const later = polaris.watch('i')
      const found = take(later, completed)
      await polaris.executor().sequential(w, 'i', A('a2'))
      expect((await found).flatMap((change) => said(change)[1])).toEqual(['fed A ', 'b B A', 'c C B'])
      await polaris.close()
    })

    it('waits for an instance that is not there yet', async () => {
      const { A, w } = world()
      const polaris = over(kind.medium().open(), w)
      expect(await polaris.summary('i')).toBeUndefined()
      const changes = polaris.watch('i')
      const found = take(changes, completed)
      await polaris.executor().sequential(w, 'i', A('a'))
      const entries = (await found).flatMap((change) => said(change)[1])
      expect(entries).toEqual(['fed A ', 'b B A', 'c C B'])
      await polaris.close()
    })
  })

  it('shows a scope while it is under way', async () => {
    const { A, B, C } = world()
    const [going, goOn] = [deferred(), deferred()]
    const b = builder({ name: 'b', consumes: { a: A }, produces: B, process: () => 'b' })
    const c = builder({
      name: 'c',
      consumes: { b: B },
      produces: C,
      async process() {
        going.resolve()
        await goOn.promise
        return 'c'
      },
    })
    const w = workflow({ name: 'w', builders: [b, c], target: C })
    const medium = memory.medium()
    const polaris = over({ ...medium.open(), capabilities: { durable: true, values: 'live', lists: true } }, w)
    const running = polaris.executor().sequential(w, 'i', A('a'))
    await going.promise
    const [change] = await take(polaris.watch('i', { after: 0 }), ({ summary }) => summary.status === 'running')
    expect(change && said(change)).toEqual(['running', ['fed A ', 'b B A']])
    goOn.resolve()
    await running
    await polaris.close()
  })

  it('ends with its signal, with the one who asks, and with Polaris, and leaves nothing behind', async () => {
    const { A, w } = world()
    const polaris = over(memory.medium().open(), w)
    await polaris.executor().sequential(w, 'i', A('a'))
    const stop = new AbortController()
    const [one, two, three] = [polaris.watch('i', { signal: stop.signal }), polaris.watch('i'), polaris.watch('i')]
    for (const each of [one, two, three]) await each.next()
    const waiting = one.next()
    stop.abort()
    expect((await waiting).done).toBe(true)
    await two.return()
    expect(await ends(two)).toBe(true)
    const last = three.next()
    await polaris.close()
    expect((await last).done).toBe(true)
    expect(await ends(polaris.watch.call(over(memory.medium().open(), w), 'i', { signal: AbortSignal.abort() }))).toBe(
      true,
    )
  })

  it('asks again after news, also where a read of before is still under way', async () => {
    const { A, w } = world()
    const store = memory.medium().open()
    const [slow, goOn] = [deferred(), deferred()]
    let holds = false
    const read = async (id: string) => {
      const snapshot = await store.read(id)
      if (!holds) return snapshot
      holds = false
      slow.resolve()
      await goOn.promise
      return snapshot
    }
    const polaris = over({ ...store, read }, w)
    await polaris.executor().sequential(w, 'i', A('a1'))
    holds = true
    const one = polaris.watch('i').next()
    await slow.promise
    await polaris.executor().sequential(w, 'i', A('a2'))
    const { value } = await polaris.watch('i').next()
    expect(value?.summary.scopes).toBe(2)
    goOn.resolve()
    expect((await one).value?.summary.scopes).toBe(1)
    await polaris.close()
  })

  it('at an interval, gives what comes meanwhile as one change; all who look on share one read and the change', async () => {
    const { A, w } = world()
    const { clock, pass } = stoppedClock()
    const store = memory.medium().open()
    const asked = { reads: 0, histories: 0 }
    const counting: DataStore = {
      ...store,
      read(id) {
        asked.reads++
        return store.read(id)
      },
      history(id, query) {
        asked.histories++
        return store.history(id, query)
      },
    }
    const polaris = new Polaris({ store: counting, clock }).register(w)
    await polaris.executor().sequential(w, 'i', A('a0'))
    const viewers = Array.from({ length: 20 }, () => polaris.watch('i', { interval: 1_000 }))
    const all = async () => Promise.all(viewers.map(async (viewer) => (await viewer.next()).value as InstanceChange))
    asked.reads = 0
    expect(new Set(await all()).size).toBe(1)
    expect(asked).toEqual({ reads: 1, histories: 0 })

    const next = all()
    for (const value of ['a1', 'a2', 'a3']) await polaris.executor().sequential(w, 'i', A(value))
    asked.reads = 0
    pass(1_000)
    const changes = new Set(await next)
    expect(changes.size).toBe(1)
    const [change] = changes
    expect(change?.entries.map(({ data }) => data)).toEqual(['A', 'B', 'C', 'A', 'B', 'C', 'A', 'B', 'C'])
    expect(asked).toEqual({ reads: 1, histories: 1 })
    // Whoever rests hears that it is over.
    const last = viewers.map((viewer) => ends(viewer))
    await turns()
    await polaris.close()
    expect(new Set(await Promise.all(last))).toEqual(new Set([true]))
  })

  it('at an interval, is told at once of what comes after a quiet time, when the scope had time to end', async () => {
    const { A, w } = world()
    const { clock, pass } = stoppedClock()
    const polaris = new Polaris({ store: memory.medium().open(), clock }).register(w)
    await polaris.executor().sequential(w, 'i', A('a0'))
    const changes = polaris.watch('i', { interval: () => 1_000 })
    await changes.next()
    const next = changes.next()
    await turns()
    pass(1_000)
    await turns()
    await polaris.executor().sequential(w, 'i', A('a1'))
    await turns()
    pass(30)
    expect(said((await next).value as InstanceChange)).toEqual(['completed', ['fed A ', 'b B A', 'c C B']])
    await polaris.close()
  })

  it('refuses what cannot be watched', async () => {
    const { w } = world()
    const polaris = over(memory.medium().open(), w)
    thrown(() => polaris.watch(' '), 'ID_INVALID')
    thrown(() => polaris.watch('i', { after: -1 }), 'OPTION_INVALID')
    thrown(() => polaris.watch('i', { interval: -1 }), 'OPTION_INVALID')
    thrown(() => polaris.watch('i', { interval: '1s' as never }), 'OPTION_INVALID')
    thrown(() => polaris.watch('i', { signal: {} as never }), 'OPTION_INVALID')
    thrown(() => polaris.watch('i', { from: 1 } as never), 'OPTION_INVALID')
    thrown(() => new Polaris().watch('i'), 'STORE_INVALID')
    await polaris.close()
    thrown(() => polaris.watch('i'), 'CLOSED')
    await refusal(polaris.summary('i'), 'CLOSED')
  })
})
