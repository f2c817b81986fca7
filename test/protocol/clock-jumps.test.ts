/** The wall clock of one process is set, by an hour or a year, either way, while it works. */
import { builder, Polaris, workflow } from 'polaris-workflow'
import type { Clock, DataStore } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { deferred, newLab, refusal, texts } from '../support/lab.ts'
import { eachServer } from '../support/media.ts'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { auditAfterEach, eventually, newBench } from './bench.ts'

auditAfterEach()

const [A, B, T] = texts('A', 'B', 'T')
const HOUR = 3_600_000
const JUMPS = [HOUR, -HOUR, 365 * 24 * HOUR, -365 * 24 * HOUR]

/** A process's own: its wall clock can be set, its steady one cannot. */
function settable(): Clock & { set(ms: number): void } {
  let apart = 0
  return { now: () => Date.now() + apart, monotonic: () => performance.now(), set: (ms) => void (apart = ms) }
}

function world() {
  const lab = newLab()
  const gate = deferred()
  const does = (made: string, run: number): unknown => (run === 1 ? gate.promise.then(() => made) : made)
  const builders = [lab.step('b', [A], B, { does }), lab.step('t', [B], T)]
  return { lab, gate, w: workflow({ name: 'w', builders, target: T }) }
}

async function serverTime(store: DataStore): Promise<number> {
  return (await store.now?.()) ?? Number.NaN
}

eachServer((kind) => {
  it.each(JUMPS)(
    'by %d ms: nobody takes over early, and what is written down bears the time of the server',
    async (ms) => {
      const { lab, gate, w } = world()
      const bench = newBench(kind, w)
      const [mine, theirs] = [settable(), settable()]
      const begin = await serverTime(bench.store)
      // Renewed each third of it: two seconds that the machine may be busy elsewhere.
      const first = bench.process({ clock: mine, lease: 6_000 }).executor().sequential(w, 'i', A('a1'))
      await eventually(() => lab.ran.length === 1, 'the scope')
      mine.set(ms)
      theirs.set(-ms)
      let claims = 0
      const other = bench.process({ clock: theirs }, (store) => ({
        ...store,
        claim: (query) => (claims++, store.claim(query)),
      }))
      const worker = other.worker({ pollInterval: 5 }).start()
      await eventually(() => claims > 20, 'looks at what is due')
      await worker.stop()
      expect(lab.ran).toEqual(['b'])
      expect((await bench.header('i')).fence).toBe(1)
      gate.resolve()
      expect((await first).target).toBe('t(b(a1))')
      const end = await serverTime(bench.store)
      const rows = await bench.store.history('i', { limit: 10 })
      expect(rows).toHaveLength(3)
      for (const { startedAt, endedAt } of rows) {
        // Behind by as long as an answer takes, at most: not by an hour.
        expect(startedAt).toBeGreaterThan(begin - 60_000)
        expect(endedAt).toBeLessThanOrEqual(end)
      }
    },
  )

  it.each(JUMPS)('by %d ms: what was put off is taken up in time, and not before', async (ms) => {
    let tries = 0
    const b = builder({
      name: 'b',
      consumes: { a: A },
      produces: T,
      retry: { attempts: 2, backoff: { initial: 700, jitter: 0 } },
      process: () => {
        if (++tries === 1) throw new Error('not yet')
        return 'done'
      },
    })
    const w = workflow({ name: 'w', builders: [b], target: T })
    const bench = newBench(kind, w)
    const clock = settable()
    const polaris = bench.process({ clock, longestWait: 0 })
    await polaris.executor().submit(w, 'i', A('a1'))
    clock.set(ms)
    const worker = polaris.worker({ pollInterval: 20 }).start()
    await eventually(async () => (await bench.header('i')).status === 'completed', 'the second try')
    await worker.stop()
    const rows = await bench.store.history('i', { limit: 10 })
    const [failed, produced] = ['failed', 'produced'].map((outcome) => rows.find((row) => row.outcome === outcome))
    const due = failed?.note?.retryAt ?? Number.NaN
    expect(due).toBeGreaterThanOrEqual((failed?.startedAt ?? 0) + 700)
    expect(produced?.startedAt).toBeGreaterThanOrEqual(due)
    expect(produced?.startedAt).toBeLessThan(due + 15_000)
    expect(tries).toBe(2)
  })
})

describe('where the clock of each process counts', () => {
  it.each(JUMPS)('by %d ms: whoever is taken over early commits nothing, and nothing is lost', async (ms) => {
    const { lab, gate, w } = world()
    const clocks = [settable(), settable()] as const
    // Each process sees the same records, by its own clock.
    let reader: Clock = clocks[0]
    const shared = memoryStore({ strict: true, now: () => reader.now() })
    const seenBy = (clock: Clock): DataStore => {
      const { now: _, ...store } = shared
      const by = <F extends (...given: never[]) => unknown>(call: F): F =>
        ((...given: Parameters<F>) => {
          reader = clock
          return call(...given)
        }) as F
      return {
        ...store,
        write: by(store.write),
        append: by(store.append),
        claim: by(store.claim),
        close: () => undefined,
      }
    }
    const [one, two] = clocks.map((clock) => new Polaris({ store: seenBy(clock), clock }).register(w)) as [
      Polaris,
      Polaris,
    ]
    const first = one.executor().sequential(w, 'i', A('a1'))
    await eventually(() => lab.ran.length === 1, 'the scope')
    clocks[1].set(ms)
    const worker = two.worker({ pollInterval: 5 }).start()
    if (ms > 0) {
      // Its clock says that the lease is over: the fence tells.
      await eventually(() => shared.read('i')?.header.status === 'completed', 'the scope of the other')
      gate.resolve()
      await refusal(first, 'LEASE_LOST')
      expect(lab.ran).toEqual(['b', 'b', 't'])
    } else {
      gate.resolve()
      await first
      expect(lab.ran).toEqual(['b', 't'])
    }
    await worker.stop()
    const products = shared.history('i', { limit: 10 }).filter(({ outcome }) => outcome === 'produced')
    expect(products.map(({ builder }) => builder)).toEqual(['b', 't'])
  })
})
