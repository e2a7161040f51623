import type { Socket } from 'node:net'

/** Tells when something was asked for and nothing at all, no byte of an answer, came for so long. */
export class Silence {
  readonly #limitMs: number
  readonly #tell: () => void
  #open = 0
  #sinceMs = 0
  #timer: NodeJS.Timeout | null = null
  #isSending = () => false

  constructor(limitMs: number, tell: () => void) {
    this.#limitMs = limitMs
    this.#tell = tell
  }

  asked(): void {
    if (this.#open++ > 0) return
    this.#sinceMs = performance.now()
    if (this.#timer === null) this.#wait(this.#limitMs)
  }

  answered(): void {
    this.#open--
    this.heard()
  }

  /**
   * Sees parts of answers, and large requests on their way, which is where a socket has something
   * to write still: it tells itself when that does not go on.
   */
  watch(socket: Socket): void {
    this.#isSending = () => socket.writableLength > 0
    socket.on('data', () => this.heard())
    socket.setTimeout(this.#limitMs, () => {
      if (this.#open > 0 && this.#isSending()) this.#tell()
    })
  }

  /** A part of an answer is a sign of life: a large one takes its time. */
  heard(): void {
    this.#sinceMs = performance.now()
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #wait(ms: number): void {
    const timer = setTimeout(() => {
      // Where our own event loop stood, answers lie there unread: they are read first.
      setImmediate(() => this.#timer === timer && this.#look())
    }, ms)
    timer.unref()
    this.#timer = timer
  }

  #look(): void {
    this.#timer = null
    if (this.#open === 0) return
    const leftMs = this.#sinceMs + this.#limitMs - performance.now()
    if (leftMs > 0) this.#wait(leftMs)
    else if (this.#isSending()) this.#wait(this.#limitMs)
    else this.#tell()
  }
}
