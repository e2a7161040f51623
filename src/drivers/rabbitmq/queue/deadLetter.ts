import { hash } from 'node:crypto'
import type { DeadEntry } from '../../../core/admin.ts'
import { randomName } from '../../../core/ids.ts'
import type { DeadLetter } from '../../../core/message.ts'
import type { AmqpMessage } from '../client.ts'
import { headerNames } from '../headerNames.ts'
import { homeOf } from '../layout.ts'
import { messageOf, parsed, pastOf } from '../wire.ts'

let buried = 0

/** Names a dead letter. In the order of their names is the order in which they died. */
export function newRef(nowMs = Date.now()): string {
  return `${hexOf(nowMs, 12)}-${hexOf(++buried, 8)}-${randomName(8)}`
}

const hexOf = (value: number, digits: number) => value.toString(16).padStart(digits, '0')

export function entryOf(raw: AmqpMessage, channel: string): DeadEntry {
  const said = letterOf(raw)
  if (said !== null) {
    const { ref, ...letter } = said
    return { ref, message: messageOf(raw, channel, letter.diedMs), letter }
  }
  const letter = ofBroker(raw, channel)
  // The same at each look, also where its producer has named it by nothing.
  const nameless = () => `${channel}-${digestOf(raw.content)}`
  const message = messageOf(raw, channel, letter.diedMs, nameless)
  return { ref: `${hexOf(letter.diedMs, 12)}-broker-${message.id}`, message, letter }
}

const digestOf = (content: Buffer) => hash('sha256', content).slice(0, 16)

type Letter = DeadLetter & { readonly ref: string }

/** Null: it is none of ours. */
function letterOf({ properties }: AmqpMessage): Letter | null {
  const said = parsed(properties.headers?.[headerNames.letter]) as Partial<Letter> | null
  const isOurs = typeof said?.ref === 'string' && typeof said.diedMs === 'number'
  return isOurs ? (said as Letter) : null
}

interface Death {
  readonly queue?: string
  readonly reason?: string
  /** In seconds. */
  readonly time?: { readonly value?: number }
}

const causes: Readonly<Record<string, readonly [DeadLetter['cause'], string]>> = {
  expired: ['verdict', 'it expired: nobody took it within the time that its producer gave it'],
  rejected: ['verdict', 'another program rejected it'],
  maxlen: ['verdict', 'the queue was full, and a policy drops the oldest'],
}
const limit = [
  'crashes',
  'it came back as often as the delivery limit of the queue allows',
] as const

/** The broker has given it up by itself. @see https://www.rabbitmq.com/docs/dlx */
function ofBroker(raw: AmqpMessage, channel: string): DeadLetter {
  const { failures, crashes, redrives, history } = pastOf(raw)
  const deaths = raw.properties.headers?.['x-death']
  const [died] = (Array.isArray(deaths) ? deaths : []) as [Death?]
  const prefix = homeOf(channel, '').queue
  const group = died?.queue?.startsWith(prefix) ? died.queue.slice(prefix.length) : null
  const [cause, reason] = causes[died?.reason ?? ''] ?? limit
  return {
    ...{ cause, reason },
    error: history?.last ?? null,
    ...{ failures, crashes, redrives, firstFailedMs: history?.firstFailedMs ?? null },
    diedMs: (died?.time?.value ?? 0) * 1_000,
    ...{ channel, group, worker: 'unknown' },
  }
}
