import amqp, { type ChannelModel, type Options } from 'amqplib'

/** A connection that fails for good when it breaks. */
export async function rawClient(url: string): Promise<ChannelModel> {
  const client = await amqp.connect(url, { noDelay: true })
  client.on('error', (error: unknown) => {
    throw error
  })
  return client
}

/** What a queue has to be asked for that its broker may lose no message of. */
export const safely: Options.Publish = { mandatory: true, persistent: true }
