import { workflow } from 'polaris-workflow'
import type { Polaris } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { auditAfterEach, eventually, newBench } from '../protocol/bench.ts'
import { dataOf, deferred, expectUnknown, newLab, refusal, texts, thrown, turns } from '../support/lab.ts'
import { eachStore } from '../support/media.ts'
import { eachTimedStore } from '../support/timed.ts'

function world(retention?: Parameters<typeof workflow>[0]['retention'], wait?: Promise<void>) {
  const [A, B, T] = texts('A', 'B', 'T')
  const lab = newLab()
  const builders = [
    lab.step('b', [A], B, { does: (made) => (wait === undefined ? made : wait.then(() => made)) }),
    lab.step('t', [B], T, { once: true }),
  ]
  return { A, lab, w: workflow({ name: 'w', builders, target: T, ...(retention && { retention }) }) }
}

describe('instances are removed', () => {
  auditAfterEach()

  eachStore((kind) => {
    it('delete removes all of an instance, and its id begins anew without a trace', async () => {
      const { A, lab, w } = world()
      const bench = newBench(kind, w)
      const polaris = bench.process()
      const run = polaris.executor()
      await run.with({ requestId: 'r1' }).parallel(w, 'i', A('a1'))
      await run.with({ requestId: 'r2', meta: { who: 'ada' } }).parallel(w, 'i', A('a2'))
      const other = bench.process()
      await other.delete('i')
      for (const each of [polaris, other]) {
        await expectUnknown(each, 'i')
        expect(await each.explain('i')).toBeUndefined()
        expect((await each.list()).items).toEqual([])
        await refusal(each.delete('i'), 'INSTANCE_NOT_FOUND')
        await refusal(each.cancel('i'), 'INSTANCE_NOT_FOUND')
        await refusal(each.fork('i', 'j'), 'INSTANCE_NOT_FOUND')
        await refusal(each.executor().resume(w, 'i'), 'INSTANCE_NOT_FOUND')
        await refusal(each.executor().restart(w, 'i'), 'INSTANCE_NOT_FOUND')
        await refusal(each.executor().with({ expect: 'existing' }).submit(w, 'i', A('a3')), 'INSTANCE_NOT_FOUND')
      }
      expect(await bench.store.mail('i', { limit: 10 })).toEqual([])
      lab.look()
      // The process that had it at hand begins anew as well.
      const anew = await run.parallel(w, 'i', A('a4'))
      expect(anew).toMatchObject({ scope: 1, status: 'completed' })
      expect(lab.look()).toEqual(['b', 't'])
      expect((await polaris.history('i')).map(({ seq, data }) => [seq, data])).toEqual([
        [1, 'A'],
        [2, 'B'],
        [3, 'T'],
      ])
    })

    it('a late duplicate of a handled request does not begin a removed instance anew; on purpose it can be', async () => {
      const { A, lab, w } = world()
      const bench = newBench(kind, w)
      const run = bench.process().executor()
      const request = run.with({ requestId: 'r1' })
      await request.parallel(w, 'i', A('a1'))
      await bench.process().delete('i')
      lab.look()
      for (const late of [request, bench.process().executor().with({ requestId: 'r1' })]) {
        await refusal(late.parallel(w, 'i', A('a1')), 'INSTANCE_DELETED')
        await refusal(late.submit(w, 'i', A('a1')), 'INSTANCE_DELETED')
      }
      expect(lab.look()).toEqual([])
      await expectUnknown(bench.process(), 'i')
      // Nor does one that had begun it with `expect: 'new'`, wherever it comes from.
      for (const late of [request, bench.process().executor().with({ requestId: 'r1' })]) {
        await refusal(late.with({ expect: 'new' }).parallel(w, 'i', A('a1')), 'INSTANCE_DELETED')
        await refusal(late.with({ expect: 'new' }).submit(w, 'i', A('a1')), 'INSTANCE_DELETED')
      }
      expect(lab.look()).toEqual([])
      await run.with({ expect: 'new', requestId: 'r2' }).parallel(w, 'i', A('a1'))
      expect(lab.look()).toEqual(['b', 't'])
      await bench.process().delete('i')
      const submitted = await run.submit(w, 'i', A('a5'))
      expect(submitted.scope).toBe(1)
      await run.resume(w, 'i')
      expect(await dataOf(bench.process(), 'i')).toMatchObject({ A: 'a5' })
    })

    it('without tombstones the id is free at once, for late duplicates as well', async () => {
      const { A, w } = world()
      const bench = newBench(kind, w)
      const polaris = bench.process({ tombstones: 0 })
      const request = polaris.executor().with({ requestId: 'r1' })
      await request.parallel(w, 'i', A('a1'))
      await polaris.delete('i')
      expect(await bench.store.read('i')).toBeUndefined()
      expect((await request.parallel(w, 'i', A('a1'))).scope).toBe(1)
    })

    it('delete of one that is worked on cancels it first', async () => {
      const gate = deferred()
      const { A, lab, w } = world(undefined, gate.promise)
      const bench = newBench(kind, w)
      const polaris = bench.process()
      const call = refusal(polaris.executor().parallel(w, 'i', A('a1')), 'CANCELLED')
      await eventually(() => lab.ran.length === 1, 'the run')
      const deleting = polaris.delete('i')
      await eventually(async () => (await bench.header('i')).cancelling > 0, 'the wish')
      gate.resolve()
      await deleting
      await call
      await expectUnknown(bench.process(), 'i')
    })

    it('an id begins anew in one step: a crash leaves the tombstone or the new instance, and no gap for late duplicates', async () => {
      const { A, w } = world()
      const ways: ((polaris: Polaris) => Promise<unknown>)[] = [
        (polaris) => polaris.executor().with({ expect: 'new', requestId: 'mine' }).parallel(w, 'i', A('new')),
        (polaris) => polaris.executor().submit(w, 'i', A('new')),
        (polaris) => polaris.fork('j', 'i'),
      ]
      for (const anew of ways) {
        for (const [fatal, how] of [
          [1, 'unsent'],
          [1, 'answer lost'],
          [2, 'unsent'],
          [2, 'answer lost'],
        ] as const) {
          const bench = newBench(kind, w)
          const late = bench.process().executor().with({ requestId: 'late' })
          await late.parallel(w, 'j', A('a1'))
          await late.parallel(w, 'i', A('a1'))
          await bench.process().delete('i')
          const dying = bench.dying(fatal, how)
          await Promise.race([anew(dying.polaris), dying.death])
          await kind.endLeases()
          const { status } = await bench.header('i')
          if (status === 'deleted') await refusal(late.parallel(w, 'i', A('a1')), 'INSTANCE_DELETED')
          else expect(await bench.header('i')).toMatchObject({ workflow: 'w', version: 1 })
        }
      }
    })

    it('one of several that delete at once succeeds', async () => {
      const { A, w } = world()
      const bench = newBench(kind, w)
      await bench.process().executor().parallel(w, 'i', A('a1'))
      const all = await Promise.allSettled([1, 2, 3].map(() => bench.process().delete('i')))
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const each of all)
        if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'INSTANCE_NOT_FOUND' })
    })
  }, 'servers')
})

describe('retention', () => {
  eachTimedStore((kind, clock) => {
    auditAfterEach()
    const DAY = 86_400_000

    it('instances that are through are removed by a worker when their time is over, each by its status', async () => {
      const { A, w } = world({ completed: '2d', cancelled: '1d' })
      const bench = newBench(kind, w)
      const polaris = bench.process({ clock })
      const run = polaris.executor()
      polaris.worker({ pollInterval: 900_000 }).start()
      for (const id of ['done', 'over', 'again']) await run.parallel(w, id, A('a1'))
      await polaris.cancel('over')
      await run.parallel(w, 'again', A('a2'))
      const ids = async (): Promise<string[]> => (await polaris.list()).items.map(({ id }) => id).toSorted()
      await clock.advance(DAY - 3_600_000)
      expect(await ids()).toHaveLength(3)
      await clock.advance(2 * 3_600_000)
      expect(await ids()).toEqual(['again', 'done'])
      // New data give it the whole time again.
      await run.parallel(w, 'again', A('a3'))
      await clock.advance(DAY)
      expect(await ids()).toEqual(['again'])
      // What is left of those that were removed goes after a day.
      expect((await bench.store.read('done'))?.header.status).toBe('deleted')
      await clock.advance(DAY + 3_600_000)
      expect(await bench.store.read('done')).toBeUndefined()
      expect(await bench.store.read('over')).toBeUndefined()
      await clock.advance(DAY)
      expect(await ids()).toEqual([])
      await polaris.close()
    })

    it('one that waits or fails is kept where nothing else was said', async () => {
      const { A, w } = world({ completed: 0, cancelled: '1d' })
      const bench = newBench(kind, w)
      const polaris = bench.process({ clock })
      polaris.worker({ pollInterval: 900_000 }).start()
      await polaris.executor().parallel(w, 'done', A('a1'))
      await polaris.executor().parallel(w, 'open')
      await clock.advance(10 * DAY)
      await turns()
      expect((await polaris.list()).items.map(({ id }) => id)).toEqual(['open'])
      await polaris.close()
    })
  })

  it('what is no retention is refused at definition, with all that is wrong', () => {
    const message = thrown(
      () => world({ completed: 'soon', complete: '1d', failed: -1 } as never),
      'GRAPH_INVALID',
    ).message
    expect(message).toContain('retention.completed')
    expect(message).toContain('retention.failed')
    expect(message).toContain("did you mean 'completed'")
  })
})
