import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { builder, data, nothing, Polaris, waitFor, workflow } from 'polaris-workflow'
import type { DataStore, Telemetry } from 'polaris-workflow'
import { logTelemetry, openTelemetry } from 'polaris-workflow/opentelemetry'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { loadApi } from '../../src/opentelemetry/peer.ts'
import { failure, thrown, until } from '../support/lab.ts'
import { byName, exporters, textOf } from './lab.ts'

const Ride = data('Ride', z.object({ to: z.string() }))
const Card = data('Card', z.string(), { sensitive: true })
const Quote = data('Quote', z.object({ fare: z.number() }))
const Ended = data('Ended', z.number())
const Paid = data('Paid', z.number())

const quote = builder({
  name: 'quote',
  consumes: { ride: Ride },
  produces: Quote,
  async process({ ride }) {
    await Promise.resolve()
    seen.push(trace.getActiveSpan())
    if (ride.to === 'nowhere') throw new TypeError('no way to nowhere')
    if (ride.to === 'later') return nothing('not yet')
    return { fare: 20 }
  },
})
const pay = builder({
  name: 'pay',
  consumes: { quote: Quote, ended: Ended },
  optionals: { card: Card },
  produces: Paid,
  process({ card, quote }) {
    if (card === '666') throw new Error(`the bank refuses ${card}`)
    if (card === 'wait') return waitFor(Ended)
    return quote.fare
  },
})
const ride = workflow({ name: 'ride', builders: [quote, pay], target: Paid })
/** The spans that were active while `quote` ran. */
const seen: unknown[] = []

function world(store: DataStore = memoryStore(), out = exporters()) {
  const telemetry = openTelemetry({ traces: out.traces, metrics: out.metrics })
  const polaris = new Polaris({ store, telemetry }).register(ride)
  return { out, telemetry, polaris, run: polaris.executor(), tracer: out.traces.getTracer('test') }
}

/** Runs something with a span of the caller's active. */
async function within<T>(tracer: ReturnType<typeof trace.getTracer>, work: () => Promise<T>) {
  const span = tracer.startSpan('caller')
  const answer = await context.with(trace.setSpan(context.active(), span), work)
  span.end()
  return { answer, span: span.spanContext() }
}

describe('traces', () => {
  it('have a span for each scope and, within it, for each builder, below the span of the caller', async () => {
    const { out, run, tracer } = world()
    const { span } = await within(tracer, () => run.parallel(ride, 'r', Ride({ to: 'Zoo' })))
    const [scope] = byName(out.spans(), 'scope ride')
    expect(scope?.attributes).toMatchObject({
      ...{ 'polaris.workflow.name': 'ride', 'polaris.workflow.version': 1, 'polaris.instance.id': 'r' },
      ...{ 'polaris.scope': 1, 'polaris.mode': 'parallel', 'polaris.delta': ['Ride'], 'polaris.status': 'waiting' },
      'polaris.waiting_for': ['Ended'],
    })
    expect(scope?.parentSpanContext?.spanId).toBe(span.spanId)
    // Its parent says all there is to say.
    expect(scope?.links).toEqual([])
    const [built] = byName(out.spans(), 'builder quote')
    expect(built?.parentSpanContext?.spanId).toBe(scope?.spanContext().spanId)
    expect(built?.attributes).toMatchObject({
      'polaris.builder.name': 'quote',
      ...{ 'polaris.builder.attempt': 1, 'polaris.builder.outcome': 'produced' },
    })
  })

  it('hand their context into builders, behind an await as well', async () => {
    const { out, run } = world()
    seen.length = 0
    await run.sequential(ride, 'r', Ride({ to: 'Zoo' }))
    const [built] = byName(out.spans(), 'builder quote')
    expect((seen[0] as { spanContext(): unknown }).spanContext()).toEqual(built?.spanContext())
  })

  it('link a scope to the one before, and, across processes, to the span of who fed it', async () => {
    const store = memoryStore()
    const [feeder, worker] = [world(store), world(store)]
    await feeder.run.sequential(ride, 'r', Ride({ to: 'Zoo' }))
    const { span } = await within(feeder.tracer, () => feeder.run.submit(ride, 'r', Ended(5)))
    const working = worker.polaris.worker()
    working.start()
    await until(() => byName(worker.out.spans(), 'scope ride').length === 1, 'the scope of the worker')
    await working.stop()
    const [scope] = byName(worker.out.spans(), 'scope ride')
    expect(scope?.kind).toBe(SpanKind.CONSUMER)
    expect(scope?.parentSpanContext).toBeUndefined()
    expect(
      scope?.links.map(({ context: { spanId, traceId }, attributes }) => ({ spanId, traceId, attributes })),
    ).toEqual([{ spanId: span.spanId, traceId: span.traceId, attributes: { 'polaris.link': 'caller' } }])
    expect(scope?.attributes['polaris.waited_ms']).toEqual(expect.any(Number))
    const called = (await worker.polaris.history('r')).find(({ meta }) => meta !== undefined)
    expect(called?.meta).toEqual({ traceparent: `00-${span.traceId}-${span.spanId}-01` })
    // In one process the scope before is known as well.
    await worker.run.sequential(ride, 'r', Ended(6))
    const [first, second] = byName(worker.out.spans(), 'scope ride')
    expect(second?.links).toMatchObject([
      { context: { spanId: first?.spanContext().spanId }, attributes: { 'polaris.link': 'previous scope' } },
    ])
  })

  it('keep the meta that a caller gives, and a traceparent of its own', async () => {
    const { polaris, run, tracer } = world()
    const own = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`
    await within(tracer, () => run.with({ meta: { who: 'me' } }).sequential(ride, 'r', Ride({ to: 'Zoo' })))
    await within(tracer, () => run.with({ meta: { traceparent: own } }).sequential(ride, 'r', Ended(1)))
    const metas = (await polaris.history('r')).flatMap(({ meta }) => meta ?? [])
    expect(metas[0]).toEqual({ who: 'me', traceparent: expect.any(String) as string })
    expect(metas[1]).toEqual({ traceparent: own })
    // Nobody's span is active: nothing goes with the delta.
    await run.sequential(ride, 's', Ride({ to: 'Zoo' }))
    expect((await polaris.history('s')).every(({ meta }) => meta === undefined)).toBe(true)
  })

  it('say what failed, and of builders that have to do with sensitive data not what they threw', async () => {
    const { out, run } = world()
    await failure(run.sequential(ride, 'r', Ride({ to: 'nowhere' })))
    const [built] = byName(out.spans(), 'builder quote')
    expect(built?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no way to nowhere' })
    expect(built?.attributes).toMatchObject({ 'polaris.builder.outcome': 'failed', 'error.type': 'TypeError' })
    expect(built?.events.map(({ name }) => name)).toEqual(['exception'])
    const [scope] = byName(out.spans(), 'scope ride')
    expect(scope?.status).toEqual({ code: SpanStatusCode.ERROR, message: "builder 'quote' failed" })
    expect(scope?.attributes).toMatchObject({ 'polaris.status': 'failed', 'error.type': 'BUILDER_FAILED' })
    await failure(run.sequential(ride, 's', Ride({ to: 'Zoo' }), Card('666'), Ended(4711)))
    const [paid] = byName(out.spans(), 'builder pay')
    expect(paid?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'Error' })
    expect(paid?.events).toEqual([])
    // No values at all, sensitive or not.
    const told = out
      .spans()
      .map(({ name, attributes, events, links, status }) => ({ name, attributes, events, links, status }))
    expect(textOf(told)).not.toMatch(/666|4711|Zoo/)
  })

  it('tell outcomes without a product, and runs of compute', async () => {
    const { out, run } = world()
    await run.sequential(ride, 'r', Ride({ to: 'later' }))
    await run.sequential(ride, 's', Ride({ to: 'Zoo' }), Card('wait'), Ended(1))
    await run.compute(ride, Ride({ to: 'Zoo' }), Ended(1))
    const outcomes = out.spans().flatMap(({ attributes }) => attributes['polaris.builder.outcome'] ?? [])
    expect(outcomes).toEqual(['nothing', 'produced', 'waitFor', 'produced', 'produced'])
    expect(byName(out.spans(), 'scope ride').map(({ attributes }) => attributes['polaris.status'])).toEqual([
      ...['waiting', 'waiting', 'completed'],
    ])
  })
})

describe('metrics', () => {
  it('count scopes, time builders and commits, and count failures by their type', async () => {
    const { out, run } = world()
    await run.sequential(ride, 'r', Ride({ to: 'Zoo' }))
    await run.sequential(ride, 'r', Ended(1))
    await failure(run.sequential(ride, 's', Ride({ to: 'nowhere' })))
    const points = await out.points()
    const scopes = points.get('polaris.scopes')?.map(({ attributes, value }) => [attributes['polaris.status'], value])
    expect(scopes?.sort()).toEqual([
      ['completed', 1],
      ['failed', 1],
      ['waiting', 1],
    ])
    expect(points.get('polaris.builder.failures')).toMatchObject([
      { attributes: { 'polaris.builder.name': 'quote', 'error.type': 'TypeError' }, value: 1 },
    ])
    const durations = points
      .get('polaris.builder.duration')
      ?.map(({ attributes, value }) => [
        ...[
          attributes['polaris.builder.name'],
          attributes['polaris.builder.outcome'],
          (value as { count: number }).count,
        ],
      ])
    expect(durations).toEqual([
      ['quote', 'produced', 1],
      ['pay', 'produced', 1],
      ['quote', 'failed', 1],
    ])
    expect((points.get('polaris.commit.size')?.[0]?.value as { sum: number }).sum).toBeGreaterThanOrEqual(3)
    expect(points.get('polaris.commit.duration')).toHaveLength(1)
    // By id there would be as many series as instances.
    expect(JSON.stringify([...points.values()])).not.toContain('instance.id')
  })

  it('tell how long deltas waited, and how many instances there are', async () => {
    const { out, polaris, run, telemetry } = world()
    await run.submit(ride, 'r', Ride({ to: 'Zoo' }))
    const worker = polaris.worker()
    worker.start()
    await until(() => byName(out.spans(), 'scope ride').length === 1, 'the scope')
    await worker.stop()
    await run.sequential(ride, 's', Ride({ to: 'Zoo' }), Ended(1))
    const stop = telemetry.countInstances(polaris)
    const points = await out.points()
    expect((points.get('polaris.queue.age')?.[0]?.value as { count: number }).count).toBe(1)
    const counts = points
      .get('polaris.instances')
      ?.map(({ attributes, value }) => [attributes['polaris.status'], value])
    expect(counts?.sort()).toEqual([
      ['completed', 1],
      ['waiting', 1],
    ])
    expect(points.get('polaris.instances.oldest')).toHaveLength(1)
    stop()
  })

  it('leave a store as it is, of a class too', async () => {
    class Classy {
      readonly #inner = memoryStore()
      readonly name = 'classy'
      readonly capabilities = this.#inner.capabilities
      read(id: string) {
        return this.#inner.read(id)
      }
    }
    const { out } = world()
    const { store } = openTelemetry({ traces: false, metrics: out.metrics })
    const classy = new Classy() as unknown as DataStore
    const watched = store?.(classy) as DataStore
    expect(await watched.read('x')).toBeUndefined()
    expect([watched.name, watched.subscribe, watched.read === watched.read]).toEqual(['classy', undefined, true])
  })
})

describe('logs', () => {
  function logger() {
    const lines: [string, object, string][] = []
    const at = (level: string) => (facts: object, message: string) => void lines.push([level, facts, message])
    return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn') } }
  }

  it('have a line for each scope and each builder, as pino takes it, without values', async () => {
    const { lines, logger: pino } = logger()
    const polaris = new Polaris({ store: memoryStore(), telemetry: logTelemetry(pino) }).register(ride)
    const run = polaris.executor()
    await run.sequential(ride, 'r', Ride({ to: 'Zoo' }))
    await failure(run.sequential(ride, 's', Ride({ to: 'Zoo' }), Card('666'), Ended(4711)))
    expect(lines.map(([level, , message]) => `${level} ${message}`)).toEqual([
      ...['debug builder ended', 'info scope ended'],
      ...['debug builder ended', 'warn builder failed', 'warn scope failed'],
    ])
    expect(lines[1]?.[1]).toMatchObject({ workflow: 'ride', version: 1, id: 'r', scope: 1, status: 'waiting' })
    expect(lines[3]?.[1]).toMatchObject({ builder: 'pay', attempt: 1, err: { type: 'Error' } })
    expect(lines[4]?.[1]).toMatchObject({ builder: 'pay', code: 'BUILDER_FAILED', status: 'failed' })
    expect(textOf(lines)).not.toMatch(/666|4711|Zoo/)
  })

  it('have the ids of the span, beside traces', async () => {
    const out = exporters()
    const { lines, logger: pino } = logger()
    const telemetry = openTelemetry({ traces: out.traces, metrics: false, logger: pino })
    await new Polaris({ store: memoryStore(), telemetry })
      .register(ride)
      .executor()
      .sequential(ride, 'r', Ride({ to: 'Zoo' }))
    const { traceId, spanId } = byName(out.spans(), 'builder quote')[0]!.spanContext()
    expect(lines[0]?.[1]).toMatchObject({ trace_id: traceId, span_id: spanId })
  })
})

describe('telemetry', () => {
  it('rule 23: harms nothing when it throws, and runs each builder once whatever it does with it', async () => {
    const bad = (): never => {
      throw new Error('telemetry is down')
    }
    const hostile: Telemetry[] = [
      { carry: bad, scope: bad },
      { carry: () => ({ not: () => 'JSON' }), scope: () => ({ builder: bad, ended: bad }) },
      { scope: () => ({ builder: () => ({ ended: bad }), ended: bad }) },
      {
        scope: () => ({
          builder(_, run) {
            run()
            run()
            throw new Error('after')
          },
        }),
      },
    ]
    for (const telemetry of hostile) {
      seen.length = 0
      const polaris = new Polaris({ store: memoryStore(), telemetry }).register(ride)
      const run = polaris.executor()
      expect((await run.sequential(ride, 'r', Ride({ to: 'Zoo' }), Ended(1))).status).toBe('completed')
      expect(seen).toHaveLength(1)
      const error = await failure(run.sequential(ride, 's', Ride({ to: 'nowhere' })))
      expect((error.cause as Error).message).toBe('no way to nowhere')
    }
  })

  it('says which package is missing, and refuses what is no telemetry', () => {
    const error = thrown(
      () =>
        loadApi(() => {
          throw new Error('Cannot find module')
        }),
      'DRIVER_MISSING',
    )
    expect(error.message).toContain('npm install @opentelemetry/api')
    thrown(() => openTelemetry({ tracer: 1 } as never), 'OPTION_INVALID')
    thrown(() => new Polaris({ telemetry: 'on' as never }), 'OPTION_INVALID')
  })

  it('is silent without a provider', async () => {
    const polaris = new Polaris({ store: memoryStore(), telemetry: openTelemetry() }).register(ride)
    const done = await polaris.executor().sequential(ride, 'r', Ride({ to: 'Zoo' }), Ended(1))
    expect(done.status).toBe('completed')
    expect((await polaris.history('r')).every(({ meta }) => meta === undefined)).toBe(true)
  })
})
