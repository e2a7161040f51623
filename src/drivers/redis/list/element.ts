import type { IncomingMessage, OutgoingMessage } from '../../../core/message.ts'
import { cloudEventText, readWire } from '../wire.ts'
import { readValue, type Value } from './value.ts'

/** Where the time of a message is off by more, its element says when it came in. */
const offMsMax = 1_000

/** What a producer of our own writes. Without an envelope the body alone. */
export function elementOf(message: OutgoingMessage, hasEnvelope: boolean): string | Buffer {
  if (hasEnvelope) {
    const nowMs = Date.now()
    const isOff = Math.abs(nowMs - message.timeMs) > offMsMax
    return cloudEventText(message, isOff ? nowMs : null)
  }
  const { body } = message
  return typeof body === 'string' ? body : Buffer.from(body)
}

export interface Read {
  readonly message: IncomingMessage
  readonly redrives: number
  readonly value: Value
}

/** A value as it is kept. `tag`: what names it, where nothing stands beside it. */
export function readMessage(channel: string, raw: Buffer, tag: string): Read {
  const value = readValue(raw)
  const { redrives, id, timeMs, type, source, ...rest } = readWire(value.element)
  const message = {
    ...rest,
    id: id ?? value.tag ?? tag,
    timeMs: timeMs ?? Date.now(),
    type: type ?? channel,
    source: source ?? 'foreign',
  }
  return { message, redrives, value }
}
