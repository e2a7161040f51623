import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { cliWorld } from '../e2e/cliRun.ts'
import { Actor } from '../faults/liveScene.ts'
import { withChannel } from './rabbitmqClient.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'
import { channel, message, never, opened, silent, subscriber, take } from './rabbitmqLiveSteps.ts'

/** What AMQP says to who asks for a queue: 404 there is none, 405 it is of another connection. */
const whatIsWrong = (url: string, queue: string) =>
  withChannel(url, async (amqp) => {
    amqp.on('error', () => {})
    return await amqp.checkQueue(queue).then(
      () => null,
      ({ code }) => code,
    )
  })

describeRabbitmq('live patterns on rabbitmq:', () => {
  let server: RabbitmqServer
  beforeAll(async () => {
    server = await startRabbitmq()
    return () => server.stop()
  }, 120_000)

  test('a program without us publishes to a broadcast, and has a copy of all that is published', async () => {
    await using bus = await connect(server.url)
    const rooms = bus.broadcast<unknown>('lobby')
    const got: unknown[] = []
    const headers: unknown[] = []
    const worker = rooms.subscribe((data, { message }) => {
      got.push(data)
      headers.push([message.type, message.headers])
    })
    await worker.ready()
    await withChannel(server.url, async (amqp) => {
      const { queue } = await amqp.assertQueue('', { exclusive: true })
      await amqp.bindQueue(queue, 'lobby', '')
      amqp.publish('lobby', 'any', Buffer.from('{"n":1}'), { headers: { of: 'another' } })
      await amqp.waitForConfirms()
      const options = { id: 'm2', key: 'k', headers: { a: 'b' }, type: 'moved' }
      expect(await rooms.publish({ n: 2 }, options)).toEqual({ id: 'm2', duplicate: false })
      await expect.poll(() => got).toEqual([{ n: 1 }, { n: 2 }])
      const copies = [await amqp.get(queue), await amqp.get(queue)]
      const [, copy] = copies.map((one) => one || null)
      expect(copy?.content.toString()).toBe('{"n":2}')
      expect(copy?.properties).toMatchObject({
        ...{ messageId: 'm2', type: 'moved', appId: 'narrowcast', deliveryMode: 1 },
        ...{ contentType: 'application/json', headers: { a: 'b', 'ce-subject': 'k' } },
      })
    })
    expect(headers).toEqual([
      ['lobby', { of: 'another' }],
      ['moved', { a: 'b' }],
    ])
    await worker.drain()
    expect(await rooms.publish(3)).toMatchObject({ receivers: 0 })
  })

  test('a program without us asks who works on a narrowcast, sends to one, and is told who is gone', async () => {
    await using bus = await connect(server.url)
    const got: unknown[] = []
    const worker = bus.narrowcast('calls').subscribe((data) => void got.push(data))
    await worker.ready()
    await withChannel(server.url, async (amqp) => {
      const heard = Promise.withResolvers<Record<string, { id: string; incarnation: string }>>()
      const { queue } = await amqp.assertQueue('', { exclusive: true })
      await amqp.consume(queue, (one) => {
        if (one?.properties.type === 'narrowcast.here') heard.resolve(JSON.parse(`${one.content}`))
      })
      await amqp.bindQueue(queue, 'calls:n:workers', 'told')
      const ask = { type: 'narrowcast.ask', replyTo: queue }
      amqp.publish('calls:n:workers', 'ask', Buffer.from(''), ask)
      const { worker: there } = await heard.promise
      expect(there).toEqual(worker.worker)
      const returned: string[] = []
      amqp.on('return', ({ content }) => returned.push(`${content}`))
      const key = `${there?.id}:${there?.incarnation}`
      amqp.publish('calls', key, Buffer.from('"hello"'), { mandatory: true })
      amqp.publish('calls', `${key}x`, Buffer.from('"nobody"'), { mandatory: true })
      await amqp.waitForConfirms()
      expect(returned).toEqual(['"nobody"'])
      await expect.poll(() => got).toEqual(['hello'])
    })
  })

  test('what others say where only we listen does no harm', async () => {
    const { live } = await opened(server.url)
    const spec = channel({ pattern: 'narrowcast' })
    const worker = await live.subscribe(spec, subscriber(), silent, never)
    expect(await live.workers(spec, never)).toEqual([subscriber().worker])
    const words = [
      ['narrowcast.here', '{}'],
      ['narrowcast.here', '{"worker":{"id":"x","incarnation":"y"},"leaseMs":"long"}'],
      ['narrowcast.left', '{"worker":7}'],
      ['narrowcast.leave', '}{'],
      ['narrowcast.mark', '[]'],
      ['narrowcast.ask', 'null'],
      ['narrowcast.other', '{}'],
      [undefined, ''],
    ] as const
    await withChannel(server.url, async (amqp) => {
      for (const [type, text] of words) {
        for (const key of ['ask', 'told']) {
          amqp.publish(`${spec.name}:n:workers`, key, Buffer.from(text), type ? { type } : {})
        }
      }
      await amqp.waitForConfirms()
    })
    expect(await live.workers(spec, never)).toEqual([subscriber().worker])
    const to = subscriber().worker
    expect(await live.send(spec, [{ to, message: message('m') }], null, never)).toEqual(['handed'])
    expect(await take(worker, 1)).toEqual(['m'])
  })

  test('a worker that was killed is passed over, and the next publish reaches another', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'narrowcast-live-'))
    const start = (name: string) => new Actor(server.url, join(dir, name), 'worker', name, {})
    const [killed, other] = [start('killed'), start('other')]
    onTestFinished(async () => {
      await Promise.all([killed.kill(), other.kill()])
      await rm(dir, { recursive: true })
    })
    await Promise.all([killed.tells('opened'), other.tells('opened')])
    await using bus = await connect(server.url)
    const rooms = bus.narrowcast<number>('rooms', { strategy: 'roundRobin' })
    const ids = (of: Actor) => of.book.filter(({ event }) => event === 'got').map(({ id }) => id)
    const publish = async (id: string) =>
      expect(await rooms.publish(1, { id })).toMatchObject({ receivers: 1 })
    for (let n = 0; n < 4; n++) await publish(`before-${n}`)
    await expect.poll(() => [ids(killed).length, ids(other).length]).toEqual([2, 2])
    const { worker } = await killed.tells('opened')
    await killed.kill()
    await expect.poll(() => whatIsWrong(server.url, `rooms:w:${worker}`)).toBe(404)
    const after = Array.from({ length: 10 }, (_, n) => `after-${n}`)
    for (const id of after) await publish(id)
    await expect.poll(() => ids(other).slice(2)).toEqual(after)
    await other.kill()
    await expect.poll(() => rooms.publish(1).catch(({ code }) => code)).toBe('NO_WORKER')
  })

  test('a name that AMQP has no room for is a worker as any other', async () => {
    const { live } = await opened(server.url)
    const spec = channel({ pattern: 'narrowcast', name: `live-${'x'.repeat(145)}` })
    const all = ['ä:ö', 'ä', ':ö', 'z'.repeat(500), `${'z'.repeat(500)}:`]
    const workers = all.map((id) => ({ id, incarnation: ':ö' }))
    for (const worker of workers) {
      const source = await live.subscribe(spec, { ...subscriber(), worker }, silent, never)
      const batch = workers.map((to) => ({ to, message: message(to.id) }))
      await live.send(spec, batch, null, never)
      expect(await take(source, 1)).toEqual([worker.id])
      await source[Symbol.asyncDispose]()
    }
  })

  test('headers that no message has room for are refused, and spare their neighbours', async () => {
    const { session, live } = await opened(server.url)
    const spec = channel()
    const source = await live.subscribe(spec, subscriber(), silent, never)
    const publisher = await session.publisher(spec, never)
    const most = message('most', { headers: { a: '.'.repeat(59_900) } })
    const large = message('large', { headers: { a: '.'.repeat(60_001) } })
    const outcomes = await publisher.publish([message('a'), most, large, message('b')], never)
    expect(outcomes).toMatchObject([
      { state: 'stored' },
      { state: 'stored' },
      { state: 'refused', code: 'PAYLOAD_TOO_LARGE' },
      { state: 'stored' },
    ])
    expect(await take(source, 3)).toEqual(['a', 'most', 'b'])
  })

  test('a relay is refused, by the library and by the command line', async () => {
    await using bus = await connect(server.url)
    const refused = { code: 'UNSUPPORTED' }
    await expect(bus.relay('rooms')).rejects.toMatchObject(refused)
    const relayed = () => bus.narrowcast('rooms', { via: 'relay' })
    expect(relayed).toThrow(expect.objectContaining(refused))
    const { session, live } = await opened(server.url)
    const spec = channel({ pattern: 'narrowcast', via: 'relay' })
    await expect(session.publisher(spec, never)).rejects.toMatchObject(refused)
    await expect(live.subscribe(spec, subscriber(), silent, never)).rejects.toMatchObject(refused)
    using world = cliWorld()
    const ran = await world.run(['relay', 'rooms', '--pattern', 'narrowcast', '--url', server.url])
    expect(ran.code).toBe(6)
    expect(ran.stderr).toMatch(/^error: rabbitmq offers no narrowcast by relay/)
  })

  test('processes tell of themselves, and the least busy worker is known by it', async () => {
    const telling = { telemetry: true }
    await using bus = await connect(server.url, telling)
    const held = Promise.withResolvers<void>()
    const rooms = bus.narrowcast<number>('busy')
    await rooms.subscribe(() => held.promise, { concurrency: 10 }).ready()
    const all = (count: number) => Array.from({ length: count }, (_, data) => ({ data }))
    await rooms.publishMany(all(10))
    const got: number[] = []
    await rooms.subscribe((n) => void got.push(n)).ready()
    await using other = await connect(server.url, telling)
    const view = await other.telemetry.watch()
    await expect
      .poll(() => view.workers.some((one) => one.in_flight_count === 10), { timeout: 10_000 })
      .toBe(true)
    using world = cliWorld()
    const { items } = await world.json('workers', 'ls', '--for', '7s', '--url', server.url)
    const inHand = (items as { in_hand: unknown[] }[]).map(({ in_hand }) => in_hand.length)
    expect(inHand.sort((a, b) => a - b)).toEqual([0, 10])
    const leastBusy = other.narrowcast<number>('busy', { strategy: 'leastBusy' })
    expect(await leastBusy.publishMany(all(5))).toMatchObject(all(5).map(() => ({ receivers: 1 })))
    await expect.poll(() => got.length).toBe(5)
    held.resolve()
  })
})
