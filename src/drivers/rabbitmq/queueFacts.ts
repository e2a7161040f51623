import type { AmqpChannel, QueueFacts } from './client.ts'

/** Of a second in which the leader of a queue may be busy. */
const asksMax = 4

/**
 * What a queue says of itself. Of a quorum queue whose leader does not answer it within 250 ms a
 * broker says that it has neither messages nor consumers: it is asked again before that is believed.
 */
export async function queueFacts(channel: AmqpChannel, queue: string): Promise<QueueFacts> {
  for (let asks = 1; ; asks++) {
    const facts = await channel.checkQueue(queue)
    if (facts.messageCount > 0 || facts.consumerCount > 0 || asks === asksMax) return facts
  }
}
