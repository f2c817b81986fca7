import * as driver from '@photostructure/sqlite'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Polaris } from 'polaris-workflow'
import type { DataStore, Written } from 'polaris-workflow'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import { chain, feed } from './chains.ts'
import { median, quantile, time } from './measure.ts'
import type { Report } from './report.ts'

const IN_FLIGHT = 64
const ROUNDS = 7
/** About so long each part of a round takes, in ms. */
const PART = 500
/** What the event loop's delay is held against, in ns. */
const DELAY_BUDGET = 10e6
const TMPFS = 0x01021994

interface Part {
  /** Nanoseconds for one. */
  each: number[]
  /** How many a round does. */
  times: number
  run(times: number): Promise<void> | void
}

/**
 * Scopes of three builders in an SQLite file with WAL and synchronous=FULL, durability `'builder'`. Everything is in one
 * file, so that all sides pay for the same disk.
 */
export async function benchSqlite(report: Report): Promise<void> {
  const folder = mkdtempSync(join(realDisk(), 'polaris-bench-'))
  const file = join(folder, 'bench.db')
  const store = sqliteStore(file, { driver: () => driver })
  const single = oneByOne(sqliteStore(file, { driver: () => driver }))
  await store.list({ limit: 1 }) // The store makes the file: one that holds a table already is not its own.
  const raw = rawCommits(file)
  try {
    report.section(
      `SQLite, synchronous=FULL, scopes of 3 builders, in ${folder}`,
      'what the name says, in time for one',
    )
    await benchMany(report, store, single, raw.insert)
    await benchOne(report, store, raw.insert)
  } finally {
    raw.close()
    await store.close()
    await single.store.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function benchMany(
  report: Report,
  store: DataStore,
  single: ReturnType<typeof oneByOne>,
  insert: () => void,
): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const delays: number[] = []
  const grouped = part(async (times) => {
    delay.reset()
    delay.enable()
    await manyScopes(store, times)
    delay.disable()
    delays.push(delay.percentile(99))
  })
  let scopesRun = 0
  const ungrouped = part((times) => {
    scopesRun += times
    return manyScopes(single.store, times)
  })
  const commits = part((times) => {
    for (let i = 0; i < times; i++) insert()
  })
  const committed = single.changes()
  await alternate([grouped, ungrouped, commits])
  const perScope = (single.changes() - committed) / scopesRun

  report.figures(
    `${IN_FLIGHT} in flight, to one transaction per commit`,
    against(grouped.each, ungrouped.each),
    perSecond(grouped.each),
  )
  report.figures(
    'one transaction per commit, to raw one-row commits',
    against(
      ungrouped.each.map((each) => each / perScope),
      commits.each,
    ),
    `${perScope.toFixed(1)} commits a scope`,
  )
  report.figures(
    `${IN_FLIGHT} in flight, to one raw one-row commit`,
    against(grouped.each, commits.each),
    perSecond(commits.each),
  )
  const p99 = median(delays)
  report.line({
    name: 'event loop delay at p99, to 10 ms',
    ratio: p99 / DELAY_BUDGET,
    ours_ns: p99,
    reference_ns: DELAY_BUDGET,
  })
}

/** One scope at a time, each beside one raw commit. */
async function benchOne(report: Report, store: DataStore, insert: () => void): Promise<void> {
  const run = scopeRunner(store)
  const ours: number[] = []
  const reference: number[] = []
  for (let i = 0; i < 1500; i++) {
    const took = await time(() => run(), 1)
    const commit = await time(() => insert(), 1)
    if (i < 200) continue
    ours.push(took)
    reference.push(commit)
  }
  const p50 = median(ours)
  const commit = median(reference)
  report.line(
    { name: 'one at a time, p50, to one raw commit', ratio: p50 / commit, ours_ns: p50, reference_ns: commit },
    `p99 ${(quantile(ours, 0.99) / 1e6).toFixed(2)} ms`,
  )
}

function part(run: Part['run']): Part {
  return { each: [], times: 256, run }
}

/** Runs the parts in turn, round after round; the first rounds only find out how often each has to run. */
async function alternate(parts: readonly Part[]): Promise<void> {
  for (let round = -2; round < ROUNDS; round++) {
    for (const one of parts) {
      const each = (await time((times) => one.run(times), one.times)) / one.times
      if (round < 0) one.times = Math.max(IN_FLIGHT, Math.round((PART * 1e6) / each))
      else one.each.push(each)
    }
  }
}

function against(ours: readonly number[], reference: readonly number[]): Parameters<Report['figures']>[1] {
  const ratios = ours.map((each, i) => each / (reference[i] ?? NaN))
  return {
    ratio: median(ratios),
    min: Math.min(...ratios),
    max: Math.max(...ratios),
    ours: median(ours),
    reference: median(reference),
  }
}

function perSecond(each: readonly number[]): string {
  return `${Math.round(1e9 / median(each))} a second`
}

async function manyScopes(store: DataStore, times: number): Promise<void> {
  const run = scopeRunner(store)
  let left = times
  const lane = async (): Promise<void> => {
    while (left-- > 0) await run()
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
}

let instances = 0

/** Runs a scope of three builders on a fresh id each time. */
function scopeRunner(store: DataStore): () => Promise<void> {
  const { workflow, first } = chain(3, 'async')
  const executor = new Polaris({ store }).register(workflow).executor()
  return async () => {
    const n = ++instances
    const { status } = await executor.sequential(workflow, `bench-${n}`, feed(first, n))
    if (status !== 'completed') throw new Error(`A scope is ${status}.`)
  }
}

/** The same store with each change in a transaction of its own. */
function oneByOne(inner: DataStore): { readonly store: DataStore; changes(): number } {
  let count = 0
  const store: DataStore = {
    ...inner,
    async write(changes) {
      const written: Written[] = []
      for (const change of changes) {
        count++
        const answer = inner.write([change])
        written.push(...('then' in answer ? await answer : answer))
      }
      return written
    },
  }
  return { store, changes: () => count }
}

/** One-row commits in a table of their own, by a connection of their own with the same settings. */
function rawCommits(file: string): { insert: () => void; close: () => void } {
  const db = new driver.DatabaseSync(file)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  db.exec('CREATE TABLE bench_raw (id TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID')
  const statement = db.prepare('INSERT INTO bench_raw VALUES (?, ?)')
  const value = JSON.stringify({ n: 1, s: 'x'.repeat(32) })
  let count = 0
  return {
    insert: () => void statement.run(`raw-${++count}`, value),
    close: () => db.close(),
  }
}

/** The folder for temporary files, unless that is only memory. */
function realDisk(): string {
  return [process.env['POLARIS_BENCH_DIR'], tmpdir(), '/var/tmp', process.cwd()].find(
    (folder): folder is string => folder !== undefined && statfsSync(folder).type !== TMPFS,
  ) as string
}
