import { setTimeout as sleep } from 'node:timers/promises'
import { pathOf, Refusal } from './api.ts'
import type { Api } from './api.ts'
import { Unreachable } from './remote.ts'
import type { Entry, Summary } from './views.ts'

/** What has become of an instance since the last time. */
export interface Change {
  readonly instance: Summary
  readonly entries: readonly Entry[]
}

export interface FollowOptions {
  /** Begin after this entry of the history; 0 for all of it. */
  readonly after?: number
  readonly signal: AbortSignal
  /** Told that nobody answers, or that there is no such instance yet, and once more when that is over. */
  readonly onPause?: (why: 'unreachable' | 'absent' | undefined) => void
}

/** So often who waits for an instance to begin, or for a service to come back, asks again. */
const RETRY_MS = 100

/**
 * What becomes of an instance, from its beginning on; that of an id nobody has yet comes once there is one. Goes on after the
 * service was away, with what came meanwhile. Ends when the instance is deleted, and with the signal.
 */
export async function* follow(api: Api, id: string, options: FollowOptions): AsyncGenerator<Change, void, undefined> {
  const { signal, onPause = () => undefined } = options
  let last = options.after ?? 0
  let known = false
  while (!signal.aborted) {
    try {
      const response = await api.send('GET', pathOf(id, '/events'), { query: { after: last }, signal })
      onPause(undefined)
      known = true
      for await (const { event, data } of readEvents(response, signal)) {
        if (event === 'gone') return
        if (event !== 'change') continue
        const change = JSON.parse(data) as Change
        last = change.entries.at(-1)?.seq ?? last
        yield change
      }
    } catch (error) {
      if (signal.aborted) return
      const absent = error instanceof Refusal && error.code === 'INSTANCE_NOT_FOUND'
      if (absent && known) return
      if (!absent && !isLost(error)) throw error
      onPause(absent ? 'absent' : 'unreachable')
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** The line broke, as it does when a service is begun again. */
function isLost(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof TypeError && /terminated|fetch failed/.test(error.message))
}

interface ServerEvent {
  readonly event: string
  readonly data: string
}

async function* readEvents({ body }: Response, signal: AbortSignal): AsyncGenerator<ServerEvent, void, undefined> {
  if (body === null) return
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  const stop = (): void => void reader.cancel().catch(() => undefined)
  signal.addEventListener('abort', stop, { once: true })
  try {
    let rest = ''
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const blocks = (rest + next.value).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) yield parseEvent(block)
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}

function parseEvent(block: string): ServerEvent {
  const fields = block.split('\n').map((row) => /^([a-z]+): ?(.*)$/.exec(row))
  const of = (name: string): string[] => fields.flatMap((field) => (field?.[1] === name ? [field[2] ?? ''] : []))
  return { event: of('event')[0] ?? 'message', data: of('data').join('\n') }
}
