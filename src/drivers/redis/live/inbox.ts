import { uuid } from '../../../core/ids.ts'
import type { IncomingMessage } from '../../../core/message.ts'
import { readWire, sourceDefault, wireBodyBytes } from '../wire.ts'

interface Unread {
  readonly raw: Buffer
  readonly bytes: number
}

/** A short message keeps the whole piece that came from the socket: where many wait, each is copied. */
const uncopiedMax = 100

/** What came and was not asked for yet. Beyond its bounds the oldest goes. */
export class Inbox {
  readonly #channel: string
  readonly #hold: { readonly messages: number; readonly bytes: number }
  #unread: Unread[] = []
  #first = 0
  #bytes = 0
  #missed = 0
  #endWait: (() => void) | null = null

  constructor(channel: string, hold: { readonly messages: number; readonly bytes: number }) {
    this.#channel = channel
    this.#hold = hold
  }

  get size(): number {
    return this.#unread.length - this.#first
  }

  /** The newest always stays, and may exceed the bytes alone. */
  put(raw: Buffer): void {
    const { messages, bytes } = this.#hold
    const one = this.size < uncopiedMax ? raw : Buffer.from(raw)
    const size = wireBodyBytes(raw)
    this.#unread.push({ raw: one, bytes: size })
    this.#bytes += size
    while (this.size > 1 && (this.size > messages || this.#bytes > bytes)) {
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
      left -= (this.#unread[this.#first] as Unread).bytes
      if (taken.length > 0 && left < 0) break
      taken.push(incoming(this.#channel, this.#shift()))
    }
    return taken
  }

  /** How many went since this was asked last. */
  takeMissed(): number {
    const missed = this.#missed
    this.#missed = 0
    return missed
  }

  clear(): void {
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

  #shift(): Buffer {
    const { raw, bytes } = this.#unread[this.#first] as Unread
    this.#bytes -= bytes
    this.#first++
    if (this.#first === this.#unread.length || this.#first > 1_024) {
      this.#unread = this.#unread.slice(this.#first)
      this.#first = 0
    }
    return raw
  }
}

/** A message of another program has no id: it is given one here, which is good for a log line. */
function incoming(channel: string, raw: Buffer): IncomingMessage {
  const { id, key, timeMs, headers, type, source, body, bytes } = readWire(raw)
  return {
    id: id ?? uuid(),
    key,
    timeMs: timeMs ?? Date.now(),
    headers,
    type: type ?? channel,
    source: source ?? sourceDefault,
    body,
    bytes,
    ...(id === null && { isPlain: true }),
  }
}
