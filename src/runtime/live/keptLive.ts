import type { LiveSource, Session } from '../../core/driver.ts'
import { asNarrowcastError, type NarrowcastError } from '../../core/errors.ts'
import type { IncomingMessage } from '../../core/message.ts'
import { backoffMs } from '../backoff.ts'
import type { Events } from '../events.ts'
import { reopenBackoff } from '../keptSource.ts'
import type { ReaderHost } from '../readerHost.ts'
import { untilAborted } from '../untilAborted.ts'

export type LiveHost = Pick<
  ReaderHost,
  'clock' | 'random' | 'connection' | 'open' | 'forget' | 'closedError'
>

export interface LiveWish<S extends LiveSource> {
  /** Subscribes, or waits until it leads. */
  open(session: Session, signal: AbortSignal): Promise<S>
  opened?(source: S, isFirst: boolean): void
  /** Why it is not ready at first, and why it is when it is open. */
  readonly says: { readonly opening: string; readonly open: string }
}

/** A session that stands may have ended this one alone: by its lease, or by another in its place. */
const over: readonly string[] = ['CONNECTION_LOST', 'CLOSED', 'NOT_FOUND', 'FENCED']

/**
 * A live subscription or a lead at the broker: renewed at a third of its lease, opened again after
 * every loss, for ever.
 */
export class KeptLive<S extends LiveSource> {
  readonly #host: LiveHost
  readonly #events: Events
  readonly #wish: LiveWish<S>
  readonly #closing = new AbortController()
  readonly #ready = Promise.withResolvers<void>()
  readonly #forget: () => void
  #source: S | null = null
  /** Dropped and not disposed yet. */
  #dropped: S | null = null
  #ended = new AbortController()
  #until: { signal: AbortSignal; ended: AbortSignal; either: AbortSignal } | null = null
  #session: Session | null = null
  #opening: Promise<S> | null = null
  #ownedUntilMs = Number.NEGATIVE_INFINITY
  #leaseMs = 0
  #renewing: S | null = null
  #isReady = false
  #wasOpen = false
  #failures = 0
  #why: string

  constructor(host: LiveHost, events: Events, wish: LiveWish<S>) {
    this.#host = host
    this.#events = events
    this.#wish = wish
    this.#why = wish.says.opening
    this.#ready.promise.catch(() => undefined) // told as an `error` event too
    this.#forget = host.connection.onTrouble((error) => {
      this.trouble(error)
      if (this.#session !== host.connection.session) this.#setReady(false, error.message)
    })
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** It has been open, if it is not now. */
  get wasOpen(): boolean {
    return this.#wasOpen
  }

  /** Why it is ready, or is not. */
  get why(): string {
    return this.#why
  }

  /** Resolves when it is open for the first time; rejects when it never will be. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** By our own clock: it has not been renewed in time when this has passed. */
  get ownedUntilMs(): number {
    return this.#ownedUntilMs
  }

  /** It is open still, as far as we know. */
  has(source: S): boolean {
    return this.#source === source && this.#session === this.#host.connection.session
  }

  /** What is open on the present session. Rejects only for good, or when the signal fires. */
  async open(signal: AbortSignal): Promise<S> {
    if (this.#source && this.#session === this.#host.connection.session) return this.#source
    if (!this.#opening) {
      const opening = this.#openAgain().finally(() => {
        this.#opening = null
      })
      opening.catch(() => undefined) // whoever still waits for it is told
      this.#opening = opening
    }
    return untilAborted(this.#opening, signal, () => this.#host.closedError())
  }

  /** What is open now; null while it is opened again. */
  get present(): S | null {
    return this.#source && this.has(this.#source) ? this.#source : null
  }

  /** From here on `receive` brings what waits unread, and then nothing. False: it is gone. */
  async stop(source: S, signal: AbortSignal): Promise<boolean> {
    try {
      await source.stop(signal)
      return true
    } catch (cause) {
      if (!signal.aborted) this.failed(source, asNarrowcastError(cause))
      return false
    }
  }

  /** Empty when the signal has fired, or the source is to be opened again. Never rejects. */
  async receive(
    source: S,
    room: { messages: number; bytes: number },
    signal: AbortSignal,
  ): Promise<IncomingMessage[]> {
    try {
      const messages = await source.receive(room, this.#untilEnded(signal))
      this.#failures = 0
      return messages
    } catch (cause) {
      if (signal.aborted || this.closing.aborted) return []
      this.failed(source, asNarrowcastError(cause))
      const pauseMs = backoffMs(this.#failures++, reopenBackoff, this.#host.random)
      await this.#host.clock.sleep(pauseMs, signal)
      return []
    }
  }

  /** Told; and where nothing else will come of this source, the next `open` brings another. */
  failed(source: S, error: NarrowcastError): void {
    if (this.#source !== source) return
    this.trouble(error)
    if (over.includes(error.code)) this.#drop(error)
  }

  /** Opens nothing more, and gives up what is open. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#forget()
    await this.#opening?.catch(() => undefined) // told already
    this.#setReady(false, 'closed')
    this.#ready.reject(this.#host.closedError())
    this.#dropped ??= this.#source
    this.#source = null
    await this.#disposeDropped()
  }

  trouble(error: NarrowcastError): void {
    this.#events.emit('error', { id: null, error })
  }

  /** The same again for the same signal: a new one for each receive costs memory until it is swept. */
  #untilEnded(signal: AbortSignal): AbortSignal {
    const ended = this.#ended.signal
    if (this.#until?.signal !== signal || this.#until.ended !== ended) {
      this.#until = { signal, ended, either: AbortSignal.any([signal, ended]) }
    }
    return this.#until.either
  }

  #drop(error: NarrowcastError): void {
    if (error.code === 'NOT_FOUND' && this.#session) this.#host.forget(this.#session)
    this.#dropped = this.#source
    this.#source = null
    const before = this.#ended
    this.#ended = new AbortController()
    before.abort(null)
    this.#setReady(false, error.message)
  }

  async #openAgain(): Promise<S> {
    const { clock, random } = this.#host
    for (let failures = 0; ; failures++) {
      try {
        const { session } = await this.#host.open(this.closing)
        // A session that is lost has closed it; disposing it would end what is to be resumed.
        if (this.#session === session) await this.#disposeDropped()
        this.#dropped = null
        return this.#adopt(session, await this.#wish.open(session, this.closing))
      } catch (cause) {
        const error = asNarrowcastError(cause)
        if (this.closing.aborted) throw error
        if (!this.#wasOpen && !error.retryable && error.code !== 'CLOSED') {
          this.#setReady(false, error.message)
          this.#ready.reject(error)
          throw error // for good: whoever receives tells it
        }
        this.trouble(error)
        this.#setReady(false, error.message)
        await clock.sleep(backoffMs(failures, reopenBackoff, random), this.closing)
      }
    }
  }

  #adopt(session: Session, source: S): S {
    const isFirst = !this.#wasOpen
    this.#session = session
    this.#source = source
    this.#wasOpen = true
    this.#leaseMs = source.leaseMs
    this.#ownedUntilMs = this.#host.clock.monotonicMs() + source.leaseMs
    if (isFirst) void this.#keep()
    this.#wish.opened?.(source, isFirst)
    this.#setReady(true, this.#wish.says.open)
    this.#ready.resolve()
    return source
  }

  async #keep(): Promise<void> {
    while (!this.closing.aborted) {
      await this.#host.clock.sleep(this.#leaseMs / 3, this.closing)
      if (this.#source && !this.closing.aborted) void this.#renew(this.#source)
    }
  }

  /** Not awaited by the loop: one that hangs must not keep the next source from being renewed. */
  async #renew(source: S): Promise<void> {
    if (this.#renewing === source) return
    this.#renewing = source
    const beforeMs = this.#host.clock.monotonicMs()
    try {
      await source.renew(this.closing)
      if (this.#source === source) this.#ownedUntilMs = beforeMs + source.leaseMs
    } catch (cause) {
      if (!this.closing.aborted) this.failed(source, asNarrowcastError(cause))
    } finally {
      if (this.#renewing === source) this.#renewing = null
    }
  }

  async #disposeDropped(): Promise<void> {
    const dropped = this.#dropped
    this.#dropped = null
    try {
      await dropped?.[Symbol.asyncDispose]()
    } catch (error) {
      this.trouble(asNarrowcastError(error))
    }
  }

  #setReady(isReady: boolean, why: string): void {
    this.#why = why
    if (this.#isReady === isReady) return
    this.#isReady = isReady
    this.#events.emit('ready', { isReady, why })
  }
}
