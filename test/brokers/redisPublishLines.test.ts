import { connect, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { cliWorld, ndjson } from '../e2e/cliRun.ts'
import { describeRedis } from './redisHere.ts'

/** Passes everything on, but when a client says these words: then it and all others are cut off. */
async function cutAt(words: string, port: number): Promise<AsyncDisposable & { url: string }> {
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((client) => {
    const broker = connect(port, '127.0.0.1')
    for (const [one, other] of [[client, broker] as const, [broker, client] as const]) {
      sockets.add(one)
      one.on('error', () => {}) // its end is told by close
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.on('data', (chunk: Buffer) => {
        if (isCut || !chunk.includes(words)) return void other.write(chunk)
        isCut = true
        for (const socket of sockets) socket.destroy()
      })
    }
  })
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
  const { port: own } = server.address() as { port: number }
  return {
    url: `redis://127.0.0.1:${own}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => void server.close(done))
    },
  }
}

describeRedis('publish of lines that is cut off', () => {
  const publish = ['publish', 'ks', '--ndjson', '--rate', '300']

  test('says what is certain, what is not, and what was never sent', async () => {
    await using redis = await startRedis()
    using world = cliWorld()
    await using broker = await cutAt('{"n":100}', redis.port)
    const input = ndjson(600)
    const ran = await world.run([...publish, '-u', broker.url, '--json'], { input })
    expect(ran.code).toBe(3)
    const { lines, published } = JSON.parse(ran.stdout) as {
      readonly lines: readonly { from: number; to: number | null; state: string }[]
      readonly published: number
    }
    const total = (state: string) =>
      lines.reduce((sum, { from, to, ...one }) => {
        return one.state === state ? sum + (to ?? 600) - from + 1 : sum
      }, 0)
    expect(total('stored')).toBe(published)
    expect(total('stored') + total('uncertain') + total('not_stored')).toBe(600)
    const isCut = ({ from, to }: (typeof lines)[number]) => from <= 100 && 100 <= (to ?? 600)
    expect(lines.filter(isCut)).toMatchObject([{ state: 'uncertain' }])
    expect(lines.at(-1)).toMatchObject({ to: null, state: 'not_stored' })
    const kept = (await askRedis(redis.url, 'LLEN', 'ks')) as number
    expect(kept).toBeGreaterThanOrEqual(published)
    expect(kept).toBeLessThanOrEqual(published + total('uncertain'))
    expect(JSON.parse(ran.stderr.trim().split('\n').at(-1) as string)).toMatchObject({
      ...{ code: 'CONNECTION_LOST', definite: false },
      hint: expect.stringContaining('Not stored: line '),
    })
  }, 60_000)

  test('and says it in words that can be followed', async () => {
    await using redis = await startRedis()
    using world = cliWorld()
    await using broker = await cutAt('{"n":100}', redis.port)
    const { code, stderr } = await world.run([...publish, '-u', broker.url], { input: ndjson(600) })
    expect(code).toBe(3)
    expect(stderr).toMatch(/^error: redis: .*; lines \d+ to \d+ may have been stored$/m)
    expect(stderr).toMatch(
      /^ {2}Certainly stored: lines 1 to \d+.*\. Not stored: line \d+ and all that follow\.$/m,
    )
    expect(stderr).toContain('A channel made with --dedupe 10m waits out an outage of 30 s.\n')
    expect(stderr).not.toContain('same id')
  }, 60_000)

  test('says the same advice that it follows: with --dedupe all is stored once', async () => {
    await using redis = await startRedis()
    using world = cliWorld()
    await using broker = await cutAt('{"n":100}', redis.port)
    const words = [...publish, '--dedupe', '10m', '-u', broker.url, '--json']
    const ran = await world.run(words, { input: ndjson(200) })
    expect(JSON.parse(ran.stdout)).toMatchObject({ published: 200 })
    expect(JSON.parse(ran.stdout)).not.toHaveProperty('lines')
    expect(ran.code).toBe(0)
    expect(await askRedis(redis.url, 'LLEN', 'ks')).toBe(200)
  }, 60_000)
})
