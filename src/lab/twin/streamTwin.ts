import { type RawRedis, rawRedis } from './rawRedis.ts'
import { type Taken, type Twin, type TwinPlace, takeMs } from './twin.ts'

interface Entry {
  readonly id: Buffer
  readonly message: { readonly data: Buffer }
}

/** XADD; XREADGROUP, XACK when it is done, XAUTOCLAIM of what others had for longer than a lease. */
export const streamTwin: Twin = {
  async prepare(place) {
    const client = await rawRedis(place.url)
    await client.xGroupCreate(place.channel, groupOf(place), '0', { MKSTREAM: true })
    client.destroy()
  },
  async sender({ url, channel }) {
    const client = await rawRedis(url)
    return {
      async send(message) {
        await client.xAdd(channel, '*', { data: Buffer.from(message) })
        return undefined
      },
      [Symbol.asyncDispose]: async () => client.destroy(),
    }
  },
  async reader(place) {
    const taking = await rawRedis(place.url) // whoever waits in a command blocks its connection
    const settling = await rawRedis(place.url)
    let claimedMs = performance.now()
    return {
      async take(countMax) {
        if (performance.now() - claimedMs >= place.leaseMs) {
          claimedMs = performance.now()
          const claimed = await claim(taking, place, countMax)
          if (claimed.length > 0) return claimed.map((entry) => taken(settling, place, entry))
        }
        const read = await readNew(taking, place, countMax)
        return read.map((entry) => taken(settling, place, entry))
      },
      async [Symbol.asyncDispose]() {
        taking.destroy()
        settling.destroy()
      },
    }
  },
}

function groupOf({ group }: TwinPlace): string {
  return group ?? 'workers'
}

async function readNew(client: RawRedis, place: TwinPlace, count: number): Promise<Entry[]> {
  const { channel, reader } = place
  const from = { key: channel, id: '>' }
  const options = { COUNT: count, BLOCK: takeMs }
  const reply = await client.xReadGroup(groupOf(place), reader, from, options)
  return (reply as unknown as { messages: Entry[] }[] | null)?.[0]?.messages ?? []
}

async function claim(client: RawRedis, place: TwinPlace, count: number): Promise<Entry[]> {
  const { channel, reader, leaseMs } = place
  const options = { COUNT: count }
  const reply = await client.xAutoClaim(channel, groupOf(place), reader, leaseMs, '0', options)
  return reply.messages.filter((entry) => entry !== null) as unknown as Entry[]
}

/** Of a queue nobody else reads it: it is removed. */
function taken(client: RawRedis, place: TwinPlace, { id, message }: Entry): Taken {
  const { channel, group } = place
  return {
    message: message.data,
    async settle() {
      await Promise.all([
        client.xAck(channel, groupOf(place), id),
        ...(group === null ? [client.xDel(channel, id)] : []),
      ])
    },
  }
}
