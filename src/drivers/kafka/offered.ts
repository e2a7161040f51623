import type { Pattern } from '../../core/message.ts'
import { kafkaError } from './kafkaErrors.ts'

export type OfferedPattern = Exclude<Pattern, 'narrowcast'>

/** What a user takes for a narrowcast. */
export const insteadOfNarrowcast =
  'Use a queue: each message goes to one worker, whichever is free. Who picks the worker needs another broker: redis: and amqp: have narrowcast.'

/** @throws UNSUPPORTED */
export function checkOffered(operation: string, name: string, pattern: Pattern): OfferedPattern {
  if (pattern !== 'narrowcast') return pattern
  const text = `"${name}": there is no narrowcast on Kafka: whoever reads a topic reads all of it`
  throw kafkaError('UNSUPPORTED', operation, text, { channel: name, hint: insteadOfNarrowcast })
}
