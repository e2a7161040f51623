import type { IncomingMessage } from '../../../core/message.ts'
import { readWire, sourceDefault } from '../wire.ts'
import type { Value } from './value.ts'

export interface Read {
  readonly message: IncomingMessage
  readonly redrives: number
  /** It says no id of its own: its tag is one, and tells how often it was sent back. */
  readonly isTagged: boolean
}

/**
 * The message of a value. `tag`: what names it, where nothing stands beside it. `unsaidMs`: its
 * time where it says none, until it has failed: from then on it is that of its first failure.
 */
export function readMessage(channel: string, value: Value, tag: string, unsaidMs: number): Read {
  const { redrives, id, timeMs, type, source, ...rest } = readWire(value.element)
  const tagged = id === null ? readTag(value.tag ?? tag) : { id, redrives }
  const message = {
    ...rest,
    id: tagged.id,
    timeMs: timeMs ?? value.past?.firstFailedMs ?? unsaidMs,
    type: type ?? channel,
    source: source ?? sourceDefault,
  }
  return { message, redrives: tagged.redrives, isTagged: id === null }
}

/** A message without an envelope has no other place for it. */
export function redrivenTag(id: string, redrives: number): string {
  return `${id}~${redrives}`
}

const redrivenForm = /^(.*)~(\d+)$/

function readTag(tag: string): { id: string; redrives: number } {
  const found = redrivenForm.exec(tag)
  return found === null
    ? { id: tag, redrives: 0 }
    : { id: found[1] as string, redrives: Number(found[2]) }
}
