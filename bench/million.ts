import * as driver from '@photostructure/sqlite'
import { performance } from 'node:perf_hooks'
import pg from 'pg'
import type { Change, DataStore, Header, InstanceStatus, ListQuery } from 'polaris-workflow'
import { postgresStore } from 'polaris-workflow/stores/postgres'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import type { SqliteDatabase, SqliteDriver, SqliteStatement } from 'polaris-workflow/stores/sqlite'
import { quantile } from './measure.ts'
import { openPlace, openStore } from './stores-servers.ts'
import type { Place } from './stores-servers.ts'

const BATCH = 1_000
const PAGE = 100
const LEASE_MS = 60_000
/** When the first was created; one a second from then. */
const FIRST = Date.UTC(2025, 0, 1)
const SECOND = 1_000
const WORKFLOW = 'order'
/** Of one in a thousand. */
const RARE_WORKFLOW = 'audit'

/** Nearly all are done, few failed, one in a hundred is due. */
const COMMON: InstanceStatus = 'completed'
const RARE: InstanceStatus = 'failed'

/** Instances from one number up to another, in a mixture of statuses, straight into the store. */
export async function loadInstances(store: DataStore, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += BATCH) {
    const changes = Array.from({ length: Math.min(BATCH, to - n) }, (_, i) => instance(n + i))
    const lost = (await store.write(changes)).find(({ ok }) => !ok)
    if (lost !== undefined) throw new Error('An instance could not be loaded.')
  }
}

/** Ids that lie anywhere, as random ones do, but are known by their number. */
function idOf(n: number): string {
  const spread = (Math.imul(n, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')
  return `${spread}-${n}`
}

function instance(n: number): Change {
  const createdAt = FIRST + n * SECOND
  const { status, wakeAt, holder } = standing(n)
  const header: Header = {
    id: idOf(n),
    incarnation: `i${n}`,
    revision: 4,
    fence: 1,
    workflow: n % 1_000 === 7 ? RARE_WORKFLOW : WORKFLOW,
    version: 1,
    fingerprint: 'f'.repeat(32),
    status,
    holder,
    wakeAt,
    mailAppended: 1,
    mailHandled: 1,
    scope: 1,
    pass: status === 'running' ? 1 : 0,
    mode: 'parallel',
    settled: 2,
    rows: 2,
    claims: 0,
    cancelling: 0,
    token: `t${n}`,
    createdAt,
    updatedAt: createdAt,
  }
  const row = { scope: 1, inputs: [], startedAt: createdAt, endedAt: createdAt, note: null } as const
  const value = JSON.stringify({ n, s: 'x'.repeat(32) })
  return {
    expected: null,
    header,
    rows: [
      { ...row, seq: 1, place: '=Order', pass: 0, builder: null, data: 'Order', outcome: 'fed', value },
      {
        ...row,
        seq: 2,
        place: '#bill',
        pass: 1,
        builder: 'bill',
        data: 'Bill',
        outcome: 'produced',
        value,
        inputs: [1],
      },
    ],
  }
}

function standing(n: number): Pick<Header, 'status' | 'wakeAt' | 'holder'> {
  const later = Date.now() + 86_400_000
  const part = n % 1_000
  if (part === 1) return { status: RARE, wakeAt: null, holder: null }
  // Left behind by a process that died: due.
  if (part >= 10 && part < 20) return { status: 'running', wakeAt: FIRST + n, holder: 'dead' }
  if (part >= 20 && part < 40) return { status: 'running', wakeAt: later, holder: 'alive' }
  if (part >= 40 && part < 60) return { status: 'retrying', wakeAt: later, holder: null }
  if (part >= 60 && part < 150) return { status: 'waiting', wakeAt: null, holder: null }
  return { status: COMMON, wakeAt: null, holder: null }
}

interface Question {
  readonly name: string
  readonly ask: (store: DataStore, n: number) => Promise<number>
}

const list = async (store: DataStore, query: Omit<ListQuery, 'limit'>): Promise<number> =>
  (await store.list({ ...query, limit: PAGE })).items.length

/** Each answers how much it found, so that none is fast because it finds nothing. */
const QUESTIONS: readonly Question[] = [
  { name: 'get', ask: async (store, n) => ((await store.read(idOf(n))) === undefined ? 0 : 1) },
  {
    name: 'claim of 16',
    // With a lease that is over at once, so that none is used up.
    ask: async (store) => {
      const serves = [{ workflow: WORKFLOW, version: 1 }]
      return (await store.claim({ holder: 'bench', lease: 0, limit: 16, serves })).length
    },
  },
  {
    name: 'claim of one by id',
    ask: async (store, n) => {
      const ids = [idOf(n - (n % 1_000) + 30)]
      const serves = [{ workflow: WORKFLOW, version: 1 }]
      const found = await store.claim({ holder: 'bench', lease: LEASE_MS, limit: 1, serves, ids })
      // It is held by somebody: looking is what costs.
      return found.length === 0 ? 1 : 0
    },
  },
  {
    name: `page of '${COMMON}'`,
    ask: (store, n) => list(store, { status: COMMON, createdFrom: FIRST + (n >> 1) * SECOND }),
  },
  { name: `page of '${RARE}'`, ask: (store) => list(store, { status: RARE }) },
  { name: 'page of all', ask: (store, n) => list(store, { createdFrom: FIRST + (n >> 1) * SECOND }) },
  { name: 'page of the newest', ask: (store) => list(store, { order: 'newest' }) },
  { name: `page of the newest '${RARE}'`, ask: (store) => list(store, { status: RARE, order: 'newest' }) },
  { name: 'page of a rare workflow', ask: (store) => list(store, { workflow: RARE_WORKFLOW }) },
  {
    name: `page of a rare workflow, '${COMMON}'`,
    ask: (store) => list(store, { workflow: RARE_WORKFLOW, status: COMMON }),
  },
]

/** As long as the database has not looked at what came in. */
const BEFORE_STATISTICS: readonly Question[] = QUESTIONS.filter(({ name }) => name.startsWith('page')).map((one) => ({
  ...one,
  name: `${one.name}, no statistics yet`,
}))

/** What Postgres does by itself within a minute or so. SQLite never does. */
export async function gatherStatistics({ store, at, name }: Place): Promise<void> {
  if (store !== 'postgres') return
  const client = new pg.Client({ connectionString: at })
  await client.connect()
  await client.query(`ANALYZE ${name}.polaris_instances, ${name}.polaris_rows`).finally(() => client.end())
}

export interface Answer {
  readonly name: string
  readonly instances: number
  /** In ms. */
  readonly p50: number
  readonly p99: number
}

/** Asks each question so often, of instances here and there. */
export async function interrogate(
  store: DataStore,
  instances: number,
  times: number,
  questions: readonly Question[] = QUESTIONS,
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const { name, ask } of questions) {
    const took: number[] = []
    for (let i = -20; i < times; i++) {
      const n = Math.imul(i + 1_000, 0x9e3779b1) >>> 0
      const started = performance.now()
      const found = await ask(store, n % instances)
      if (i >= 0) took.push(performance.now() - started)
      if (found === 0) throw new Error(`${name} found nothing among ${instances}.`)
    }
    answers.push({ name, instances, p50: quantile(took, 0.5), p99: quantile(took, 0.99) })
  }
  return answers
}

interface MillionOptions {
  readonly json: boolean
  readonly store: 'sqlite' | 'postgres'
  readonly instances: number
}

const TIMES = 500
const ALLOWED_MS = 50

/** How long questions take as the table grows, and how the database goes about them. */
export async function benchMillion({ json, store: name, instances }: MillionOptions): Promise<void> {
  const { place, close } = await openPlace(name)
  const store = openStore(place)
  const answers: Answer[] = []
  const seconds: number[] = []
  let loaded = 0
  try {
    if (!json) console.log(`\n${name}\n${'  instances, question'.padEnd(44)}     p50 ms     p99 ms`)
    for (const part of [0.1, 0.5, 1]) {
      const wanted = Math.round(instances * part)
      const started = performance.now()
      await loadInstances(store, loaded, wanted)
      seconds.push((performance.now() - started) / 1e3)
      loaded = wanted
      const found = await interrogate(store, loaded, 20, name === 'postgres' ? BEFORE_STATISTICS : [])
      await gatherStatistics(place)
      found.push(...(await interrogate(store, loaded, TIMES)))
      if (!json) found.forEach(printAnswer)
      answers.push(...found)
    }
    await store.close()
    const plans = await plansOf(place, loaded)
    if (json)
      console.log(
        JSON.stringify({ date: new Date().toISOString(), node: process.version, store: name, answers, plans }),
      )
    else printEnd(answers, plans, seconds, instances)
  } finally {
    await store.close()
    await close()
  }
}

function printAnswer({ name, instances, p50, p99 }: Answer): void {
  console.log(`${`  ${instances}, ${name}`.padEnd(44)}${p50.toFixed(3).padStart(11)}${p99.toFixed(3).padStart(11)}`)
}

function printEnd(answers: readonly Answer[], plans: readonly string[], seconds: readonly number[], of: number): void {
  const loading = seconds.reduce((sum, one) => sum + one, 0)
  console.log(`\nLoaded in ${loading.toFixed(0)} s, ${Math.round(of / loading)} a second`)
  console.log('\nGrowth from a tenth to all, at p50')
  for (const { name } of [...QUESTIONS, ...BEFORE_STATISTICS]) {
    const all = answers.filter((answer) => answer.name === name)
    if (all.length === 0) continue
    const [first, last] = [all[0], all.at(-1)] as [Answer, Answer]
    const verdict = last.p99 < ALLOWED_MS ? 'yes' : 'NO '
    console.log(`  ${verdict}  ${name.padEnd(38)}${(last.p50 / first.p50).toFixed(2).padStart(9)}`)
  }
  console.log(`\nPlans\n${plans.join('\n\n')}`)
}

/** Asks everything once more, on a connection that tells how it goes about it; one text for each statement. */
export async function plansOf(place: Place, instances: number): Promise<string[]> {
  return place.store === 'sqlite' ? plansOfSqlite(place.at, instances) : plansOfPostgres(place, instances)
}

async function plansOfSqlite(file: string, instances: number): Promise<string[]> {
  const statements = new Set<string>()
  const listening: SqliteDriver = {
    DatabaseSync: class {
      private readonly db: SqliteDatabase
      constructor(path: string) {
        this.db = new driver.DatabaseSync(path)
      }
      exec(sql: string): void {
        this.db.exec(sql)
      }
      prepare(sql: string): SqliteStatement {
        if (/^\s*(SELECT|WITH)/.test(sql)) statements.add(sql)
        return this.db.prepare(sql)
      }
      close(): void {
        this.db.close()
      }
    },
  }
  const store = sqliteStore(file, { driver: () => listening })
  await interrogate(store, instances, 1)
  await store.close()
  const db = new driver.DatabaseSync(file)
  // The gate beside the file is opened by the same driver: its statements find no tables here.
  const plans = [...statements]
    .filter((sql) => sql.includes('polaris_'))
    .map((sql) => {
      const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { readonly detail: string }[]
      return `${sql.trim()}\n${steps.map(({ detail }) => `    ${detail}`).join('\n')}`
    })
  db.close()
  return plans
}

/** The statements within functions too: `auto_explain` tells them to whoever runs them. */
async function plansOfPostgres({ at, name: schema }: Place, instances: number): Promise<string[]> {
  const settings = {
    session_preload_libraries: 'auto_explain',
    client_min_messages: 'log',
    'auto_explain.log_min_duration': 0,
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_nested_statements': 'on',
  }
  const options = Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ')
  const pool = new pg.Pool({ connectionString: at, max: 1, options })
  const plans: string[] = []
  let question = ''
  pool.on('connect', (client) => {
    client.on('notice', ({ message = '' }) => {
      if (message.includes('plan:')) plans.push(`${question}\n${message.slice(message.indexOf('plan:') + 6)}`)
    })
  })
  const store = postgresStore({ pool, schema })
  try {
    for (const one of QUESTIONS) {
      question = one.name
      const before = plans.length
      await one.ask(store, instances >> 1)
      // What the first call does besides is its own matter.
      if (before === 0) plans.splice(0, plans.length - 1)
    }
  } catch (error) {
    plans.push(`No plans: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await store.close()
    await pool.end()
  }
  return plans
}
