import { Queue, Worker } from 'groupmq'
import { Redis } from 'ioredis'
import type { Data, Way } from '../flow/way.ts'

/** Tuned: single adds travel together. */
function open(url: string, channel: string, isTuned: boolean) {
  const redis = new Redis(url, { maxRetriesPerRequest: null })
  const queue = new Queue<Data>({
    redis,
    namespace: channel,
    ...(isTuned ? { autoBatch: true } : {}),
  })
  return { redis, queue }
}

export const groupmq: Way = {
  async producer({ url, channel, concurrency, isTuned }) {
    const { redis, queue } = open(url, channel, isTuned)
    // One job of a group runs at a time. As many groups as handlers is what serves it best.
    const groups = Math.max(1, concurrency)
    const add = (data: Data) => queue.add({ groupId: String(data.n % groups), data })
    return {
      one: add,
      many: (batch) => Promise.all(batch.map(add)),
      async [Symbol.asyncDispose]() {
        await queue.close()
        redis.disconnect()
      },
    }
  },
  async consumer({ url, channel, concurrency }) {
    const { redis, queue } = open(url, channel, false)
    let came: ((data: Data) => void) | null = null
    const worker = new Worker<Data>({
      queue,
      concurrency,
      handler: async ({ data }) => came?.(data),
    })
    worker.on('error', (error) => {
      throw error
    })
    return {
      async start({ message, settled }) {
        came = message
        worker.on('completed', () => settled(1))
        void worker.run()
      },
      async [Symbol.asyncDispose]() {
        await worker.close(1_000)
        await queue.close()
        redis.disconnect()
      },
    }
  },
}
