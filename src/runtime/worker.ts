import type { WorkerRef } from '../core/channel.ts'
import type { Room } from '../core/driver.ts'
import { asNarrowcastError, type NarrowcastError } from '../core/errors.ts'
import type { BatchHandler, Drained, Handler, Subscription, SubscriptionEvents } from './api.ts'
import { whole } from './checks.ts'
import { Claims } from './claims.ts'
import { Conclusions } from './conclusions.ts'
import { withDeadline } from './deadline.ts'
import { drain, drainMsDefault } from './drain.ts'
import { Events } from './events.ts'
import { gather } from './gather.ts'
import { type Call, callOf } from './handlerCall.ts'
import type { Held } from './held.ts'
import { Overruns } from './overruns.ts'
import type { Ending, PolicyHost } from './policy.ts'
import { Reader } from './reader.ts'
import type { ReaderHost } from './readerHost.ts'
import { Slots } from './slots.ts'
import { Starter } from './starter.ts'
import type { SubscriptionPlan } from './subscribeOptions.ts'
import type { SubscriptionState } from './subscriptionState.ts'
import { isThenable } from './thenable.ts'
import { abortedError } from './thrown.ts'
import type { Unit } from './unit.ts'
import { untilAborted } from './untilAborted.ts'

const isolateMsMax = 5_000

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
  readonly #slots: Slots<T>
  readonly #starter: Starter<T>
  readonly #loop: Promise<void>
  /** Asked for before the handlers of the batch before it began. */
  #ahead: Promise<Held[]> | null = null
  /** The last message ran isolated: those behind it may have to, too. */
  #isCautious = false
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
    const { name, pattern } = host.plan.spec
    this.#call = callOf(handler, plan, {
      channel: { name, pattern, group: plan.group, driver: host.connection.driver.name },
      clock: host.clock,
      stopping: this.#stopping.signal,
      runMsMax: plan.runMsMax,
      tracing: host.tracing,
    })
    this.#slots = new Slots(plan.concurrency)
    const policy: PolicyHost = {
      plan: host.plan,
      attempts: host.plan.attempts,
      group: plan.group,
      worker: worker.id,
      wallMs: () => host.clock.wallMs(),
      random: host.random,
    }
    const { group, from, hold, deafAfterMs } = plan
    const wish = { worker, group, from, hold, deafAfterMs, charge: 'marked' } as const
    this.#reader = new Reader(host, wish, this.#events)
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
      units: this.#slots.units,
      closed: this.#closed.signal,
      stuck: (unit) => void this.#giveUp(unit),
    })
    this.#starter = new Starter<T>({
      host,
      plan,
      reader: this.#reader,
      claims: this.#claims,
      conclusions: this.#conclusions,
      stopping: this.#stopping.signal,
      closed: this.#closed.signal,
      run: (unit) => this.#begin(unit),
      end: (unit, ending) => this.#endAlone(unit, ending),
      failed,
    })
    this.#loop = this.#run()
  }

  get isReady(): boolean {
    return this.#reader.isReady && this.#slots.left > 0
  }

  get state(): SubscriptionState {
    return {
      group: this.#plan.group,
      concurrency: this.#plan.concurrency,
      slotsLeft: this.#slots.left,
      why: this.#reader.why,
      counts: () => this.#reader.counts,
    }
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

  async #run(): Promise<void> {
    const stop = this.#stopping.signal
    try {
      while (this.#ahead || !stop.aborted) {
        while (!this.#hasRoom && !stop.aborted) await this.#slots.changed
        if (!this.#ahead) await new Promise(setImmediate) // slots freed in this turn are filled together
        if (!this.#ahead && stop.aborted) break
        const taken = await (this.#ahead ?? this.#receive())
        this.#ahead = null
        await this.#admit(taken)
      }
    } catch (error) {
      // Only a subscription that can never be opened ends here; `ready` rejects with the same.
      this.#tell(asNarrowcastError(error))
    }
  }

  #receive(): Promise<Held[]> {
    const batch =
      this.#isCautious && this.#plan.batch ? { ...this.#plan.batch, size: 1 } : this.#plan.batch
    const stop = this.#stopping.signal
    const receive = (room: Room, signal: AbortSignal) => this.#reader.receive(room, signal)
    const free = this.#isCautious ? 1 : this.#slots.free
    if (!batch) return receive({ ...this.#room(free), begins: this.#mayBegin }, stop)
    const { clock } = this.#host
    const { hush } = this.#host.gate
    return gather({ clock, batch, receive, hush, room: (messages) => this.#room(messages) }, stop)
  }

  /** Nothing would keep a healthy message from its handler. */
  get #mayBegin(): boolean {
    return !this.#claims && this.#host.gate.isOpen
  }

  /** What was asked for ahead may take all the room itself. */
  get #hasRoom(): boolean {
    const isFull = !this.#ahead && this.#reader.heldBytes >= this.#plan.hold.bytes
    return this.#slots.free > 0 && !isFull
  }

  #room(messages: number): Room {
    return { messages, bytes: this.#plan.hold.bytes - this.#reader.heldBytes }
  }

  /**
   * In the order in which they came: a mark covers all that came before. The healthy start
   * together, each suspect alone, and nothing more is taken until it has ended.
   */
  async #admit(batch: Held[]): Promise<void> {
    const stop = this.#stopping.signal
    for (let from = 0; from < batch.length; ) {
      const suspectAt = batch.findIndex((held, n) => n >= from && held.isSuspect)
      const isSuspect = suspectAt === from
      const to = isSuspect ? from + 1 : suspectAt < 0 ? batch.length : suspectAt
      const admitted = await this.#starter.admit(batch.slice(from, to))
      this.#isCautious = admitted?.isIsolated ?? false
      if (this.#isCautious) await this.#isolate(batch.splice(to))
      if (suspectAt < 0 && this.#mayAskAhead(batch)) {
        this.#ahead = this.#receive()
        // A client writes what it was asked for at the end of a turn: handlers may block the next.
        for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate)
      }
      if (admitted) await this.#starter.start(admitted)
      if (isSuspect) await this.#slots.whileBusy(stop)
      from = to
    }
  }

  /** These count as begun, as others do: they would be charged with what the suspect before them does. */
  async #isolate(behind: readonly Held[]): Promise<void> {
    const { clock, gate } = this.#host
    const alone = async () => {
      await this.#conclusions.release(behind, 0)
      await gate.hushed()
    }
    // A broker that takes nothing back now keeps no suspect waiting for ever.
    await withDeadline(clock, isolateMsMax, this.#stopping.signal, null, (over) =>
      untilAborted(alone(), over).catch(() => {}),
    )
  }

  /** There is more, and a slot for it: the broker looks for it while these handlers work. */
  #mayAskAhead({ length }: readonly Held[]): boolean {
    if (length !== this.#plan.batch?.size || this.#stopping.signal.aborted) return false
    return this.#slots.free > 1 && this.#hasRoom
  }

  // ── working ──────────────────────────────────────────────────────────────────────────────────

  #begin(unit: Unit<T>): void {
    this.#slots.add(unit)
    this.#overruns.watch()
    void this.#work(unit)
  }

  /** A message without a handler takes a slot too, until it is settled. */
  #endAlone(unit: Unit<T>, ending: Ending): void {
    unit.end()
    this.#slots.add(unit)
    void this.#conclude(unit, [ending])
  }

  async #work(unit: Unit<T>): Promise<void> {
    let said: Parameters<Unit<T>['endings']>[0]
    const { runMsMax, abortMs } = this.#plan
    // Past its abort it is given up, and then company for as long as it was allowed to run.
    unit.pass?.begin(unit.startedMs + 2 * runMsMax + abortMs)
    try {
      const result = this.#call(unit)
      said = { verdicts: isThenable(result) ? await result : result }
    } catch (error) {
      said = { error }
    }
    unit.pass?.end()
    if (unit.isEnded) {
      // Given up as stuck and settled already; the slot is back.
      this.#slots.regain()
      this.#events.emit('ready', { isReady: this.isReady, why: 'a stuck handler has ended' })
      return
    }
    unit.end()
    await this.#conclude(unit, unit.endings(said))
  }

  // ── settling ─────────────────────────────────────────────────────────────────────────────────

  async #conclude(unit: Unit<T>, endings: readonly Ending[]): Promise<void> {
    const settled = this.#conclusions.settle(unit.held, endings)
    this.#slots.settles(unit)
    await settled
    this.#slots.remove(unit)
    unit.pass?.leave()
  }

  /** The slot is lost until the handler ends after all. */
  async #giveUp(unit: Unit<T>): Promise<void> {
    this.#slots.lose()
    const slotsLeft = this.#slots.left
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
    this.#stopping.abort()
    this.#slots.wake()
    const drained = await drain<T>({
      host: this.#host,
      reader: this.#reader,
      conclusions: this.#conclusions,
      slots: this.#slots,
      loop: this.#loop,
      deadline: this.#deadline.signal,
      abortMs: this.#plan.abortMs,
    })
    this.#closed.abort()
    await this.#loop
    this.#host.ended()
    this.#events.emit('drained', drained)
    return drained
  }
}
