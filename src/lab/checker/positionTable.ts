const slotsMin = 1024
/** In place of a message. */
const several = 0xffff_ffff

/**
 * Which message was seen at which position. An open hash table in three arrays: a Map of numbers
 * of 64 bits would take seconds, and ten times the memory.
 */
export class PositionTable {
  /** Positions at which more than one message was seen. */
  conflicts = 0
  #taken = 0
  #low = new Uint32Array(slotsMin)
  #high = new Uint32Array(slotsMin)
  /** By slot: the message and one, or `several`; 0: free. */
  #message = new Uint32Array(slotsMin)

  /** Position 0 is none. */
  see(low: number, high: number, message: number): void {
    if (low === 0 && high === 0) return
    const slot = this.#slotOf(low, high)
    const before = this.#message[slot] as number
    if (before === 0) {
      this.#put(slot, low, high, message + 1)
      if (++this.#taken * 2 > this.#message.length) this.#grow()
    } else if (before !== several && before !== message + 1) {
      this.#message[slot] = several
      this.conflicts++
    }
  }

  /** Where it stands, or the free slot where it belongs. */
  #slotOf(low: number, high: number): number {
    const last = this.#message.length - 1
    let hash = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1)
    hash ^= hash >>> 15
    let slot = hash & last
    while (this.#message[slot] !== 0 && (this.#low[slot] !== low || this.#high[slot] !== high)) {
      slot = (slot + 1) & last
    }
    return slot
  }

  #put(slot: number, low: number, high: number, message: number): void {
    this.#low[slot] = low
    this.#high[slot] = high
    this.#message[slot] = message
  }

  #grow(): void {
    const [lows, highs, messages] = [this.#low, this.#high, this.#message]
    this.#low = new Uint32Array(lows.length * 2)
    this.#high = new Uint32Array(lows.length * 2)
    this.#message = new Uint32Array(lows.length * 2)
    messages.forEach((message, at) => {
      const [low, high] = [lows[at] as number, highs[at] as number]
      if (message !== 0) this.#put(this.#slotOf(low, high), low, high, message)
    })
  }
}
