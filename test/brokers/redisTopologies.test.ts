import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { Script } from '../../src/drivers/redis/script.ts'
import { slotOf } from '../../src/drivers/redis/slots.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { type RedisCluster, startRedisCluster } from '../../src/lab/brokers/redisCluster.ts'
import { type RedisSentinel, startRedisSentinel } from '../../src/lab/brokers/redisSentinel.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import { describeRedis, testRedis } from './redisHere.ts'
import { openUrl } from './redisServers.ts'

const get = new Script("return redis.call('GET', KEYS[1])")

describeRedis('a cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster({ replicas: 1, nodeTimeoutMs: 2_000 })
  }, 60_000)
  afterAll(() => cluster.stop())

  test('is found by itself, and each channel is where its slot is', async () => {
    const servers = await openUrl((cluster.nodes[0] as RedisServer).url)
    for (const name of ['orders', 'mails', 'jobs', 'rooms']) {
      const home = servers.home(name)
      expect(home.isCluster).toBe(true)
      await home.send(['SET', `{${name}}:x`, name], 'test')
      expect(await home.run(get, [`{${name}}:x`], [], 'test')).toBe(name)
      const master = await cluster.masterOf(name)
      expect(await askRedis(master.url, 'GET', `{${name}}:x`)).toBe(name)
    }
    expect(await servers.primaries()).toHaveLength(3)
  })

  test('one node that answers is enough to find it', async () => {
    const servers = await openUrl(`redis://127.0.0.1:1,127.0.0.1:${cluster.nodes[4]?.port}`)
    expect(await servers.home('orders').send(['TYPE', 'nothing{orders}'], 'test')).toBe('none')
  })

  test('messages are heard by slot', async () => {
    const servers = await openUrl(`${cluster.url}?cluster=true`)
    const home = servers.home('orders')
    const heard = Promise.withResolvers<string>()
    const listener = (message: Buffer) => heard.resolve(message.toString())
    await home.subscribe('{orders}:wake', listener)
    expect(await home.send(['SPUBLISH', '{orders}:wake', 'é'], 'test')).toBe(1)
    expect(await heard.promise).toBe('é')
    await home.unsubscribe('{orders}:wake', listener)
    expect(await home.send(['SPUBLISH', '{orders}:wake', 'x'], 'test')).toBe(0)
  })

  test('a slot that moves is followed; what is heard from it is lost, and said so', async () => {
    const name = 'moving'
    const servers = await openUrl(cluster.url)
    const home = servers.home(name)
    await home.send(['SET', name, '1'], 'test')
    const listening = await openUrl(cluster.url)
    await listening.home(name).subscribe(`{${name}}:wake`, () => {})
    const from = await cluster.masterOf(name)
    const to = cluster.nodes.slice(0, 3).find((one) => one !== from) as RedisServer
    const [fromId, toId] = await Promise.all([from, to].map((one) => idOf(one)))
    const slot = String(slotOf(name))
    await askRedis(to.url, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId as string)
    await askRedis(from.url, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId as string)
    await askRedis(from.url, 'MIGRATE', '127.0.0.1', String(to.port), name, '0', '5000')
    expect(await home.send(['GET', name], 'test')).toBe('1') // ASK
    expect(await home.run(get, [name], [], 'test')).toBe('1')
    await askRedis(to.url, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId as string)
    await askRedis(from.url, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId as string)
    expect(await home.send(['GET', name], 'test')).toBe('1') // MOVED
    expect(await home.run(get, [name], [], 'test')).toBe('1')
    expect(await listening.lost).toMatchObject({ code: 'CONNECTION_LOST' })
    expect(listening.home(name).ended.aborted).toBe(true)
  })

  test('a database is refused, and a server of its own is no cluster', async () => {
    await expect(openUrl(`${(cluster.nodes[0] as RedisServer).url}/1`)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
    })
    await using alone = await startRedis()
    await expect(openUrl(`${alone.url}?cluster=true`)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('does not run in cluster mode'),
    })
    await expect(openUrl(`${alone.url},127.0.0.1:1`)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
    })
  })

  test('a lost node ends the session; a failover is waited for, and nothing else has to wait', async () => {
    const servers = await openUrl(cluster.url)
    const master = await cluster.masterOf('orders')
    await servers.home('orders').send(['SET', 'orders', '1'], 'test')
    await askRedis(master.url, 'WAIT', '1', '1000')
    onTestFinished(async () => {
      await master.restart()
      await cluster.ready()
    }, 40_000)
    await master.kill()
    expect(await servers.lost).toMatchObject({ code: 'CONNECTION_LOST' })
    const again = await openUrl(cluster.url)
    const elsewhere = await otherName(cluster, master)
    expect(await again.home(elsewhere).send(['TYPE', elsewhere], 'test')).toBe('none')
    expect(await again.home('orders').send(['GET', 'orders'], 'test')).toBe('1')
  }, 30_000)
})

async function idOf({ url }: RedisServer): Promise<string> {
  return String(await askRedis(url, 'CLUSTER', 'MYID'))
}

/** A channel that lives on another node. */
async function otherName(cluster: RedisCluster, than: RedisServer): Promise<string> {
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
    if ((await cluster.masterOf(name)) !== than) return name
  }
  throw new Error('all on one node')
}

describeRedis('Sentinels', () => {
  let sentinel: RedisSentinel
  beforeAll(async () => {
    sentinel = await startRedisSentinel()
  }, 60_000)
  afterAll(() => sentinel.stop())

  const urlOf = (name: string) =>
    `redis://127.0.0.1:1,${sentinel.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}?sentinel=${name}`

  test('are asked one after the other for the primary', async () => {
    const servers = await openUrl(urlOf(sentinel.name))
    const [primary] = await servers.primaries()
    expect(primary?.address.port).toBe((await sentinel.master()).port)
  })

  test('do not know every name', async () => {
    await expect(openUrl(urlOf('other'))).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      hint: expect.stringContaining(sentinel.name),
    })
  })

  test('are no servers of data, and a server is none of them', async () => {
    await expect(openUrl((sentinel.sentinels[0] as RedisServer).url)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      hint: expect.stringContaining('?sentinel=NAME'),
    })
    await expect(openUrl(`${sentinel.servers[0].url}?sentinel=main`)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('no Sentinel'),
    })
  })

  test('none of which answers are all named', async () => {
    await expect(openUrl('redis://127.0.0.1:1,127.0.0.1:2?sentinel=main')).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: expect.stringMatching(/127.0.0.1:1, 127.0.0.1:2/),
    })
  })

  test('a replica is refused, and named is its primary', async () => {
    const master = await sentinel.master()
    const replica = sentinel.servers.find((one) => one !== master) as RedisServer
    await expect(openUrl(replica.url)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      hint: expect.stringContaining(`127.0.0.1:${master.port}`),
    })
  })

  test('a primary that is gone is followed to the next', async () => {
    const servers = await openUrl(urlOf(sentinel.name))
    const before = await sentinel.master()
    onTestFinished(async () => {
      await before.restart()
      await sentinel.ready()
    }, 40_000)
    await before.kill()
    expect(await servers.lost).toMatchObject({ code: 'CONNECTION_LOST' })
    const again = await openUrl(urlOf(sentinel.name)) // waits while there is none
    const [{ runId: now }, { runId: then }] = await Promise.all([
      again.home('x').facts(),
      servers.home('x').facts(),
    ])
    expect(now).not.toBe(then)
    expect(await again.home('x').send(['SET', 'x', '1'], 'test')).toBe('OK')
  }, 30_000)

  test('a primary that hangs is left when the Sentinels say so', async () => {
    const servers = await openUrl(urlOf(sentinel.name))
    const before = await sentinel.master()
    onTestFinished(async () => {
      process.kill(before.pid, 'SIGCONT')
      await sentinel.ready()
    }, 40_000)
    process.kill(before.pid, 'SIGSTOP')
    expect(await servers.lost).toMatchObject({
      message: expect.stringContaining('the Sentinels have made'),
    })
    const again = await openUrl(urlOf(sentinel.name))
    expect(await again.home('x').send(['SET', 'x', '1'], 'test')).toBe('OK')
  }, 30_000)
})

testRedis(
  'a primary that becomes a replica takes nothing more and ends the session, but owes no answer',
  async () => {
    await using server = await startRedis()
    await using other = await startRedis()
    const servers = await openUrl(server.url)
    const home = servers.home('x')
    await askRedis(server.url, 'REPLICAOF', '127.0.0.1', String(other.port))
    const answers = await Promise.allSettled([
      home.send(['SET', 'x', '1'], 'test'),
      home.send(['SET', 'x', '2'], 'test'),
      home.send(['GET', 'x'], 'test'),
    ])
    const codes = answers.map((one) => (one.status === 'rejected' ? one.reason.code : 'answered'))
    expect(codes.slice(0, 2)).toEqual(['UNAVAILABLE', 'UNAVAILABLE'])
    expect(answers.every((one) => one.status === 'fulfilled' || one.reason.definite)).toBe(true)
    expect(await servers.lost).toMatchObject({ code: 'UNAVAILABLE' })
    await expect(home.send(['GET', 'x'], 'test')).rejects.toMatchObject({ definite: true })
  },
)
