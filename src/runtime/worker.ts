import type { WorkerRef } from '../core/channel.ts'
import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import type { SettleOutcome } from '../core/message.ts'
import type { BatchHandler, Drained, Handler, Subscription, SubscriptionEvents } from './api.ts'
import { Claims } from './claims.ts'
import { withDeadline } from './deadline.ts'
import { Events } from './events.ts'
import { type Call, callOf } from './handlerCall.ts'
import type { Held } from './held.ts'
import { type Ending, hasCrashedOut, type PolicyHost, settlementOf } from './policy.ts'
import { Reader } from './reader.ts'
import type { ReaderHost } from './readerHost.ts'
import { type ReceivedMessage, read } from './receivedMessage.ts'
import type { SubscriptionPlan } from './subscribeOptions.ts'
import { Unit } from './unit.ts'
import { waitReady } from './waitReady.ts'

const drainMsDefault = 10_000
const drainAbortMsMax = 1_000
const busyReleaseMsMax = 1_000
const troubleReleaseMs = 1_000

/** The worker loop: never takes more than it has free slots, answers every message once. */
export class Worker<T> implements Subscription {
  readonly worker: WorkerRef
  readonly #host: ReaderHost
  readonly #plan: SubscriptionPlan
  readonly #policy: PolicyHost
  readonly #events = new Events()
  readonly #reader: Reader
  readonly #claims: Claims | null
  readonly #call: Call<T>
  readonly #stopping = new AbortController()
  readonly #closed = new AbortController()
  readonly #units = new Set<Unit<T>>()
  readonly #loop: Promise<void>
  #slotsLost = 0
  #isWatching = false
  #changed: PromiseWithResolvers<void> = Promise.withResolvers()
  #draining: Promise<Drained> | null = null
  #counts = { settled: 0, released: 0 }

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
    this.#policy = {
      plan: host.plan,
      attempts: host.plan.attempts,
      group: plan.group,
      worker: worker.id,
      wallMs: () => host.clock.wallMs(),
      random: host.random,
    }
    const { group, from, hold } = plan
    this.#reader = new Reader(host, { worker, group, from, hold, charge: 'taken' }, this.#events)
    const failed = (error: NarrowcastError) => this.#tell(null, error)
    this.#claims =
      host.plan.consumeWindowMs === null
        ? null
        : new Claims(host, group, this.#closed.signal, failed)
    this.#loop = this.#run()
  }

  get isReady(): boolean {
    return this.#reader.isReady && this.#slotsLost < this.#plan.concurrency
  }

  ready(signal?: AbortSignal): Promise<void> {
    return waitReady(this.#reader.ready, signal)
  }

  on<E extends keyof SubscriptionEvents>(
    event: E,
    listener: (what: SubscriptionEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, listener)
  }

  drain(options: { timeoutMs?: number } = {}): Promise<Drained> {
    this.#draining ??= this.#drain(options.timeoutMs ?? drainMsDefault)
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
        while (this.#free <= 0 && !stop.aborted) await this.#changed.promise
        await new Promise(setImmediate) // slots freed in this turn are filled together
        if (stop.aborted) break
        if (this.#plan.batch) await this.#gather(this.#plan.batch)
        else await this.#admit(await this.#reader.receive(this.#room(this.#free), stop))
      }
    } catch (error) {
      // Only a subscription that can never be opened ends here; `ready` rejects with the same.
      this.#tell(null, asNarrowcastError(error))
    }
  }

  #room(messages: number): { messages: number; bytes: number } {
    return { messages, bytes: Math.max(1, this.#plan.hold.bytes - this.#reader.heldBytes) }
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
      if (leftMs <= 0) break
      const room = this.#room(size - healthy.length)
      const more = await withDeadline(
        clock,
        leftMs,
        stop,
        () => null,
        (signal) => this.#reader.receive(room, signal),
      )
      for (const held of more) (held.isSuspect ? suspects : healthy).push(held)
    }
    await this.#admit(healthy)
    await this.#admit(suspects)
  }

  /** Begins work on what was received, or gives it back when we are stopping. */
  async #admit(batch: readonly Held[]): Promise<void> {
    if (batch.length === 0) return
    if (this.#stopping.signal.aborted) return this.#release(batch, 0)
    if (!batch.some((held) => held.isSuspect)) return this.#start(batch)
    for (const held of batch) {
      await this.#idle()
      if (this.#stopping.signal.aborted) await this.#release([held], 0)
      else await this.#start([held])
      await this.#idle()
    }
  }

  async #idle(): Promise<void> {
    while (this.#units.size > 0 && !this.#stopping.signal.aborted) await this.#changed.promise
  }

  // ── working ──────────────────────────────────────────────────────────────────────────────────

  async #start(batch: readonly Held[]): Promise<void> {
    const mine = this.#claims ? await this.#claim(batch, this.#claims) : batch
    const reads = mine.map((held) => {
      if (hasCrashedOut(held, this.#host.plan)) return null
      return read<T>(held, this.#host.plan.codec, this.#host.plan.schema)
    })
    const isAsync = reads.some((one) => one instanceof Promise)
    const known = (isAsync ? await Promise.all(reads) : reads) as Awaited<(typeof reads)[number]>[]
    const held: Held[] = []
    const received: ReceivedMessage<T>[] = []
    for (const [n, one] of known.entries()) {
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

  async #claim(batch: readonly Held[], claims: Claims): Promise<readonly Held[]> {
    try {
      const answers = await claims.claim(batch)
      const busyMs = Math.min(busyReleaseMsMax, this.#host.plan.spec.leaseMs)
      await Promise.all(
        batch.map((held, n) => {
          if (answers[n] === 'done') return this.#settle(held, { kind: 'ack' })
          return answers[n] === 'busy' ? this.#release([held], busyMs) : undefined
        }),
      )
      return batch.filter((_, n) => answers[n] === 'mine')
    } catch (error) {
      this.#tell(null, asNarrowcastError(error))
      await this.#release(batch, troubleReleaseMs)
      return []
    }
  }

  #begin(unit: Unit<T>): void {
    this.#units.add(unit)
    if (!this.#isWatching) void this.#watchOverruns()
    void this.#work(unit)
  }

  /** A message without a handler takes a slot too, until it is settled. */
  #endAlone(held: Held, ending: Ending): void {
    const unit = new Unit<T>([held], [], this.#host.clock.monotonicMs())
    unit.end()
    this.#units.add(unit)
    void this.#conclude(unit, [ending]).then(() => this.#leave(unit))
  }

  async #work(unit: Unit<T>): Promise<void> {
    let said: Parameters<Unit<T>['endings']>[0]
    try {
      const result = this.#call(unit)
      said = { verdicts: result instanceof Promise ? await result : result }
    } catch (error) {
      said = { error }
    }
    if (unit.isEnded) {
      // Given up as stuck and settled already; the slot is back.
      this.#slotsLost--
      this.#wake()
      return
    }
    unit.end()
    await this.#conclude(unit, unit.endings(said))
    this.#leave(unit)
  }

  #leave(unit: Unit<T>): void {
    this.#units.delete(unit)
    this.#wake()
  }

  #wake(): void {
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers()
    resolve()
  }

  // ── settling ─────────────────────────────────────────────────────────────────────────────────

  async #conclude(unit: Unit<T>, endings: readonly Ending[]): Promise<void> {
    if (unit.held.length === 1) {
      await this.#settle(unit.held[0] as Held, endings[0] as Ending)
      return
    }
    await Promise.all(unit.held.map((held, n) => this.#settle(held, endings[n] as Ending)))
  }

  /** Never rejects: what could not be settled comes again, and is told. */
  async #settle(held: Held, ending: Ending): Promise<void> {
    try {
      if (this.#claims && ending.kind !== 'ack') await this.#claims.forget(held)
      const settlement = settlementOf(held, ending, this.#policy)
      const outcome = await this.#reader.settle(held, settlement)
      this.#claims?.drop(held)
      this.#count(ending, outcome)
      if (ending.kind === 'failed') this.#tell(held.id, failureOf(ending.error, this.#name))
      if (settlement.kind === 'dead' && outcome !== 'late') {
        this.#events.emit('dead', { ...held.of, letter: settlement.letter })
      }
    } catch (error) {
      this.#claims?.drop(held)
      this.#tell(held.id, asNarrowcastError(error))
    }
  }

  #count(ending: Ending, outcome: SettleOutcome): void {
    if (outcome === 'late') return
    if (ending.kind === 'release') this.#counts.released++
    else this.#counts.settled++
  }

  async #release(batch: readonly Held[], delayMs: number): Promise<void> {
    await Promise.all(batch.map((held) => this.#settle(held, { kind: 'release', delayMs })))
  }

  #tell(id: string | null, error: NarrowcastError): void {
    this.#events.emit('error', { id, error })
  }

  get #name(): string {
    return this.#host.plan.spec.name
  }

  // ── time limit ───────────────────────────────────────────────────────────────────────────────

  /** One sleeper for all: units stand in the order in which they began. */
  async #watchOverruns(): Promise<void> {
    const { clock } = this.#host
    this.#isWatching = true
    while (!this.#closed.signal.aborted) {
      const now = clock.monotonicMs()
      let nextMs = this.#plan.runMsMax
      for (const unit of this.#units) {
        if (unit.overrun || unit.isEnded) continue
        const leftMs = unit.startedMs + this.#plan.runMsMax - now
        if (leftMs > 0) {
          nextMs = leftMs
          break
        }
        void this.#overrun(unit)
      }
      if (this.#units.size === 0) break
      await clock.sleep(nextMs, this.#closed.signal)
    }
    this.#isWatching = false
  }

  async #overrun(unit: Unit<T>): Promise<void> {
    const { runMsMax, abortMs } = this.#plan
    const what = `the handler on "${this.#name}" ran longer than runMsMax, ${runMsMax} ms`
    unit.overrun = new NarrowcastError('TIMEOUT', what, { channel: this.#name })
    unit.abort(unit.overrun)
    const ended = new AbortController()
    unit.onEnded = () => ended.abort()
    await this.#host.clock.sleep(abortMs, AbortSignal.any([ended.signal, this.#closed.signal]))
    if (unit.isEnded || this.#closed.signal.aborted) return
    unit.overrun = new NarrowcastError(
      'STUCK',
      `${what}, and did not end within abortMs, ${abortMs} ms, after its abort`,
      { channel: this.#name },
    )
    unit.end()
    this.#slotsLost++
    const runMs = Math.round(this.#host.clock.monotonicMs() - unit.startedMs)
    await this.#conclude(unit, unit.endings({ error: unit.overrun }))
    this.#leave(unit)
    const slotsLeft = this.#plan.concurrency - this.#slotsLost
    for (const held of unit.held) this.#events.emit('stuck', { ...held.of, runMs, slotsLeft })
    if (slotsLeft === 0) {
      this.#events.emit('ready', { isReady: false, why: 'every slot is lost to a stuck handler' })
    }
  }

  // ── draining ─────────────────────────────────────────────────────────────────────────────────

  async #drain(timeoutMs: number): Promise<Drained> {
    const { clock } = this.#host
    this.#counts = { settled: 0, released: 0 }
    this.#stopping.abort()
    this.#wake()
    const never = new AbortController().signal
    await withDeadline(
      clock,
      timeoutMs,
      never,
      () => null,
      async (deadline) => {
        const isOver = Promise.withResolvers<void>()
        deadline.addEventListener('abort', () => {
          isOver.resolve()
          this.#wake()
        })
        await Promise.race([this.#loop, isOver.promise]) // it gives back what it had not begun
        await this.#release(await this.#reader.stop(deadline), 0)
        while (this.#units.size > 0 && !deadline.aborted) await this.#changed.promise
      },
    )
    const graceMs = Math.min(this.#plan.abortMs, drainAbortMsMax)
    const abandoned = await withDeadline(
      clock,
      graceMs,
      never,
      () => null,
      async (deadline) => {
        deadline.addEventListener('abort', () => this.#wake())
        this.#abortAll()
        while (this.#units.size > 0 && !deadline.aborted) await this.#changed.promise
        const left = [...this.#units].flatMap((unit) => unit.held)
        for (const held of left) this.#reader.abandon(held)
        await this.#reader.close(deadline)
        return left.length
      },
    )
    this.#closed.abort()
    await this.#loop
    this.#host.ended()
    return { ...this.#counts, abandoned }
  }

  #abortAll(): void {
    const reason = new NarrowcastError('CLOSED', `the worker on "${this.#name}" is being drained`)
    for (const unit of this.#units) {
      unit.isDrained = true
      unit.abort(reason)
    }
  }
}

function failureOf(thrown: unknown, channel: string): NarrowcastError {
  if (thrown instanceof NarrowcastError) return thrown
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  return new NarrowcastError('HANDLER_FAILED', `the handler on "${channel}" failed: ${text}`, {
    channel,
    cause: thrown,
  })
}
