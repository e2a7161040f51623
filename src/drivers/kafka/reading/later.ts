import type { Entry } from './entry.ts'

/** A timer may be early by a part of a millisecond. */
const earlyMs = 1
/** Beside what may be handed out: of each topic no more are fetched while so many wait. */
const countMax = 2_000
const sizeMax = 16 * 1_048_576

/** What is to be handed out at a later time: each waits by a timer of its own. */
export class Later {
  readonly #due: (entry: Entry) => void
  readonly #timers = new Map<Entry, NodeJS.Timeout>()
  readonly #held = new Map<string, { count: number; size: number }>()

  constructor(due: (entry: Entry) => void) {
    this.#due = due
  }

  isFull(topic: string): boolean {
    const { count, size } = this.#of(topic)
    return count >= countMax || size >= sizeMax
  }

  has(entry: Entry): boolean {
    return this.#timers.has(entry)
  }

  add(entry: Entry, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#drop(entry)
      this.#due(entry)
    }, Math.ceil(delayMs) + earlyMs)
    timer.unref()
    this.#timers.set(entry, timer)
    const held = this.#of(entry.log.topic)
    held.count++
    held.size += entry.bytes
  }

  drop(isGone: (entry: Entry) => boolean): void {
    for (const [entry, timer] of this.#timers) {
      if (!isGone(entry)) continue
      clearTimeout(timer)
      this.#drop(entry)
    }
  }

  close(): void {
    this.drop(() => true)
  }

  #drop(entry: Entry): void {
    this.#timers.delete(entry)
    const held = this.#of(entry.log.topic)
    held.count--
    held.size -= entry.bytes
  }

  #of(topic: string): { count: number; size: number } {
    const held = this.#held.get(topic) ?? { count: 0, size: 0 }
    this.#held.set(topic, held)
    return held
  }
}
