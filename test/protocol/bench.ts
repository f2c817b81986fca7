/** Several processes on one medium, and what must be true of every instance whatever they did. */
import { Polaris } from 'polaris-workflow'
import type { AnyWorkflow, Clock, DataStore, Header, PolarisOptions, Snapshot } from 'polaris-workflow'
import { afterEach, expect } from 'vitest'
import { mortal } from '../support/mortal.ts'
import type { Mortal } from '../support/mortal.ts'
import { SHORT_LEASE_MS } from '../support/media.ts'
import type { StoreKind } from '../support/media.ts'
import { storeTime } from '../support/time.ts'

type Options = Omit<PolarisOptions<object>, 'store'>

export interface Bench {
  /** For looking at what is stored, and for doing what no engine would. */
  readonly store: DataStore
  /** A process over the medium. `through`: what stands between it and the store. */
  process(options?: Options, through?: (store: DataStore) => DataStore): Polaris
  /** One that never renews a lease and is never closed: it hangs, for good or until its builder is let go. */
  hanging(through?: (store: DataStore) => DataStore): Polaris
  /** One that is killed at one of its writes. */
  dying(fatal: number, how: 'unsent' | 'answer lost'): Mortal & { readonly polaris: Polaris }
  header(id: string): Promise<Header>
}

/** Its timers never come: a process that is paused as far as the store can tell. */
const frozen: Clock = { now: () => Date.now(), after: () => () => undefined }

const benches: {
  readonly workflows: readonly AnyWorkflow[]
  readonly store: DataStore
  end(failed: boolean): Promise<void>
}[] = []

export function newBench(kind: StoreKind, ...workflows: AnyWorkflow[]): Bench {
  const medium = kind.medium()
  const store = medium.join()
  const processes: Polaris[] = []
  const stores: DataStore[] = [store]
  const open = (through: ((store: DataStore) => DataStore) | undefined): DataStore => {
    const opened = medium.join()
    stores.push(opened)
    return through === undefined ? opened : through(opened)
  }
  const over = (options: PolarisOptions<object>): Polaris => new Polaris(options).register(...(workflows as never[]))
  const hangs = { lease: SHORT_LEASE_MS, clock: frozen }
  benches.push({
    ...{ workflows, store },
    async end(failed) {
      if (!failed) {
        await Promise.all(processes.map((polaris) => polaris.close()))
        await auditAll(store, workflows)
      }
      for (const opened of stores) await opened.close()
    },
  })
  return {
    store,
    process(options = {}, through) {
      const polaris = over({ ...options, store: open(through) })
      processes.push(polaris)
      return polaris
    },
    hanging: (through) => over({ ...hangs, store: open(through) }),
    dying(fatal, how) {
      const victim = mortal(open(undefined), fatal, how)
      return { ...victim, polaris: over({ ...hangs, store: victim.store }) }
    },
    async header(id) {
      return (await read(store, id)).header
    },
  }
}

/**
 * After each test of the file all processes end, and every instance they left is looked at; but for a test that failed, whose
 * builders may hang for ever.
 */
export function auditAfterEach(): void {
  afterEach(async ({ task }) => {
    for (const bench of benches.splice(0)) await bench.end(task.result?.state === 'fail')
  })
}

async function read(store: DataStore, id: string): Promise<Snapshot> {
  const snapshot = await store.read(id)
  if (snapshot === undefined) throw new Error(`there is no ${id}`)
  return snapshot
}

async function auditAll(store: DataStore, workflows: readonly AnyWorkflow[]): Promise<void> {
  const looking = new Polaris({ store: { ...store, close: () => undefined } }).register(...(workflows as never[]))
  for (let cursor: string | undefined; ;) {
    const page = await store.list({ limit: 100, ...(cursor !== undefined && { cursor }) })
    for (const { id } of page.items) await audit(store, looking, id)
    if (page.next === undefined) return
    cursor = page.next
  }
}

/** G2, G3, G5 to G7 as far as what is stored can tell. */
async function audit(store: DataStore, looking: Polaris, id: string): Promise<void> {
  const { header } = await read(store, id)
  const rows = []
  for (let after = 0; ; after += 1_000) {
    const page = await store.history(id, { after, limit: 1_000 })
    rows.push(...page)
    if (page.length < 1_000) break
  }
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, i) => i + 1))
  expect(header.rows).toBe(rows.length)
  const scopes = rows.map(({ scope }) => scope)
  expect(scopes).toEqual(scopes.toSorted((a, b) => a - b))
  const products = rows.filter(({ outcome }) => outcome === 'produced').map((r) => `${r.scope}/${r.pass}/${r.builder}`)
  expect(new Set(products).size).toBe(products.length)
  await auditMail(store, header)
  await auditRest(looking, header)
}

async function auditMail(store: DataStore, { id, scope, pass, mailAppended, mailHandled }: Header): Promise<void> {
  expect(mailHandled).toBe(pass === 0 ? scope : scope - 1)
  expect(mailAppended).toBeGreaterThanOrEqual(scope)
  for (const mail of await store.mail(id, { limit: 1_000 })) {
    const handled = mail.seq <= mailHandled
    expect(mail.handledAt !== null).toBe(handled)
    expect(mail.outcome !== null).toBe(handled)
    if (handled) expect(mail.body).toBeUndefined()
  }
}

async function auditRest(looking: Polaris, header: Header): Promise<void> {
  const { id, status, holder, wakeAt, pass, mailAppended, mailHandled } = header
  if (holder !== null || mailAppended > mailHandled || pass > 0) expect(wakeAt, `${id} is found again`).not.toBeNull()
  if (status === 'completed' || status === 'failed' || status === 'cancelled' || wakeAt !== null) return
  expect((await looking.get(id))?.waitingFor, `${id} waits for something`).not.toEqual([])
}

/** Time that passes when the test says so, for a process and its store alike. */
export interface TestClock extends Clock {
  after(ms: number, callback: () => void, idle?: boolean): () => void
  /** Lets time pass step by step, and everything happen that is due meanwhile. */
  advance(ms: number): Promise<void>
  /** All at once: what a process sees that was paused. */
  jump(ms: number): Promise<void>
}

interface Timer {
  readonly at: number
  readonly callback: () => void
  readonly waits: boolean
}

/** @param days passes at once: what a process does idly, every few seconds, it does with what happens next */
export function testClock({ days = false } = {}): TestClock {
  let now = storeTime.now()
  const timers = new Set<Timer>()
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  const fire = async (): Promise<void> => {
    for (;;) {
      const due = [...timers].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)
      if (due.length === 0) return
      for (const timer of due) if (timers.delete(timer)) timer.callback()
      await settle()
    }
  }
  return {
    now: () => now,
    after(ms, callback, idle = false) {
      const timer = { at: now + ms, callback, waits: days && idle }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(ms) {
      const end = now + ms
      for (;;) {
        await settle()
        const next = Math.min(...[...timers].map(({ at, waits }) => (waits ? Infinity : at)))
        if (next > end) break
        now = Math.max(now, next)
        await fire()
      }
      now = end
      await fire()
    },
    async jump(ms) {
      now += ms
      await fire()
    },
  }
}

/** Waits for what another process or a server has to do first. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`${what} never came to be`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
