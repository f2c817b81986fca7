// Rides by HTTP, so many at once, in a process of its own.
//
//   node http-load.js, then messages of LoadTask
import { performance } from 'node:perf_hooks'
import { dial } from './http-line.ts'
import { pathOf, REQUESTS } from './http-ride.ts'
import { quantile } from './measure.ts'

export interface LoadTask {
  readonly url: string
  readonly connections: number
  /** For how long rides are begun, in ms. Those under way are ended. */
  readonly ms: number
  /** What every id begins with. */
  readonly prefix: string
  /** So many rides are begun a second, if the service can keep up. Left out: as many as it can. */
  readonly perSecond?: number
  /** Rides that are fed besides, one after the other, so often a second all together. */
  readonly fed?: { readonly ids: readonly string[]; readonly perSecond: number }
}

export interface LoadReading {
  /** A second. */
  readonly rides: number
  /** How many it were. */
  readonly count: number
  /** Of one request, in ms. */
  readonly p50: number
  readonly p99: number
}

process.on('message', (task: LoadTask) => {
  load(task).then(
    (reading) => process.send?.({ reading }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})
process.once('disconnect', () => process.exit(0))
process.send?.({ ready: true })

async function load({ url, connections, ms, prefix, perSecond, fed }: LoadTask): Promise<LoadReading> {
  const took: number[] = []
  let rides = 0
  let next = 0
  const started = performance.now()
  const lane = async (): Promise<void> => {
    const line = await dial(new URL(url))
    while (performance.now() - started < ms) {
      const n = next++
      await turn(n, perSecond, started)
      const path = pathOf(`${prefix}-${n}`)
      for (const { name, body } of REQUESTS) {
        const began = performance.now()
        const { status } = await line.ask('POST', path, body)
        took.push(performance.now() - began)
        if (status !== 200) throw new Error(`${name} was answered with ${status}.`)
      }
      rides++
    }
    line.close()
  }
  const feeding = fed && keepFeeding(url, fed)
  await Promise.all(Array.from({ length: connections }, lane))
  const seconds = (performance.now() - started) / 1e3
  await feeding?.()
  return { rides: rides / seconds, count: rides, p50: quantile(took, 0.5), p99: quantile(took, 0.99) }
}

/** When the one of this number is due, at so many a second. What is late is made up for, so that blocks do equally much. */
async function turn(n: number, perSecond: number | undefined, started: number): Promise<void> {
  if (perSecond === undefined) return
  const early = started + (n * 1e3) / perSecond - performance.now()
  if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
}

const MOST_FEEDERS = 20

/** Feeds on until the answer is called. */
function keepFeeding(url: string, { ids, perSecond }: NonNullable<LoadTask['fed']>): () => Promise<void> {
  const started = performance.now()
  let over = false
  let next = 0
  const work = async (): Promise<void> => {
    const line = await dial(new URL(url))
    while (!over) {
      const n = next++
      await turn(n, perSecond, started)
      const { status } = await line.ask('POST', pathOf(ids[n % ids.length] ?? ''), REQUESTS[0].body)
      if (status !== 200) throw new Error(`A feed was answered with ${status}.`)
    }
    line.close()
  }
  // So many that one which waits for its answer holds up no other ride.
  const working = Promise.all(Array.from({ length: Math.min(ids.length, MOST_FEEDERS) }, work))
  working.catch(() => undefined)
  return async () => {
    over = true
    await working
  }
}
