import { once } from 'node:events'
import { expect } from 'vitest'
import { connect } from '../../src/connect.ts'
import type { NarrowcastError } from '../../src/core/errors.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { testRedis } from './redisHere.ts'
import { openUrl } from './redisServers.ts'

const quiet = { telemetry: false } as const

testRedis('a key of another program is named, with what lies there', async () => {
  await using server = await startRedis()
  await using bus = await connect(server.url, quiet)
  const orders = bus.queue<number>('orders')
  await orders.publish(1)
  await askRedis(server.url, 'SET', 'orders', 'x')
  const error = await orders.publish(2).catch((thrown: NarrowcastError) => thrown)
  expect(error).toMatchObject({
    code: 'CONFLICT',
    message: expect.stringMatching(
      /publish: .*\bkey that holds something else than it should: "orders" is a string/,
    ),
    hint: expect.stringContaining('Another program'),
  })
})

testRedis('so is a key beside it, also of a single command', async () => {
  await using server = await startRedis()
  const home = (await openUrl(server.url)).home('')
  await askRedis(server.url, 'RPUSH', 'orders', 'x')
  await askRedis(server.url, 'SET', '{orders}:flags', 'x')
  await expect(home.send(['HGET', '{orders}:flags', 'paused'], 'depth')).rejects.toMatchObject({
    message:
      'redis: depth: met a key that holds something else than it should: "{orders}:flags" is a string',
    cause: expect.objectContaining({ message: expect.stringContaining('WRONGTYPE') }),
  })
})

testRedis('a password that is missing is said to be that', async () => {
  await using server = await startRedis({ args: ['--requirepass', 'secret'] })
  await expect(connect(`redis://127.0.0.1:${server.port}`, quiet)).rejects.toMatchObject({
    code: 'LOGIN_REFUSED',
    message: `redis: connect to 127.0.0.1:${server.port}: the server wants a password, and was given none`,
    hint: expect.stringContaining('redis://:PASSWORD@HOST'),
  })
})

testRedis('what got no answer says why there is none', async () => {
  await using server = await startRedis()
  const servers = await openUrl(server.url)
  const told = expect(
    servers.home('').send(['BLPOP', 'nothing', '0'], 'test'),
  ).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
    message: `redis: test: no answer: 127.0.0.1:${server.port} lost its connection: Socket closed unexpectedly`,
  })
  await askRedis(server.url, 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await told
})

testRedis('what followed a refused ASKING may be lost without ending the process', async () => {
  await using server = await startRedis()
  const servers = await openUrl(server.url)
  const [node] = await servers.primaries()
  await expect(node?.sendAsking(['BLPOP', 'nothing', '0'], 'test')).rejects.toThrow('cluster')
  await askRedis(server.url, 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  const { ended } = servers.home('')
  if (!ended.aborted) await once(ended, 'abort')
})
