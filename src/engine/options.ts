import { durationMs, durationProblem } from '../graph/duration.ts'
import type { Duration } from '../graph/duration.ts'
import { PolarisError } from '../graph/errors.ts'
import { checkOption, checkOptions } from '../graph/naming.ts'
import type { DataStore } from '../stores/contract.ts'
import { checkConstruction, checkStore, checkTimes, isObject } from './checks.ts'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import type { Telemetry } from './scope/telemetry.ts'

/** What {@link Polaris} works with. Everything may be left out. */
export interface PolarisOptions<Services> {
  /** Where instances live. Without one, only `compute` works. */
  readonly store?: DataStore
  /** What builders ask for, by the services' names. */
  readonly services?: Services
  /** Tells the time and waits, instead of the system's clock: for tests. */
  readonly clock?: Clock
  /** At most so many instances are kept at hand, so that their next scope starts without a read. Default 10,000. */
  readonly warm?: number
  /**
   * For how long this process has an instance to itself before it has to say so again, in milliseconds; what a process that
   * dies had open, others take up after that time at most. Far longer than the store ever takes to answer. Default 15,000.
   */
  readonly lease?: number
  /** For how long a lease is renewed while nothing comes of the builders that run, in milliseconds. Default: an hour. */
  readonly longestRun?: number
  /**
   * Starts also where a graph changed and its version did not, while open instances depend on the older graph: they go on with
   * the changed one, as if it were a newer version. For development; default false, which refuses to start with
   * `VERSION_CHANGED`.
   */
  readonly acceptChanged?: boolean
  /** For how long the ids of instances that were removed are remembered (see `delete`). Default: a day; 0: not at all. */
  readonly tombstones?: Duration
  /**
   * How long a call waits for a builder that failed to be tried again, in milliseconds. One that has to wait longer parks the
   * instance: the call resolves with status `'retrying'`, and a worker goes on. Default 1,000.
   */
  readonly longestWait?: number
  /** Watches what runs here, for traces, metrics and logs: `openTelemetry()` of `polaris-workflow/opentelemetry`. */
  readonly telemetry?: Telemetry
}

const OPTIONS = [
  'telemetry',
  ...(['store', 'services', 'clock', 'warm', 'lease', 'longestRun', 'longestWait', 'tombstones'] as const),
  'acceptChanged',
] as const

/** What `new Polaris` was given, and what it takes where nothing was. */
interface Settings {
  readonly services: Readonly<Record<string, unknown>>
  readonly clock: Clock
  readonly telemetry: Telemetry | undefined
  readonly warm: number
  readonly lease: number
  readonly longestRun: number
  readonly longestWait: number
  readonly acceptChanged: boolean
  /** Milliseconds. */
  readonly tombstones: number
}

/** @throws `OPTION_INVALID`, `STORE_INVALID` */
export function readOptions<Services extends object>(options: PolarisOptions<Services>): Settings {
  checkOptions('new Polaris', options, OPTIONS)
  const { store, services, telemetry, clock = systemClock, warm = 10_000, tombstones = '1d' } = options
  const { lease = 15_000, longestRun = 3_600_000, longestWait = 1_000, acceptChanged = false } = options
  checkOption('acceptChanged', typeof acceptChanged === 'boolean', 'true or false', acceptChanged)
  if (store !== undefined) checkStore(store)
  checkConstruction(services, clock, warm)
  checkOption('telemetry', telemetry === undefined || isObject(telemetry), 'such as openTelemetry()', telemetry)
  checkTimes(lease, longestRun, longestWait)
  const problem = durationProblem('tombstones', tombstones, 0)
  if (problem !== undefined) throw new PolarisError('OPTION_INVALID', `${problem}.`)
  return {
    ...{ services: services ?? {}, clock, telemetry, warm, acceptChanged },
    ...{ lease, longestRun, longestWait, tombstones: durationMs(tombstones) ?? 0 },
  }
}
