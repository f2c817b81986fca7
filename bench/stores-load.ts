/** What a contender of the bench of stores is, and how it is put under load. */
import { performance } from 'node:perf_hooks'
import { quantile } from './measure.ts'

export interface Task {
  /** Builders of a scope, or steps of whatever the contender calls it. */
  readonly length: number
  readonly inFlight: number
  /** For how long new ones are begun, in ms. Those under way are waited for. */
  readonly ms: number
  /** How many changes one batch has, where the contender is told. */
  readonly batch?: number
}

/** What went to the store meanwhile. */
export interface Counts {
  /** Calls of the store that go to its server. */
  readonly calls: number
  readonly writes: number
  readonly changes: number
}

export interface Reading {
  /** A second. */
  readonly scopes: number
  /** Of one, in ms. */
  readonly p50: number
  readonly p99: number
  /** How many it were. */
  readonly done: number
  readonly counts?: Counts
}

export interface Load {
  readonly run: () => Promise<void> | void
  /** How many scopes one run is. Default 1. */
  readonly scopes?: number
  /** Default: those of the task. */
  readonly inFlight?: number
}

export interface Contender {
  /** What is done again and again. */
  load(task: Task): Load
  /** Since it was called last. */
  readonly counts?: () => Counts
  close(): Promise<void> | void
}

/** Keeps so many under way for a while. */
async function putUnderLoad(contender: Contender, task: Task): Promise<Reading> {
  const { run, scopes = 1, inFlight = task.inFlight } = contender.load(task)
  const took: number[] = []
  contender.counts?.()
  const started = performance.now()
  const end = started + task.ms
  const lane = async (): Promise<void> => {
    let began = performance.now()
    // Each at least once: 1,000 in flight may take longer than there is time.
    do {
      const running = run()
      if (running !== undefined) await running
      const ended = performance.now()
      took.push(ended - began)
      began = ended
    } while (began < end)
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  const seconds = (performance.now() - started) / 1e3
  const done = took.length * scopes
  const counts = contender.counts?.()
  return {
    scopes: done / seconds,
    p50: quantile(took, 0.5),
    p99: quantile(took, 0.99),
    done,
    ...(counts !== undefined && { counts }),
  }
}

/** Does the tasks that the parent process sends, one at a time; ends with the parent. */
export function serve(contender: Contender): void {
  const send = (message: unknown): void => void process.send?.(message)
  process.on('message', (task: Task) => {
    putUnderLoad(contender, task).then(
      (reading) => send({ reading }),
      (error: unknown) => send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    )
  })
  process.once('disconnect', () => {
    setTimeout(() => process.exit(1), 10_000).unref()
    Promise.resolve(contender.close()).then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
  send({ ready: true })
}
