import type { Waiting } from './queue.ts'

/** The batch that was handed to the channels and is not answered yet. */
export class SenderOnTheWay {
  #batch: readonly Waiting[] = []
  /** The part that is held in memory alone. */
  #memory = { count: 0, bytes: 0 }

  get batch(): readonly Waiting[] {
    return this.#batch
  }

  get memory(): { readonly count: number; readonly bytes: number } {
    return this.#memory
  }

  set(batch: readonly Waiting[]): void {
    this.#batch = batch
    const inMemory = batch.filter(({ isSpooled }) => !isSpooled)
    const bytes = inMemory.reduce((sum, { message }) => sum + message.bytes, 0)
    this.#memory = { count: inMemory.length, bytes }
  }
}
