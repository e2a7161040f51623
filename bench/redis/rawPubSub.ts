import type { Data, Way } from '../flow/way.ts'
import { rawClient } from './rawClient.ts'

/** PUBLISH, many of them in an explicit pipeline; one subscriber. */
export const pubSub: Way = {
  async producer({ url, channel }) {
    const client = await rawClient(url)
    return {
      one: (data) => client.publish(channel, JSON.stringify(data)),
      many: (batch) => {
        const pipeline = client.multi()
        for (const data of batch) pipeline.publish(channel, JSON.stringify(data))
        return pipeline.execAsPipeline()
      },
      [Symbol.asyncDispose]: async () => client.destroy(),
    }
  },
  async consumer({ url, channel }) {
    const client = await rawClient(url)
    return {
      async start(came) {
        await client.subscribe(channel, (text) => {
          came.message(JSON.parse(text) as Data)
          came.settled(1)
        })
      },
      [Symbol.asyncDispose]: async () => client.destroy(),
    }
  },
}
