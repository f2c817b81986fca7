/** What open pages of the dashboard cost a service under load: requests that it answers with them and without, in turn. */
import type { ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { LoadTask } from './http-load.ts'
import { dial } from './http-line.ts'
import { end, startLoad, startReader, startService } from './http-processes.ts'
import { pathOf, REQUESTS } from './http-ride.ts'
import { median } from './measure.ts'
import { openPlace } from './stores-servers.ts'
import type { Place, StoreName } from './stores-servers.ts'
import type { PagesReading, PagesTask } from './viewers-pages.ts'

interface ViewersBenchOptions {
  readonly json: boolean
  readonly stores: readonly Extract<StoreName, 'sqlite' | 'postgres'>[]
  readonly views: readonly View[]
  readonly viewers: number
  /** How long a block is, in ms. */
  readonly ms: number
  /** Of two pairs of blocks, each without viewers and with them. */
  readonly rounds: number
}

const CONNECTIONS = 50
/** A load that leaves the service time: the same in all blocks, however fast the machine is just now. */
const EASY_PER_SECOND = 200
/** What the viewers look at. Of rides that change, both blocks of a pair feed as many. */
const RIDES = {
  /** The overview, and no ride. */
  overview: { rides: 0, changesPerSecond: 0 },
  /** Each a ride of its own, which stands still. */
  still: { rides: Infinity, changesPerSecond: 0 },
  /** Each a ride of its own, which changes once a second. */
  changing: { rides: Infinity, changesPerSecond: 1 },
  /** All the same ride, which changes five times a second. */
  same: { rides: 1, changesPerSecond: 5 },
} as const
type View = keyof typeof RIDES
export const VIEWS = Object.keys(RIDES) as readonly View[]

export const VIEWERS_DEFAULTS: ViewersBenchOptions = {
  json: false,
  stores: ['sqlite', 'postgres'],
  views: VIEWS,
  viewers: 200,
  ms: 5_000,
  rounds: 3,
}

interface Block {
  /** A second. */
  readonly rides: number
  /** Milliseconds of CPU that the service takes in a second. */
  readonly cpu: number
}

interface Pair {
  readonly alone: Block
  readonly viewed: Block
  readonly seen: PagesReading
}

/** Medians over the rounds. */
interface Result {
  readonly store: StoreName
  readonly view: View
  readonly viewers: number
  /** Under a load that leaves the service time. */
  readonly alone: Block
  readonly viewed: Block
  /** What the viewers take of a second of CPU, under that load: so much of one that has nothing left is missing for others. */
  readonly cost: number
  /** Rides a second with all that the service can do, viewed to alone. What else the machine does disturbs this one more. */
  readonly ratio: number
  /** Of one viewer a second. */
  readonly events: number
  readonly requests: number
}

export async function benchViewers(options: ViewersBenchOptions): Promise<void> {
  const results: Result[] = []
  for (const store of options.stores) {
    const { place, close } = await openPlace(store)
    try {
      for (const view of options.views) {
        const result = await measure(place, view, options)
        if (!options.json) print(result)
        results.push(result)
      }
    } finally {
      await close()
    }
  }
  if (!options.json) return
  const machine = { date: new Date().toISOString(), node: process.version, cores: availableParallelism() }
  console.log(JSON.stringify({ ...machine, results }))
}

async function measure(place: Place, view: View, { viewers, ms, rounds }: ViewersBenchOptions): Promise<Result> {
  const n = VIEWS.indexOf(view)
  const own = {
    ...place,
    at: place.store === 'sqlite' ? `${place.at}.${n}` : place.at,
    name: `${place.name}_${n}`,
  }
  const children: ChildProcess[] = []
  const easy: Pair[] = []
  const full: Pair[] = []
  try {
    const service = await startService('ours', own, children)
    const { url } = service
    const load = await startLoad(children)
    const show = await startReader<PagesTask, PagesReading>('./viewers-pages.js', children)
    const ids = Array.from({ length: Math.min(viewers, RIDES[view].rides) }, (_, k) => `watched-${k}`)
    await begin(url, ids)
    const perSecond = RIDES[view].changesPerSecond * ids.length
    const common = { url, connections: CONNECTIONS, ms, ...(perSecond > 0 && { fed: { ids, perSecond } }) }
    const block = async (task: LoadTask): Promise<Block> => {
      const [before, started] = [await service.cpu(), performance.now()]
      const { rides } = await load(task)
      return { rides, cpu: ((await service.cpu()) - before) / ((performance.now() - started) / 1e3) }
    }
    const pages = pagesOf(url, ids, viewers)
    const pair = async (prefix: string, viewedFirst: boolean, pace: Pick<LoadTask, 'perSecond'>): Promise<Pair> => {
      const alone = async (): Promise<Block> => {
        await show({ open: { url, instances: [], overviews: 0 } })
        return block({ ...common, ...pace, prefix: `${prefix}-alone` })
      }
      const first = viewedFirst ? undefined : await alone()
      // What pages ask for as they open is not what is measured.
      await show({ open: pages })
      const viewed = await block({ ...common, ...pace, prefix: `${prefix}-viewed` })
      const seen = await show({})
      return { alone: first ?? (await alone()), viewed, seen }
    }
    await pair('warm', false, {})
    // Who is first changes from round to round: the store grows all the while.
    for (let round = 0; round < rounds; round++) {
      easy.push(await pair(`easy-${round}`, round % 2 === 1, { perSecond: EASY_PER_SECOND }))
      full.push(await pair(`full-${round}`, round % 2 === 1, {}))
    }
  } finally {
    await Promise.all(children.map(end))
  }
  return { store: place.store, view, viewers, ...summed(easy, full, (viewers * ms) / 1e3) }
}

function pagesOf(url: string, ids: readonly string[], viewers: number): NonNullable<PagesTask['open']> {
  if (ids.length === 0) return { url, instances: [], overviews: viewers }
  return { url, instances: Array.from({ length: viewers }, (_, k) => ids[k % ids.length] ?? ''), overviews: 0 }
}

/** @param seconds of all viewers together, in one block */
function summed(
  easy: readonly Pair[],
  full: readonly Pair[],
  seconds: number,
): Omit<Result, 'store' | 'view' | 'viewers'> {
  const middle = (of: (pair: Pair) => number, pairs = easy): number => median(pairs.map(of))
  return {
    alone: { rides: middle(({ alone }) => alone.rides), cpu: middle(({ alone }) => alone.cpu) },
    viewed: { rides: middle(({ viewed }) => viewed.rides), cpu: middle(({ viewed }) => viewed.cpu) },
    // Where the machine was too busy for the load, for as many rides as there were.
    cost: middle(({ alone, viewed }) => (viewed.cpu - (alone.cpu * viewed.rides) / alone.rides) / 1e3),
    ratio: middle(({ alone, viewed }) => viewed.rides / alone.rides, full),
    events: middle(({ seen }) => seen.events) / seconds,
    requests: middle(({ seen }) => seen.requests) / seconds,
  }
}

/** So that there is something to look at. */
async function begin(url: string, ids: readonly string[]): Promise<void> {
  const line = await dial(new URL(url))
  for (const id of ids) await line.ask('POST', pathOf(id), REQUESTS[0].body)
  line.close()
}

function print({ store, view, viewers, alone, viewed, cost, ratio, events, requests }: Result): void {
  const side = ({ rides, cpu }: Block): string =>
    `${cpu.toFixed(0).padStart(4)} ms CPU/s at ${rides.toFixed(0)} rides/s`
  const each = `each gets ${events.toFixed(2)} events/s and asks ${requests.toFixed(2)} times/s`
  console.log(
    `${store.padEnd(9)}${view.padEnd(10)}${side(alone)} alone, ${side(viewed)} with ${viewers} viewers, who cost ` +
      `${(100 * cost).toFixed(1)} % of a core; ratio of rides at full speed ${ratio.toFixed(2)}; ${each}`,
  )
}
