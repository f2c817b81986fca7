import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { context } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'

/** Once for all: which context is active is a matter of the whole process. */
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

/** What is exported, kept in memory. */
export function exporters() {
  const spans = new InMemorySpanExporter()
  const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 2 ** 30 })
  return {
    traces: new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
    metrics: new MeterProvider({ readers: [reader] }),
    spans: () => spans.getFinishedSpans(),
    /** Data points by the name of their metric. */
    async points() {
      metrics.reset()
      await reader.forceFlush()
      const all = metrics.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
      return new Map(all.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints as Point[]]))
    },
  }
}

export interface Point {
  readonly attributes: Readonly<Record<string, unknown>>
  readonly value: unknown
}

export function byName(spans: readonly ReadableSpan[], name: string): ReadableSpan[] {
  return spans.filter((span) => span.name === name)
}

/** All that was exported, as one text; without numbers and ids, which may have any digits. */
export function textOf(exported: unknown): string {
  const random = new Set(['ms', 'traceId', 'spanId', 'time'])
  return JSON.stringify(exported, (key, value: unknown) => (random.has(key) ? undefined : value))
}
