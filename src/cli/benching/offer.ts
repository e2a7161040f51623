import { createHistogram } from 'node:perf_hooks'
import type { Clock } from '../../core/clock.ts'
import type { Channel } from '../../runtime/api.ts'

/** What travels: which load and which message of it, filled up to the size that was asked for. */
export interface Probe {
  readonly load: number
  readonly n: number
  readonly pad: string
}

/** What one rate came to. Times are counted from when a message was due, not from when it left. */
export interface Measured {
  /** Messages a second. */
  readonly offered: number
  readonly achieved: number
  readonly sent: number
  readonly delivered: number
  readonly refused: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly p999Ms: number | null
  readonly maxMs: number | null
}

export interface Load {
  /** Messages a second. */
  readonly rate: number
  readonly forMs: number
  readonly signal: AbortSignal
  /** Called now and then with the messages sent so far. */
  readonly onSent: (sent: number) => void
}

const nsPerMs = 1e6
const drainMsMin = 2_000

/**
 * Offers one rate after another. A message leaves when it is due, whatever became of those before
 * it: a backend that falls behind is not spared, and its delay is seen.
 */
export class Offer {
  readonly #channel: Channel<Probe>
  readonly #clock: Clock
  readonly #bytes: number
  #load = 0
  #rate = 0
  #beganMs = 0
  #firstMs = 0
  #lastMs = 0
  #delivered = 0
  #refused = 0
  #histogram = createHistogram()

  constructor(channel: Channel<Probe>, bytes: number, clock: Clock) {
    this.#channel = channel
    this.#bytes = bytes
    this.#clock = clock
  }

  /** The handler of the worker. What is left of an earlier load is taken away and not counted. */
  readonly take = ({ load, n }: Probe): void => {
    if (load !== this.#load) return
    this.#lastMs = this.#clock.monotonicMs()
    if (this.#delivered === 0) this.#firstMs = this.#lastMs
    this.#delivered++
    const tookMs = this.#lastMs - this.#dueMs(n)
    this.#histogram.record(Math.max(1, Math.round(tookMs * nsPerMs)))
  }

  async run({ rate, forMs, signal, onSent }: Load): Promise<Measured> {
    this.#load++
    this.#rate = rate
    this.#delivered = 0
    this.#refused = 0
    this.#histogram = createHistogram()
    this.#beganMs = this.#clock.monotonicMs()
    const total = Math.max(1, Math.round((rate * forMs) / 1_000))
    let sent = 0
    while (sent < total && !signal.aborted) {
      const passedMs = this.#clock.monotonicMs() - this.#beganMs
      const due = Math.min(total, Math.floor((passedMs / 1_000) * rate) + 1)
      for (; sent < due; sent++) this.#send(sent)
      onSent(sent)
      await this.#clock.sleep(1, signal)
    }
    await this.#arrival(sent, Math.max(drainMsMin, forMs), signal)
    return this.#measured(sent)
  }

  #dueMs(n: number): number {
    return this.#beganMs + (n / this.#rate) * 1_000
  }

  /** Not awaited: the outbox has a bound, beyond it a message is refused and counted as such. */
  #send(n: number): void {
    const load = this.#load
    const plain = JSON.stringify({ load, n, pad: '' }).length
    const pad = 'x'.repeat(Math.max(0, this.#bytes - plain))
    this.#channel.publish({ load, n, pad }).then(undefined, () => {
      if (load === this.#load) this.#refused++
    })
  }

  async #arrival(sent: number, drainMs: number, signal: AbortSignal): Promise<void> {
    const endMs = this.#clock.monotonicMs() + drainMs
    const isOpen = () => this.#delivered + this.#refused < sent
    while (isOpen() && this.#clock.monotonicMs() < endMs && !signal.aborted) {
      await this.#clock.sleep(5, signal)
    }
  }

  #measured(sent: number): Measured {
    const ms = (ns: number) => (this.#delivered === 0 ? null : Math.round(ns / 1e4) / 100)
    return {
      offered: this.#rate,
      achieved: this.#achieved(sent),
      ...{ sent, delivered: this.#delivered, refused: this.#refused },
      p50Ms: ms(this.#histogram.percentile(50)),
      p99Ms: ms(this.#histogram.percentile(99)),
      p999Ms: ms(this.#histogram.percentile(99.9)),
      maxMs: ms(this.#histogram.max),
    }
  }

  /** From the first to the last that arrived: a delay that stays the same takes nothing of a rate. */
  #achieved(sent: number): number {
    if (this.#delivered < 2) return sent < 2 && this.#delivered > 0 ? this.#rate : 0
    const offeredMs = ((sent - 1) / this.#rate) * 1_000
    const spanMs = Math.max(offeredMs, this.#lastMs - this.#firstMs)
    return Math.round(((this.#delivered - 1) / spanMs) * 1_000)
  }
}
