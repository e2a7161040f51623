import type { AmqpChannel, AmqpMessage } from '../client.ts'
import { queueFacts } from '../queueFacts.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'

/** Nothing comes for so long, though it is there: another program has the right to it. */
const idleMs = 5_000
/** A quorum queue gives a consumer no more than that in hand, unless it asks for more. */
const perConsumer = 2_000

export interface TakenOut {
  readonly count: number
  /** What was taken before it is behind it. Null: nothing was. */
  readonly last: AmqpMessage | null
}

/**
 * Takes all that lies in a queue out, as fast as the broker hands it over, until `show` says that it
 * has seen enough. It is in hand then, and to be put back. @throws UNAVAILABLE
 */
export async function takeOut(
  amqp: AmqpChannel,
  queue: string,
  signal: AbortSignal,
  show: (raw: AmqpMessage) => boolean,
): Promise<TakenOut> {
  const taken = { count: 0, last: null as AmqpMessage | null }
  const tags: string[] = []
  let expected = (await queueFacts(amqp, queue)).messageCount
  if (expected === 0) return taken
  let isEnough = false
  let step = Promise.withResolvers<void>()
  const stop = () => {
    isEnough = true
    step.resolve()
  }
  const take = (raw: AmqpMessage | null) => {
    if (raw === null) return stop() // the queue is gone
    taken.last = raw
    taken.count++
    idle.refresh()
    if (!isEnough && show(raw)) isEnough = true
    if (isEnough || taken.count >= Math.min(expected, tags.length * perConsumer)) step.resolve()
  }
  const idle = setTimeout(() => step.resolve(), idleMs)
  signal.addEventListener('abort', stop, { once: true })
  try {
    await amqp.prefetch(perConsumer)
    while (!isEnough) {
      step = Promise.withResolvers()
      const { count } = taken
      if (count >= tags.length * perConsumer)
        tags.push((await amqp.consume(queue, take)).consumerTag)
      if (taken.count < expected) await step.promise
      const wasIdle = taken.count === count
      const { messageCount: more } = await queueFacts(amqp, queue)
      if (more === 0 && (wasIdle || taken.count >= expected)) break
      if (wasIdle) throw withheld(queue, more)
      // More have died since, or were on their way back from who looked before.
      expected = Math.max(expected, taken.count + more)
      idle.refresh()
    }
    for (const tag of tags) await amqp.cancel(tag)
    signal.throwIfAborted()
    return taken
  } finally {
    clearTimeout(idle)
    signal.removeEventListener('abort', stop)
  }
}

function withheld(queue: string, more: number) {
  const text = `${more} messages of ${queue} were not handed over in ${idleMs} ms`
  return rabbitmqError('UNAVAILABLE', 'deadLetters', text, {
    hint: 'Does another program read that queue with x-single-active-consumer?',
  })
}
