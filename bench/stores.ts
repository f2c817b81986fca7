import { execFileSync, fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { median } from './measure.ts'
import type { Reading, Task } from './stores-load.ts'
import { openPlace, STORES } from './stores-servers.ts'
import type { Place, StoreName } from './stores-servers.ts'

interface StoresOptions {
  readonly json: boolean
  readonly stores: readonly StoreName[]
  readonly peers: boolean
  /** For how long each contender runs in each round, in ms. */
  readonly ms: number
  readonly rounds: number
  readonly inFlight: readonly number[]
}

export const STORES_DEFAULTS: StoresOptions = {
  json: false,
  stores: STORES,
  peers: false,
  ms: 700,
  rounds: 3,
  inFlight: [1, 100, 1_000],
}

const LENGTHS = [3, 10] as const
const PEERS: Record<StoreName, string> = { sqlite: 'openworkflow', postgres: 'dbos', redis: 'bullmq' }

/** Whoever takes longer for a round is not asked again in the same setting. */
const SLOW_SECONDS = 4

/** What one contender came to in one setting: medians over the rounds. */
interface Result extends Reading {
  readonly store: StoreName
  readonly length: number
  readonly inFlight: number
  readonly contender: string
  /** Ours to theirs, in scopes a second of the same round. */
  readonly ratio: number
}

interface Setting {
  readonly store: StoreName
  readonly length: number
  readonly inFlight: number
}

interface Child {
  readonly name: string
  readonly ask: (task: Task) => Promise<Reading>
  close(): Promise<void>
}

/** Scopes of 3 and 10 builders on each store, beside the driver alone and, if wanted, the peers, all on the same server. */
export async function benchStores(options: StoresOptions): Promise<void> {
  const found: Result[] = []
  for (const store of options.stores) {
    const { place, close } = await openPlace(store)
    try {
      if (!options.json) printTitle(place)
      found.push(...(await measureStore(place, options)))
    } finally {
      await close()
    }
  }
  const goals = goalsOf(found)
  if (options.json) console.log(JSON.stringify({ ...circumstances(), results: found.map(rounded), goals }))
  else printGoals(goals)
}

async function measureStore(place: Place, options: StoresOptions): Promise<Result[]> {
  const { store } = place
  const children: Child[] = []
  const found: Result[] = []
  try {
    for (const name of ['ours', 'ours-named', 'raw-batched', 'raw-one']) children.push(await startOurs(name, place))
    if (options.peers) children.push(await startPeer(PEERS[store], place))
    // The compiler has seen enough of each before anything counts.
    for (const { ask } of children) await ask({ length: 10, inFlight: 100, batch: 50, ms: 2 * options.ms })
    for (const length of LENGTHS) {
      for (const inFlight of options.inFlight) {
        const results = await measureSetting(children, { store, length, inFlight }, options)
        if (!options.json) results.forEach(printResult)
        found.push(...results)
      }
    }
  } finally {
    await Promise.all(children.map((child) => child.close()))
  }
  return found
}

/** In turn, round after round, so that what disturbs the machine disturbs all of them. */
async function measureSetting(all: readonly Child[], setting: Setting, options: StoresOptions): Promise<Result[]> {
  const { length, inFlight } = setting
  const { ms, rounds } = options
  // What naming the request costs is asked where it costs most, and single rows do not belong to a length.
  const children = all.filter(
    ({ name }) => (name !== 'ours-named' || inFlight === 100) && (name !== 'raw-one' || length === 3),
  )
  const readings = new Map<string, Reading[]>(children.map(({ name }) => [name, []]))
  let batch = 1
  for (let round = -1; round < rounds; round++) {
    for (const { name, ask } of children) {
      const before = readings.get(name) ?? []
      // A thousand of the slow ones take a minute.
      if (before.some(({ done, scopes }) => done / scopes > SLOW_SECONDS)) continue
      const reading = await ask({ length, inFlight, batch, ms: name.startsWith('raw') ? ms / 2 : ms })
      if (name === 'ours') batch = batchOf(reading)
      if (round >= 0) before.push(reading)
    }
  }
  const ours = readings.get('ours') ?? []
  return children.map(({ name }) => ({ ...setting, contender: name, ...combined(readings.get(name) ?? [], ours) }))
}

function batchOf({ counts }: Reading): number {
  return counts === undefined ? 1 : Math.max(1, Math.round(counts.changes / counts.writes))
}

function combined(readings: readonly Reading[], ours: readonly Reading[]): Reading & { readonly ratio: number } {
  const middle = (pick: (reading: Reading) => number): number => median(readings.map(pick))
  const counts = readings.flatMap((reading) => reading.counts ?? [])
  const sum = (pick: (reading: (typeof counts)[number]) => number): number =>
    counts.reduce((total, one) => total + pick(one), 0)
  return {
    scopes: middle(({ scopes }) => scopes),
    p50: middle(({ p50 }) => p50),
    p99: middle(({ p99 }) => p99),
    done: readings.reduce((total, { done }) => total + done, 0),
    ...(counts.length > 0 && {
      counts: { calls: sum(({ calls }) => calls), writes: sum(({ writes }) => writes), changes: sum((c) => c.changes) },
    }),
    ratio: median(readings.map(({ scopes }, round) => (ours[round]?.scopes ?? NaN) / scopes)),
  }
}

function startOurs(name: string, place: Place): Promise<Child> {
  return start(name, fileURLToPath(new URL('./stores-contender.js', import.meta.url)), [name, JSON.stringify(place)])
}

function startPeer(name: string, place: Place): Promise<Child> {
  const script = fileURLToPath(new URL('../../bench/peers/durable.mjs', import.meta.url))
  // It uses node:sqlite, which Node 20 has not.
  const execPath = name === 'openworkflow' && process.version.startsWith('v20.') ? node22() : process.execPath
  return start(name, script, [name, JSON.stringify(place)], execPath)
}

function node22(): string {
  const args = ['--yes', '--package', 'node@22', '--', 'node', '-p', 'process.execPath']
  return execFileSync('npx', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}

async function start(name: string, script: string, args: string[], execPath = process.execPath): Promise<Child> {
  const env = { ...process.env, NODE_ENV: 'production' }
  // The one that standard output belongs to is this process.
  const child = fork(script, args, { execPath, env, execArgv: [], stdio: ['ignore', 2, 2, 'ipc'] })
  await answer(name, child)
  return {
    name,
    async ask(task) {
      child.send(task)
      const { reading } = await answer(name, child)
      if (reading === undefined) throw new Error(`${name} gave no answer.`)
      return reading
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

interface Answer {
  readonly reading?: Reading
  readonly error?: string
}

/** The next message, unless the process ends before. */
async function answer(name: string, child: ChildProcess): Promise<Answer> {
  const given = await new Promise<Answer>((resolve) => {
    const ended = (code: number | null): void => resolve({ error: `it ended with ${code ?? 'a signal'}.` })
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message as Answer)
    })
  })
  if (given.error !== undefined) throw new Error(`${name}: ${given.error}`)
  return given
}

interface Goal {
  readonly name: string
  readonly ratio: number
  readonly wanted: number
  readonly reached: boolean
}

/** What is to be reached, of what was measured. */
function goalsOf(found: readonly Result[]): Goal[] {
  const goals: Goal[] = []
  const add = (name: string, ratio: number, wanted: number, reached = ratio >= wanted): void =>
    void goals.push({ name, ratio: round(ratio), wanted, reached })
  for (const { store, length, inFlight, contender, ratio, p50 } of found) {
    const setting = `${store}, ${length} builders, ${inFlight} in flight`
    if (contender === 'raw-batched') add(`${setting}, to raw batched`, ratio, 0.3)
    if (contender === 'dbos' && inFlight === 100) add(`${setting}, to DBOS`, ratio, length === 3 ? 15 : 10)
    if (contender === 'openworkflow' && inFlight === 100) add(`${setting}, to OpenWorkflow`, ratio, 30)
    if (contender === 'bullmq' && inFlight === 100) add(`${setting}, to BullMQ`, ratio, 4)
    if (contender === 'dbos' && inFlight === 1) {
      const same = (one: Result): boolean => one.store === store && one.length === length && one.inFlight === inFlight
      const ours = found.find((one) => same(one) && one.contender === 'ours')?.p50 ?? NaN
      add(`${setting}, p50 to DBOS`, ours / p50, 0.5, ours / p50 <= 0.5)
    }
  }
  return goals
}

function circumstances(): object {
  return {
    date: new Date().toISOString(),
    node: process.version,
    cores: availableParallelism(),
    load: loadavg().map(round),
  }
}

/** What counts belong to is one scope. */
function rounded({ counts, scopes, p50, p99, ratio, ...rest }: Result): object {
  const numbers = { scopes_per_second: round(scopes), p50_ms: round(p50), p99_ms: round(p99), ours_to_it: round(ratio) }
  if (counts === undefined) return { ...rest, ...numbers }
  const { calls, writes, changes } = counts
  return {
    ...rest,
    ...numbers,
    round_trips_per_scope: round(calls / rest.done),
    commits_per_scope: round(changes / rest.done),
    changes_per_write: round(changes / writes),
  }
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}

function printTitle({ store }: Place): void {
  const titles = ['a second', 'p50 ms', 'p99 ms', 'calls', 'commits', 'batch', 'ours to it']
  console.log(
    `\n${store}\n${'  builders, in flight, contender'.padEnd(36)}${titles.map((title) => title.padStart(11)).join('')}`,
  )
}

function printResult({ length, inFlight, contender, scopes, p50, p99, done, counts, ratio }: Result): void {
  const { calls = NaN, writes = NaN, changes = NaN } = counts ?? {}
  const numbers = [scopes, p50, p99, calls / done, changes / done, changes / writes, ratio]
  const cells = numbers.map((value) => (Number.isNaN(value) ? '' : String(round(value))).padStart(11))
  console.log(`${`  ${length}, ${inFlight}, ${contender}`.padEnd(36)}${cells.join('')}`)
}

function printGoals(goals: readonly Goal[]): void {
  console.log('\nWhat is to be reached')
  for (const { name, ratio, wanted, reached } of goals) {
    console.log(`  ${reached ? 'yes' : 'NO '}  ${name.padEnd(56)}${String(ratio).padStart(9)}   of ${wanted}`)
  }
}
