import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { selfSigned } from '../../src/lab/brokers/certificate.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import { keepsLivePromises, keepsPromises } from './promises.ts'
import { describeRedis } from './redisHere.ts'
import { rights } from './redisUser.ts'

const ownTold = ['&own.*', '&{own.*', '&narrowcast.*']
const users = [
  ['app', 'on', '>s3cret', '~*', '&*', ...rights],
  ['own', 'on', '>s3cret', '~narrowcast:channels', '~own.*', '~{own.*', ...ownTold, ...rights],
  ['default', 'off'],
].flatMap((user) => ['--user', ...user])

describeRedis('redis with TLS and a user', () => {
  let server: RedisServer
  let query = ''
  const client = selfSigned('client')
  beforeAll(async () => {
    const tls = { server: selfSigned('server'), client }
    server = await startRedis({ profile: 'always', tls, args: users })
    const path = (name: string) => join(server.folder, name)
    await writeFile(path('client.crt'), client.certificate)
    await writeFile(path('client.key'), client.key)
    query = `?ca=${path('server.crt')}&cert=${path('client.crt')}&key=${path('client.key')}`
  })
  afterAll(() => server.stop())

  const urlOf = (login: string, options = query) =>
    `${server.url.replace('//', `//${login}@`)}${options}`
  const kind = {
    name: 'redis with TLS and a user',
    only: /^(publish|settle|settings|admin|dead|manage|broadcast|narrowcast|relay)/,
    make: async () => ({
      driver: redis({ url: urlOf('app:s3cret') }),
      [Symbol.asyncDispose]: async () => {},
    }),
  }
  keepsPromises(kind, ['queue', 'stream'])
  keepsLivePromises(kind)

  test('what this user may not ask is not known, and not promised', async () => {
    await using bus = await connect(urlOf('app:s3cret'))
    expect(bus.info.unknown.map(({ fact }) => fact)).toContain('appendfsync')
    const { survives } = await bus.queue('orders').opened()
    expect(survives).toMatchObject({ 'worker-crash': 'yes', 'power-loss': 'unknown' })
  })

  test.for([
    ['a wrong password', 'app:wr0ng'],
    ['a user that is not there', 'nobody:wr0ng'],
    ['the default user, which is off,', ''],
  ])('%s is refused, and told without the password', async ([, login]) => {
    const refused = await connect(urlOf(login as string)).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'LOGIN_REFUSED' })
    expect(inspect(refused)).not.toMatch('wr0ng')
  })

  test('who signs the certificate must be who was named', async () => {
    const other = join(server.folder, 'other.crt')
    await writeFile(other, selfSigned('server').certificate)
    const url = urlOf('app:s3cret', query.replace(/ca=[^&]*/, `ca=${other}`))
    await expect(connect(url)).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
    await expect(connect(urlOf('app:s3cret', ''))).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
  })

  test('without a certificate of its own a client is not let in', async () => {
    const url = urlOf('app:s3cret', query.replace(/&.*/, ''))
    await expect(connect(url)).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
  })

  test('a channel outside of what the user may touch is refused', async () => {
    await using bus = await connect(urlOf('own:s3cret'))
    for (const pattern of ['queue', 'stream'] as const) {
      await bus[pattern](`own.${pattern}`).publish(1)
      const publish = bus[pattern](pattern).publish(1)
      await expect(publish).rejects.toMatchObject({ code: 'LOGIN_REFUSED', definite: true })
    }
    await bus.broadcast('own.news').publish(1)
    const publish = bus.broadcast('news').publish(1)
    await expect(publish).rejects.toMatchObject({ code: 'LOGIN_REFUSED', definite: true })
  })
})
