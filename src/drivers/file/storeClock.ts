import { readFileSync } from 'node:fs'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { Database } from './database.ts'

/**
 * The one time of a store: the clock that runs since boot, which all processes of a machine share
 * and nobody sets, moved by an offset that the first opener after a boot notes from the wall
 * clock. So a step of the wall clock ends no lease, no delay and no window, and times still mean
 * something after a reboot.
 */
export class StoreClock {
  readonly clock: Clock
  readonly #sinceBootMs: () => number
  #offsetMs = 0

  constructor(clock: Clock) {
    this.clock = clock
    this.#sinceBootMs =
      clock === systemClock ? () => Number(process.hrtime.bigint()) / 1e6 : clock.monotonicMs
  }

  /** Inside a transaction at opening. Returns true when the machine was started anew since. */
  adopt(db: Database): boolean {
    const row = db.get<{ boot: string; offset_ms: number }>('SELECT boot, offset_ms FROM store')
    const boot = this.#boot()
    const offsetMs = this.clock.wallMs() - this.#sinceBootMs()
    if (row && isSameBoot(row.boot, boot)) {
      this.#offsetMs = row.offset_ms
      return false
    }
    this.#offsetMs = offsetMs
    db.run('UPDATE store SET boot = ?, offset_ms = ?', boot, offsetMs)
    return row !== undefined
  }

  /** Whole milliseconds of store time, near to wall time. */
  nowMs(): number {
    return Math.round(this.#sinceBootMs() + this.#offsetMs)
  }

  #boot(): string {
    if (this.clock !== systemClock) return 'clock'
    try {
      return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    } catch {
      // Not Linux: the wall time of the boot stands for it, a step of a minute looks like a boot.
      return `started ${Math.round((Date.now() - this.#sinceBootMs()) / 1000)}`
    }
  }
}

function isSameBoot(noted: string, now: string): boolean {
  if (noted === now) return true
  const [was, is] = [noted, now].map((text) => /^started (\d+)$/.exec(text)?.[1])
  return was !== undefined && is !== undefined && Math.abs(Number(was) - Number(is)) <= 60
}
