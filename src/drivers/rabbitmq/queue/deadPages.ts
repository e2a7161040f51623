import type { DeadEntry, Page, PageQuery } from '../../../core/admin.ts'

/** So long may what follows a page be older than the page. */
const freshMs = 10_000
const aheadMax = 10_000
const aheadBytesMax = 16 * 1024 * 1024

/** The first of some, in order, with those that may be asked for next. */
export class DeadPages {
  readonly #newestFirst: boolean
  readonly #after: string | null
  readonly #limit: number
  readonly #untilMs = performance.now() + freshMs
  readonly #entries: DeadEntry[] = []
  #bytes = 0
  /** There are more behind the last of them. */
  #isCut = false

  constructor({ newestFirst, cursor, limit }: PageQuery) {
    this.#newestFirst = newestFirst
    this.#after = cursor
    this.#limit = limit
  }

  add(entry: DeadEntry): void {
    if (this.#after !== null && !this.#isBefore(this.#after, entry.ref)) return
    this.#entries.splice(this.#placeOf(entry.ref), 0, entry)
    this.#bytes += entry.message.bytes
    while (this.#entries.length > this.#limit && this.#isFull) {
      this.#bytes -= this.#entries.pop()?.message.bytes ?? 0
      this.#isCut = true
    }
  }

  /** Null: it is too old for that, or what follows was not kept. */
  page({ cursor, limit, newestFirst }: PageQuery): Page<DeadEntry> | null {
    if (newestFirst !== this.#newestFirst || performance.now() > this.#untilMs) return null
    const from = cursor === this.#after ? 0 : this.#placeAfter(cursor)
    if (from === null) return null
    const items = this.#entries.slice(from, from + limit)
    if (this.#isCut && items.length < limit) return null
    const isEnd = !this.#isCut && from + limit >= this.#entries.length
    return { items, cursor: isEnd ? null : (items.at(-1)?.ref ?? null) }
  }

  get #isFull(): boolean {
    return this.#entries.length > aheadMax || this.#bytes > aheadBytesMax
  }

  #isBefore(one: string, other: string): boolean {
    return this.#newestFirst ? one > other : one < other
  }

  /** Right behind the one of that name. */
  #placeAfter(ref: string | null): number | null {
    const at = ref === null ? -1 : this.#placeOf(ref) - 1
    return this.#entries[at]?.ref === ref ? at + 1 : null
  }

  /** How many are before it, or have its name. */
  #placeOf(ref: string): number {
    let [low, high] = [0, this.#entries.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const { ref: found } = this.#entries[middle] as DeadEntry
      if (this.#isBefore(ref, found)) high = middle
      else low = middle + 1
    }
    return low
  }
}
