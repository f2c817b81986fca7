import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'

export interface FileWatch {
  /** From now on, these. */
  set(files: readonly string[]): void
  close(): void
}

/** Editors write a file in several steps, and save several at once. */
const QUIET_MS = 150

/**
 * Tells that some of the files changed. Their folders are watched and not they themselves, since many editors put a new file in
 * the place of the old one.
 */
export function watchFiles(onChange: (file: string) => void): FileWatch {
  const watchers = new Map<string, FSWatcher>()
  let names = new Map<string, Set<string>>()
  let pending: NodeJS.Timeout | undefined
  const touched = (folder: string, name: string | null): void => {
    if (name === null || names.get(folder)?.has(name) !== true) return
    clearTimeout(pending)
    pending = setTimeout(() => onChange(`${folder}/${name}`), QUIET_MS)
  }
  return {
    set(files) {
      names = new Map()
      for (const file of files) {
        const folder = dirname(file)
        names.set(folder, (names.get(folder) ?? new Set()).add(basename(file)))
      }
      for (const [folder, watcher] of watchers) {
        if (names.has(folder)) continue
        watcher.close()
        watchers.delete(folder)
      }
      for (const folder of names.keys()) {
        if (watchers.has(folder)) continue
        const watcher = watch(folder, (_, name) => touched(folder, name))
        // A folder that goes away takes its watch with it, nothing else.
        watcher.on('error', () => watchers.delete(folder))
        watchers.set(folder, watcher)
      }
    },
    close() {
      clearTimeout(pending)
      for (const watcher of watchers.values()) watcher.close()
    },
  }
}
