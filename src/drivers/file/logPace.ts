import { statSync } from 'node:fs'

const mebibyte = 1024 * 1024
/** A log of this size, and how long a publisher waits then before each of its transactions. */
const steps = [
  { bytes: 384 * mebibyte, ms: 200 },
  { bytes: 256 * mebibyte, ms: 50 },
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
  #waitMs = 0

  constructor(databasePath: string) {
    this.#path = `${databasePath}-wal`
  }

  waitMs(): number {
    const nowMs = performance.now()
    if (nowMs - this.#lookedMs < lookMs) return this.#waitMs
    this.#lookedMs = nowMs
    const bytes = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
    this.#waitMs = steps.find((step) => bytes >= step.bytes)?.ms ?? 0
    return this.#waitMs
  }
}
