import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
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

describeKafka('the readers of a queue on Kafka', () => {
  let server: KafkaServer
  let url = ''
  let session: Session
  beforeAll(async () => {
    server = await startKafka()
    url = `${server.url}?partitions=4&session=2s`
    session = await openKafka(url)
  }, 120_000)
  afterAll(async () => {
    await session[Symbol.asyncDispose]()
    await server.stop()
  })

  test('share out what comes when one more comes; what is in hand stays, and nothing comes twice', async () => {
    const channel = queue()
    await using first = await openSource(session, channel, { reader: 'a' })
    await publishAll(session, channel, several(40))
    const held = await takeAll(first, 40)
    await using other = await openKafka(url)
    const opening = openSource(other, channel, { reader: 'b' })
    await using second = await opening
    // Its partitions come when the first has put them down.
    await ackAll(first, held)
    await publishAll(session, channel, several(40, 'n'))
    const [mine, theirs] = await Promise.all([takeAll(first, 20), takeAll(second, 20)])
    expect(new Set(idsOf([...mine, ...theirs])).size).toBe(40)
    expect(idsOf([...mine, ...theirs]).every((id) => id.startsWith('n'))).toBe(true)
    expect([first.lost, second.lost]).toEqual([[], []])
    await ackAll(first, mine)
    await ackAll(second, theirs)
  })

  test('lose what they hold on to for longer than there is time to put it down', async () => {
    const channel = queue()
    await using first = await openSource(session, channel, { reader: 'a' })
    await publishAll(session, channel, several(8))
    const held = await takeAll(first, 8)
    await using other = await openKafka(url)
    await using second = await openSource(other, channel, { reader: 'b' })
    const again = await takeAll(second, 4)
    expect(first.lost.map(({ why }) => why)).toEqual(['revoked'])
    const ids = new Set(idsOf(again))
    const acks = held.map(({ token }) => ({ token, kind: 'ack' as const }))
    const said = await first.source.settle(acks, never)
    expect(said).toEqual(held.map((one) => (ids.has(one.message.id) ? 'late' : 'sent')))
    await ackAll(second, again)
  })

  test('are given back at once what one of them held that leaves in order', async () => {
    const channel = queue()
    const leaving = await openSource(session, channel, { reader: 'a' })
    await publishAll(session, channel, several(8))
    await ackAll(leaving, (await takeAll(leaving, 8)).slice(0, 3))
    const startMs = performance.now()
    await leaving[Symbol.asyncDispose]()
    await using next = await openSource(session, channel, { reader: 'b' })
    const got = await takeAll(next, 5)
    expect(performance.now() - startMs).toBeLessThan(2_000)
    expect(got.map(({ crashes }) => crashes)).toEqual([0, 0, 0, 0, 0])
  })

  test('count what killed one, and charge an idle one nothing', async () => {
    const channel = queue()
    await publishAll(session, channel, [message('m', { key: 'k' })])
    for (const crashes of [0, 1, 2]) {
      const child = fork(join(import.meta.dirname, 'kafkaHolder.ts'), [url, channel.name])
      const [said] = (await once(child, 'message')) as [number]
      expect(said).toBe(crashes)
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    await using next = await openSource(session, channel, { reader: 'b' })
    const [last] = await takeAll(next, 1)
    expect(last?.crashes).toBe(3)
    await ackAll(next, last === undefined ? [] : [last])
  }, 120_000)

  test('that stood still are told what they lost, and change nothing any more', async () => {
    const channel = queue()
    await publishAll(session, channel, several(4))
    const child = fork(join(import.meta.dirname, 'kafkaHolder.ts'), [url, channel.name, '4'])
    await once(child, 'message')
    child.kill('SIGSTOP')
    await using next = await openSource(session, channel, { reader: 'b' })
    const got = await takeAll(next, 4)
    child.kill('SIGCONT')
    const [told] = (await once(child, 'message')) as [unknown]
    expect(told).toEqual({ lost: ['revoked', 4], said: ['late', 'late', 'late', 'late'] })
    child.kill('SIGKILL')
    await ackAll(next, got)
    expect(next.lost).toEqual([])
  }, 120_000)

  test('read partitions that are added', async () => {
    const channel = queue()
    await using first = await openSource(session, channel, { reader: 'a' })
    await server.tool('org.apache.kafka.tools.TopicCommand', [
      ...['--bootstrap-server', server.address, '--alter', '--topic', channel.name],
      ...['--partitions', '6'],
    ])
    await server.tool(
      'org.apache.kafka.tools.ConsoleProducer',
      ['--bootstrap-server', server.address, '--topic', channel.name],
      Array.from({ length: 60 }, (_, n) => `"${n}"\n`).join(''),
    )
    await using other = await openKafka(url)
    await publishAll(other, channel, several(60))
    // Whoever comes next makes room beside it, too.
    await using next = await openSource(other, channel, { reader: 'b' })
    const described = await server.tool('org.apache.kafka.tools.TopicCommand', [
      ...['--bootstrap-server', server.address, '--describe'],
      ...['--topic', `${channel.name}..retry.1`],
    ])
    expect(described).toMatch(/PartitionCount: ?6/)
    await next[Symbol.asyncDispose]()
    const got = await takeAll(first, 120)
    expect(new Set(got.map(({ position }) => position?.split('-')[0])).size).toBe(6)
    await ackAll(first, got)
  }, 120_000)
})
