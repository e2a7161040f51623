import type { WorkerRef } from '../core/channel.ts'
import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import type { BatchHandler, Drained, Handler, Subscription, SubscriptionEvents } from './api.ts'
import { whole } from './checks.ts'
import { Claims } from './claims.ts'
import { Conclusions } from './conclusions.ts'
import { withDeadline } from './deadline.ts'
import { Events } from './events.ts'
import { type Call, callOf } from './handlerCall.ts'
import type { Held } from './held.ts'
import { Overruns } from './overruns.ts'
import { type Ending, hasCrashedOut, type PolicyHost } from './policy.ts'
import { Reader } from './reader.ts'
import type { ReaderHost } from './readerHost.ts'
import { type ReceivedMessage, read } from './receivedMessage.ts'
import type { SubscriptionPlan } from './subscribeOptions.ts'
import { isThenable } from './thenable.ts'
import { abortedError } from './thrown.ts'
import { Unit } from './unit.ts'
import { untilAborted } from './untilAborted.ts'

const drainMsDefault = 10_000
const drainAbortMsMax = 1_000
const busyReleaseMsMax = 1_000
const troubleReleaseMs = 1_000

/** The worker loop: never takes more than it has free slots, answers every message once. */
export class Worker<T> implements Subscription {
  readonly worker: WorkerRef
  readonly #host: ReaderHost
  readonly #plan: SubscriptionPlan
  readonly #events = new Events()
  readonly #reader: Reader
  readonly #claims: Claims | null
  readonly #conclusions: Conclusions
  readonly #overruns: Overruns<T>
  readonly #call: Call<T>
  readonly #stopping = new AbortController()
  readonly #closed = new AbortController()
  readonly #deadline = new AbortController()
  readonly #units = new Set<Unit<T>>()
  readonly #loop: Promise<void>
  #slotsLost = 0
  #changed: PromiseWithResolvers<void> = Promise.withResolvers()
  #draining: Promise<Drained> | null = null

  constructor(
    host: ReaderHost,
    plan: SubscriptionPlan,
    worker: WorkerRef,
    handler: Handler<T> | BatchHandler<T>,
  ) {
    this.#host = host
    this.#plan = plan
    this.worker = worker
    this.#call = callOf(handler, plan)
    const policy: PolicyHost = {
      plan: host.plan,
      attempts: host.plan.attempts,
      group: plan.group,
      worker: worker.id,
      wallMs: () => host.clock.wallMs(),
      random: host.random,
    }
    const { group, from, hold } = plan
    this.#reader = new Reader(host, { worker, group, from, hold, charge: 'taken' }, this.#events)
    const failed = (error: NarrowcastError) => this.#tell(error)
    this.#claims =
      host.plan.consumeWindowMs === null
        ? null
        : new Claims(host, group, this.#closed.signal, failed)
    this.#conclusions = new Conclusions(policy, this.#reader, this.#claims, this.#events)
    this.#overruns = new Overruns({
      clock: host.clock,
      channel: host.plan.spec.name,
      runMsMax: plan.runMsMax,
      abortMs: plan.abortMs,
      units: this.#units,
      closed: this.#closed.signal,
      stuck: (unit) => void this.#giveUp(unit),
    })
    this.#loop = this.#run()
  }

  get isReady(): boolean {
    return this.#reader.isReady && this.#slotsLost < this.#plan.concurrency
  }

  ready(signal?: AbortSignal): Promise<void> {
    return untilAborted(this.#reader.ready, signal, () =>
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
    void this.#host.clock.sleep(timeoutMs, this.#closed.signal).then(() => {
      this.#deadline.abort(null)
      this.#wake()
    })
    this.#draining ??= this.#drain()
    return this.#draining
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain()
  }

  // ── receiving ────────────────────────────────────────────────────────────────────────────────

  get #free(): number {
    return this.#plan.concurrency - this.#units.size - this.#slotsLost
  }

  async #run(): Promise<void> {
    const stop = this.#stopping.signal
    try {
      while (!stop.aborted) {
        while (!this.#hasRoom && !stop.aborted) await this.#changed.promise
        await new Promise(setImmediate) // slots freed in this turn are filled together
        if (stop.aborted) break
        if (this.#plan.batch) await this.#gather(this.#plan.batch)
        else await this.#admit(await this.#reader.receive(this.#room(this.#free), stop))
      }
    } catch (error) {
      // Only a subscription that can never be opened ends here; `ready` rejects with the same.
      this.#tell(asNarrowcastError(error))
    }
  }

  get #hasRoom(): boolean {
    return this.#free > 0 && this.#reader.heldBytes < this.#plan.hold.bytes
  }

  #room(messages: number): { messages: number; bytes: number } {
    return { messages, bytes: this.#plan.hold.bytes - this.#reader.heldBytes }
  }

  /** Collects a batch; what has a history runs apart from it, alone. */
  async #gather({ size, waitMsMax }: NonNullable<SubscriptionPlan['batch']>): Promise<void> {
    const stop = this.#stopping.signal
    const gathered = await this.#reader.receive(this.#room(size), stop)
    const suspects = gathered.filter((held) => held.isSuspect)
    const healthy = gathered.filter((held) => !held.isSuspect)
    const { clock } = this.#host
    const untilMs = clock.monotonicMs() + waitMsMax
    while (healthy.length > 0 && healthy.length < size && suspects.length === 0 && !stop.aborted) {
      const leftMs = untilMs - clock.monotonicMs()
      const room = this.#room(size - healthy.length)
      if (leftMs <= 0 || room.bytes <= 0) break
      const more = await withDeadline(clock, leftMs, stop, null, (signal) =>
        this.#reader.receive(room, signal),
      )
      for (const held of more) (held.isSuspect ? suspects : healthy).push(held)
    }
    await this.#admit(healthy)
    await this.#admit(suspects)
  }

  /** Begins work on what was received, or gives it back when we are stopping. */
  async #admit(batch: readonly Held[]): Promise<void> {
    if (batch.length === 0) return
    if (this.#stopping.signal.aborted) return this.#conclusions.release(batch, 0)
    if (!batch.some((held) => held.isSuspect)) return this.#start(batch)
    for (const held of batch) {
      await this.#idle()
      if (this.#stopping.signal.aborted) await this.#conclusions.release([held], 0)
      else await this.#start([held])
      await this.#idle()
    }
  }

  async #idle(): Promise<void> {
    while (this.#units.size > 0 && !this.#stopping.signal.aborted) await this.#changed.promise
  }

  // ── working ──────────────────────────────────────────────────────────────────────────────────

  async #start(batch: readonly Held[]): Promise<void> {
    const ours = batch.filter((held) => !held.lost)
    const mine = this.#claims ? await this.#claim(ours, this.#claims) : ours
    const reads = mine.map((held) => {
      if (hasCrashedOut(held, this.#host.plan)) return null
      return read<T>(held, this.#host.plan.codec, this.#host.plan.schema)
    })
    const isAsync = reads.some((one) => one instanceof Promise)
    // A schema that never answers must not outlive the drain: its messages are given back then.
    const known = isAsync ? await this.#untilClosed(Promise.all(reads)) : reads
    if (known === null) return
    if ((isAsync || this.#claims) && this.#stopping.signal.aborted) {
      return this.#conclusions.release(mine, 0)
    }
    const held: Held[] = []
    const received: ReceivedMessage<T>[] = []
    for (const [n, one] of (known as Awaited<(typeof reads)[number]>[]).entries()) {
      const owner = mine[n] as Held
      if (one === null) this.#endAlone(owner, { kind: 'crashed' })
      else if ('fault' in one) this.#endAlone(owner, { kind: 'invalid', reason: one.fault })
      else if (this.#plan.batch) {
        held.push(owner)
        received.push(one.received)
      } else this.#begin(new Unit([owner], [one.received], this.#host.clock.monotonicMs()))
    }
    if (held.length > 0) this.#begin(new Unit(held, received, this.#host.clock.monotonicMs()))
  }

  async #untilClosed<V>(work: Promise<V>): Promise<V | null> {
    const closed = Promise.withResolvers<null>()
    const close = () => closed.resolve(null)
    this.#closed.signal.addEventListener('abort', close)
    const first = await Promise.race([work, closed.promise])
    this.#closed.signal.removeEventListener('abort', close)
    return first
  }

  async #claim(batch: readonly Held[], claims: Claims): Promise<readonly Held[]> {
    try {
      const answers = await claims.claim(batch)
      const busyMs = Math.min(busyReleaseMsMax, this.#host.plan.spec.leaseMs)
      await Promise.all(
        batch.map((held, n) => {
          if (answers[n] === 'done') return this.#conclusions.settle(held, { kind: 'ack' })
          return answers[n] === 'busy' ? this.#conclusions.release([held], busyMs) : undefined
        }),
      )
      return batch.filter((_, n) => answers[n] === 'mine')
    } catch (error) {
      this.#tell(asNarrowcastError(error))
      await this.#conclusions.release(batch, troubleReleaseMs)
      return []
    }
  }

  #begin(unit: Unit<T>): void {
    this.#units.add(unit)
    this.#overruns.watch()
    void this.#work(unit)
  }

  /** A message without a handler takes a slot too, until it is settled. */
  #endAlone(held: Held, ending: Ending): void {
    const unit = new Unit<T>([held], [], this.#host.clock.monotonicMs())
    unit.end()
    this.#units.add(unit)
    void this.#conclude(unit, [ending])
  }

  async #work(unit: Unit<T>): Promise<void> {
    let said: Parameters<Unit<T>['endings']>[0]
    try {
      const result = this.#call(unit)
      said = { verdicts: isThenable(result) ? await result : result }
    } catch (error) {
      said = { error }
    }
    if (unit.isEnded) {
      // Given up as stuck and settled already; the slot is back.
      this.#slotsLost--
      this.#events.emit('ready', { isReady: this.isReady, why: 'a stuck handler has ended' })
      this.#wake()
      return
    }
    unit.end()
    await this.#conclude(unit, unit.endings(said))
  }

  #wake(): void {
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers()
    resolve()
  }

  // ── settling ─────────────────────────────────────────────────────────────────────────────────

  async #conclude(unit: Unit<T>, endings: readonly Ending[]): Promise<void> {
    const settle = (held: Held, n: number) => this.#conclusions.settle(held, endings[n] as Ending)
    if (unit.held.length === 1) await settle(unit.held[0] as Held, 0)
    else await Promise.all(unit.held.map(settle))
    this.#units.delete(unit)
    this.#wake()
  }

  /** The slot is lost until the handler ends after all. */
  async #giveUp(unit: Unit<T>): Promise<void> {
    this.#slotsLost++
    const slotsLeft = this.#plan.concurrency - this.#slotsLost
    const runMs = Math.round(this.#host.clock.monotonicMs() - unit.startedMs)
    for (const held of unit.held) this.#events.emit('stuck', { ...held.of, runMs, slotsLeft })
    if (slotsLeft === 0) {
      this.#events.emit('ready', { isReady: false, why: 'every slot is lost to a stuck handler' })
    }
    await this.#conclude(unit, unit.endings({ error: unit.overrun }))
  }

  #tell(error: NarrowcastError): void {
    this.#events.emit('error', { id: null, error })
  }

  // ── draining ─────────────────────────────────────────────────────────────────────────────────

  async #drain(): Promise<Drained> {
    const { settled, released } = this.#conclusions
    const deadline = this.#deadline.signal
    this.#stopping.abort()
    this.#wake()
    const isOver = new Promise((resolve) => deadline.addEventListener('abort', resolve))
    await Promise.race([this.#loop, isOver]) // it gives back what it had not begun
    await this.#conclusions.release(await this.#reader.stop(deadline), 0)
    await this.#whileBusy(deadline)
    this.#abortAll()
    const graceMs = Math.min(this.#plan.abortMs, drainAbortMsMax)
    const abandoned = await withDeadline(this.#host.clock, graceMs, null, null, async (end) => {
      end.addEventListener('abort', () => this.#wake())
      await this.#whileBusy(end)
      const left = [...this.#units].flatMap((unit) => unit.held)
      for (const held of left) this.#reader.abandon(held)
      await this.#reader.close(end)
      return left.length
    })
    this.#closed.abort()
    await this.#loop
    this.#host.ended()
    return {
      settled: this.#conclusions.settled - settled,
      released: this.#conclusions.released - released,
      abandoned,
    }
  }

  async #whileBusy(until: AbortSignal): Promise<void> {
    while (this.#units.size > 0 && !until.aborted) await this.#changed.promise
  }

  #abortAll(): void {
    const reason = new NarrowcastError(
      'CLOSED',
      `the worker on "${this.#host.plan.spec.name}" is being drained`,
    )
    for (const unit of this.#units) {
      unit.isDrained = true
      unit.abort(reason)
    }
  }
}
