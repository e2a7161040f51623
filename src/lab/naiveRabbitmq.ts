import { type ChannelModel, connect, type Options } from 'amqplib'
import type { Driver, Publisher, Session } from '../core/driver.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { OutgoingMessage, PublishOutcome } from '../core/message.ts'
import { frameOf } from '../drivers/rabbitmq/wire.ts'

/**
 * RabbitMQ as it is published to without a library: to an exchange, and what no queue is bound for is
 * confirmed, and gone. Queues are bound by those who read them.
 */
export function naiveRabbitmq(driver: Driver, url: string): Driver {
  return {
    ...driver,
    async open(on, signal) {
      const session = await driver.open(on, signal)
      const client = await connect(url.replace(/\?.*$/, '')) // options are of narrowcast
      client.on('error', () => {}) // `close` says the same
      client.on('close', () => on.closed(lost()))
      return naive(session, client)
    },
  }
}

function naive(session: Session, client: ChannelModel): Session {
  return {
    info: session.info,
    admin: session.admin,
    contract: (...of) => session.contract(...of),
    publisher: ({ name }) => publisher(client, name),
    async source(spec, ...of) {
      const source = await session.source(spec, ...of)
      const channel = await client.createChannel()
      await channel.assertExchange(exchangeOf(spec.name), 'direct')
      await channel.bindQueue(spec.name, exchangeOf(spec.name), spec.name)
      await channel.close()
      return source
    },
    async [Symbol.asyncDispose]() {
      client.removeAllListeners('close')
      await client.close().catch(() => {}) // it has ended with its broker
      await session[Symbol.asyncDispose]()
    },
  }
}

async function publisher(client: ChannelModel, queue: string): Promise<Publisher> {
  const channel = await client.createConfirmChannel()
  channel.on('error', () => {})
  const exchange = exchangeOf(queue)
  await channel.assertExchange(exchange, 'direct')
  const send = (message: OutgoingMessage) =>
    new Promise<PublishOutcome>((resolve) => {
      const { content, properties } = frameOf(message, { isPlain: false })
      const options = { ...properties, persistent: true } as Options.Publish
      channel.publish(exchange, queue, content, options, (error) => {
        const { code, message: text } = lost()
        resolve(
          error ? { state: 'unknown', code, message: text } : { state: 'stored', duplicate: false },
        )
      })
    })
  return {
    publish: async (batch) => await Promise.all(batch.map(send)),
    [Symbol.asyncDispose]: async () => {},
  }
}

function exchangeOf(queue: string): string {
  return `${queue}.published`
}

function lost(): NarrowcastError {
  return new NarrowcastError('CONNECTION_LOST', 'lab: the connection to the broker is lost')
}
