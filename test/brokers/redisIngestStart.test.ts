import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { cliWorld } from '../e2e/cliRun.ts'
import { describeRedis } from './redisHere.ts'

describeRedis('an outage while ingest waits for its folder', () => {
  test('is told by its begin and its end alone, and by no error behind it but what was missed', async () => {
    await using server = await startRedis()
    using world = cliWorld()
    const args = ['ingest', 'news', '--pattern', 'broadcast', '--dir', 'lake', '-u', server.url]
    await world.run(['publish', 'before', '1'])
    await world.run(['ingest', 'before', '--dir', 'lake', '--until', 'end'])
    const manifest = new DatabaseSync(join(world.folder, 'lake/_manifest.sqlite'))
    manifest.exec('BEGIN IMMEDIATE')
    const ingest = world.start(args)
    const receivers = () => askRedis(server.url, 'PUBLISH', 'news', '1')
    await expect.poll(receivers, { timeout: 20_000 }).toBe(1)
    await server.kill()
    await ingest.shows('connection lost: ')
    await server.restart()
    await ingest.shows(/connection back after \d/)
    await expect.poll(receivers, { timeout: 20_000 }).toBe(1)
    manifest.exec('ROLLBACK')
    manifest.close()
    await ingest.shows('(reconnect): they are not landed')
    ingest.child.kill('SIGINT')
    const { code, stderr } = await ingest.ended
    const [, after] = stderr.split('connection back after') as [string, string]
    expect([code, after]).toEqual([130, expect.not.stringMatching(/ECONNREFUSED|lost its/)])
    // A slow machine holds the folder for so long that this is told as well.
    const errors = after.match(/^error (?!.* is locked by another process).*/gm)
    expect(errors).toEqual([expect.stringContaining('(reconnect)')])
  }, 60_000)
})
