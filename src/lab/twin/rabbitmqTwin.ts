import { type ChannelModel, type ConsumeMessage, connect } from 'amqplib'
import { type Taken, type Twin, takeMs } from './twin.ts'

/**
 * A quorum queue; persistent messages, confirmed and mandatory; a consumer that is given as many as it
 * handles at once, and acknowledges each when it is done.
 */
export const rabbitmqTwin: Twin = {
  async prepare({ url, channel: queue }) {
    const client = await rawRabbitmq(url)
    const channel = await client.createChannel()
    const quorum = { durable: true, arguments: { 'x-queue-type': 'quorum' } }
    await channel.assertQueue(queue, quorum)
    await client.close()
  },
  async sender({ url, channel: queue }) {
    const client = await rawRabbitmq(url)
    const channel = await client.createConfirmChannel()
    channel.on('return', () => {
      throw new Error(`queue ${queue} is gone`)
    })
    return {
      async send(message) {
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        const options = { persistent: true, mandatory: true }
        channel.publish('', queue, Buffer.from(message), options, (error) => {
          if (error) reject(error)
          else resolve()
        })
        await promise
        return undefined
      },
      [Symbol.asyncDispose]: () => client.close(),
    }
  },
  async reader({ url, channel: queue }) {
    const client = await rawRabbitmq(url)
    const channel = await client.createChannel()
    const came: ConsumeMessage[] = []
    let isConsuming = false
    let wake = () => {}
    return {
      async take(countMax): Promise<Taken[]> {
        if (!isConsuming) {
          isConsuming = true
          await channel.prefetch(countMax) // the first time it has nothing in hand
          await channel.consume(queue, (message) => {
            if (message !== null) came.push(message)
            wake()
          })
        }
        if (came.length === 0) {
          const { promise, resolve } = Promise.withResolvers<void>()
          wake = resolve
          const late = setTimeout(resolve, takeMs)
          await promise
          clearTimeout(late)
        }
        return came.splice(0, countMax).map((message) => ({
          message: message.content,
          settle: async () => channel.ack(message),
        }))
      },
      [Symbol.asyncDispose]: () => client.close(),
    }
  },
}

/** A client that fails for good when its connection breaks: no fault is planned. */
async function rawRabbitmq(url: string): Promise<ChannelModel> {
  return await connect(url.replace(/\?.*$/, ''), { noDelay: true }) // options are of narrowcast
}
