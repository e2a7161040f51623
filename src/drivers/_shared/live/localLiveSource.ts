import type { ChannelSpec, SubscriberSpec } from '../../../core/channel.ts'
import type { LiveEvents, LiveSource } from '../../../core/driver.ts'
import type { ErrorCode, NarrowcastError } from '../../../core/errors.ts'
import type { IncomingMessage } from '../../../core/message.ts'
import { soon } from '../soon.ts'
import { untilAborted } from '../untilAborted.ts'
import { Inbox } from './inbox.ts'
import { LocalLease } from './localLease.ts'

export interface LocalLiveOptions {
  readonly channel: ChannelSpec
  readonly spec: SubscriberSpec
  readonly on: LiveEvents
  /** Fires, with the reason, when the session has ended. */
  readonly sessionEnded: AbortSignal
  /** @throws CLOSED, or what ended the session */
  readonly checkOpen: (operation: string) => void
  /** Called once, when it has left. */
  readonly left: () => void
}

type Room = Parameters<LiveSource['receive']>[0]

/**
 * A live source of a broker that hands over at once and keeps nothing: what comes waits here, and
 * nobody but this process knows whether its reader lives.
 */
export abstract class LocalLiveSource<Raw, Options extends LocalLiveOptions> implements LiveSource {
  readonly leaseMs: number
  readonly resumed: boolean = false
  protected readonly options: Options
  protected readonly lease: LocalLease
  readonly #inbox: Inbox<Raw>
  #ended: NarrowcastError | null = null
  #isListening = false
  #unlistening: Promise<void> | null = null
  #isStopped = false
  #isClosed = false
  #isReceiving = false
  #leaving: Promise<void> | null = null
  #closing: Promise<void> | null = null

  /** `hold`: what the inbox may have; more than the subscriber's where no more is asked for than fits. */
  constructor(
    options: Options,
    read: (raw: Raw) => IncomingMessage,
    hold: SubscriberSpec['hold'] = options.spec.hold,
  ) {
    const { spec, sessionEnded } = options
    this.options = options
    this.leaseMs = spec.leaseMs
    this.#inbox = new Inbox(hold, read)
    this.lease = new LocalLease(spec.leaseMs, () => this.end(this.#silent()))
    sessionEnded.addEventListener('abort', this.#lost)
  }

  /** Why it has ended; null while it lives. */
  get ended(): NarrowcastError | null {
    return this.#ended
  }

  /** Resolves when the broker has confirmed the subscription; for one that leaves, nothing opens. */
  async open(): Promise<void> {
    if (this.#leaving !== null) return // nobody would end it any more
    this.#isListening = true
    await this.listen()
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
        if (messages.length > 0 || (this.#isStopped && this.hasAll)) return messages
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
    await untilAborted(this.#unlisten(), signal, () =>
      this.error('ABORTED', 'stop', 'it was aborted before the broker had answered'),
    )
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

  /** Nobody asks for what waits any more. */
  protected get isOver(): boolean {
    return this.#ended !== null || this.#isClosed
  }

  /** What comes is certainly for this one. */
  protected get isAssured(): boolean {
    return true
  }

  /** Once it has stopped: `put` was called with all that came before. */
  protected get hasAll(): boolean {
    return true
  }

  /** Asked before anything is handed out where that is not certain. @throws FENCED */
  protected async assure(): Promise<void> {}

  /** From here on `put` is called with what comes. */
  protected abstract listen(): Promise<void>

  /** Nothing more comes; `put` has been called with all that came before, or `hasAll` says when. */
  protected abstract unlisten(): Promise<void>

  /** What else is to be given up. Not called where the session is lost. */
  protected async leaveBroker(): Promise<void> {}

  /** It could not be said that this one leaves: others may count on it. */
  protected abstract stays(error: unknown): void

  /** An error of this driver. */
  protected abstract error(code: ErrorCode, operation: string, text: string): NarrowcastError

  protected put(raw: Raw, bytes: number): void {
    this.#inbox.put(raw, bytes)
  }

  /** Who waits looks again. */
  protected wake(): void {
    this.#inbox.wake()
  }

  protected drop(isGone: (raw: Raw) => boolean): void {
    this.#inbox.drop(isGone)
  }

  /** What waits here. */
  protected get held(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#inbox.size, bytes: this.#inbox.bytes }
  }

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

  readonly #lost = () => this.end(this.options.sessionEnded.reason as NarrowcastError)

  #take(room: Room): IncomingMessage[] {
    this.lease.sign()
    const messages = this.#inbox.take(room)
    const missed = messages.length === 0 ? 0 : this.#inbox.takeMissed()
    if (missed > 0) this.options.on.gap(missed, 'overflow')
    return messages
  }

  async #leave(): Promise<void> {
    const { sessionEnded, left } = this.options
    this.lease.close()
    sessionEnded.removeEventListener('abort', this.#lost)
    this.#inbox.clear()
    this.#inbox.wake()
    try {
      await this.#unlisten()
      if (!sessionEnded.aborted) await this.leaveBroker()
    } catch (error) {
      this.stays(error)
    } finally {
      left()
    }
  }

  async #unlisten(): Promise<void> {
    if (!this.#isListening) return
    this.#unlistening ??= this.unlisten()
    await this.#unlistening
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
