import type { ChannelSpec } from '../../../core/channel.ts'
import type { OutgoingMessage } from '../../../core/message.ts'
import type { Argument } from '../connection.ts'
import { OwnWriter } from '../ownWriter.ts'

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
