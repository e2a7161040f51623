import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import type { Came, Consumer, Data, Task } from '../flow/way.ts'
import { rawClient } from './rawClient.ts'

/** What `concurrency` handlers of batches, or of one message each, hold in this library. */
const batchSize = 500
const prefetchOf = ({ concurrency, isBatch }: Task) => 2 * concurrency * (isBatch ? batchSize : 1)

/** Manual acknowledgements: one for all that came in a turn, or one each. */
class AckingConsumer implements Consumer {
  readonly #client: ChannelModel
  readonly #channel: Channel
  readonly #queue: string
  readonly #isEach: boolean
  #came: ConsumeMessage[] = []
  #tell: Came = { message: () => {}, settled: () => {} }

  constructor(client: ChannelModel, channel: Channel, queue: string, isEach: boolean) {
    this.#client = client
    this.#channel = channel
    this.#queue = queue
    this.#isEach = isEach
  }

  async start(came: Came): Promise<void> {
    this.#tell = came
    await this.#channel.consume(this.#queue, (message) => {
      if (message === null) throw new Error(`queue ${this.#queue}: the subscription has ended`)
      if (this.#isEach) this.#each(message)
      else this.#together(message)
    })
  }

  #each(message: ConsumeMessage): void {
    this.#handle(message)
    this.#channel.ack(message)
    this.#tell.settled(1)
  }

  #together(message: ConsumeMessage): void {
    if (this.#came.length === 0) setImmediate(() => this.#ack())
    this.#came.push(message)
  }

  #ack(): void {
    const came = this.#came
    this.#came = []
    for (const message of came) this.#handle(message)
    this.#channel.ack(came.at(-1) as ConsumeMessage, true)
    this.#tell.settled(came.length)
  }

  #handle({ content }: ConsumeMessage): void {
    this.#tell.message(JSON.parse(content.toString()) as Data)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel.close()
    await this.#client.close()
  }
}

export async function rawConsumer(task: Task): Promise<Consumer> {
  const { url, kind, channel, group } = task
  const client = await rawClient(url)
  const consuming = await client.createChannel()
  await consuming.prefetch(prefetchOf(task))
  const queue = kind === 'stream' ? `${channel}:g:${group}` : channel
  return new AckingConsumer(client, consuming, queue, kind === 'ackEach')
}
