import { liveHoldMax } from '../openChannel.ts'
import { rawRedis } from './rawRedis.ts'
import { type Twin, takeMs } from './twin.ts'

/** PUBLISH and SUBSCRIBE. */
export const pubSubTwin: Twin = {
  prepare: async () => {},
  async sender({ url, channel }) {
    const client = await rawRedis(url)
    return {
      send: async (message) => await client.publish(channel, Buffer.from(message)),
      [Symbol.asyncDispose]: async () => client.destroy(),
    }
  },
  async reader({ url, channel }) {
    const client = await rawRedis(url)
    const held = new Held()
    await client.subscribe(channel, (message) => held.add(message), true)
    return {
      async take(countMax) {
        const messages = await held.take(countMax)
        return messages.map((message) => ({ message, settle: async () => {} }))
      },
      [Symbol.asyncDispose]: async () => client.destroy(),
    }
  },
}

/** What waits for a free handler: as much as narrowcast may hold, and then the oldest goes. */
class Held {
  readonly #messages: Uint8Array[] = []
  #came = Promise.withResolvers<void>()

  add(message: Uint8Array): void {
    this.#messages.push(message)
    if (this.#messages.length > liveHoldMax) this.#messages.shift()
    this.#came.resolve()
  }

  async take(countMax: number): Promise<Uint8Array[]> {
    if (this.#messages.length === 0) {
      this.#came = Promise.withResolvers()
      const late = setTimeout(this.#came.resolve, takeMs)
      await this.#came.promise
      clearTimeout(late)
    }
    return this.#messages.splice(0, countMax)
  }
}
