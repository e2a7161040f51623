import type { LostWhy } from '../core/driver.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { Delivery } from '../core/message.ts'
import type { Of } from './api.ts'

/** After these a source answers nothing else: the connection, or the channel itself, is gone. */
export function isDead({ code }: NarrowcastError): boolean {
  return code === 'CONNECTION_LOST' || code === 'CLOSED' || code === 'NOT_FOUND'
}

/** One delivery in our hands, from `receive` until it is settled or lost. */
export class Held {
  readonly delivery: Delivery
  /** Monotonic. */
  readonly takenMs: number
  lost: LostWhy | null = null
  /** Monotonic: when its lease ended by our own clock. */
  endedMs: number | null = null
  /** Told after its signal has fired. */
  onLost: (() => void) | null = null
  #abort: AbortController | null = null
  #reason: NarrowcastError | null = null

  constructor(delivery: Delivery, takenMs: number) {
    this.delivery = delivery
    this.takenMs = takenMs
  }

  get id(): string {
    return this.delivery.message.id
  }

  /** Names it in an event. */
  get of(): Of {
    const { message, position } = this.delivery
    return position === undefined ? { id: message.id } : { id: message.id, position }
  }

  /** A message that ended with an owner before: it runs alone. */
  get isSuspect(): boolean {
    return this.crashes > 0
  }

  /** Where the broker cannot count them they limit nothing. */
  get crashes(): number {
    const { crashes } = this.delivery
    return crashes === 'unknown' ? 0 : crashes
  }

  /** Made when first asked for: most handlers never look at it. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#reason) this.#abort.abort(this.#reason)
    return this.#abort.signal
  }

  get abortReason(): NarrowcastError | null {
    return this.#reason
  }

  /** The first reason stays. */
  abort(reason: NarrowcastError): void {
    this.#reason ??= reason
    this.#abort?.abort(this.#reason)
  }

  lose(why: LostWhy, channel: string): void {
    if (this.lost) return
    this.lost = why
    this.abort(
      new NarrowcastError('LATE', `message ${this.id} of "${channel}" is no longer ours: ${why}`, {
        channel,
      }),
    )
    this.onLost?.()
  }
}
