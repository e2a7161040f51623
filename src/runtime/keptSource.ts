import type { ChannelSpec, ReaderSpec, WorkerRef } from '../core/channel.ts'
import type { LostWhy, Session, Source } from '../core/driver.ts'
import { asNarrowcastError, type NarrowcastError } from '../core/errors.ts'
import { randomName } from '../core/ids.ts'
import type { Token } from '../core/message.ts'
import { backoffMs } from './backoff.ts'
import type { Events } from './events.ts'
import type { ReaderHost } from './readerHost.ts'
import { untilAborted } from './untilAborted.ts'

/** A broker that is there again may take a while until all in it is. */
export const reopenBackoff = { delayMsMin: 50, delayMsMax: 5_000 }

export interface ReaderWish {
  readonly worker: WorkerRef
  readonly group: string | null
  readonly from: ReaderSpec['from']
  readonly hold: ReaderSpec['hold']
  readonly charge: ReaderSpec['charge']
  readonly deafAfterMs: number
}

/** Who reads from the source. */
export interface SourceReader {
  /** What is in hand while the source is opened again. */
  holding(): Token[]
  lost(tokens: readonly Token[] | 'all', why: LostWhy): void
  opened(source: Source): void
}

/** The source of one subscription, which is opened again after every loss. */
export class KeptSource {
  readonly #host: ReaderHost
  readonly #wish: ReaderWish
  readonly #events: Events
  readonly #reader: SourceReader
  readonly #closing = new AbortController()
  readonly #ready = Promise.withResolvers<void>()
  #name: string
  #source: Source | null = null
  #session: Session | null = null
  #opening: Promise<Source> | null = null
  #subscribed: object | null = null
  #interrupted = new AbortController()
  #isOpen = false
  /** Why it is not to be trusted though it is open. */
  #deafness: string | null = null
  #isReady = false
  #why = 'the subscription is being opened'
  #wasOpen = false

  constructor(host: ReaderHost, wish: ReaderWish, events: Events, reader: SourceReader) {
    this.#host = host
    this.#wish = wish
    this.#events = events
    this.#reader = reader
    this.#name = this.#newName()
    this.#ready.promise.catch(() => undefined) // told as an `error` event too
    const forget = host.connection.onTrouble((error) => {
      this.trouble(error)
      if (this.#session !== host.connection.session) this.#setOpen(false, error.message)
    })
    this.closing.addEventListener('abort', forget)
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Why it is ready, or is not. */
  get why(): string {
    return this.#why
  }

  /** Resolves at the first confirmed subscription; rejects when there will be none. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  /** What is open now, or was until its session was lost. */
  get present(): Source | null {
    return this.#source
  }

  /** Fires when the present source is dropped, or is to be asked anew. */
  get interrupted(): AbortSignal {
    return this.#interrupted.signal
  }

  get closing(): AbortSignal {
    return this.#closing.signal
  }

  get #spec(): ChannelSpec {
    return this.#host.plan.spec
  }

  /** The source of the present session. Rejects only for good, or when the signal fires. */
  async open(signal: AbortSignal): Promise<Source> {
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

  /** Not disposed: that would give back what we hold. The next opening brings another. */
  drop(source: Source, error?: NarrowcastError): void {
    if (this.#source !== source) return
    if (error?.code === 'NOT_FOUND' && this.#session) this.#host.forget(this.#session)
    this.#source = null
    this.interrupt()
    this.#setOpen(false, 'the subscription is being opened again')
  }

  /** Ends a `receive` that is under way. */
  interrupt(): void {
    const before = this.#interrupted
    this.#interrupted = new AbortController()
    before.abort(null)
  }

  /** Not ready while it is deaf, whatever is opened meanwhile; null: it hears. */
  setDeaf(why: string | null): void {
    this.#deafness = why
    this.#tellReady(why ?? 'messages come again')
  }

  /** Goes on under another name; the old one ends at the broker by itself. */
  rename(): void {
    this.#name = this.#newName()
    if (this.#source) this.drop(this.#source)
  }

  /** Opens nothing more, and waits for an opening that is under way. */
  async end(): Promise<void> {
    this.#closing.abort()
    await this.#opening?.catch(() => undefined) // told already
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#setOpen(false, 'closed')
    this.#ready.reject(this.#host.closedError())
    const source = this.#source
    this.#source = null
    try {
      await source?.[Symbol.asyncDispose]()
    } catch (error) {
      this.trouble(asNarrowcastError(error))
    }
  }

  trouble(error: NarrowcastError): void {
    this.#events.emit('error', { id: null, error })
  }

  async #openAgain(): Promise<Source> {
    const { clock, random } = this.#host
    const isFirst = !this.#wasOpen
    for (let failures = 0; ; failures++) {
      try {
        const { session } = await this.#host.open(this.closing)
        const name = this.#name
        const source = await this.#subscribe(session)
        if (name === this.#name) return this.#adopt(session, source)
        await source[Symbol.asyncDispose]() // the lease ended meanwhile: all it holds is lost to us
      } catch (cause) {
        const error = asNarrowcastError(cause)
        if (this.closing.aborted) throw error
        if (isFirst && !error.retryable && error.code !== 'CLOSED') {
          this.#setOpen(false, error.message)
          this.#ready.reject(error)
          throw error // for good: whoever receives tells it
        }
        this.trouble(error)
        this.#setOpen(false, error.message)
        await clock.sleep(backoffMs(failures, reopenBackoff, random), this.closing)
      }
    }
  }

  #subscribe(session: Session): Promise<Source> {
    const { worker, group, from, hold, charge } = this.#wish
    const { leaseMs } = this.#spec
    const holding = this.#reader.holding()
    const spec: ReaderSpec = {
      ...{ reader: this.#name, worker, group, from },
      ...{ hold, charge, leaseMs, holding, order: this.#host.plan.order },
    }
    const subscribed = {}
    this.#subscribed = subscribed
    const lost = (tokens: readonly Token[] | 'all', why: LostWhy) => {
      if (this.#subscribed === subscribed) this.#reader.lost(tokens, why) // not of a source before
    }
    return session.source(this.#spec, spec, { lost }, this.closing)
  }

  #adopt(session: Session, source: Source): Source {
    this.#session = session
    this.#source = source
    this.#wasOpen = true
    this.#reader.opened(source)
    this.#setOpen(true, 'the broker has confirmed the subscription')
    this.#ready.resolve()
    return source
  }

  #newName(): string {
    return `${this.#wish.worker.id}:${randomName(12)}`
  }

  #setOpen(isOpen: boolean, why: string): void {
    this.#isOpen = isOpen
    this.#tellReady(why)
  }

  #tellReady(why: string): void {
    const isReady = this.#isOpen && this.#deafness === null
    this.#why = isReady ? why : (this.#deafness ?? why)
    if (this.#isReady === isReady) return
    this.#isReady = isReady
    this.#events.emit('ready', { isReady, why })
  }
}
