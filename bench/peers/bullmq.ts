import { Queue, Worker } from 'bullmq'
import { createClient } from 'redis'
import type { Data, Way } from '../flow/way.ts'

interface Connected extends AsyncDisposable {
  readonly connection: object
}

/** It drives two clients. ioredis is what it comes with; the other one is the faster of the two. */
async function connect(url: string, isTuned: boolean): Promise<Connected> {
  if (!isTuned) {
    const { hostname, port } = new URL(url)
    const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null }
    return { connection, [Symbol.asyncDispose]: async () => {} }
  }
  const connection = await createClient({ url }).connect()
  return { connection, [Symbol.asyncDispose]: async () => connection.destroy() }
}

/** Tuned: jobs that are done are removed, and nothing runs beside the work. */
export const bullmq: Way = {
  async producer({ url, channel, isTuned }) {
    const connected = await connect(url, isTuned)
    const queue = new Queue<Data>(channel, { connection: connected.connection })
    await queue.waitUntilReady()
    const opts = isTuned ? { removeOnComplete: true, removeOnFail: true } : {}
    return {
      one: (data) => queue.add('job', data, opts),
      many: (batch) => queue.addBulk(batch.map((data) => ({ name: 'job', data, opts }))),
      async [Symbol.asyncDispose]() {
        await queue.close()
        await connected[Symbol.asyncDispose]()
      },
    }
  },
  async consumer({ url, channel, concurrency, isTuned }) {
    let came: ((data: Data) => void) | null = null
    const connected = await connect(url, isTuned)
    const worker = new Worker<Data>(channel, async ({ data }) => came?.(data), {
      connection: connected.connection,
      autorun: false,
      concurrency,
      ...(isTuned ? { skipStalledCheck: true, skipLockRenewal: true } : {}),
    })
    worker.on('error', (error) => {
      throw error
    })
    await worker.waitUntilReady()
    return {
      async start({ message, settled }) {
        came = message
        worker.on('completed', () => settled(1))
        void worker.run()
      },
      async [Symbol.asyncDispose]() {
        await worker.close()
        await connected[Symbol.asyncDispose]()
      },
    }
  },
}
