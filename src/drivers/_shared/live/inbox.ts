import type { IncomingMessage } from '../../../core/message.ts'

interface Unread<Raw> {
  readonly raw: Raw
  readonly bytes: number
}

/** What was taken is cut off in pieces: that costs the same however many wait. */
const compactAt = 1_024

/** What came and was not asked for yet, as it came. Beyond its bounds the oldest goes. */
export class Inbox<Raw> {
  readonly #hold: { readonly messages: number; readonly bytes: number }
  readonly #read: (raw: Raw) => IncomingMessage
  /** What was taken is undefined. */
  #unread: (Unread<Raw> | undefined)[] = []
  #first = 0
  #bytes = 0
  #missed = 0
  #endWait: (() => void) | null = null

  /** `read`: called once it is asked for. */
  constructor(
    hold: { readonly messages: number; readonly bytes: number },
    read: (raw: Raw) => IncomingMessage,
  ) {
    this.#hold = hold
    this.#read = read
  }

  get size(): number {
    return this.#unread.length - this.#first
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The newest always stays, and may exceed the bytes alone. */
  put(raw: Raw, bytes: number): void {
    this.#unread.push({ raw, bytes })
    this.#bytes += bytes
    while (this.size > 1 && (this.size > this.#hold.messages || this.#bytes > this.#hold.bytes)) {
      this.#shift()
      this.#missed++
    }
    this.wake()
  }

  /** What is there and fits; possibly nothing. */
  take(room: { readonly messages: number; readonly bytes: number }): IncomingMessage[] {
    const taken: IncomingMessage[] = []
    let left = room.bytes
    while (this.size > 0 && taken.length < room.messages) {
      left -= (this.#unread[this.#first] as Unread<Raw>).bytes
      if (taken.length > 0 && left < 0) break
      taken.push(this.#read(this.#shift()))
    }
    return taken
  }

  /** What came and was not taken, or went; `takeMissed` has told of the rest. */
  get untaken(): number {
    return this.size + this.#missed
  }

  /** How many went since this was asked last. */
  takeMissed(): number {
    const missed = this.#missed
    this.#missed = 0
    return missed
  }

  /** What nobody is to be handed any more goes, and is not missed. */
  drop(isGone: (raw: Raw) => boolean): void {
    const kept = this.#unread.filter((one) => one !== undefined && !isGone(one.raw))
    this.#unread = kept
    this.#first = 0
    this.#bytes = kept.reduce((sum, one) => sum + (one?.bytes ?? 0), 0)
  }

  /** All that waits goes. */
  clear(): void {
    this.#missed += this.size
    this.#unread = []
    this.#first = 0
    this.#bytes = 0
  }

  /** Resolves when something came, the signal fired, or it was woken. */
  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const over = () => {
        signal.removeEventListener('abort', over)
        this.#endWait = null
        resolve()
      }
      signal.addEventListener('abort', over)
      this.#endWait = over
    })
  }

  wake(): void {
    this.#endWait?.()
  }

  #shift(): Raw {
    const { raw, bytes } = this.#unread[this.#first] as Unread<Raw>
    this.#bytes -= bytes
    this.#unread[this.#first] = undefined
    this.#first++
    if (this.#first === this.#unread.length || this.#first > compactAt + this.size) {
      this.#unread = this.#unread.slice(this.#first)
      this.#first = 0
    }
    return raw
  }
}
