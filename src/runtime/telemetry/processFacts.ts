import { hostname } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { packageVersion } from '../packageVersion.ts'

/** How often the event loop is asked whether it is late: rarely enough to cost nothing. */
const sampleMs = 50

/** The same for every bus of the process. */
const start = new Date(Date.now() - process.uptime() * 1_000).toISOString()

/** What a process can say of itself. */
export class ProcessFacts {
  readonly host = hostname()
  readonly pid = process.pid
  readonly start = start
  readonly version = packageVersion()
  readonly #delay = monitorEventLoopDelay({ resolution: sampleMs })

  constructor() {
    this.#delay.enable()
  }

  get memoryMb(): number {
    return Math.round(process.memoryUsage.rss() / 1_048_576)
  }

  /** How late the event loop was in the slowest hundredth since this was asked last. */
  takeLoopP99Ms(): number {
    const { count } = this.#delay
    const lateMs = count === 0 ? 0 : this.#delay.percentile(99) / 1e6 - sampleMs
    this.#delay.reset()
    return Math.round(Math.max(0, lateMs) * 10) / 10
  }

  close(): void {
    this.#delay.disable()
  }
}
