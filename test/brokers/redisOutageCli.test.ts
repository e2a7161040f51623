import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { cliWorld, ndjson } from '../e2e/cliRun.ts'
import { describeRedis } from './redisHere.ts'

const numsub = async (url: string, name: string) =>
  ((await askRedis(url, 'PUBSUB', 'NUMSUB', name)) as unknown[])[1]

const commands = {
  work: {
    args: ['work', 'jobs', '--exec', 'true', '--workers', '2', '--pattern', 'queue'],
    attempts: 6,
    isUp: async (url: string) => (await numsub(url, '{jobs}:wake')) === 2,
  },
  ingest: {
    args: ['ingest', 'jobs', '--dir', 'lake', '--pattern', 'queue'],
    attempts: 4,
    isUp: async (url: string) => (await numsub(url, '{jobs}:wake')) === 1,
  },
  relay: {
    args: ['relay', 'calls', '--pattern', 'narrowcast'],
    attempts: 4,
    isUp: async (url: string) => (await askRedis(url, 'EXISTS', '{calls}:leader')) === 1,
  },
  publish: {
    // Without dedupe lines that are on their way when the server dies would end it at once.
    args: ['publish', 'jobs', '--ndjson', '--rate', '20', '--dedupe', '10m'],
    attempts: 4,
    isUp: async (url: string) => (await askRedis(url, 'EXISTS', 'jobs')) === 1,
  },
} as const

describeRedis('an outage is told', () => {
  test.each(Object.keys(commands) as (keyof typeof commands)[])(
    'once by %s when it begins, and once when it ends',
    async (command) => {
      await using server = await startRedis()
      using world = cliWorld()
      const { args, attempts, isUp } = commands[command]
      const run = world.start([...args, '--url', server.url], { input: ndjson(2_000) })
      await expect.poll(() => isUp(server.url), { timeout: 20_000 }).toBe(true)
      await server.kill()
      await run.shows('connection lost: ')
      await refused(server.port, attempts)
      await server.restart()
      await run.shows(/connection back after \d/)
      run.child.kill('SIGINT')
      const { stderr } = await run.ended
      expect(stderr.match(/^connection lost: redis: .*127\.0\.0\.1:\d+/gm)).toHaveLength(1)
      expect(stderr.match(/^connection back after/gm)).toHaveLength(1)
      expect(stderr).not.toMatch(/^error /m)
    },
    60_000,
  )

  test.each(['work', 'ingest'] as const)(
    'and ridden out by workers of %s that have not connected yet',
    async (command) => {
      await using server = await startRedis()
      using world = cliWorld()
      const { args } = commands[command]
      const run = world.start([...args, '--url', server.url])
      await run.shows(`started w${command === 'work' ? 2 : 1}`)
      await server.kill()
      await run.shows('connection lost: ')
      await refused(server.port, 6)
      await server.restart()
      await run.shows(/connection back after \d/)
      await expect.poll(() => commands[command].isUp(server.url), { timeout: 20_000 }).toBe(true)
      run.child.kill('SIGINT')
      const { code, stderr } = await run.ended
      expect([code, stderr]).toEqual([130, expect.not.stringMatching(/^error|died/m)])
      expect(stderr.match(/^connection lost: /gm)).toHaveLength(1)
    },
    60_000,
  )

  test('and waited out by tail --follow, beyond the time of one answer', async () => {
    await using server = await startRedis({ profile: 'always' })
    using world = cliWorld()
    const url = ['-u', server.url]
    await world.run(['publish', 'jobs', '1', ...url])
    const run = world.start(['tail', 'jobs', '--follow', '--json', '--timeout', '3s', ...url])
    await run.shows('"data":1,')
    await server.kill()
    await run.shows('connection lost: ')
    await refused(server.port, 5, 4_000)
    await server.restart()
    await run.shows(/connection back after \d/)
    await world.run(['publish', 'jobs', '2', ...url])
    await run.shows('"data":2,')
    run.child.kill('SIGINT')
    const { code, stderr } = await run.ended
    expect([code, stderr]).toEqual([130, expect.not.stringMatching(/^error|asks again/m)])
    expect(stderr.match(/^connection lost: /gm)).toHaveLength(1)
  }, 60_000)

  test('and told by tail --follow where a broker is there and silent', async () => {
    await using server = await startRedis()
    using world = cliWorld()
    const url = ['-u', server.url]
    await world.run(['publish', 'jobs', '1', ...url])
    const run = world.start(['tail', 'jobs', '--follow', '--json', '--timeout', '3s', ...url])
    await run.shows('"data":1,')
    process.kill(server.pid, 'SIGSTOP')
    await run.shows('redis: peek got no answer in 3000 ms; asks again')
    process.kill(server.pid, 'SIGCONT')
    await world.run(['publish', 'jobs', '2', ...url])
    await run.shows('"data":2,')
    process.kill(server.pid, 'SIGSTOP')
    run.child.kill('SIGINT')
    expect((await run.ended).code).toBe(130)
    process.kill(server.pid, 'SIGCONT')
  }, 60_000)

  test('and what waits for it ends when it is told to, not when an answer is given up', async () => {
    await using server = await startRedis()
    using world = cliWorld()
    const run = world.start([...commands.work.args, '--url', server.url, '--timeout', '10m'])
    await run.shows('started w2')
    await server.kill()
    await run.shows('connection lost: ')
    await refused(server.port, 12)
    run.child.kill('SIGINT')
    const { code, stderr } = await run.ended
    expect([code, stderr]).toEqual([130, expect.stringContaining('done in')])
  })
})

/** Resolves when so many who wanted to connect have been sent away, for so long at least. */
async function refused(port: number, attempts: number, leastMs = 0): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let count = 0
  const server: Server = createServer((socket) => {
    socket.destroy()
    if (++count === attempts) resolve()
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((done) => void server.listen(port, '127.0.0.1', done))
  await Promise.all([promise, sleep(leastMs)])
  await new Promise<void>((done) => void server.close(() => done()))
}
