import { randomUUID } from 'node:crypto'
import type { Came, Consumer, Data, Producer, Task, Way } from '../flow/way.ts'
import { type RawClient, rawClient } from './rawClient.ts'

const takeMax = 500

/** Pops a batch and keeps it beside the list, where the next process would find it. */
const takeScript = `local taken = redis.call('RPOP', KEYS[1], ARGV[1])
if not taken then return {} end
redis.call('RPUSH', KEYS[2], unpack(taken))
return taken`

interface Form {
  write(data: Data): string
  read(text: string): Data
}

const bare: Form = {
  write: (data) => JSON.stringify(data),
  read: (text) => JSON.parse(text) as Data,
}

/** As long as what narrowcast writes: who asks for an id, a time and a type pays for them too. */
const cloudEvents: Form = {
  write(data) {
    const time = new Date().toISOString()
    const what = { specversion: '1.0', id: randomUUID(), source: 'narrowcast', type: 'bench', time }
    return JSON.stringify({ ...what, datacontenttype: 'application/json', data })
  },
  read: (text) => (JSON.parse(text) as { data: Data }).data,
}

const formOf = ({ kind }: Task) => (kind === 'cloudEvents' ? cloudEvents : bare)

/** What LPUSH of one or of many costs. */
export async function listProducer(task: Task): Promise<Producer> {
  const { url, channel } = task
  const client = await rawClient(url)
  const { write } = formOf(task)
  return {
    one: (data) => client.lPush(channel, write(data)),
    many: (batch) => client.lPush(channel, batch.map(write)),
    [Symbol.asyncDispose]: async () => client.destroy(),
  }
}

/** One script takes a batch; one command settles it, in the same round trip as the next take. */
class BatchConsumer implements Consumer {
  readonly #client: RawClient
  readonly #sha: string
  readonly #waiting: string
  readonly #held: string
  readonly #form: Form
  #working = Promise.resolve()
  #isOver = false

  constructor(client: RawClient, sha: string, task: Task) {
    this.#client = client
    this.#sha = sha
    this.#waiting = task.channel
    this.#held = `${task.channel}:held`
    this.#form = formOf(task)
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
    for (const element of taken) came.message(this.#form.read(element))
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
