/** Spans: one for each scope and each try of a builder, linked to what fed them and to the scope before. */
import type { Attributes, Context, Link, Span, SpanContext, Tracer } from '@opentelemetry/api'
import type { BuilderEnded, BuilderStarted, ScopeBegun, ScopeEnded, Telemetry } from '../index.ts'
import { errorType, failedBuilder, SCOPE, statusOf, workflowAttributes } from './names.ts'
import type { Api } from './peer.ts'

/** Of so many instances the last scope of this process is remembered. */
const MOST_REMEMBERED = 10_000
/** As W3C Trace Context has it. */
const TRACEPARENT = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/

/** @param provider Default: the global one */
export function tracing(api: Api, provider: { getTracer(name: string): Tracer } = api.trace): Telemetry {
  const tracer = provider.getTracer(SCOPE)
  const last = new Map<string, SpanContext>()
  const remember = (id: string, context: SpanContext): void => {
    // In order of use, so that the first is the one to forget.
    last.delete(id)
    last.set(id, context)
    if (last.size > MOST_REMEMBERED) for (const oldest of last.keys()) if (last.delete(oldest)) break
  }
  return {
    carry(meta) {
      const active = api.trace.getSpanContext(api.context.active())
      if (active === undefined || !api.isSpanContextValid(active) || meta['traceparent'] !== undefined) return meta
      const flags = active.traceFlags.toString(16).padStart(2, '0')
      return { ...meta, traceparent: `00-${active.traceId}-${active.spanId}-${flags}` }
    },
    scope(begun) {
      const { span, parent } = startScope(api, tracer, begun, last.get(begun.id))
      remember(begun.id, span.spanContext())
      const within = api.trace.setSpan(parent, span)
      return {
        builder(started, run) {
          const own = startBuilder(api, tracer, begun, started, within)
          api.context.with(api.trace.setSpan(within, own), run)
          return { ended: (ended) => endBuilder(api, own, started, ended) }
        },
        ended: (ended) => endScope(api, span, ended),
      }
    },
  }
}

function startScope(
  api: Api,
  tracer: Tracer,
  begun: ScopeBegun,
  previous: SpanContext | undefined,
): { readonly span: Span; readonly parent: Context } {
  const waited = begun.waited !== undefined
  // A worker's own context has nothing to do with those whose deltas it handles.
  const parent = waited ? api.ROOT_CONTEXT : api.context.active()
  const active = api.trace.getSpanContext(parent)
  const caller = parseParent(api, begun.meta['traceparent'])
  const links: Link[] = []
  if (caller !== undefined && caller.traceId !== active?.traceId) {
    links.push({ context: caller, attributes: { 'polaris.link': 'caller' } })
  }
  if (previous !== undefined) links.push({ context: previous, attributes: { 'polaris.link': 'previous scope' } })
  const attributes: Attributes = {
    ...workflowAttributes(begun),
    'polaris.instance.id': begun.id,
    'polaris.scope': begun.scope,
    'polaris.mode': begun.mode,
    'polaris.delta': [...begun.delta],
    ...(begun.waited !== undefined && { 'polaris.waited_ms': begun.waited }),
  }
  const kind = waited ? api.SpanKind.CONSUMER : api.SpanKind.INTERNAL
  return { span: tracer.startSpan(`scope ${begun.workflow}`, { kind, attributes, links }, parent), parent }
}

function parseParent(api: Api, text: unknown): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = (typeof text === 'string' && TRACEPARENT.exec(text)) || []
  const found = { traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true }
  return api.isSpanContextValid(found) ? found : undefined
}

function startBuilder(api: Api, tracer: Tracer, begun: ScopeBegun, started: BuilderStarted, within: Context): Span {
  const attributes: Attributes = {
    ...workflowAttributes(begun),
    'polaris.instance.id': begun.id,
    'polaris.scope': begun.scope,
    'polaris.pass': started.pass,
    'polaris.builder.name': started.builder.name,
    'polaris.builder.attempt': started.attempt,
  }
  return tracer.startSpan(`builder ${started.builder.name}`, { kind: api.SpanKind.INTERNAL, attributes }, within)
}

function endBuilder(api: Api, span: Span, { sensitive }: BuilderStarted, ended: BuilderEnded): void {
  span.setAttribute('polaris.builder.outcome', ended.outcome)
  if (ended.outcome === 'failed') {
    const type = errorType(ended)
    span.setAttribute('error.type', type)
    // What such a builder throws may repeat what it read.
    const told = !sensitive && ended.error instanceof Error
    if (told) span.recordException(ended.error)
    span.setStatus({ code: api.SpanStatusCode.ERROR, message: told ? ended.error.message : type })
  }
  span.end()
}

function endScope(api: Api, span: Span, ended: ScopeEnded): void {
  span.setAttribute('polaris.status', statusOf(ended))
  if (ended.waitingFor.length > 0) span.setAttribute('polaris.waiting_for', [...ended.waitingFor])
  if (ended.error !== undefined) {
    const builder = failedBuilder(ended.error)
    const type = errorType(ended)
    span.setAttribute('error.type', type)
    if (builder !== undefined) span.setAttribute('polaris.builder.name', builder)
    span.setStatus({
      code: api.SpanStatusCode.ERROR,
      message: builder === undefined ? type : `builder '${builder}' failed`,
    })
  }
  span.end()
}
