import type { ChannelSpec } from '../../../core/channel.ts'
import type { ErrorCode } from '../../../core/errors.ts'
import type { OutgoingMessage } from '../../../core/message.ts'
import type { Argument } from '../connection.ts'
import { OwnWriter } from '../ownWriter.ts'

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

/**
 * Messages and bytes of one script. While it runs the server writes nothing to those who listen, and
 * it cuts off whom it owes too much, 32 MB unless it was told otherwise.
 */
const stepMax = { messages: 1_000, bytes: 1_048_576 }

/** A large one goes alone. */
export function* inSteps<T>(all: readonly T[], form: (one: T) => Argument): Generator<T[]> {
  let step: T[] = []
  let bytes = 0
  for (const one of all) {
    const size = Buffer.byteLength(form(one))
    if (step.length > 0 && (step.length === stepMax.messages || bytes + size > stepMax.bytes)) {
      yield step
      step = []
      bytes = 0
    }
    step.push(one)
    bytes += size
  }
  if (step.length > 0) yield step
}

/** Mostly one channel after another: what the last one had in common is written again. */
const writer = new OwnWriter()

/** What is published: a CloudEvent, or the data alone where it is wished or came so. */
export function wireForm(message: OutgoingMessage, { envelope }: ChannelSpec): Argument {
  if (envelope && !message.isPlain) return writer.write(message)
  const { body } = message
  return typeof body === 'string' ? body : Buffer.from(body)
}
