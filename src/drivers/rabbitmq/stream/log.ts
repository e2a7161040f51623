import type { AmqpMessage } from '../client.ts'
import type { Connection } from '../connection.ts'
import { endChannel } from '../endChannel.ts'
import { asRabbitmqError } from '../rabbitmqErrors.ts'

const aheadMax = 500

/**
 * What a stream queue keeps, in its order, without an end: whoever has enough leaves the loop. At most
 * so much is ahead of who reads. Nothing is taken out by it.
 * @see https://www.rabbitmq.com/docs/streams#consuming
 */
export async function* readLog(
  connection: Connection,
  queue: string,
  from: 'first' | 'last' | { readonly sinceMs: number },
  signal: AbortSignal,
): AsyncGenerator<readonly AmqpMessage[]> {
  const channel = await connection.channel()
  let came: AmqpMessage[] = []
  let wake = () => {}
  let isOver = false
  const end = () => {
    isOver = true
    wake()
  }
  channel.on('close', end)
  signal.addEventListener('abort', end)
  try {
    await channel.prefetch(aheadMax)
    const listener = (raw: AmqpMessage | null) => {
      if (raw === null) return end()
      came.push(raw)
      wake()
    }
    await channel.consume(queue, listener, {
      arguments: { 'x-stream-offset': offsetArgument(from) },
    })
    for (;;) {
      while (came.length === 0 && !isOver) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      signal.throwIfAborted()
      if (isOver) throw new Error(`the broker has ended the reading of "${queue}"`)
      const batch = came
      came = []
      yield batch
      channel.ack(batch.at(-1) as AmqpMessage, true)
    }
  } catch (error) {
    signal.throwIfAborted()
    if (connection.ended.aborted) throw connection.ended.reason
    throw asRabbitmqError(error, 'read')
  } finally {
    signal.removeEventListener('abort', end)
    await endChannel(channel)
  }
}

/** In whole seconds, and whole chunks: it begins somewhat earlier. */
function offsetArgument(from: 'first' | 'last' | { readonly sinceMs: number }) {
  if (typeof from === 'string') return from
  return { '!': 'timestamp', value: Math.floor(from.sinceMs / 1_000) } as const
}

/** Rises by one with each message of a stream queue. */
export function offsetOf({ properties }: AmqpMessage): number {
  return Number(properties.headers?.['x-stream-offset'])
}
