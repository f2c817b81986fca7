/** Word of new mail, over a connection of its own: one that listens can do nothing else. */
import type { Connection } from './connection.ts'
import type { Client } from './driver.ts'
import { unpack } from './records.ts'

export interface Subscriptions {
  add(onMail: (id: string) => void): () => void
  close(): void
}

const PAUSE_MS = 1_000

/** Connects with the first listener and ends with the last. While the server is away it tries again, quietly. */
export function makeSubscriptions(connection: Connection, channel: string): Subscriptions {
  const listeners = new Map<object, (id: string) => void>()
  let client: Client | undefined
  let listening = false
  let timer: NodeJS.Timeout | undefined

  const tell = (_: string, message: string): void => {
    const id = unpack(message)
    for (const onMail of [...listeners.values()]) onMail(id)
  }
  const listen = async (): Promise<void> => {
    try {
      if (client === undefined) {
        client = await connection.duplicate()
        client.on('message', tell)
      }
      if (listeners.size === 0) return end()
      await client.subscribe(channel)
    } catch {
      // Who waits polls as well; nobody is there to be told.
      if (listeners.size === 0) return end()
      timer = setTimeout(() => void listen(), PAUSE_MS)
      timer.unref()
    }
  }
  const end = (): void => {
    listening = false
    clearTimeout(timer)
    client?.disconnect()
    client = undefined
  }

  return {
    add(onMail) {
      const key = {}
      listeners.set(key, onMail)
      if (!listening) {
        listening = true
        void listen()
      }
      return () => {
        if (listeners.delete(key) && listeners.size === 0) end()
      }
    },
    close() {
      listeners.clear()
      end()
    },
  }
}
