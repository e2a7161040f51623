import type { AmqpChannel } from './client.ts'

const endMsMax = 2_000

/**
 * Resolves when the broker has carried out what was sent on the channel before, or the channel has
 * ended in another way; at the latest after 2 s, for a broker that stands still. The client by itself
 * waits for ever where the connection ends meanwhile.
 */
export async function endChannel(channel: AmqpChannel): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const late = setTimeout(resolve, endMsMax)
  channel.on('close', resolve)
  channel.close().then(resolve, resolve) // it rejects where the channel had ended already
  await promise
  clearTimeout(late)
}
