import { afterAll, expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { randomName } from '../../src/core/ids.ts'
import type { Pattern } from '../../src/core/message.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { Bus } from '../../src/runtime/api.ts'
import { describeRedis, redisProgram } from './redisHere.ts'

const server = redisProgram && (await startRedis())
afterAll(async () => await server?.stop())
const url = server?.url as string

const kinds = {
  list: (bus: Bus, name: string) =>
    bus.queue<number>(name, { dedupe: { on: 'publish', windowMs: 60_000 } }),
  stream: (bus: Bus, name: string) => bus.stream<number>(name, { retention: { messages: 50 } }),
  broadcast: (bus: Bus, name: string) => bus.broadcast<number>(name),
  narrowcast: (bus: Bus, name: string) => bus.narrowcast<number>(name),
}

/** Without a worker there is nobody to publish to. */
async function listening(bus: Bus, name: string): Promise<void> {
  const worker = bus.narrowcast<number>(name).subscribe(() => {})
  worker.on('error', () => {})
  await worker.ready()
}

const gone = {
  removed: (bus: Bus, name: string, pattern: Pattern) => bus.admin.remove({ name, pattern }),
  flushed: () => askRedis(url, 'FLUSHALL'),
}

describeRedis.each(Object.keys(kinds) as (keyof typeof kinds)[])('%s', (kind) => {
  test.each(Object.keys(gone) as (keyof typeof gone)[])(
    'a publisher that goes on has its channel declared again: %s',
    async (how) => {
      await using bus = await connect(url, { telemetry: false })
      await using other = await connect(url, { telemetry: false })
      const name = `gone.${randomName()}`
      const channel = kinds[kind](bus, name)
      if (kind === 'narrowcast') await listening(other, name)
      await channel.publish(1)
      const declared = await askRedis(url, 'HGET', 'narrowcast:channels', name)
      expect(declared).not.toBeNull()
      await gone[how](other, name, kind === 'list' ? 'queue' : kind)
      const again = async () => {
        await channel.publish(2).catch(() => {}) // who was told of the removal comes again
        return await askRedis(url, 'HGET', 'narrowcast:channels', name)
      }
      await expect.poll(again, { timeout: 10_000 }).toEqual(declared)
    },
  )
})

describeRedis('a channel that is removed', () => {
  test('stays removed when nobody publishes to it any more', async () => {
    const bus = await connect(url, { telemetry: false })
    const name = `gone.${randomName()}`
    await bus.queue<number>(name).publish(1)
    await gone.removed(bus, name, 'queue')
    await bus[Symbol.asyncDispose]()
    expect(await askRedis(url, 'HGET', 'narrowcast:channels', name)).toBeNull()
    expect(await askRedis(url, 'EXISTS', name)).toBe(0)
  })
})

/** Who listens, at a lease that is renewed soon. */
const listeners = {
  'a broadcast': (bus: Bus, name: string) => bus.broadcast(name).subscribe(() => {}),
  'a narrowcast': (bus: Bus, name: string) => bus.narrowcast(name).subscribe(() => {}),
  'the relay of a narrowcast': (bus: Bus, name: string) => bus.relay(name, { leaseMs: 600 }),
}

describeRedis('who only listens', () => {
  test.each(Object.keys(listeners) as (keyof typeof listeners)[])(
    'has its channel declared again after FLUSHALL: %s',
    async (who) => {
      await using bus = await connect(url, { telemetry: false })
      const name = `heard.${randomName()}`
      const listener = await listeners[who](bus, name)
      listener.on('error', () => {})
      await listener.ready()
      const entry = () => askRedis(url, 'HGET', 'narrowcast:channels', name)
      const declared = await entry()
      expect(declared).not.toBeNull()
      await askRedis(url, 'FLUSHALL')
      await expect.poll(entry, { timeout: 10_000 }).toEqual(declared)
      await using other = await connect(url, { telemetry: false })
      await expect(other.queue(name).publish(1)).rejects.toMatchObject({ code: 'CONFLICT' })
    },
  )
})
