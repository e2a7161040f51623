/** Tells when something was asked for and nothing at all was answered for so long. */
export class Silence {
  readonly #limitMs: number
  readonly #tell: () => void
  #open = 0
  #sinceMs = 0
  #timer: NodeJS.Timeout | null = null

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
    else this.#tell()
  }
}
