import type { ChannelSpec, ReaderSpec } from '../../../core/channel.ts'
import type { LostWhy, Room, Source, SourceEvents } from '../../../core/driver.ts'
import type { NarrowcastError } from '../../../core/errors.ts'
import type { Delivery, Settlement, SettleOutcome, Token } from '../../../core/message.ts'
import type { AmqpChannel, AmqpMessage } from '../client.ts'
import type { Confirming } from '../confirming.ts'
import type { Connection } from '../connection.ts'
import type { Declarations } from '../declarations.ts'
import { endChannel } from '../endChannel.ts'
import type { Home } from '../layout.ts'
import { asRabbitmqError, rabbitmqError, replyTextOf } from '../rabbitmqErrors.ts'
import type { Seen } from '../seen/seen.ts'
import { untilAborted } from '../untilAborted.ts'
import { messageOf, pastOf, returnsOf } from '../wire.ts'
import { Hands } from './hands.ts'
import { Settling } from './settling.ts'

export interface QueueSourceOptions {
  readonly spec: ChannelSpec
  readonly home: Home
  readonly reader: ReaderSpec
  readonly on: SourceEvents
  readonly connection: Connection
  readonly confirming: Confirming
  readonly declarations: Declarations
  /** What this channel, or group, remembers of its ids. */
  readonly seen: (windowMs: number) => Seen
  readonly nextSerial: () => number
  readonly checkOpen: (operation: string) => void
  readonly closed: (source: QueueSource) => void
}

/** 16 bits of AMQP. */
const prefetchMax = 65_535
const giveBackMsMax = 2_000

/**
 * One consumer on a channel of its own. The broker hands over until as many are unsettled as the
 * reader holds at most; what it holds goes to others when this channel ends, however that is.
 */
export class QueueSource implements Source {
  readonly leaseMs: number
  readonly #of: QueueSourceOptions
  readonly #channel: AmqpChannel
  readonly #hands: Hands
  readonly #settling: Settling
  readonly #consumer: { tag: string | null } = { tag: null }
  /** Handed over by the broker, and returned by no `receive` yet. */
  #came: AmqpMessage[] = []
  #wake: () => void = () => {}
  #ended: NarrowcastError | null = null
  #isReceiving = false
  #stopping: Promise<void> | null = null
  #closing: Promise<void> | null = null

  /** @throws NOT_FOUND, LOGIN_REFUSED, CONNECTION_LOST */
  static async open(options: QueueSourceOptions): Promise<QueueSource> {
    const channel = await options.connection.channel()
    const source = new QueueSource(options, channel)
    try {
      await source.#subscribe()
      return source
    } catch (error) {
      await endChannel(channel)
      if (options.connection.ended.aborted) throw options.connection.ended.reason
      throw asRabbitmqError(error, 'source', options.spec.name)
    }
  }

  private constructor(options: QueueSourceOptions, channel: AmqpChannel) {
    const { spec, home, reader, nextSerial, confirming, declarations, seen } = options
    this.#of = options
    this.#channel = channel
    this.leaseMs = reader.leaseMs
    this.#hands = new Hands(reader.reader, nextSerial)
    const hands = this.#hands
    this.#settling = new Settling({ spec, home, channel, hands, confirming, declarations, seen })
  }

  /** Of the same worker, be it under another reader name; without one of any. */
  isOf({ queue }: Home, reader?: ReaderSpec): boolean {
    const { home, reader: own } = this.#of
    return home.queue === queue && (reader === undefined || own.worker.id === reader.worker.id)
  }

  async receive(room: Room, signal: AbortSignal): Promise<Delivery[]> {
    this.#checkReceive(room)
    if (signal.aborted) return []
    this.#isReceiving = true
    try {
      await this.#come(signal)
      if (this.#came.length > 0) return this.#pick(room)
      if (this.#ended !== null) throw this.#ended
      return []
    } finally {
      this.#isReceiving = false
    }
  }

  async settle(batch: readonly Settlement[], signal: AbortSignal): Promise<SettleOutcome[]> {
    this.#checkOpen('settle')
    signal.throwIfAborted()
    return await this.#settling.settle(batch, signal)
  }

  /** The connection is the lease: its heartbeat renews it, and nothing is asked here. */
  async renew(): Promise<Token[]> {
    this.#checkOpen('renew')
    return []
  }

  async stop(signal: AbortSignal): Promise<Delivery[]> {
    this.#checkOpen('stop')
    this.#stopping ??= this.#cancel()
    await untilAborted(this.#stopping, signal, 'stop')
    this.#wake()
    return this.#came.splice(0).map((raw) => this.#delivery(raw))
  }

  /** Another source is opened for this worker: what this one holds goes back to the queue. */
  async replaced(): Promise<void> {
    this.#end(this.#error('CLOSED', 'another source was opened for this worker'), 'disconnected')
    await endChannel(this.#channel)
  }

  /** The queue is gone, or the node that leads it. */
  cancelled(): void {
    this.#consumer.tag = null
    this.#of.declarations.forget(this.#of.spec.name)
    this.#end(this.#error('NOT_FOUND', 'the broker has ended the subscription'), 'cancelled')
    void endChannel(this.#channel)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #subscribe(): Promise<void> {
    const { home, reader, connection } = this.#of
    let why = ''
    this.#channel.on('error', (error) => {
      why = `: ${replyTextOf(error)}`
    })
    this.#channel.on('close', () => {
      const gone = this.#error('CONNECTION_LOST', `the broker has closed its channel${why}`)
      this.#end(connection.ended.aborted ? connection.ended.reason : gone, 'disconnected')
    })
    await this.#channel.prefetch(Math.min(prefetchMax, reader.hold.messages))
    const { consumerTag } = await this.#channel.consume(home.queue, (message) => {
      if (message === null) this.cancelled()
      else {
        this.#came.push(message)
        this.#wake()
      }
    })
    this.#consumer.tag = consumerTag
  }

  #end(error: NarrowcastError, why: LostWhy): void {
    if (this.#ended !== null) return
    this.#ended = error
    this.#came = []
    this.#hands.lose()
    if (this.#closing === null) this.#of.on.lost('all', why)
    this.#of.closed(this)
    this.#wake()
  }

  async #come(signal: AbortSignal): Promise<void> {
    while (this.#came.length === 0 && this.#ended === null && this.#stopping === null) {
      if (signal.aborted) return
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      signal.addEventListener('abort', this.#wake)
      await promise
      signal.removeEventListener('abort', this.#wake)
    }
  }

  #pick(room: Room): Delivery[] {
    let bytes = 0
    const full = this.#came.findIndex(({ content }, at) => {
      bytes += content.length
      return at === room.messages || (at > 0 && bytes > room.bytes)
    })
    const picked = this.#came.splice(0, full < 0 ? this.#came.length : full)
    return picked.map((raw) => this.#delivery(raw))
  }

  #delivery(raw: AmqpMessage): Delivery {
    const message = messageOf(raw, this.#of.spec.name, Date.now())
    const { failures, crashes, redrives, history } = pastOf(raw)
    return {
      token: this.#hands.take(raw, message),
      message,
      failures,
      crashes: crashes + returnsOf(raw),
      ...{ redrives, past: history },
      ownedUntilMs: Number.POSITIVE_INFINITY,
      isBegun: true, // there is nothing to mark: what was handed out is charged with a crash
    }
  }

  /** What arrives until the broker has answered comes out of `stop`. */
  async #cancel(): Promise<void> {
    const { tag } = this.#consumer
    if (tag === null || this.#ended !== null) return
    this.#consumer.tag = null
    await this.#channel.cancel(tag).catch(() => {}) // it ended meanwhile, and says so itself
  }

  async #close(): Promise<void> {
    this.#stopping ??= this.#cancel()
    const over = AbortSignal.timeout(giveBackMsMax) // a broker that stands still holds up nobody
    await untilAborted(this.#stopping, over, 'stop').catch(() => {})
    this.#wake()
    if (this.#ended === null) {
      for (const raw of this.#came.splice(0)) this.#delivery(raw)
      await this.#settling.giveBack(over)
      this.#ended = this.#error('CLOSED', 'this source was closed')
      // Answered when all that was sent before was carried out: no acknowledgement is left behind.
      await endChannel(this.#channel)
    }
    this.#of.closed(this)
  }

  #checkReceive({ messages, bytes }: Room): void {
    this.#checkOpen('receive')
    if (this.#isReceiving) throw this.#error('INVALID_ARGUMENT', 'one is under way already')
    if (this.#stopping !== null) throw this.#error('CLOSED', 'this source was stopped')
    if (messages >= 1 && bytes >= 0) return
    const text = `room for ${messages} messages and ${bytes} bytes; expected at least one`
    throw this.#error('INVALID_ARGUMENT', text)
  }

  #checkOpen(operation: string): void {
    this.#of.checkOpen(operation)
    if (this.#closing !== null) throw this.#error('CLOSED', `${operation}: this source was closed`)
  }

  #error(code: 'CLOSED' | 'CONNECTION_LOST' | 'INVALID_ARGUMENT' | 'NOT_FOUND', text: string) {
    const { name } = this.#of.spec
    return rabbitmqError(code, 'receive', `source of "${name}": ${text}`, { channel: name })
  }
}
