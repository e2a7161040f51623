import { createClient } from '@redis/client'
import { expect, test } from 'vitest'
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
})
