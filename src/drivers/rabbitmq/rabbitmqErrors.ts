import type { ChannelRef } from '../../core/channel.ts'
import { type ErrorCode, type ErrorDetails, NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'

/**
 * What a reply code of AMQP 0-9-1 means for what was asked. It was certainly not carried out.
 * @see https://www.rabbitmq.com/docs/channels#error-handling
 */
const replies: Readonly<Record<number, ErrorCode>> = {
  311: 'PAYLOAD_TOO_LARGE',
  403: 'LOGIN_REFUSED',
  404: 'NOT_FOUND',
  405: 'UNAVAILABLE',
  406: 'CONFLICT',
}

export function rabbitmqError(
  code: ErrorCode,
  operation: string,
  text: string,
  details: ErrorDetails = {},
): NarrowcastError {
  return new NarrowcastError(code, `rabbitmq: ${operation}: ${text}`, {
    driver: 'rabbitmq',
    operation,
    ...details,
  })
}

export function closedError(operation: string): NarrowcastError {
  return rabbitmqError('CLOSED', operation, 'the session was closed')
}

/** @throws UNSUPPORTED */
export function checkKept(operation: string, { name, pattern }: ChannelRef): void {
  if (!isLive(pattern)) return
  const text = `${pattern} "${name}" keeps no messages: this is for queues and streams`
  throw rabbitmqError('UNSUPPORTED', operation, text, { channel: name })
}

/** The reply code of AMQP that ended a channel, or a connection; null for any other error. */
export function replyCodeOf(error: unknown): number | null {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'number' ? code : null
}

/** `NOT_FOUND - no queue 'orders' in vhost '/'`: the words of the server, without those of the client. */
export function replyTextOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return /with message "(.*)"$/s.exec(text)?.[1] ?? text
}

/**
 * What an error of the client means for us, in the words of the server. Where the broker did not
 * say why, the connection has ended with the question on its way.
 */
export function asRabbitmqError(
  error: unknown,
  operation: string,
  channel?: string,
): NarrowcastError {
  if (error instanceof NarrowcastError) return error
  const code = replies[replyCodeOf(error) ?? 0] ?? 'CONNECTION_LOST'
  const about = channel === undefined ? {} : { channel }
  return rabbitmqError(code, operation, replyTextOf(error), { cause: error, ...about })
}
