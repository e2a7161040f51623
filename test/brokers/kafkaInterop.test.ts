import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startKafka } from '../../src/lab/brokers/kafka.ts'
import type { KafkaServer } from '../../src/lab/brokers/kafkaServer.ts'
import { message } from './file/store.ts'
import { describeKafka } from './kafkaHere.ts'
import { ackAll, openKafka, openSource, publishAll, queue, takeAll } from './kafkaOpen.ts'

const tools = 'org.apache.kafka.tools'

describeKafka("Kafka's own tools", () => {
  let server: KafkaServer
  beforeAll(async () => {
    server = await startKafka()
  }, 120_000)
  afterAll(() => server.stop())
  const at = () => ['--bootstrap-server', server.address]

  test('read what is published here, with key and headers', async () => {
    await using session = await openKafka(`${server.url}?partitions=1`)
    const channel = queue()
    const headers = { traceparent: '00-ab', 'x-town': 'Köln' }
    const one = message('m-1', { key: 'k', timeMs: 1_700_000_000_000, headers, type: 'game.ended' })
    await publishAll(session, channel, [{ ...one, body: '{"n":1}' }])
    const printed = await server.tool(`${tools}.consumer.ConsoleConsumer`, [
      ...[...at(), '--topic', channel.name, '--from-beginning', '--max-messages', '1'],
      ...['--formatter-property', 'print.key=true'],
      ...['--formatter-property', 'print.headers=true'],
    ])
    const [said = '', key, body] = printed.trim().split('\t')
    expect(said.split(',').sort()).toEqual([
      'ce_id:m-1',
      'ce_source:narrowcast',
      'ce_specversion:1.0',
      'ce_time:2023-11-14T22:13:20.000Z',
      'ce_type:game.ended',
      'content-type:application/json',
      'traceparent:00-ab',
      'x-town:Köln',
    ])
    expect([key, body]).toEqual(['k', '{"n":1}'])
  })

  test('publish what is read here: JSON, text and bytes, by position and by key', async () => {
    await using session = await openKafka(`${server.url}?partitions=3`)
    const channel = queue()
    await session.admin.ensure(channel, new AbortController().signal)
    await server.tool(
      `${tools}.ConsoleProducer`,
      [
        ...[...at(), '--topic', channel.name],
        ...['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=|'],
        ...['--reader-property', 'parse.headers=true', '--reader-property', 'headers.delimiter=;'],
      ],
      'a:b,ce_id:named;k|{"n":1}\nx:y;k|not JSON\n',
    )
    await publishAll(session, channel, [message('ours', { key: 'k' })])
    await using opened = await openSource(session, channel, { reader: 'a' })
    const got = await takeAll(opened, 3)
    // One key, one partition, whoever publishes: in their order.
    const [json, text, ours] = got.map((one) => one.message)
    expect(json).toMatchObject({ id: 'named', key: 'k', body: '{"n":1}', headers: { a: 'b' } })
    expect(text).toMatchObject({ id: got[1]?.position, key: 'k', headers: { x: 'y' } })
    expect(Buffer.from(text?.body ?? '').toString()).toBe('not JSON')
    expect(text?.body).toBeInstanceOf(Uint8Array)
    expect(ours?.id).toBe('ours')
    await ackAll(opened, got)
  })

  test('tell how far our groups are, and set them back', async () => {
    await using bus = await connect(`${server.url}?partitions=2`)
    const orders = bus.stream<number>('orders')
    await orders.publishMany(Array.from({ length: 10 }, (_, data) => ({ data })))
    const seen: number[] = []
    const worker = orders.subscribe((n) => void seen.push(n), { group: 'mail' })
    await expect.poll(() => seen.length).toBe(10)
    await worker.drain()
    const groups = (...args: string[]) =>
      server.tool(`${tools}.consumer.group.ConsumerGroupCommand`, [
        ...[...at(), '--group', 'mail', ...args],
      ])
    const lags = Array.from(
      (await groups('--describe')).matchAll(/^mail +orders +\d +(\d+) +(\d+) +(\d+)/gm),
      ([, offset, end, lag]) => [offset === end, lag],
    )
    expect(lags).toEqual([
      [true, '0'],
      [true, '0'],
    ])
    await groups('--topic', 'orders', '--reset-offsets', '--to-earliest', '--execute')
    const again = orders.subscribe((n) => void seen.push(n), { group: 'mail' })
    await expect.poll(() => seen.length).toBe(20)
    await again.drain()
  })
})
