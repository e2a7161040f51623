import { setTimeout as sleep } from 'node:timers/promises'
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
import { hasId, messageOf, pastOf, returnsOf } from '../wire.ts'
import { Hands } from './hands.ts'
import { Intake } from './intake.ts'
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
  /** It is about to be handed messages. */
  readonly opening: (source: QueueSource) => void
  readonly closed: (source: QueueSource) => void
}

const giveBackMsMax = 2_000
const giveBackAgainMs = 1_000
/** Of the lease that is wished for: what nobody has begun after so long goes to others. */
const unbegunShareMax = 1 / 4
const never = new AbortController().signal

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
  /** Handed over by the broker, and returned by no `receive` yet. */
  readonly #intake: Intake
  #wake: () => void = () => {}
  #ended: NarrowcastError | null = null
  #isReceiving = false
  #givingBack = Promise.resolve()
  #stopping: Promise<void> | null = null
  #closing: Promise<void> | null = null

  /** @throws NOT_FOUND, LOGIN_REFUSED, CONNECTION_LOST */
  static async open(options: QueueSourceOptions): Promise<QueueSource> {
    const channel = await options.connection.channel()
    const source = new QueueSource(options, channel)
    options.opening(source)
    try {
      await source.#subscribe()
      return source
    } catch (error) {
      options.closed(source)
      await endChannel(channel)
      if (options.connection.ended.aborted) throw options.connection.ended.reason
      throw asRabbitmqError(error, 'source', options.spec.name)
    }
  }

  private constructor(options: QueueSourceOptions, channel: AmqpChannel) {
    const { spec, home, reader, nextSerial, connection, confirming, declarations, seen } = options
    this.#of = options
    this.#channel = channel
    this.leaseMs = reader.leaseMs
    this.#intake = new Intake({
      ...{ channel, queue: home.queue, holdMax: reader.hold.messages },
      aheadMax: reader.hold.messages + (reader.hold.ahead ?? 0),
      bytesMax: reader.hold.bytes,
      inHand: (tag) => this.#hands.countOf(tag),
      waitMsMax: this.leaseMs * unbegunShareMax,
      came: () => this.#wake(),
      cancelled: () => this.cancelled(),
      silent: (error) => this.#silent(error),
      giveBack: (messages) => {
        this.#givingBack = this.#giveBack(messages)
      },
    })
    this.#hands = new Hands(reader.reader, nextSerial)
    const hands = this.#hands
    this.#settling = new Settling({
      ...{ spec, home, channel, connection, hands, confirming, declarations, seen },
      leaving: () => this.#intake.leaving,
    })
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
      await this.#come(room, signal)
      if (!this.#intake.isEmpty) return this.#intake.take(room).map((raw) => this.#delivery(raw))
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
    this.#stopping ??= this.#intake.stop()
    await untilAborted(this.#stopping, signal, 'stop')
    this.#wake()
    return this.#intake.takeAll().map((raw) => this.#delivery(raw))
  }

  /** See `Session.quiet`. */
  async quiet(isQuiet: boolean, signal: AbortSignal): Promise<void> {
    if (!isQuiet) {
      this.#intake.resume()
      return this.#wake()
    }
    const gone = async () => {
      await this.#intake.pause()
      await this.#givingBack
      await this.#settling.copied()
      await this.#settling.acks.known(this.#channel, this.#of.home.queue, signal)
    }
    await untilAborted(gone(), signal, 'quiet').catch(() => {}) // the broker does not answer, or is gone
  }

  /** Another source is opened for this worker: what this one holds goes back to the queue. */
  async replaced(): Promise<void> {
    this.#end(this.#error('CLOSED', 'another source was opened for this worker'), 'disconnected')
    await endChannel(this.#channel)
  }

  /** The queue is gone, or the node that leads it. */
  cancelled(): void {
    this.#of.declarations.forget(this.#of.spec.name)
    this.#end(this.#error('NOT_FOUND', 'the broker has ended the subscription'), 'cancelled')
    void endChannel(this.#channel)
  }

  #silent(error: unknown): void {
    this.#end(asRabbitmqError(error, 'source', this.#of.spec.name), 'disconnected')
    void endChannel(this.#channel)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #subscribe(): Promise<void> {
    const { connection } = this.#of
    let why = ''
    this.#channel.on('error', (error) => {
      why = `: ${replyTextOf(error)}`
    })
    this.#channel.on('close', () => {
      const gone = this.#error('CONNECTION_LOST', `the broker has closed its channel${why}`)
      this.#end(connection.ended.aborted ? connection.ended.reason : gone, 'disconnected')
    })
    await this.#intake.open()
  }

  #end(error: NarrowcastError, why: LostWhy): void {
    if (this.#ended !== null) return
    this.#ended = error
    this.#intake.lose()
    this.#hands.lose()
    if (this.#closing === null) this.#of.on.lost('all', why)
    this.#of.closed(this)
    this.#wake()
  }

  async #come(room: Room, signal: AbortSignal): Promise<void> {
    while (this.#intake.isEmpty && this.#ended === null && this.#stopping === null) {
      if (signal.aborted) return
      void this.#intake.ask(room)
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      signal.addEventListener('abort', this.#wake)
      await promise
      signal.removeEventListener('abort', this.#wake)
    }
  }

  #delivery(raw: AmqpMessage): Delivery {
    const message = messageOf(raw, this.#of.spec.name, Date.now())
    const { failures, crashes, redrives, history: past } = pastOf(raw)
    const delivery: Delivery = {
      token: this.#hands.take(raw, message),
      message,
      failures,
      crashes: crashes + returnsOf(raw),
      redrives,
      past,
      ownedUntilMs: Number.POSITIVE_INFINITY,
      isBegun: true, // there is nothing to mark: what was handed out is charged with a crash
    }
    return hasId(raw) ? delivery : { ...delivery, idIsStable: false }
  }

  /**
   * They are in hand until that is done: the acknowledgement of a later one must not take them along.
   * What cannot be given back now is tried again.
   */
  async #giveBack(messages: readonly AmqpMessage[]): Promise<void> {
    const batch = messages.map((raw) => {
      return { kind: 'release', token: this.#delivery(raw).token, delayMs: 0 } as const
    })
    while (this.#ended === null && this.#closing === null) {
      try {
        await this.#settling.settle(batch, never)
        return
      } catch {
        await sleep(giveBackAgainMs, undefined, { ref: false })
      }
    }
  }

  async #close(): Promise<void> {
    this.#stopping ??= this.#intake.stop()
    const over = AbortSignal.timeout(giveBackMsMax) // a broker that stands still holds up nobody
    await untilAborted(this.#stopping, over, 'stop').catch(() => {})
    this.#wake()
    if (this.#ended === null) {
      for (const raw of this.#intake.takeAll()) this.#delivery(raw)
      await this.#settling.giveBack(over)
      this.#ended = this.#error('CLOSED', 'this source was closed')
      await this.#settling.acks.wait(this.#channel, this.#of.home.queue, over).catch(() => {})
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
