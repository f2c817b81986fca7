/** Changes of an instance as server-sent events. */
import type { Clock, InstanceChange, Polaris } from '../index.ts'
import { Problem } from './problems.ts'
import { reply } from './reply.ts'
import { timer } from './time.ts'
import type { Veil } from './veil.ts'
import { historyView, summaryView } from './views.ts'

export interface StreamFacts {
  readonly polaris: Polaris
  readonly veil: Veil
  readonly clock: Clock
  /** At most so many at once. */
  readonly maxStreams: number
}

export interface Streams {
  /** @throws Problem `BUSY` */
  open(id: string, after: number | undefined, signal: AbortSignal): Response
  /** How many there are. */
  count(): number
  /** Ends all of them. */
  close(): void
}

/** A proxy or a browser that hears nothing for a minute may take the line for dead. */
const BEAT_MS = 15_000
/** Whoever has not taken anything from a full buffer for so many beats is dropped. */
const PATIENCE_BEATS = 2
/** After an hour a viewer has to show again that it may look. */
const LONGEST_BEATS = 240
/** What may wait for a viewer, in bytes; beyond that changes are not even read, but come later as one. */
const BUFFER = 16_384
const RETRY_MS = 2_000
/** Between two changes of one stream, in ms: at least so much, and for each stream that is open so much. */
const LEAST_INTERVAL_MS = 100
const INTERVAL_PER_STREAM_MS = 20

export function streamsOf(facts: StreamFacts): Streams {
  const open = new Set<() => void>()
  const encoder = new TextEncoder()
  /** Those who look at the same instance are given the same changes. */
  const encoded = new WeakMap<InstanceChange, Uint8Array>()
  const viewing: Viewing = {
    ...facts,
    // However many look on, they are told of so many changes a second, all of them together.
    interval: () => Math.max(LEAST_INTERVAL_MS, open.size * INTERVAL_PER_STREAM_MS),
    event(change) {
      const event = encoded.get(change) ?? encoder.encode(changeEvent(change, facts.veil))
      encoded.set(change, event)
      return event
    },
  }
  return {
    open(id, after, signal) {
      if (open.size >= facts.maxStreams) {
        throw new Problem(
          'BUSY',
          `There are ${facts.maxStreams} streams already: try again later.`,
          {},
          { 'retry-after': '5' },
        )
      }
      const stop = new AbortController()
      const end = (): void => stop.abort()
      open.add(end)
      stop.signal.addEventListener('abort', () => open.delete(end), { once: true })
      if (signal.aborted) end()
      else signal.addEventListener('abort', end, { once: true })
      // A proxy that gathers answers before it passes them on would make live changes late ones.
      return reply(200, 'text/event-stream; charset=utf-8', stream(viewing, id, after, stop), {
        'x-accel-buffering': 'no',
      })
    },
    count: () => open.size,
    close() {
      for (const end of [...open]) end()
    },
  }
}

interface Viewing extends StreamFacts {
  readonly interval: () => number
  readonly event: (change: InstanceChange) => Uint8Array
}

function stream(
  { polaris, clock, interval, event }: Viewing,
  id: string,
  after: number | undefined,
  stop: AbortController,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const changes = polaris.watch(id, { interval, signal: stop.signal, ...(after !== undefined && { after }) })
  let calledOff: (() => void) | undefined
  let stalled = 0
  let beats = 0
  /** Nobody reads it any more. */
  let dropped = false
  const end = (): void => {
    calledOff?.()
    stop.abort()
  }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`))
        const beat = (): void => {
          if ((controller.desiredSize ?? 0) > 0) {
            stalled = 0
            controller.enqueue(encoder.encode(':\n\n'))
          } else if (++stalled >= PATIENCE_BEATS) {
            dropped = true
            end()
            controller.error(new Error('The viewer took nothing any more.'))
            return
          }
          // The reader of `changes` closes the stream.
          if (++beats >= LONGEST_BEATS) end()
          else calledOff = timer(clock, BEAT_MS, beat)
        }
        calledOff = timer(clock, BEAT_MS, beat)
      },
      async pull(controller) {
        const next = await changes.next().catch((error: unknown) => {
          end()
          throw error
        })
        if (next.done !== true) {
          controller.enqueue(event(next.value))
          return
        }
        const gone = !stop.signal.aborted && (await isGone(polaris, id))
        end()
        if (dropped) return
        if (gone) controller.enqueue(encoder.encode('event: gone\ndata: {}\n\n'))
        controller.close()
      },
      cancel() {
        dropped = true
        end()
      },
    },
    { highWaterMark: BUFFER, size: ({ byteLength }) => byteLength },
  )
}

async function isGone(polaris: Polaris, id: string): Promise<boolean> {
  // One that was closed does not tell.
  return polaris
    .summary(id)
    .then((summary) => summary === undefined)
    .catch(() => false)
}

/** Values are not part of it: who wants one asks for it. */
function changeEvent({ summary, entries }: InstanceChange, veil: Veil): string {
  const last = entries.at(-1)?.seq
  const shown = entries.map(({ value: _, ...entry }) => historyView(entry, summary, veil))
  const body = JSON.stringify({ instance: summaryView(summary), entries: shown })
  return `event: change\n${last === undefined ? '' : `id: ${last}\n`}data: ${body}\n\n`
}
