import { uuid } from '../../../core/ids.ts'
import type { IncomingMessage } from '../../../core/message.ts'
import { OwnForm } from '../ownForm.ts'
import { readWire, sourceDefault } from '../wire.ts'

/** Reads what one subscriber is given, each byte of it as one character. */
export function liveReader(channel: string): (raw: string) => IncomingMessage {
  const ownForm = new OwnForm()
  return (raw) => {
    const isAscii = Buffer.byteLength(raw) === raw.length
    const own = isAscii ? ownForm.read(raw) : null
    if (own !== null) return own
    const message = incoming(channel, Buffer.from(raw, 'latin1'))
    ownForm.learn(message)
    return message
  }
}

/** A message of another program has no id: it is given one here, which is good for a log line. */
function incoming(channel: string, raw: Buffer): IncomingMessage {
  const { id, key, timeMs, headers, type, source, body, bytes } = readWire(raw)
  return {
    id: id ?? uuid(),
    key,
    timeMs: timeMs ?? Date.now(),
    headers,
    type: type ?? channel,
    source: source ?? sourceDefault,
    body,
    bytes,
    ...(id === null && { isPlain: true }),
  }
}
