import { randomBytes } from 'node:crypto'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { Listening } from '../../src/drivers/redis/listening.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { testRedis } from './redisHere.ts'
import { openUrl } from './redisServers.ts'

const options = { username: undefined, password: undefined, database: 0, tls: null }

testRedis(
  'an answer that flows for longer than a server may be silent is delivered',
  async () => {
    await using server = await startRedis()
    const port = await slow(server.port, { bytes: 2_500_000, everyMs: 1_000, way: 'from' })
    const home = (await openUrl(`redis://127.0.0.1:${port}`)).home('')
    const body = randomBytes(30 * 1_024 * 1_024)
    await home.send(['SET', 'large', body], 'test')
    const got = await home.send<Buffer>(['GET', 'large'], 'test', 'bytes')
    expect(got.equals(body)).toBe(true)
  },
  60_000,
)

testRedis(
  'a request that takes longer than that to send is sent',
  async () => {
    await using server = await startRedis()
    const port = await slow(server.port, { bytes: 2_500_000, everyMs: 1_000, way: 'to' })
    const home = (await openUrl(`redis://127.0.0.1:${port}`)).home('')
    const body = randomBytes(40 * 1_024 * 1_024)
    await home.send(['SET', 'large', body], 'test')
    expect(await home.send(['STRLEN', 'large'], 'test')).toBe(body.length)
  },
  60_000,
)

testRedis(
  'a request that does not go on is told of',
  async () => {
    await using server = await startRedis()
    const port = await slow(server.port, { bytes: 1_000_000, everyMs: 60_000, way: 'to' })
    const servers = await openUrl(`redis://127.0.0.1:${port}`)
    const sending = servers.home('').send(['SET', 'large', randomBytes(40_000_000)], 'test')
    await expect(sending).rejects.toMatchObject({ code: 'CONNECTION_LOST', definite: false })
    expect((await servers.lost).message).toContain('gave no answer for 10000 ms')
  },
  60_000,
)

testRedis(
  'a message that flows for longer than that is heard',
  async () => {
    await using server = await startRedis()
    const port = await slow(server.port, { bytes: 100_000, everyMs: 250, way: 'from' })
    let lost = 0
    const listening = await Listening.open({
      ...{ address: { host: '127.0.0.1', port }, options, silenceMsMax: 6_000 },
      lost: () => lost++,
    })
    onTestFinished(() => listening.close())
    const heard = Promise.withResolvers<Buffer>()
    await listening.subscribe('news', heard.resolve, false)
    const body = randomBytes(6_000_000)
    const publisher = (await openUrl(server.url)).home('')
    await publisher.send(['PUBLISH', 'news', body], 'test')
    expect((await heard.promise).equals(body)).toBe(true)
    expect(lost).toBe(0)
  },
  60_000,
)

interface Pace {
  readonly bytes: number
  readonly everyMs: number
  /** Which half of the way is slow. */
  readonly way: 'to' | 'from'
}

/** A slow way to the server. */
async function slow(port: number, pace: Pace): Promise<number> {
  const sockets = new Set<Socket>()
  const proxy = createServer((near) => {
    const far = dial(port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    const [from, to] = pace.way === 'to' ? [near, far] : [far, near]
    to.pipe(from)
    void passSlowly(from, to, pace)
  })
  const over = new AbortController()
  onTestFinished(() => {
    over.abort()
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  const passSlowly = async (from: Socket, to: Socket, { bytes, everyMs }: Pace) => {
    let budget = bytes
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        to.write(chunk)
        budget -= chunk.length
        if (budget > 0) continue
        await sleep(everyMs, undefined, { signal: over.signal })
        budget += bytes
      }
    } catch {} // cut at the end
  }
  await new Promise<void>((done) => void proxy.listen(0, '127.0.0.1', done))
  return (proxy.address() as AddressInfo).port
}
