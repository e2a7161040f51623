import { randomBytes } from 'node:crypto'
import type { ConfirmChannel, Options } from 'amqplib'
import type { Data, Producer, Task } from '../flow/way.ts'
import { rawClient, safely } from './rawClient.ts'

interface Target {
  readonly exchange: string
  readonly routingKey: string
}

/** What lies beside the body. An id it needs, or nobody knew which message came back. */
type Properties = (id: string) => Options.Publish

const leastProperties: Properties = (messageId) => ({ ...safely, messageId })

/** Those that this library writes. */
function alikeProperties(channel: string): Properties {
  const said = { contentType: 'application/json', type: channel, appId: 'narrowcast' }
  return (messageId) => ({
    ...{ ...safely, ...said, messageId },
    headers: { 'ce-time': new Date().toISOString() },
  })
}

/** Confirms for all of a call, and a message that comes back fails it. */
class ConfirmedProducer implements Producer {
  readonly #channel: ConfirmChannel
  readonly #target: Target
  readonly #properties: Properties
  readonly #close: () => Promise<void>
  readonly #idOfAll = randomBytes(16).toString('hex')
  readonly #returned = new Set<string>()
  #ids = 0

  constructor(
    channel: ConfirmChannel,
    target: Target,
    properties: Properties,
    close: () => Promise<void>,
  ) {
    this.#channel = channel
    this.#target = target
    this.#properties = properties
    this.#close = close
    channel.on('return', ({ properties }) => this.#returned.add(properties.messageId))
  }

  one(data: Data): Promise<void> {
    return this.many([data])
  }

  async many(batch: readonly Data[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const { exchange, routingKey } = this.#target
    let open = batch.length
    for (const data of batch) {
      const id = `${this.#idOfAll}-${this.#ids++}`
      const content = Buffer.from(JSON.stringify(data))
      const options = this.#properties(id)
      this.#channel.publish(exchange, routingKey, content, options, (error: Error | null) => {
        if (error !== null) reject(error)
        else if (this.#returned.has(id)) reject(new Error(`message ${id} came back`))
        if (--open === 0) resolve()
      })
    }
    await promise
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}

export async function rawProducer({ url, kind, channel }: Task): Promise<Producer> {
  const client = await rawClient(url)
  const isStream = kind === 'stream'
  const target = isStream
    ? { exchange: channel, routingKey: '' }
    : { exchange: '', routingKey: channel }
  const properties = kind === 'alike' ? alikeProperties(channel) : leastProperties
  const confirming = await client.createConfirmChannel()
  return new ConfirmedProducer(confirming, target, properties, () => client.close())
}
