import type { Clock } from '../core/clock.ts'
import type { Count } from '../core/message.ts'
import { withDeadline } from './deadline.ts'
import { untilAborted } from './untilAborted.ts'

/** Looks that find the same before anything is done. */
const looksMin = 2
const rebuildMsMax = 300_000

/** What waits for a source, as far as the broker says. */
export interface Waiting {
  readonly messages: Count
  /** Age of the oldest of them. */
  readonly oldestMs: number
}

export interface Deafness {
  /** Nothing has come for so long. */
  readonly sinceMs: number
  readonly messages: Count
  readonly step: 'fetch' | 'rebuild' | 'report'
}

export interface WatchdogHost {
  readonly clock: Clock
  readonly random: () => number
  readonly deafAfterMs: number
  readonly closing: AbortSignal
  /** Asks the broker; null: it cannot tell. */
  deliverable(signal: AbortSignal): Promise<Waiting | null>
  /** Asks for messages anew on the same source. */
  fetch(): void
  /** Puts another source in the place of this one. */
  rebuild(): void
  /** Deaf, and what is done about it; null: no longer. */
  told(deafness: Deafness | null): void
}

/**
 * Finds the source that has gone deaf: one that waits with room, is given nothing, and for which
 * messages have been waiting longer than `deafAfterMs`. Asks the broker only while nothing comes,
 * and acts on the second look that finds the same: asks anew, then rebuilds with growing pauses.
 * A broker that does not answer in that time is treated like one that holds messages back.
 */
export class Watchdog {
  readonly #host: WatchdogHost
  #source: object | null = null
  /** Monotonic; since then the source waits and nothing has come. */
  #sinceMs: number | null = null
  #looks = 0
  #isDeaf = false
  #hasFetched = false
  #rebuilds = 0
  #rebuildFromMs = 0

  constructor(host: WatchdogHost) {
    this.#host = host
    void this.#run()
  }

  /** A source waits for messages, with room for some. */
  waits(source: object): void {
    if (this.#source === source && this.#sinceMs !== null) return
    this.#source = source
    this.#sinceMs = this.#host.clock.monotonicMs()
    this.#looks = 0
  }

  /** Nobody waits any more: messages came, or the worker is busy. */
  rests(): void {
    this.#sinceMs = null
  }

  /** Messages came. */
  hears(): void {
    this.#sinceMs = null
    if (this.#isDeaf) this.#recover()
  }

  async #run(): Promise<void> {
    const { clock, deafAfterMs, closing } = this.#host
    while (!closing.aborted) {
      await clock.sleep(Math.ceil(deafAfterMs / 3), closing)
      if (this.#silenceMs() >= deafAfterMs && !closing.aborted) await this.#look()
    }
  }

  #silenceMs(): number {
    return this.#sinceMs === null ? 0 : this.#host.clock.monotonicMs() - this.#sinceMs
  }

  async #look(): Promise<void> {
    const { deafAfterMs, closing } = this.#host
    const waiting = await this.#ask()
    const sinceMs = this.#silenceMs()
    if (closing.aborted || sinceMs < deafAfterMs) return // something came meanwhile
    if (waiting === null || waiting.messages === 0 || waiting.oldestMs < deafAfterMs) {
      this.#looks = 0
      if (this.#isDeaf) this.#recover()
      return
    }
    if (++this.#looks >= looksMin) this.#act(Math.round(sinceMs), waiting.messages)
  }

  async #ask(): Promise<Waiting | null> {
    const { clock, deafAfterMs, closing } = this.#host
    const silent = { messages: 'unknown', oldestMs: deafAfterMs } as const
    let isOver = false
    return withDeadline(clock, deafAfterMs, closing, null, async (signal) => {
      signal.addEventListener('abort', () => {
        isOver = true
      })
      try {
        return await untilAborted(this.#host.deliverable(signal), signal)
      } catch {
        return isOver ? silent : null // an error is told by whoever waits on the same source
      }
    })
  }

  #act(sinceMs: number, messages: Count): void {
    const { clock, random, deafAfterMs } = this.#host
    const nowMs = clock.monotonicMs()
    this.#isDeaf = true
    const step = this.#hasFetched ? (nowMs < this.#rebuildFromMs ? 'report' : 'rebuild') : 'fetch'
    this.#host.told({ sinceMs, messages, step })
    if (step === 'fetch') {
      this.#hasFetched = true
      this.#host.fetch()
    } else if (step === 'rebuild') {
      // Doubled each time, and at least half of it: a rebuild may disturb all other readers.
      const pauseMs = Math.min(rebuildMsMax, deafAfterMs * 2 ** (2 + this.#rebuilds++))
      this.#rebuildFromMs = nowMs + pauseMs * (0.5 + random() / 2)
      this.#host.rebuild()
    }
  }

  #recover(): void {
    this.#isDeaf = false
    this.#hasFetched = false
    this.#rebuilds = 0
    this.#rebuildFromMs = 0
    this.#host.told(null)
  }
}
