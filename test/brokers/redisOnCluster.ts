import { afterAll, beforeAll } from 'vitest'
import { redis } from '../../src/drivers/redis/index.ts'
import { type RedisCluster, startRedisCluster } from '../../src/lab/brokers/redisCluster.ts'
import type { Kind } from './promises.ts'

/** Three masters for the cases of a suite, each of which has channels of its own. */
export function onCluster(what: string, queue: 'list' | 'stream'): Kind {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster({ profile: 'always' })
  }, 60_000)
  afterAll(() => cluster.stop())
  return {
    name: `${what} on a cluster`,
    make: async () => ({
      driver: redis({ url: `${cluster.url}?cluster=true`, queue }),
      [Symbol.asyncDispose]: async () => {},
    }),
  }
}
