import { describe, expect, test } from 'vitest'
import type { Bus } from '../../src/index.ts'
import { channelName, missing, named, ourBus, theirClient } from './redisForeign.ts'

/** How another program writes, and by which URL and pattern we read it. */
const ways = [
  ['broadcast', '', (name: string) => ['PUBLISH', name, '7']],
  ['narrowcast', '', (name: string) => ['PUBLISH', name, '7']],
  ['queue', '', (name: string) => ['LPUSH', name, '7']],
  ['queue', '?queue=stream', (name: string) => ['XADD', name, '*', 'data', '7']],
  ['stream', '', (name: string) => ['XADD', name, '*', 'data', '7']],
] as const

/** Resolves with type and source that the handler was given, once somebody reads. */
async function given(bus: Bus, pattern: (typeof ways)[number][0], name: string) {
  const told = Promise.withResolvers<unknown[]>()
  const options = pattern === 'stream' ? { group: 'readers', from: 'first' as const } : {}
  const channel = bus[pattern]<unknown>(name)
  const worker = channel.subscribe(
    (data, { message }) => {
      told.resolve([data, message.type, message.source])
    },
    options as { group: string },
  )
  await worker.ready()
  if (pattern === 'narrowcast') await (await bus.relay(name)).ready()
  return told.promise
}

describe.skipIf(missing.redis !== null)(
  named('what another program does not say', missing.redis),
  () => {
    test.for(ways)('%s%s: the type is the channel, the source narrowcast', async (way) => {
      const [pattern, query, command] = way
      const name = channelName('unsaid')
      const bus = await ourBus({}, query)
      const client = await theirClient()
      const reading = given(bus, pattern, name)
      const write = () => client.sendCommand([...command(name)])
      if (pattern === 'broadcast' || pattern === 'narrowcast') await expect.poll(write).toBe(1)
      else await write()
      expect(await reading).toEqual([7, name, 'narrowcast'])
    })
  },
)
