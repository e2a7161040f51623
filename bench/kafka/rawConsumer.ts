import { Consumer as Client, type Message } from '@platformatic/kafka'
import type { Came, Consumer, Data, Task } from '../flow/way.ts'
import { rawOptions } from './rawClient.ts'

/** As much at once as this library asks for: with all there is in one answer, nothing is handled meanwhile. */
const fetching = { maxWaitTime: 500, maxBytes: 4 * 1_048_576, maxBytesPerPartition: 1_048_576 }

/** No automatic commits: one of all that came in a turn, when it is handled. */
class CommittingConsumer implements Consumer {
  readonly #client: Client
  readonly #topic: string
  #came: Message[] = []
  #committed: Promise<unknown> = Promise.resolve()
  #tell: Came = { message: () => {}, settled: () => {} }

  constructor(client: Client, topic: string) {
    this.#client = client
    this.#topic = topic
  }

  /** It has joined its group when this resolves. */
  async start(came: Came): Promise<void> {
    this.#tell = came
    const stream = await this.#client.consume({
      ...{ topics: [this.#topic], autocommit: false, ...fetching },
      ...{ mode: 'committed', fallbackMode: 'earliest' },
    })
    stream.on('data', (message) => {
      if (this.#came.length === 0) setImmediate(() => this.#handle())
      this.#came.push(message)
    })
    stream.on('error', (error) => {
      throw error
    })
  }

  #handle(): void {
    const came = this.#came
    this.#came = []
    const last = new Map<number, Message>()
    for (const message of came) {
      this.#tell.message(JSON.parse(message.value.toString()) as Data)
      last.set(message.partition, message)
    }
    // The client sends what is asked for meanwhile as one, and keeps the highest of each partition.
    this.#committed = Promise.all([...last.values()].map((message) => message.commit()))
    this.#committed.catch(unhandled)
    this.#tell.settled(came.length)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#committed
    await this.#client.close(true)
  }
}

function unhandled(error: unknown): void {
  queueMicrotask(() => {
    throw error // ends this process: a message that is not committed comes again
  })
}

export async function rawConsumer({ url, kind, channel, group }: Task): Promise<Consumer> {
  const groupId = kind === 'stream' ? group : `${channel}..queue`
  const client = new Client({ ...rawOptions(url), groupId })
  await client.metadata({ topics: [channel] })
  return new CommittingConsumer(client, channel)
}
