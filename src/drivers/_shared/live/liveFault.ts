import type { ChannelSpec } from '../../../core/channel.ts'
import type { ErrorCode } from '../../../core/errors.ts'
import type { OutgoingMessage } from '../../../core/message.ts'

export interface Fault {
  readonly code: ErrorCode & ('PAYLOAD_TOO_LARGE' | 'UNSUPPORTED')
  readonly text: string
  readonly hint: string
}

/** Why a message can never be handed over; null when it can. */
export function liveFault(
  { id, body, delayMs }: OutgoingMessage,
  { payloadBytesMax }: ChannelSpec,
): Fault | null {
  const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
  if (bytes > payloadBytesMax) {
    const text = `the body of ${id} has ${bytes} bytes, more than the ${payloadBytesMax} of the channel`
    return { code: 'PAYLOAD_TOO_LARGE', text, hint: 'Send a smaller body.' }
  }
  if (delayMs === 0) return null
  const text = `message ${id} has a delay of ${delayMs} ms, but nothing is kept for later`
  return { code: 'UNSUPPORTED', text, hint: 'Delay on a queue or a stream.' }
}
