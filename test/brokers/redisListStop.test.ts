import { expect, test } from 'vitest'
import type { ChannelSpec, ReaderSpec } from '../../src/core/channel.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { describeRedis } from './redisHere.ts'

const never = new AbortController().signal
const room = { messages: 5, bytes: 1e6 }

describeRedis('a list that is stopped while messages come', () => {
  test('hands out each once: by receive, or by stop', async () => {
    await using server = await startRedis()
    await using session = await redis({ url: server.url }).open({ closed: () => {} }, never)
    for (let n = 0; n < 300; n++) {
      const name = `stopped.${n}`
      const channel: ChannelSpec = {
        ...{ name, pattern: 'queue', via: 'direct', envelope: true, leaseMs: 30_000 },
        ...{ payloadBytesMax: 1_000, dedupeWindowMs: null },
        retention: { ageMs: null, messages: null, bytes: null },
      }
      const reader: ReaderSpec = {
        ...{ reader: `r${n}`, worker: { id: `w${n}`, incarnation: '1' }, group: null, holding: [] },
        ...{ hold: room, leaseMs: 30_000, charge: 'taken', from: 'first', order: null },
      }
      const source = await session.source(channel, reader, { lost: () => {} }, never)
      const receiving = source.receive(room, never)
      await askRedis(server.url, 'LPUSH', name, ...Array.from({ length: 10 }, (_, at) => `${at}`))
      await askRedis(server.url, 'PUBLISH', `{${name}}:wake`, '')
      for (let turn = 0; turn < n % 10; turn++) await new Promise(setImmediate)
      const stopping = source.stop(never)
      const all = [...(await receiving), ...(await stopping)].map(({ token }) => token.serial)
      expect(all).toEqual([...new Set(all)])
      await source[Symbol.asyncDispose]()
    }
  })
})
