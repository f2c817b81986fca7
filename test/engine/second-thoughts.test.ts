/** What went wrong once with restart, cancel, fork and delete, at its smallest. */
import { Polaris, PolarisError, workflow } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { auditAfterEach, newBench } from '../protocol/bench.ts'
import { deferred, newLab, refusal, texts, turns } from '../support/lab.ts'
import { eachStore, memoryKind } from '../support/media.ts'
import { testClock } from '../support/timed.ts'

const [A, B, Other] = texts('A', 'B', 'Other')

function world(wait?: Promise<void>) {
  const lab = newLab()
  const b = lab.step('b', [A], B, { does: (made) => (wait === undefined ? made : wait.then(() => made)) })
  return { lab, w: workflow({ name: 'w', builders: [b], target: B }) }
}

describe('second thoughts', () => {
  auditAfterEach()

  eachStore((kind) => {
    it('a call that is refused leaves the tombstone where it was', async () => {
      const { w } = world()
      const bench = newBench(kind, w)
      const other = bench.process()
      for (const id of ['i', 'j']) await other.executor().with({ requestId: 'r' }).parallel(w, id, A('a1'))
      await other.delete('i')
      const run = bench.process().executor()
      // From now on it reads an id before it begins.
      await run.resume(w, 'j')
      await refusal(run.parallel('w', 'i', Other('o')), 'DATA_UNKNOWN')
      await refusal(run.with({ expect: 'new' }).parallel('w', 'i', Other('o')), 'DATA_UNKNOWN')
      await refusal(run.with({ requestId: 'r' }).parallel(w, 'i', A('a1')), 'INSTANCE_DELETED')
    })

    it('the id of an instance that was removed may be forked to, since that is on purpose', async () => {
      const { w } = world()
      const polaris = newBench(kind, w).process()
      const run = polaris.executor()
      for (const id of ['i', 'j']) await run.parallel(w, id, A('a1'))
      await polaris.delete('j')
      expect((await polaris.fork('i', 'j')).status).toBe('completed')
      await refusal(polaris.fork('i', 'j'), 'INSTANCE_EXISTS')
    })

    it('P2: a removal whose answer was lost is a removal', async () => {
      for (const tombstones of ['1d', 0] as const) {
        const { w } = world()
        const bench = newBench(kind, w)
        let lost = 0
        const unlucky = (store: DataStore): DataStore => ({
          ...store,
          async remove(removals) {
            const written = await store.remove(removals)
            if (lost++ > 0) return written
            throw new PolarisError('STORE_UNAVAILABLE', 'The answer is lost.')
          },
        })
        const polaris = bench.process({ tombstones }, unlucky)
        await polaris.executor().parallel(w, 'i', A('a1'))
        await polaris.delete('i')
        expect(lost).toBe(2)
        expect(await polaris.get('i')).toBeUndefined()
      }
    })

    it('P2: a fork whose answer was lost is a fork, whatever others have made of it since', async () => {
      const { w } = world()
      const bench = newBench(kind, w)
      const other = bench.process()
      await other.executor().parallel(w, 'i', A('a1'))
      let lost = 0
      const unlucky = (store: DataStore): DataStore => ({
        ...store,
        async write(changes) {
          const written = await store.write(changes)
          if (lost++ > 0) return written
          await other.executor().parallel(w, 'j', A('a2'))
          throw new PolarisError('STORE_UNAVAILABLE', 'The answer is lost.')
        },
      })
      expect((await bench.process({}, unlucky).fork('i', 'j')).data).toMatchObject({ A: 'a2' })
      expect(lost).toBe(2)
    })

    it('what is left of an instance that was removed has nothing to run in the shadow', async () => {
      const { w } = world()
      const polaris = newBench(kind, w).process()
      await polaris.executor().parallel(w, 'i', A('a1'))
      await polaris.delete('i')
      expect(await polaris.shadow('i', w)).toEqual([])
    })

    it('who waits for an answer that is removed before it is read learns that it is gone', async () => {
      const { w } = world()
      const bench = newBench(kind, w)
      const request = bench.process().executor().with({ requestId: 'r' })
      await request.parallel(w, 'i', A('a1'))
      const other = bench.process()
      let removed = false
      const late = (store: DataStore): DataStore => ({
        ...store,
        async mail(id, query) {
          const found = await store.mail(id, query)
          if (found.length > 0 && !removed) {
            removed = true
            await other.delete('i')
          }
          return found
        },
      })
      const slow = bench.process({}, late).executor().with({ requestId: 'r' })
      await refusal(slow.parallel(w, 'i', A('a1')), 'INSTANCE_NOT_FOUND')
    })

    it('what is told of a scope is never taken from a later instance of the same id', async () => {
      for (const anew of [false, true]) {
        const { w } = world()
        const bench = newBench(kind, w)
        const other = bench.process({ tombstones: 0 })
        const feed = other.executor()
        await feed.with({ requestId: 'r' }).parallel(w, 'i', A('a1'))
        await feed.parallel(w, 'i', A('a2'))
        let removed = false
        const late = (store: DataStore): DataStore => ({
          ...store,
          async history(id, query) {
            if (removed) return store.history(id, query)
            removed = true
            await other.delete('i')
            if (anew) await feed.parallel(w, 'i', A('a3'))
            return store.history(id, query)
          },
        })
        const slow = bench.process({}, late).executor().with({ requestId: 'r' })
        await refusal(slow.parallel(w, 'i', A('a1')), 'INSTANCE_NOT_FOUND')
        expect(removed).toBe(true)
      }
    })
  }, 'text')

  it('a call that took a lease over looks at the instance again: meanwhile it may be cancelled, or its request handled', async () => {
    for (const meanwhile of ['cancelled', 'handled'] as const) {
      const { w } = world()
      const clock = testClock()
      const bench = newBench(memoryKind({ strict: true, now: clock.now }), w)
      const victim = bench.dying(2, 'unsent')
      void victim.polaris.executor().parallel(w, 'i', A('a1'))
      await victim.death
      const other = bench.process({ clock, lease: 1_000 })
      const request = { requestId: 'r' }
      const paused = (store: DataStore): DataStore => ({
        ...store,
        async claim(query) {
          const claimed = await store.claim(query)
          if (claimed.length === 0 || !(query.ids?.includes('i') ?? false)) return claimed
          await clock.jump(2_000)
          if (meanwhile === 'cancelled') await other.cancel('i')
          else await other.executor().with(request).parallel(w, 'i', A('a2'))
          return claimed
        },
      })
      await clock.jump(60_000)
      const late = bench.process({ clock, lease: 1_000 }, paused).executor().with(request)
      const answer = late.parallel(w, 'i', A('a2'))
      if (meanwhile === 'cancelled') await refusal(answer, 'CANCELLED')
      else expect((await answer).scope).toBe(2)
      expect((await bench.header('i')).scope).toBe(2)
    }
  })

  it('closing waits until who cancels or forks is told', async () => {
    const { w } = world()
    const bench = newBench(memoryKind({ strict: true }), w)
    await bench.process().executor().parallel(w, 'i', A('a1'))
    for (const act of ['fork', 'cancel'] as const) {
      let closing: Promise<void> | undefined
      const told: string[] = []
      let done = false
      const slow = (store: DataStore): DataStore => ({
        ...store,
        async write(changes) {
          const written = await store.write(changes)
          done = true
          return written
        },
        async read(id) {
          if (done) close()
          await turns()
          return store.read(id)
        },
      })
      const polaris = bench.process({}, slow)
      const close = (): void => void (closing ??= polaris.close().then(() => void told.push('closed')))
      const doing = act === 'fork' ? polaris.fork('i', 'copy') : polaris.cancel('i')
      await doing.then(({ status }) => told.push(status))
      await closing
      expect(told).toEqual([act === 'fork' ? 'completed' : 'cancelled', 'closed'])
    }
  })

  it('P10: cancel is not kept waiting by a builder whose caller has given up', async () => {
    const gate = deferred()
    const { w } = world(gate.promise)
    const clock = testClock()
    const bench = newBench(memoryKind({ strict: true, now: clock.now }), w)
    const polaris = bench.process({ clock, lease: 1_000 })
    const controller = new AbortController()
    const call = refusal(polaris.executor().with({ signal: controller.signal }).parallel(w, 'i', A('a1')), 'ABORTED')
    await clock.advance(1)
    controller.abort(new Error('enough'))
    await clock.advance(1)
    let cancelled: string | undefined
    const cancelling = polaris.cancel('i').then(({ status }) => (cancelled = status))
    await clock.advance(1_500)
    expect(cancelled).toBe('cancelled')
    await Promise.all([call, cancelling])
    gate.resolve()
  })

  it('who gives up while a restart reads the instance has given up', async () => {
    const { lab, w } = world()
    const store = memoryKind({ strict: true }).medium().join()
    const controller = new AbortController()
    let reads = 0
    const aborting: DataStore = {
      ...store,
      async read(id) {
        if (++reads === 2) controller.abort(new Error('enough'))
        return store.read(id)
      },
    }
    await new Polaris({ store }).register(w).executor().parallel(w, 'i', A('a1'))
    lab.look()
    const run = new Polaris({ store: aborting }).register(w).executor()
    await refusal(run.with({ signal: controller.signal }).restart(w, 'i'), 'ABORTED')
    expect(reads).toBe(2)
    expect(lab.look()).toEqual([])
  })

  it('an instance that is removed right after it was cancelled is not found, rather than undefined', async () => {
    const { w } = world()
    const bench = newBench(memoryKind({ strict: true }), w)
    const other = bench.process()
    const removing = (store: DataStore): DataStore => ({
      ...store,
      async read(id) {
        const snapshot = await store.read(id)
        if (snapshot?.header.status !== 'cancelled') return snapshot
        await other.delete(id)
        return store.read(id)
      },
    })
    const polaris = bench.process({}, removing)
    await other.executor().parallel(w, 'i', A('a1'))
    await refusal(polaris.cancel('i'), 'INSTANCE_NOT_FOUND')
  })

  it('who waits for an instance that is removed is not given the answer of one that came after it', async () => {
    const { w } = world()
    const bench = newBench(memoryKind({ strict: true }), w)
    const other = bench.process()
    const gate = deferred()
    const slow = (store: DataStore): DataStore => ({
      ...store,
      mail: (id, query) => gate.promise.then(() => store.mail(id, query)),
      claim: () => [],
    })
    await other.executor().with({ requestId: 'r' }).submit(w, 'i', A('a1'))
    const waiting = refusal(
      bench.process({}, slow).executor().with({ requestId: 'r' }).parallel(w, 'i', A('a1')),
      'INSTANCE_NOT_FOUND',
    )
    await turns()
    await other.delete('i')
    await other.executor().with({ requestId: 's', expect: 'new' }).parallel(w, 'i', A('a2'))
    gate.resolve()
    await waiting
  })

  it('close waits for a removal under way', async () => {
    const { w } = world()
    const store = memoryKind({ strict: true }).medium().join()
    const gate = deferred()
    let closed = false
    const slow: DataStore = {
      ...store,
      remove: (removals) => gate.promise.then(() => store.remove(removals)),
      close: () => void (closed = true),
    }
    const polaris = new Polaris({ store: slow }).register(w)
    await polaris.executor().parallel(w, 'i', A('a1'))
    const removing = polaris.delete('i')
    await turns()
    const closing = polaris.close()
    await turns()
    expect(closed).toBe(false)
    gate.resolve()
    await Promise.all([removing, closing])
    expect(closed).toBe(true)
  })
})
