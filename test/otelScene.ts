import { context, propagation, SpanStatusCode } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { onTestFinished } from 'vitest'

/** What an SDK registers for the process. Taken away again when the test ends. */
export function registerContext(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  onTestFinished(() => {
    context.disable()
    propagation.disable()
  })
}

/** The real SDK, which keeps all that it was told. */
export function collector() {
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter })
  const meterProvider = new MeterProvider({ readers: [reader] })
  onTestFinished(async () => {
    await tracerProvider.shutdown()
    await meterProvider.shutdown()
  })
  return {
    options: { tracerProvider, meterProvider },
    /** In the order in which they ended. */
    spans: async () => {
      await tracerProvider.forceFlush()
      return exporter.getFinishedSpans()
    },
    /** Each series as its name, its unit and its attributes, with its value or count. */
    series: async () => {
      await meterProvider.forceFlush()
      const all = metricExporter.getMetrics().at(-1)?.scopeMetrics ?? []
      return all.flatMap(({ metrics }) =>
        metrics.flatMap(({ descriptor: { name, unit }, dataPoints }) =>
          dataPoints.map(({ attributes, value }) => {
            const counted = typeof value === 'number' ? { value } : histogram(value)
            return { name, unit, attributes, ...counted }
          }),
        ),
      )
    },
  }
}

function histogram(value: object): { value: number; boundaries: number[] } {
  const { count, buckets } = value as { count: number; buckets: { boundaries: number[] } }
  return { value: count, boundaries: buckets.boundaries }
}

/** What a test compares of a span. */
export function shown(span: ReadableSpan) {
  const { name, kind, attributes, status, links, events } = span
  const { traceId, spanId } = span.spanContext()
  return {
    ...{ name, kind, attributes, traceId, spanId },
    parent: span.parentSpanContext?.spanId ?? null,
    links: links.map((link) => link.context.spanId),
    isError: status.code === SpanStatusCode.ERROR,
    message: status.message ?? null,
    exceptions: events.map((event) => event.attributes?.['exception.message']),
  }
}
