import { setTimeout as wait } from 'node:timers/promises'
import { type Came, type Consumer, type Data, firstNumber, nowMs } from './way.ts'

export interface Drained {
  readonly startMs: number
  /** When the last message was settled. */
  readonly endMs: number
  readonly lost: number
  readonly duplicated: number
}

/** Counts how often each message comes to a consumer. */
export class Tally implements Came {
  readonly #seen: Uint8Array
  readonly #silentMsMax: number
  readonly #all = Promise.withResolvers<void>()
  #startMs = 0
  #settled = 0
  #lastMs = nowMs()

  /** When nothing has come for `silentMsMax`, the rest is lost. */
  constructor(messages: number, silentMsMax = 5_000) {
    this.#seen = new Uint8Array(messages)
    this.#silentMsMax = silentMsMax
  }

  /** How many were settled so far. */
  get count(): number {
    return this.#settled
  }

  readonly message = ({ n }: Data): void => {
    const at = n - firstNumber
    this.#seen[at] = (this.#seen[at] as number) + 1
  }

  readonly settled = (messages: number): void => {
    this.#settled += messages
    if (this.#settled < this.#seen.length) return
    this.#lastMs = nowMs()
    this.#all.resolve()
  }

  /**
   * Resolves with the answer of `start`; `drained` is asked afterwards. `joinsFirst`: time counts from
   * that answer on.
   */
  async start(consumer: Consumer, joinsFirst = false): Promise<void> {
    this.#startMs = nowMs()
    await consumer.start(this)
    if (joinsFirst) this.#startMs = nowMs()
  }

  /** Waits for the last message, or until nothing comes any more; what comes later counts too. */
  async drained(consumer: Consumer): Promise<Drained> {
    let before = -1
    const over = new AbortController()
    const silence = async () => {
      while (before !== this.#settled) {
        before = this.#settled
        await wait(this.#silentMsMax, undefined, { signal: over.signal })
      }
      this.#lastMs = nowMs()
    }
    await Promise.race([this.#all.promise, silence().catch(() => undefined)])
    over.abort()
    await consumer[Symbol.asyncDispose]()
    let lost = 0
    let duplicated = 0
    for (const times of this.#seen) {
      if (times === 0) lost++
      else duplicated += times - 1
    }
    return { startMs: this.#startMs, endMs: this.#lastMs, lost, duplicated }
  }
}
