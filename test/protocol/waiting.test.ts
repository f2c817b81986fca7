/** Those who wait for what is in the mailbox, when something goes wrong in between. */
import { PolarisError, workflow } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { expect, it } from 'vitest'
import { deferred, newLab, refusal, texts, until } from '../support/lab.ts'
import { eachLocalStore, testClock } from '../support/timed.ts'
import { expectNoUnhandledRejections } from '../support/unhandled.ts'
import { auditAfterEach, newBench } from './bench.ts'

expectNoUnhandledRejections()
auditAfterEach()

const [A, T] = texts('A', 'T')

/** \`t\` waits in its first run until it is let go. */
function world() {
  const lab = newLab()
  const gate = deferred()
  const does = (made: string, run: number): unknown => (run === 1 ? gate.promise.then(() => made) : made)
  return { lab, gate, w: workflow({ name: 'w', builders: [lab.step('t', [A], T, { does })], target: T }) }
}

const unreachable = (): PolarisError => new PolarisError('STORE_UNAVAILABLE', 'gone for a moment')

eachLocalStore((kind, clock) => {
  it('P13: a caller that helped, and lost the lease meanwhile, gets its result from whoever goes on', async () => {
    const { lab, gate, w } = world()
    const bench = newBench(kind, w)
    await bench.process({ clock }).executor().submit(w, 'i', A('a1'))
    // Its own time stands still for a while.
    const own = testClock()
    const call = bench.process({ clock: own }).executor().parallel(w, 'i', A('a2'))
    await own.advance(100)
    expect(lab.ran).toEqual(['t'])
    await clock.advance(600_000)
    bench.process({ clock }).worker().start()
    await clock.advance(10_000)
    expect(lab.ran).toEqual(['t', 't', 't'])
    await own.jump(600_000)
    gate.resolve()
    expect(await call).toMatchObject({ scope: 2, target: 't(a2)' })
  })

  it('a store that is out of reach for a moment when the answer is there is asked again', async () => {
    const { gate, w } = world()
    const bench = newBench(kind, w)
    const first = bench.process({ clock }).executor().parallel(w, 'i', A('a1'))
    await clock.advance(10)
    let sees = false
    let trouble = 0
    const two = bench.process({ clock }, (store) => ({
      ...store,
      claim: (query) => (sees ? store.claim(query) : []),
      async mail(id, query) {
        const mails = await store.mail(id, query)
        return sees ? mails : mails.map((mail) => ({ ...mail, outcome: null, handledAt: null }))
      },
      read(id) {
        if (sees && ++trouble <= 3) throw unreachable()
        return store.read(id)
      },
    }))
    const second = two.executor().parallel(w, 'i', A('a2'))
    second.catch(() => undefined)
    await clock.advance(10)
    gate.resolve()
    await first
    await clock.advance(100)
    expect((await bench.header('i')).mailHandled).toBe(2)
    sees = true
    for (let i = 0; i < 8; i++) await clock.advance(1_000)
    expect(await second).toMatchObject({ scope: 2, target: 't(a2)' })
    expect(trouble).toBeGreaterThan(3)
  })

  it('P2: what begins in the place of a tombstone, and was handled before its lost answer, is not fed twice', async () => {
    const { gate, w } = world()
    const bench = newBench(kind, w)
    gate.resolve()
    const other = bench.process({ clock })
    await other.executor().parallel(w, 'i', A('a1'))
    await other.delete('i')
    let lost = 0
    const unlucky = (store: DataStore): DataStore => ({
      ...store,
      async write(changes) {
        const written = await store.write(changes)
        if (lost++ > 0) return written
        await other.executor().resume(w, 'i')
        throw unreachable()
      },
    })
    const submitting = bench.process({ clock }, unlucky).executor().submit(w, 'i', A('a2'))
    await clock.advance(1_000)
    expect(await submitting).toEqual({ id: 'i', scope: 1 })
    expect(lost).toBe(2)
    const history = await other.history('i')
    expect(history.filter(({ outcome }) => outcome === 'fed')).toHaveLength(1)
  })

  it('close waits for what is taken over just then, and gives it back', async () => {
    const { lab, w } = world()
    const bench = newBench(kind, w)
    await bench.process({ clock }).executor().submit(w, 'i', A('a1'))
    const claims = deferred()
    let claimed = 0
    const polaris = bench.process({ clock }, (store) => ({
      ...store,
      async claim(query) {
        const found = await store.claim(query)
        claimed += found.length
        await claims.promise
        return found
      },
    }))
    const call = refusal(polaris.executor().parallel(w, 'i', A('a2')), 'CLOSED')
    await until(() => claimed === 1)
    const closing = polaris.close()
    await call
    claims.resolve()
    await closing
    expect(lab.ran).toEqual([])
    expect(await bench.header('i')).toMatchObject({ holder: null, mailHandled: 0, mailAppended: 2 })
  })

  for (const later of [false, true]) {
    const what = later ? 'is not given what a later instance of the id made under the same number' : 'is told so'
    it(`who waits for what is gone ${what}`, async () => {
      const { gate, w } = world()
      gate.resolve()
      const bench = newBench(kind, w)
      const other = bench.process({ clock })
      await other.executor().submit(w, 'i', A('a1'))
      const over = deferred()
      let looks = 0
      const polaris = bench.process({ clock }, (store) => ({
        ...store,
        claim: (query) => (query.ids === undefined ? store.claim(query) : []),
        async mail(id, query) {
          const mails = await store.mail(id, query)
          const isOld = mails.some(({ requestId, body }) => requestId === 'old' && body !== undefined)
          if (!isOld) return mails
          looks++
          return over.promise.then(() => store.mail(id, query))
        },
      }))
      const old = refusal(polaris.executor().with({ requestId: 'old' }).parallel(w, 'i', A('a2')), 'INSTANCE_NOT_FOUND')
      await until(() => looks > 0)
      await other.delete('i')
      if (later) {
        polaris.worker().start()
        const run = other.executor()
        await run.with({ requestId: 'b1', expect: 'new' }).submit(w, 'i', A('b1'))
        await run.with({ requestId: 'b2' }).submit(w, 'i', A('b2'))
        for (let i = 0; i < 20 && (await bench.header('i')).mailHandled < 2; i++) await clock.advance(1_000)
        expect((await bench.header('i')).mailHandled).toBe(2)
      }
      over.resolve()
      await clock.advance(100)
      await old
    })
  }
})
