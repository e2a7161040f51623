import type { WorkerRef } from '../../core/channel.ts'
import type { LiveEvents, LiveSource, Session } from '../../core/driver.ts'
import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import type { IncomingMessage } from '../../core/message.ts'
import type { Drained, Handler, Subscription, SubscriptionEvents } from '../api.ts'
import { whole } from '../checks.ts'
import { withDeadline } from '../deadline.ts'
import { abortAll, drained, drainMsDefault, graceMsMax } from '../drain.ts'
import { Events } from '../events.ts'
import { type Call, callOf } from '../handlerCall.ts'
import type { SubscriptionHealth } from '../health.ts'
import { Held } from '../held.ts'
import { Overruns } from '../overruns.ts'
import type { Ending } from '../policy.ts'
import type { ReaderHost } from '../readerHost.ts'
import { type ReceivedMessage, read } from '../receivedMessage.ts'
import { Slots } from '../slots.ts'
import type { SubscriptionPlan } from '../subscribeOptions.ts'
import { inFlightMax, type SubscriptionFrame } from '../telemetry/frame.ts'
import { Tally } from '../telemetry/tally.ts'
import { isThenable } from '../thenable.ts'
import { abortedError } from '../thrown.ts'
import { endingOf, Unit } from '../unit.ts'
import { untilAborted } from '../untilAborted.ts'
import { failureOf } from './failures.ts'
import { KeptLive } from './keptLive.ts'

/**
 * How long a live subscriber counts as there without a sign of life; it gives one every second.
 * A constant, for it says how soon a narrowcast goes to another worker, not how long work takes.
 */
export const subscriberLeaseMs = 3_000
/** While handlers that work synchronously start, renewals get through so often. */
const turnMsMax = subscriberLeaseMs / 12

/**
 * A subscription of a live pattern. What it takes is done for the broker, so it takes only what a
 * free slot waits for, and begins all that it took; the rest waits unread, within its bound.
 */
export class LiveWorker<T> implements Subscription {
  readonly worker: WorkerRef
  readonly #host: ReaderHost
  readonly #plan: SubscriptionPlan
  readonly #events = new Events()
  readonly #tally = new Tally()
  readonly #kept: KeptLive<LiveSource>
  readonly #overruns: Overruns<T>
  readonly #call: Call<T>
  readonly #stopping = new AbortController()
  readonly #deadline = new AbortController()
  readonly #closed = new AbortController()
  readonly #slots: Slots<T>
  readonly #loop: Promise<void>
  #serial = 0
  #ended = 0
  #draining: Promise<Drained> | null = null

  constructor(host: ReaderHost, plan: SubscriptionPlan, worker: WorkerRef, handler: Handler<T>) {
    this.#host = host
    this.#plan = plan
    this.worker = worker
    const { name, pattern } = host.plan.spec
    this.#call = callOf(handler, plan, {
      channel: { name, pattern, group: null, driver: host.connection.driver.name },
      clock: host.clock,
      stopping: this.#stopping.signal,
      runMsMax: plan.runMsMax,
      tracing: host.tracing,
    })
    this.#slots = new Slots(plan.concurrency)
    this.#overruns = new Overruns({
      clock: host.clock,
      channel: name,
      runMsMax: plan.runMsMax,
      abortMs: plan.abortMs,
      units: this.#slots.units,
      closed: this.#closed.signal,
      stuck: (unit) => this.#giveUp(unit),
    })
    this.#kept = new KeptLive<LiveSource>(host, this.#events, {
      open: (session, signal) => this.#subscribe(session, signal),
      opened: ({ resumed }, isFirst) => {
        if (isFirst || resumed) return
        this.#events.emit('gap', { missed: 'unknown', why: 'reconnect' })
      },
      says: {
        opening: 'the subscription is being opened',
        open: 'the broker has confirmed the subscription',
      },
    })
    this.#loop = this.#run()
  }

  get isReady(): boolean {
    return this.#kept.isReady && this.#slots.left > 0
  }

  get health(): SubscriptionHealth {
    const { name, pattern } = this.#host.plan.spec
    const isAlive = this.#slots.left > 0
    return {
      channel: name,
      pattern,
      group: null,
      worker: this.worker.id,
      isReady: this.isReady,
      isAlive,
      why: isAlive ? this.#kept.why : 'every slot is lost to a stuck handler',
    }
  }

  get frame(): SubscriptionFrame {
    const { channel, pattern, group, worker, isReady: ready } = this.health
    const { received, redelivered, acked, retried, dead, late, latency } = this.#tally
    const nowMs = this.#host.clock.monotonicMs()
    const units = [...this.#slots.units]
    return {
      ...{ channel, pattern, group, worker, ready, concurrency: this.#plan.concurrency },
      ...{ received, redelivered, acked, retried, dead, late },
      errors: this.#events.errors,
      in_flight_count: units.length,
      in_flight: units.slice(0, inFlightMax).map(({ held: [held], startedMs }) => ({
        id: (held as Held).id,
        for_ms: Math.round(nowMs - startedMs),
      })),
      latency: latency.data,
    }
  }

  ready(signal?: AbortSignal): Promise<void> {
    return untilAborted(this.#kept.ready, signal, () =>
      abortedError('ready', signal as AbortSignal),
    )
  }

  on<E extends keyof SubscriptionEvents>(
    event: E,
    listener: (what: SubscriptionEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, listener)
  }

  /** The earliest deadline holds when it is called more than once. */
  drain(options: { timeoutMs?: number } = {}): Promise<Drained> {
    const timeoutMs = whole('timeoutMs', options.timeoutMs, drainMsDefault, 0)
    void this.#host.clock
      .sleep(timeoutMs, this.#closed.signal)
      .then(() => this.#deadline.abort(null))
    this.#draining ??= this.#drain()
    return this.#draining
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain()
  }

  // ── receiving ────────────────────────────────────────────────────────────────────────────────

  #subscribe({ live }: Session, signal: AbortSignal): Promise<LiveSource> {
    const { spec } = this.#host.plan
    const { driver } = this.#host.connection
    if (!live) {
      const text = `${driver.name} claims ${spec.pattern} and has no live subscriptions`
      throw new NarrowcastError('INTERNAL', text)
    }
    const { worker } = this
    const { hold } = this.#plan
    const on: LiveEvents = { gap: (missed, why) => this.#events.emit('gap', { missed, why }) }
    return live.subscribe(spec, { worker, leaseMs: subscriberLeaseMs, hold }, on, signal)
  }

  async #run(): Promise<void> {
    const stop = this.#stopping.signal
    try {
      while (!stop.aborted) {
        while (this.#slots.free <= 0 && !stop.aborted) await this.#slots.changed
        await new Promise(setImmediate) // slots freed in this turn are filled together
        if (stop.aborted) break
        const source = await this.#kept.open(stop)
        const room = { messages: this.#slots.free, bytes: this.#plan.hold.bytes }
        const messages = await this.#kept.receive(source, room, stop)
        if (messages.length > 0) await this.#start(messages)
      }
    } catch (error) {
      // Only a subscription that can never be opened ends here; `ready` rejects with the same.
      if (!stop.aborted) this.#tell(null, asNarrowcastError(error))
    }
  }

  /** All of it begins, also when the worker stops meanwhile: nobody else will ever be given it. */
  async #start(messages: readonly IncomingMessage[]): Promise<void> {
    const { clock, gate } = this.#host
    this.#tally.received += messages.length
    const pass = await gate.enter(false, this.#deadline.signal)
    let turnMs = clock.monotonicMs()
    for (const message of messages) {
      const nowMs = clock.monotonicMs()
      if (nowMs - turnMs > turnMsMax) {
        await clock.sleep(0, this.#closed.signal)
        turnMs = clock.monotonicMs()
      }
      this.#begin(message, nowMs)
    }
    pass?.leave()
  }

  // ── working ──────────────────────────────────────────────────────────────────────────────────

  #begin(message: IncomingMessage, nowMs: number): void {
    const token = { reader: this.worker.id, serial: this.#serial++ }
    const nothing = { failures: 0, crashes: 0, redrives: 0, past: null }
    const ownedUntilMs = Number.POSITIVE_INFINITY
    const held = new Held({ token, message, ...nothing, ownedUntilMs }, nowMs)
    const received: ReceivedMessage<T>[] = []
    const unit = new Unit<T>([held], received, nowMs, this.#host.gate.beside())
    this.#slots.add(unit)
    this.#overruns.watch()
    void this.#work(unit, held, received)
  }

  async #work(unit: Unit<T>, held: Held, received: ReceivedMessage<T>[]): Promise<void> {
    const { runMsMax, abortMs } = this.#plan
    unit.pass?.begin(unit.startedMs + 2 * runMsMax + abortMs)
    let ending: Ending
    try {
      if (this.#deadline.signal.aborted) throw drained(this.#host.plan.spec.name)
      const { codec, schema } = this.#host.plan
      const one = read<T>(held, codec, schema)
      const said = one instanceof Promise ? await one : one
      if (held.abortReason) throw held.abortReason // before its handler was called
      if ('fault' in said) ending = { kind: 'invalid', reason: said.fault }
      else {
        received.push(said.received)
        const result = this.#call(unit)
        const [verdict] = isThenable(result) ? await result : result
        ending = endingOf(verdict)
      }
    } catch (error) {
      ending = { kind: 'failed', error }
    }
    unit.pass?.end()
    if (unit.isEnded) {
      // Given up as stuck and told already; the slot is back.
      this.#slots.regain()
      this.#events.emit('ready', { isReady: this.isReady, why: 'a stuck handler has ended' })
      return
    }
    unit.end()
    this.#conclude(unit, unit.overrun ? { kind: 'failed', error: unit.overrun } : ending)
  }

  #conclude(unit: Unit<T>, ending: Ending): void {
    const { id } = unit.held[0] as Held
    const error = failureOf(ending, id, this.#host.plan.spec.name)
    this.#slots.remove(unit)
    unit.pass?.leave()
    this.#ended++
    if (error) {
      this.#tell(id, error)
      return
    }
    this.#tally.settled('ack', 'settled', this.#host.clock.monotonicMs() - unit.startedMs)
    this.#events.emit('settled', { id, kind: 'ack', outcome: 'settled' })
  }

  /** The slot is lost until the handler ends after all. */
  #giveUp(unit: Unit<T>): void {
    this.#slots.lose()
    const slotsLeft = this.#slots.left
    const runMs = Math.round(this.#host.clock.monotonicMs() - unit.startedMs)
    const { id } = unit.held[0] as Held
    this.#events.emit('stuck', { id, runMs, slotsLeft })
    if (slotsLeft === 0) {
      this.#events.emit('ready', { isReady: false, why: 'every slot is lost to a stuck handler' })
    }
    this.#conclude(unit, { kind: 'failed', error: unit.overrun })
  }

  #tell(id: string | null, error: NarrowcastError): void {
    this.#events.emit('error', { id, error })
  }

  // ── draining ─────────────────────────────────────────────────────────────────────────────────

  /** Leaves first, so that nobody sends to it any more; then lets handlers end. */
  async #drain(): Promise<Drained> {
    const ended = this.#ended
    const deadline = this.#deadline.signal
    this.#stopping.abort()
    this.#slots.wake()
    const left = this.#kept.close()
    const isOver = new Promise((resolve) => deadline.addEventListener('abort', resolve))
    await Promise.race([this.#loop, isOver])
    await this.#slots.whileBusy(deadline)
    abortAll(this.#slots, this.#host.plan.spec.name)
    const graceMs = Math.min(this.#plan.abortMs, graceMsMax)
    await withDeadline(this.#host.clock, graceMs, null, null, (end) => this.#slots.whileBusy(end))
    const abandoned = this.#slots.units.size
    for (const unit of this.#slots.units) unit.pass?.leave()
    this.#closed.abort()
    await left
    await this.#loop
    this.#host.ended()
    return { settled: this.#ended - ended, released: 0, abandoned }
  }
}
