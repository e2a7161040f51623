import { expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import type { Bus } from '../../src/index.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { describeRedis } from './redisHere.ts'

const dedupe = { on: 'publish', windowMs: 60_000 } as const
const delayed = { delayMs: 60_000 } as const

/** The key of another program, a channel, and two messages of which one needs that key. */
const cases = {
  'a queue: the flags': ['{jobs}:flags', (bus) => bus.queue('jobs'), {}],
  'a queue: what is delayed': ['{jobs}:delayed', (bus) => bus.queue('jobs'), delayed],
  'a stream: what is delayed': ['{jobs}:delayed', (bus) => bus.stream('jobs'), delayed],
  'a stream: a mark': ['{jobs}:dedupe:b', (bus) => bus.stream('jobs', { dedupe }), { id: 'b' }],
  'the stream itself': ['jobs', (bus) => bus.stream('jobs'), {}],
} as const satisfies Record<string, readonly [string, (bus: Bus) => unknown, object]>

describeRedis('a publish that meets a key of another program', () => {
  test.for(Object.keys(cases) as (keyof typeof cases)[])(
    'was certainly not stored, not even in part: %s',
    async (which) => {
      await using server = await startRedis()
      await using bus = await connect(server.url, { telemetry: false })
      const [key, open, options] = cases[which]
      const jobs = open(bus)
      await jobs.publish(0)
      await askRedis(server.url, 'DEL', key)
      await askRedis(server.url, 'SADD', key, 'theirs')
      const answers = await jobs.publishMany([{ data: 1 }, { data: 2, options }])
      const refused = { code: 'CONFLICT', definite: true }
      expect(answers).toMatchObject([refused, refused])
      expect(await askRedis(server.url, 'SMEMBERS', key)).toEqual(['theirs'])
      const stored = which.startsWith('a queue') ? 'LLEN' : 'XLEN'
      if (key !== 'jobs') expect(await askRedis(server.url, stored, 'jobs')).toBe(1)
      await askRedis(server.url, 'DEL', key)
      expect(await jobs.publish(3)).toBeDefined()
    },
  )

  test('to the relay of a narrowcast was certainly not sent', async () => {
    await using server = await startRedis()
    await using bus = await connect(server.url, { telemetry: false })
    await askRedis(server.url, 'SADD', '{rooms}:leader', 'theirs')
    await expect(bus.narrowcast('rooms', { via: 'relay' }).publish(1)).rejects.toMatchObject({
      code: 'CONFLICT',
      definite: true,
    })
  })
})
