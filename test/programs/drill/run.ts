/** A deploy under load, taken back half way, and made again; then every instance is compared with what was forecast. */
import type { Polaris, UpgradeReport } from 'polaris-workflow'
import { each } from './each.ts'
import { Fleet } from './fleet.ts'
import type { Answer, Request } from './fleet.ts'
import { startLoad } from './load.ts'
import { codeOf, customer, open, Order } from './orders.ts'
import type { Customer, Place } from './orders.ts'
import { verify } from './verify.ts'
import type { Told } from './verify.ts'

export interface DrillOptions {
  readonly place: Place
  /** Open instances before the deploy. */
  readonly instances: number
  /** At most so many requests at once, and so many a second. */
  readonly concurrency: number
  readonly rate: number
  readonly onProgress: (words: string) => void
}

export interface Outcome {
  readonly problems: readonly string[]
  readonly instances: number
  readonly began: number
  readonly requests: number
  readonly refusals: number
  readonly resent: number
  readonly putOff: number
  readonly forecast: { readonly move: number; readonly stay: number }
  readonly movedByLoad: number
  readonly movedAtEnd: number
  readonly stayed: number
  readonly completed: { readonly v1: number; readonly v2: number }
  readonly seconds: {
    readonly begin: number
    readonly forecast: number
    readonly deploy: number
    readonly upgrade: number
  }
  /** How many requests were answered when each process had been replaced. */
  readonly answeredAt: readonly number[]
}

/** How the three processes are replaced: a deploy up to the second, all of it taken back, and the whole again. */
const STEPS: readonly (readonly [from: 1 | 2, to: 1 | 2])[] = [
  ...([
    [1, 2],
    [1, 2],
  ] as const),
  ...([
    [2, 1],
    [2, 1],
  ] as const),
  ...([
    [1, 2],
    [1, 2],
    [1, 2],
  ] as const),
]

export async function drill({ place, instances, concurrency, rate, onProgress }: DrillOptions): Promise<Outcome> {
  const clock = stopwatch()
  const told = new Map<string, Told>()
  const polaris = open(place, 2)
  await begin(place, instances, told)
  onProgress(`${instances} instances begun`)
  const beginning = clock()
  const forecast = await forecastAll(polaris, told)
  onProgress(`forecast: ${forecast.move} move, ${forecast.stay} stay`)
  const forecasting = clock()
  const fleet = new Fleet(place)
  for (let i = 0; i < 3; i++) await fleet.add(1)
  const requests = requestsFor(instances)
  const early: string[] = []
  let isOver = false
  const answeredAt: number[] = []
  const load = startLoad(fleet, requests, { concurrency, rate }, (request, answer) => {
    note(told, request)
    if (isFirst(request) && answer.version === 2 && !isOver) early.push(request.id)
  })
  for (const [i, [from, to]] of STEPS.entries()) {
    const enough = (requests.length * (i + 1)) / (STEPS.length + 2)
    while (load.done < enough && !load.isDry) await new Promise((resolve) => setTimeout(resolve, 10))
    // From the moment the last process of the old code is asked to end, new instances may begin on the newer version.
    if (i === STEPS.length - 1) isOver = true
    await fleet.replace(from, to)
    answeredAt.push(load.done)
    onProgress(`serving ${fleet.generations.join(', ')} after ${load.done} answers`)
  }
  await load.finished
  const deploying = clock()
  const latest = await beginsOn2(fleet, told)
  const movedByLoad = await count(polaris, told)
  const report = await polaris.upgrade({ workflow: 'order' })
  onProgress(`${report.moved} moved at the end`)
  const upgrading = clock()
  await fleet.end()
  const found = await verify(place, polaris, told)
  const problems = [
    ...load.problems,
    ...early.map((id) => `${id} began on version 2 while a process did not serve it`),
    ...latest,
    ...reportProblems(report),
    ...found.problems,
  ]
  await polaris.close()
  return {
    ...{
      problems,
      instances,
      began: told.size - instances,
      requests: requests.length,
      refusals: fleet.refusals,
      resent: fleet.resent,
    },
    ...{ putOff: load.putOff, forecast, movedByLoad, movedAtEnd: report.moved, stayed: found.stayed },
    completed: found.completed,
    seconds: { begin: beginning, forecast: forecasting, deploy: deploying, upgrade: upgrading },
    answeredAt,
  }
}

async function begin(place: Place, instances: number, told: Map<string, Told>): Promise<void> {
  const old = open(place, 1)
  await each(
    Array.from({ length: instances }, (_, i) => i),
    64,
    async (i) => {
      const id = `order-${i}`
      told.set(id, { customer: customer(i), done: false, pings: 0 })
      await old.executor().parallel('order', id, Order(customer(i)))
    },
  )
  await old.close()
}

async function forecastAll(polaris: Polaris, told: Map<string, Told>): Promise<Outcome['forecast']> {
  const report = await polaris.check(codeOf(2))
  await each([...told.keys()], 32, async (id) => {
    const forecast = await polaris.preview(id)
    if (forecast !== undefined) told.set(id, { ...(told.get(id) as Told), forecast })
  })
  const [version] = report.workflows[0]?.versions ?? []
  return { move: version?.move ?? 0, stay: version?.stay ?? 0 }
}

/** To every fourth instance the end, to every fourth two pings, and a new one for every eighth. */
function requestsFor(instances: number): Request[] {
  const requests: Request[] = []
  for (let i = 0; i < instances; i++) {
    const id = `order-${i}`
    if (i % 4 === 0) requests.push({ id, key: `done-${i}`, body: { Done: true } })
    if (i % 4 === 1) for (const n of [1, 2]) requests.push({ id, key: `ping-${i}-${n}`, body: { Ping: 10 * i + n } })
    if (i % 8 === 2) requests.push({ id: `late-${i}`, key: `late-${i}`, body: { Order: customer(i) } })
  }
  // The same each time, and in no order that instances have.
  const weight = (key: string): number => [...key].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 65_521, 7)
  return requests.sort((a, b) => weight(a.key) - weight(b.key))
}

function isFirst({ key }: Request): boolean {
  return key.startsWith('late')
}

function note(told: Map<string, Told>, { id, body }: Request): void {
  const { Order, Ping, Done } = body as { Order?: Customer; Ping?: number; Done?: true }
  if (Order !== undefined) told.set(id, { customer: Order, done: false, pings: 0 })
  const about = told.get(id)
  if (about === undefined) return
  if (Done !== undefined) about.done = true
  if (Ping === undefined) return
  about.pings++
  about.ping = Ping
}

/** Soon after the deploy, new instances begin on the newer version. */
async function beginsOn2(fleet: Fleet, told: Map<string, Told>): Promise<string[]> {
  for (let i = 0; i < 100; i++) {
    const request = { id: `latest-${i}`, key: `latest-${i}`, body: { Order: customer(i) } }
    const answer: Answer | undefined = await fleet.ask(request)
    note(told, request)
    if (answer?.version === 2) return []
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  return ['30 s after the deploy new instances still begin on version 1']
}

async function count(polaris: Polaris, told: ReadonlyMap<string, Told>): Promise<number> {
  let moved = 0
  await each([...told], 32, async ([id, { forecast }]) => {
    if (forecast !== undefined && (await polaris.summary(id))?.version === 2) moved++
  })
  return moved
}

function reportProblems({ busy, failed }: UpgradeReport): string[] {
  return busy + failed === 0 ? [] : [`of those moved at the end ${failed} failed, and ${busy} were busy`]
}

function stopwatch(): () => number {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const seconds = (now - last) / 1_000
    last = now
    return seconds
  }
}
