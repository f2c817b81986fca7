/** Rides a second by HTTP, beside a service written by hand that does the same inserts. */
import type { ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import type { LoadReading } from './http-load.ts'
import { end, startLoad, startService } from './http-processes.ts'
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
}

export const HTTP_DEFAULTS: HttpBenchOptions = {
  json: false,
  stores: ['sqlite', 'postgres'],
  connections: [1, 50],
  ms: 2_000,
  rounds: 5,
}

const SERVICES = ['ours', 'by-hand'] as const

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
  for (const store of options.stores) {
    const { place, close } = await openPlace(store)
    try {
      for (const connections of options.connections) {
        const result = await measure(place, connections, options)
        if (!options.json) print(result)
        results.push(result)
      }
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
      }),
    )
  }
}

/** In turn, round after round, so that what disturbs the machine disturbs both. */
async function measure(place: Place, connections: number, { ms, rounds }: HttpBenchOptions): Promise<Result> {
  const readings: Record<(typeof SERVICES)[number], LoadReading[]> = { ours: [], 'by-hand': [] }
  // New services for each setting, on places of their own: files grow.
  const own = {
    ...place,
    at: place.store === 'sqlite' ? `${place.at}.${connections}` : place.at,
    name: `${place.name}_${connections}`,
  }
  const children: ChildProcess[] = []
  try {
    const services = await Promise.all(
      SERVICES.map(async (name) => ({ name, url: (await startService(name, own, children)).url })),
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

function middle(readings: readonly LoadReading[]): LoadReading {
  const of = (key: keyof LoadReading): number => median(readings.map((reading) => reading[key]))
  return { rides: of('rides'), count: of('count'), p50: of('p50'), p99: of('p99') }
}

function print({ store, connections, ours, byHand, ratio }: Result): void {
  const side = ({ rides, p50, p99 }: LoadReading): string =>
    `${rides.toFixed(0).padStart(6)} rides/s, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`
  const name = `${store}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`
  console.log(`${name.padEnd(26)} ours ${side(ours)}; by hand ${side(byHand)}; ratio ${ratio.toFixed(2)}`)
}
