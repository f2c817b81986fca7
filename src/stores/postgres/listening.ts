/** `LISTEN` on a connection of its own, for as long as anybody wants to hear. */
import type { ListeningClient } from './driver.ts'

export interface Listening {
  readonly subscribe: (onMail: (id: string) => void) => () => void
  readonly close: () => Promise<void>
}

const SHORTEST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 5_000

/** @param connect gives a connection that is not connected yet */
export function listenOn(channel: string, connect: () => Promise<ListeningClient>): Listening {
  const listeners = new Set<(id: string) => void>()
  const tell = (id: string): void => {
    for (const listener of [...listeners]) listener(id)
  }
  let stop: (() => Promise<void>) | undefined
  const leave = async (): Promise<void> => {
    if (listeners.size > 0) return
    const stopping = stop
    stop = undefined
    await stopping?.()
  }
  return {
    subscribe(onMail) {
      const listener = (id: string): void => onMail(id)
      listeners.add(listener)
      stop ??= keepListening(channel, connect, tell)
      return () => {
        listeners.delete(listener)
        void leave()
      }
    },
    close() {
      listeners.clear()
      return leave()
    },
  }
}

/** Connects again whenever the connection is lost, until the function that it answers is called. */
function keepListening(
  channel: string,
  connect: () => Promise<ListeningClient>,
  tell: (id: string) => void,
): () => Promise<void> {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let client: ListeningClient | undefined
  let pause = SHORTEST_PAUSE_MS

  const again = (): void => {
    if (stopped) return
    timer = setTimeout(() => void start(), pause)
    // Listening is no reason for a process to live.
    timer.unref()
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
  }
  const start = async (): Promise<void> => {
    let current: ListeningClient | undefined
    try {
      current = await connect()
      await listen(current)
      pause = SHORTEST_PAUSE_MS
    } catch {
      // What is wrong with the server is for the other calls to report; and who listens also polls.
      await endQuietly(current)
      again()
    }
  }
  const listen = async (current: ListeningClient): Promise<void> => {
    client = current
    let lost = false
    const lose = (): void => {
      if (lost || client !== current) return
      lost = true
      client = undefined
      void endQuietly(current)
      if (listening) again()
    }
    let listening = false
    current.on('error', lose)
    current.on('end', lose)
    current.on('notification', (notification) => tell(notification?.payload ?? ''))
    await current.connect()
    await current.query({ text: `LISTEN "${channel}"`, rowMode: 'array', types: { getTypeParser: () => String } })
    listening = true
    if (stopped) await endQuietly(current)
  }
  const starting = start()
  return async () => {
    stopped = true
    clearTimeout(timer)
    const current = client
    client = undefined
    await endQuietly(current)
    await starting
  }
}

async function endQuietly(client: ListeningClient | undefined): Promise<void> {
  // A connection that broke complains when it is closed.
  await client?.end().catch(() => undefined)
}
