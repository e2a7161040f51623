import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { ChannelSpec, SubscriberSpec } from '../../src/core/channel.ts'
import type { GapWhy, LiveSource, Session } from '../../src/core/driver.ts'
import { randomName } from '../../src/core/ids.ts'
import type { Count } from '../../src/core/message.ts'
import { kafka } from '../../src/drivers/kafka/index.ts'
import { connect } from '../../src/index.ts'
import { startKafka } from '../../src/lab/brokers/kafka.ts'
import type { KafkaServer } from '../../src/lab/brokers/kafkaServer.ts'
import { message, spec, subscriberSpec } from './file/store.ts'
import { describeKafka } from './kafkaHere.ts'
import { publishAll, several } from './kafkaOpen.ts'

const never = new AbortController().signal
const tools = 'org.apache.kafka.tools'
const slow = { timeout: 60_000 }

const broadcast = () => spec({ name: `b-${randomName()}`, pattern: 'broadcast' })
const idsOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `m${from + n}`)
/** Partitions have no order among each other. */
const byNumber = (ids: readonly string[]) =>
  ids.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1)))

interface Subscribed {
  readonly source: LiveSource
  readonly gaps: { readonly missed: Count; readonly why: GapWhy }[]
}

async function subscribe(
  session: Session,
  channel: ChannelSpec,
  id: string,
  over: Partial<SubscriberSpec> = {},
): Promise<Subscribed> {
  const gaps: Subscribed['gaps'] = []
  const on = { gap: (missed: Count, why: GapWhy) => gaps.push({ missed, why }) }
  const subscriber = subscriberSpec(id, { leaseMs: 60_000, ...over })
  const source = await session.live?.subscribe(channel, subscriber, on, never)
  if (!source) throw new Error('no live patterns')
  return { source, gaps }
}

/** The ids of the next ones, so many. */
async function take({ source }: Subscribed, count: number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) {
    const room = { messages: count - ids.length, bytes: 1e8 }
    ids.push(...(await source.receive(room, never)).map(({ id }) => id))
  }
  return ids
}

describeKafka('a broadcast on Kafka', () => {
  let server: KafkaServer
  beforeAll(async () => {
    server = await startKafka()
    return () => server.stop()
  }, 120_000)

  /** Sessions of one process, until the test is over. */
  async function opened(partitions: number, count = 1): Promise<Session[]> {
    const driver = kafka({ url: `${server.url}?partitions=${partitions}` })
    const sessions: Session[] = []
    for (let n = 0; n < count; n++) {
      const session = await driver.open({ closed: () => {} }, never)
      onTestFinished(() => session[Symbol.asyncDispose]())
      sessions.push(session)
    }
    return sessions
  }

  const topicTool = async (...args: string[]) =>
    await server.tool(`${tools}.TopicCommand`, ['--bootstrap-server', server.address, ...args])

  test('gives each subscriber all of every partition, and a late one nothing old', async () => {
    const [session, other] = (await opened(4, 2)) as [Session, Session]
    const channel = broadcast()
    const early = [
      await subscribe(session, channel, 'a'),
      await subscribe(session, channel, 'b'),
      await subscribe(other, channel, 'c'),
    ]
    await publishAll(session, channel, several(40))
    const late = await subscribe(other, channel, 'late')
    await publishAll(session, channel, [message('m40', { key: 'k' })])
    for (const one of early) expect(byNumber(await take(one, 41))).toEqual(idsOf(0, 41))
    expect(await take(late, 1)).toEqual(['m40'])
  })

  test('is a topic and a mark beside it, and no group', async () => {
    const [session] = (await opened(2)) as [Session]
    const channel = broadcast()
    const { source } = await subscribe(session, channel, 'a')
    await publishAll(session, channel, several(3))
    await source.receive({ messages: 3, bytes: 1e6 }, never)
    const topics = (await topicTool('--list')).split('\n')
    const own = topics.filter((name) => name.startsWith(channel.name)).sort()
    expect(own).toEqual([channel.name, `${channel.name}..broadcast`])
    const described = await topicTool('--describe', '--topic', channel.name)
    expect(described).toContain('PartitionCount: 2')
    expect(described).not.toContain('retention.ms')
    const groups = await server.tool(`${tools}.consumer.group.ConsumerGroupCommand`, [
      ...['--bootstrap-server', server.address, '--list'],
    ])
    expect(groups).not.toContain(channel.name)
    expect(await session.admin.find?.(channel.name, never)).toEqual({
      ...{ name: channel.name, pattern: 'broadcast' },
    })
  })

  test('that is read slowly keeps all in the topic, and its subscriber no more than it may hold', async () => {
    const [session] = (await opened(3)) as [Session]
    const channel = broadcast()
    const hold = { messages: 10, bytes: 1e6 }
    const slowOne = await subscribe(session, channel, 'slow', { hold })
    const quick = await subscribe(session, channel, 'quick')
    await publishAll(session, channel, several(2_000))
    expect(byNumber(await take(quick, 2_000))).toEqual(idsOf(0, 2_000))
    const largest: number[] = []
    const ids: string[] = []
    while (ids.length < 2_000) {
      const got = await slowOne.source.receive({ messages: 1_000, bytes: 1e8 }, never)
      largest.push(got.length)
      ids.push(...got.map(({ id }) => id))
    }
    expect(byNumber(ids)).toEqual(idsOf(0, 2_000))
    expect(Math.max(...largest)).toBeLessThanOrEqual(10)
    expect([slowOne.gaps, quick.gaps]).toEqual([[], []])
  })

  test('goes on in each partition where its session broke off', async () => {
    const [lost, session] = (await opened(4, 2)) as [Session, Session]
    const channel = broadcast()
    const before = await subscribe(lost, channel, 'a')
    await publishAll(session, channel, several(100))
    const first = await take(before, 37)
    await lost[Symbol.asyncDispose]()
    await publishAll(session, channel, several(160).slice(100))
    const after = await subscribe(session, channel, 'a')
    expect(after.source.resumed).toBe(true)
    expect(byNumber([...first, ...(await take(after, 123))])).toEqual(idsOf(0, 160))
    expect(after.gaps).toEqual([])
  })

  test('tells how much the topic has forgotten while a subscriber was away', async () => {
    const [lost, session] = (await opened(1, 2)) as [Session, Session]
    const channel = broadcast()
    const before = await subscribe(lost, channel, 'a')
    await publishAll(session, channel, several(5))
    expect(await take(before, 2)).toEqual(['m0', 'm1'])
    await lost[Symbol.asyncDispose]()
    // As retention does it: by another program.
    const [other] = (await opened(1)) as [Session]
    await other.admin.purge?.(channel, never)
    const after = await subscribe(session, channel, 'a')
    await publishAll(session, channel, [message('m5')])
    expect([after.source.resumed, await take(after, 1)]).toEqual([true, ['m5']])
    expect(after.gaps).toEqual([{ missed: 3, why: 'reconnect' }])
  })

  test('tells how much the topic has forgotten that a slow subscriber had no room for', async () => {
    const [session] = (await opened(1)) as [Session]
    const channel = broadcast()
    const hold = { messages: 2, bytes: 1e6 }
    const slowOne = await subscribe(session, channel, 'slow', { hold })
    await publishAll(session, channel, several(10))
    expect(await take(slowOne, 1)).toEqual(['m0'])
    const [other] = (await opened(1)) as [Session]
    await other.admin.purge?.(channel, never)
    await publishAll(session, channel, [message('m10')])
    const rest: string[] = []
    while (rest.at(-1) !== 'm10') rest.push(...(await take(slowOne, 1)))
    const missed = 10 - rest.length // what it had been handed stays with it
    expect(missed).toBeGreaterThan(0)
    expect(slowOne.gaps).toEqual([{ missed, why: 'overflow' }])
  })

  test('reads what is published in partitions that are added', async () => {
    const [session] = (await opened(1)) as [Session]
    const channel = broadcast()
    const there = await subscribe(session, channel, 'there')
    const lookingOn = setInterval(() => void there.source.renew(never).catch(() => {}), 200)
    onTestFinished(() => clearInterval(lookingOn))
    await topicTool('--alter', '--topic', channel.name, '--partitions', '3')
    const [other] = (await opened(1)) as [Session]
    await publishAll(other, channel, several(30))
    expect(byNumber(await take(there, 30))).toEqual(idsOf(0, 30))
    // This session knew the topic when it had one partition.
    const late = await subscribe(session, channel, 'late')
    await publishAll(other, channel, [message('m30')])
    expect(await take(late, 1)).toEqual(['m30'])
  }, 30_000)

  test('that another program removes, and makes again, ends who read it', async () => {
    const [session] = (await opened(1)) as [Session]
    const [other] = (await opened(1)) as [Session]
    const channel = broadcast()
    const { source } = await subscribe(session, channel, 'a')
    const [lost, next] = (await opened(1, 2)) as [Session, Session]
    await subscribe(lost, channel, 'away')
    await publishAll(session, channel, several(3))
    await lost[Symbol.asyncDispose]()
    await other.admin.remove?.(channel, never)
    await other.admin.ensure(channel, never)
    await publishAll(other, channel, several(3, 'new'))
    const readOn = async () => {
      for (;;) {
        const got = await source.receive({ messages: 10, bytes: 1e6 }, never)
        expect(got.filter(({ id }) => id.startsWith('new'))).toEqual([])
      }
    }
    await expect(readOn()).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const again = [
      await subscribe(session, channel, 'a'),
      await subscribe(next, channel, 'away'),
    ] as const
    await publishAll(other, channel, [message('last')])
    for (const one of again) {
      expect([one.source.resumed, await take(one, 1), one.gaps]).toEqual([false, ['last'], []])
    }
  })

  test('that is removed ends at once who has no room to ask for more', async () => {
    const [session] = (await opened(1)) as [Session]
    const channel = broadcast()
    const full = await subscribe(session, channel, 'a', { hold: { messages: 2, bytes: 1e6 } })
    await publishAll(session, channel, several(4))
    expect(await take(full, 1)).toEqual(['m0']) // the next came with it
    await session.admin.remove?.(channel, never)
    await expect(take(full, 1)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('goes on where its connections are cut while the session stands', async () => {
    const line = await lineTo(server.port)
    let lost = 0
    const url = `kafka://127.0.0.1:${line.port}?advertised=ignore&partitions=3`
    const session = await kafka({ url }).open({ closed: () => void lost++ }, never)
    onTestFinished(() => session[Symbol.asyncDispose]())
    const [other] = (await opened(3)) as [Session]
    const channel = broadcast()
    const there = await subscribe(session, channel, 'a')
    for (let round = 0; round < 3; round++) {
      await publishAll(other, channel, several(20 * (round + 1)).slice(20 * round))
      line.cut()
      const expected = idsOf(20 * round, 20 * (round + 1))
      expect(byNumber(await take(there, 20))).toEqual(expected)
    }
    expect([there.gaps, lost]).toEqual([[], 0])
  })
})

/** A way to the server whose open connections can be cut. */
async function lineTo(port: number) {
  const all = new Set<Socket>()
  const line = createServer((client) => {
    const node = dial(port, '127.0.0.1')
    for (const [from, to] of [
      [client, node],
      [node, client],
    ] as const) {
      all.add(from)
      from.on('error', () => {}).on('close', () => to.destroy())
      from.pipe(to)
    }
  })
  const cut = () => {
    for (const one of all) one.destroy()
    all.clear()
  }
  line.listen(0, '127.0.0.1')
  await once(line, 'listening')
  onTestFinished(() => {
    cut()
    line.close()
  })
  return { port: (line.address() as AddressInfo).port, cut }
}

describeKafka('subscribers of a broadcast, when Kafka is killed,', () => {
  let server: KafkaServer
  beforeAll(async () => {
    server = await startKafka()
  }, 120_000)
  afterAll(() => server.stop())

  test('are given all that was published, and told of no gap', async () => {
    await using bus = await connect(`${server.url}?partitions=3`)
    await using other = await connect(`${server.url}?partitions=3`)
    const publisher = other.broadcast<number>('news')
    const seen: number[][] = [[], []]
    const gaps: unknown[] = []
    for (const got of seen) {
      const worker = bus.broadcast<number>('news').subscribe((n) => void got.push(n))
      worker.on('gap', (gap) => void gaps.push(gap))
      worker.on('error', () => {}) // the connection is lost
      await worker.ready()
    }
    let next = 0
    const stored: number[] = []
    /** What has no answer may be stored, or not. */
    const publish = async (count: number) => {
      const batch = Array.from({ length: count }, () => ({ data: next++ }))
      const answers = await publisher.publishMany(batch)
      stored.push(...batch.flatMap(({ data }, at) => (answers[at] instanceof Error ? [] : [data])))
      return !answers.some((one) => one instanceof Error)
    }
    expect(await publish(200)).toBe(true)
    for (let round = 0; round < 2; round++) {
      await server.kill()
      await server.restart()
      // Its subscribers may be back by then, or not.
      await expect.poll(() => publish(1).catch(() => false), slow).toBe(true)
      expect(await publish(200)).toBe(true)
    }
    const missing = () => seen.map((got) => stored.filter((one) => !got.includes(one)))
    await expect.poll(missing, slow).toEqual([[], []])
    for (const got of seen) expect(new Set(got).size).toBe(got.length)
    expect(gaps).toEqual([])
  }, 240_000)
})
