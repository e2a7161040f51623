import { expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import type { PublishOptions } from '../../src/index.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { describeRedis } from './redisHere.ts'

const page = { cursor: null, limit: 9, newestFirst: false } as const

/** A server with dead letters of `from`, one for each of these options. */
async function dead(letters: readonly PublishOptions[]) {
  const server = await startRedis()
  const bus = await connect(server.url, { telemetry: false })
  const from = bus.queue<number>('from', { attempts: 1 })
  await from.publishMany(letters.map((options, data) => ({ data, options })))
  const failing = from.subscribe(() => {
    throw new Error('not today')
  })
  failing.on('error', () => {}) // it is meant to fail
  let count = 0
  await new Promise<void>((resolve) => {
    failing.on('dead', () => ++count === letters.length && resolve())
  })
  await failing.drain()
  const channel = { name: 'from', pattern: 'queue' } as const
  const letterRefs = async () => {
    const { items } = await bus.admin.deadLetters(channel, null, page)
    return items.map(({ ref }) => ref)
  }
  return {
    ...{ server, bus, letterRefs },
    redrive: async () =>
      await bus.admin.redrive(channel, await letterRefs(), { name: 'to', pattern: 'queue' }),
    async [Symbol.asyncDispose]() {
      await bus.close()
      await server.stop()
    },
  }
}

describeRedis('dead letters that are sent to another channel', () => {
  test('go as the data alone where that was made with envelope: false', async () => {
    await using scene = await dead([{}, { headers: { traceparent: '00-1-1-01' } }])
    await using other = await connect(scene.server.url, { telemetry: false })
    await other.queue('to', { envelope: false }).opened()
    expect(await scene.redrive()).toMatchObject([{ state: 'stored' }, { state: 'stored' }])
    expect(await askRedis(scene.server.url, 'LRANGE', 'to', '0', '-1')).toEqual(['1', '0'])
    expect(await scene.letterRefs()).toEqual([])
  })

  test('stay where they are when what would be lost there was said by their publisher', async () => {
    await using scene = await dead([{ key: 'k' }, { headers: { shop: 'x' } }, {}])
    await scene.bus.queue('to', { envelope: false }).opened()
    expect(await scene.redrive()).toMatchObject([
      { state: 'refused', code: 'INVALID_ARGUMENT', message: expect.stringContaining('its key') },
      { state: 'refused', code: 'INVALID_ARGUMENT', message: expect.stringContaining('headers') },
      { state: 'stored' },
    ])
    expect(await askRedis(scene.server.url, 'LRANGE', 'to', '0', '-1')).toEqual(['2'])
    expect(await scene.letterRefs()).toHaveLength(2)
  })

  test('go with all that is around the data anywhere else', async () => {
    await using scene = await dead([{ key: 'k', headers: { shop: 'x' } }])
    await scene.bus.queue('to').opened()
    expect(await scene.redrive()).toMatchObject([{ state: 'stored' }])
    const seen = Promise.withResolvers<unknown>()
    await using _ = scene.bus.queue('to').subscribe((data, { message: { key, headers } }) => {
      seen.resolve({ data, key, headers })
    })
    expect(await seen.promise).toEqual({ data: 0, key: 'k', headers: { shop: 'x' } })
  })
})
