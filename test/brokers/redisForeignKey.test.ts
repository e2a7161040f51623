import { createClient } from '@redis/client'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { cliWorld } from '../e2e/cliRun.ts'
import { describeRedis } from './redisHere.ts'

describeRedis('redis, a key of another program', () => {
  test.for(['queue', 'stream'])(
    'no %s is made of it, and everything else is listed on',
    async (pattern) => {
      await using server = await startRedis()
      using world = cliWorld()
      const client = createClient({ url: server.url })
      client.on('error', () => {}) // the call that it breaks rejects
      await client.connect()
      const url = ['-u', server.url]
      await world.run(['publish', 'orders', '1', ...url])
      await client.set('taken', 'x')
      const { code, stderr } = await world.run([
        'publish',
        'taken',
        '1',
        '--pattern',
        pattern,
        ...url,
      ])
      expect([code, stderr]).toEqual([2, expect.stringContaining('the key "taken" holds a string')])
      expect(stderr).not.toContain('is new')
      expect(await client.hKeys('narrowcast:channels')).toEqual(['orders'])
      expect(await world.json('channels', 'ls', ...url)).toMatchObject({
        items: [{ channel: 'orders' }],
      })
      expect(await client.get('taken')).toBe('x')
      client.destroy()
    },
  )

  test('that took the place of a channel: the others are listed, it is told, and only its declaration goes', async () => {
    await using server = await startRedis()
    using world = cliWorld()
    const client = createClient({ url: server.url })
    client.on('error', () => {}) // the call that it breaks rejects
    await client.connect()
    onTestFinished(() => client.destroy())
    const url = ['-u', server.url]
    await using bus = await connect(server.url, { telemetry: false })
    for (const pattern of ['queue', 'stream'] as const) {
      for (const name of ['good', 'taken']) await bus[pattern](`${name}.${pattern}`).publish(1)
      await client.del(`taken.${pattern}`)
      await client.set(`taken.${pattern}`, 'theirs')
    }
    await client.hSet('narrowcast:channels', { broken: 'no JSON', empty: '{}' })
    for (const words of [['channels', 'ls'], ['stats'], ['dead', 'ls']]) {
      const { code, stdout, stderr } = await world.run([...words, ...url])
      expect([words, code]).toEqual([words, 0])
      if (words[0] !== 'dead') expect(stdout).toMatch(/good\.queue +queue +1 /)
      for (const name of ['taken.queue', 'taken.stream']) {
        expect(stderr).toMatch(new RegExp(`! ${name}: .*"${name}"`))
      }
      for (const name of ['broken', 'empty']) {
        expect(stderr).toContain(`the entry of "${name}" in narrowcast:channels`)
      }
    }
    const { items } = await world.json('channels', 'ls', ...url)
    expect(items).toMatchObject([
      { channel: 'broken' },
      { channel: 'empty' },
      { channel: 'good.queue', waiting: 1 },
      { channel: 'good.stream' },
      { channel: 'taken.queue', waiting: null },
      { channel: 'taken.stream', waiting: null },
    ])
    for (const name of ['taken.queue', 'taken.stream']) {
      const shown = await world.run(['channels', 'show', name, ...url])
      expect([shown.code, shown.stderr]).toEqual([2, expect.stringContaining(`"${name}"`)])
      const removed = await world.run(['channels', 'rm', name, '--confirm', name, ...url])
      expect([removed.code, removed.stdout]).toEqual([0, `removed ${name}\n`])
      expect(await client.get(name)).toBe('theirs')
      expect(await client.hExists('narrowcast:channels', name)).toBe(0)
    }
    for (const pattern of ['queue', 'stream'] as const) {
      await bus.admin.remove({ name: `good.${pattern}`, pattern })
    }
    expect((await client.keys('*')).sort()).toEqual([
      'narrowcast:channels',
      'taken.queue',
      'taken.stream',
    ])
  })

  test('that could be a channel is told, with how to make it one', async () => {
    await using server = await startRedis()
    using world = cliWorld()
    const client = createClient({ url: server.url })
    client.on('error', () => {}) // the call that it breaks rejects
    await client.connect()
    onTestFinished(() => client.destroy())
    const url = ['-u', server.url]
    await client.lPush('pushed', '{"n":1}')
    await client.xAdd('added', '*', { data: '1' })
    await client.set('text', 'x')
    for (const [name, pattern] of [
      ['pushed', 'queue'],
      ['added', 'stream'],
    ] as const) {
      const how = `${name} --pattern ${pattern}`
      const { code, stderr } = await world.run(['channels', 'show', name, ...url])
      expect([code, stderr]).toEqual([4, expect.stringContaining(how)])
      await world.run(['channels', 'create', ...how.split(' '), ...url])
      expect(await world.json('channels', 'show', name, ...url)).toMatchObject({ stored: 1 })
    }
    for (const name of ['text', 'nothing']) {
      const { code, stderr } = await world.run(['tail', name, ...url])
      expect([code, stderr]).toEqual([4, expect.not.stringContaining('channels create')])
    }
  })
})
