/** The stores that the semantics must hold on, each as a medium that several processes may open. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import type { DataStore } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'

/** What outlives a process. */
export interface Medium {
  /** A store over it, as a process opens it. */
  open(): DataStore
}

export interface StoreKind {
  readonly name: string
  /** Keeps text, and so refuses what rule 20 does not list. */
  readonly text: boolean
  /** An empty one. */
  medium(): Medium
}

function memoryMedium(strict: boolean): Medium {
  const store = memoryStore({ strict })
  // Closing is the end of a process, not of the medium.
  return { open: () => ({ ...store, close: () => undefined }) }
}

export const memory: StoreKind = { name: 'memory', text: false, medium: () => memoryMedium(false) }
export const strictMemory: StoreKind = { name: 'memory (strict)', text: true, medium: () => memoryMedium(true) }

/** Calls `define` once per kind of store, within a `describe` that names it. */
export function eachStore(define: (kind: StoreKind) => void, kinds: 'all' | 'text' = 'all'): void {
  for (const kind of kinds === 'all' ? [memory, strictMemory] : [strictMemory]) {
    describe(`on ${kind.name}`, () => define(kind))
  }
  describe('on SQLite', () => define(sqliteKind()))
}

/** Only within a `describe`: its files are removed at the end. */
function sqliteKind(): StoreKind {
  let folder: string | undefined
  let files = 0
  const opened: DataStore[] = []
  afterAll(async () => {
    for (const store of opened) await store.close()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })
  return {
    name: 'SQLite',
    text: true,
    medium() {
      folder ??= mkdtempSync(join(tmpdir(), 'polaris-semantics-'))
      const file = join(folder, `${++files}.db`)
      return {
        open() {
          const store = sqliteStore(file)
          opened.push(store)
          return store
        },
      }
    },
  }
}
