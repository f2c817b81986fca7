/** The check over very many open instances; see `scripts/check-million.mjs`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Polaris } from 'polaris-workflow'
import type { Change, CheckReport, DataStore, Header, Row } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { postgresStore } from 'polaris-workflow/stores/postgres'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import { startPostgres } from '../../support/server-embedded.ts'
import { codeOf, customer, Order } from '../drill/orders.ts'

const BATCH = 1_000

const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '1000000' },
    sample: { type: 'string', default: '10000' },
    store: { type: 'string', default: 'sqlite' },
    'sample-only': { type: 'boolean', default: false },
  },
})
const instances = Number(values.instances)
const place = values.store === 'postgres' ? await onPostgres() : onSqlite()
const say = (what: string, figures: object): void => console.log(JSON.stringify({ what, ...figures }))

const loading = stopwatch()
await load(place.store, instances)
say('loaded', { store: place.store.name, instances, ...loading() })
await checked(`check --sample ${values.sample}`, { sample: Number(values.sample) })
if (!values['sample-only']) await checked('check of all', {})
await place.store.close()
await place.dispose()

async function checked(what: string, options: { readonly sample?: number }): Promise<void> {
  const polaris = new Polaris({ store: place.store })
  const seconds = stopwatch()
  /** The most that was in use at a tenth of the way each, in MB. */
  const memory: number[] = []
  const report = await polaris.check(codeOf(2), {
    ...options,
    onProgress: ({ counted, checked, total }) => {
      const tenth = Math.floor((total === undefined ? counted / instances : 1 + checked / total) * 5)
      memory[tenth] = Math.max(memory[tenth] ?? 0, Math.round(process.memoryUsage().rss / 2 ** 20))
    },
  })
  say(what, { ...seconds(), ...figuresOf(report), rssMB: memory })
}

function figuresOf({ ok, open, checked, workflows }: CheckReport): object {
  const [version] = workflows[0]?.versions ?? []
  return { ok, open, checked, move: version?.move, stay: version?.stay }
}

/** As many instances as begun by the engine, whose rows are copies of one of each kind that it did begin. */
async function load(store: DataStore, count: number): Promise<void> {
  const memory = memoryStore({ strict: true })
  const polaris = new Polaris({ store: memory }).register(...(codeOf(1) as never[]))
  const kinds: { readonly header: Header; readonly rows: readonly Row[]; readonly of: number }[] = []
  for (const of of [3, 4]) {
    await polaris.executor().parallel('order', `i${of}`, Order(customer(of)))
    const header = memory.read(`i${of}`)?.header as Header
    kinds.push({ header, rows: memory.history(`i${of}`, { limit: 100 }), of })
  }
  await polaris.close()
  const started = Date.now() - count
  for (let from = 0; from < count; from += BATCH) {
    const changes = Array.from({ length: Math.min(BATCH, count - from) }, (_, at): Change => {
      const i = from + at
      const { header, rows, of } = kinds[customer(i).customer.startsWith('Mono') ? 1 : 0] as (typeof kinds)[0]
      // Values differ from one instance to the next: customers are named by their number.
      const text = (value: unknown): unknown =>
        typeof value === 'string' ? value.replaceAll(new RegExp(`(First|Last|Mono)${of}\\b`, 'g'), `$1${i}`) : value
      const own = {
        id: `order-${i}`,
        incarnation: `load.${i}`,
        token: `load.${i}`,
        revision: 1,
        createdAt: started + i,
      }
      return {
        expected: null,
        header: { ...header, ...own, updatedAt: started + i },
        rows: rows.map((row) => ({ ...row, value: text(row.value) })),
      }
    })
    const written = await store.write(changes)
    if (written.some(({ ok }) => !ok)) throw new Error('An instance could not be loaded.')
  }
}

function onSqlite(): { readonly store: DataStore; dispose(): Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), 'polaris-million-'))
  return {
    store: sqliteStore(join(folder, 'million.db')),
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function onPostgres(): Promise<{ readonly store: DataStore; dispose(): Promise<void> }> {
  const server = await startPostgres()
  return { store: postgresStore({ connectionString: server.url }), dispose: () => server.stop() }
}

/** Seconds by the clock, and those that this process had of a CPU. */
function stopwatch(): () => { readonly seconds: number; readonly cpu: number } {
  const begun = performance.now()
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return { seconds: tenths((performance.now() - begun) / 1e3), cpu: tenths((user + system) / 1e6) }
  }
}

function tenths(number: number): number {
  return Math.round(number * 10) / 10
}
