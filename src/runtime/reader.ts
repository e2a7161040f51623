import type { ChannelSpec, ReaderSpec, WorkerRef } from '../core/channel.ts'
import type { LostWhy, Session, Source, SourceEvents } from '../core/driver.ts'
import { asNarrowcastError, type NarrowcastError } from '../core/errors.ts'
import { randomName } from '../core/ids.ts'
import type { Delivery, Settlement, SettleOutcome, Token } from '../core/message.ts'
import { backoffMs } from './backoff.ts'
import type { Events } from './events.ts'
import { Held, isDead } from './held.ts'
import { Lease } from './lease.ts'
import type { ReaderHost } from './readerHost.ts'
import { Settler } from './settler.ts'
import { untilAborted } from './untilAborted.ts'

const reopenBackoff = { delayMsMin: 50, delayMsMax: 30_000 }

export interface ReaderWish {
  readonly worker: WorkerRef
  readonly group: string | null
  readonly from: ReaderSpec['from']
  readonly hold: ReaderSpec['hold']
  readonly charge: ReaderSpec['charge']
}

/**
 * One subscription towards the broker: the source that is opened again after every loss, what it
 * handed over and is not settled yet, its lease, its settlements. What runs on top decides when
 * to receive and what to answer.
 */
export class Reader {
  readonly #host: ReaderHost
  readonly #wish: ReaderWish
  readonly #events: Events
  #name: string
  readonly #held = new Map<number, Held>()
  readonly #settler: Settler
  readonly #closing = new AbortController()
  readonly #ready = Promise.withResolvers<void>()
  #lease: Lease | null = null
  #source: Source | null = null
  #session: Session | null = null
  #opening: Promise<Source> | null = null
  #subscribed: object | null = null
  #dropped = new AbortController()
  #isReady = false
  #heldBytes = 0

  constructor(host: ReaderHost, wish: ReaderWish, events: Events) {
    this.#host = host
    this.#wish = wish
    this.#events = events
    this.#name = this.#newName()
    this.#ready.promise.catch(() => undefined) // told as an `error` event too
    this.#settler = new Settler({
      clock: host.clock,
      random: host.random,
      channel: this.#spec.name,
      source: (signal) => this.#open(signal),
      failed: (error) => this.#trouble(error),
      broken: (source, error) => this.#drop(source, error),
    })
    const forget = host.connection.onTrouble((error) => {
      this.#trouble(error)
      if (this.#session !== host.connection.session) this.#setReady(false, error.message)
    })
    this.#closing.signal.addEventListener('abort', forget)
  }

  /** Opens before anything is received. A failure is told by `ready`, and by `receive`. */
  start(): void {
    this.#open(this.#closing.signal).catch(() => undefined)
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Resolves at the first confirmed subscription; rejects when there will be none. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  get held(): ReadonlyMap<number, Held> {
    return this.#held
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get #spec(): ChannelSpec {
    return this.#host.plan.spec
  }

  /**
   * Waits for at least one delivery; an aborted wait returns what was taken, maybe nothing.
   * Outlives lost connections. @throws what `ready` rejects with.
   */
  async receive(room: { messages: number; bytes: number }, signal: AbortSignal): Promise<Held[]> {
    for (let failures = 0; !signal.aborted && !this.#closing.signal.aborted; failures++) {
      let source: Source | null = null
      try {
        source = await this.#open(signal)
        const dropped = this.#dropped.signal
        const deliveries = await source.receive(room, AbortSignal.any([signal, dropped]))
        if (dropped.aborted) await this.#giveBack(source, deliveries)
        else if (deliveries.length > 0 || signal.aborted)
          return deliveries.map((one) => this.#take(one))
        failures = -1
      } catch (cause) {
        if (signal.aborted || this.#closing.signal.aborted) break
        const error = asNarrowcastError(cause)
        if (!source) throw error // never opened: for good
        this.#trouble(error)
        if (isDead(error)) this.#drop(source, error)
        await this.#host.clock.sleep(backoffMs(failures, reopenBackoff, this.#host.random), signal)
      }
    }
    return []
  }

  /** Answers `late` at once for what is no longer ours, without asking the broker. */
  async settle(held: Held, settlement: Settlement): Promise<SettleOutcome> {
    const lease = this.#lease
    const now = this.#host.clock.monotonicMs()
    if (!held.lost && lease && lease.ownedUntilMs(held) <= now) this.#expire()
    const outcome = await this.#settler.settle(held, settlement)
    this.#forget(held)
    if (this.#events.has('settled')) {
      this.#events.emit('settled', { ...held.of, kind: settlement.kind, outcome })
    }
    if (outcome === 'late' && settlement.kind !== 'release') this.#tellLate(held)
    return outcome
  }

  /** For good: nothing renews it and nothing waits for it any more. */
  abandon(held: Held): void {
    this.#forget(held)
  }

  /** Marks work on everything up to this delivery as begun. */
  async begin(held: Held): Promise<void> {
    const source = await this.#open(this.#closing.signal)
    if (held.lost) return // its signal has fired; another source knows nothing of it
    this.#lose(this.#find(await source.renew(held.delivery.token, this.#closing.signal)), 'expired')
  }

  /** Asks for nothing more; what was under way comes out here. */
  async stop(signal: AbortSignal): Promise<Held[]> {
    if (!this.#source) return []
    try {
      return (await this.#source.stop(signal)).map((one) => this.#take(one))
    } catch (error) {
      this.#trouble(asNarrowcastError(error))
      return []
    }
  }

  /** Settles what is under way until the deadline, then closes; what is left comes again. */
  async close(deadline: AbortSignal): Promise<void> {
    await this.#settler.close(deadline)
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    await this.#opening?.catch(() => undefined) // told already; one that succeeds brings a lease
    this.#lease?.close()
    this.#setReady(false, 'closed')
    this.#ready.reject(this.#host.closedError())
    const source = this.#source
    this.#source = null
    try {
      await source?.[Symbol.asyncDispose]()
    } catch (error) {
      this.#trouble(asNarrowcastError(error))
    }
  }

  /** The source of the present session. Rejects only for good, or when the signal fires. */
  async #open(signal: AbortSignal): Promise<Source> {
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

  async #openAgain(): Promise<Source> {
    const { clock, random } = this.#host
    const isFirst = this.#lease === null
    for (let failures = 0; ; failures++) {
      try {
        const { session } = await this.#host.open(this.#closing.signal)
        const name = this.#name
        const source = await this.#subscribe(session)
        if (name === this.#name) return this.#adopt(session, source)
        await source[Symbol.asyncDispose]() // the lease ended meanwhile: all it holds is lost to us
      } catch (cause) {
        const error = asNarrowcastError(cause)
        if (this.#closing.signal.aborted) throw error
        if (isFirst && !error.retryable && error.code !== 'CLOSED') {
          this.#ready.reject(error)
          throw error // for good: whoever receives tells it
        }
        this.#trouble(error)
        this.#setReady(false, error.message)
        await clock.sleep(backoffMs(failures, reopenBackoff, random), this.#closing.signal)
      }
    }
  }

  #subscribe(session: Session): Promise<Source> {
    const { worker, group, from, hold, charge } = this.#wish
    const reader: ReaderSpec = {
      reader: this.#name,
      worker,
      group,
      from,
      hold,
      charge,
      leaseMs: this.#spec.leaseMs,
      holding: [...this.#held.values()].map(({ delivery }) => delivery.token),
    }
    const subscribed = {}
    this.#subscribed = subscribed
    const on: SourceEvents = {
      lost: (tokens, why) => {
        if (this.#subscribed !== subscribed) return // said by a source before this one
        this.#lose(tokens === 'all' ? [...this.#held.values()] : this.#find(tokens), why)
      },
    }
    return session.source(this.#spec, reader, on, this.#closing.signal)
  }

  #adopt(session: Session, source: Source): Source {
    this.#session = session
    this.#source = source
    this.#lease ??= new Lease(
      {
        clock: this.#host.clock,
        held: () => this.#held.values(),
        renew: () => this.#renew(),
        expired: () => this.#expire(),
      },
      source.leaseMs,
    )
    this.#setReady(true, 'the broker has confirmed the subscription')
    this.#ready.resolve()
    return source
  }

  async #renew(): Promise<boolean> {
    try {
      const source = await this.#open(this.#closing.signal)
      this.#lose(this.#find(await source.renew(null, this.#closing.signal)), 'expired')
      return true
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#trouble(asNarrowcastError(error))
      return false
    }
  }

  #take(delivery: Delivery): Held {
    const held = new Held(delivery)
    this.#held.set(delivery.token.serial, held)
    this.#heldBytes += delivery.message.bytes
    return held
  }

  #forget(held: Held): void {
    const { serial } = held.delivery.token
    // Another name of this reader may have given the same serial to another message.
    if (this.#held.get(serial) !== held) return
    this.#held.delete(serial)
    this.#heldBytes -= held.delivery.message.bytes
  }

  #find(tokens: readonly Token[]): Held[] {
    return tokens.flatMap(({ reader, serial }) => {
      const held = this.#held.get(serial)
      return held?.delivery.token.reader === reader ? held : []
    })
  }

  #lose(lost: readonly Held[], why: LostWhy): void {
    if (lost.length === 0) return
    for (const held of lost) {
      this.#forget(held)
      held.lose(why, this.#spec.name)
    }
    this.#events.emit('lost', { deliveries: lost.map((held) => held.of), why })
  }

  #tellLate(held: Held): void {
    const lease = this.#lease
    const overdueMs = lease ? this.#host.clock.monotonicMs() - lease.ownedUntilMs(held) : 0
    this.#events.emit('late', {
      ...held.of,
      overdueMs: Math.max(0, Math.round(overdueMs)),
      loopBlockedMs: lease?.loopBlockedMs() ?? null,
    })
  }

  /**
   * By our own clock the lease is over, and it covers all that this reader holds. Only the broker
   * knows who has it now: we go on under another name, and the old one ends there by itself.
   */
  #expire(): void {
    this.#lose([...this.#held.values()], 'expired')
    this.#name = this.#newName()
    if (this.#source) this.#drop(this.#source)
  }

  /** Handed over to a source that was dropped meanwhile. What fails comes again by the lease. */
  async #giveBack(source: Source, deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return
    const batch = deliveries.map(({ token }) => ({ token, kind: 'release', delayMs: 0 }) as const)
    try {
      await source.settle(batch, this.#closing.signal)
    } catch (error) {
      this.#trouble(asNarrowcastError(error))
    }
  }

  /** Not disposed: that would give back what we hold. The next opening brings another. */
  #drop(source: Source, error?: NarrowcastError): void {
    if (this.#source !== source) return
    if (error?.code === 'NOT_FOUND' && this.#session) this.#host.forget(this.#session)
    this.#source = null
    this.#dropped.abort(null)
    this.#dropped = new AbortController()
    this.#setReady(false, 'the subscription is being opened again')
  }

  #newName(): string {
    return `${this.#wish.worker.id}:${randomName(12)}`
  }

  #trouble(error: NarrowcastError): void {
    this.#events.emit('error', { id: null, error })
  }

  #setReady(isReady: boolean, why: string): void {
    if (this.#isReady === isReady) return
    this.#isReady = isReady
    this.#events.emit('ready', { isReady, why })
  }
}
