import type { LostWhy, Room, Source } from '../core/driver.ts'
import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import type { Delivery, Settlement, SettleOutcome, Token } from '../core/message.ts'
import { backoffMs } from './backoff.ts'
import type { Events } from './events.ts'
import { Held, isDead } from './held.ts'
import { KeptSource, type ReaderWish, reopenBackoff } from './keptSource.ts'
import { Lease } from './lease.ts'
import type { ReaderHost } from './readerHost.ts'
import { Settler, type Told } from './settler.ts'
import { inFlightMax, type SubscriptionCounts } from './telemetry/frame.ts'
import { Tally } from './telemetry/tally.ts'
import { Watchdog } from './watchdog.ts'

/**
 * One subscription towards the broker: what its source handed over and is not settled yet, its
 * lease, its settlements. What runs on top decides when to receive and what to answer.
 */
export class Reader {
  readonly #host: ReaderHost
  readonly #events: Events
  readonly #held = new Map<number, Held>()
  /** Lost since the present `receive` was called: it may still bring them. */
  readonly #lostAhead = new Map<string, LostWhy>()
  readonly #tally = new Tally()
  readonly #source: KeptSource
  readonly #settler: Settler
  readonly #deafAfterMs: number
  #lease: Lease | null = null
  #watchdog: Watchdog | null = null
  #heldBytes = 0

  constructor(host: ReaderHost, wish: ReaderWish, events: Events) {
    this.#host = host
    this.#deafAfterMs = wish.deafAfterMs
    this.#events = events
    this.#source = new KeptSource(host, wish, events, {
      holding: () => [...this.#held.values()].map(({ delivery }) => delivery.token),
      lost: (tokens, why) =>
        tokens === 'all' ? this.#lose([...this.#held.values()], why) : this.#lost(tokens, why),
      opened: (source) => {
        this.#lease ??= this.#newLease(source)
        if (source.deliverable) this.#watchdog ??= this.#newWatchdog()
      },
    })
    this.#settler = new Settler({
      clock: host.clock,
      random: host.random,
      channel: host.plan.spec.name,
      source: (signal) => this.#source.open(signal),
      failed: (error) => this.#source.trouble(error),
      broken: (source, error) => this.#source.drop(source, error),
    })
  }

  /** Opens before anything is received. A failure is told by `ready`, and by `receive`. */
  start(): void {
    this.#source.open(this.#source.closing).catch(() => undefined)
  }

  get isReady(): boolean {
    return this.#source.isReady
  }

  /** Why it is ready, or is not. */
  get why(): string {
    return this.#source.why
  }

  /** Resolves at the first confirmed subscription; rejects when there will be none. */
  get ready(): Promise<void> {
    return this.#source.ready
  }

  get held(): ReadonlyMap<number, Held> {
    return this.#held
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /**
   * Waits for at least one delivery; an aborted wait returns what was taken, maybe nothing.
   * Outlives lost connections. @throws what `ready` rejects with.
   */
  async receive(room: Room, signal: AbortSignal): Promise<Held[]> {
    const kept = this.#source
    for (let failures = 0; !signal.aborted && !kept.closing.aborted; failures++) {
      let source: Source | null = null
      try {
        source = await kept.open(signal)
        this.#watchdog?.waits(source)
        this.#lostAhead.clear() // nothing is on its way
        const wake = AbortSignal.any([signal, kept.interrupted])
        const deliveries = await source.receive(room, wake)
        const isDropped = kept.present !== source && !kept.closing.aborted
        if (isDropped) await this.#giveBack(source, deliveries)
        else if (deliveries.length > 0 || signal.aborted) return this.#takeAll(deliveries)
        failures = -1
      } catch (cause) {
        if (signal.aborted || kept.closing.aborted) break
        const error = asNarrowcastError(cause)
        if (!source) throw error // never opened: for good
        kept.trouble(error)
        if (isDead(error)) kept.drop(source, error)
        this.#watchdog?.rests()
        await this.#host.clock.sleep(backoffMs(failures, reopenBackoff, this.#host.random), signal)
      }
    }
    this.#watchdog?.rests()
    return []
  }

  /** What it has come to so far. */
  get counts(): SubscriptionCounts {
    const { received, redelivered, acked, retried, dead, late, latency } = this.#tally
    const nowMs = this.#host.clock.monotonicMs()
    const oldest = [...this.#held.values()].slice(0, inFlightMax)
    return {
      ...{ received, redelivered, acked, retried, dead, late },
      errors: this.#events.errors,
      in_flight_count: this.#held.size,
      in_flight: oldest.map(({ id, takenMs }) => ({ id, for_ms: Math.round(nowMs - takenMs) })),
      latency: latency.data,
    }
  }

  /** Asks our own clock: what its lease has ended for is lost from here on, and told so. */
  owns(held: Held, nowMs: number): boolean {
    const lease = this.#lease
    if (!held.lost && lease && lease.ownedUntilMs(held) <= nowMs) this.#expire()
    return !held.lost
  }

  /** Answers `late` at once for what is no longer ours, without asking the broker. */
  settle(batch: readonly Held[], settlements: readonly Settlement[], told: Told): void {
    const nowMs = this.#host.clock.monotonicMs()
    for (const held of batch) this.owns(held, nowMs)
    this.#settler.settle(batch, settlements, (at, outcome) => {
      if (!(outcome instanceof NarrowcastError)) {
        this.#settled(batch[at] as Held, settlements[at] as Settlement, outcome)
      }
      told(at, outcome)
    })
  }

  #settled(held: Held, { kind }: Settlement, outcome: SettleOutcome): void {
    this.#forget(held)
    this.#tally.settled(kind, outcome, this.#host.clock.monotonicMs() - held.takenMs)
    if (this.#events.has('settled')) this.#events.emit('settled', { ...held.of, kind, outcome })
    if (outcome === 'late' && kind !== 'release') this.#tellLate(held)
  }

  /** For good: nothing renews it and nothing waits for it any more. */
  abandon(held: Held): void {
    this.#forget(held)
  }

  /** Marks work on everything up to this delivery as begun, unless it is lost by then. */
  async begin(held: Held, signal: AbortSignal = this.#source.closing): Promise<void> {
    const source = await this.#source.open(signal)
    if (held.lost) return // its signal has fired; another source knows nothing of it
    this.#lost(await source.renew(held.delivery.token, signal), 'expired')
  }

  /** Asks for nothing more; what was under way comes out here. */
  async stop(signal: AbortSignal): Promise<Held[]> {
    const source = this.#source.present
    if (!source) return []
    try {
      return this.#takeAll(await source.stop(signal))
    } catch (error) {
      this.#source.trouble(asNarrowcastError(error))
      return []
    }
  }

  /** Settles what is under way until the deadline, then closes; what is left comes again. */
  async close(deadline: AbortSignal): Promise<void> {
    await this.#settler.close(deadline)
    if (this.#source.closing.aborted) return
    await this.#source.end()
    this.#lease?.close()
    await this.#source[Symbol.asyncDispose]()
  }

  #newLease(source: Source): Lease {
    return new Lease(
      {
        clock: this.#host.clock,
        held: () => this.#held.values(),
        renew: () => this.#renew(),
        expired: () => this.#expire(),
      },
      source.leaseMs,
    )
  }

  #newWatchdog(): Watchdog {
    const { clock, random } = this.#host
    const source = this.#source
    return new Watchdog({
      clock,
      random,
      deafAfterMs: this.#deafAfterMs,
      closing: source.closing,
      deliverable: async (signal) => (await source.present?.deliverable?.(signal)) ?? null,
      fetch: () => source.interrupt(),
      rebuild: () => source.present && source.drop(source.present),
      told: (deafness) => {
        source.setDeaf(deafness && `nothing has come for ${deafness.sinceMs} ms`)
        if (deafness) this.#events.emit('deaf', deafness)
      },
    })
  }

  async #renew(): Promise<boolean> {
    const { closing } = this.#source
    try {
      const source = await this.#source.open(closing)
      this.#lost(await source.renew(null, closing), 'expired')
      return true
    } catch (error) {
      if (!closing.aborted) this.#source.trouble(asNarrowcastError(error))
      return false
    }
  }

  #takeAll(deliveries: readonly Delivery[]): Held[] {
    if (deliveries.length > 0) this.#watchdog?.hears()
    else this.#watchdog?.rests()
    const nowMs = this.#host.clock.monotonicMs()
    const taken = deliveries.map((one) => this.#take(one, nowMs))
    if (taken.length > 0) this.#lease?.watch()
    for (const held of this.#lostAhead.size > 0 ? taken : []) {
      const why = this.#lostAhead.get(keyOf(held.delivery.token))
      if (why) this.#lose([held], why)
    }
    return taken
  }

  #take(delivery: Delivery, nowMs: number): Held {
    const held = new Held(delivery, nowMs)
    this.#tally.received++
    if (held.isSuspect || delivery.failures > 0) this.#tally.redelivered++
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

  /** Also what was handed over, and is still on its way here. */
  #lost(tokens: readonly Token[], why: LostWhy): void {
    for (const token of tokens) this.#lostAhead.set(keyOf(token), why)
    this.#lose(this.#find(tokens), why)
  }

  #lose(lost: readonly Held[], why: LostWhy): void {
    if (lost.length === 0) return
    for (const held of lost) {
      this.#forget(held)
      held.lose(why, this.#host.plan.spec.name)
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
   * knows who has it now: we go on under another name.
   */
  #expire(): void {
    this.#lose([...this.#held.values()], 'expired')
    this.#source.rename()
  }

  /** Handed over to a source that was dropped meanwhile. What fails comes again by the lease. */
  async #giveBack(source: Source, deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return
    const batch = deliveries.map(({ token }) => ({ token, kind: 'release', delayMs: 0 }) as const)
    try {
      await source.settle(batch, this.#source.closing)
    } catch (error) {
      this.#source.trouble(asNarrowcastError(error))
    }
  }
}

const keyOf = ({ reader, serial }: Token) => `${reader}#${serial}`
