import { setTimeout as sleep } from 'node:timers/promises'
import { randomName } from '../../../core/ids.ts'
import type { Connection } from '../connection.ts'
import { droppedName, droppedOptions, subscriberOptions } from '../layout.ts'
import { replyCodeOf } from '../rabbitmqErrors.ts'

export interface Claim {
  readonly connection: Connection
  readonly queue: string
  /** Somebody else has the queue of this name, and is to leave. */
  readonly claimed: () => void
}

/** RESOURCE_LOCKED of AMQP 0-9-1: an exclusive queue of another connection. */
const lockedCode = 405
const retryMs = 20
/** How long one that has the name may take to leave; it does when it is frozen, or far away. */
const leaveMsMax = 2_000

/** The queue of that name, or where whoever has it does not leave, another one. */
export async function claimQueue({ connection, queue, claimed }: Claim): Promise<string> {
  const untilMs = performance.now() + leaveMsMax
  let isTold = false
  for (;;) {
    try {
      await declare(connection, queue)
      return queue
    } catch (error) {
      if (replyCodeOf(error instanceof Error ? error.cause : null) !== lockedCode) throw error
    }
    if (!isTold) claimed()
    isTold = true
    if (performance.now() > untilMs) break
    await sleep(retryMs * (0.5 + Math.random()))
  }
  const other = `${queue}:${randomName(16)}`
  await declare(connection, other)
  return other
}

/** Both: they go one after the other with the connection that had them. */
async function declare(connection: Connection, queue: string): Promise<void> {
  await connection.ask('subscribe', undefined, async (channel) => {
    await channel.assertQueue(queue, subscriberOptions(queue))
    await channel.assertQueue(droppedName(queue), droppedOptions)
  })
}

/** Gone, with what is in it. */
export async function removeQueue(connection: Connection, queue: string): Promise<void> {
  await connection.ask('unsubscribe', undefined, async (channel) => {
    await channel.deleteQueue(queue)
    await channel.deleteQueue(droppedName(queue))
  })
}
