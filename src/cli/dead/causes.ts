import type { DeadEntry } from '../../core/driver.ts'
import type { DeadLetter } from '../../core/message.ts'

/** Dead letters that died alike. */
export interface Cause {
  readonly channel: string
  readonly count: number
  readonly cause: string
  /** First line of the newest. */
  readonly reason: string
  readonly group: string | null
  readonly firstMs: number
  readonly lastMs: number
  /** The most redrives that one of them has behind it. */
  readonly redrives: number
  /** Id of the newest. */
  readonly example: string
}

/** Where reasons are all different there are as many causes as letters: the rest is one. */
const causesMax = 1_000
const reasonLengthMax = 500
const otherReason = '(other reasons)'

/** Groups dead letters by cause and reason, and keeps nothing else of them. */
export class Causes {
  readonly #found = new Map<string, Cause>()
  count = 0

  add({ message, letter }: DeadEntry): void {
    const { cause, group, channel, diedMs } = letter
    const line = firstLine(whyOf(letter))
    const own = JSON.stringify([channel, cause, alike(line), group])
    const isOther = this.#found.size >= causesMax && !this.#found.has(own)
    const name = isOther ? JSON.stringify([channel, cause]) : own
    const reason = isOther ? otherReason : line
    const before = this.#found.get(name)
    const isNewest = !before || diedMs > before.lastMs
    this.count++
    this.#found.set(name, {
      ...{ channel, cause, count: (before?.count ?? 0) + 1 },
      reason: isNewest ? reason : before.reason,
      group: isOther ? null : group,
      firstMs: Math.min(before?.firstMs ?? diedMs, diedMs),
      lastMs: Math.max(before?.lastMs ?? diedMs, diedMs),
      redrives: Math.max(before?.redrives ?? 0, letter.redrives),
      example: isNewest ? message.id : before.example,
    })
  }

  /** The most redrives that one of them has behind it. */
  get redrivesMax(): number {
    return Math.max(0, ...[...this.#found.values()].map(({ redrives }) => redrives))
  }

  /** The most frequent first. */
  get list(): Cause[] {
    return [...this.#found.values()].sort((a, b) => b.count - a.count || b.lastMs - a.lastMs)
  }
}

/** What a dead letter died of, in words: its last error, else its reason. */
export function whyOf({ error, reason }: DeadLetter): string {
  return error ? `${error.name}: ${error.message.trimStart()}` : reason
}

/** No more than fits a line, and no line break of whatever kind. */
function firstLine(text: string): string {
  return text.trimStart().split(/\r?\n/, 1)[0]?.slice(0, reasonLengthMax) ?? ''
}

const uuids = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi
/** Hex of eight and more, and words of twenty and more, with a digit in them. */
const names = /\b(?=[a-z]*\d)(?=\d*[a-z])(?:[0-9a-f]{8,}|[0-9a-z]{20,})\b/gi
const numbers = /\d+(?:[.,:]\d+)*/g

/** Reasons that differ in an id or a number only are one reason. */
function alike(reason: string): string {
  return reason.replace(uuids, '<id>').replace(names, '<id>').replace(numbers, '<n>')
}
