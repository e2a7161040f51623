import type { WorkerRef } from '../../core/channel.ts'
import type { LiveEvents, LiveSource, Session } from '../../core/driver.ts'
import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import type { Drained, Handler, Subscription, SubscriptionEvents } from '../api.ts'
import { whole } from '../checks.ts'
import { withDeadline } from '../deadline.ts'
import { drainMsDefault, graceMsMax } from '../drain.ts'
import { Events } from '../events.ts'
import type { ReaderHost } from '../readerHost.ts'
import type { SubscriptionPlan } from '../subscribeOptions.ts'
import type { SubscriptionState } from '../subscriptionState.ts'
import { abortedError } from '../thrown.ts'
import { untilAborted } from '../untilAborted.ts'
import { KeptLive } from './keptLive.ts'
import { LiveRuns } from './liveRuns.ts'

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
  readonly #kept: KeptLive<LiveSource>
  readonly #runs: LiveRuns<T>
  readonly #stopping = new AbortController()
  readonly #deadline = new AbortController()
  readonly #closed = new AbortController()
  readonly #loop: Promise<void>
  #draining: Promise<Drained> | null = null

  constructor(host: ReaderHost, plan: SubscriptionPlan, worker: WorkerRef, handler: Handler<T>) {
    this.#host = host
    this.#plan = plan
    this.worker = worker
    const on = { host, plan, worker: worker.id, events: this.#events, turnMsMax }
    const stopping = this.#stopping.signal
    const deadline = this.#deadline.signal
    const closed = this.#closed.signal
    const isReady = () => this.isReady
    this.#runs = new LiveRuns<T>({ ...on, stopping, deadline, closed, isReady }, handler)
    this.#kept = new KeptLive<LiveSource>(host, this.#events, {
      open: (session, signal) => this.#subscribe(session, signal),
      opened: ({ resumed }, isFirst) => {
        if (!isFirst && !resumed) this.#tellAway()
      },
      says: {
        opening: 'the subscription is being opened',
        open: 'the broker has confirmed the subscription',
      },
    })
    this.#loop = this.#run()
  }

  get isReady(): boolean {
    return this.#kept.isReady && this.#runs.slots.left > 0
  }

  get state(): SubscriptionState {
    return {
      group: null,
      concurrency: this.#plan.concurrency,
      slotsLeft: this.#runs.slots.left,
      why: this.#kept.why,
      counts: () => this.#runs.counts,
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
      await this.#read(stop)
      await this.#readOut()
    } catch (error) {
      // Only a subscription that can never be opened ends here; `ready` rejects with the same.
      this.#events.emit('error', { id: null, error: asNarrowcastError(error) })
    }
  }

  async #read(stop: AbortSignal): Promise<void> {
    try {
      while (await this.#hasRoom(stop)) {
        await this.#readSome(await this.#kept.open(stop), stop)
      }
    } catch (error) {
      if (!stop.aborted) throw error
    }
  }

  /** Waits for a free slot. @returns false when the signal has fired. */
  async #hasRoom(until: AbortSignal): Promise<boolean> {
    const { slots } = this.#runs
    while (slots.free <= 0 && !until.aborted) await slots.changed
    await new Promise(setImmediate) // slots freed in this turn are filled together
    return !until.aborted
  }

  async #readSome(source: LiveSource, signal: AbortSignal): Promise<number> {
    const room = { messages: this.#runs.slots.free, bytes: this.#plan.hold.bytes }
    const messages = await this.#kept.receive(source, room, signal)
    if (messages.length > 0) await this.#runs.start(messages)
    return messages.length
  }

  /** Nobody sends to it any more; what waits unread begins until the deadline, and then is told. */
  async #readOut(): Promise<void> {
    const source = this.#kept.present
    const deadline = this.#deadline.signal
    const closed = this.#closed.signal
    if (!source || !(await this.#kept.stop(source, closed))) {
      if (this.#kept.wasOpen && !closed.aborted) this.#tellAway()
      return
    }
    while (await this.#hasRoom(deadline)) {
      if ((await this.#readSome(source, deadline)) === 0) break
    }
    const { hold } = this.#plan
    for (;;) {
      const late = await this.#kept.receive(source, hold, closed)
      if (late.length === 0) return
      await this.#runs.start(late)
    }
  }

  /** What was sent while it was away went to nobody, or to others alone. */
  #tellAway(): void {
    this.#events.emit('gap', { missed: 'unknown', why: 'reconnect' })
  }

  /** Nobody waits for ever for a broker that does not answer, or for more than can be told. */
  async #readOutEnds(): Promise<void> {
    const { clock, plan } = this.#host
    const { name } = plan.spec
    const isOver = await withDeadline(clock, graceMsMax, null, null, (end) =>
      untilAborted(this.#loop, end).then(
        () => true,
        () => false,
      ),
    )
    if (isOver) return
    const text = `the drain of "${name}" is over, and what waits unread is lost, uncounted`
    const error = new NarrowcastError('TIMEOUT', text, { channel: name })
    this.#events.emit('error', { id: null, error })
  }

  // ── draining ─────────────────────────────────────────────────────────────────────────────────

  async #drain(): Promise<Drained> {
    const { slots } = this.#runs
    const deadline = this.#deadline.signal
    const { ended } = this.#runs
    const wake = () => slots.wake()
    deadline.addEventListener('abort', wake)
    this.#stopping.abort()
    wake()
    const isOver = new Promise((resolve) => deadline.addEventListener('abort', resolve))
    await Promise.race([this.#loop, isOver])
    await slots.whileBusy(deadline)
    this.#runs.abort()
    const graceMs = Math.min(this.#plan.abortMs, graceMsMax)
    const handlersEnd = (end: AbortSignal) => slots.whileBusy(end)
    await Promise.all([
      withDeadline(this.#host.clock, graceMs, null, null, handlersEnd),
      this.#readOutEnds(),
    ])
    const { unbegun } = this.#runs
    const abandoned = slots.units.size + unbegun
    for (const unit of slots.units) unit.pass?.leave()
    this.#closed.abort()
    await this.#kept.close()
    await this.#loop
    this.#host.ended()
    const drained = { settled: this.#runs.ended - ended - unbegun, released: 0, abandoned }
    this.#events.emit('drained', drained)
    return drained
  }
}
