import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The service as a process of its own, which can be killed at any moment and started again. */
export class ServerProcess {
  /** Where it listens; changes with every start. */
  url = ''
  private readonly program: string
  private readonly env: Readonly<Record<string, string>>
  private child: ChildProcess | undefined

  constructor(program: URL, env: Readonly<Record<string, string>>) {
    this.program = fileURLToPath(program)
    this.env = env
  }

  /** Resolves once it takes requests; rejects with what it said if it ends instead. */
  async start(more: Readonly<Record<string, string>> = {}) {
    const env = { ...process.env, PORT: '0', ...this.env, ...more }
    const child = spawn(process.execPath, [this.program], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    let said = ''
    this.url = await new Promise((resolve, reject) => {
      const listen = (text: string) => {
        said += text
        const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
        if (url !== undefined) resolve(url)
      }
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        // Keep reading, or the pipe fills up and the server stands still.
        if (said.length < 10_000) listen(text)
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
      child.once('error', reject)
      child.once('exit', (code, signal) => reject(new Error(`The server ended (${signal ?? code ?? '?'}).\n${said}`)))
    })
  }

  /** `kill -9` by default: no goodbye, nothing flushed. Resolves with the exit code, if there is one. */
  async kill(signal: NodeJS.Signals = 'SIGKILL') {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return undefined
    const gone = once(child, 'exit')
    child.kill(signal)
    const [code] = (await gone) as [number | null]
    return code ?? undefined
  }
}
