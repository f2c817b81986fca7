/** Rides a second by HTTP, beside a service written by hand that does the same inserts. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { LoadReading, LoadTask } from './http-load.ts'
import type { ViewersTask } from './http-viewers.ts'
import { median } from './measure.ts'
import { openPlace } from './stores-servers.ts'
import type { Place, StoreName } from './stores-servers.ts'

interface HttpBenchOptions {
  readonly json: boolean
  readonly stores: readonly Extract<StoreName, 'sqlite' | 'postgres'>[]
  readonly connections: readonly number[]
  /** For how long each service is under load in each round, in ms. */
  readonly ms: number
  readonly rounds: number
  /** Event streams that are open besides, in the part that measures what they cost. */
  readonly viewers: number
}

export const HTTP_DEFAULTS: HttpBenchOptions = {
  json: false,
  stores: ['sqlite', 'postgres'],
  connections: [1, 50],
  ms: 2_000,
  rounds: 5,
  viewers: 200,
}

const SERVICES = ['ours', 'by-hand'] as const
type Service = (typeof SERVICES)[number]

/** Medians over the rounds. */
interface Result {
  readonly store: StoreName
  readonly connections: number
  readonly ours: LoadReading
  readonly byHand: LoadReading
  /** Ours to the one by hand, in rides a second of the same round. */
  readonly ratio: number
}

export async function benchHttp(options: HttpBenchOptions): Promise<void> {
  const results: Result[] = []
  const views: Viewed[] = []
  for (const store of options.stores) {
    const { place, close } = await openPlace(store)
    try {
      for (const connections of options.connections) {
        const result = await measure(place, connections, options)
        if (!options.json) print(result)
        results.push(result)
      }
      const watched = await measureViewers(place, Math.max(...options.connections), options)
      if (!options.json) printViewed(watched)
      views.push(watched)
    } finally {
      await close()
    }
  }
  if (options.json) {
    console.log(
      JSON.stringify({
        date: new Date().toISOString(),
        node: process.version,
        cores: availableParallelism(),
        results,
        views,
      }),
    )
  }
}

/** In turn, round after round, so that what disturbs the machine disturbs both. */
async function measure(place: Place, connections: number, { ms, rounds }: HttpBenchOptions): Promise<Result> {
  const readings: Record<Service, LoadReading[]> = { ours: [], 'by-hand': [] }
  // New services for each setting, on places of their own: files grow.
  const own = {
    ...place,
    at: place.store === 'sqlite' ? `${place.at}.${connections}` : place.at,
    name: `${place.name}_${connections}`,
  }
  const children: ChildProcess[] = []
  try {
    const services = await Promise.all(
      SERVICES.map(async (name) => ({ name, url: await startService(name, own, children) })),
    )
    const load = await startLoad(children)
    for (let round = -1; round < rounds; round++) {
      for (const { name, url } of services) {
        const reading = await load({ url, connections, ms, prefix: `r${round + 1}` })
        if (round >= 0) readings[name].push(reading)
      }
    }
  } finally {
    await Promise.all(children.map(end))
  }
  const ratios = readings.ours.map(({ rides }, round) => rides / (readings['by-hand'][round]?.rides ?? NaN))
  const { ours, 'by-hand': byHand } = readings
  return { store: place.store, connections, ours: middle(ours), byHand: middle(byHand), ratio: median(ratios) }
}

/** Rides a second of our service without viewers and with them, in turn. */
interface Viewed {
  readonly store: StoreName
  readonly connections: number
  readonly viewers: number
  readonly alone: number
  readonly viewed: number
  /** With viewers to without, in rides a second of the same round. */
  readonly ratio: number
}

async function measureViewers(
  place: Place,
  connections: number,
  { ms, rounds, viewers }: HttpBenchOptions,
): Promise<Viewed> {
  const own = { ...place, at: place.store === 'sqlite' ? `${place.at}.viewed` : place.at, name: `${place.name}_viewed` }
  const children: ChildProcess[] = []
  const readings: { readonly alone: number; readonly viewed: number }[] = []
  try {
    const url = await startService('ours', own, children)
    const load = await startLoad(children)
    const view = await startViewers(children)
    for (let round = -1; round < rounds; round++) {
      const prefix = `r${round + 1}`
      const alone = (await load({ url, connections, ms, prefix: `${prefix}a` })).rides
      const rides = Math.max(1, Math.floor((alone * ms) / 1e3))
      await view({ url, ids: Array.from({ length: viewers }, (_, n) => `${prefix}a-${n % rides}`) })
      const viewed = (await load({ url, connections, ms, prefix: `${prefix}b` })).rides
      await view({})
      if (round >= 0) readings.push({ alone, viewed })
    }
  } finally {
    await Promise.all(children.map(end))
  }
  return {
    ...{ store: place.store, connections, viewers },
    alone: median(readings.map(({ alone }) => alone)),
    viewed: median(readings.map(({ viewed }) => viewed)),
    ratio: median(readings.map(({ alone, viewed }) => viewed / alone)),
  }
}

async function startViewers(children: ChildProcess[]): Promise<(task: ViewersTask) => Promise<void>> {
  const child = started('./http-viewers.js', [], children)
  await answerOf(child)
  return async (task) => {
    child.send(task)
    const { error } = await answerOf<{ readonly error?: string }>(child)
    if (error !== undefined) throw new Error(error)
  }
}

function printViewed({ store, connections, viewers, alone, viewed, ratio }: Viewed): void {
  const name = `${store}, ${connections} connections`
  console.log(
    `${name.padEnd(26)} ours ${alone.toFixed(0)} rides/s alone, ${viewed.toFixed(0)} with ${viewers} viewers; ratio ${ratio.toFixed(2)}`,
  )
}

function middle(readings: readonly LoadReading[]): LoadReading {
  const of = (key: keyof LoadReading): number => median(readings.map((reading) => reading[key]))
  return { rides: of('rides'), p50: of('p50'), p99: of('p99') }
}

async function startService(name: Service, place: Place, children: ChildProcess[]): Promise<string> {
  const child = started('./http-service.js', [name, JSON.stringify(place)], children)
  const { url } = await answerOf<{ readonly url: string }>(child)
  return url
}

async function startLoad(children: ChildProcess[]): Promise<(task: LoadTask) => Promise<LoadReading>> {
  const child = started('./http-load.js', [], children)
  await answerOf(child)
  return async (task) => {
    child.send(task)
    const { reading, error } = await answerOf<{ readonly reading: LoadReading; readonly error?: string }>(child)
    if (error !== undefined) throw new Error(error)
    return reading
  }
}

function started(script: string, args: string[], children: ChildProcess[]): ChildProcess {
  const env = { ...process.env, NODE_ENV: 'production' }
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    env,
    execArgv: [],
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  children.push(child)
  return child
}

/** The next message, unless the process ends before. */
function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('A process of the bench ended before it was done.'))
    child.once('exit', gone)
    child.once('message', (message) => {
      child.off('exit', gone)
      resolve(message as T)
    })
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  if (child.connected) child.disconnect()
  await ended
}

function print({ store, connections, ours, byHand, ratio }: Result): void {
  const side = ({ rides, p50, p99 }: LoadReading): string =>
    `${rides.toFixed(0).padStart(6)} rides/s, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`
  const name = `${store}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`
  console.log(`${name.padEnd(26)} ours ${side(ours)}; by hand ${side(byHand)}; ratio ${ratio.toFixed(2)}`)
}
