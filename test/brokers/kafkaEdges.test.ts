import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Session } from '../../src/core/driver.ts'
import type { Delivery } from '../../src/core/message.ts'
import { startKafka } from '../../src/lab/brokers/kafka.ts'
import type { KafkaServer } from '../../src/lab/brokers/kafkaServer.ts'
import { message } from './file/store.ts'
import { describeKafka } from './kafkaHere.ts'
import { ackAll, openKafka, openSource, publishAll, queue, several, takeAll } from './kafkaOpen.ts'

const never = new AbortController().signal
const idsOf = (all: readonly Delivery[]) => all.map((one) => one.message.id)
const stream = () => queue({ pattern: 'stream' })

describeKafka('a channel on Kafka', () => {
  let server: KafkaServer
  let session: Session
  beforeAll(async () => {
    server = await startKafka()
    session = await openKafka(`${server.url}?partitions=1`)
  }, 120_000)
  afterAll(async () => {
    await session[Symbol.asyncDispose]()
    await server.stop()
  })

  test('is removed where no group has ever read anything', async () => {
    const channel = queue()
    await publishAll(session, channel, several(1))
    await session.admin.remove?.(channel, never)
    expect(await session.admin.depths?.([channel], never)).toEqual([null])
    await publishAll(session, channel, several(1, 'n'))
    await using opened = await openSource(session, channel, { reader: 'a' })
    const got = await takeAll(opened, 1)
    expect(idsOf(got)).toEqual(['n0'])
    await ackAll(opened, got)
  })

  test('that is removed takes nothing of another along that the same group reads', async () => {
    const [gone, kept] = [stream(), stream()]
    const group = 'billing'
    for (const channel of [gone, kept]) {
      await publishAll(session, channel, several(3))
      await using opened = await openSource(session, channel, { reader: 'a', group })
      await ackAll(opened, (await takeAll(opened, 2)).slice(0, 2))
    }
    await session.admin.remove?.(gone, never)
    await using again = await openSource(session, kept, { reader: 'b', group, from: 'end' })
    expect(idsOf(await takeAll(again, 1))).toEqual(['m2'])
  })

  test('that is made anew is another one: who read the former has ended, and skips nothing', async () => {
    const channel = queue()
    await publishAll(session, channel, several(20))
    await using opened = await openSource(session, channel, { reader: 'a' })
    await ackAll(opened, await takeAll(opened, 20))
    await using other = await openKafka(`${server.url}?partitions=1`)
    await other.admin.remove?.(channel, never)
    await publishAll(other, channel, several(3, 'new'))
    const receiving = opened.source.receive({ messages: 9, bytes: 1e6 }, never)
    await expect(receiving).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await opened[Symbol.asyncDispose]()
    await using next = await openSource(other, channel, { reader: 'b' })
    const got = await takeAll(next, 3)
    expect(idsOf(got)).toEqual(['new0', 'new1', 'new2'])
    await ackAll(next, got)
  })

  test('that a group reads anew while it is busy with another begins where it is told', async () => {
    const [busy, fresh] = [stream(), stream()]
    const group = 'clerks'
    await using working = await openSource(session, busy, { reader: 'a', group })
    await publishAll(session, fresh, several(5, 'old'))
    const first = await openSource(session, fresh, { reader: 'b', group, from: 'end' })
    await publishAll(session, fresh, several(2, 'new'))
    await first[Symbol.asyncDispose]()
    await using next = await openSource(session, fresh, { reader: 'c', group, from: 'first' })
    expect(idsOf(await takeAll(next, 2))).toEqual(['new0', 'new1'])
    expect(working.lost).toEqual([])
  })

  test('goes on while thousands wait for later, and so does a retry', async () => {
    const channel = queue()
    const hold = { messages: 10, bytes: 1e6 }
    await using opened = await openSource(session, channel, { reader: 'a', hold })
    const later = Array.from({ length: 5_000 }, (_, n) => message(`l${n}`, { delayMs: 3_600_000 }))
    for (let at = 0; at < later.length; at += 500) {
      await publishAll(session, channel, later.slice(at, at + 500))
    }
    await publishAll(session, channel, several(50))
    const seen: string[] = []
    let failed = 0
    while (seen.length < 50) {
      const got = await opened.source.receive({ messages: 5, bytes: 1e6 }, never)
      await opened.source.settle(
        got.map(({ token, failures }) => {
          if (failures > 0 || failed++ >= 5) return { token, kind: 'ack' }
          const error = { name: 'Error', message: 'no', worker: 'w', atMs: 1 }
          return { token, kind: 'retry', delayMs: 300, failures: 1, error }
        }),
        never,
      )
      for (const { message, failures } of got) {
        if (failures > 0 || failed > 5) seen.push(message.id)
      }
    }
    expect(new Set(seen).size).toBe(50)
  })

  test('does not repeat what was done behind one that waits for long, when its reader ends', async () => {
    const channel = queue()
    const scheduled = async () => {
      const [depth] = (await session.admin.depths?.([channel], never)) ?? []
      return depth?.scheduled
    }
    const opened = await openSource(session, channel, { reader: 'a' })
    await publishAll(session, channel, [message('far', { delayMs: 55_000 })])
    const near = Array.from({ length: 300 }, (_, n) => message(`n${n}`, { delayMs: 200 }))
    await publishAll(session, channel, near)
    expect(await scheduled()).toBe(301)
    await ackAll(opened, await takeAll(opened, 300))
    await expect.poll(scheduled).toBe(1)
    await opened[Symbol.asyncDispose]()
    await using next = await openSource(session, channel, { reader: 'b' })
    const nothing = await next.source.receive({ messages: 9, bytes: 1e6 }, AbortSignal.timeout(500))
    expect(nothing).toEqual([])
  })

  test('whose topic takes less than a batch stores each message that it takes', async () => {
    const channel = queue()
    await session.admin.ensure(channel, never)
    await server.tool('kafka.admin.ConfigCommand', [
      ...['--bootstrap-server', server.address, '--alter', '--entity-type', 'topics'],
      ...['--entity-name', channel.name, '--add-config', 'max.message.bytes=20000'],
    ])
    await using publisher = await session.publisher(channel, never)
    const body = JSON.stringify('x'.repeat(5_000))
    const batch = several(20).map((one) => ({ ...one, body }))
    const large = message('large', { body: JSON.stringify('x'.repeat(30_000)) })
    const said = await publisher.publish([...batch.slice(0, 7), large, ...batch.slice(7)], never)
    expect(said.map((one) => (one.state === 'stored' ? 'stored' : one.code))).toEqual([
      ...Array(7).fill('stored'),
      'PAYLOAD_TOO_LARGE',
      ...Array(13).fill('stored'),
    ])
    await using opened = await openSource(session, channel, { reader: 'a' })
    expect(idsOf(await takeAll(opened, 20))).toEqual(several(20).map(({ id }) => id))
    expect((await session.contract(channel, never)).payloadBytesMax).toBe(0)
  })
})
