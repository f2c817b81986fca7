/** Metrics of what runs in this process, and of what stands in its store. Durations are in seconds, as is the convention. */
import type { Counter, Histogram, Meter } from '@opentelemetry/api'
import type { Counts, DataStore, Polaris, Telemetry } from '../index.ts'
import { errorType, SCOPE, statusOf, workflowAttributes } from './names.ts'
import type { Api } from './peer.ts'

interface Instruments {
  readonly scopes: Counter
  readonly scopeDuration: Histogram
  readonly builderDuration: Histogram
  readonly failures: Counter
  readonly queueAge: Histogram
  readonly commitSize: Histogram
  readonly commitDuration: Histogram
}

export interface MeterSource {
  getMeter(name: string): Meter
}

/** @param provider Default: the global one */
export function metering(api: Api, provider: MeterSource = api.metrics): Telemetry {
  let made: Instruments | undefined
  // Not before something runs: a global provider that is registered later would never be heard of.
  const use = (): Instruments => (made ??= instruments(provider.getMeter(SCOPE)))
  return {
    scope(begun) {
      const attributes = workflowAttributes(begun)
      const started = performance.now()
      const { scopes, scopeDuration, builderDuration, failures, queueAge } = use()
      if (begun.waited !== undefined) queueAge.record(Math.max(0, begun.waited) / 1000, attributes)
      return {
        builder({ builder: { name } }, run) {
          const own = { ...attributes, 'polaris.builder.name': name }
          const began = performance.now()
          run()
          return {
            ended(ended) {
              builderDuration.record(since(began), { ...own, 'polaris.builder.outcome': ended.outcome })
              if (ended.outcome === 'failed') failures.add(1, { ...own, 'error.type': errorType(ended) })
            },
          }
        },
        ended(ended) {
          const all = { ...attributes, 'polaris.status': statusOf(ended) }
          scopes.add(1, all)
          scopeDuration.record(since(started), all)
        },
      }
    },
    store: (store) => measured(store, use),
  }
}

function since(started: number): number {
  return (performance.now() - started) / 1000
}

function instruments(meter: Meter): Instruments {
  const seconds = (name: string, description: string): Histogram =>
    meter.createHistogram(name, { unit: 's', description })
  return {
    scopes: meter.createCounter('polaris.scopes', { unit: '{scope}', description: 'Scopes that ended' }),
    scopeDuration: seconds('polaris.scope.duration', 'How long scopes took'),
    builderDuration: seconds('polaris.builder.duration', 'How long tries of builders took'),
    failures: meter.createCounter('polaris.builder.failures', { unit: '{failure}', description: 'Tries that failed' }),
    queueAge: seconds('polaris.queue.age', 'How long deltas waited in the mailbox'),
    commitSize: meter.createHistogram('polaris.commit.size', {
      ...{ unit: '{change}', description: 'Changes that one write of the store took' },
    }),
    commitDuration: seconds('polaris.commit.duration', 'How long writes of the store took'),
  }
}

/** The store, whose `write` is measured. Members are called on the store itself: it may be of a class. */
function measured(store: DataStore, use: () => Instruments): DataStore {
  const bound = new Map<PropertyKey, unknown>()
  const write: DataStore['write'] = (changes) => {
    const started = performance.now()
    const { commitSize, commitDuration } = use()
    commitSize.record(changes.length)
    const answer = store.write(changes)
    if (!isPromise(answer)) {
      commitDuration.record(since(started))
      return answer
    }
    return answer.then((written) => {
      commitDuration.record(since(started))
      return written
    })
  }
  return new Proxy(store, {
    get(target, key) {
      if (key === 'write') return write
      const member: unknown = Reflect.get(target, key, target)
      if (typeof member !== 'function') return member
      const known = bound.get(key) ?? (member as (...args: unknown[]) => unknown).bind(target)
      bound.set(key, known)
      return known
    },
  })
}

function isPromise<T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> {
  return typeof (answer as Partial<PromiseLike<T>> | undefined)?.then === 'function'
}

/** Counts are asked of the store at most so often, however many readers there are. */
const KEEP_MS = 15_000

/** Observes how many instances there are. Answers how to end it. */
export function observeInstances(api: Api, polaris: Polaris, provider: MeterSource = api.metrics): () => void {
  const meter = provider.getMeter(SCOPE)
  const instances = meter.createObservableGauge('polaris.instances', {
    ...{ unit: '{instance}', description: 'Instances in the store, by status' },
  })
  const age = meter.createObservableGauge('polaris.instances.oldest', {
    ...{ unit: 's', description: 'Since when the oldest open instance is there' },
  })
  let kept: { readonly at: number; readonly counts: Promise<Counts> } | undefined
  const counts = (): Promise<Counts> => {
    const now = performance.now()
    if (kept === undefined || now - kept.at > KEEP_MS) kept = { at: now, counts: polaris.counts() }
    return kept.counts
  }
  const observe: Parameters<Meter['addBatchObservableCallback']>[0] = async (result) => {
    const { tallies, asOf } = await counts()
    for (const tally of tallies) {
      const attributes = { ...workflowAttributes(tally), 'polaris.status': tally.status }
      result.observe(instances, tally.count, attributes)
      const through = tally.status === 'completed' || tally.status === 'cancelled'
      if (!through) result.observe(age, Math.max(0, asOf - tally.oldest) / 1000, attributes)
    }
  }
  meter.addBatchObservableCallback(observe, [instances, age])
  return () => meter.removeBatchObservableCallback(observe, [instances, age])
}
