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
