import type { Room } from '../../../core/driver.ts'
import type { AmqpMessage } from '../client.ts'

/** Handed over by the broker, and taken by nobody yet, in the order in which they came. */
export class Waiting {
  readonly #waitMsMax: number
  readonly #tooLong: () => void
  readonly #messages: AmqpMessage[] = []
  /** Of each of them. */
  readonly #arrivedMs: number[] = []
  #bytes = 0
  #timer: NodeJS.Timeout | null = null

  /** `tooLong`: told when the first has waited for so long. */
  constructor(waitMsMax: number, tooLong: () => void) {
    this.#waitMsMax = waitMsMax
    this.#tooLong = tooLong
  }

  get count(): number {
    return this.#messages.length
  }

  get bytes(): number {
    return this.#bytes
  }

  countOf(consumerTag: string): number {
    return this.#messages.filter(({ fields }) => fields.consumerTag === consumerTag).length
  }

  add(message: AmqpMessage): void {
    this.#messages.push(message)
    this.#bytes += message.content.length
    this.#arrivedMs.push(performance.now())
    if (this.#timer === null) this.#watch()
  }

  /** As many as there is room for, and one at least where there is any. */
  take(room: Room): AmqpMessage[] {
    let bytes = 0
    const full = this.#messages.findIndex(({ content }, at) => {
      bytes += content.length
      return at === room.messages || (at > 0 && bytes > room.bytes)
    })
    return this.#taken(full < 0 ? this.count : full)
  }

  takeAll(): AmqpMessage[] {
    return this.#taken(this.count)
  }

  #taken(count: number): AmqpMessage[] {
    const taken = this.#messages.splice(0, count)
    this.#arrivedMs.splice(0, count)
    this.#bytes -= bytesOf(taken)
    this.#watch()
    return taken
  }

  #watch(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    const [sinceMs] = this.#arrivedMs
    this.#timer = null
    if (sinceMs === undefined) return
    const leftMs = sinceMs + this.#waitMsMax - performance.now()
    this.#timer = setTimeout(this.#tooLong, Math.max(0, leftMs))
  }
}

export function bytesOf(messages: readonly AmqpMessage[]): number {
  return messages.reduce((sum, { content }) => sum + content.length, 0)
}
