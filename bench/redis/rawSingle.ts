import type { Came, Consumer, Data, Task, Way } from '../flow/way.ts'
import { type RawClient, rawClient } from './rawClient.ts'
import { listProducer } from './rawList.ts'

/** What people write first: BLMOVE, the work, LREM; two round trips a message. */
class SingleConsumer implements Consumer {
  readonly #client: RawClient
  readonly #waiting: string
  readonly #held: string
  #working = Promise.resolve()
  #isOver = false

  constructor(client: RawClient, { channel }: Task) {
    this.#client = client
    this.#waiting = channel
    this.#held = `${channel}:held`
  }

  async start(came: Came): Promise<void> {
    this.#working = this.#work(came)
  }

  async #work(came: Came): Promise<void> {
    while (!this.#isOver) {
      const element = await this.#client.blMove(this.#waiting, this.#held, 'RIGHT', 'LEFT', 0.2)
      if (element === null) continue
      came.message(JSON.parse(element) as Data)
      await this.#client.lRem(this.#held, 1, element)
      came.settled(1)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#working
    this.#client.destroy()
  }
}

export const listSingles: Way = {
  producer: listProducer,
  consumer: async (task) => new SingleConsumer(await rawClient(task.url), task),
}
