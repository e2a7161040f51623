import { createClient } from '@redis/client'
import { expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { describeRedis } from './redisHere.ts'

describeRedis('redis, a stream', () => {
  test('who wants a queue in the other form is told how to ask for what is there', async () => {
    await using server = await startRedis()
    for (const [kept, other] of [
      ['list', 'stream'],
      ['stream', 'list'],
    ] as const) {
      await using bus = await connect(`${server.url}?queue=${kept}`, { telemetry: false })
      await using wrong = await connect(`${server.url}?queue=${other}`, { telemetry: false })
      await bus.queue(kept).publish(1)
      const opening = wrong.queue(kept).opened()
      await expect(opening).rejects.toMatchObject({
        code: 'CONFLICT',
        hint: `Ask for the form it is kept in, in the URL: ?queue=${kept}\nOr remove it with its messages: narrowcast channels rm ${kept}`,
      })
      await using right = await connect(`${server.url}?queue=${kept}`, { telemetry: false })
      await right.queue(kept).opened()
    }
  })

  test('a message with more headers than an entry takes spares its neighbours', async () => {
    await using server = await startRedis()
    await using bus = await connect(`${server.url}?queue=stream`, { telemetry: false })
    for (const delayMs of [0, 1]) {
      const names = Array.from({ length: 5_000 }, (_, n) => [`name-${n}`, 'x'])
      const many = { data: 2, options: { delayMs, headers: Object.fromEntries(names) } }
      const channel = bus.queue<number>(`headers.${delayMs}`)
      const said = await channel.publishMany([{ data: 1 }, many, { data: 3 }])
      expect(said[1]).toMatchObject({ code: 'UNSUPPORTED', definite: true })
      const got: number[] = []
      const worker = channel.subscribe((data) => void got.push(data))
      await expect.poll(() => got).toEqual([1, 3])
      await worker.drain()
    }
  })

  test('as many headers as it takes can be buried, too', async () => {
    await using server = await startRedis()
    await using bus = await connect(`${server.url}?queue=stream`, { telemetry: false })
    const channel = bus.queue<number>('headers')
    const names = Array.from({ length: 3_500 }, (_, n) => [`name-${n}`, 'x'])
    await channel.publish(1, { key: 'k', headers: Object.fromEntries(names) })
    const worker = channel.subscribe(() => ({ kind: 'dead', reason: 'no' }))
    const dead = async () => (await bus.admin.depths([{ name: 'headers', pattern: 'queue' }]))[0]
    await expect.poll(dead).toMatchObject({ dead: 1, inFlight: 0 })
    await worker.drain()
  })

  test('an entry of another program is run, whatever its fields are called', async () => {
    await using server = await startRedis()
    await using bus = await connect(`${server.url}?queue=stream`, { telemetry: false })
    const client = createClient({ url: server.url })
    client.on('error', () => {}) // the call that it breaks rejects
    await client.connect()
    const got: unknown[] = []
    const worker = bus.queue('orders').subscribe((data) => void got.push(data))
    await worker.ready()
    await client.xAdd('orders', '*', { 'only-group': 'a', total: '5' })
    await expect.poll(() => got, { timeout: 10_000 }).toHaveLength(1)
    await worker.drain()
    client.destroy()
  })

  test('each message of a batch is an entry of its own, with its own time', async () => {
    await using server = await startRedis()
    await using bus = await connect(server.url, { telemetry: false })
    const client = await createClient({ url: server.url }).connect()
    using _ = { [Symbol.dispose]: () => client.destroy() } // before its server ends
    const times = [1, 1, 2, 1, 3, 3, 3, 0].map((ms) => 1_700_000_000_000 + ms)
    const batch = times.map((timeMs, n) => ({ data: { n }, options: { id: `m${n}`, timeMs } }))
    const stored = await bus.stream('times').publishMany(batch)
    const entries = (await client.xRange('times', '-', '+')) ?? []
    const found = entries.map(({ id: position, message }) => ({ position, ...message }))
    expect(found).toEqual(
      batch.map(({ data, options: { id, timeMs } }, n) => {
        const { position } = stored[n] as { position: string }
        return { position, data: JSON.stringify(data), id, time: new Date(timeMs).toISOString() }
      }),
    )
  })

  test('what cannot be buried stays in hand, and its neighbours are settled', async () => {
    await using server = await startRedis()
    await using bus = await connect(`${server.url}?queue=stream`, { telemetry: false })
    const client = createClient({ url: server.url })
    client.on('error', () => {}) // the call that it breaks rejects
    await client.connect()
    const channel = bus.queue<number>('orders')
    await channel.publishMany([{ data: 1 }, { data: 2 }, { data: 3 }])
    await client.set('{orders}:dead', 'of another program')
    const told: string[] = []
    const here = Promise.withResolvers<void>()
    let running = 0
    const worker = channel.subscribe(
      async (data) => {
        if (++running === 3) here.resolve()
        await here.promise
        return data === 3 ? { kind: 'dead', reason: 'no' } : undefined
      },
      { concurrency: 3 },
    )
    worker.on('settled', ({ kind, outcome }) => told.push(`${kind} ${outcome}`))
    worker.on('lost', () => told.push('lost'))
    const failed = new Promise((resolve) => worker.on('error', ({ error }) => resolve(error.code)))
    expect(await failed).toBe('CONFLICT')
    await expect.poll(() => told).toEqual(['ack settled', 'ack settled'])
    await client.del('{orders}:dead')
    await expect.poll(() => told.at(-1), { timeout: 10_000 }).toBe('dead settled')
    expect(told).toHaveLength(3)
    await worker.drain()
    client.destroy()
  })
})
