import { Polaris, workflow } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { httpHandler, tokenAuthorize } from 'polaris-workflow/http'
import { describe, expect, it } from 'vitest'
import { newLab, texts } from '../support/lab.ts'
import { eachStore } from '../support/media.ts'
import { asking, TOKEN } from './lab.ts'
import { stoppedClock } from './stopped-clock.ts'

const [A, T] = texts('A', 'T')
const w = workflow({ name: 'w', builders: [newLab().step('t', [A], T)], target: T })

eachStore((kind) => {
  /** Processes on one store, where counting takes as long as is said. */
  function world() {
    const medium = kind.medium()
    const time = stoppedClock()
    const counts = { ms: 0, asked: 0, stuck: false }
    const open = () => {
      const store: DataStore = medium.open()
      const tally = store.tally?.bind(store)
      const slow = Object.assign(Object.create(store) as DataStore, {
        async tally(since: number) {
          counts.asked++
          if (counts.stuck) await new Promise(() => undefined)
          time.pass(counts.ms)
          if (tally !== undefined) return tally(since)
          const { items } = await store.list({ limit: 10 })
          const same = { workflow: 'w', version: 1, status: 'completed', oldest: 0, created: 0, touched: 0 } as const
          return [{ ...same, count: items.length }]
        },
      })
      return new Polaris({ store: slow, clock: time.clock }).register(w)
    }
    return { counts, open, time }
  }

  describe('counts that take long', () => {
    it('are kept for whoever would rather see the last ones at once, until counting is quick again', async () => {
      const { counts, open } = world()
      const polaris = open()
      await polaris.executor().parallel(w, 'i-1', A('a'))
      const quick = await polaris.counts()
      expect(quick.looked).toBe(1)
      expect(await polaris.countsKept()).toBeUndefined()
      counts.ms = 2_000
      const slow = await polaris.counts()
      expect(await open().countsKept()).toEqual(slow)
      await polaris.executor().parallel(w, 'i-2', A('a'))
      expect((await open().counts()).looked).toBe(2)
      expect((await polaris.countsKept())?.looked).toBe(2)
      counts.ms = 0
      await polaris.counts()
      expect(await polaris.countsKept()).toBeUndefined()
    })

    it('are in the first overview of a process that has counted nothing yet', async () => {
      const { counts, open } = world()
      counts.ms = 2_000
      const before = open()
      await before.executor().parallel(w, 'i-1', A('a'))
      const { asOf } = await before.counts()
      counts.stuck = true
      const asked = counts.asked
      const ask = asking(httpHandler(open(), { authorize: tokenAuthorize({ token: TOKEN }) }))
      expect((await ask('/api/overview')).body).toMatchObject({ asOf: new Date(asOf).toISOString(), looked: 1 })
      expect(counts.asked).toBe(asked + 1)
    })
  })
})
