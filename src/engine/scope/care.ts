import type { AnyBuilder } from '../../graph/builder.ts'
import { hash } from '../../graph/fingerprint.ts'
import type { Care } from '../../graph/graph.ts'
import { backoffMs, NonRetryableError } from '../../graph/retry.ts'
import type { RetryPolicy } from '../../graph/retry.ts'
import type { RowNote } from '../../stores/contract.ts'
import { after, steady } from '../clock.ts'
import type { Clock } from '../clock.ts'
import { messageOf, rowError, thrownBy, withFallback } from '../failure.ts'
import type { Failure } from '../failure.ts'
import { copyBytes } from '../values/freeze.ts'
import type { Recorder } from './recorder.ts'
import type { Scope } from './scope.ts'
import type { Work } from './work.ts'

/** What a scope allows the tries of its builders. */
export interface Endurance {
  readonly clock: Clock
  /** A retry that is further away than this, in milliseconds, parks the instance instead of keeping the caller. */
  readonly longestWait: number
  /** Whether the instance can be parked; if not, a builder that would have to wait longer has failed for good. */
  readonly parks: boolean
  /** Whether builders whose time has not come go on waiting for it. A call does not let them (P9). */
  readonly patient: boolean
}

/** The scope under way, as far as it concerns tries. */
interface Host {
  readonly incarnation: string
  readonly scope: Scope
  readonly recorder: Recorder
  readonly signal: AbortSignal
  /** The caller gave up. */
  readonly aborted: object | undefined
  /** No builder is started any more. */
  readonly stopped: boolean
  /** Starts a builder whose wait is over. */
  again(work: Work): void
  /** A builder is no longer waited for. */
  leaves(): void
  /** A try has taken too long. */
  late(work: Work): void
  /** Runs what stands in for a builder's process. */
  standIn(work: Work, startedAfter: number, error: unknown, fallback: NonNullable<AnyBuilder['fallback']>): void
}

/** One try of a builder, or the fallback that stands in for it. */
interface Try {
  /** Its own, by which what it gives is told from what an earlier one still gives. */
  readonly work: Work
  /** As the scope gave it out. */
  readonly given: Work
  readonly attempt: number
  /** By the clock that nobody sets. */
  readonly startedAt: number
  /** What the last try failed with, where this is the fallback. */
  readonly failed: Failure | undefined
  cancel: (() => void) | undefined
  controller: AbortController | undefined
  unlisten: (() => void) | undefined
}

/** Looks after the builders of one scope that are tried again, that may take only so long, or that have a fallback. */
export class Tries {
  /** A builder waits for a time after this scope: the instance is parked. */
  parked = false
  private readonly host: Host
  private readonly endurance: Endurance
  /** The try under way, by builder. */
  private readonly current = new Map<number, Try>()
  /** By builder: calls off its wait. */
  private readonly waits = new Map<number, () => void>()

  constructor(host: Host, endurance: Endurance) {
    this.host = host
    this.endurance = endurance
  }

  /** The work of a builder's next try; none if its time has not come: then it waits, or the instance is parked. */
  admit(given: Work): Work | undefined {
    const before = this.host.scope.state.pendingTry(given.node.index)?.note
    const { clock, patient } = this.endurance
    const left = patient ? (before?.retryAt ?? 0) - clock.now() : 0
    if (left <= 0) return this.begin(given, (before?.attempt ?? 0) + 1, undefined)
    this.postpone(given, left)
    return undefined
  }

  private begin(given: Work, attempt: number, failed: Failure | undefined): Work {
    const work = this.anew(given)
    const startedAt = steady(this.endurance.clock)
    const rest = { cancel: undefined, controller: undefined, unlisten: undefined }
    this.current.set(given.node.index, { work, given, attempt, startedAt, failed, ...rest })
    return work
  }

  /** What an earlier try did to its inputs (the record, bytes) is not to be seen by the next. */
  private anew(given: Work): Work {
    const { state } = this.host.scope
    const input: Record<string, unknown> = { ...given.input }
    for (const { key, slot } of given.node.inputs) if (state.hasBytes(slot)) input[key] = copyBytes(input[key])
    return given.withInput(input)
  }

  attemptOf({ node }: Work): number {
    return this.current.get(node.index)?.attempt ?? 1
  }

  /** Aborts with the scope, and when the try has taken too long. Made only if somebody asks for it. */
  signalOf(work: Work): AbortSignal {
    if ((work.node.care as Care).timeout === undefined) return this.host.signal
    const tried = this.current.get(work.node.index)
    if (tried?.work !== work) return AbortSignal.abort()
    if (tried.controller !== undefined) return tried.controller.signal
    const { signal } = this.host
    const controller = new AbortController()
    // Not AbortSignal.any, whose signals live for as long as the one they follow.
    const follow = (): void => controller.abort(signal.reason)
    if (signal.aborted) follow()
    else signal.addEventListener('abort', follow, { once: true })
    tried.controller = controller
    tried.unlisten = () => signal.removeEventListener('abort', follow)
    return controller.signal
  }

  /** A try waits for something: from now on somebody has to look at the time. */
  watch(work: Work): void {
    const { timeout } = work.node.care as Care
    const tried = this.current.get(work.node.index)
    if (timeout === undefined || tried?.work !== work || tried.cancel !== undefined) return
    tried.cancel = after(this.endurance.clock, timeout, () => this.host.late(work))
  }

  /** Whether a try that gave its answer at once has taken too long all the same. */
  isLate({ node }: Work): boolean {
    const { timeout } = node.care as Care
    const startedAt = this.current.get(node.index)?.startedAt ?? 0
    return timeout !== undefined && steady(this.endurance.clock) - startedAt > timeout
  }

  /** Whether what comes of a run is nobody's any more. */
  isOver(work: Work): boolean {
    return work.node.care !== undefined && this.current.get(work.node.index)?.work !== work
  }

  /** A run came to an end; answers what its row has to say about how. */
  ends(work: Work): RowNote | null {
    const tried = this.close(work)
    if (tried === undefined) return null
    const { attempt, failed } = tried
    if (failed !== undefined) return { fallback: true, attempt, error: rowError(failed) }
    return attempt > 1 ? { attempt } : null
  }

  /**
   * Decides what follows a failure: another try, the fallback, or nothing.
   *
   * @returns the failure, with all there is to say about it, where nothing follows
   */
  faces(work: Work, failure: Failure): Failure | undefined {
    const { retry, fallback } = work.node.care as Care
    const tried = this.close(work)
    if (failure.code === 'BUILDER_TIMEOUT') tried?.controller?.abort(failure.cause)
    if (tried === undefined || this.host.aborted !== undefined) return failure
    if (tried.failed !== undefined) return withFallback(tried.failed, failure)
    const next = retry === undefined ? undefined : this.next(retry, work, failure, tried.attempt)
    if (typeof next === 'number') {
      this.retry(tried, failure, next)
      return undefined
    }
    const last = retry === undefined ? failure : { ...failure, attempt: tried.attempt, message: failure.message + next }
    if (fallback === undefined) return last
    const standIn = this.begin(tried.given, tried.attempt, last)
    this.host.standIn(standIn, work.startedAfter, thrownBy(failure), fallback)
    return undefined
  }

  /** After how many milliseconds a builder is tried again; if never, why. */
  private next(retry: RetryPolicy, { node }: Work, failure: Failure, attempt: number): number | string {
    const useless = isUseless(retry, thrownBy(failure), attempt)
    if (useless !== undefined) return useless
    const { incarnation, scope } = this.host
    const wait = backoffMs(retry, attempt, chance(`${incarnation} ${scope.number} ${node.name} ${attempt}`))
    const { parks, longestWait } = this.endurance
    if (parks || wait <= longestWait) return wait
    return ` Its next try would be in ${wait} ms, and a compute waits for ${longestWait} ms at most.`
  }

  private retry({ work, given, attempt }: Try, failure: Failure, wait: number): void {
    const retryAt = this.endurance.clock.now() + wait
    this.host.recorder.tried(work, { error: rowError(failure), attempt, retryAt })
    if (this.host.stopped) this.host.leaves()
    else this.postpone(given, wait)
  }

  /** Has a builder wait within the call, or parks it. Either way nothing that depends on it starts meanwhile. */
  private postpone(given: Work, wait: number): void {
    const { index } = given.node
    if (wait > this.endurance.longestWait) {
      this.parked = true
      this.host.leaves()
      return
    }
    const cancel = after(this.endurance.clock, wait, () => {
      this.waits.delete(index)
      this.host.again(given)
    })
    this.waits.set(index, cancel)
  }

  /** Calls off all waits. Their builders keep the time at which they are to be tried again. */
  stopWaiting(): void {
    for (const cancel of this.waits.values()) {
      cancel()
      this.host.leaves()
    }
    this.waits.clear()
  }

  /** The scope is over, whatever still runs. */
  end(): void {
    for (const cancel of this.waits.values()) cancel()
    for (const { work } of this.current.values()) this.close(work)
  }

  private close(work: Work): Try | undefined {
    const tried = this.current.get(work.node.index)
    if (tried?.work !== work) return undefined
    this.current.delete(work.node.index)
    tried.cancel?.()
    tried.unlisten?.()
    return tried
  }
}

/** Why another try would be no use, in words for the error's message; `undefined` if it may be of some. */
function isUseless({ attempts, retryIf }: RetryPolicy, error: unknown, attempt: number): string | undefined {
  if (attempt >= attempts) return ` It was try ${attempt} of ${attempts}.`
  if (error instanceof NonRetryableError) return ' It said that trying again would be no use.'
  if (retryIf === undefined) return undefined
  try {
    return retryIf(error, attempt) ? undefined : ' Its retryIf wants no further try.'
  } catch (thrown) {
    return ` Its retryIf threw: ${messageOf(thrown)}.`
  }
}

/** 0 to 1, 1 excluded: by chance, but the same again for the same text, so that a simulation can be played again. */
function chance(text: string): number {
  return Number.parseInt(hash(text).slice(0, 8), 16) / 2 ** 32
}
