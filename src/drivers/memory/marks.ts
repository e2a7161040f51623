import type { Clock } from '../../core/clock.ts'
import type { Marks } from '../../core/driver.ts'
import type { Token } from '../../core/message.ts'

/** by: a claim, which ends with its time; null: worked off, remembered for its time. */
interface Mark {
  readonly by: Token | null
  /** Monotonic. */
  readonly untilMs: number
}

/** Marks in the map before the ended ones are looked for. */
const sweepMin = 1_024

/** The consume-dedupe store of one channel and group. */
export class MarkStore implements Marks {
  readonly #clock: Clock
  readonly #marks = new Map<string, Mark>()
  #sweepAt = sweepMin

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async claim(
    ids: readonly string[],
    by: Token,
    leaseMs: number,
  ): Promise<('mine' | 'busy' | 'done')[]> {
    const untilMs = this.#clock.monotonicMs() + leaseMs
    return ids.map((id) => {
      const mark = this.#valid(id)
      if (mark && mark.by === null) return 'done'
      if (mark?.by && !isSame(mark.by, by)) return 'busy'
      this.#set(id, { by, untilMs })
      return 'mine'
    })
  }

  async finish(ids: readonly string[], by: Token, keepMs: number | 'forget'): Promise<void> {
    for (const id of ids) {
      if (keepMs !== 'forget') this.remember(id, keepMs)
      else {
        const holder = this.#marks.get(id)?.by
        if (holder && isSame(holder, by)) this.#marks.delete(id)
      }
    }
  }

  /** The id is worked off. */
  remember(id: string, keepMs: number): void {
    this.#set(id, { by: null, untilMs: this.#clock.monotonicMs() + keepMs })
  }

  #valid(id: string): Mark | undefined {
    const mark = this.#marks.get(id)
    return mark && mark.untilMs > this.#clock.monotonicMs() ? mark : undefined
  }

  #set(id: string, mark: Mark): void {
    this.#marks.set(id, mark)
    if (this.#marks.size < this.#sweepAt) return
    const now = this.#clock.monotonicMs()
    for (const [other, { untilMs }] of this.#marks) if (untilMs <= now) this.#marks.delete(other)
    this.#sweepAt = Math.max(sweepMin, this.#marks.size * 2)
  }
}

const isSame = (a: Token, b: Token) => a.reader === b.reader && a.serial === b.serial
