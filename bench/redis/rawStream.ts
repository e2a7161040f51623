import type { Came, Consumer, Data, Task, Way } from '../flow/way.ts'
import { type RawClient, rawClient } from './rawClient.ts'

const takeMax = 100
const waitMs = 200

interface Entry {
  readonly id: string
  readonly message: { readonly data: string }
}

/** XREADGROUP of 100, and XACK of them in the same round trip as the next read. */
class GroupConsumer implements Consumer {
  readonly #client: RawClient
  readonly #stream: string
  readonly #group: string
  #working = Promise.resolve()
  #isOver = false

  constructor(client: RawClient, { channel, group }: Task) {
    this.#client = client
    this.#stream = channel
    this.#group = group
  }

  async start(came: Came): Promise<void> {
    await this.#client.xGroupCreate(this.#stream, this.#group, '0', { MKSTREAM: true })
    this.#working = this.#work(came)
  }

  async #work(came: Came): Promise<void> {
    let next = this.#read()
    while (!this.#isOver) {
      const entries = await next
      next = entries.length > 0 ? this.#read() : this.#read(waitMs)
      if (entries.length > 0) await this.#settle(entries, came)
    }
    await next
  }

  async #read(blockMs?: number): Promise<readonly Entry[]> {
    const options = { COUNT: takeMax, ...(blockMs === undefined ? {} : { BLOCK: blockMs }) }
    const from = { key: this.#stream, id: '>' }
    const reply = await this.#client.xReadGroup(this.#group, 'one', from, options)
    return ((reply as unknown as { messages: Entry[] }[] | null)?.[0]?.messages ?? []) as Entry[]
  }

  async #settle(entries: readonly Entry[], came: Came): Promise<void> {
    for (const { message } of entries) came.message(JSON.parse(message.data) as Data)
    await this.#client.xAck(
      this.#stream,
      this.#group,
      entries.map(({ id }) => id),
    )
    came.settled(entries.length)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#working
    this.#client.destroy()
  }
}

export const stream: Way = {
  async producer({ url, channel }) {
    const client = await rawClient(url)
    return {
      one: (data) => client.xAdd(channel, '*', { data: JSON.stringify(data) }),
      many: (batch) => {
        const pipeline = client.multi()
        for (const data of batch) pipeline.xAdd(channel, '*', { data: JSON.stringify(data) })
        return pipeline.execAsPipeline()
      },
      [Symbol.asyncDispose]: async () => client.destroy(),
    }
  },
  consumer: async (task) => new GroupConsumer(await rawClient(task.url), task),
}
