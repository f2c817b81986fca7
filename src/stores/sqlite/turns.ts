/**
 * Turns at writing between processes. SQLite knows no queue: whoever waits looks again and again, and finds the lock of
 * a process that writes batch after batch taken each time. So whoever waits holds the lock of a second, empty database
 * meanwhile, the gate, and whoever has had its turn must pass the gate as well before it goes on.
 */
import { existsSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { Awaitable } from '../contract.ts'
import type { SqliteDatabase, SqliteDriver } from './driver.ts'
import { busy, isBusy } from './failure.ts'
import { closeQuietly } from './schema.ts'

/** How long a process may write without passing the gate. */
const TURN_MS = 5
/** Pauses of whoever waits at the gate, on average. */
const GATE_PAUSE_MS = 2
/** Pauses of whoever is next: short while a turn may end at any moment, longer if the lock is held for another purpose. */
const NEXT_PAUSES_MS = [1, 20] as const
/** A process that was stopped while it held the gate costs fairness, not progress: after this long it is passed by. */
const GATE_WAIT_MS = 100

export interface Turns {
  /** Does work that writes: at once, or, where others write or wait, when it is its turn. Throws when patience ends. */
  run<T>(work: () => T): Awaitable<T>
  /** To be called as soon as the lock for writing is had: lets the next one up to the gate. */
  readonly entered: () => void
  close(): void
}

interface Gate {
  /** `contended`: make the gate if there is none yet. Without one, nobody waits. */
  take(contended: boolean): boolean
  release(): void
  close(): void
}

interface Waiting {
  readonly attempt: () => void
  readonly fail: (error: unknown) => void
  readonly since: number
}

export interface TurnOptions {
  /** `undefined`: there are no other processes. */
  readonly gate: { readonly driver: () => SqliteDriver; readonly file: string } | undefined
  readonly patience: number
}

export function makeTurns({ gate: place, patience }: TurnOptions): Turns {
  const pass = makePass(place === undefined ? undefined : makeGate(place.driver, place.file))
  /** Calls of this process that wait, in order. */
  const line: Waiting[] = []

  const join = <T>(work: () => T): Promise<T> =>
    new Promise((resolve, fail) => {
      line.push({ attempt: () => resolve(pass.attempt(work, true)), fail, since: performance.now() })
      if (line.length === 1) void serve()
    })
  /** How long to wait until the next attempt. */
  const serveOne = (next: Waiting): number => {
    try {
      next.attempt()
    } catch (error) {
      const waited = performance.now() - next.since
      if (isBusy(error) && waited < patience) return pass.shut() ? GATE_PAUSE_MS : nextPause(waited)
      next.fail(error)
    }
    line.shift()
    return 0
  }
  const serve = async (): Promise<void> => {
    for (let next = line[0]; next !== undefined; next = line[0]) {
      const pause = serveOne(next)
      if (pause > 0) await new Promise((done) => setTimeout(done, pause * (0.5 + Math.random())))
      else if (line.length > 0) await new Promise((done) => setImmediate(done))
    }
    pass.giveUp()
  }
  return {
    run(work) {
      if (line.length > 0) return join(work)
      try {
        return pass.attempt(work, false)
      } catch (error) {
        if (!isBusy(error) || patience <= 0) throw error
        return join(work)
      }
    },
    entered: () => pass.entered(),
    close: () => pass.close(),
  }
}

interface Pass {
  /** Does the work if its turn has come, or throws. If it `waits` for the lock, it stays next. */
  attempt<T>(work: () => T, waits: boolean): T
  /** Whether the last attempt ended at the gate. */
  shut(): boolean
  entered(): void
  giveUp(): void
  close(): void
}

function makePass(gate: Gate | undefined): Pass {
  let turnEnds = 0
  /** Since when the gate was found taken whenever it was tried. */
  let shutSince: number | undefined
  let shut = false

  const mayWrite = (waits: boolean): boolean => {
    const now = performance.now()
    shut = false
    if (gate === undefined || now < turnEnds) return true
    if (gate.take(waits)) {
      shutSince = undefined
      return true
    }
    shutSince ??= now
    shut = now - shutSince < GATE_WAIT_MS
    return !shut
  }
  return {
    attempt(work, waits) {
      if (!mayWrite(waits)) throw busy('Another process is next.')
      try {
        const result = work()
        gate?.release()
        return result
      } catch (error) {
        if (!waits || !isBusy(error)) gate?.release()
        throw error
      }
    },
    shut: () => shut,
    entered() {
      gate?.release()
      const now = performance.now()
      if (now >= turnEnds) turnEnds = now + TURN_MS
    },
    giveUp: () => gate?.release(),
    close: () => gate?.close(),
  }
}

function nextPause(waited: number): number {
  const [shortest, longest] = NEXT_PAUSES_MS
  return Math.min(longest, Math.max(shortest, waited / 20))
}

function makeGate(driver: () => SqliteDriver, file: string): Gate {
  let db: SqliteDatabase | undefined
  let held = false
  let broken = false
  return {
    take(contended) {
      // A look for the file takes 2 µs, an attempt to lock it 15.
      if (held || broken || (db === undefined && !contended && !existsSync(file))) return true
      try {
        db ??= new (driver().DatabaseSync)(file)
        // No lock of SQLite's needs anything to be in the file.
        db.exec('BEGIN IMMEDIATE')
        held = true
      } catch (error) {
        if (isBusy(error)) return false
        // It only makes things fair: what is wrong with the folder shows where the store writes.
        broken = true
      }
      return true
    },
    release() {
      if (!held) return
      held = false
      db?.exec('ROLLBACK')
    },
    close() {
      if (db !== undefined) closeQuietly(db)
      db = undefined
      held = false
      broken = true
    },
  }
}
