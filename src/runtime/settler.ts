import type { Clock } from '../core/clock.ts'
import type { Source } from '../core/driver.ts'
import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import type { Settlement, SettleOutcome } from '../core/message.ts'
import { backoffMs } from './backoff.ts'
import { type Held, isDead } from './held.ts'
import { untilAborted } from './untilAborted.ts'

const repeatBackoff = { delayMsMin: 20, delayMsMax: 2_000 }
const batchMax = 1_000
const halvingsMax = Math.ceil(Math.log2(batchMax)) + 1

/** Hears once what became of the one at this place of its batch; an error: it is not settled. */
export type Told = (at: number, outcome: SettleOutcome | NarrowcastError) => void

interface Pending {
  readonly held: Held
  readonly settlement: Settlement
  readonly at: number
  readonly told: Told
  isAnswered: boolean
  /** It failed alone this often, and is not sent again before. */
  failures: number
  dueMs: number
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
  broken(source: Source, error: NarrowcastError): void
}

/**
 * Settlements of one turn of the event loop travel in one batch, awaited, one batch at a time. A
 * batch that fails is repeated: a token that was settled before gives its first answer again. It
 * is halved, so that one settlement which cannot be carried out waits alone and blocks nobody.
 */
export class Settler {
  readonly #host: SettlerHost
  readonly #closing = new AbortController()
  #pending: Pending[] = []
  #size = batchMax
  #sleeping: AbortController | null = null
  #running: Promise<void> | null = null

  constructor(host: SettlerHost) {
    this.#host = host
  }

  settle(batch: readonly Held[], settlements: readonly Settlement[], told: Told): void {
    batch.forEach((held, at) => {
      const settlement = settlements[at] as Settlement
      if (held.lost) told(at, 'late')
      else if (this.#closing.signal.aborted) told(at, this.#closed())
      else {
        const isAnswered = false
        this.#pending.push({ held, settlement, at, told, isAnswered, failures: 0, dueMs: 0 })
      }
    })
    if (this.#pending.length === 0) return
    this.#sleeping?.abort()
    this.#running ??= this.#run()
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
        this.#answer(this.#pending, () => this.#closed())
        break
      }
      const batch = this.#due()
      if (batch.length === 0) {
        await this.#sleepUntilDue()
        continue
      }
      const result = await this.#sendNext(batch)
      failures = result === 'done' ? 0 : failures + 1
      // Halving down to one settlement takes no pause; a broker that takes none does.
      const quick = result === 'gone' ? 0 : halvingsMax
      if (failures > quick) await this.#pause(failures - quick)
    }
    this.#running = null
  }

  #due(): Pending[] {
    const now = this.#host.clock.monotonicMs()
    const due = this.#pending.filter(({ dueMs }) => dueMs <= now)
    return due.length > this.#size ? due.slice(0, this.#size) : due
  }

  async #sleepUntilDue(): Promise<void> {
    const { clock } = this.#host
    const dueMs = Math.min(...this.#pending.map((one) => one.dueMs))
    this.#sleeping = new AbortController()
    const signal = AbortSignal.any([this.#sleeping.signal, this.#closing.signal])
    await clock.sleep(dueMs - clock.monotonicMs(), signal)
    this.#sleeping = null
  }

  async #pause(failures: number): Promise<void> {
    const pauseMs = backoffMs(failures, repeatBackoff, this.#host.random)
    await this.#host.clock.sleep(pauseMs, this.#closing.signal)
  }

  async #sendNext(due: readonly Pending[]): Promise<'done' | 'failed' | 'gone'> {
    let source: Source | null = null
    let batch = due
    try {
      source = await this.#host.source(this.#closing.signal)
      batch = due.filter(({ held }) => !held.lost) // while the source was being opened
      if (batch.length === 0) return 'done'
      const outcomes = await this.#send(source, batch)
      this.#answer(batch, (n) => outcomes[n] as SettleOutcome)
      this.#size = Math.min(batchMax, this.#size * 2)
      return 'done'
    } catch (cause) {
      if (this.#closing.signal.aborted) return 'done' // the loop rejects what is left
      const error = asNarrowcastError(cause)
      this.#host.failed(error)
      if (!source || isDead(error)) {
        if (source) this.#host.broken(source, error)
        return 'gone'
      }
      this.#halve(batch)
      return 'failed'
    }
  }

  /** Down to the one that fails; that one waits, longer each time, and lets the others pass. */
  #halve(batch: readonly Pending[]): void {
    const [alone] = batch
    if (batch.length > 1 || !alone) {
      this.#size = Math.ceil(batch.length / 2)
      return
    }
    const { clock, random } = this.#host
    const { delayMsMin } = repeatBackoff
    alone.failures++
    alone.dueMs =
      clock.monotonicMs() + delayMsMin + backoffMs(alone.failures, repeatBackoff, random)
  }

  async #send(source: Source, batch: readonly Pending[]): Promise<SettleOutcome[]> {
    const settlements = batch.map(({ settlement }) => settlement)
    const { signal } = this.#closing
    // A broker that does not answer holds up nobody who closes.
    const outcomes = await untilAborted(source.settle(settlements, signal), signal)
    if (outcomes.length === batch.length) return outcomes
    throw new NarrowcastError(
      'INTERNAL',
      `settle on "${this.#host.channel}" gave ${outcomes.length} outcomes for ${batch.length} messages`,
    )
  }

  /** What was lost while it waited is not sent. */
  #answerLost(): void {
    if (!this.#pending.some(({ held }) => held.lost)) return
    this.#answer(
      this.#pending.filter(({ held }) => held.lost),
      () => 'late',
    )
  }

  /** They are pending no more when they are told. */
  #answer(
    batch: readonly Pending[],
    outcome: (n: number) => SettleOutcome | NarrowcastError,
  ): void {
    for (const one of batch) one.isAnswered = true
    this.#pending = this.#pending.filter(({ isAnswered }) => !isAnswered)
    batch.forEach(({ at, told }, n) => void told(at, outcome(n)))
  }

  #closed(): NarrowcastError {
    return new NarrowcastError(
      'CLOSED',
      `the subscription on "${this.#host.channel}" was closed before this message was settled; it comes again`,
      { channel: this.#host.channel, definite: false },
    )
  }
}
