/** Positions at which a broker has stored each message. 0 is none. */
export class StoredAt {
  readonly #low: Uint32Array
  readonly #high: Uint32Array
  readonly #twice: Uint8Array

  constructor(messages: number, from?: StoredAt) {
    this.#low = from ? from.#low.slice() : new Uint32Array(messages)
    this.#high = from ? from.#high.slice() : new Uint32Array(messages)
    this.#twice = from ? from.#twice.slice() : new Uint8Array(messages)
  }

  add(message: number, low: number, high: number): void {
    if (low === 0 && high === 0) return
    if (this.#low[message] === 0 && this.#high[message] === 0) {
      this.#low[message] = low
      this.#high[message] = high
    } else if (this.#low[message] !== low || this.#high[message] !== high) {
      this.#twice[message] = 1
    }
  }

  isTwice(message: number): boolean {
    return this.#twice[message] === 1
  }
}
