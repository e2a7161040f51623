import type { Clock } from '../core/clock.ts'
import type { Driver, Session } from '../core/driver.ts'
import { asNarrowcastError, type NarrowcastError } from '../core/errors.ts'
import { backoffMs, ceilingMs } from './backoff.ts'
import { busClosed } from './closedErrors.ts'
import { untilAborted } from './untilAborted.ts'

/** A publish waits 30 s for its answer: a server that is back again must be found well within that. */
const reconnectBackoff = { delayMsMin: 100, delayMsMax: 5_000 }
/** What trying does not mend is told to publishers at once, and noted by the broker each time. */
const refusedBackoff = { delayMsMin: 100, delayMsMax: 30_000 }

/**
 * Keeps one session open: when the driver says it closed, a new one is opened with backoff, for
 * ever. Whoever needs a session waits here for the present one or the next.
 */
export class Connection {
  readonly driver: Driver
  readonly #clock: Clock
  readonly #random: () => number
  readonly #closing = new AbortController()
  readonly #troubled = new Set<(error: NarrowcastError) => void>()
  #session: Session | null = null
  #next: PromiseWithResolvers<Session> = Promise.withResolvers()
  #reopening: Promise<void> = Promise.resolve()
  #trouble: NarrowcastError | null = null
  #refused = new AbortController()
  #blocked: NarrowcastError | null = null
  #isQuiet = false
  #openedMs = 0
  #failures = 0

  constructor(driver: Driver, clock: Clock, random: () => number) {
    this.driver = driver
    this.#clock = clock
    this.#random = random
    this.#next.promise.catch(() => undefined) // nobody may be waiting when the bus closes
  }

  /** The first connect: its failure is the caller's. */
  async open(signal: AbortSignal): Promise<Session> {
    return this.#adopt(await this.#openOnce(AbortSignal.any([signal, this.#closing.signal])))
  }

  /** The present session, at once; null while it is being opened again. */
  get session(): Session | null {
    return this.#session
  }

  /** Why there is no session, as far as it is known; null while one is open. */
  get trouble(): NarrowcastError | null {
    return this.#trouble
  }

  /**
   * Fires, with the reason, when opening again is refused in a way that trying does not mend.
   * It is tried all the same; another signal takes its place when that ends otherwise.
   */
  get refused(): AbortSignal {
    return this.#refused.signal
  }

  /** Why the broker holds back whoever publishes; null: it does not. */
  get blocked(): NarrowcastError | null {
    return this.#blocked
  }

  /** See `Session.quiet`. */
  get chargesTakes(): boolean {
    return this.#session?.quiet !== undefined
  }

  /** See `Session.quiet`; holds for the sessions to come too. */
  async quiet(isQuiet: boolean): Promise<void> {
    this.#isQuiet = isQuiet
    await this.#session?.quiet?.(isQuiet)
  }

  /** Aborts when the bus closes. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** The present session, or the next one. Rejects when closed for good or the signal fires. */
  async ready(signal: AbortSignal): Promise<Session> {
    this.#closing.signal.throwIfAborted()
    signal.throwIfAborted()
    return this.#session ?? untilAborted(this.#next.promise, signal)
  }

  /** Tells of every lost session and every attempt to reopen that failed. */
  onTrouble(listener: (error: NarrowcastError) => void): () => void {
    this.#troubled.add(listener)
    return () => this.#troubled.delete(listener)
  }

  /** Ends every wait for a session, now and from now on. */
  giveUp(): void {
    if (this.#closing.signal.aborted) return
    const error = busClosed()
    this.#closing.abort(error)
    this.#next.reject(error)
  }

  async close(): Promise<void> {
    this.giveUp()
    await this.#reopening
    const session = this.#session
    this.#session = null
    await session?.[Symbol.asyncDispose]()
  }

  async #openOnce(signal: AbortSignal): Promise<Session> {
    const opened: { session?: Session; error?: NarrowcastError } = {}
    const session = await this.driver.open(
      {
        closed: (error) => {
          opened.error = error
          if (opened.session) this.#lost(opened.session, error)
        },
        blocked: (why) => {
          if (opened.session && this.#session === opened.session) this.#blocked = why
        },
      },
      signal,
    )
    if (opened.error) {
      await session[Symbol.asyncDispose]()
      throw opened.error
    }
    opened.session = session
    return session
  }

  #adopt(session: Session): Session {
    this.#session = session
    if (this.#isQuiet) void session.quiet?.(true)
    this.#setTrouble(null)
    this.#openedMs = this.#clock.monotonicMs()
    this.#next.resolve(session)
    return session
  }

  #lost(session: Session, error: NarrowcastError): void {
    if (this.#session !== session || this.#closing.signal.aborted) return
    this.#session = null
    this.#blocked = null
    this.#next = Promise.withResolvers()
    this.#next.promise.catch(() => undefined)
    this.#trouble = error
    this.#tell(error)
    this.#reopening = this.#reopen(session)
  }

  async #reopen(old: Session): Promise<void> {
    try {
      await old[Symbol.asyncDispose]()
    } catch (error) {
      this.#tell(asNarrowcastError(error))
    }
    // A session that is dropped as soon as it is open is no reason to begin with short pauses again;
    // one that lived for longer than the next pause can be is.
    const livedMs = this.#clock.monotonicMs() - this.#openedMs
    if (livedMs > ceilingMs(this.#failures, reconnectBackoff)) this.#failures = 0
    for (; !this.#closing.signal.aborted; this.#failures++) {
      const backoff = this.#refused.signal.aborted ? refusedBackoff : reconnectBackoff
      const pauseMs = backoffMs(this.#failures, backoff, this.#random)
      await this.#clock.sleep(pauseMs, this.#closing.signal)
      if (this.#closing.signal.aborted) return
      try {
        const session = await this.#openOnce(this.#closing.signal)
        if (!this.#closing.signal.aborted) {
          this.#failures++
          this.#adopt(session)
          return
        }
        await session[Symbol.asyncDispose]()
      } catch (error) {
        if (this.#closing.signal.aborted) return
        const told = asNarrowcastError(error, 'CONNECT_FAILED')
        this.#setTrouble(told)
        this.#tell(told)
      }
    }
  }

  /** What an attempt to open came to. */
  #setTrouble(error: NarrowcastError | null): void {
    this.#trouble = error
    if (this.#refused.signal.aborted) this.#refused = new AbortController()
    if (error && !error.retryable) this.#refused.abort(error)
  }

  #tell(error: NarrowcastError): void {
    for (const listener of [...this.#troubled]) listener(error)
  }
}
