import { builder, BuilderError, data, Polaris, type, workflow } from 'polaris-workflow'
import type { AnyWorkflow, DataStore, Retry } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { failure, refusal, thrown } from '../support/lab.ts'
import { eachStore, memoryKind } from '../support/media.ts'
import { eachTimedStore } from '../support/timed.ts'
import { auditAfterEach, eventually, newBench } from './bench.ts'

const Order = data('Order', type<{ sum: number }>())
const Held = data('Held', type<{ seats: number }>())
const Paid = data('Paid', type<{ sum: number }>())
const Go = data('Go', type<string>())
const Sent = data('Sent', type<string>())

interface Options {
  /** How each compensation goes, by its number from 1. */
  readonly undo?: (tries: number) => void
  readonly send?: () => unknown
  readonly pay?: (run: number) => unknown
  readonly onFailure?: 'keep' | 'compensate'
  readonly retry?: Retry
}

/** Holds seats, is paid, sends: the first two can be undone. `did` and `undid` are what the world outside has seen. */
function shop({ undo, send, pay, onFailure = 'keep', retry }: Options = {}) {
  const did: string[] = []
  const undid: string[] = []
  let tries = 0
  const notes = (what: string, product: unknown, input: unknown, key: string): void => {
    undo?.(++tries)
    undid.push(`${what} ${JSON.stringify(product)} ${JSON.stringify(input)} ${key}`)
  }
  const hold = builder({
    name: 'hold',
    consumes: { order: Order },
    produces: Held,
    process({ order }, { idempotencyKey }) {
      did.push(`hold ${idempotencyKey}`)
      return { seats: order.sum }
    },
    compensate: (product, input, { idempotencyKey }) => notes('hold', product, input, idempotencyKey),
  })
  const charge = builder({
    name: 'charge',
    consumes: { order: Order, held: Held },
    produces: Paid,
    once: true,
    ...(retry !== undefined && { retry }),
    process({ order }, { idempotencyKey }) {
      did.push(`charge ${idempotencyKey}`)
      pay?.(did.length)
      return { sum: order.sum }
    },
    async compensate(product, input, { idempotencyKey }) {
      await Promise.resolve()
      notes('charge', product, input, idempotencyKey)
    },
  })
  const dispatch = builder({
    name: 'dispatch',
    consumes: { paid: Paid, go: Go },
    produces: Sent,
    process: () => (send?.(), 'sent'),
  })
  const w = workflow({ name: 'shop', builders: [hold, charge, dispatch], target: Sent, onFailure })
  return { did, undid, w, keys: () => did.map((text) => text.split(' ')[1]) }
}

/** Nobody waits for it in a call. */
const SLOW: Retry = { attempts: 1, backoff: { initial: '1m', jitter: 0 } }

const words = (lines: readonly string[]): string[] => lines.map((line) => line.split(' ')[0] ?? '')

describe('compensation', () => {
  auditAfterEach()

  eachStore((kind) => {
    it('cancel with compensate undoes what was built, the newest first, once each, under the keys of the runs', async () => {
      const { did, undid, w, keys } = shop()
      const bench = newBench(kind, w)
      const polaris = bench.process()
      await polaris.executor().parallel(w, 'i', Order({ sum: 7 }))
      expect(words(did)).toEqual(['hold', 'charge'])
      const view = await bench.process().cancel('i', { compensate: true, reason: 'no seats after all' })
      expect(view).toMatchObject({ status: 'cancelled', compensation: { done: true, left: 0 } })
      expect(undid).toEqual([
        `charge {"sum":7} {"order":{"sum":7},"held":{"seats":7}} ${keys()[1] ?? ''}`,
        `hold {"seats":7} {"order":{"sum":7}} ${keys()[0] ?? ''}`,
      ])
      const outcomes = (await polaris.history('i')).filter(({ outcome }) => outcome === 'compensated')
      expect(outcomes.map((entry) => entry.builder)).toEqual(['charge', 'hold', undefined])
      await polaris.cancel('i', { compensate: true })
      expect(undid).toHaveLength(2)
      await refusal(polaris.executor().parallel(w, 'i', Go('now')), 'CANCELLED')
    })

    it('every run is undone, also those whose product was replaced, and those from before a restart', async () => {
      const { did, undid, w } = shop()
      const bench = newBench(kind, w)
      const run = bench.process().executor()
      await run.parallel(w, 'i', Order({ sum: 1 }))
      await run.parallel(w, 'i', Order({ sum: 2 }))
      await run.restart(w, 'i')
      expect(words(did)).toEqual(['hold', 'charge', 'hold', 'hold', 'charge'])
      await bench.process().cancel('i', { compensate: true })
      expect(words(undid)).toEqual(['charge', 'hold', 'hold', 'charge', 'hold'])
      expect(new Set(undid).size).toBe(5)
    })

    it('without compensate nothing is undone, and it cannot be asked for later', async () => {
      const { undid, w } = shop()
      const polaris = newBench(kind, w).process()
      await polaris.executor().parallel(w, 'i', Order({ sum: 7 }))
      expect((await polaris.cancel('i')).compensation).toBeUndefined()
      await refusal(polaris.cancel('i', { compensate: true }), 'CANCELLED')
      expect(undid).toEqual([])
      await refusal(polaris.cancel('i', { compensate: 'yes' } as never), 'OPTION_INVALID')
    })

    it('one that threw may have done something: it is undone without a product, under its key', async () => {
      const { undid, w, keys } = shop({
        pay: () => {
          throw new Error('no answer')
        },
      })
      const polaris = newBench(kind, w).process()
      await failure(polaris.executor().parallel(w, 'i', Order({ sum: 7 })))
      await failure(polaris.executor().resume(w, 'i'))
      await polaris.cancel('i', { compensate: true })
      // Tried twice under one key: undone once.
      expect(new Set(keys()).size).toBe(2)
      expect(undid[0]).toBe(`charge undefined {"order":{"sum":7},"held":{"seats":7}} ${keys()[1] ?? ''}`)
      expect(words(undid)).toEqual(['charge', 'hold'])
    })

    it('one whose process died is undone without a product; one that never began is not', async () => {
      const outcomes = new Set<string>()
      for (let fatal = 1; fatal <= 6; fatal++) {
        const { did, undid, w, keys } = shop()
        const bench = newBench(kind, w)
        const victim = bench.dying(fatal, 'unsent')
        await Promise.race([victim.polaris.executor().parallel(w, 'i', Order({ sum: 7 })), victim.death])
        await kind.endLeases()
        const other = bench.process()
        if ((await other.get('i')) === undefined) continue
        await other.cancel('i', { compensate: true })
        for (const [at, name] of words(did).entries()) {
          expect(
            undid.some((line) => line.startsWith(name) && line.endsWith(keys()[at] ?? '?')),
            `${name} at ${fatal}`,
          ).toBe(true)
        }
        expect(words(did)).toEqual(expect.arrayContaining(words(undid)))
        outcomes.add(undid.map((line) => line.split(' ').slice(0, 2).join(' ')).join())
      }
      expect([...outcomes].some((text) => text.includes('charge undefined'))).toBe(true)
      expect(outcomes.size).toBeGreaterThan(2)
    })

    it('a crash in the middle goes on where it was, and undoes nothing twice that is known to be undone', async () => {
      for (const how of ['unsent', 'answer lost'] as const) {
        for (let fatal = 1; fatal <= 5; fatal++) {
          const { undid, w } = shop()
          const bench = newBench(kind, w)
          await bench
            .process()
            .executor()
            .parallel(w, 'i', Order({ sum: 7 }))
          const victim = bench.dying(fatal, how)
          await Promise.race([victim.polaris.cancel('i', { compensate: true }), victim.death])
          await kind.endLeases()
          const view = await bench.process().cancel('i', { compensate: true })
          expect(view, `${how} ${fatal}`).toMatchObject({ status: 'cancelled', compensation: { done: true } })
          expect(words(undid)).toEqual(expect.arrayContaining(['charge', 'hold']))
          const rows = await bench.store.history('i', { limit: 100 })
          const undone = rows.filter(({ outcome, builder: name }) => outcome === 'compensated' && name !== null)
          expect(undone.map((row) => row.builder)).toEqual(['charge', 'hold'])
          // At most the one at hand is tried again.
          expect(undid.length).toBeLessThanOrEqual(3)
        }
      }
    })

    it("onFailure 'compensate' undoes what was built once a builder has failed for good; resume makes it anew", async () => {
      let down = true
      const send = (): void => {
        if (down) throw new Error('no van')
      }
      const { did, undid, w, keys } = shop({ send, onFailure: 'compensate' })
      const bench = newBench(kind, w)
      const polaris = bench.process()
      const run = polaris.executor()
      const error = await failure(run.parallel(w, 'i', Order({ sum: 7 }), Go('now')))
      expect(error).toBeInstanceOf(BuilderError)
      const looking = bench.process()
      await eventually(async () => (await looking.get('i'))?.status === 'failed', 'the end')
      expect(words(undid)).toEqual(['charge', 'hold'])
      expect(await looking.get('i')).toMatchObject({
        compensation: { done: true },
        data: { Order: { sum: 7 }, Go: 'now' },
        failure: { builder: 'dispatch' },
      })
      down = false
      const result = await bench.process().executor().resume(w, 'i')
      expect(result.status).toBe('completed')
      expect(words(did)).toEqual(['hold', 'charge', 'hold', 'charge'])
      expect(new Set(keys()).size).toBe(4)
      // What was made anew can be undone in its turn.
      await polaris.cancel('i', { compensate: true })
      expect(words(undid)).toEqual(['charge', 'hold', 'charge', 'hold'])
      expect(new Set(undid).size).toBe(4)
    })

    it('a fork does not undo what the original has done', async () => {
      const { undid, w } = shop()
      const polaris = newBench(kind, w).process()
      await polaris.executor().parallel(w, 'i', Order({ sum: 7 }))
      await polaris.fork('i', 'j')
      expect(await polaris.cancel('j', { compensate: true })).toMatchObject({
        status: 'cancelled',
        compensation: { done: true },
      })
      expect(undid).toEqual([])
      await polaris.cancel('i', { compensate: true })
      expect(undid).toHaveLength(2)
    })
  }, 'servers')

  eachTimedStore((kind, clock) => {
    it('one that throws is tried again, first in the call and then by a worker, for ever; the state says how far it is', async () => {
      const fails = new Set([1, 2, 3, 4, 5, 6])
      const undo = (tries: number): void => {
        if (fails.has(tries)) throw new Error(`down ${tries}`)
      }
      const retry: Retry = { attempts: 2, backoff: { initial: '500ms', factor: 4, max: '1h', jitter: 0 } }
      const { undid, w } = shop({ undo, retry })
      const bench = newBench(kind, w)
      const polaris = bench.process({ clock })
      await polaris.executor().parallel(w, 'i', Order({ sum: 7 }))
      const cancelling = polaris.cancel('i', { compensate: true })
      await clock.advance(600)
      const view = await cancelling
      expect(view).toMatchObject({
        status: 'retrying',
        compensation: { done: false, left: 2, builder: 'charge', attempt: 2, error: { message: 'down 2' } },
      })
      expect((await polaris.explain('i'))?.compensation).toEqual(view.compensation)
      await refusal(polaris.executor().parallel(w, 'i', Go('now')), 'CANCELLED')
      polaris.worker({ pollInterval: 1_000 }).start()
      await clock.advance(3 * 3_600_000)
      expect(words(undid)).toEqual(['charge', 'hold'])
      expect(await polaris.get('i')).toMatchObject({ status: 'cancelled', compensation: { done: true } })
      expect((await bench.header('i')).wakeAt).toBeNull()
      await polaris.close()
    })

    it('one that hangs is cut off at the timeout of its builder, with its signal, and tried again', async () => {
      const signals: AbortSignal[] = []
      const b = builder({
        ...{ name: 'charge', consumes: { order: Order }, produces: Paid, timeout: '10s' },
        retry: { attempts: 1, backoff: { initial: '1m', jitter: 0 } },
        process: ({ order }) => ({ sum: order.sum }),
        compensate(_product, _input, { signal }) {
          signals.push(signal)
          return signals.length === 1 ? new Promise<void>(() => undefined) : undefined
        },
      })
      const w = workflow({ name: 'w', builders: [b], target: Paid })
      const polaris = newBench(kind, w).process({ clock })
      await polaris.executor().parallel(w, 'i', Order({ sum: 7 }))
      const cancelling = polaris.cancel('i', { compensate: true })
      await clock.advance(11_000)
      expect((await cancelling).compensation).toMatchObject({ done: false, error: { code: 'BUILDER_TIMEOUT' } })
      expect(signals.map(({ aborted }) => aborted)).toEqual([true])
      polaris.worker({ pollInterval: 1_000 }).start()
      await clock.advance(120_000)
      expect((await polaris.get('i'))?.status).toBe('cancelled')
      await polaris.close()
    })

    it('a worker that stops leaves what hangs to another one', async () => {
      let hangs = true
      const signals: AbortSignal[] = []
      const charge = builder({
        ...{ name: 'charge', consumes: { order: Order }, produces: Paid },
        process: ({ order }) => ({ sum: order.sum }),
        compensate(_product, _input, { signal }) {
          signals.push(signal)
          return hangs ? new Promise<void>(() => undefined) : undefined
        },
      })
      const dispatch = builder({
        ...{ name: 'dispatch', consumes: { paid: Paid }, produces: Sent },
        process(): string {
          throw new Error('no van')
        },
      })
      const w = workflow({ name: 'w', builders: [charge, dispatch], target: Sent, onFailure: 'compensate' })
      const bench = newBench(kind, w)
      const first = bench.process({ clock })
      const worker = first.worker({ grace: 1_000 }).start()
      await first.executor().submit(w, 'i', Order({ sum: 7 }))
      await clock.advance(2_000)
      expect(signals).toHaveLength(1)
      hangs = false
      const stopping = worker.stop()
      await clock.advance(2_000)
      await stopping
      expect(signals[0]?.aborted).toBe(true)
      expect(await bench.header('i')).toMatchObject({ holder: null, status: 'running' })
      const second = bench.process({ clock })
      second.worker().start()
      await clock.advance(5_000)
      expect(await second.get('i')).toMatchObject({ status: 'failed', compensation: { done: true } })
      expect(signals).toHaveLength(2)
      await second.close()
    })

    it('what is fed while it is being undone is kept, and set off by resume only', async () => {
      let down = true
      const undo = (): void => {
        if (down) throw new Error('bank closed')
      }
      const send = (): void => {
        throw new Error('no van')
      }
      const { did, undid, w } = shop({ undo, send, onFailure: 'compensate', retry: SLOW })
      const bench = newBench(kind, w)
      const polaris = bench.process({ clock })
      const run = polaris.executor()
      await failure(run.parallel(w, 'i', Order({ sum: 7 }), Go('now')))
      await clock.advance(10)
      expect((await polaris.get('i'))?.status).toBe('retrying')
      await refusal(run.parallel(w, 'i', Go('again')), 'COMPENSATING')
      expect((await polaris.get('i'))?.data).toMatchObject({ Go: 'again', Paid: { sum: 7 } })
      expect(did).toHaveLength(2)
      down = false
      polaris.worker({ pollInterval: 1_000 }).start()
      await clock.advance(3_600_000)
      expect(words(undid)).toEqual(['charge', 'hold'])
      expect((await polaris.get('i'))?.status).toBe('failed')
      expect(did).toHaveLength(2)
      await polaris.close()
    })

    it('an instance can be cancelled while it is being undone', async () => {
      let down = true
      const undo = (): void => {
        if (down) throw new Error('bank closed')
      }
      const send = (): void => {
        throw new Error('no van')
      }
      const { undid, w } = shop({ undo, send, onFailure: 'compensate', retry: SLOW })
      const polaris = newBench(kind, w).process({ clock })
      await failure(polaris.executor().parallel(w, 'i', Order({ sum: 7 }), Go('now')))
      await clock.advance(10)
      down = false
      const cancelling = polaris.cancel('i')
      await clock.advance(10)
      expect(await cancelling).toMatchObject({ status: 'cancelled', compensation: { done: true } })
      expect(words(undid)).toEqual(['charge', 'hold'])
      await polaris.close()
    })
  }, 'text')

  it('a builder that cannot be undone, or has nothing to undo, is refused at definition', () => {
    const [A, B] = [data('A', type<string>()), data('B', type<string>())]
    const compensate = (): void => undefined
    const base = { name: 'b', consumes: { a: A }, produces: B, process: () => 'b' }
    expect(thrown(() => builder({ ...base, pure: true, compensate }), 'GRAPH_INVALID').message).toContain("'pure'")
    expect(thrown(() => builder({ ...base, compensate: 7 } as never), 'GRAPH_INVALID').message).toContain('compensate')
    const b = builder({ ...base, compensate })
    const whole =
      (rest: object): (() => AnyWorkflow) =>
      () =>
        workflow({ name: 'w', builders: [b], target: B, ...rest })
    expect(thrown(whole({ durability: 'scope' }), 'GRAPH_INVALID').message).toContain("durability 'builder'")
    expect(thrown(whole({ transients: [B] }), 'GRAPH_INVALID').message).toContain('transient')
    expect(thrown(whole({ onFailure: 'undo' }), 'GRAPH_INVALID').message).toContain('onFailure')
  })

  it('that a builder begins goes with a commit that is due anyway', async () => {
    const count = async (w: AnyWorkflow): Promise<number> => {
      let writes = 0
      const inner = memoryKind({ strict: true }).medium().join()
      const store: DataStore = { ...inner, write: (changes) => (writes++, inner.write(changes)) }
      await new Polaris({ store })
        .register(w as never)
        .executor()
        .parallel(w, 'i', Order({ sum: 1 }))
      return writes
    }
    const plain = builder({ name: 'hold', consumes: { order: Order }, produces: Held, process: () => ({ seats: 1 }) })
    const undoable = builder({
      ...{ name: 'hold', consumes: { order: Order }, produces: Held },
      process: () => ({ seats: 1 }),
      compensate: () => undefined,
    })
    const [without, with_] = [plain, undoable].map((b) => workflow({ name: 'w', builders: [b], target: Held }))
    expect(await count(with_ as AnyWorkflow)).toBe(await count(without as AnyWorkflow))
  })
})
