import { createClient } from '@redis/client'
import { expect, test } from 'vitest'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { cliWorld, type World } from '../e2e/cliRun.ts'
import { describeRedis } from './redisHere.ts'

/** What `tail --follow` shows of a channel while things come, each once the one before is shown. */
async function followed(world: World, url: readonly string[], steps: readonly Step[]) {
  const tail = world.start(['tail', 'jobs', '--follow', '--json', ...url])
  await tail.shows('peek:')
  for (const { comes, text } of steps) {
    await comes()
    await tail.shows(text)
  }
  tail.child.kill('SIGINT')
  const { stdout } = await tail.ended
  const shown = stdout.trim().split('\n')
  return shown.map((line) => JSON.stringify((JSON.parse(line) as { data: unknown }).data))
}

interface Step {
  readonly comes: () => Promise<unknown>
  readonly text: string | RegExp
}

const publishing =
  (world: World, url: readonly string[]) =>
  (data: string, ...more: string[]) => ({
    comes: () => world.run(['publish', 'jobs', data, ...more, ...url]),
    text: `"data":${data}`,
  })

test('each message is shown once while it is delayed', async () => {
  using world = cliWorld()
  const publish = publishing(world, [])
  await world.run(['publish', 'jobs', '1'])
  const all = await followed(world, [], [publish('2', '--delay', '1h'), publish('3'), publish('4')])
  expect(all).toEqual(['1', '2', '3', '4'])
})

describeRedis('tail --follow of a list', () => {
  test('shows each message once, however long it waits, and every one that is new', async () => {
    await using server = await startRedis()
    using world = cliWorld()
    const client = createClient({ url: server.url })
    await client.connect()
    const url = ['-u', server.url]
    const publish = publishing(world, url)
    const push = (data: string, count: number) => ({
      comes: () => client.lPush('jobs', data),
      text: new RegExp(`("data":${data}[^]*){${count}}`),
    })
    await world.run(['publish', 'jobs', '1', ...url])
    await client.lPush('jobs', ['2', '2'])
    const all = await followed(world, url, [
      publish('3', '--delay', '1h'),
      push('2', 3),
      publish('4'),
      push('5', 1),
      publish('6'),
    ])
    const first = await world.lines('tail', 'jobs', '--from', 'first', ...url)
    expect(first.map(({ data }) => data)).toEqual([1, 2, 2, 2, 4, 5, 6, 3])
    client.destroy()
    expect(all).toEqual(['1', '2', '2', '3', '2', '4', '5', '6'])
  })
})
