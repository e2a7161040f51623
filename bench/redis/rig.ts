import { startRedis } from '../../src/lab/brokers/redis.ts'
import { Crew } from '../flow/crew.ts'
import type { Rig, Sizes } from '../flow/rig.ts'
import { type RawClient, rawClient } from './rawClient.ts'

/** A Redis of our own. */
export interface RedisRig extends Rig {
  /** Bytes that the server has in use. */
  usedBytes(): Promise<number>
}

/** No snapshot in the middle of a run, and no subscriber is cut off for being slower. */
const args = ['--save', '', '--client-output-buffer-limit', 'pubsub 0 0 0']

export async function startRig(sizes: Sizes, report: (line: string) => void): Promise<RedisRig> {
  await using started = new AsyncDisposableStack()
  const server = started.use(await startRedis({ args }))
  const client: RawClient = await rawClient(server.url)
  started.defer(() => client.destroy())
  const crew = started.use(new Crew())
  const all = started.move()
  let channels = 0
  return {
    url: server.url,
    version: server.version,
    settings: args.map((word) => (word === '' ? '""' : word)).join(' '),
    crew,
    sizes,
    report,
    async channel() {
      await client.flushAll()
      return `bench-${channels++}`
    },
    async usedBytes() {
      const info = await client.info('memory')
      return Number(/used_memory:(\d+)/.exec(info)?.[1])
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
