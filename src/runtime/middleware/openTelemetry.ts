import type * as Api from '@opentelemetry/api'
import { NarrowcastError } from '../../core/errors.ts'
import type { PublishOptions, Receipt, Received } from '../api.ts'
import { onlyKnown } from '../checks.ts'
import type { ChannelFacts } from '../handlerRun.ts'
import type { Ending } from '../policy.ts'
import { textOf } from '../thrown.ts'
import type { Processing, Sending, Tracing } from '../tracing.ts'
import { attributes, operations } from './conventions.ts'
import { loadApi } from './loadApi.ts'
import { factsOf, Metrics } from './metrics.ts'

const scope = 'narrowcast'

/** Providers of OpenTelemetry. Without an SDK that registers some, tracing costs next to nothing. */
export interface TracingOptions {
  /** A `TracerProvider`. @default the registered one */
  readonly tracerProvider?: { getTracer(name: string): unknown }
  /** A `MeterProvider`. @default the one that is registered by now */
  readonly meterProvider?: { getMeter(name: string): unknown }
}

/** Spans and metrics by the messaging conventions. @throws CLIENT_MISSING, INVALID_ARGUMENT */
export function openTelemetry(options: TracingOptions = {}): Tracing {
  onlyKnown('tracing', options, ['tracerProvider', 'meterProvider'])
  const api = loadApi()
  const { tracerProvider = api.trace, meterProvider = api.metrics } = options
  const tracer = tracerProvider.getTracer(scope) as Api.Tracer
  return new OpenTelemetry(api, tracer, new Metrics(meterProvider.getMeter(scope) as Api.Meter))
}

class OpenTelemetry implements Tracing {
  readonly #api: typeof Api
  readonly #tracer: Api.Tracer
  readonly #metrics: Metrics

  constructor(api: typeof Api, tracer: Api.Tracer, metrics: Metrics) {
    this.#api = api
    this.#tracer = tracer
    this.#metrics = metrics
  }

  /** A context that the caller put into the headers is the message's own: it stays, and is linked. */
  send(channel: ChannelFacts, options: PublishOptions | undefined): Sending {
    const { context, propagation, trace, SpanKind } = this.#api
    const given = this.#creation(options?.headers)
    const begunMs = performance.now()
    const span = this.#tracer.startSpan(`publish ${channel.name}`, {
      kind: given ? SpanKind.CLIENT : SpanKind.PRODUCER,
      attributes: { ...spanFacts(channel), ...operations.publish },
      links: given ? [{ context: given }] : [],
    })
    const headers: Record<string, string> = {}
    if (!given) propagation.inject(trace.setSpan(context.active(), span), headers)
    return {
      options: withHeaders(options, headers),
      end: (answer) => {
        const error = answer instanceof NarrowcastError ? answer : null
        const id = error ? options?.id : (answer as Receipt).id
        if (typeof id === 'string') span.setAttribute(attributes.messageId, id)
        if (error) this.#fail(span, error.code, error)
        span.end()
        this.#metrics.published(channel, performance.now() - begunMs, error?.code ?? null)
      },
    }
  }

  /** A child of what published its message, and linked to it; a batch begins a trace and has links. */
  process(
    channel: ChannelFacts,
    given: Received<unknown> | readonly Received<unknown>[],
  ): Processing {
    const { context, propagation, trace, ROOT_CONTEXT, SpanKind } = this.#api
    const [deliveries, only] = 'message' in given ? [[given], given] : [given, null]
    const parent = only ? propagation.extract(ROOT_CONTEXT, only.message.headers) : ROOT_CONTEXT
    const begunMs = performance.now()
    const creations = deliveries.map(({ message }) => this.#creation(message.headers))
    const span = this.#tracer.startSpan(
      `process ${channel.name}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: {
          ...spanFacts(channel),
          ...operations.process,
          ...(only
            ? { [attributes.messageId]: only.message.id, [attributes.attempt]: only.attempt }
            : { [attributes.batchCount]: deliveries.length }),
        },
        links: creations.flatMap((creation) => (creation ? [{ context: creation }] : [])),
      },
      parent,
    )
    return {
      run: (work) => context.with(trace.setSpan(parent, span), work),
      end: (endings) => {
        const [kind, ...others] = new Set(endings.map(wordOf))
        if (kind && others.length === 0) span.setAttribute(attributes.ending, kind)
        const failure = endings.find((ending) => ending.kind === 'failed')
        const errorType = failure ? typeOf(failure) : null
        if (failure && errorType) this.#fail(span, errorType, failure.error, failure.isAsked)
        span.end()
        const durationMs = performance.now() - begunMs
        this.#metrics.processed(channel, deliveries.length, durationMs, errorType)
      },
    }
  }

  /** The context in which a message was made, as its headers tell it. */
  #creation(headers: PublishOptions['headers']): Api.SpanContext | undefined {
    if (!headers) return undefined
    const { propagation, trace, ROOT_CONTEXT } = this.#api
    return trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers))
  }

  #fail(span: Api.Span, errorType: string, error: unknown, isAsked = false): void {
    const message = textOf(error)
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message })
    span.setAttribute(attributes.errorType, errorType)
    if (!isAsked) span.recordException(error instanceof Error ? error : message)
  }
}

function spanFacts(channel: ChannelFacts): Api.Attributes {
  return { ...factsOf(channel), [attributes.pattern]: channel.pattern }
}

/** What is no object of texts is left as it is, to be refused. */
function withHeaders(
  options: PublishOptions | undefined,
  added: Record<string, string>,
): PublishOptions | undefined {
  if (Object.keys(added).length === 0) return options
  const given = options?.headers ?? {}
  if (typeof given !== 'object' || Array.isArray(given)) return options
  return { ...options, headers: { ...added, ...given } }
}

function wordOf(ending: Ending): string {
  return ending.kind === 'failed' && ending.isAsked ? 'retry' : ending.kind
}

/** Of few values: a code of ours, or the name of the error's class. */
function typeOf({ error, isAsked }: Extract<Ending, { kind: 'failed' }>): string {
  if (isAsked) return 'retry'
  if (error instanceof NarrowcastError) return error.code
  return error instanceof Error ? error.name : '_OTHER'
}
