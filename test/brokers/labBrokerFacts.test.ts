import { expect } from 'vitest'
import { type Backend, backends } from '../../src/lab/backends.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { startRedisCluster } from '../../src/lab/brokers/redisCluster.ts'
import { brokerFacts } from '../../src/lab/instrument/brokerFacts.ts'
import { testRabbitmq } from './rabbitmqHere.ts'
import { testRedis } from './redisHere.ts'

const withLogin = (url: string, login: string) => url.replace('//', `//${login}@`)

testRedis('all settings of a server are told, and no secret, port or folder', async () => {
  await using server = await startRedis({ args: ['--requirepass', 'hush', '--hz', '17'] })
  const facts = await brokerFacts(`${withLogin(server.url, ':hush')}?queue=stream&lease=3s`)
  const { product, version, client, config } = facts
  expect(['redis', 'valkey']).toContain(product)
  expect(version).toBe(server.version)
  expect(client).toMatch(/^@redis\/client \d+\.\d+\.\d+$/)
  expect(config).toMatchObject({ hz: '17', requirepass: '***', appendfsync: 'everysec' })
  expect(Object.keys(config ?? {}).length).toBeGreaterThan(100)
  const text = JSON.stringify(facts)
  for (const local of ['hush', server.folder, `"${server.port}"`]) expect(text).not.toContain(local)
})

testRedis('servers with the same settings have one hash', async () => {
  await using first = await startRedis()
  await using second = await startRedis()
  await using other = await startRedis({ profile: 'always' })
  const hash = async ({ url }: { url: string }) => (await brokerFacts(url)).configSha256
  const found = await hash(first)
  expect(await hash(second)).toBe(found)
  expect(await hash(other)).not.toBe(found)
})

testRedis('a server that keeps its settings to itself is told of without them', async () => {
  await using server = await startRedis()
  await askRedis(server.url, 'ACL', 'SETUSER', 'lab', 'on', '>hush', '~*', '&*', '+@all', '-config')
  const facts = await brokerFacts(withLogin(server.url, 'lab:hush'))
  expect(facts).toMatchObject({ version: server.version, config: null, configSha256: null })
})

testRedis('of a cluster every primary is asked, and what differs is shown', async () => {
  await using cluster = await startRedisCluster()
  const url = cluster.url
  const [one = ''] = url.split(',')
  const before = await brokerFacts(url)
  expect(before.config).toMatchObject({ 'cluster-enabled': 'yes', hz: '10', port: '(local)' })
  await askRedis(one, 'CONFIG', 'SET', 'hz', '17')
  const after = await brokerFacts(url)
  expect(after.config?.hz?.split(' | ').sort()).toEqual(['10', '17'])
  expect(after.configSha256).not.toBe(before.configSha256)
})

testRabbitmq(
  'of a RabbitMQ that the lab starts all settings are told, and no secret or place',
  async () => {
    const { start } = backends.find(({ name }) => name === 'rabbitmq') as Backend
    await using broker = await start('default', '')
    const facts = await brokerFacts(broker.url, broker.config)
    expect(facts).toMatchObject({
      product: 'rabbitmq',
      version: expect.stringMatching(/^\d+\.\d+/),
      client: expect.stringMatching(/^amqplib \d+\.\d+\.\d+$/),
      config: { 'rabbit.default_user': '***', 'rabbit.tcp_listeners': '(local)' },
      configSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(Object.keys(facts.config ?? {}).length).toBeGreaterThan(50)
    const text = JSON.stringify(facts)
    for (const local of ['/narrowcast-', new URL(broker.url).port])
      expect(text).not.toContain(local)
    const asked = await brokerFacts(broker.url)
    expect(asked).toMatchObject({ product: 'rabbitmq', config: null, configSha256: null })
  },
)

testRedis('a server that is gone is refused, as it is at connect', async () => {
  const server = await startRedis()
  await server.stop()
  await expect(brokerFacts(server.url)).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
})
