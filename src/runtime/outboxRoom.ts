import { NarrowcastError } from '../core/errors.ts'
import type { ChannelPlan } from './channelOptions.ts'
import { abortedError } from './thrown.ts'

/** The bounds of an outbox, and who waits for room in it. What is on its way takes room too. */
export class OutboxRoom {
  readonly #plan: ChannelPlan
  readonly #waiters = new Set<(value: unknown) => void>()
  #messages = 0
  #bytes = 0

  constructor(plan: ChannelPlan) {
    this.#plan = plan
  }

  get isFull(): boolean {
    const { messagesMax, bytesMax } = this.#plan.outbox
    return this.#messages >= messagesMax || this.#bytes >= bytesMax
  }

  take(bytes: number): void {
    this.#messages++
    this.#bytes += bytes
  }

  give(bytes: number): void {
    this.#messages--
    this.#bytes -= bytes
    if (!this.isFull) this.wakeAll()
  }

  /** Resolves when there is room, or after `wakeAll` when waiting is over. */
  async wait(isOver: () => boolean, signal?: AbortSignal): Promise<void> {
    while (this.isFull && !isOver() && !signal?.aborted) {
      const room = Promise.withResolvers<unknown>()
      this.#waiters.add(room.resolve)
      signal?.addEventListener('abort', room.resolve)
      await room.promise
      this.#waiters.delete(room.resolve)
      signal?.removeEventListener('abort', room.resolve)
    }
    if (signal?.aborted) {
      const { name } = this.#plan.spec
      const where = { channel: name, operation: 'writable', definite: true }
      throw abortedError(`waiting for room on "${name}"`, signal, where)
    }
  }

  wakeAll(): void {
    for (const resume of this.#waiters) resume(undefined)
  }

  busyError(): NarrowcastError {
    const { outbox, spec } = this.#plan
    return new NarrowcastError(
      'BUSY',
      `publish to "${spec.name}": the outbox is full (${this.#messages} of ${outbox.messagesMax} messages, ${this.#bytes} of ${outbox.bytesMax} bytes)`,
      {
        channel: spec.name,
        operation: 'publish',
        hint: 'await channel.writable() before the next publish, or use publishMany.',
      },
    )
  }
}
