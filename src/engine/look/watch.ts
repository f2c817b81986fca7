import type { DataStore, Row, Snapshot } from '../../stores/contract.ts'
import { lookAfter } from '../clock.ts'
import type { Clock } from '../clock.ts'
import { historyEntry, summarise } from './inspect.ts'
import type { HistoryEntry, InstanceSummary } from './inspect.ts'

/** What has become of an instance since the last time. */
export interface InstanceChange {
  readonly summary: InstanceSummary
  /** What happened, oldest first. */
  readonly entries: readonly HistoryEntry[]
}

export interface WatchFacts {
  readonly store: DataStore
  readonly clock: Clock
  /** Whether the store's values are the values themselves. */
  readonly live: boolean
  /** Calls back when mail may have come or been handled, anywhere; answers how to end it. */
  readonly listen: (onMail: (id: string) => void) => () => void
}

/** Since when {@link Polaris.watch} tells, and until when. */
export interface WatchOptions {
  /** Begin after this entry of the history; 0 for all of it. Default: with what comes from now on. */
  readonly after?: number
  /** Ends it. */
  readonly signal?: AbortSignal
}

/** While a scope is under way: what other processes commit, nobody tells. */
const RUNNING_PAUSE_MS = 100
/** Where nothing happens, the pauses grow up to this: so many reads a second do 200 open views cost. */
const LONGEST_PAUSE_MS = 1_000
const PAGE = 1_000

/** Those who look on while instances change. */
export class Watches {
  private readonly facts: WatchFacts
  private readonly waking = new Map<string, Set<() => void>>()
  /** Reads under way, which all who look at the same instance share. */
  private readonly reads = new Map<string, Promise<Snapshot | undefined>>()
  private unlisten: (() => void) | undefined
  private closed = false

  constructor(facts: WatchFacts) {
    this.facts = facts
  }

  /** Something may have happened to an instance. */
  told(id: string): void {
    const waking = this.waking.get(id)
    if (waking === undefined) return
    // One that is under way may have been answered before.
    this.reads.delete(id)
    for (const wake of [...waking]) wake()
  }

  close(): void {
    this.closed = true
    this.unlisten?.()
    for (const id of [...this.waking.keys()]) this.told(id)
  }

  /**
   * What comes while nobody asks is given as one change. Ends with the instance, the signal, or the process's Polaris.
   *
   * @throws what the store throws
   */
  async *watch(id: string, { after, signal }: WatchOptions): AsyncGenerator<InstanceChange, void, undefined> {
    this.unlisten ??= this.facts.listen((told) => this.told(told))
    const bell = new Bell(this.facts.clock)
    const wake = (): void => bell.ring()
    signal?.addEventListener('abort', wake)
    const waking = this.waking.get(id) ?? new Set()
    this.waking.set(id, waking.add(wake))
    const track = new Track(this.facts, id, after)
    try {
      for (let pause = RUNNING_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
        if (this.isOver(signal)) return
        bell.reset()
        const snapshot = await this.read(id)
        if (snapshot === undefined && track.begun) return
        const change = await track.next(snapshot)
        if (this.isOver(signal)) return
        if (change !== undefined) {
          yield change
          pause = RUNNING_PAUSE_MS / 2
        } else {
          if (snapshot?.header.status === 'running') pause = RUNNING_PAUSE_MS
          await bell.wait(pause)
        }
      }
    } finally {
      signal?.removeEventListener('abort', wake)
      waking.delete(wake)
      if (waking.size === 0 && this.waking.get(id) === waking) this.waking.delete(id)
    }
  }

  private isOver(signal: AbortSignal | undefined): boolean {
    return this.closed || signal?.aborted === true
  }

  private read(id: string): Promise<Snapshot | undefined> {
    const underWay = this.reads.get(id)
    if (underWay !== undefined) return underWay
    // Asked at once: what comes after the call counts as new.
    const reading = this.look(id).finally(() => {
      if (this.reads.get(id) === reading) this.reads.delete(id)
    })
    this.reads.set(id, reading)
    return reading
  }

  private async look(id: string): Promise<Snapshot | undefined> {
    const snapshot = await this.facts.store.read(id)
    return snapshot?.header.status === 'deleted' ? undefined : snapshot
  }
}

/** Wakes one who sleeps, or keeps him from falling asleep. */
class Bell {
  private readonly clock: Clock
  private rung = false
  private wake: (() => void) | undefined

  constructor(clock: Clock) {
    this.clock = clock
  }

  reset(): void {
    this.rung = false
  }

  ring(): void {
    this.rung = true
    this.wake?.()
  }

  wait(ms: number): Promise<void> {
    if (this.rung) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        stop()
        this.wake = undefined
        resolve()
      }
      const stop = lookAfter(this.clock, ms, done)
      this.wake = done
    })
  }
}

/** How far one who looks on has come. */
class Track {
  private readonly facts: WatchFacts
  private readonly id: string
  private seen: number | undefined
  private incarnation: string | undefined
  private revision = 0
  /** Data by the `seq` of their rows, as far as new rows may have read them. */
  private names = new Map<number, string | undefined>()

  constructor(facts: WatchFacts, id: string, seen: number | undefined) {
    this.facts = facts
    this.id = id
    this.seen = seen
  }

  get begun(): boolean {
    return this.incarnation !== undefined
  }

  /** What is new; nothing where nothing is. */
  async next(snapshot: Snapshot | undefined): Promise<InstanceChange | undefined> {
    if (snapshot === undefined) {
      // All of an instance that does not exist yet is still to come.
      this.seen = 0
      return undefined
    }
    const { header, rows } = snapshot
    if (this.begun && this.incarnation !== header.incarnation) this.seen = 0
    const same = this.incarnation === header.incarnation && this.revision === header.revision
    const seen = (this.seen ??= header.rows)
    if (same && seen >= header.rows) return undefined
    const page = seen < header.rows ? await this.facts.store.history(this.id, { after: seen, limit: PAGE }) : []
    await this.learn(rows, page, seen)
    const entries = page.map((row) => historyEntry(row, (seq) => this.names.get(seq), this.facts.live))
    this.seen = page.at(-1)?.seq ?? Math.max(seen, header.rows)
    this.incarnation = header.incarnation
    this.revision = header.revision
    this.names = new Map(rows.map(({ seq, data }) => [seq, data ?? undefined]))
    return { summary: summarise(header), entries }
  }

  private async learn(rows: readonly Row[], page: readonly Row[], seen: number): Promise<void> {
    for (const { seq, data } of [...rows, ...page]) this.names.set(seq, data ?? undefined)
    const known = page.every(({ inputs }) => inputs.every((seq) => seq <= 0 || this.names.has(seq)))
    if (known) return
    for (const { seq, data } of await this.facts.store.history(this.id, { limit: seen })) {
      this.names.set(seq, data ?? undefined)
    }
  }
}
