import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Channel } from './service.ts'
import type { Order, Report } from './messages.ts'

/** A process that runs the service. */
export interface Child {
  order(order: Order): void
  /** What it reports next, of some kinds. One that ended has failed. */
  next<K extends Report['kind']>(...kinds: readonly K[]): Promise<Extract<Report, { readonly kind: K | 'failed' }>>
  /** Resolves when it is gone. */
  readonly gone: Promise<void>
}

export const SERVICE_COMMAND = 'dev-service'

export function startChild(onFiles: (files: readonly string[]) => void): Child {
  const main = fileURLToPath(new URL('../main.js', import.meta.url))
  const child = fork(main, [SERVICE_COMMAND], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const waiting = new Set<(report: Report) => void>()
  const tell = (report: Report): void => {
    for (const wake of [...waiting]) wake(report)
  }
  child.on('message', (message) => {
    const report = message as Report
    if (report.kind === 'files') onFiles(report.files)
    else tell(report)
  })
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      tell({ kind: 'failed', message: `The service ended (${signal ?? code ?? 'nobody knows why'}).` })
      resolve()
    })
  })
  return {
    order(order) {
      if (child.connected) child.send(order)
    },
    next: (...kinds) =>
      new Promise((resolve) => {
        const wake = (report: Report): void => {
          if (report.kind !== 'failed' && !(kinds as readonly string[]).includes(report.kind)) return
          waiting.delete(wake)
          resolve(report as never)
        }
        waiting.add(wake)
      }),
    gone,
  }
}

/** The other end, in the process that runs the service. */
export function parentChannel(): Channel {
  const queue: Order[] = []
  let wake: (() => void) | undefined
  let over = false
  process.on('message', (message) => {
    queue.push(message as Order)
    wake?.()
  })
  // The process that watches over this one is gone, however that came.
  process.on('disconnect', () => {
    over = true
    wake?.()
  })
  async function* orders(): AsyncGenerator<Order, void, undefined> {
    for (;;) {
      const next = queue.shift()
      if (next !== undefined) yield next
      else if (over) return
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return {
    tell: (report) => void process.send?.(report),
    orders: orders(),
    close: () => (process.connected ? process.disconnect() : undefined),
  }
}
