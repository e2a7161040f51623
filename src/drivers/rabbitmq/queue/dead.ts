import { setTimeout as sleep } from 'node:timers/promises'
import type { DeadEntry, Page, PageQuery } from '../../../core/admin.ts'
import type { ChannelRef } from '../../../core/channel.ts'
import { NarrowcastError } from '../../../core/errors.ts'
import type { PublishOutcome } from '../../../core/message.ts'
import type { AmqpChannel, AmqpMessage } from '../client.ts'
import { type Address, type Confirming, toQueue, toStream } from '../confirming.ts'
import type { Connection } from '../connection.ts'
import { copyOf } from '../copies.ts'
import { deadName, homeOf } from '../layout.ts'
import type { Locks } from '../lock.ts'
import { queueFacts } from '../queueFacts.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import { pastOf } from '../wire.ts'
import { entryOf } from './deadLetter.ts'
import { DeadPages } from './deadPages.ts'
import { failed } from './publisher.ts'
import { takeOut } from './takeOut.ts'

export interface DeadLettersOptions {
  readonly connection: Connection
  readonly locks: Locks
  readonly confirming: Confirming
}

const backMs = 10
const acksAtOnce = 16
/** Nothing more came back for so long: another program has it. */
const idleMs = 5_000

/**
 * The dead of a queue lie in a queue of their own. AMQP shows only what it hands over, so they are
 * taken out to be looked at, by one at a time over all processes, and put back. That changes their
 * order there, but not the one in which they are shown.
 */
export class DeadLetters {
  readonly #of: DeadLettersOptions
  /** The last look of this session, for the pages that follow. */
  #looked: { readonly name: string; readonly pages: DeadPages } | null = null

  constructor(options: DeadLettersOptions) {
    this.#of = options
  }

  /** All of them pass by at a look; it is good for the pages that follow, as far as they were kept. */
  async page(
    channel: string,
    group: string | null,
    query: PageQuery,
    signal: AbortSignal,
  ): Promise<Page<DeadEntry>> {
    const name = `${channel}:g:${group ?? ''}`
    const known = query.cursor === null ? null : this.#looked?.name === name && this.#looked.pages
    const page = known ? known.page(query) : null
    if (page !== null) return page
    const pages = new DeadPages(query)
    await this.#taking(channel, 'deadLetters', signal, async (amqp) => {
      const { last, count } = await takeOut(amqp, deadName(channel), signal, (raw) => {
        const entry = entryOf(raw, channel)
        if (group === null || group === entry.letter.group) pages.add(entry)
        return false
      })
      putBack(amqp, last, new Set())
      return { left: count, ended: 0 }
    })
    this.#looked = { name, pages }
    return pages.page(query) ?? { items: [], cursor: null }
  }

  /** Each is put there and then gone from here. A crash in between repeats it. */
  async redrive(
    channel: string,
    refs: readonly string[],
    to: ChannelRef | null,
    signal: AbortSignal,
  ): Promise<PublishOutcome[]> {
    const outcomes = new Map<string, PublishOutcome>()
    await this.#end(channel, 'redrive', refs, signal, async (found) => {
      const copies = found.map(({ entry: { message, letter }, raw }) => {
        const past = { failures: 0, crashes: 0, redrives: pastOf(raw).redrives + 1, history: null }
        const address =
          to?.pattern === 'stream'
            ? toStream(to.name, message)
            : toQueue(to?.name ?? homeOf(channel, letter.group).queue)
        return { ...copyOf(raw, message, past), ...address, delayMs: 0 }
      })
      const said = await this.#of.confirming.send(copies, signal)
      return found.map(({ entry: { ref, message } }, at) => {
        const [copy, one = 'lost'] = [copies[at] as Address, said[at]]
        const isStored = one === 'stored'
        const outcome = { state: 'stored', duplicate: false } as const
        outcomes.set(ref, isStored ? outcome : notRedriven(message.id, copy, one))
        return isStored
      })
    })
    const gone = (ref: string) =>
      failed('refused', rabbitmqError('NOT_FOUND', 'redrive', `no dead letter ${ref} is there`))
    return refs.map((ref, at) => {
      const isFirst = refs.indexOf(ref) === at
      return (isFirst && outcomes.get(ref)) || gone(ref)
    })
  }

  async remove(channel: string, refs: readonly string[], signal: AbortSignal): Promise<number> {
    return await this.#end(channel, 'removeDead', refs, signal, async (found) =>
      found.map(() => true),
    )
  }

  /** What lies there, while nobody looks. Null: the queue of another program has no such place. */
  async count(channel: string, signal: AbortSignal): Promise<number | null> {
    const { locks, connection } = this.#of
    const look = (amqp: AmqpChannel) => queueFacts(amqp, deadName(channel))
    try {
      const ask = () => connection.ask('depth', channel, look)
      return (await locks.with(channel, 'depth', signal, ask)).messageCount
    } catch (error) {
      if (error instanceof NarrowcastError && error.code === 'NOT_FOUND') return null
      throw error
    }
  }

  /** How many of these were ended, and are gone for good. `end` says it of each. */
  async #end(
    channel: string,
    operation: string,
    refs: readonly string[],
    signal: AbortSignal,
    end: (found: readonly Found[]) => Promise<boolean[]>,
  ): Promise<number> {
    this.#looked = null
    const wanted = new Set(refs)
    return await this.#taking(channel, operation, signal, async (amqp) => {
      const found: Found[] = []
      const { last, count } = await takeOut(amqp, deadName(channel), signal, (raw) => {
        const entry = entryOf(raw, channel)
        if (wanted.delete(entry.ref)) found.push({ entry, raw })
        return wanted.size === 0
      })
      const isEnded = found.length === 0 ? [] : await end(found)
      const ended = found.filter((_, at) => isEnded[at])
      const left = (await queueFacts(amqp, deadName(channel))).messageCount
      if (last && ended.length === count) amqp.ack(last, true)
      else {
        for (const [at, { raw }] of ended.entries()) {
          amqp.ack(raw)
          // A quorum queue takes up some thirty at once; the others would be lost with the channel.
          if (at % acksAtOnce === 0) await queueFacts(amqp, deadName(channel))
        }
        putBack(amqp, last, new Set(ended.map(({ raw }) => raw.fields.deliveryTag)))
      }
      return { left: left + count - ended.length, ended: ended.length }
    })
  }

  /** Resolves when all that `work` has left of what it took out is back. */
  async #taking(
    channel: string,
    operation: string,
    signal: AbortSignal,
    work: (amqp: AmqpChannel) => Promise<{ left: number; ended: number }>,
  ): Promise<number> {
    const { locks, connection } = this.#of
    return await locks.with(channel, operation, signal, () =>
      connection.ask(operation, channel, async (amqp) => {
        const { left, ended } = await work(amqp)
        // The broker puts them back when it has time: who looks next is not to find fewer.
        let [most, sinceMs] = [0, performance.now()]
        for (;;) {
          const { messageCount } = await queueFacts(amqp, deadName(channel))
          if (messageCount > most) [most, sinceMs] = [messageCount, performance.now()]
          if (messageCount >= left || performance.now() - sinceMs > idleMs) return ended
          await sleep(backMs, undefined, { signal })
        }
      }),
    )
  }
}

interface Found {
  readonly entry: DeadEntry
  readonly raw: AmqpMessage
}

/** In one frame: the tags of a channel rise by one. One that is acknowledged is unknown to it. */
function putBack(amqp: AmqpChannel, last: AmqpMessage | null, ended: ReadonlySet<number>): void {
  let deliveryTag = last?.fields.deliveryTag ?? 0
  while (ended.has(deliveryTag)) deliveryTag--
  if (deliveryTag > 0) amqp.nack({ fields: { deliveryTag } }, true, true)
}

function notRedriven(id: string, { exchange, routingKey }: Address, said: string): PublishOutcome {
  const isSure = said === 'returned' || said === 'refused'
  const code = said === 'returned' ? 'NOT_FOUND' : 'UNAVAILABLE'
  const error = rabbitmqError(
    code,
    'redrive',
    `message ${id} to "${exchange || routingKey}" was not stored (${said})`,
  )
  return failed(isSure ? 'refused' : 'unknown', error)
}
