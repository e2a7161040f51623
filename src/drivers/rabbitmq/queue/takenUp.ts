import { setTimeout as sleep } from 'node:timers/promises'
import type { AmqpChannel } from '../client.ts'

/** Measured on RabbitMQ 3.10: 34 are taken up by themselves. */
const atOnce = 16
const recentMs = 1_000
const waitMs = 10
const waitsMax = 10

/**
 * A quorum queue takes up some thirty acknowledgements of a channel at once. The broker keeps the
 * others until these are on its disk, and forgets them where the channel ends before: what they were
 * for comes again. AMQP answers none of them, so that a channel is not ended right behind many.
 */
export class AcksTakenUp {
  #frames = 0
  #lastMs = Number.NEGATIVE_INFINITY

  sent(frames: number): void {
    const nowMs = performance.now()
    this.#frames = nowMs - this.#lastMs > recentMs ? frames : this.#frames + frames
    this.#lastMs = nowMs
  }

  /** Resolves when what was sent can be believed to be taken up. */
  async wait(channel: AmqpChannel, queue: string, signal: AbortSignal): Promise<void> {
    const areMany = this.#frames > atOnce && performance.now() - this.#lastMs < recentMs
    for (let n = 0; areMany && n < waitsMax && !signal.aborted; n++) {
      await channel.checkQueue(queue) // the broker has done something else meanwhile
      await sleep(waitMs)
    }
  }

  /** Resolves when it is taken up, for a channel that goes on. */
  async known(channel: AmqpChannel, queue: string, signal: AbortSignal): Promise<void> {
    const before = this.#frames
    await this.wait(channel, queue, signal)
    await channel.checkQueue(queue)
    this.#frames = Math.max(0, this.#frames - before)
  }
}
