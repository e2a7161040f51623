import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Session } from '../../src/core/driver.ts'
import type { Delivery, Settlement } from '../../src/core/message.ts'
import { Cluster } from '../../src/drivers/kafka/cluster/cluster.ts'
import { noteIn } from '../../src/drivers/kafka/group/note.ts'
import { Offsets } from '../../src/drivers/kafka/group/offsets.ts'
import { targetOfOptions } from '../../src/drivers/kafka/options.ts'
import { startKafka } from '../../src/lab/brokers/kafka.ts'
import type { KafkaServer } from '../../src/lab/brokers/kafkaServer.ts'
import { message } from './file/store.ts'
import { describeKafka } from './kafkaHere.ts'
import { ackAll, openKafka, openSource, publishAll, queue, takeAll } from './kafkaOpen.ts'

const never = new AbortController().signal

describeKafka('a queue by key on Kafka', () => {
  let server: KafkaServer
  let url = ''
  let session: Session
  beforeAll(async () => {
    server = await startKafka()
    url = `${server.url}?partitions=1&session=2s`
    session = await openKafka(url)
  }, 120_000)
  afterAll(async () => {
    await session[Symbol.asyncDispose]()
    await server.stop()
  })

  /** What the group has noted of its only partition. */
  async function noted(channel: string) {
    const cluster = await Cluster.open(targetOfOptions({ url }), never)
    const offsets = new Offsets(cluster, `${channel}..queue`)
    try {
      const [found] = await offsets.fetch([{ topic: channel, partition: 0 }])
      return noteIn(found?.offset ?? 0, found?.note ?? null)
    } finally {
      offsets.close()
      await cluster.close()
    }
  }

  test('what is retried in its place keeps its count and its turn when its worker is killed', async () => {
    const channel = queue()
    const all = ['a1', 'a2', 'b1'].map((id) => message(id, { key: id.slice(0, 1) }))
    await publishAll(session, channel, all)
    for (const failures of [0, 1]) {
      const holder = join(import.meta.dirname, 'kafkaKeyHolder.ts')
      const child = fork(holder, [url, channel.name])
      expect(await once(child, 'message')).toEqual([failures, undefined])
      await expect
        .poll(async () => (await noted(channel.name)).failures.get(0), { timeout: 30_000 })
        .toBe(failures + 1)
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    await using next = await openSource(session, channel, { reader: 'next', order: null })
    const [a1, b1] = await takeAll(next, 2)
    expect([a1?.message.id, a1?.failures, a1?.crashes]).toEqual(['a1', 2, 0])
    expect([b1?.message.id, b1?.failures]).toEqual(['b1', 0])
    await ackAll(next, a1 === undefined ? [] : [a1])
    const [a2] = await takeAll(next, 1)
    expect(a2?.message.id).toBe('a2')
    await ackAll(
      next,
      [a2, b1].flatMap((one) => one ?? []),
    )
  }, 120_000)

  test('what rests in its place and what is copied are answered together, each with its own', async () => {
    const channel = queue()
    await publishAll(session, channel, [message('keyed', { key: 'k' }), message('free', {})])
    await using opened = await openSource(session, channel, { reader: 'one', order: 'block' })
    const held = await takeAll(opened, 2)
    const error = { name: 'Error', message: 'no', atMs: 1, worker: 'w' }
    const retries = held.map(({ token }) => {
      return { token, kind: 'retry', delayMs: 1, failures: 1, error } as const
    })
    expect(await opened.source.settle(retries, never)).toEqual(['sent', 'sent'])
    const again = await takeAll(opened, 2)
    expect(again.map(({ failures }) => failures)).toEqual([1, 1])
    await ackAll(opened, again)
  })

  test('what fails does not hold up the other keys of its partition', async () => {
    const channel = queue()
    const bad = message('bad', { key: 'bad' })
    const others = Array.from({ length: 900 }, (_, n) => message(`m${n}`, { key: `${n % 30}` }))
    await publishAll(session, channel, [bad, ...others, message('after', { key: 'bad' })])
    await using opened = await openSource(session, channel, { reader: 'one', order: 'block' })
    const done: string[] = []
    const failure = { name: 'Error', message: 'no', atMs: 1, worker: 'w' }
    while (done.length < 900) {
      for (const { token, message } of await takeAll(opened, 1)) {
        const retry = { kind: 'retry', delayMs: 600_000, failures: 1, error: failure } as const
        const how = message.id === 'bad' ? retry : ({ kind: 'ack' } as const)
        await opened.source.settle([{ token, ...how }], never)
        if (message.id !== 'bad') done.push(message.id)
      }
    }
    expect(done).not.toContain('after')
    for (let key = 0; key < 30; key++) {
      const own = done.map((id) => Number(id.slice(1))).filter((n) => n % 30 === key)
      expect(own).toEqual(own.toSorted((a, b) => a - b))
    }
  })

  test('what waits for later holds up nobody whose turn came before, however much lies behind it', async () => {
    const channel = queue()
    const delayed = (id: string, key: string, delayMs: number) => message(id, { key, delayMs })
    // In the order in which they lie beside the topic; the head is due last.
    await publishAll(session, channel, [
      delayed('last', 'a', 4_000),
      ...Array.from({ length: 1_200 }, (_, n) => delayed(`m${n}`, `b${n}`, 1_000)),
      delayed('first', 'a', 3_000),
    ])
    await using opened = await openSource(session, channel, { reader: 'one', order: 'skip' })
    const ids: string[] = []
    while (ids.length < 1_202) {
      const got = await opened.source.receive({ messages: 100, bytes: 1e8 }, never)
      ids.push(...got.map(({ message }) => message.id))
      await ackAll(opened, got)
    }
    expect(ids.slice(-2)).toEqual(['first', 'last'])
  }, 60_000)

  test('a partition whose keys all fail holds up no other', async () => {
    await using wide = await openKafka(`${server.url}?partitions=2`)
    const channel = queue()
    const sent = Array.from({ length: 2_000 }, (_, n) => message(`m${n}`, { key: `${n}` }))
    await publishAll(wide, channel, sent)
    await using opened = await openSource(wide, channel, {
      ...{ reader: 'one', order: 'block', hold: { messages: 50, bytes: 1e8 } },
    })
    const partitionOf = (one: Delivery) => one.position?.split('-')[0]
    const done = new Set<string>()
    const failing = new Set<string>()
    const failure = { name: 'Error', message: 'no', atMs: 1, worker: 'w' }
    const all = sent.length
    while (done.size < all / 4) {
      const got = await opened.source.receive({ messages: 50, bytes: 1e8 }, never)
      const settled = got.map((one): Settlement => {
        const { token, message } = one
        if (partitionOf(one) !== '0') {
          done.add(message.id)
          return { token, kind: 'ack' }
        }
        failing.add(message.id)
        return { token, kind: 'retry', delayMs: 600_000, failures: 1, error: failure }
      })
      await opened.source.settle(settled, never)
    }
    expect(failing.size).toBeLessThanOrEqual(400)
  }, 60_000)

  test('what has failed and waits leaves its room to others, where nothing else is settled', async () => {
    await using narrow = await openKafka(`${server.url}?partitions=1`)
    const channel = queue()
    const sent = Array.from({ length: 200 }, (_, n) => message(`m${n}`, { key: `${n}` }))
    await publishAll(narrow, channel, sent)
    const room = { messages: 10, bytes: 1e8 }
    await using opened = await openSource(narrow, channel, {
      ...{ reader: 'one', order: 'block', hold: room },
    })
    const failure = { name: 'Error', message: 'no', atMs: 1, worker: 'w' }
    const failing: string[] = []
    while (failing.length < sent.length) {
      const got = await opened.source.receive(room, never)
      failing.push(...got.map((one) => one.message.id))
      await new Promise(setImmediate) // a handler takes its time
      const settled = got.map(({ token }): Settlement => {
        return { token, kind: 'retry', delayMs: 600_000, failures: 1, error: failure }
      })
      await opened.source.settle(settled, never)
    }
    expect(failing).toEqual(sent.map(({ id }) => id))
  })

  test('readers that ask for nothing follow the members, and members of one order take no other', async () => {
    const channel = queue()
    await using first = await openSource(session, channel, { reader: 'a', order: 'skip' })
    await using other = await openKafka(url)
    const refused = openSource(other, channel, { reader: 'b', order: 'block' })
    await expect(refused).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(
        "onFailure: 'skip', wanted order: 'key', onFailure: 'block'",
      ),
    })
    await using second = await openSource(other, channel, { reader: 'c', order: null })
    expect([first.lost, second.lost]).toEqual([[], []])
  })
})
