import { setTimeout as sleep } from 'node:timers/promises'
import type { AmqpChannel } from './client.ts'
import type { Connection } from './connection.ts'
import { endChannel } from './endChannel.ts'
import { lockName, lockOptions } from './layout.ts'
import { asRabbitmqError, replyCodeOf } from './rabbitmqErrors.ts'

const retryMs = 20

/**
 * One at a time for each queue, over all processes: an exclusive queue belongs to the connection
 * that declares it and goes with it. AMQP neither says whether a declaration has made something, nor
 * shows what another has in hand.
 */
export class Locks {
  readonly #connection: Connection
  /** Exclusive is what a connection has: within this one they wait here. */
  readonly #last = new Map<string, Promise<unknown>>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** @throws what `work` throws, CONNECTION_LOST; the reason of the signal */
  async with<T>(
    queue: string,
    operation: string,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    const before = this.#last.get(queue)
    const turn = Promise.withResolvers<void>()
    this.#last.set(queue, turn.promise)
    try {
      await before
      return await this.#locked(lockName(queue), operation, signal, work)
    } finally {
      turn.resolve()
      if (this.#last.get(queue) === turn.promise) this.#last.delete(queue)
    }
  }

  async #locked<T>(
    name: string,
    operation: string,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    const channel = await this.#take(name, operation, signal)
    try {
      return await work()
    } finally {
      await channel
        .deleteQueue(name)
        .then(() => endChannel(channel))
        .catch(() => {}) // the connection has ended, and the lock with it
    }
  }

  async #take(name: string, operation: string, signal: AbortSignal): Promise<AmqpChannel> {
    for (;;) {
      signal.throwIfAborted()
      const channel = await this.#connection.channel()
      try {
        await channel.assertQueue(name, lockOptions)
        return channel
      } catch (error) {
        if (this.#connection.ended.aborted) throw this.#connection.ended.reason
        if (replyCodeOf(error) !== lockedCode) throw asRabbitmqError(error, operation)
      }
      await sleep(retryMs * (0.5 + Math.random()), undefined, { signal })
    }
  }
}

/** RESOURCE_LOCKED of AMQP 0-9-1. */
const lockedCode = 405
