/**
 * CloudEvents in Kafka: the data is the value, each attribute a header.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
export const headerNames = {
  contentType: 'content-type',
  version: 'ce_specversion',
  id: 'ce_id',
  type: 'ce_type',
  source: 'ce_source',
  time: 'ce_time',
  subject: 'ce_subject',
  redrives: 'ce_redrivecount',
  failures: 'ce_errorcount',
  crashes: 'ce_crashcount',
  firstFailed: 'ce_firstfailed',
  lastError: 'ce_lasterror',
  /** When it is to be handed out. */
  due: 'ce_due',
  /** Of the message that this is a copy of. */
  position: 'ce_position',
  /** Why it died. */
  letter: 'ce_deadletter',
  /** Of a dead letter, which has a key of its own. */
  key: 'ce_partitionkey',
} as const

const reserved: ReadonlySet<string> = new Set(Object.values(headerNames))

/** What is ours, or CloudEvents' own, is no header of a user. */
export const isReserved = (name: string) => reserved.has(name)

/** As they travel. */
export const headerKeys = Object.fromEntries(
  Object.entries(headerNames).map(([what, name]) => [what, Buffer.from(name)]),
) as Readonly<Record<keyof typeof headerNames, Buffer>>
