import type { Middleware } from '../handlerRun.ts'
import { endingOf } from '../unit.ts'
import { openTelemetry, type TracingOptions } from './openTelemetry.ts'

/**
 * A span of OpenTelemetry around the handlers of one subscription, a child of what published the
 * message, and its metrics. `connect(url, { tracing: true })` has that for all subscriptions,
 * batches too, and for all that is published: use one of the two.
 * @throws CLIENT_MISSING, INVALID_ARGUMENT
 */
export function tracing(options: TracingOptions = {}): Middleware<unknown> {
  const traces = openTelemetry(options)
  return async (delivery, next, run) => {
    const processing = traces.process(run.channel, delivery)
    try {
      const verdict = await processing.run(next)
      processing.end([endingOf(verdict)])
      return verdict
    } catch (error) {
      const { isGivenBack } = run
      processing.end([isGivenBack ? { kind: 'release', delayMs: 0 } : { kind: 'failed', error }])
      throw error
    }
  }
}
