// Open pages of the dashboard, in a process of their own. Each asks as the dashboard does: the page of an instance has an event
// stream, and asks for the instance whenever something has happened (its history comes with the events); the overview asks every five seconds.
//
//   node viewers-pages.js, then messages of PagesTask
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { dial, requestOf } from './http-line.ts'
import type { Line } from './http-line.ts'

export interface PagesTask {
  /** Instead of those that are open. Left out: these stay. */
  readonly open?: {
    readonly url: string
    /** One page each. */
    readonly instances: readonly string[]
    readonly overviews: number
  }
}

export interface PagesReading {
  /** Since the answer before. */
  readonly events: number
  readonly requests: number
}

const OVERVIEW_EVERY_MS = 5_000
const OVERVIEW = ['/api/overview', '/api/instances?status=failed%2Cretrying&limit=8']

const streams: Socket[] = []
const lines: Line[] = []
const timers: NodeJS.Timeout[] = []
let [events, requests] = [0, 0]

process.on('message', ({ open }: PagesTask) => {
  const reading: PagesReading = { events, requests }
  const opened = open === undefined ? Promise.resolve() : show(open)
  opened.then(
    () => {
      ;[events, requests] = [0, 0]
      process.send?.({ reading })
    },
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})
process.once('disconnect', () => process.exit(0))
process.send?.({ ready: true })

async function show({ url: base, instances, overviews }: NonNullable<PagesTask['open']>): Promise<void> {
  for (const timer of timers.splice(0)) clearTimeout(timer)
  for (const socket of streams.splice(0)) socket.destroy()
  for (const line of lines.splice(0)) line.close()
  const url = new URL(base)
  await Promise.all([
    ...instances.map((id) => instancePage(url, id)),
    ...Array.from({ length: overviews }, (_, n) => overviewPage(url, n / overviews)),
  ])
}

async function lineTo(url: URL): Promise<Line> {
  const line = await dial(url)
  lines.push(line)
  return line
}

async function get(line: Line, path: string): Promise<string> {
  requests++
  const { status, body } = await line.ask('GET', path)
  if (status !== 200) throw new Error(`GET ${path} was answered with ${status}.`)
  return body
}

/** @param part of the pause between two answers at which it asks: not all at once */
async function overviewPage(url: URL, part: number): Promise<void> {
  const line = await lineTo(url)
  const ask = async (): Promise<void> => {
    for (const path of OVERVIEW) await get(line, path)
  }
  const again = (ms: number): void => {
    timers.push(setTimeout(() => void ask().then(() => again(OVERVIEW_EVERY_MS)), ms))
  }
  await ask()
  again(part * OVERVIEW_EVERY_MS)
}

/** Resolves once the first event is there and answered. */
async function instancePage(url: URL, id: string): Promise<void> {
  let line: Promise<Line> | undefined
  const path = `/api/instances/${encodeURIComponent(id)}`
  // As a browser does: a line on which nothing is asked for long is closed by the service.
  const look = async (): Promise<unknown> => get(await (line ??= lineTo(url)), `${path}?explain=true`)
  let looking: Promise<void> | undefined
  let more = false
  const changed = (): Promise<void> => {
    more = true
    return (looking ??= (async () => {
      for (; more; await look()) more = false
      looking = undefined
    })())
  }
  await new Promise<void>((resolve, reject) => {
    const socket = connect(Number(url.port), '127.0.0.1')
    streams.push(socket)
    socket.write(requestOf('GET', `${path}/events`, url.host))
    socket.on('error', reject)
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      const came = chunk.split('event: change').length - 1
      events += came
      if (came > 0) changed().then(resolve, reject)
    })
  })
}
