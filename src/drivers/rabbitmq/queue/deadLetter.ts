import type { DeadEntry } from '../../../core/admin.ts'
import { randomName } from '../../../core/ids.ts'
import type { DeadLetter } from '../../../core/message.ts'
import type { AmqpMessage } from '../client.ts'
import { homeOf } from '../layout.ts'
import { letterOf, messageOf, pastOf } from '../wire.ts'

let buried = 0

/** Names a dead letter. In the order of their names is the order in which they died. */
export function newRef(nowMs = Date.now()): string {
  return `${hexOf(nowMs, 12)}-${hexOf(++buried, 8)}-${randomName(8)}`
}

const hexOf = (value: number, digits: number) => value.toString(16).padStart(digits, '0')

export function entryOf(raw: AmqpMessage, channel: string): DeadEntry {
  const message = messageOf(raw, channel, Date.now())
  const said = letterOf(raw) as (DeadLetter & { ref: string }) | undefined
  if (said === undefined) {
    const letter = ofBroker(raw, channel)
    return { ref: `${hexOf(letter.diedMs, 12)}-broker-${message.id}`, message, letter }
  }
  const { ref, ...letter } = said
  return { ref, message, letter }
}

interface Death {
  readonly queue?: string
  /** In seconds. */
  readonly time?: { readonly value?: number }
}

/** The broker has given it up by itself: it came back as often as the limit of the queue allows. */
function ofBroker(raw: AmqpMessage, channel: string): DeadLetter {
  const { failures, crashes, redrives, history } = pastOf(raw)
  const deaths = raw.properties.headers?.['x-death'] as [Death?] | undefined
  const [died] = deaths ?? []
  const prefix = homeOf(channel, '').queue
  const group = died?.queue?.startsWith(prefix) ? died.queue.slice(prefix.length) : null
  return {
    cause: 'crashes',
    reason: 'it came back as often as the delivery limit of the queue allows',
    error: history?.last ?? null,
    ...{ failures, crashes, redrives, firstFailedMs: history?.firstFailedMs ?? null },
    diedMs: (died?.time?.value ?? 0) * 1_000,
    ...{ channel, group, worker: 'unknown' },
  }
}
