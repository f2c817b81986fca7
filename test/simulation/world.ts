/** What the parts of one simulation share. */
import type { Header, Row } from 'polaris-workflow'
import type { MemoryStore } from 'polaris-workflow/stores/memory'
import type { Graph } from '../model/graph.ts'
import type { Audit } from './audit.ts'
import type { Counted } from './counts.ts'
import type { Random } from './random.ts'
import type { Actor, Scheduler } from './scheduler.ts'
import type { Outside } from './undo-rules.ts'
import type { Weather, Workload } from './workload.ts'

export interface World {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly workload: Workload
  readonly graph: Graph
  /** The one store of all processes. */
  readonly store: MemoryStore
  readonly audit: Audit
  /** Where time counts: what builders have done that may be undone. */
  readonly outside: Outside | undefined
  /** Messages on their way to the store, by who sent them. */
  readonly underWay: Set<{ readonly sender: Actor; readonly label: string }>
  /** Faults that may still occur. */
  weather: Weather
  count(name: Counted, holds?: boolean): void
  /** Notes that something is not as it should be. */
  blame(problem: string): void
  /** Notes what happens, for people. */
  tell(event: string): void
}

export const fairWeather: Weather = {
  calm: true,
  lossy: false,
  ...{ refused: 0, lost: 0, late: 0, slow: 0, kill: 0, fatalWrites: 0, pause: 0, jump: 0, close: 0, workerStop: 0 },
  ...{ newsLost: 0, eager: 0, clocksApart: false, latency: 1, longRun: 0, hang: 0 },
}

/** All of an instance's rows. */
export function rowsOf(store: MemoryStore, id: string): readonly Row[] {
  return store.history(id, { limit: 100_000 })
}

export function headerOf(store: MemoryStore, id: string): Header | undefined {
  return store.read(id)?.header
}

/** The values here are texts, so the codec's text is plain JSON. */
export function valueOf({ value }: Row): string | null | undefined {
  return value === undefined ? undefined : (JSON.parse(value as string) as string | null)
}
