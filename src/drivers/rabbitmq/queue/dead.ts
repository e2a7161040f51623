import { setTimeout as sleep } from 'node:timers/promises'
import type { DeadEntry, Page, PageQuery } from '../../../core/admin.ts'
import type { ChannelRef } from '../../../core/channel.ts'
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
import { failed } from './publisher.ts'

export interface DeadLettersOptions {
  readonly connection: Connection
  readonly locks: Locks
  readonly confirming: Confirming
}

/** Another program has taken some out, where nothing comes for so long. */
const idleMs = 1_000
const backMs = 10

/**
 * The dead of a queue lie in a queue of their own. AMQP shows only what it hands over, so they are
 * taken out to be looked at, by one at a time over all processes, and put back. That changes their
 * order there, but not the one in which they are shown.
 */
export class DeadLetters {
  readonly #of: DeadLettersOptions

  constructor(options: DeadLettersOptions) {
    this.#of = options
  }

  /** All of them pass by at every page; only those that it shows are kept in memory. */
  async page(
    channel: string,
    group: string | null,
    { cursor, limit, newestFirst }: PageQuery,
    signal: AbortSignal,
  ): Promise<Page<DeadEntry>> {
    const isBefore = (one: string, other: string) => (newestFirst ? one > other : one < other)
    const shown: DeadEntry[] = []
    const show = (entry: DeadEntry) => {
      if (group !== null && group !== entry.letter.group) return
      if (cursor !== null && !isBefore(cursor, entry.ref)) return
      const at = shown.findIndex(({ ref }) => isBefore(entry.ref, ref))
      shown.splice(at < 0 ? shown.length : at, 0, entry)
      if (shown.length > limit + 1) shown.pop()
    }
    await this.#taking(channel, 'deadLetters', signal, async (amqp, count) => {
      const taken = { last: null as AmqpMessage | null }
      await allOf(amqp, deadName(channel), count, signal, (raw) => {
        taken.last = raw
        show(entryOf(raw, channel))
      })
      if (taken.last) amqp.nack(taken.last, true, true)
      return 0
    })
    const items = shown.slice(0, limit)
    return { items, cursor: shown.length > limit ? (items.at(-1)?.ref ?? null) : null }
  }

  /** Each is put there and then gone from here. A crash in between repeats it. */
  async redrive(
    channel: string,
    refs: readonly string[],
    to: ChannelRef | null,
    signal: AbortSignal,
  ): Promise<PublishOutcome[]> {
    const outcomes = new Map<string, PublishOutcome>()
    await this.#end(channel, 'redrive', refs, signal, async ({ ref, message, letter }, raw) => {
      const past = { failures: 0, crashes: 0, redrives: pastOf(raw).redrives + 1, history: null }
      const address =
        to?.pattern === 'stream'
          ? toStream(to.name, message)
          : toQueue(to?.name ?? homeOf(channel, letter.group).queue)
      const copy = { ...copyOf(raw, message, past), ...address, delayMs: 0 }
      const [said = 'lost'] = await this.#of.confirming.send([copy], signal)
      const isStored = said === 'stored'
      outcomes.set(
        ref,
        isStored ? { state: 'stored', duplicate: false } : notRedriven(message.id, address, said),
      )
      return isStored
    })
    const gone = (ref: string) =>
      failed('refused', rabbitmqError('NOT_FOUND', 'redrive', `no dead letter ${ref} is there`))
    return refs.map((ref, at) => {
      const isFirst = refs.indexOf(ref) === at
      return (isFirst && outcomes.get(ref)) || gone(ref)
    })
  }

  async remove(channel: string, refs: readonly string[], signal: AbortSignal): Promise<number> {
    return await this.#end(channel, 'removeDead', refs, signal, async () => true)
  }

  /** What lies there, while nobody looks. */
  async count(channel: string, signal: AbortSignal): Promise<number> {
    const { locks, connection } = this.#of
    const look = (amqp: AmqpChannel) => queueFacts(amqp, deadName(channel))
    const ask = () => connection.ask('depth', channel, look)
    return (await locks.with(channel, 'depth', signal, ask)).messageCount
  }

  /** How many of these were ended, and are gone for good. */
  async #end(
    channel: string,
    operation: string,
    refs: readonly string[],
    signal: AbortSignal,
    end: (entry: DeadEntry, raw: AmqpMessage) => Promise<boolean>,
  ): Promise<number> {
    const wanted = new Set(refs)
    return await this.#taking(channel, operation, signal, async (amqp) => {
      const kept: AmqpMessage[] = []
      let ended = 0
      try {
        while (wanted.size > 0 && !signal.aborted) {
          const raw = await amqp.get(deadName(channel))
          if (raw === false) break
          const entry = entryOf(raw, channel)
          if (wanted.delete(entry.ref) && (await end(entry, raw))) {
            amqp.ack(raw)
            ended++
          } else kept.push(raw)
        }
      } finally {
        const last = kept.at(-1)
        if (last) amqp.nack(last, true, true)
      }
      return ended
    })
  }

  /** Resolves when all is back but what `work` says that it has ended. */
  async #taking(
    channel: string,
    operation: string,
    signal: AbortSignal,
    work: (amqp: AmqpChannel, count: number) => Promise<number>,
  ): Promise<number> {
    const { locks, connection } = this.#of
    const queue = deadName(channel)
    return await locks.with(channel, operation, signal, () =>
      connection.ask(operation, channel, async (amqp) => {
        const { messageCount } = await queueFacts(amqp, queue)
        const ended = await work(amqp, messageCount)
        // The broker puts them back when it has time: who looks next is not to find fewer.
        const untilMs = performance.now() + idleMs
        while ((await amqp.checkQueue(queue)).messageCount < messageCount - ended) {
          if (performance.now() > untilMs) break // another program has some of them
          await sleep(backMs, undefined, { signal })
        }
        return ended
      }),
    )
  }
}

/** All that lies there, handed over as fast as the broker can. */
async function allOf(
  amqp: AmqpChannel,
  queue: string,
  count: number,
  signal: AbortSignal,
  each: (raw: AmqpMessage) => void,
): Promise<void> {
  if (count === 0) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const idle = setTimeout(resolve, idleMs)
  signal.addEventListener('abort', () => resolve(), { once: true })
  let left = count
  const { consumerTag } = await amqp.consume(queue, (raw) => {
    if (raw === null) return resolve()
    each(raw)
    idle.refresh()
    if (--left === 0) resolve()
  })
  await promise
  clearTimeout(idle)
  await amqp.cancel(consumerTag)
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
