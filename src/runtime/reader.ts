import type { ChannelSpec, ReaderSpec, WorkerRef } from '../core/channel.ts'
import type { LostWhy, Session, Source, SourceEvents } from '../core/driver.ts'
import { asNarrowcastError, type NarrowcastError } from '../core/errors.ts'
import { randomName } from '../core/ids.ts'
import type { Settlement, SettleOutcome, Token } from '../core/message.ts'
import { backoffMs } from './backoff.ts'
import type { Events } from './events.ts'
import { Held, isDead } from './held.ts'
import { Lease } from './lease.ts'
import type { ReaderHost } from './readerHost.ts'
import { Settler } from './settler.ts'

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
  readonly #name: string
  readonly #held = new Map<number, Held>()
  readonly #settler: Settler
  readonly #closing = new AbortController()
  readonly #ready = Promise.withResolvers<void>()
  #lease: Lease | null = null
  #source: Source | null = null
  #session: Session | null = null
  #opening: Promise<Source> | null = null
  #subscribed: object | null = null
  #isReady = false
  #heldBytes = 0

  constructor(host: ReaderHost, wish: ReaderWish, events: Events) {
    this.#host = host
    this.#wish = wish
    this.#events = events
    this.#name = `${wish.worker.id}:${randomName(12)}`
    this.#ready.promise.catch(() => undefined) // told as an `error` event too
    this.#settler = new Settler({
      clock: host.clock,
      random: host.random,
      channel: this.#spec.name,
      source: (signal) => this.#open(signal),
      failed: (error) => this.#trouble(error),
      broken: (source) => this.#drop(source),
    })
    const forget = host.connection.onTrouble((error) => {
      this.#trouble(error)
      if (this.#session !== host.connection.session) this.#setReady(false, error.message)
    })
    this.#closing.signal.addEventListener('abort', forget)
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
        const deliveries = await source.receive(room, signal)
        if (deliveries.length > 0 || signal.aborted) return deliveries.map((one) => this.#take(one))
        failures = -1
      } catch (cause) {
        if (signal.aborted || this.#closing.signal.aborted) break
        const error = asNarrowcastError(cause)
        if (!source) throw error // never opened: for good
        this.#trouble(error)
        if (isDead(error)) this.#drop(source)
        await this.#host.clock.sleep(backoffMs(failures, reopenBackoff, this.#host.random), signal)
      }
    }
    return []
  }

  /** Answers `late` at once for what is no longer ours, without asking the broker. */
  async settle(held: Held, settlement: Settlement): Promise<SettleOutcome> {
    const lease = this.#lease
    const now = this.#host.clock.monotonicMs()
    if (!held.lost && lease && lease.ownedUntilMs(held) <= now) this.#lose([held], 'expired')
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
    const aborted = Promise.withResolvers<never>()
    const abort = () => aborted.reject(this.#host.closedError())
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    try {
      return await Promise.race([this.#opening, aborted.promise])
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async #openAgain(): Promise<Source> {
    const { connection, clock, random } = this.#host
    const isFirst = this.#lease === null
    for (let failures = 0; ; failures++) {
      try {
        const session = await connection.ready(this.#closing.signal)
        await this.#host.prepare(session, this.#closing.signal)
        return this.#adopt(session, await this.#subscribe(session))
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
        expired: (held) => this.#lose(held, 'expired'),
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

  #take(delivery: Held['delivery']): Held {
    const held = new Held(delivery)
    this.#held.set(delivery.token.serial, held)
    this.#heldBytes += delivery.message.bytes
    return held
  }

  #forget(held: Held): void {
    if (!this.#held.delete(held.delivery.token.serial)) return
    this.#heldBytes -= held.delivery.message.bytes
  }

  #find(tokens: readonly Token[]): Held[] {
    return tokens.flatMap(({ serial }) => this.#held.get(serial) ?? [])
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

  /** A source that has said so is dead and is not disposed: that would give back what we hold. */
  #drop(source: Source): void {
    if (this.#source !== source) return
    this.#source = null
    this.#setReady(false, 'the subscription is being opened again')
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
