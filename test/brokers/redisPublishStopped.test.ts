import { expect, test } from 'vitest'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { cliWorld, ndjson } from '../e2e/cliRun.ts'
import { describeRedis } from './redisHere.ts'

describeRedis('publish that is told to stop while nobody answers', () => {
  test('says which lines are stored, and ends', async () => {
    await using server = await startRedis()
    using world = cliWorld()
    // Without dedupe lines that are on their way when the server dies would end it at once.
    const how = ['--ndjson', '--rate', '50', '--dedupe', '10m']
    const run = world.start(['publish', 'ks', ...how, '-u', server.url], { input: ndjson(2_000) })
    await expect.poll(() => askRedis(server.url, 'LLEN', 'ks'), { timeout: 20_000 }).not.toBe(0)
    await server.kill()
    await run.shows(/no answer for \d.* s; waits \d.* s more/)
    run.child.kill('SIGINT')
    const { code, stdout, stderr } = await run.ended
    const stored = Number(/^published ks {2}(\d+) message/.exec(stdout)?.[1])
    expect([code, stored > 0]).toEqual([130, true])
    expect(stderr).toMatch(/^error: stopped while it waited for the broker; .*line/m)
    expect(stderr).toContain(`Certainly stored: lines 1 to ${stored}.`)
  }, 60_000)

  test('says that the one message was not stored, where that is certain', async () => {
    await using server = await startRedis()
    using world = cliWorld()
    const url = ['-u', server.url]
    await world.run(['publish', 'ks', '1', ...url])
    await askRedis(server.url, 'CONFIG', 'SET', 'maxmemory', '1')
    const run = world.start(['publish', 'ks', '2', ...url])
    await run.shows('refused for now')
    run.child.kill('SIGINT')
    const { code, stdout, stderr } = await run.ended
    expect([code, stdout]).toEqual([130, ''])
    expect(stderr).toContain('error: stopped while it waited for the broker; it was not stored\n')
    await askRedis(server.url, 'CONFIG', 'SET', 'maxmemory', '0')
    expect(await askRedis(server.url, 'LLEN', 'ks')).toBe(1)
  }, 60_000)
})
