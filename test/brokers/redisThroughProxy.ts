import { afterAll, beforeAll } from 'vitest'
import { redis } from '../../src/drivers/redis/index.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import { ProxyProcess } from '../../src/lab/proxy/proxyProcess.ts'
import type { ProxyRule } from '../../src/lab/proxy/rule.ts'
import { throughPort, upstreamOf } from '../../src/lab/proxy/throughPort.ts'
import type { Kind } from './promises.ts'
import { describeRedis } from './redisHere.ts'

/**
 * What was promised on one machine holds where answers come late, at other times, or in pieces. All of
 * it on both kinds of network takes a quarter of an hour: each has one pattern. The live cases are not
 * among them: they look at what has come when a publish was answered, which says nothing here.
 */
export function throughProxy(how: string, rule: ProxyRule, keeps: (kind: Kind) => void) {
  describeRedis(`through a ${how} network:`, () => {
    let server: RedisServer
    let proxy: ProxyProcess
    let url: string
    beforeAll(async () => {
      server = await startRedis()
      proxy = await ProxyProcess.start()
      url = throughPort(server.url, await proxy.open(how, upstreamOf(server.url)))
      await proxy.set(how, rule)
    }, 30_000)
    afterAll(async () => {
      await proxy[Symbol.asyncDispose]()
      await server.stop()
    })
    const make = async () => ({
      driver: redis({ url }),
      [Symbol.asyncDispose]: async () => {},
    })
    keeps({ name: 'redis', make })
  })
}
