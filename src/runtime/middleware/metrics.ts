import type { Attributes, Meter } from '@opentelemetry/api'
import type { ErrorCode } from '../../core/errors.ts'
import type { ChannelFacts } from '../handlerRun.ts'
import { attributes, durationBounds, metrics, operations } from './conventions.ts'

/** With these nothing has left. */
const unsent: readonly string[] = [
  'INVALID_ARGUMENT',
  'INVALID_MESSAGE',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED',
  'BUSY',
  'CLOSED',
] satisfies ErrorCode[]

/** The four metrics of the messaging conventions. */
export class Metrics {
  readonly #sent
  readonly #consumed
  readonly #operationDuration
  readonly #processDuration

  constructor(meter: Meter) {
    const seconds = { unit: 's', advice: { explicitBucketBoundaries: durationBounds } }
    const messages = { unit: '{message}' }
    this.#sent = meter.createCounter(metrics.sent, messages)
    this.#consumed = meter.createCounter(metrics.consumed, messages)
    this.#operationDuration = meter.createHistogram(metrics.operationDuration, seconds)
    this.#processDuration = meter.createHistogram(metrics.processDuration, seconds)
  }

  published(channel: ChannelFacts, durationMs: number, errorType: string | null): void {
    const { [attributes.operationType]: type, ...name } = operations.publish
    const facts = { ...factsOf(channel), ...name, ...failed(errorType) }
    if (errorType === null || !unsent.includes(errorType)) this.#sent.add(1, facts)
    this.#operationDuration.record(durationMs / 1_000, {
      ...facts,
      [attributes.operationType]: type,
    })
  }

  processed(
    channel: ChannelFacts,
    count: number,
    durationMs: number,
    errorType: string | null,
  ): void {
    const { [attributes.operationName]: name } = operations.process
    const facts = { ...factsOf(channel), [attributes.operationName]: name }
    this.#consumed.add(count, facts)
    this.#processDuration.record(durationMs / 1_000, { ...facts, ...failed(errorType) })
  }
}

/** What spans and metrics say of a channel. */
export function factsOf({ driver, name, group }: ChannelFacts): Attributes {
  const facts: Attributes = { [attributes.system]: driver, [attributes.destination]: name }
  if (group !== null) facts[attributes.group] = group
  return facts
}

function failed(errorType: string | null): Attributes {
  return errorType === null ? {} : { [attributes.errorType]: errorType }
}
