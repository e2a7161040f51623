import type { IncomingMessage } from '../../core/message.ts'
import type { Handler } from '../api.ts'
import { abortAll, drained } from '../drain.ts'
import type { Events } from '../events.ts'
import { type Call, callOf } from '../handlerCall.ts'
import { Held } from '../held.ts'
import { Overruns } from '../overruns.ts'
import type { Ending } from '../policy.ts'
import type { ReaderHost } from '../readerHost.ts'
import { type Read, type ReceivedMessage, read } from '../receivedMessage.ts'
import { Slots } from '../slots.ts'
import type { SubscriptionPlan } from '../subscribeOptions.ts'
import { inFlightMax, type SubscriptionFrame } from '../telemetry/frame.ts'
import { Tally } from '../telemetry/tally.ts'
import { endingOf, Unit } from '../unit.ts'
import { failureOf } from './failures.ts'

export interface RunsHost {
  readonly host: ReaderHost
  readonly plan: SubscriptionPlan
  readonly worker: string
  readonly events: Events
  readonly turnMsMax: number
  readonly stopping: AbortSignal
  /** Nothing begins any more. */
  readonly deadline: AbortSignal
  readonly closed: AbortSignal
  isReady(): boolean
}

/** The handlers of one live subscription: each message that was taken ends here, well or told. */
export class LiveRuns<T> {
  readonly slots: Slots<T>
  /** Messages that came to their end. */
  ended = 0
  /** Of these, whose handler was never called, for it was too late. */
  unbegun = 0
  readonly #with: RunsHost
  readonly #tally = new Tally()
  readonly #overruns: Overruns<T>
  readonly #call: Call<T>
  #serial = 0

  constructor(on: RunsHost, handler: Handler<T>) {
    const { host, plan } = on
    const { name, pattern } = host.plan.spec
    this.#with = on
    this.slots = new Slots(plan.concurrency)
    this.#call = callOf(handler, plan, {
      channel: { name, pattern, group: null, driver: host.connection.driver.name },
      clock: host.clock,
      stopping: on.stopping,
      runMsMax: plan.runMsMax,
      tracing: host.tracing,
    })
    this.#overruns = new Overruns({
      clock: host.clock,
      channel: name,
      runMsMax: plan.runMsMax,
      abortMs: plan.abortMs,
      units: this.slots.units,
      closed: on.closed,
      stuck: (unit) => this.#giveUp(unit),
    })
  }

  get counts(): Omit<
    SubscriptionFrame,
    'channel' | 'pattern' | 'group' | 'worker' | 'ready' | 'concurrency'
  > {
    const { received, redelivered, acked, retried, dead, late, latency } = this.#tally
    const nowMs = this.#with.host.clock.monotonicMs()
    const units = [...this.slots.units]
    return {
      ...{ received, redelivered, acked, retried, dead, late },
      errors: this.#with.events.errors,
      in_flight_count: units.length,
      in_flight: units.slice(0, inFlightMax).map(({ held: [held], startedMs }) => ({
        id: (held as Held).id,
        for_ms: Math.round(nowMs - startedMs),
      })),
      latency: latency.data,
    }
  }

  /** All of it begins, also when the worker stops meanwhile: nobody else will ever be given it. */
  async start(messages: readonly IncomingMessage[]): Promise<void> {
    const { host, deadline, closed, turnMsMax } = this.#with
    const { clock, gate } = host
    this.#tally.received += messages.length
    const pass = await gate.enter({ isAlone: false }, deadline)
    let turnMs = clock.monotonicMs()
    for (const message of messages) {
      const nowMs = clock.monotonicMs()
      if (nowMs - turnMs > turnMsMax) {
        await clock.sleep(0, closed)
        turnMs = clock.monotonicMs()
      }
      this.#begin(message, nowMs)
    }
    pass?.leave()
  }

  /** The signals of all that runs fire. */
  abort(): void {
    abortAll(this.slots, this.#with.host.plan.spec.name)
  }

  #begin(message: IncomingMessage, nowMs: number): void {
    const { host, worker } = this.#with
    const token = { reader: worker, serial: this.#serial++ }
    const nothing = { failures: 0, crashes: 0, redrives: 0, past: null }
    const ownedUntilMs = Number.POSITIVE_INFINITY
    const held = new Held({ token, message, ...nothing, ownedUntilMs }, nowMs)
    const received: ReceivedMessage<T>[] = []
    const unit = new Unit<T>([held], received, nowMs, host.gate.beside())
    this.slots.add(unit)
    this.#overruns.watch()
    this.#run(unit, held, received)
  }

  /** Most handlers end in the turn in which they begin: only the others cost a promise. */
  #run(unit: Unit<T>, held: Held, received: ReceivedMessage<T>[]): void {
    const { runMsMax, abortMs } = this.#with.plan
    unit.pass?.begin(unit.startedMs + 2 * runMsMax + abortMs)
    const failed = (error: unknown): Ending => ({ kind: 'failed', error })
    let ending: Ending | Promise<Ending>
    try {
      ending = this.#handle(unit, held, received)
    } catch (error) {
      ending = failed(error)
    }
    if (ending instanceof Promise) void ending.catch(failed).then((one) => this.#ended(unit, one))
    else this.#ended(unit, ending)
  }

  #ended(unit: Unit<T>, ending: Ending): void {
    unit.pass?.end()
    if (unit.isEnded) {
      // Given up as stuck and told already; the slot is back.
      this.slots.regain()
      const why = 'a stuck handler has ended'
      this.#with.events.emit('ready', { isReady: this.#with.isReady(), why })
      return
    }
    unit.end()
    this.#conclude(unit, unit.overrun ? { kind: 'failed', error: unit.overrun } : ending)
  }

  #handle(unit: Unit<T>, held: Held, received: ReceivedMessage<T>[]): Ending | Promise<Ending> {
    const { codec, schema, spec } = this.#with.host.plan
    if (this.#with.deadline.aborted) {
      this.unbegun++
      throw drained(spec.name)
    }
    const call = (said: Read<T>): Ending | Promise<Ending> => {
      if (held.abortReason) throw held.abortReason // before its handler was called
      if ('fault' in said) return { kind: 'invalid', reason: said.fault }
      received.push(said)
      const result = this.#call(unit)
      return result instanceof Promise ? result.then(([one]) => endingOf(one)) : endingOf(result[0])
    }
    const one = read<T>(held, codec, schema)
    return one instanceof Promise ? one.then(call) : call(one)
  }

  #conclude(unit: Unit<T>, ending: Ending): void {
    const { host, events } = this.#with
    const { id } = unit.held[0] as Held
    const error = failureOf(ending, id, host.plan.spec.name)
    this.slots.remove(unit)
    unit.pass?.leave()
    this.ended++
    if (error) {
      events.emit('error', { id, error })
      return
    }
    this.#tally.settled('ack', 'settled', host.clock.monotonicMs() - unit.startedMs)
    if (events.has('settled')) events.emit('settled', { id, kind: 'ack', outcome: 'settled' })
  }

  /** The slot is lost until the handler ends after all. */
  #giveUp(unit: Unit<T>): void {
    const { host, events } = this.#with
    this.slots.lose()
    const slotsLeft = this.slots.left
    const runMs = Math.round(host.clock.monotonicMs() - unit.startedMs)
    const { id } = unit.held[0] as Held
    events.emit('stuck', { id, runMs, slotsLeft })
    if (slotsLeft === 0) {
      events.emit('ready', { isReady: false, why: 'every slot is lost to a stuck handler' })
    }
    this.#conclude(unit, { kind: 'failed', error: unit.overrun })
  }
}
