/** Positions at which a broker has stored each message. 0 is none. */
export class StoredAt {
  #low: Uint32Array
  #high: Uint32Array
  #twice: Uint8Array

  constructor(messages: number) {
    this.#low = new Uint32Array(messages)
    this.#high = new Uint32Array(messages)
    this.#twice = new Uint8Array(messages)
  }

  copy(): StoredAt {
    const copy = new StoredAt(0)
    copy.#low = this.#low.slice()
    copy.#high = this.#high.slice()
    copy.#twice = this.#twice.slice()
    return copy
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
