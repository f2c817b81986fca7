/** Several processes on one medium, and what must be true of every instance whatever they did. */
import { Polaris } from 'polaris-workflow'
import type { AnyWorkflow, Clock, DataStore, Header, PolarisOptions, Snapshot } from 'polaris-workflow'
import { afterEach, expect } from 'vitest'
import { mortal } from '../support/mortal.ts'
import type { Mortal } from '../support/mortal.ts'
import { SHORT_LEASE_MS } from '../support/media.ts'
import type { StoreKind } from '../support/media.ts'
import { unobserved } from '../support/timed.ts'

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
    process(options = {}, through = (store) => store) {
      const { clock } = options
      // What a test holds back between a process and its medium is not under way, or time would wait for it.
      const seen = (store: DataStore): DataStore => through(clock?.observe?.(store) ?? store)
      const polaris = over({ ...options, ...(clock && { clock: unobserved(clock) }), store: open(seen) })
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

/** Waits for what another process or a server has to do first. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`${what} never came to be`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
