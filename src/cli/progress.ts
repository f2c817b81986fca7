import type { Io } from './io.ts'

export interface ProgressBar {
  at(done: number, total: number | undefined, words: string): void
  /** Takes it off the screen. */
  end(): void
}

const WIDTH = 30

/** A line that says how far it is, for a person; nothing where nobody looks. */
export function progressBar({ interactive, err }: Io): ProgressBar {
  if (!interactive) return { at: () => undefined, end: () => undefined }
  return {
    at(done, total, words) {
      const part = total === undefined || total === 0 ? 0 : done / total
      const bar = '█'.repeat(Math.round(part * WIDTH)).padEnd(WIDTH, '░')
      err(`\r${bar} ${total === undefined ? words : `${done} of ${total}`}\u001b[K`)
    },
    end: () => err('\r\u001b[K'),
  }
}

const PATIENCE_MS = 500
const SECOND_MS = 1_000

/** Says what it is that takes so long, and for how long already. */
export async function waiting<T>({ interactive, err }: Io, what: string, promise: Promise<T>): Promise<T> {
  if (!interactive) return promise
  const began = Date.now()
  const say = (): void => err(`\r${what} … ${Math.round((Date.now() - began) / SECOND_MS)} s\u001b[K`)
  let ticking: NodeJS.Timeout | undefined
  const patience = setTimeout(() => {
    say()
    ticking = setInterval(say, SECOND_MS)
  }, PATIENCE_MS)
  try {
    return await promise
  } finally {
    clearTimeout(patience)
    if (ticking !== undefined) {
      clearInterval(ticking)
      err('\r\u001b[K')
    }
  }
}
