/**
 * Traces, metrics and logs of what runs.
 *
 * @module polaris-workflow/opentelemetry
 */
import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import { checkOptions } from '../index.ts'
import type { Polaris, Telemetry } from '../index.ts'
import { logTelemetry } from './logging.ts'
import type { Logger } from './logging.ts'
import { metering, observeInstances } from './metrics.ts'
import { loadApi } from './peer.ts'
import type { Api } from './peer.ts'
import { together } from './together.ts'
import { tracing } from './tracing.ts'

export { logTelemetry } from './logging.ts'
export type { Logger } from './logging.ts'

/** Where {@link openTelemetry} tells what runs. Everything may be left out. */
export interface OpenTelemetryOptions {
  /** Where spans go. Default: the global provider; `false`: there are none. */
  readonly traces?: TracerProvider | false
  /** Where metrics go. Default: the global provider; `false`: there are none. */
  readonly metrics?: MeterProvider | false
  /** Is told what runs, with the ids of the span: pino, or any logger that takes an object and a message. */
  readonly logger?: Logger
  /** The package `@opentelemetry/api`, where it cannot be loaded by `require`. */
  readonly api?: Api
}

/** A {@link Telemetry} for `new Polaris({ telemetry })`. */
export interface OpenTelemetry extends Telemetry {
  /**
   * Observes how many instances there are in the store, by workflow, version and status, each time metrics are read. One process of
   * a fleet will do. Answers how to end it.
   */
  countInstances(polaris: Polaris): () => void
}

/**
 * A span for each scope and each try of a builder, and metrics of them. The context of the caller goes with each delta, as
 * `traceparent` in its `meta`, so that a scope is linked to what fed it, in whatever process it runs. Values of data are in none
 * of it.
 *
 * @throws `DRIVER_MISSING` without `@opentelemetry/api`; `OPTION_INVALID`
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): OpenTelemetry {
  checkOptions('openTelemetry', options, ['traces', 'metrics', 'logger', 'api'])
  const { traces, metrics, logger, api = loadApi() } = options
  const parts: Telemetry[] = []
  if (traces !== false) parts.push(tracing(api, traces))
  if (metrics !== false) parts.push(metering(api, metrics))
  if (logger !== undefined) parts.push(logTelemetry(logger, () => activeSpan(api)))
  return {
    ...together(parts),
    countInstances: (polaris) => (metrics === false ? () => undefined : observeInstances(api, polaris, metrics)),
  }
}

function activeSpan({ trace, context }: Api): object {
  const span = trace.getSpanContext(context.active())
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId }
}
