import Queue from 'bee-queue'
import type { Data, Way } from '../flow/way.ts'

function open(url: string, channel: string, isWorker: boolean, isTuned: boolean) {
  const { hostname, port } = new URL(url)
  const least = { getEvents: false, sendEvents: false, storeJobs: false }
  const queue = new Queue<Data>(channel, {
    redis: { host: hostname, port: Number(port) },
    isWorker,
    ...(isTuned ? { ...least, removeOnSuccess: true, removeOnFailure: true } : {}),
  })
  queue.on('error', (error) => {
    throw error
  })
  return queue
}

export const beeQueue: Way = {
  async producer({ url, channel, isTuned }) {
    const queue = open(url, channel, false, isTuned)
    await queue.ready()
    return {
      one: (data) => queue.createJob(data).save(),
      async many(batch) {
        const failed = await queue.saveAll(batch.map((data) => queue.createJob(data)))
        for (const error of failed.values()) throw error
      },
      [Symbol.asyncDispose]: () => queue.close(),
    }
  },
  async consumer({ url, channel, concurrency, isTuned }) {
    const queue = open(url, channel, true, isTuned)
    await queue.ready()
    return {
      async start({ message, settled }) {
        queue.on('succeeded', () => settled(1))
        queue.process(concurrency, async ({ data }) => message(data))
      },
      [Symbol.asyncDispose]: () => queue.close(),
    }
  },
}
