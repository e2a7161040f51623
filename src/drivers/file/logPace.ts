import { statSync } from 'node:fs'

const mebibyte = 1024 * 1024
/** Whoever should empty the log at a quarter of this size does not. */
const overdueBytes = 256 * mebibyte
/** A log of this size, and how long a publisher waits then before each of its transactions. */
const steps = [
  { bytes: 384 * mebibyte, ms: 200 },
  { bytes: overdueBytes, ms: 50 },
  { bytes: 128 * mebibyte, ms: 10 },
] as const
const lookMs = 100

/**
 * Slows publishers down while they write faster than the disk takes: the log would grow without
 * end. They are never stopped: a frozen reader can keep the log from being emptied.
 */
export class LogPace {
  readonly #path: string
  #lookedMs = Number.NEGATIVE_INFINITY
  #bytes = 0

  constructor(databasePath: string) {
    this.#path = `${databasePath}-wal`
  }

  waitMs(): number {
    const bytes = this.#look()
    return steps.find((step) => bytes >= step.bytes)?.ms ?? 0
  }

  isOverdue(): boolean {
    return this.#look() >= overdueBytes
  }

  #look(): number {
    const nowMs = performance.now()
    if (nowMs - this.#lookedMs < lookMs) return this.#bytes
    this.#lookedMs = nowMs
    this.#bytes = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
    return this.#bytes
  }
}
