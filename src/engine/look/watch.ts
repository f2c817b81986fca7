import type { DataStore, Row, Snapshot } from '../../stores/contract.ts'
import { after as callAfter, lookAfter } from '../clock.ts'
import type { Clock } from '../clock.ts'
import { historyEntry, summarise } from './inspect.ts'
import type { HistoryEntry, InstanceSummary } from './views.ts'
import { readLiving } from '../instances/living.ts'

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
  /**
   * So many milliseconds lie between one change and the next, about: what comes meanwhile comes as one. Asked anew each time if it
   * is a function. Where many look on, this bounds what they cost; those who look at the same instance at the same interval
   * share the work, and are given the very same changes. Default 0: each commit may be a change of its own.
   */
  readonly interval?: number | (() => number)
  /** Ends it. */
  readonly signal?: AbortSignal
}

/** While a scope is under way: what other processes commit, nobody tells. */
const RUNNING_PAUSE_MS = 100
/** Where nothing happens, the pauses grow up to this: so many reads a second do 200 open views cost. */
const LONGEST_PAUSE_MS = 1_000
/** With an interval: for so long what follows on the first news is waited for, since most scopes end sooner. */
const GATHER_MS = 30
const PAGE = 1_000

/** Those who look on while instances change. */
export class Watches {
  private readonly facts: WatchFacts
  private readonly waking = new Map<string, Set<Bell>>()
  /** Reads under way, which all who look at the same instance share. */
  private readonly reads = new Map<string, Promise<Snapshot | undefined>>()
  /** What a picture says to those who have come equally far. */
  private readonly steps = new WeakMap<Snapshot, Map<string, Promise<Step>>>()
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
    for (const bell of [...waking]) bell.ring()
  }

  close(): void {
    this.closed = true
    this.unlisten?.()
    for (const waking of [...this.waking.values()]) for (const bell of [...waking]) bell.end()
  }

  /**
   * What comes while nobody asks is given as one change. Ends with the instance, the signal, or the process's Polaris.
   *
   * @throws what the store throws
   */
  async *watch(
    id: string,
    { after, interval = 0, signal }: WatchOptions,
  ): AsyncGenerator<InstanceChange, void, undefined> {
    this.unlisten ??= this.facts.listen((told) => this.told(told))
    const every = (): number => (typeof interval === 'function' ? interval() : interval)
    const bell = new Bell(this.facts.clock)
    const end = (): void => bell.end()
    signal?.addEventListener('abort', end)
    const waking = this.waking.get(id) ?? new Set()
    this.waking.set(id, waking.add(bell))
    let place: Place = { seen: after, incarnation: undefined, revision: 0, names: new Map() }
    try {
      for (let pause = RUNNING_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
        if (this.isOver(signal)) return
        bell.reset()
        const snapshot = await this.read(id)
        if (snapshot === undefined && place.incarnation !== undefined) return
        const step: Step = snapshot === undefined ? { place: { ...place, seen: 0 } } : await this.step(snapshot, place)
        ;({ place } = step)
        if (this.isOver(signal)) return
        if (step.change !== undefined) {
          yield step.change
          pause = RUNNING_PAUSE_MS / 2
          await this.rest(id, bell, every())
        } else {
          if (snapshot?.header.status === 'running') pause = RUNNING_PAUSE_MS
          await this.sleep(id, bell, pause, every())
        }
      }
    } finally {
      signal?.removeEventListener('abort', end)
      waking.delete(bell)
      if (waking.size === 0 && this.waking.get(id) === waking) this.waking.delete(id)
    }
  }

  /** Whatever comes meanwhile. */
  private async rest(id: string, bell: Bell, interval: number): Promise<void> {
    if (interval <= 0) return
    bell.deafen(true)
    await bell.wait(this.untilTurn(id, interval), false)
    bell.deafen(false)
  }

  /** Until something may have happened, or it is time to look. */
  private async sleep(id: string, bell: Bell, pause: number, interval: number): Promise<void> {
    if (interval <= 0) return void (await bell.wait(pause))
    if (await bell.wait(this.untilTurn(id, Math.max(pause, interval)))) {
      await this.rest(id, bell, Math.min(interval, GATHER_MS))
    }
  }

  /** All who look at one instance at the same interval have their turns at the same times, and others at others. */
  private untilTurn(id: string, interval: number): number {
    return interval - ((this.facts.clock.now() + phaseOf(id)) % interval)
  }

  private isOver(signal: AbortSignal | undefined): boolean {
    return this.closed || signal?.aborted === true
  }

  private read(id: string): Promise<Snapshot | undefined> {
    const underWay = this.reads.get(id)
    if (underWay !== undefined) return underWay
    // Asked at once: what comes after the call counts as new.
    const reading = readLiving(this.facts.store, id).finally(() => {
      if (this.reads.get(id) === reading) this.reads.delete(id)
    })
    this.reads.set(id, reading)
    return reading
  }

  private step(snapshot: Snapshot, place: Place): Promise<Step> {
    const known = this.steps.get(snapshot) ?? new Map<string, Promise<Step>>()
    this.steps.set(snapshot, known)
    const key = JSON.stringify([place.incarnation, place.revision, place.seen])
    const taken = known.get(key) ?? stepFrom(this.facts, snapshot, place)
    known.set(key, taken)
    return taken
  }
}

/** The same for an id each time, and spread over all there are. */
function phaseOf(id: string): number {
  let hash = 0
  for (let i = 0; i < id.length; i++) hash = (Math.imul(hash, 31) + id.charCodeAt(i)) | 0
  return hash >>> 0
}

/** Wakes one who sleeps, or keeps him from falling asleep. */
class Bell {
  private readonly clock: Clock
  private rung = false
  private ended = false
  private deaf = false
  private wake: (() => void) | undefined

  constructor(clock: Clock) {
    this.clock = clock
  }

  reset(): void {
    this.rung = false
  }

  ring(): void {
    this.rung = true
    if (!this.deaf) this.wake?.()
  }

  /** For good. */
  end(): void {
    this.ended = true
    this.wake?.()
  }

  /** One who is deaf sleeps on while it rings, until the end. */
  deafen(deaf: boolean): void {
    this.deaf = deaf
  }

  /**
   * Answers whether it rang.
   *
   * @param looks whether whoever sleeps only looks then whether something has become due
   */
  wait(ms: number, looks = true): Promise<boolean> {
    if (this.ended || (this.rung && !this.deaf)) return Promise.resolve(true)
    return new Promise((resolve) => {
      const done = (): void => {
        stop()
        this.wake = undefined
        resolve(this.rung)
      }
      const stop = looks ? lookAfter(this.clock, ms, done) : callAfter(this.clock, ms, done)
      this.wake = done
    })
  }
}

/** How far one who looks on has come. */
interface Place {
  /** The last entry that was shown; `undefined` for all that are there at first. */
  readonly seen: number | undefined
  readonly incarnation: string | undefined
  readonly revision: number
  /** Data by the `seq` of their rows, as far as new rows may have read them. */
  readonly names: ReadonlyMap<number, string | undefined>
}

interface Step {
  readonly place: Place
  /** What is new; nothing where nothing is. */
  readonly change?: InstanceChange
}

async function stepFrom({ store, live }: WatchFacts, { header, rows }: Snapshot, place: Place): Promise<Step> {
  const { incarnation, revision } = header
  const another = place.incarnation !== undefined && place.incarnation !== incarnation
  const seen = another ? 0 : (place.seen ?? header.rows)
  const same = place.incarnation === incarnation && place.revision === revision
  if (same && seen >= header.rows) return { place }
  const page = seen < header.rows ? await store.history(header.id, { after: seen, limit: PAGE }) : []
  const names = await namesFor(store, header.id, { rows, page, seen, known: place.names })
  const entries = page.map((row) => historyEntry(row, (seq) => names.get(seq), live))
  return {
    place: {
      ...{ incarnation, revision, seen: page.at(-1)?.seq ?? Math.max(seen, header.rows) },
      names: new Map(rows.map(({ seq, data }) => [seq, data ?? undefined])),
    },
    change: { summary: summarise(header), entries },
  }
}

interface Naming {
  readonly rows: readonly Row[]
  readonly page: readonly Row[]
  readonly seen: number
  readonly known: Place['names']
}

/** Names of all data that the rows of a page have read. */
async function namesFor(
  store: DataStore,
  id: string,
  { rows, page, seen, known }: Naming,
): Promise<ReadonlyMap<number, string | undefined>> {
  const names = new Map(known)
  for (const { seq, data } of [...rows, ...page]) names.set(seq, data ?? undefined)
  if (page.every(({ inputs }) => inputs.every((seq) => seq <= 0 || names.has(seq)))) return names
  for (const { seq, data } of await store.history(id, { limit: seen })) names.set(seq, data ?? undefined)
  return names
}
