import { beforeEach, expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { type RedisCluster, startRedisCluster } from '../../src/lab/brokers/redisCluster.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import { failsOver, losesWhatWasNotCopied } from './failover.ts'
import { describeRedis } from './redisHere.ts'
import { clusterRights, rights } from './redisUser.ts'

describeRedis('redis on a cluster with replicas', () => {
  let cluster: RedisCluster
  beforeEach(async () => {
    cluster = await startRedisCluster({ replicas: 1, profile: 'always', nodeTimeoutMs: 2_000 })
    return () => cluster.stop()
  }, 60_000)

  test('consumption resumes on the new primary, and all that it acknowledged is handled', async () => {
    const [lists, streams, events, news, jobs] = await together(cluster, 5)
    const primary = async () => await cluster.masterOf(lists)
    await failsOver(primary, [
      { url: cluster.url, name: lists, pattern: 'queue' },
      { url: `${cluster.url}?queue=stream`, name: streams, pattern: 'queue' },
      { url: cluster.url, name: events, pattern: 'stream' },
      { url: cluster.url, name: news, pattern: 'broadcast' },
      { url: cluster.url, name: jobs, pattern: 'narrowcast' },
    ])
  }, 120_000)

  test('what the replica had not heard when its primary died is lost, as the contract says', async () => {
    const [name] = await together(cluster, 1)
    const primary = await cluster.masterOf(name)
    const replica = cluster.nodes[cluster.nodes.indexOf(primary) + 3] as RedisServer
    await losesWhatWasNotCopied(() => cluster.masterOf(name), replica, { url: cluster.url, name })
  }, 120_000)
})

type Names = readonly [string, string, string, string, string]

/** Names of channels that one node serves, in the order of the test's words for them. */
async function together(cluster: RedisCluster, count: number): Promise<Names> {
  const words = ['lists', 'streams', 'events', 'news', 'jobs'].slice(0, count)
  const home = await cluster.masterOf('lists')
  const names = words.map(async (word) => {
    for (let name = word, n = 1; ; name = `${word}${n++}`) {
      if ((await cluster.masterOf(name)) === home) return name
    }
  })
  return (await Promise.all(names)) as unknown as Names
}

describeRedis('redis on a cluster with a user', () => {
  test('the rights that the page lists are enough for each pattern', async () => {
    const user = ['--user', 'shop', 'on', '>s3cret', '~*', '&*', ...rights, ...clusterRights]
    await using cluster = await startRedisCluster({ args: user })
    const url = cluster.url.replace('//', '//shop:s3cret@')
    await using bus = await connect(url)
    await using streams = await connect(`${url}?queue=stream`)
    const channels = [
      bus.queue<number>('lists'),
      streams.queue<number>('streams'),
      bus.stream<number>('events'),
      bus.broadcast<number>('news'),
      bus.narrowcast<number>('jobs'),
    ]
    for (const channel of channels) {
      const seen = Promise.withResolvers<number>()
      const group = channel.pattern === 'stream' ? { group: 'all' } : {}
      const worker = channel.subscribe((data) => seen.resolve(data), group)
      worker.on('error', ({ error }) => seen.reject(error))
      await worker.ready()
      await channel.publish(7)
      expect(await seen.promise).toBe(7)
    }
  }, 60_000)
})

describeRedis('redis on a cluster of which one node is full', () => {
  test('is warned of that one by its place, wherever it is, and of no other', async () => {
    await using cluster = await startRedisCluster()
    const warnings = async () => {
      await using bus = await connect(cluster.url, { telemetry: false })
      return bus.info.warnings.filter((text) => text.includes('full'))
    }
    expect(await warnings()).toEqual([])
    for (const { url, port } of cluster.nodes) {
      await askRedis(url, 'CONFIG', 'SET', 'maxmemory', '1mb')
      expect(await warnings()).toEqual([
        expect.stringMatching(
          new RegExp(`^redis: 127\\.0\\.0\\.1:${port} is full: used \\d+ of 1`),
        ),
      ])
      await askRedis(url, 'CONFIG', 'SET', 'maxmemory', '0')
    }
    await cluster.nodes.at(-1)?.kill()
    expect(await warnings()).toEqual([])
  }, 60_000)
})
