import { describe, expect, test } from 'vitest'
import { cliWorld } from '../e2e/cliRun.ts'
import { channelName, missing, named, ourBus, theirClient, url } from './redisForeign.ts'

describe.skipIf(missing.redis !== null)(named('elements without an id', missing.redis), () => {
  test('are named by nothing until they are taken, and never by an empty id', async () => {
    using world = cliWorld()
    const name = channelName('nameless')
    const channel = { name, pattern: 'queue' } as const
    const bus = await ourBus()
    const client = await theirClient()
    await bus.queue(name).opened()
    await client.lPush(name, ['{"n":1}', '{"n":2}'])
    const { stdout } = await world.run(['messages', 'ls', name, '-u', url])
    expect(stdout.split('\n')[1]).toMatch(/^ *- .*waiting/)
    for (const verb of [['show'], ['rm', '--confirm', name]]) {
      const [word = '', ...more] = verb
      const ran = await world.run(['messages', word, name, '', ...more, '-u', url])
      expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('the id is empty')])
    }
    expect(await bus.admin.message(channel, '')).toBe(null)
    expect(await bus.admin.removeMessage(channel, '')).toBe(false)
    expect(await client.lLen(name)).toBe(2)
  })

  test('of which two say the same id are counted, and not called delayed', async () => {
    using world = cliWorld()
    const name = channelName('twins')
    const bus = await ourBus()
    for (const data of [1, 2]) await bus.queue(name).publish(data, { id: 'same' })
    const { code, stderr } = await world.run(['messages', 'show', name, 'same', '-u', url])
    expect([code, stderr]).toEqual([2, expect.stringContaining('have the id same: 2 waiting')])
  })
})
