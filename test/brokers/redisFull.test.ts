import { createClient } from '@redis/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import { cliWorld } from '../e2e/cliRun.ts'
import { describeRedis } from './redisHere.ts'

describeRedis('redis at maxmemory', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  /** What came before is there; nothing that needs more memory is taken from now on. */
  async function full() {
    const client = createClient({ url: server.url })
    client.on('error', () => {}) // the call that it breaks rejects
    await client.connect()
    await client.configSet('maxmemory', '1mb')
    return {
      async [Symbol.asyncDispose]() {
        await client.configSet('maxmemory', '0')
        client.destroy()
      },
    }
  }
  const open = (query = '') => connect(`${server.url}${query}`, { telemetry: false })

  test.for([
    ['list', {}],
    ['stream', {}],
    ['list', { dedupe: { on: 'consume' } }],
    ['stream', { dedupe: { on: 'consume' } }],
  ] as const)(
    'a worker that comes then drains a %s with %o',
    async ([queue, options], { task }) => {
      const name = `full.${task.id}`
      await using bus = await open(`?queue=${queue}`)
      const batch = Array.from({ length: 50 }, (_, data) => ({ data }))
      const channel = bus.queue<number>(name, { ...options, publish: { retry: false } })
      await channel.publishMany(batch)
      await using _ = await full()
      await expect(bus.queue(name, options).publish(50)).rejects.toMatchObject({
        code: 'UNAVAILABLE',
      })
      await using later = await open(`?queue=${queue}`)
      const done = Promise.withResolvers<void>()
      const left = new Set(batch.map(({ data }) => data))
      const worker = later.queue<number>(name, options).subscribe((data) => {
        left.delete(data)
        if (left.size === 0) done.resolve()
      })
      await done.promise
      await worker.drain()
      const [depth] = await later.admin.depths([{ name, pattern: 'queue' }])
      expect(depth).toMatchObject({ waiting: 0, inFlight: 0, out: 50 })
    },
  )

  test('a relay goes on, and another one takes over', async () => {
    await using bus = await open()
    const rooms = bus.narrowcast<number>('full.rooms', { via: 'relay' })
    const got: number[] = []
    const worker = rooms.subscribe((data) => void got.push(data))
    // A busy machine may stand still for a while, and it is to lead all the time.
    const leaseMs = 5_000
    const first = await bus.relay('full.rooms', { leaseMs })
    await Promise.all([worker.ready(), first.ready()])
    await using _ = await full()
    const second = await bus.relay('full.rooms', { leaseMs })
    // For longer than a lease: the server's clock is the real one.
    const count = 13
    for (let n = 0; n < count; n++) {
      expect(await rooms.publish(n)).toMatchObject({ receivers: 1 })
      await new Promise((resolve) => setTimeout(resolve, leaseMs / 10))
    }
    await first[Symbol.asyncDispose]()
    await second.ready()
    expect(await rooms.publish(count)).toMatchObject({ receivers: 1 })
    await expect.poll(() => got).toHaveLength(count + 1)
    await second[Symbol.asyncDispose]()
  })

  test.for([['1'], ['--lines']])(
    'publish says that it is refused, why, and how long it goes on trying: %s',
    async (words) => {
      using world = cliWorld()
      const publish = ['publish', 'full.told', ...words, '-u', server.url]
      expect((await world.run(publish, { input: '1\n' })).stderr).not.toContain('refused')
      const meanwhile = async () => {
        await using _ = await full()
        const run = world.start(publish, { input: '1\n' })
        await run.shows('refused for now')
        return run
      }
      const { ended } = await meanwhile()
      const { code, stdout, stderr } = await ended
      expect([code, stdout]).toEqual([0, expect.stringContaining('published full.told')])
      expect(
        stderr.match(/refused for now: .*OOM .*; goes on trying for \d+\.\d s$/gm),
      ).toHaveLength(1)
    },
  )
})
