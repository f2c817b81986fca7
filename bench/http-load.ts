// Rides by HTTP, so many at once, in a process of its own.
//
//   node http-load.js, then messages { url, connections, ms, prefix }
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { pathOf, REQUESTS, TOKEN } from './http-ride.ts'
import { quantile } from './measure.ts'

export interface LoadTask {
  readonly url: string
  readonly connections: number
  /** For how long rides are begun, in ms. Those under way are ended. */
  readonly ms: number
  /** What every id begins with. */
  readonly prefix: string
}

export interface LoadReading {
  /** A second. */
  readonly rides: number
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

async function load({ url, connections, ms, prefix }: LoadTask): Promise<LoadReading> {
  const { port, host } = new URL(url)
  const took: number[] = []
  let rides = 0
  let next = 0
  const started = performance.now()
  const lane = async (): Promise<void> => {
    const line = await dial(Number(port))
    while (performance.now() - started < ms) {
      const path = pathOf(`${prefix}-${next++}`)
      for (const { name, body } of REQUESTS) {
        const began = performance.now()
        const status = await line.ask(
          `POST ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${TOKEN}\r\n` +
            `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        )
        took.push(performance.now() - began)
        if (status !== 200) throw new Error(`${name} was answered with ${status}.`)
      }
      rides++
    }
    line.socket.destroy()
  }
  await Promise.all(Array.from({ length: connections }, lane))
  return { rides: rides / ((performance.now() - started) / 1e3), p50: quantile(took, 0.5), p99: quantile(took, 0.99) }
}

/** A line with one request on it at a time. Less than an HTTP client does, so that the load takes little of the machine. */
function dial(port: number): Promise<{ readonly socket: Socket; ask(request: string): Promise<number> }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    let waiting: ((status: number) => void) | undefined
    socket.setNoDelay(true).setEncoding('latin1')
    socket.on('error', reject)
    socket.on('data', (chunk: string) => {
      text += chunk
      const end = text.indexOf('\r\n\r\n')
      const length = end < 0 ? null : /content-length: (\d+)/i.exec(text.slice(0, end))
      if (length === null || text.length < end + 4 + Number(length[1])) return
      const status = Number(text.slice(9, 12))
      text = ''
      waiting?.(status)
    })
    socket.once('connect', () => {
      resolve({
        socket,
        ask: (request) =>
          new Promise((answered) => {
            waiting = answered
            socket.write(request)
          }),
      })
    })
  })
}
