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

const SERVICES = ['ours', 'ours-scope', 'by-hand'] as const
type Service = (typeof SERVICES)[number]

/** Medians over the rounds. */
interface Side extends LoadReading {
  /** Microseconds of the service's CPU for a ride. */
  readonly cpu: number
  /** To the one by hand, in rides a second of the same round. */
  readonly ratio: number
}

interface Result {
  readonly store: StoreName
  readonly connections: number
  readonly sides: Readonly<Record<Service, Side>>
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
  const readings: Record<Service, Omit<Side, 'ratio'>[]> = { ours: [], 'ours-scope': [], 'by-hand': [] }
  // New services for each setting, on places of their own: files grow.
  const own = {
    ...place,
    at: place.store === 'sqlite' ? `${place.at}.${connections}` : place.at,
    name: `${place.name}_${connections}`,
  }
  const children: ChildProcess[] = []
  try {
    const services = await Promise.all(
      SERVICES.map(async (name) => {
        // The two of ours must not find each other's instances.
        const apart = name === 'ours-scope' ? { ...own, at: sibling(own), name: `${own.name}_scope` } : own
        return { name, service: await startService(name, apart, children) }
      }),
    )
    const load = await startLoad(children)
    for (let round = -1; round < rounds; round++) {
      for (const { name, service } of services) {
        const before = await service.cpu()
        const reading = await load({ url: service.url, connections, ms, prefix: `r${round + 1}` })
        const cpu = (((await service.cpu()) - before) * 1e3) / reading.count
        if (round >= 0) readings[name].push({ ...reading, cpu })
      }
    }
  } finally {
    await Promise.all(children.map(end))
  }
  const side = (name: Service): Side => {
    const of = (key: keyof Omit<Side, 'ratio'>): number => median(readings[name].map((reading) => reading[key]))
    const ratios = readings[name].map(({ rides }, round) => rides / (readings['by-hand'][round]?.rides ?? NaN))
    return {
      rides: of('rides'),
      count: of('count'),
      p50: of('p50'),
      p99: of('p99'),
      cpu: of('cpu'),
      ratio: median(ratios),
    }
  }
  const sides = { ours: side('ours'), 'ours-scope': side('ours-scope'), 'by-hand': side('by-hand') }
  return { store: place.store, connections, sides }
}

function sibling({ store, at }: Place): string {
  return store === 'sqlite' ? `${at}.scope` : at
}

function print({ store, connections, sides }: Result): void {
  console.log(`${store}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`)
  for (const name of SERVICES) {
    const { rides, p50, p99, cpu, ratio } = sides[name]
    const times = `p50 ${p50.toFixed(2).padStart(6)} ms  p99 ${p99.toFixed(2).padStart(7)} ms`
    const said = `${rides.toFixed(0).padStart(6)} rides/s  ${times}  ${cpu.toFixed(0).padStart(5)} µs CPU a ride`
    console.log(`  ${name.padEnd(10)} ${said}  ratio ${ratio.toFixed(2)}`)
  }
}
