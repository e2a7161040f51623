import { type RawClient, rawClient } from './rawClient.ts'
import type { Came, Consumer, Data, Producer, Task, Way } from './way.ts'

const takeMax = 500

/** Pops a batch and keeps it beside the list, where the next process would find it. */
const takeScript = `local taken = redis.call('RPOP', KEYS[1], ARGV[1])
if not taken then return {} end
redis.call('RPUSH', KEYS[2], unpack(taken))
return taken`

/** What LPUSH of one or of many costs. */
export async function listProducer({ url, channel }: Task): Promise<Producer> {
  const client = await rawClient(url)
  return {
    one: (data) => client.lPush(channel, JSON.stringify(data)),
    many: (batch) =>
      client.lPush(
        channel,
        batch.map((data) => JSON.stringify(data)),
      ),
    [Symbol.asyncDispose]: async () => client.destroy(),
  }
}

/** One script takes a batch; one command settles it, in the same round trip as the next take. */
class BatchConsumer implements Consumer {
  readonly #client: RawClient
  readonly #sha: string
  readonly #waiting: string
  readonly #held: string
  #working = Promise.resolve()
  #isOver = false

  constructor(client: RawClient, sha: string, { channel }: Task) {
    this.#client = client
    this.#sha = sha
    this.#waiting = channel
    this.#held = `${channel}:held`
  }

  async start(came: Came): Promise<void> {
    this.#working = this.#work(came)
  }

  async #work(came: Came): Promise<void> {
    let next = this.#take()
    while (!this.#isOver) {
      const taken = await next
      next = taken.length > 0 ? this.#take() : this.#wait()
      if (taken.length > 0) await this.#settle(taken, came)
    }
    await next
  }

  async #settle(taken: readonly string[], came: Came): Promise<void> {
    for (const element of taken) came.message(JSON.parse(element) as Data)
    await this.#client.lTrim(this.#held, taken.length, -1)
    came.settled(taken.length)
  }

  async #take(): Promise<readonly string[]> {
    const taken = await this.#client.evalSha(this.#sha, {
      keys: [this.#waiting, this.#held],
      arguments: [String(takeMax)],
    })
    return taken as unknown as readonly string[]
  }

  async #wait(): Promise<readonly string[]> {
    const moved = await this.#client.blMove(this.#waiting, this.#held, 'RIGHT', 'RIGHT', 0.2)
    return moved === null ? [] : [moved]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#working
    this.#client.destroy()
  }
}

export const listBatches: Way = {
  producer: listProducer,
  async consumer(task) {
    const client = await rawClient(task.url)
    return new BatchConsumer(client, await client.scriptLoad(takeScript), task)
  },
}
