import type { AmqpMessage, AmqpProperties } from './client.ts'
import { isOfBroker, headerNames as names } from './headerNames.ts'
import { fitting } from './leftOut.ts'
import { type Frame, isShort, type Past, timeOf } from './wire.ts'
import { writable } from './writable.ts'

/** What a message was handed out as. */
export interface HandedAs {
  /** Null: it has none yet. */
  readonly id: string | null
  readonly timeMs: number
}

/**
 * The same message once more, byte for byte and with all that its producer said and the client can
 * write, with another past: a message in a queue cannot be changed. `letter`: it died of that, and
 * does not expire any more.
 */
export function copyOf(
  { content, properties }: AmqpMessage,
  { id, timeMs }: HandedAs,
  { failures, crashes, redrives, history }: Past,
  letter?: unknown,
): Frame {
  const { expiration, headers, ...kept } = keptOf(properties)
  const set = (name: string, value: unknown, isSaid: boolean) => {
    if (isSaid) headers[name] = value
    else delete headers[name]
  }
  set(names.failures, failures, failures > 0)
  set(names.crashes, crashes, crashes > 0)
  set(names.redrives, redrives, redrives > 0)
  set(names.firstFailed, history && new Date(history.firstFailedMs).toISOString(), history !== null)
  set(names.lastError, history && JSON.stringify(history.last), history !== null)
  set(names.letter, JSON.stringify(letter), letter !== undefined)
  if (timeOf(properties) === null) headers[names.time] = new Date(timeMs).toISOString()
  const messageId = id !== null && isShort(id) ? id : undefined
  if (id !== null && messageId === undefined) headers[names.id] = id
  const expiring = letter === undefined ? { expiration } : {}
  return { content, properties: { ...kept, ...expiring, messageId, headers: fitting(headers) } }
}

/** The same message once more, for another queue, as it was published. */
export function againOf({ content, properties }: AmqpMessage): Frame {
  const { headers, ...kept } = keptOf(properties)
  return { content, properties: { ...kept, headers: fitting(headers) } }
}

/**
 * What its producer said, as it may be said once more: the broker refuses a user who is another than
 * the one of the connection, and would send the message again to whom it names in `CC`. A message
 * that waits for its delay, or is dead, has no expiration, and has it again afterwards.
 */
function keptOf(properties: AmqpProperties): AmqpProperties & { headers: Record<string, unknown> } {
  const { contentType, contentEncoding, priority, correlationId, replyTo, type, appId } = properties
  const { messageId, timestamp, userId } = properties
  const headers: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(properties.headers ?? {})) {
    if (isOfBroker(name) || name === 'BCC') continue
    headers[name === 'CC' ? names.cc : name] = writable(value)
  }
  if (userId !== undefined) headers[names.userId] = userId
  const said = headers[names.expiration]
  const expiration = properties.expiration ?? (typeof said === 'string' ? said : undefined)
  if (expiration !== undefined) headers[names.expiration] = expiration
  return {
    ...{ contentType, contentEncoding, priority, correlationId, replyTo, type, appId, messageId },
    timestamp: Number.isSafeInteger(timestamp) ? timestamp : undefined, // else the client cannot write it
    ...{ expiration, headers },
  }
}
