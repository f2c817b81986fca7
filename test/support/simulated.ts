/** Stores and processes on a simulated clock: months pass in milliseconds, on every kind of store. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe } from 'vitest'
import { Polaris } from 'polaris-workflow'
import type { AnyWorkflow, DataStore, PolarisOptions, WorkerOptions } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'
import { simulatedClock } from 'polaris-workflow/testing'
import type { SimulatedClock } from 'polaris-workflow/testing'
import { redisMedium } from './redis-server.ts'
import { needsServer, postgresMedium, serverUrl } from './server-media.ts'

export interface Simulated {
  readonly clock: SimulatedClock
  /** A store over the medium, that nobody watches. */
  store(): DataStore
  /** A process with a worker, unless told otherwise; all end with the test. */
  process(options?: ProcessOptions): Polaris
  /** The same without a worker. */
  idle(options?: ProcessOptions): Polaris
  /** Takes a process for dead, which would never end: nobody waits for it. */
  abandon(polaris: Polaris): void
}

type ProcessOptions = Omit<PolarisOptions<object>, 'store'> & {
  readonly worker?: WorkerOptions
  readonly through?: (store: DataStore) => DataStore
}

/** Makes an empty medium; gives what opens a store over it. */
type NewMedium = (now: () => number) => () => DataStore

/** Calls `define` once per kind of store. `world` is called in each test. */
export function eachSimulated(define: (world: (...workflows: AnyWorkflow[]) => Simulated, kind: string) => void): void {
  for (const strict of [false, true]) {
    const kind = strict ? 'memory (strict)' : 'memory'
    describe(`on ${kind}`, () => {
      define(
        worlds((now) => {
          const store = memoryStore({ now, strict })
          return () => ({ ...store, close: () => undefined })
        }),
        kind,
      )
    })
  }
  describe('on SQLite', () => define(worlds(sqliteFiles()), 'SQLite'))
  describe('on Postgres', () => {
    needsServer('postgres')
    define(worlds(onServer(() => postgresMedium())), 'Postgres')
  })
  describe('on Redis', () => {
    needsServer('redis')
    define(worlds(onServer(() => redisMedium(serverUrl('redis')))), 'Redis')
  })
}

function sqliteFiles(): NewMedium {
  let folder: string | undefined
  let files = 0
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })
  return (now) => {
    folder ??= mkdtempSync(join(tmpdir(), 'polaris-simulated-'))
    const file = join(folder, `${++files}.db`)
    return () => sqliteStore(file, { now })
  }
}

interface ServerMedium {
  open(options: { readonly now: () => number }): DataStore
  dispose(): Promise<void>
}

function onServer(newMedium: () => ServerMedium): NewMedium {
  const media: ServerMedium[] = []
  afterAll(async () => {
    for (const medium of media) await medium.dispose()
  })
  return (now) => {
    const medium = newMedium()
    media.push(medium)
    return () => medium.open({ now })
  }
}

function worlds(newMedium: NewMedium): (...workflows: AnyWorkflow[]) => Simulated {
  const ends: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
  })
  return (...workflows) => {
    const clock = simulatedClock()
    const open = newMedium(clock.now)
    const processes = new Set<Polaris>()
    const stores: DataStore[] = []
    const opened = (): DataStore => {
      const store = open()
      stores.push(store)
      return store
    }
    ends.push(async () => {
      await Promise.all(Array.from(processes, (polaris) => polaris.close()))
      for (const store of stores) await store.close()
    })
    const idle = ({ worker: _, through = (store) => store, ...options }: ProcessOptions = {}): Polaris => {
      const polaris = new Polaris({ clock, ...options, store: through(opened()) }).register(...(workflows as never[]))
      processes.add(polaris)
      return polaris
    }
    return {
      ...{ clock, store: opened, idle },
      process(options = {}) {
        const polaris = idle(options)
        polaris.worker(options.worker).start()
        return polaris
      },
      abandon: (polaris) => void processes.delete(polaris),
    }
  }
}
