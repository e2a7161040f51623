import { soon } from '../../_shared/soon.ts'
import type { AmqpChannel, AmqpMessage } from '../client.ts'
import { endChannel } from '../endChannel.ts'
import { droppedName } from '../layout.ts'
import { asRabbitmqError } from '../rabbitmqErrors.ts'
import { type Claim, claimQueue, removeQueue } from './claim.ts'

/** What one is handed: what is sent to an exchange under a routing key. */
export interface Binding {
  readonly exchange: string
  readonly key: string
}

export interface MailboxOptions extends Claim {
  readonly bindings: readonly Binding[]
  /** The queue whose readers are counted, where somebody counts them. */
  readonly present: string | null
  readonly came: (message: AmqpMessage) => void
  /** The broker had to drop some: nobody knows how many. */
  readonly dropped: () => void
  /** It brings nothing any more. */
  readonly broken: (why: string) => void
}

/** What may be on its way; it is acknowledged when it is here, so it bounds nothing else. */
const windowMax = 1_000
/** Another program may have removed the exchange, and the binding with it. */
const boundMsMax = 10_000

/**
 * The queue of one subscriber. It belongs to the connection and ends with it. All that comes is
 * taken at once: what a process does not read from its socket stays in the broker, within bounds.
 */
export class Mailbox {
  readonly #of: MailboxOptions
  readonly #queue: string
  readonly #channel: AmqpChannel
  /** Brings one message where the broker had to drop some, and the next when that is acknowledged. */
  readonly #drops: AmqpChannel
  #consumerTag = ''
  /** On which it is counted, when it is. */
  #counted: Promise<AmqpChannel> | null = null
  #isPresent = false
  #tag = 0
  #dropped: AmqpMessage | null = null
  #boundMs = performance.now()
  #isShut = false

  /** @throws NOT_FOUND where an exchange is gone, LOGIN_REFUSED, CONNECTION_LOST */
  static async open(options: MailboxOptions): Promise<Mailbox> {
    const { connection } = options
    const queue = await claimQueue(options)
    const channels: AmqpChannel[] = []
    let mailbox: Mailbox | null = null
    try {
      for (let n = 0; n < 2; n++) channels.push(await connection.channel())
      const [channel, drops] = channels as [AmqpChannel, AmqpChannel]
      mailbox = new Mailbox(options, queue, [channel, drops])
      await mailbox.#listen()
      return mailbox
    } catch (error) {
      const removing = mailbox?.remove() ?? removeQueue(connection, queue)
      await removing.catch(() => {}) // the error says it
      await Promise.all(channels.map(endChannel))
      if (connection.ended.aborted) throw connection.ended.reason
      throw asRabbitmqError(error, 'subscribe')
    }
  }

  private constructor(
    options: MailboxOptions,
    queue: string,
    [channel, drops]: readonly [AmqpChannel, AmqpChannel],
  ) {
    this.#of = options
    this.#queue = queue
    this.#channel = channel
    this.#drops = drops
  }

  /** Looks after it: called now and then while its reader lives. */
  tend(): void {
    if (this.#isShut) return
    if (this.#dropped !== null) ack(this.#drops, this.#dropped.fields.deliveryTag)
    this.#dropped = null
    if (performance.now() - this.#boundMs < boundMsMax) return
    this.#boundMs = performance.now()
    this.#bind().catch(() => {}) // the channel ends by it, which is told
    const { present } = this.#of
    if (present !== null && !this.#isPresent) void this.#isCounted(present)
  }

  /** Nothing more comes in, and `came` was called with all that was there; `isOver`: nobody waits. */
  async shut(isOver: () => boolean): Promise<void> {
    this.#isShut = true
    const channel = this.#channel
    await this.#isCountedNoMore()
    for (const { exchange, key } of this.#of.bindings) {
      await channel.unbindQueue(this.#queue, exchange, key)
    }
    await channel.cancel(this.#consumerTag) // what was on its way comes before the answer
    while (!isOver()) {
      const message = await channel.get(this.#queue, { noAck: true })
      if (!message) return
      this.#of.came(message)
    }
  }

  /** The queue goes, with what is in it. */
  async remove(): Promise<void> {
    this.#isShut = true
    try {
      await removeQueue(this.#of.connection, this.#queue)
    } finally {
      await Promise.all([this.#channel, this.#drops].map(endChannel))
      await this.#isCountedNoMore()
    }
  }

  async #listen(): Promise<void> {
    const channel = this.#channel
    channel.on('close', () => this.#break('the broker has closed its channel'))
    await channel.prefetch(windowMax)
    const { consumerTag } = await channel.consume(this.#queue, (message) => {
      if (message === null) return this.#break('its queue was removed')
      this.#taken(message.fields.deliveryTag)
      this.#of.came(message)
    })
    this.#consumerTag = consumerTag
    await this.#drops.prefetch(1)
    await this.#drops.consume(droppedName(this.#queue), (message) => {
      if (message === null) return // both queues were removed, which the other one tells
      this.#dropped = message
      this.#of.dropped()
    })
    await this.#bind()
    const { present } = this.#of
    if (present !== null) await soon(this.#isCounted(present))
  }

  /**
   * A quorum queue whose server has just come back may never answer a consumer: it is tried again
   * later. Who is not counted is known by what it says, only not waited for.
   */
  async #isCounted(present: string): Promise<void> {
    void this.#isCountedNoMore()
    this.#counted = this.#of.connection.channel()
    try {
      const channel = await this.#counted
      await channel.consume(present, () => {}, { noAck: true })
      this.#isPresent = true
    } catch {
      // The queue is gone, or the connection.
    }
  }

  async #isCountedNoMore(): Promise<void> {
    const channel = await this.#counted?.catch(() => null)
    if (channel) await endChannel(channel)
  }

  async #bind(): Promise<void> {
    for (const { exchange, key } of this.#of.bindings) {
      await this.#channel.bindQueue(this.#queue, exchange, key)
    }
  }

  /** All that came in one piece of the socket travels back in one. */
  #taken(tag: number): void {
    const isFirst = this.#tag === 0
    this.#tag = tag
    if (!isFirst) return
    queueMicrotask(() => {
      ack(this.#channel, this.#tag)
      this.#tag = 0
    })
  }

  #break(why: string): void {
    if (!this.#isShut) this.#of.broken(why)
  }
}

function ack(channel: AmqpChannel, deliveryTag: number): void {
  try {
    channel.ack({ fields: { deliveryTag } }, true)
  } catch {
    // The channel has ended, which is told.
  }
}
