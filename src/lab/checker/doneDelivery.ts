/**
 * When the delivery that was done first was received. It is the first one of nearly every message:
 * only what was received again is written down here.
 */
export class DoneDelivery {
  readonly #lastReceivedNs = new Map<number, number>()
  readonly #receivedNs = new Map<number, number>()

  /** Once more. `firstNs`: when it was received first, as far as is known until now. */
  receivedAgain(message: number, timeNs: number, firstNs: number, isDone: boolean): void {
    this.#lastReceivedNs.set(message, timeNs)
    if (isDone && !this.#receivedNs.has(message)) this.#receivedNs.set(message, firstNs)
  }

  /** The delivery that was received last is the one that was done first, as far as is known. */
  done(message: number, timesReceived: number): void {
    if (timesReceived === 1) return
    this.#receivedNs.set(message, this.#lastReceivedNs.get(message) ?? Number.NaN)
  }

  /** What was not done by its first delivery. */
  *redelivered(firstReceivedNs: Float64Array): Iterable<number> {
    for (const [message, receivedNs] of this.#receivedNs) {
      if (receivedNs > (firstReceivedNs[message] as number)) yield message
    }
  }
}
