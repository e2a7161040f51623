import type { DeadEntry } from '../../core/driver.ts'

/** Dead letters that died alike. */
export interface Cause {
  readonly count: number
  readonly cause: string
  readonly reason: string
  readonly group: string | null
  readonly firstMs: number
  readonly lastMs: number
  /** Id of the newest. */
  readonly example: string
}

/** Groups dead letters by cause and reason, and keeps nothing else of them. */
export class Causes {
  readonly #found = new Map<string, Cause>()
  count = 0
  /** The most redrives that one of them has behind it. */
  redrivesMax = 0

  add({ message, letter }: DeadEntry): void {
    const { cause, group, diedMs } = letter
    const reason = letter.error ? `${letter.error.name}: ${letter.error.message}` : letter.reason
    const name = JSON.stringify([cause, alike(reason), group])
    const before = this.#found.get(name)
    const isNewest = !before || diedMs > before.lastMs
    this.count++
    this.redrivesMax = Math.max(this.redrivesMax, letter.redrives)
    this.#found.set(name, {
      count: (before?.count ?? 0) + 1,
      cause,
      reason: isNewest ? reason : before.reason,
      group,
      firstMs: Math.min(before?.firstMs ?? diedMs, diedMs),
      lastMs: Math.max(before?.lastMs ?? diedMs, diedMs),
      example: isNewest ? message.id : before.example,
    })
  }

  /** The most frequent first. */
  get list(): Cause[] {
    return [...this.#found.values()].sort((a, b) => b.count - a.count || b.lastMs - a.lastMs)
  }
}

/** Reasons that differ in an id or a number only are one reason. */
function alike(reason: string): string {
  return reason
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '<id>')
    .replace(/\d+/g, '<n>')
}
