import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { connect, NarrowcastError, type Subscription } from '../../src/index.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { Actor } from '../faults/liveScene.ts'
import { withChannel } from './rabbitmqClient.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'
import {
  channel,
  lineTo,
  message,
  never,
  opened,
  silent,
  subscriber,
  take,
} from './rabbitmqLiveSteps.ts'

const live = ['broadcast', 'narrowcast'] as const
const away = { missed: 'unknown', why: 'reconnect' }
const slow = { timeout: 25_000 }

const gapsOf = (worker: Subscription) => {
  const gaps: unknown[] = []
  worker.on('gap', (gap) => gaps.push(gap))
  worker.on('error', () => {}) // what it is about is told as well
  return gaps
}

describeRabbitmq('live patterns on rabbitmq in trouble:', () => {
  let server: RabbitmqServer
  beforeAll(async () => {
    server = await startRabbitmq()
    return () => server.stop()
  }, 120_000)

  /** A subscriber, what it was given and told, and a publisher elsewhere that goes on until it was. */
  async function scene(pattern: (typeof live)[number], name: string) {
    const bus = await connect(server.url)
    const other = await connect(server.url)
    onTestFinished(async () => {
      await Promise.all([bus.close(), other.close()])
    })
    const got: string[] = []
    const worker = bus[pattern]<string>(name).subscribe((id) => void got.push(id))
    const gaps = gapsOf(worker)
    await worker.ready()
    const publisher = other[pattern]<string>(name)
    const reach = async (id: string) => {
      const publish = async () => {
        await publisher.publish(id).catch(() => {}) // not yet
        return got.includes(id)
      }
      await expect.poll(publish, slow).toBe(true)
    }
    return { worker, gaps, got, publisher, reach }
  }

  test.for(live)(
    'a %s: closed connections are told as gaps, and nobody is deaf',
    { timeout: 120_000 },
    async (pattern) => {
      const { worker, gaps, reach } = await scene(pattern, `closed-${pattern}`)
      for (let n = 1; n <= 4; n++) {
        await server.ctl('close_all_connections', 'for a test')
        await expect.poll(() => gaps.length, slow).toBe(n)
        await expect.poll(() => worker.isReady, slow).toBe(true)
        await reach(`after-${n}`)
      }
      expect(gaps).toEqual(Array(4).fill(away))
    },
  )

  test.for(live)(
    'a %s: what is published during an outage is not stored, and it goes on',
    { timeout: 120_000 },
    async (pattern) => {
      const { gaps, got, publisher, reach } = await scene(pattern, `outage-${pattern}`)
      await reach('before')
      await server.kill()
      const publishing = publisher.publish('during').catch((error) => error)
      await server.restart()
      await reach('after')
      const told = await publishing
      const mayHaveArrived = told instanceof NarrowcastError && !told.definite
      const isForNobody = told instanceof NarrowcastError || told.receivers === 0
      expect(mayHaveArrived || isForNobody === !got.includes('during')).toBe(true)
      expect(gaps).toEqual([away])
    },
  )

  test.for(live)(
    'a %s: a queue that is removed is told as a gap, and made again',
    { timeout: 60_000 },
    async (pattern) => {
      const name = `removed-${pattern}`
      const { worker, gaps, reach } = await scene(pattern, name)
      await server.ctl('delete_queue', `${name}:w:${worker.worker.id}`)
      await expect.poll(() => gaps, slow).toEqual([away])
      await reach('after')
    },
  )

  test.for(live)(
    'a %s: an exchange that another program removes comes again',
    { timeout: 60_000 },
    async (pattern) => {
      const name = `exchange-${pattern}`
      const { reach } = await scene(pattern, name)
      await reach('before')
      await withChannel(server.url, (amqp) => amqp.deleteExchange(name))
      await reach('after')
    },
  )

  test('a subscriber whose network stands still costs the broker its bounds, and is told that some are gone', async () => {
    const line = await lineTo(server.url, '?heartbeat=2m')
    const spec = channel()
    const { live } = await opened(line.url)
    const gaps: unknown[] = []
    const on = { gap: (missed: unknown, why: unknown) => void gaps.push([missed, why]) }
    const source = await live.subscribe(spec, subscriber(), on, never)
    line.stall()
    const count = 103_000 + 1_000
    await withChannel(server.url, async (amqp) => {
      for (let n = 1; n <= count; n++) {
        const properties = { messageId: `m${n}` }
        if (!amqp.publish(spec.name, '', Buffer.from('1'), properties)) {
          await new Promise((resolve) => amqp.once('drain', resolve))
        }
      }
      await amqp.waitForConfirms()
    })
    line.resume()
    const ids: string[] = []
    while (ids.at(-1) !== `m${count}`) ids.push(...(await take(source, 1)))
    await expect.poll(() => gaps).toEqual([['unknown', 'overflow']])
    expect(ids.length).toBeLessThan(count)
    expect(ids.length).toBeGreaterThan(100_000)
    expect(new Set(ids).size).toBe(ids.length)
  }, 120_000)

  test('who comes back is not kept waiting for its old connection, that nobody has ended', async () => {
    const line = await lineTo(server.url, '?heartbeat=2m')
    const spec = channel({ pattern: 'narrowcast' })
    const before = await opened(line.url)
    await before.live.subscribe(spec, subscriber(), silent, never)
    line.stall()
    const { live } = await opened(server.url)
    const source = await live.subscribe(spec, subscriber(), silent, never)
    const to = subscriber().worker
    expect(await live.workers(spec, never)).toEqual([to])
    expect(await live.send(spec, [{ to, message: message('m') }], null, never)).toEqual(['handed'])
    expect(await take(source, 1)).toEqual(['m'])
  }, 60_000)

  test('a broker that takes no messages lets subscribers come, and hands over when it does again', async () => {
    const { worker, got, publisher } = await scene('broadcast', 'alarm')
    await server.ctl('set_vm_memory_high_watermark', '0.000001')
    onTestFinished(() => server.ctl('set_vm_memory_high_watermark', '0.4').then(() => {}))
    await using bus = await connect(server.url)
    const late: string[] = []
    const other = bus.broadcast<string>('alarm').subscribe((id) => void late.push(id))
    await other.ready()
    const publishing = publisher.publish('held back')
    await wait(500)
    expect([got, worker.isReady]).toEqual([[], true])
    await server.ctl('set_vm_memory_high_watermark', '0.4')
    await publishing
    await expect.poll(() => [got, late], slow).toEqual([['held back'], ['held back']])
  }, 60_000)

  test('a worker that stands still is chosen no more after its lease, and takes what it was sent when it goes on', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'narrowcast-live-'))
    const start = (name: string) => new Actor(server.url, join(dir, name), 'worker', name, {})
    const [frozen, other] = [start('frozen'), start('other')]
    onTestFinished(async () => {
      await Promise.all([frozen.kill(), other.kill()])
      await rm(dir, { recursive: true })
    })
    await Promise.all([frozen.tells('opened'), other.tells('opened')])
    await using bus = await connect(server.url)
    const rooms = bus.narrowcast<number>('rooms', { strategy: 'roundRobin' })
    const ids = (of: Actor) => of.book.flatMap(({ event, id }) => (event === 'got' ? [id] : []))
    const sent: string[] = []
    const publish = async () => {
      sent.push(`m${sent.length}`)
      await rooms.publish(1, { id: sent.at(-1) as string })
    }
    for (let n = 0; n < 4; n++) await publish()
    await expect.poll(() => [ids(frozen).length, ids(other).length]).toEqual([2, 2])
    await frozen.freeze()
    for (const untilMs = performance.now() + 5_000; performance.now() < untilMs; ) {
      await publish()
      await wait(100)
    }
    const after = sent.length
    for (let n = 0; n < 6; n++) await publish()
    await expect.poll(() => ids(other).slice(-6), slow).toEqual(sent.slice(after))
    expect(ids(frozen)).toHaveLength(2)
    frozen.thaw()
    await expect.poll(() => [...ids(frozen), ...ids(other)].sort(), slow).toEqual(sent.sort())
    expect(ids(frozen).length).toBeGreaterThan(2)
    const had = ids(frozen).length
    await expect.poll(() => publish().then(() => ids(frozen).length), slow).toBeGreaterThan(had)
  }, 60_000)
})
