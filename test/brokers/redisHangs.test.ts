import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import type { NarrowcastError } from '../../src/core/errors.ts'
import { Listening } from '../../src/drivers/redis/listening.ts'
import { Presence } from '../../src/drivers/redis/live/presence.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { testRedis } from './redisHere.ts'
import { openUrl } from './redisServers.ts'

const options = { username: undefined, password: undefined, database: 0, tls: null }

testRedis('a connection that has been cut answers to whoever subscribes on it: no', async () => {
  await using server = await startRedis()
  const cut = Promise.withResolvers<void>()
  const listening = await Listening.open({
    ...{ address: { host: '127.0.0.1', port: server.port }, options, silenceMsMax: 60_000 },
    lost: () => cut.resolve(),
  })
  onTestFinished(() => listening.close())
  const hear = () => {}
  await listening.subscribe('news', hear, false)
  await askRedis(server.url, 'CLIENT', 'KILL', 'TYPE', 'pubsub')
  await cut.promise
  await expect(listening.subscribe('other', hear, false)).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
  })
  await listening.unsubscribe('news', hear, false) // nobody listens there any more
})

testRedis(
  'whoever joins does not wait for its own word when the session is lost meanwhile',
  async () => {
    await using server = await startRedis()
    const port = await swallowing(server.port, 'joined')
    const servers = await openUrl(`redis://127.0.0.1:${port}`)
    const presence = new Presence({
      home: servers.home('rooms'),
      channel: 'rooms',
      worker: { id: 'w-12345678', incarnation: 'joined' },
      replaced: () => {},
      removed: () => {},
    })
    const joining = presence.join()
    await expect(joining).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    expect(((await servers.lost) as NarrowcastError).code).toBe('CONNECTION_LOST')
  },
)

/** Passes everything on, but cuts all when the server says this word to somebody. */
async function swallowing(port: number, word: string): Promise<number> {
  const sockets = new Set<Socket>()
  const proxy = createServer((near) => {
    const far = dial(port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    near.pipe(far)
    far.on('data', (bytes) => {
      if (!bytes.includes(word)) near.write(bytes)
      else for (const socket of sockets) socket.destroy()
    })
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  await new Promise<void>((done) => void proxy.listen(0, '127.0.0.1', done))
  return (proxy.address() as AddressInfo).port
}
