import type { RecordMessage } from '../record.ts'

/** A record that waits for its turn. */
export interface Waiting {
  /** Place in the order of acceptance. */
  readonly order: number
  readonly message: RecordMessage
  /** Monotonic time of its acceptance. */
  readonly sinceMs: number
  /** It lies in the spool, and stays there until it is acked. */
  readonly isSpooled: boolean
}

/** Records in memory, in order, with their count and size. */
export class SenderQueue {
  #records: (Waiting | undefined)[] = []
  #head = 0
  #bytes = 0
  #kept = 0

  get count(): number {
    return this.#records.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  /** How many are never to be dropped. */
  get kept(): number {
    return this.#kept
  }

  get first(): Waiting | undefined {
    return this.#records[this.#head]
  }

  push(waiting: Waiting): void {
    this.#records.push(waiting)
    this.#count(waiting, 1)
  }

  /** Puts records back before all others, in their order. */
  putBack(waiting: readonly Waiting[]): void {
    if (waiting.length === 0) return
    this.#records = [...waiting, ...this.#records.slice(this.#head)]
    this.#head = 0
    for (const one of waiting) this.#count(one, 1)
  }

  shift(): Waiting | undefined {
    const waiting = this.#records[this.#head]
    if (!waiting) return undefined
    this.#records[this.#head++] = undefined
    if (this.#head > 1_024 && this.#head * 2 > this.#records.length) {
      this.#records = this.#records.slice(this.#head)
      this.#head = 0
    }
    this.#count(waiting, -1)
    return waiting
  }

  pop(): Waiting | undefined {
    if (this.count === 0) return undefined
    const waiting = this.#records.pop()
    if (waiting) this.#count(waiting, -1)
    return waiting
  }

  /** The first ones that fit into both limits; the very first one fits always. */
  take(count: number, bytes: number): Waiting[] {
    const taken: Waiting[] = []
    let room = bytes
    for (let next = this.first; next && taken.length < count; next = this.first) {
      room -= next.message.bytes
      if (room < 0 && taken.length > 0) break
      taken.push(next)
      this.shift()
    }
    return taken
  }

  takeKept(): Waiting[] {
    const all = this.takeAll()
    for (const waiting of all) if (!waiting.message.keep) this.push(waiting)
    return all.filter(({ message }) => message.keep)
  }

  takeAll(): Waiting[] {
    const all = this.#records.slice(this.#head).filter((waiting) => waiting !== undefined)
    this.#records = []
    this.#head = 0
    this.#bytes = 0
    this.#kept = 0
    return all
  }

  #count(waiting: Waiting, sign: 1 | -1): void {
    this.#bytes += sign * waiting.message.bytes
    if (waiting.message.keep) this.#kept += sign
  }
}
