import { createClient } from '@redis/client'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import type { ChannelSpec, ReaderSpec } from '../../src/core/channel.ts'
import type { Session } from '../../src/core/driver.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { messageOf, peek } from '../../src/drivers/redis/list/look.ts'
import { Queue } from '../../src/drivers/redis/list/queue.ts'
import { removeMessage } from '../../src/drivers/redis/list/removal.ts'
import type { Home } from '../../src/drivers/redis/servers.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { describeRedis } from './redisHere.ts'
import { openUrl } from './redisServers.ts'

const mebibyte = 1_048_576

/** Notes the size of each reply. */
function measured(home: Home, sizes: number[]): Home {
  const noted = <T>(reply: T): T => {
    sizes.push(sizeOf(reply))
    return reply
  }
  return {
    ...home,
    send: async (args, operation, as) => noted(await home.send(args, operation, as)),
    run: async (script, keys, args, operation, as) =>
      noted(await home.run(script, keys, args, operation, as)),
  }
}

function sizeOf(reply: unknown): number {
  if (Array.isArray(reply)) return reply.reduce((sum: number, one) => sum + sizeOf(one), 0)
  return reply instanceof Buffer || typeof reply === 'string' ? reply.length : 0
}

/** A reader that has taken so many. */
async function holder(url: string, count: number): Promise<Session> {
  const never = new AbortController().signal
  const session = await redis({ url }).open({ closed: () => {} }, never)
  const room = { messages: count, bytes: 1e9 }
  const channel: ChannelSpec = {
    ...{ name: 'jobs', pattern: 'queue', via: 'direct', envelope: true },
    ...{ leaseMs: 60_000, payloadBytesMax: 1e9, dedupeWindowMs: null },
    retention: { ageMs: null, messages: null, bytes: null },
  }
  const reader: ReaderSpec = {
    ...{ reader: 'one', worker: { id: 'one', incarnation: '1' }, group: null, holding: [] },
    ...{ hold: room, leaseMs: 60_000, charge: 'marked', from: 'first', order: null },
  }
  const source = await session.source(channel, reader, { lost: () => {} }, never)
  for (let left = count; left > 0; ) {
    left -= (await source.receive({ ...room, messages: left }, never)).length
  }
  return session
}

describeRedis('a look at a list', () => {
  test('reads a few MiB at a time, whatever one message has', { timeout: 60_000 }, async () => {
    await using server = await startRedis()
    await using bus = await connect(server.url, { telemetry: false })
    const client = createClient({ url: server.url })
    client.on('error', () => {}) // told by the call that it breaks
    await client.connect()
    onTestFinished(() => client.destroy())
    const body = (n: number) => ({ n, text: 'x'.repeat(n % 3 === 0 ? 1_000_000 : 10) })
    const jobs = bus.queue('jobs')
    const publish = async (from: number, to: number, delayMs: number) => {
      for (let n = from; n < to; n++) await jobs.publish(body(n), { id: `id-${n}`, delayMs })
    }
    await publish(0, 30, 0)
    await using _ = await holder(server.url, 30)
    await client.lPush('jobs', ['{"plain":1}'])
    await publish(30, 60, 0)
    await publish(60, 90, 3_600_000)

    const sizes: number[] = []
    const queue = new Queue('jobs', measured((await openUrl(server.url)).home('jobs'), sizes))
    const ids = async (newestFirst: boolean, limit: number) => {
      const found: string[] = []
      let cursor: string | null = null
      do {
        const query = { cursor, limit, newestFirst, from: 'first' } as const
        const page: Awaited<ReturnType<typeof peek>> = await peek(queue, query)
        expect(page.items.length).toBeLessThanOrEqual(limit)
        found.push(...page.items.map(({ message }) => message.id))
        cursor = page.cursor
      } while (cursor !== null)
      return found
    }
    const all = await ids(false, 1_000)
    expect(new Set(all).size).toBe(91)
    expect(await ids(false, 7)).toEqual(all)
    expect(await ids(true, 7)).toEqual(all.toReversed())
    expect(await ids(true, 1_000)).toEqual(all.toReversed())
    for (const n of [0, 29, 59, 89]) {
      expect((await messageOf(queue, `id-${n}`))?.message.id).toBe(`id-${n}`)
    }
    expect(await removeMessage(queue, 'id-57')).toBe(true)
    expect(await messageOf(queue, 'id-57')).toBeNull()
    expect(Math.max(...sizes)).toBeLessThan(6 * mebibyte)
  })
})
