import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Admin, Stored } from '../../src/core/admin.ts'
import type { ChannelRef } from '../../src/core/channel.ts'
import type { Session } from '../../src/core/driver.ts'
import type { Place } from '../../src/core/message.ts'
import { startKafka } from '../../src/lab/brokers/kafka.ts'
import type { KafkaServer } from '../../src/lab/brokers/kafkaServer.ts'
import { message } from './file/store.ts'
import { describeKafka } from './kafkaHere.ts'
import { ackAll, openKafka, openSource, publishAll, queue, several, takeAll } from './kafkaOpen.ts'

const never = new AbortController().signal
const idsOf = (all: readonly Stored[]) => all.map((one) => one.message.id)
const names = (count: number) => several(count).map(({ id }) => id)

describeKafka('a look at a channel on Kafka', () => {
  let server: KafkaServer
  let session: Session
  beforeAll(async () => {
    server = await startKafka()
    session = await openKafka(`${server.url}?partitions=3`)
  }, 120_000)
  afterAll(async () => {
    await session[Symbol.asyncDispose]()
    await server.stop()
  })

  /** Page by page. */
  async function look(
    channel: ChannelRef,
    { from = 'first', newestFirst = false, limit = 7 } = {} as {
      from?: Place
      newestFirst?: boolean
      limit?: number
    },
  ): Promise<Stored[]> {
    const all: Stored[] = []
    let cursor: string | null = null
    do {
      const query: Parameters<NonNullable<Admin['peek']>>[1] = { from, newestFirst, limit, cursor }
      const page: { items: Stored[]; cursor: string | null } | undefined =
        await session.admin.peek?.(channel, query, never)
      expect(page?.items.length).toBeLessThanOrEqual(limit)
      all.push(...(page?.items ?? []))
      cursor = page?.cursor ?? null
    } while (cursor !== null)
    return all
  }

  test('shows all of a stream once over its pages, from either end, each partition in its order', async () => {
    const channel = queue({ pattern: 'stream' })
    await publishAll(session, channel, several(50))
    for (const newestFirst of [false, true]) {
      for (const limit of [1, 7, 1_000]) {
        const all = await look(channel, { newestFirst, limit })
        expect(idsOf(all).sort()).toEqual(names(50).sort())
        for (const partition of [0, 1, 2]) {
          const own = all.filter(({ position }) => position?.startsWith(`${partition}-`))
          const offsets = own.map(({ position }) => Number(position?.split('-')[1]))
          const sorted = offsets.toSorted((a, b) => (newestFirst ? b - a : a - b))
          expect(offsets).toEqual(sorted)
        }
      }
    }
  })

  test('begins behind a position, at a time, or at the end', async () => {
    const channel = queue({ pattern: 'stream' })
    const sent = several(6).map((one) => ({ ...one, key: 'k' }))
    await publishAll(session, channel, sent)
    const all = await look(channel)
    const third = { position: all[2]?.position ?? '' }
    expect(idsOf(await look(channel, { from: third }))).toEqual(['m3', 'm4', 'm5'])
    expect(idsOf(await look(channel, { from: { id: 'm3' } }))).toEqual(['m4', 'm5'])
    expect(await look(channel, { from: 'end' })).toEqual([])
    expect(await look(channel, { from: { timeMs: Date.now() + 60_000 } })).toEqual([])
  })

  test('shows of a queue what its group has not passed, and what waits for later', async () => {
    const channel = queue()
    const keyed = several(5).map((one) => ({ ...one, key: 'k' }))
    await publishAll(session, channel, [...keyed, message('later', { delayMs: 600_000 })])
    const opened = await openSource(session, channel, { reader: 'a' })
    await ackAll(opened, (await takeAll(opened, 5)).slice(0, 2))
    await opened[Symbol.asyncDispose]()
    const all = await look(channel)
    const waiting = all.filter(({ state }) => state === 'waiting')
    expect(idsOf(waiting)).toEqual(['m2', 'm3', 'm4'])
    expect(
      all.filter(({ state }) => state === 'scheduled').map(({ message }) => message.id),
    ).toEqual(['later'])
    const [{ position = '' } = {}] = waiting
    expect(idsOf(await look(channel, { from: { position } }))).toEqual(['m3', 'm4'])
  })

  test('goes on only from a cursor that it has given', async () => {
    const channel = queue({ pattern: 'stream' })
    await publishAll(session, channel, several(1))
    for (const cursor of ['', 'x', '1,2', '1,2,x']) {
      const query = { from: 'first', newestFirst: false, limit: 1, cursor } as const
      await expect(async () => session.admin.peek?.(channel, query, never)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    }
  })

  test('tells how far a group is in each partition', async () => {
    const channel = queue({ pattern: 'stream' })
    await publishAll(
      session,
      channel,
      several(4).map((one) => ({ ...one, key: 'k' })),
    )
    const opened = await openSource(session, channel, { reader: 'a', group: 'mail' })
    const got = await takeAll(opened, 4)
    await ackAll(opened, got.slice(0, 3))
    await opened[Symbol.asyncDispose]()
    const [mail] = (await session.admin.groups?.(channel, never)) ?? []
    const partition = Number(got[3]?.position?.split('-')[0])
    expect(mail?.lag).toBe(1)
    expect(mail?.partitions).toEqual(
      [0, 1, 2].map((one) =>
        one === partition
          ? { partition: one, lag: 1, position: got[3]?.position }
          : { partition: one, lag: 0, position: `${one}-0` },
      ),
    )
  })

  test('a topic with fewer partitions or copies than were asked for is CONFLICT, with both numbers', async () => {
    const channel = queue()
    await publishAll(session, channel, several(1))
    await using more = await openKafka(`${server.url}?partitions=4&replicas=2`)
    await expect(publishAll(more, channel, several(1))).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('partitions is 3, wanted 4'),
    })
    expect(await more.admin.ensure(channel, never)).toEqual({
      state: 'differs',
      what: [
        { name: 'partitions', wanted: '4', found: '3' },
        { name: 'replicas', wanted: '2', found: '1' },
      ],
    })
    for (const options of ['', '?partitions=2', '?replicas=1']) {
      await using same = await openKafka(`${server.url}${options}`)
      await publishAll(same, channel, several(1))
    }
  })
})
