import { uuid } from '../../../core/ids.ts'
import type { IncomingMessage } from '../../../core/message.ts'
import { OwnForm } from '../ownForm.ts'
import { readWire, sourceDefault, wireBodyBytes } from '../wire.ts'

interface Unread {
  /** Its bytes, each as one character: that is several times as light as a buffer. */
  readonly raw: string
  readonly bytes: number
}

/** What was taken is cut off in pieces: that costs the same however many wait. */
const compactAt = 1_024

/** What came and was not asked for yet. Beyond its bounds the oldest goes. */
export class Inbox {
  readonly #channel: string
  readonly #hold: { readonly messages: number; readonly bytes: number }
  readonly #ownForm = new OwnForm()
  /** What was taken is undefined. */
  #unread: (Unread | undefined)[] = []
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
  put(bytes: Buffer): void {
    const raw = bytes.toString('latin1')
    const size = wireBodyBytes(raw)
    this.#unread.push({ raw, bytes: size })
    this.#bytes += size
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
      left -= (this.#unread[this.#first] as Unread).bytes
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

  #shift(): string {
    const { raw, bytes } = this.#unread[this.#first] as Unread
    this.#bytes -= bytes
    this.#unread[this.#first] = undefined
    this.#first++
    if (this.#first === this.#unread.length || this.#first > compactAt + this.size) {
      this.#unread = this.#unread.slice(this.#first)
      this.#first = 0
    }
    return raw
  }

  #read(raw: string): IncomingMessage {
    const isAscii = Buffer.byteLength(raw) === raw.length
    const own = isAscii ? this.#ownForm.read(raw) : null
    if (own !== null) return own
    const message = incoming(this.#channel, Buffer.from(raw, 'latin1'))
    this.#ownForm.learn(message)
    return message
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
