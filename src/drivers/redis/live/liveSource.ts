import type { ChannelSpec, SubscriberSpec } from '../../../core/channel.ts'
import type { LiveEvents, LiveSource } from '../../../core/driver.ts'
import type { ErrorCode, NarrowcastError } from '../../../core/errors.ts'
import type { IncomingMessage } from '../../../core/message.ts'
import { asReplyError, redisError } from '../redisErrors.ts'
import type { Home } from '../servers.ts'
import { soon } from '../soon.ts'
import { untilAborted } from '../untilAborted.ts'
import { Inbox } from './inbox.ts'
import { LocalLease } from './localLease.ts'

export interface LiveSourceOptions {
  readonly home: Home
  readonly channel: ChannelSpec
  readonly spec: SubscriberSpec
  readonly on: LiveEvents
  /** The channel of Pub/Sub on which its messages come. */
  readonly address: string
  /** @throws CLOSED, or what ended the session */
  readonly checkOpen: (operation: string) => void
  /** Called once, when it has left. */
  readonly left: () => void
}

type Room = Parameters<LiveSource['receive']>[0]

/**
 * What comes on one channel of Pub/Sub. It is read from the socket at once and waits here: the
 * server ends a connection that it cannot write to.
 */
export class RedisLiveSource implements LiveSource {
  readonly leaseMs: number
  readonly resumed = false
  protected readonly options: LiveSourceOptions
  protected readonly lease: LocalLease
  readonly #inbox: Inbox
  #ended: NarrowcastError | null = null
  #isListening = false
  #isStopped = false
  #isClosed = false
  #isReceiving = false
  #leaving: Promise<void> | null = null
  #closing: Promise<void> | null = null

  constructor(options: LiveSourceOptions) {
    const { spec, channel, home } = options
    this.options = options
    this.leaseMs = spec.leaseMs
    this.#inbox = new Inbox(channel.name, spec.hold)
    this.lease = new LocalLease(spec.leaseMs, () => this.end(this.#silent()))
    home.ended.addEventListener('abort', this.#lost)
  }

  /** Why it has ended; null while it lives. */
  get ended(): NarrowcastError | null {
    return this.#ended
  }

  /** Resolves when the server has confirmed the subscription; for one that leaves, nothing opens. */
  async open(): Promise<void> {
    if (this.#leaving !== null) return // nobody would end it any more
    const { home, address } = this.options
    this.#isListening = true
    await home.subscribe(address, this.#put, true)
  }

  async receive(room: Room, signal: AbortSignal): Promise<IncomingMessage[]> {
    this.check('receive')
    this.#checkRoom(room)
    this.#isReceiving = true
    try {
      while (!(signal.aborted || this.#isClosed)) {
        this.#checkLives()
        if (!this.isAssured) await this.assure()
        const messages = this.#take(room)
        if (messages.length > 0 || this.#isStopped) return messages
        this.lease.waits(true)
        await this.#inbox.wait(signal)
        this.lease.waits(false)
      }
      return []
    } finally {
      this.#isReceiving = false
    }
  }

  async renew(_signal: AbortSignal): Promise<void> {
    this.check('renew')
    this.#checkLives()
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.check('stop')
    this.#checkLives()
    await untilAborted(this.#unsubscribe(), signal, 'stop')
    this.#isStopped = true
    this.#inbox.wake()
  }

  /** Nothing more comes, and what waits unread is gone. */
  end(why: NarrowcastError): void {
    if (this.#ended !== null || this.#isClosed) return
    this.#ended = why
    void this.leave()
  }

  /** Where others have taken its place, and know that it is gone. Never rejects. */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#closing ??= soon(this.leave())
    return this.#closing
  }

  /** What comes is certainly for this one. */
  protected get isAssured(): boolean {
    return true
  }

  /** Asked before anything is handed out where that is not certain. @throws FENCED */
  protected async assure(): Promise<void> {}

  /** What else is to be given up. Not called where the session is lost. */
  protected async leaveBroker(): Promise<void> {}

  /** What was sent to it and nobody was handed or told of. */
  protected get untaken(): number {
    return this.#inbox.untaken
  }

  protected check(operation: string): void {
    this.options.checkOpen(operation)
    if (this.#isClosed) throw this.error('CLOSED', operation, 'this source was closed')
  }

  protected goneCode(): ErrorCode {
    return 'NOT_FOUND'
  }

  protected error(code: ErrorCode, operation: string, text: string): NarrowcastError {
    const { pattern, name } = this.options.channel
    const whole = `subscriber of ${pattern} "${name}": ${text}`
    return redisError(code, operation, whole, { channel: name })
  }

  readonly #put = (raw: Buffer) => this.#inbox.put(raw)

  readonly #lost = () => this.end(this.options.home.ended.reason as NarrowcastError)

  #take(room: Room): IncomingMessage[] {
    this.lease.sign()
    const messages = this.#inbox.take(room)
    const missed = messages.length === 0 ? 0 : this.#inbox.takeMissed()
    if (missed > 0) this.options.on.gap(missed, 'overflow')
    return messages
  }

  async #leave(): Promise<void> {
    const { home, left } = this.options
    this.lease.close()
    home.ended.removeEventListener('abort', this.#lost)
    this.#inbox.clear()
    this.#inbox.wake()
    try {
      await this.#unsubscribe()
      if (!home.ended.aborted) await this.leaveBroker()
    } catch (error) {
      // Nobody may count on one that has left: where it cannot be said, the connection goes.
      home.lose(asReplyError(error, 'unsubscribe'))
    } finally {
      left()
    }
  }

  async #unsubscribe(): Promise<void> {
    if (!this.#isListening) return
    this.#isListening = false
    await this.options.home.unsubscribe(this.options.address, this.#put)
  }

  #checkLives(): void {
    this.lease.check()
    if (this.#ended) throw this.#ended
    this.lease.sign()
  }

  #checkRoom({ messages, bytes }: Room): void {
    if (this.#isReceiving) {
      throw this.error('INVALID_ARGUMENT', 'receive', 'one is under way already')
    }
    if (messages >= 1 && bytes >= 0) return
    const text = `room for ${messages} messages and ${bytes} bytes; expected at least one`
    throw this.error('INVALID_ARGUMENT', 'receive', text)
  }

  #silent(): NarrowcastError {
    const { worker } = this.options.spec
    const lost = this.#inbox.size === 0 ? '' : `, and ${this.#inbox.size} unread messages are gone`
    const text = `${worker.id} gave no sign of life for ${this.leaseMs} ms${lost}`
    return this.error(this.goneCode(), 'receive', text)
  }
}
