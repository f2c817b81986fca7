/** A line to a service. Less than an HTTP client does, so that who asks takes little of the machine. */
import { connect } from 'node:net'
import { TOKEN } from './http-ride.ts'

export interface Answer {
  readonly status: number
  readonly body: string
}

export interface Line {
  /** One request at a time. */
  ask(method: 'GET' | 'POST', path: string, body?: string): Promise<Answer>
  close(): void
}

export function dial({ port, host }: URL): Promise<Line> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1')
    let text = ''
    let waiting: ((answer: Answer) => void) | undefined
    socket.setNoDelay(true).setEncoding('latin1')
    socket.on('error', reject)
    socket.on('data', (chunk: string) => {
      text += chunk
      const end = text.indexOf('\r\n\r\n')
      const length = end < 0 ? null : /content-length: (\d+)/i.exec(text.slice(0, end))
      if (length === null || text.length < end + 4 + Number(length[1])) return
      const answer = { status: Number(text.slice(9, 12)), body: text.slice(end + 4) }
      text = ''
      waiting?.(answer)
    })
    socket.once('connect', () => {
      resolve({
        ask: (method, path, body) =>
          new Promise((answered) => {
            waiting = answered
            socket.write(requestOf(method, path, host, body))
          }),
        close: () => void socket.destroy(),
      })
    })
  })
}

/** Of a line that is open already. */
export function requestOf(method: 'GET' | 'POST', path: string, host: string, body?: string): string {
  const head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${TOKEN}\r\n`
  if (body === undefined) return `${head}\r\n`
  return `${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}
