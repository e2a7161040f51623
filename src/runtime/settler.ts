import type { Clock } from '../core/clock.ts'
import type { Source } from '../core/driver.ts'
import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import type { Settlement, SettleOutcome } from '../core/message.ts'
import { backoffMs } from './backoff.ts'
import { type Held, isDead } from './held.ts'

const repeatBackoff = { delayMsMin: 20, delayMsMax: 2_000 }
const batchMax = 1_000

interface Pending {
  readonly held: Held
  readonly settlement: Settlement
  readonly resolve: (outcome: SettleOutcome) => void
  readonly reject: (error: NarrowcastError) => void
}

export interface SettlerHost {
  readonly clock: Clock
  readonly random: () => number
  readonly channel: string
  /** The open source; waits while it is being opened again. */
  source(signal: AbortSignal): Promise<Source>
  /** A batch could not be carried out: everything in it stays in hand and is tried again. */
  failed(error: NarrowcastError): void
  /** The source is dead; the next `source()` brings another. */
  broken(source: Source): void
}

/**
 * Settlements of one turn of the event loop travel in one batch, awaited, one batch at a time. A
 * batch that fails is repeated: a token that was settled before gives its first answer again.
 */
export class Settler {
  readonly #host: SettlerHost
  readonly #closing = new AbortController()
  #pending: Pending[] = []
  #running: Promise<void> | null = null

  constructor(host: SettlerHost) {
    this.#host = host
  }

  settle(held: Held, settlement: Settlement): Promise<SettleOutcome> {
    if (held.lost) return Promise.resolve('late')
    if (this.#closing.signal.aborted) return Promise.reject(this.#closed())
    return new Promise((resolve, reject) => {
      this.#pending.push({ held, settlement, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Waits for what is under way until the signal fires; the rest is rejected. */
  async close(deadline: AbortSignal): Promise<void> {
    const stop = () => this.#closing.abort()
    if (deadline.aborted || !this.#running) stop()
    else deadline.addEventListener('abort', stop)
    await this.#running
    stop()
    deadline.removeEventListener('abort', stop)
  }

  async #run(): Promise<void> {
    let failures = 0
    while (true) {
      await new Promise(setImmediate) // the rest of this turn travels along
      this.#answerLost()
      if (this.#pending.length === 0) break
      if (this.#closing.signal.aborted) {
        for (const { reject } of this.#pending) reject(this.#closed())
        this.#pending = []
        break
      }
      failures = (await this.#sendNext()) ? 0 : failures + 1
      if (failures > 0) {
        const pauseMs = backoffMs(failures, repeatBackoff, this.#host.random)
        await this.#host.clock.sleep(pauseMs, this.#closing.signal)
      }
    }
    this.#running = null
  }

  async #sendNext(): Promise<boolean> {
    let source: Source | null = null
    try {
      source = await this.#host.source(this.#closing.signal)
      this.#answerLost()
      const batch = this.#pending.slice(0, batchMax)
      if (batch.length === 0) return true
      const outcomes = await this.#send(source, batch)
      this.#pending = this.#pending.slice(batch.length)
      for (const [n, { resolve }] of batch.entries()) resolve(outcomes[n] as SettleOutcome)
      return true
    } catch (cause) {
      if (this.#closing.signal.aborted) return true // the loop rejects what is left
      const error = asNarrowcastError(cause)
      this.#host.failed(error)
      if (source && isDead(error)) this.#host.broken(source)
      return false
    }
  }

  async #send(source: Source, batch: readonly Pending[]): Promise<SettleOutcome[]> {
    const settlements = batch.map(({ settlement }) => settlement)
    const outcomes = await source.settle(settlements, this.#closing.signal)
    if (outcomes.length === batch.length) return outcomes
    throw new NarrowcastError(
      'INTERNAL',
      `settle on "${this.#host.channel}" gave ${outcomes.length} outcomes for ${batch.length} messages`,
    )
  }

  /** What was lost while it waited is not sent. */
  #answerLost(): void {
    if (!this.#pending.some(({ held }) => held.lost)) return
    for (const { held, resolve } of this.#pending) if (held.lost) resolve('late')
    this.#pending = this.#pending.filter(({ held }) => !held.lost)
  }

  #closed(): NarrowcastError {
    return new NarrowcastError(
      'CLOSED',
      `the subscription on "${this.#host.channel}" was closed before this message was settled; it comes again`,
      { channel: this.#host.channel, definite: false },
    )
  }
}
