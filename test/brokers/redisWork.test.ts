import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { cliWorld } from '../e2e/cliRun.ts'
import { describeRedis } from './redisHere.ts'

describeRedis('redis, narrowcast work', () => {
  const ways: readonly { readonly name: string; readonly more: readonly string[] }[] = [
    { name: 'without an end', more: [] },
    { name: 'with one', more: ['--until', '10m'] },
  ]
  test.for(ways)('goes on when Redis is back, $name', { timeout: 120_000 }, async ({ more }) => {
    await using server = await startRedis({ profile: 'always' })
    using world = cliWorld()
    const url = ['-u', server.url]
    await world.run(['publish', 'jobs', '"one"', ...url])
    const work = world.start(['work', 'jobs', '--exec', 'cat', ...more, ...url])
    await work.shows('"one"')
    // At different moments of its looks at the depth, which come every second.
    for (const [at, pauseMs] of [300, 700, 1_100].entries()) {
      await server.kill()
      await sleep(pauseMs)
      await server.restart()
      await world.run(['publish', 'jobs', `"after ${at}"`, ...url])
      await work.shows(`"after ${at}"`)
    }
    work.child.kill('SIGTERM')
    const { code, stdout } = await work.ended
    expect(code).toBe(143)
    for (const text of ['one', 'after 0', 'after 1', 'after 2'])
      expect(stdout).toContain(`"${text}"`)
  })
})
