import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { withChannel } from './rabbitmqClient.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

describeRabbitmq('groups of a stream on RabbitMQ', () => {
  let server: RabbitmqServer
  beforeAll(async () => {
    server = await startRabbitmq()
  }, 60_000)
  afterAll(() => server.stop())

  /** How many wait in a queue; null: there is none. */
  const countOf = async (queue: string) => {
    const look = withChannel(server.url, async (channel) => {
      channel.on('error', () => {})
      return (await channel.checkQueue(queue)).messageCount
    })
    return await look.catch(() => null)
  }

  it('a process that dies while it makes one leaves it to the next', async () => {
    await using bus = await connect(server.url)
    const stream = bus.stream<number>('long')
    const count = 20_000
    for (let n = 0; n < count; n += 1_000) {
      await Promise.all(Array.from({ length: 1_000 }, (_, at) => stream.publish(n + at)))
    }
    const program = join(import.meta.dirname, 'rabbitmqGroupMaker.ts')
    const maker = spawn(process.execPath, [program, server.url, 'long', 'mail'])
    const ended = once(maker, 'exit')
    let isReady = false
    maker.stdout.on('data', () => {
      isReady = true
    })
    await expect.poll(() => countOf('long:g:mail'), { interval: 5, timeout: 30_000 }).toBeTruthy()
    maker.kill('SIGKILL')
    await ended
    expect(isReady).toBe(false)
    expect(await countOf('long:g:mail:n:filling')).toBe(0)
    const seen = new Map<number, number>()
    const worker = stream.subscribe(
      (n) => {
        seen.set(n, (seen.get(n) ?? 0) + 1)
      },
      { group: 'mail', concurrency: 100 },
    )
    await expect.poll(() => seen.size, { timeout: 60_000 }).toBe(count)
    expect([...seen.values()].filter((times) => times > 1)).toEqual([])
    expect(await countOf('long:g:mail:n:filling')).toBe(null)
    await worker.drain()
  }, 120_000)

  it('misses nothing of what is published while it is made', async () => {
    await using bus = await connect(server.url)
    await using other = await connect(server.url)
    const stream = bus.stream<number>('busy')
    const stored: number[] = []
    let isOver = false
    const publishing = (async () => {
      for (let n = 0; !isOver; n += 50) {
        const batch = Array.from({ length: 50 }, (_, at) => n + at)
        await Promise.all(batch.map((one) => stream.publish(one)))
        stored.push(...batch)
      }
    })()
    for (const group of ['first', 'second', 'third']) {
      const before = stored.length
      await expect.poll(() => stored.length, { timeout: 30_000 }).toBeGreaterThan(before + 500)
      const seen = new Set<number>()
      const worker = other.stream<number>('busy').subscribe((n) => void seen.add(n), {
        ...{ group, concurrency: 100 },
      })
      await worker.ready()
      const made = stored.length
      await expect.poll(() => stored.length, { timeout: 30_000 }).toBeGreaterThan(made + 500)
      const known = [...stored]
      await expect.poll(() => known.filter((n) => !seen.has(n)), { timeout: 30_000 }).toEqual([])
      await worker.drain()
    }
    isOver = true
    await publishing
  }, 120_000)

  it('any program publishes to the exchange, and reads it with a queue of its own', async () => {
    await using bus = await connect(server.url)
    const stream = bus.stream<unknown>('open')
    await stream.publish('first', { key: 'a' })
    const seen: unknown[] = []
    const worker = stream.subscribe((data) => void seen.push(data), { group: 'mail' })
    await worker.ready()
    await withChannel(server.url, async (channel) => {
      await channel.assertQueue('theirs', { exclusive: true })
      await channel.bindQueue('theirs', 'open', 'a')
      channel.publish('open', '', Buffer.from('{"n":1}'))
      await channel.waitForConfirms()
      await stream.publish('none')
      await stream.publish('second', { key: 'a' })
      await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(4)
      const got = await channel.get('theirs', { noAck: true })
      expect(got && JSON.parse(got.content.toString())).toBe('second')
      expect(await channel.get('theirs')).toBe(false)
    })
    expect(seen).toEqual(expect.arrayContaining(['first', { n: 1 }, 'none', 'second']))
    await worker.drain()
  }, 60_000)
})
