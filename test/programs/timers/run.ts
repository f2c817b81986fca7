/** Timers in real processes and real time: what is due while nobody is there, what is due all at once, and who hangs. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Polaris } from 'polaris-workflow'
import { appendTo, readLines } from '../chaos/lines.ts'
import { openMedium } from '../chaos/servers.ts'
import { openStore } from '../chaos/settings.ts'
import type { Settings, StoreKind } from '../chaos/settings.ts'
import { Alarm, alarm, Job, jobs } from './flows.ts'

export interface RunOptions {
  readonly kind: StoreKind
  readonly url: string | undefined
  /** How many timers are due at once. */
  readonly timers: number
  /** In milliseconds. */
  readonly lease: number
  /** How long until they are due, in milliseconds: long enough to set them all. */
  readonly lead: number
  /** How long anything may take before it is given up, in milliseconds. */
  readonly patience: number
}

export interface Outcome {
  /** Milliseconds from the start of the first process to the timer that was due before. */
  readonly alone: number
  /** Milliseconds from the moment all are due, or set if that is later, until the last has gone off. */
  readonly crowd: number
  /** How many each process let go off. */
  readonly shares: Readonly<Record<string, number>>
  /** Milliseconds from the endless loop until the other process had done all jobs. */
  readonly takeover: number
  readonly problems: readonly string[]
}

interface Entry {
  readonly by: string
  readonly at: number
  readonly started?: number
  readonly heard?: string
  readonly done?: string
  readonly trapped?: string
  readonly trouble?: unknown
}

/** Sets the timers. What is due before it is set goes off there, at once. */
const FEEDER = 'feeder'
const WORKERS = ['walter', 'xenia', 'yann', 'zoe'] as const
const JOBS = 20
/** Longer than a worker waits before it looks again: whoever would let something go off a second time has done so. */
const LOOK_MS = 1_300
/** Requests of the process that sets the timers, at once. */
const FEEDING = 100

export async function run(options: RunOptions): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'polaris-timers-'))
  const medium = await openMedium(options.kind, folder, options.url)
  const settings: Settings = { place: medium.place, folder, workflows: 0, lease: options.lease }
  const lines = appendTo(join(folder, `books-${FEEDER}.jsonl`))
  const books = { name: FEEDER, add: (record: object) => lines.add({ ...record, by: FEEDER }) }
  const polaris = new Polaris({ store: openStore(medium.place), services: { books } }).register(alarm, jobs)
  const children = new Map<string, ChildProcess>()
  const stage: Stage = {
    ...{ options, polaris },
    start: (name) => void children.set(name, startWorker(settings, name)),
    entries: () => readLines(folder, 'books-') as Entry[],
    async kill() {
      for (const child of children.values()) await ended(child)
      children.clear()
    },
  }
  try {
    const alone = await oneAlone(stage)
    await stage.kill()
    const { crowd, shares } = await manyAtOnce(stage)
    await stage.kill()
    const takeover = await oneTrapped(stage)
    return { alone, crowd, shares, takeover, problems: await problemsOf(stage) }
  } finally {
    await stage.kill()
    await polaris.close()
    lines.close()
    await medium.dispose()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Stage {
  readonly options: RunOptions
  readonly polaris: Polaris<object>
  start(name: string): void
  entries(): Entry[]
  kill(): Promise<void>
}

/** A timer that is due while every process is down. */
async function oneAlone({ options, polaris, start, entries }: Stage): Promise<number> {
  const executor = polaris.executor()
  let id = ''
  for (let lead = 1_000; ; lead *= 2) {
    id = `alone-${lead}`
    const at = Date.now() + lead
    if ((await executor.parallel(alarm, id, Alarm({ at: new Date(at) }))).status === 'completed') continue
    await sleep(at - Date.now() + 100)
    break
  }
  const before = Date.now()
  for (const name of WORKERS) start(name)
  const heard = await until(options, () => entries().find((entry) => entry.heard === id), 'the timer goes off')
  await until(
    options,
    () => entries().filter(({ started }) => started !== undefined).length === 4 || undefined,
    'all are up',
  )
  await sleep(LOOK_MS)
  return heard.at - before
}

async function manyAtOnce({ options, polaris, start, entries }: Stage): Promise<Pick<Outcome, 'crowd' | 'shares'>> {
  for (const name of WORKERS) start(name)
  const due = Date.now() + options.lead
  const executor = polaris.executor()
  let next = 0
  const feed = async (): Promise<void> => {
    while (next < options.timers) await executor.parallel(alarm, `alarm-${next++}`, Alarm({ at: new Date(due) }))
  }
  await Promise.all(Array.from({ length: FEEDING }, feed))
  const begun = Math.max(due, Date.now())
  await sleep(begun - Date.now())
  const heard = (): Entry[] => entries().filter((entry) => entry.heard?.startsWith('alarm-') === true)
  await until(options, () => heard().length >= options.timers || undefined, 'all timers go off')
  await sleep(LOOK_MS)
  const all = heard()
  const shares = Object.fromEntries(
    [...WORKERS, FEEDER].map((name) => [name, all.filter(({ by }) => by === name).length]),
  )
  return { crowd: Math.max(...all.map(({ at }) => at)) - begun, shares }
}

/** One process never comes back from a builder; what it has taken is the others' after its lease. */
async function oneTrapped({ options, polaris, start, entries }: Stage): Promise<number> {
  const executor = polaris.executor()
  const ids = Array.from({ length: JOBS }, (_, index) => `job-${index}`)
  for (const id of ids) await executor.submit(jobs, id, Job(id === 'job-5' ? { trap: 'walter' } : {}))
  start('walter')
  const trapped = await until(options, () => entries().find((entry) => entry.trapped !== undefined), 'one is trapped')
  start('xenia')
  const done = (): Entry[] => entries().filter((entry) => entry.done !== undefined)
  await until(options, () => new Set(done().map((entry) => entry.done)).size === JOBS || undefined, 'the jobs are done')
  return Math.max(...done().map(({ at }) => at)) - trapped.at
}

/** What went off twice, or never, or is still open. */
async function problemsOf({ options, polaris, entries }: Stage): Promise<string[]> {
  const problems: string[] = []
  const counts = new Map<string, number>()
  for (const { heard } of entries()) if (heard !== undefined) counts.set(heard, (counts.get(heard) ?? 0) + 1)
  for (const [id, count] of counts) if (count !== 1) problems.push(`${id} was heard ${count} times`)
  for (const { trouble, by } of entries()) if (trouble !== undefined) problems.push(`${by}: ${JSON.stringify(trouble)}`)
  for (let attempt = 1; ; attempt++) {
    const open = await polaris.list({ status: ['running', 'waiting', 'retrying', 'failed'], limit: 10 })
    if (open.items.length === 0) return problems
    if (attempt === 20) return [...problems, ...open.items.map(({ id, status }) => `${id} is ${status}`)]
    await sleep(options.patience / 100)
  }
}

function startWorker(settings: Settings, name: string): ChildProcess {
  const program = fileURLToPath(new URL('./worker.js', import.meta.url))
  const env = { ...process.env, CHAOS_SETTINGS: JSON.stringify(settings), CHAOS_PART: JSON.stringify({ name }) }
  return spawn(process.execPath, ['--enable-source-maps', program], {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}

async function until<T>({ patience }: RunOptions, find: () => T | undefined, what: string): Promise<T> {
  for (const deadline = Date.now() + patience; ; await sleep(20)) {
    const found = find()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`It took more than ${patience} ms until ${what}.`)
  }
}
