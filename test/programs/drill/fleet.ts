/** Three processes behind a balancer that asks the next one where one does not serve a version. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Place } from './orders.ts'

const TOKEN = 'a-token-of-the-drill'

interface Member {
  readonly child: ChildProcess
  readonly url: string
  readonly generation: 1 | 2
  open: number
}

export interface Answer {
  readonly version: number
  readonly status: string
}

export interface Request {
  readonly id: string
  readonly body: object
  /** Names it, so that it may be sent again. */
  readonly key: string
}

export class Fleet {
  /** Times one process refused and another one was asked. */
  refusals = 0
  /** Times a connection broke that had been idle, and the request was sent again under its name. */
  resent = 0
  private readonly place: Place
  private readonly rotation: Member[] = []
  private next = 0

  constructor(place: Place) {
    this.place = place
  }

  get generations(): (1 | 2)[] {
    return this.rotation.map(({ generation }) => generation)
  }

  async add(generation: 1 | 2): Promise<void> {
    const program = fileURLToPath(new URL('./server.js', import.meta.url))
    const env = { ...process.env, DRILL_PART: JSON.stringify({ place: this.place, generation, token: TOKEN }) }
    const child = spawn(process.execPath, ['--enable-source-maps', program], {
      env,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const [url] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as unknown[]
    if (typeof url !== 'string') throw new Error(`A process of generation ${generation} did not start: ${String(url)}`)
    this.rotation.push({ child, url, generation, open: 0 })
  }

  /** As a deploy does it: no new requests, those under way to their end, then the process, then the next one. */
  async replace(from: 1 | 2, to: 1 | 2): Promise<void> {
    const at = this.rotation.findIndex(({ generation }) => generation === from)
    await this.remove(at)
    await this.add(to)
  }

  async end(): Promise<void> {
    while (this.rotation.length > 0) await this.remove(0)
  }

  private async remove(at: number): Promise<void> {
    const [member] = this.rotation.splice(at, 1)
    if (member === undefined) throw new Error('There is no such process.')
    while (member.open > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const ended = once(member.child, 'exit')
    member.child.kill('SIGTERM')
    const [code] = (await ended) as [number | null]
    if (code !== 0) throw new Error(`A process of generation ${member.generation} ended with ${code}.`)
  }

  /** A server closes connections that were idle for 5 s, and may do so while something is on its way. */
  private async send({ url }: Member, request: Request): Promise<Answer | undefined> {
    try {
      return await post(url, request)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      this.resent++
      return post(url, request)
    }
  }

  /** The answer; `undefined` if no process serves the instance's version now. */
  async ask(request: Request): Promise<Answer | undefined> {
    const asked = new Set<Member>()
    for (;;) {
      const left = this.rotation.filter((member) => !asked.has(member))
      const member = left[this.next++ % left.length]
      if (member === undefined) return undefined
      asked.add(member)
      member.open++
      try {
        const answer = await this.send(member, request)
        if (answer !== undefined) return answer
        this.refusals++
      } finally {
        member.open--
      }
    }
  }
}

async function post(url: string, { id, body, key }: Request): Promise<Answer | undefined> {
  const response = await fetch(`${url}/api/workflows/order/instances/${id}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  })
  const answer = (await response.json()) as Answer & {
    code?: string
    detail?: string
    version?: number
    served?: number[]
  }
  if (response.ok) return answer
  const isRefusal = response.status === 503 && answer.code === 'VERSION_NOT_SERVED'
  const tells = response.headers.get('retry-after') !== null && answer.served?.includes(answer.version ?? 0) === false
  if (isRefusal && tells) return undefined
  throw new Error(`${key} on ${id}: ${response.status} ${answer.code} ${answer.detail}`)
}
