/**
 * The names of OpenTelemetry's messaging conventions (1.44, in development) that we use, and our
 * own, which begin with `narrowcast.`. They stand nowhere else.
 */
export const attributes = {
  system: 'messaging.system',
  destination: 'messaging.destination.name',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  messageId: 'messaging.message.id',
  group: 'messaging.consumer.group.name',
  batchCount: 'messaging.batch.message_count',
  errorType: 'error.type',
  pattern: 'narrowcast.pattern',
  attempt: 'narrowcast.attempt',
  ending: 'narrowcast.ending',
} as const

/** What we call an operation, and which of the conventions' it is. */
export const operations = {
  publish: { [attributes.operationName]: 'publish', [attributes.operationType]: 'send' },
  process: { [attributes.operationName]: 'process', [attributes.operationType]: 'process' },
} as const

export const metrics = {
  sent: 'messaging.client.sent.messages',
  consumed: 'messaging.client.consumed.messages',
  operationDuration: 'messaging.client.operation.duration',
  processDuration: 'messaging.process.duration',
} as const

/** Bounds of the buckets of both durations, in seconds. */
export const durationBounds = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]
