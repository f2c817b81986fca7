// So many pages that look on, in a process of its own: each has an event stream of an instance, and asks for the overview every
// five seconds, as the dashboard does.
//
//   node http-viewers.js, then messages { url, ids }; {} ends them
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { TOKEN } from './http-ride.ts'

export interface ViewersTask {
  readonly url?: string
  readonly ids?: readonly string[]
}

const OVERVIEW_EVERY_MS = 5_000
const open: Socket[] = []
const polls: NodeJS.Timeout[] = []

process.on('message', ({ url, ids = [] }: ViewersTask) => {
  for (const timer of polls.splice(0)) clearInterval(timer)
  for (const socket of open.splice(0)) socket.destroy()
  Promise.all(ids.map((id, n) => view(new URL(url ?? ''), id, n))).then(
    () => process.send?.({ viewing: ids.length }),
    (error: unknown) => process.send?.({ viewing: 0, error: String(error) }),
  )
})
process.once('disconnect', () => process.exit(0))
process.send?.({ ready: true })

/** Resolves once the first event is there. */
function view({ port, host }: URL, id: string, n: number): Promise<void> {
  const get = (path: string, close: boolean): string =>
    `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${TOKEN}\r\n${close ? 'connection: close\r\n' : ''}\r\n`
  const poll = (): void => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(get('/api/overview', true)))
    socket.on('error', () => undefined).resume()
  }
  // Not all at once.
  polls.push(setTimeout(() => polls.push(setInterval(poll, OVERVIEW_EVERY_MS)), (n * 37) % OVERVIEW_EVERY_MS))
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(get(eventsOf(id), false)))
    open.push(socket)
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      if (chunk.includes('event: change')) resolve()
    })
  })
}

function eventsOf(id: string): string {
  return `/api/instances/${encodeURIComponent(id)}/events`
}
