import type { IncomingMessage } from '../../../core/message.ts'
import { readWire } from '../wire.ts'
import type { Value } from './value.ts'

export interface Read {
  readonly message: IncomingMessage
  readonly redrives: number
}

/** The message of a value. `tag`: what names it, where nothing stands beside it. */
export function readMessage(channel: string, value: Value, tag: string): Read {
  const { redrives, id, timeMs, type, source, ...rest } = readWire(value.element)
  const message = {
    ...rest,
    id: id ?? value.tag ?? tag,
    timeMs: timeMs ?? Date.now(),
    type: type ?? channel,
    source: source ?? 'foreign',
  }
  return { message, redrives }
}
