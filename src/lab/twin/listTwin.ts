import { rawRedis } from './rawRedis.ts'
import { type Taken, type Twin, takeMs } from './twin.ts'

/** The reliable queue: LPUSH; BLMOVE to a list of the reader's own, and LREM from it when it is done. */
export const listTwin: Twin = {
  prepare: async () => {},
  async sender({ url, channel }) {
    const client = await rawRedis(url)
    return {
      async send(message) {
        await client.lPush(channel, Buffer.from(message))
        return undefined
      },
      [Symbol.asyncDispose]: async () => client.destroy(),
    }
  },
  async reader({ url, channel, reader }) {
    const taking = await rawRedis(url) // whoever waits in a command blocks its connection
    const settling = await rawRedis(url)
    const inHand = `${channel}:${reader}`
    return {
      async take(): Promise<Taken[]> {
        const moved = await taking.blMove(channel, inHand, 'RIGHT', 'LEFT', takeMs / 1_000)
        if (moved === null) return []
        const settle = async () => void (await settling.lRem(inHand, -1, moved))
        return [{ message: moved, settle }]
      },
      async [Symbol.asyncDispose]() {
        taking.destroy()
        settling.destroy()
      },
    }
  },
}
