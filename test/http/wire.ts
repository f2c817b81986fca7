/** Talks to a server as nobody's client library would. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Served } from 'polaris-workflow/http'
import { TOKEN } from './lab.ts'

export interface Line {
  readonly socket: Socket
  send(text: string | Uint8Array): void
  /** What has come, once it holds something of this form or the server has ended the line. */
  until(form: RegExp): Promise<string>
  /** All that came, once the server has ended the line. */
  ended(): Promise<string>
}

export function dial(served: Served): Promise<Line> {
  const { port, hostname } = new URL(served.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ''))
    let text = ''
    let over = false
    const waiting = new Set<() => void>()
    const look = (): void => {
      for (const each of [...waiting]) each()
    }
    const when = (holds: () => boolean): Promise<string> =>
      new Promise((done) => {
        const check = (): void => {
          if (!holds() && !over) return
          waiting.delete(check)
          done(text)
        }
        waiting.add(check)
        check()
      })
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
      look()
    })
    socket.on('close', () => {
      over = true
      look()
    })
    socket.on('error', reject)
    socket.once('connect', () => {
      resolve({
        socket,
        send: (part) => void socket.write(part),
        until: (form) => when(() => form.test(text)),
        ended: () => when(() => false),
      })
    })
  })
}

/** The head of a request, with the token. */
export function head(served: Served, first: string, headers: Readonly<Record<string, string>> = {}): string {
  const { host } = new URL(served.url)
  const all = { host, authorization: `Bearer ${TOKEN}`, ...headers }
  return [first, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')
}
