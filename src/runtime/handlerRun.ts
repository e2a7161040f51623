import type { Clock } from '../core/clock.ts'
import { NarrowcastError } from '../core/errors.ts'
import { isLive, type Pattern } from '../core/message.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Received } from './api.ts'
import { withDeadline } from './deadline.ts'
import type { Held } from './held.ts'
import type { Tracing } from './tracing.ts'
import type { Unit } from './unit.ts'

/** Where a message goes, or comes from. */
export interface ChannelFacts {
  readonly name: string
  readonly pattern: Pattern
  /** Streams only; null otherwise, and for who publishes. */
  readonly group: string | null
  /** Name of the driver. */
  readonly driver: string
}

/** One run of a handler, as the functions around it see it. */
export interface HandlerRun {
  readonly channel: ChannelFacts
  /** The clock of the bus. */
  readonly clock: Clock
  /** The message goes back at no cost, whatever is returned: `wait` was ended before its time. */
  readonly isGivenBack: boolean
  /** Fires the delivery's signal with this reason. The first reason stays. */
  abort(reason: NarrowcastError): void
  /**
   * Waits before the handler begins, with the message in hand. The signal fires when the worker
   * stops, the message is lost, or half of `runMsMax` is over, so that a handler has the other
   * half; a message that ended with an owner before, beside which nothing runs, waits 1 s at most.
   * `until` is to end then. The message goes back at no cost and in its place, unless the signal
   * of the delivery itself has fired. On live patterns nothing can go back: there a wait goes on
   * until the signal of the delivery fires, and a message that waited for nothing is an `error`.
   * @returns what `until` gives.
   * @throws when it was ended before its time: let it pass, the handler is not to be called.
   */
  wait<R>(until: (signal: AbortSignal) => Promise<R>): Promise<R>
}

/** A function around the handler: it may wait, answer itself, or look at what comes back. */
export type Middleware<T> = (
  delivery: Received<T>,
  next: () => Promise<Verdict | undefined | void>,
  run: HandlerRun,
) => Promise<Verdict | undefined | void>

/** What holds for every run of one subscription. */
export interface RunHost {
  readonly channel: ChannelFacts
  readonly clock: Clock
  /** Fires when the worker stops; what has not begun is given back then. */
  readonly stopping: AbortSignal
  readonly runMsMax: number
  readonly tracing: Tracing | null
}

/** While a suspect waits nothing else runs on the bus: it is given back soon, and for a while. */
const suspectWaitMsMax = 1_000
const suspectRestMs = 10_000

/** The run of a unit of one message. */
export class UnitRun<T> implements HandlerRun {
  readonly #host: RunHost
  readonly #unit: Unit<T>

  constructor(host: RunHost, unit: Unit<T>) {
    this.#host = host
    this.#unit = unit
  }

  get channel(): ChannelFacts {
    return this.#host.channel
  }

  get clock(): Clock {
    return this.#host.clock
  }

  get isGivenBack(): boolean {
    return this.#unit.givenBackMs !== null
  }

  abort(reason: NarrowcastError): void {
    this.#unit.abort(reason)
  }

  async wait<R>(until: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const { channel, clock, stopping } = this.#host
    const { signal } = this.#unit
    signal.throwIfAborted()
    const outer = isLive(channel.pattern) ? signal : AbortSignal.any([signal, stopping])
    return withDeadline(clock, this.#waitMsMax(), outer, null, async (end) => {
      try {
        const found = await until(end)
        if (!end.aborted) return found
      } catch (error) {
        if (!end.aborted) throw error
      }
      throw this.#ended()
    })
  }

  #waitMsMax(): number {
    const { channel, clock, runMsMax } = this.#host
    if (isLive(channel.pattern)) return runMsMax // by then its signal has fired
    const leftMs = this.#unit.startedMs + runMsMax / 2 - clock.monotonicMs()
    return this.#held.isSuspect ? Math.min(leftMs, suspectWaitMsMax) : leftMs
  }

  /** @throws the reason of the delivery's own signal: that decides what becomes of the message. */
  #ended(): NarrowcastError {
    const { channel, stopping } = this.#host
    const { signal, held } = this.#unit
    signal.throwIfAborted()
    const isStopped = stopping.aborted
    this.#unit.givenBackMs = this.#held.isSuspect && !isStopped ? suspectRestMs : 0
    const why = isStopped ? 'the worker is being drained' : 'it waited for as long as it may'
    return new NarrowcastError(
      isStopped ? 'CLOSED' : 'UNAVAILABLE',
      `message ${held[0]?.id} of "${channel.name}" did not get to its handler: ${why}`,
      { channel: channel.name },
    )
  }

  get #held(): Held {
    return this.#unit.held[0] as Held
  }
}
