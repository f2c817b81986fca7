/** What the simulation found in the engine, at its smallest. */
import { builder, data, Polaris, PolarisError, type, workflow } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { expect, test } from 'vitest'
import { deferred, refusal, turns } from '../support/lab.ts'

const X = data('X', type<string>())
const Y = data('Y', type<string>())

type Process = (input: { x: string }) => string | Promise<string>

function echo(durability: 'builder' | 'scope' = 'builder', process: Process = ({ x }) => `y(${x})`) {
  const builders = [builder({ name: 'echo', consumes: { x: X }, produces: Y, process })]
  return workflow({ name: 'echo', target: Y, builders, durability })
}

/** The same store with some methods of one's own. */
const over = (store: DataStore, own: Partial<DataStore>): DataStore => ({ ...store, ...own })

/** The same store, which loses its first answer to a method; what somebody else does comes before who asked hears of it. */
function losing(store: DataStore, method: 'write' | 'append', meanwhile: () => Promise<unknown>): DataStore {
  let lost = false
  const once = async <T>(answer: T): Promise<T> => {
    if (lost) return answer
    lost = true
    await meanwhile()
    throw new PolarisError('STORE_UNAVAILABLE', 'The answer is lost.')
  }
  return over(
    store,
    method === 'write'
      ? { write: async (changes) => once(await store.write(changes)) }
      : { append: async (appends) => once(await store.append(appends)) },
  )
}

test('a start whose answer was lost is not begun anew once another process has gone on', async () => {
  const store = memoryStore({ strict: true })
  const flow = echo('scope')
  const other = new Polaris({ store }).register(flow)
  const unlucky = losing(store, 'write', () => other.executor().sequential(flow, 'id', X('of the other')))
  const own = echo('scope')
  const polaris = new Polaris({ store: unlucky }).register(own)
  await refusal(polaris.executor().sequential(own, 'id', X('mine')), 'LEASE_LOST')
  const fed = (await other.history('id')).filter(({ outcome }) => outcome === 'fed').map(({ value }) => value)
  expect(fed.filter((value) => value === 'mine')).toHaveLength(1)
})

test('nor once another process has removed it', async () => {
  const store = memoryStore({ strict: true })
  const flow = echo('scope')
  const other = new Polaris({ store }).register(flow)
  const unlucky = losing(store, 'write', () => other.delete('id'))
  const own = echo('scope')
  const polaris = new Polaris({ store: unlucky }).register(own)
  await refusal(polaris.executor().sequential(own, 'id', X('mine')), 'LEASE_LOST')
  expect(await other.get('id')).toBeUndefined()
})

test('nor does what was submitted begin anew where it was handled, and the instance removed', async () => {
  const store = memoryStore({ strict: true })
  const flow = echo()
  const other = new Polaris({ store }).register(flow)
  const unlucky = losing(store, 'append', async () => {
    await other.executor().resume(flow, 'id')
    expect((await other.get('id'))?.data).toEqual({ X: 'mine', Y: 'y(mine)' })
    await other.delete('id')
  })
  const own = echo()
  const polaris = new Polaris({ store: unlucky }).register(own)
  await refusal(polaris.executor().submit(own, 'id', X('mine')), 'LEASE_LOST')
  expect(await other.get('id')).toBeUndefined()
})

test('close waits for submits under way', async () => {
  const store = memoryStore({ strict: true })
  const gate = deferred()
  const slow = over(store, {
    append: (appends) => gate.promise.then(() => store.append(appends)),
    close: () => undefined,
  })
  const flow = echo()
  const polaris = new Polaris({ store: slow }).register(flow)
  const submitted = polaris.executor().submit(flow, 'id', X('1'))
  await turns()
  let closed = false
  const closing = polaris.close().then(() => void (closed = true))
  await turns()
  expect(closed).toBe(false)
  gate.resolve()
  expect(await submitted).toEqual({ id: 'id', scope: 1 })
  await closing
})

test('a worker that stops leaves alone what a caller of its process runs', async () => {
  let time = 1_000_000
  const store = memoryStore({ strict: true, now: () => time })
  const hung = echo('builder', () => new Promise(() => undefined))
  void new Polaris({ store }).register(hung).executor().sequential(hung, 'id', X('1'))
  await turns()
  time += 3_600_000
  const [read, made] = [deferred(), deferred()]
  const timers: (() => void)[] = []
  const clock = { now: () => time, after: (_ms: number, go: () => void) => (timers.push(go), () => undefined) }
  const flow = echo('builder', ({ x }) => made.promise.then(() => `y(${x})`))
  const slow = over(store, { read: (id) => read.promise.then(() => store.read(id)) })
  const polaris = new Polaris({ store: slow, clock }).register(flow)
  const call = polaris.executor().resume(flow, 'id')
  await turns()
  // The worker takes the instance for this process while the caller has its turn, which then finishes the scope.
  const worker = polaris.worker({ grace: 0 }).start()
  await turns()
  read.resolve()
  await turns()
  const stopping = worker.stop()
  await turns()
  for (const go of timers.splice(0)) go()
  made.resolve()
  expect((await call).get(Y)).toBe('y(1)')
  await stopping
})

test('who comes while the mail is read is not taken for forgotten', async () => {
  const store = memoryStore({ strict: true })
  const flow = echo()
  const feeder = new Polaris({ store }).register(flow)
  for (const x of ['1', '2']) {
    await feeder.executor().with({ requestId: x }).submit(flow, 'id', X(x))
  }
  const gate = deferred()
  let reads = 0
  const slow = over(store, {
    mail: async (id, query) => {
      const found = store.mail(id, query)
      if (++reads === 1) await gate.promise
      return found
    },
    claim: (query) => (reads < 2 ? [] : store.claim(query)),
  })
  const polaris = new Polaris({ store: slow }).register(flow)
  const send = (x: string) => polaris.executor().with({ requestId: x }).sequential(flow, 'id', X(x))
  const second = send('2')
  await turns()
  const first = send('1')
  await turns()
  gate.resolve()
  expect((await first).scope).toBe(1)
  expect((await second).scope).toBe(2)
})

test('a renewal whose answers are all lost does not make the process lose to itself', async () => {
  let now = 1_000_000
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>()
  const clock = {
    now: () => now,
    after(ms: number, callback: () => void) {
      const timer = { at: now + ms, callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
  }
  const advance = async (ms: number): Promise<void> => {
    for (const end = now + ms; now < end; now += 10) {
      for (const timer of [...timers]) if (timer.at <= now && timers.delete(timer)) timer.callback()
      await turns(3)
    }
  }
  const store = memoryStore({ strict: true, now: clock.now })
  let lost = 0
  const unlucky = over(store, {
    async write(changes) {
      const written = store.write(changes)
      await Promise.resolve()
      if (changes.every(({ rows }) => rows.length > 0) || lost === 3) return written
      lost++
      throw new PolarisError('STORE_UNAVAILABLE', 'The answer is lost.')
    },
  })
  const gate = deferred()
  const flow = echo('builder', ({ x }) => gate.promise.then(() => `y(${x})`))
  const polaris = new Polaris({ store: unlucky, clock, lease: 900 }).register(flow)
  const call = polaris.executor().sequential(flow, 'id', X('1'))
  await advance(700)
  expect(lost).toBe(3)
  gate.resolve()
  await turns()
  expect((await call).target).toBe('y(1)')
})
