import type { ChannelSpec } from '../../core/channel.ts'
import type { NarrowcastError } from '../../core/errors.ts'
import type { OutgoingMessage, PublishOutcome } from '../../core/message.ts'
import { contracts, payloadBytesMax } from './contract.ts'
import { redisError, repliedWith } from './redisErrors.ts'

/** Messages stored by one command. */
export const batchMax = 1_000
/** The last time that a date has. */
const timeMsMax = 8_640_000_000_000_000
const delayMsMax = contracts.queue.delay.msMax

/** Why a message cannot be stored, whatever the form; null: it can. */
export function faultOf(
  { name, payloadBytesMax: wanted }: ChannelSpec,
  { id, body, delayMs, timeMs }: OutgoingMessage,
): NarrowcastError | null {
  const fault = (code: 'PAYLOAD_TOO_LARGE' | 'INVALID_ARGUMENT', text: string) =>
    redisError(code, 'publish', `to "${name}": message ${id} has ${text}`, { channel: name })
  const bytesMax = Math.min(wanted, payloadBytesMax)
  const isLarge = typeof body !== 'string' || body.length * 3 > bytesMax
  const bytes = isLarge ? Buffer.byteLength(body) : 0
  if (bytes > bytesMax) {
    return fault('PAYLOAD_TOO_LARGE', `${bytes} bytes, at most ${bytesMax} are taken`)
  }
  if (!Number.isInteger(timeMs) || Math.abs(timeMs) > timeMsMax) {
    return fault('INVALID_ARGUMENT', `the time ${timeMs}, expected whole milliseconds`)
  }
  if (delayMs >= 0 && delayMs <= delayMsMax) return null
  return fault('INVALID_ARGUMENT', `a delay of ${delayMs} ms, expected 0 to ${delayMsMax}`)
}

/**
 * Nothing of it was stored or sent, though a script raised it: each of ours that publishes meets
 * every key of another type before it writes.
 */
export const leftNothing = (error: NarrowcastError): boolean =>
  error.definite || repliedWith(error) === 'WRONGTYPE'

/** The outcome of what an error has stopped: refused where it certainly left nothing. */
export function failed(
  state: 'refused' | 'unknown',
  { code, message, hint }: NarrowcastError,
): PublishOutcome {
  return { state, code, message, hint }
}
