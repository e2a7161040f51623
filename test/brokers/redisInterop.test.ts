import { RESP_TYPES } from '@redis/client'
import { describe, expect, test } from 'vitest'
import { collector, registerContext } from '../otelScene.ts'
import {
  channelName,
  missing,
  named,
  ourBus,
  pythonSocket,
  redisCliRaw,
  theirClient,
} from './redisForeign.ts'

interface Seen {
  readonly data: unknown
  readonly id: string
  readonly attempt: number
}

/** What a worker of ours was given of a queue. The first `failing` deliveries fail. */
async function worker(name: string, failing = 0) {
  const queue = (await ourBus()).queue<unknown>(name, {
    backoff: { delayMsMin: 1, delayMsMax: 1 },
    attempts: failing + 1,
  })
  const seen: Seen[] = []
  const subscription = queue.subscribe((data, { message, attempt }) => {
    seen.push({ data, id: message.id, attempt })
    if (seen.length <= failing) throw new Error('not yet')
  })
  subscription.on('error', () => {}) // those that fail are meant to
  await subscription.ready()
  return { queue, seen, subscription }
}

const until = (check: () => void) => expect.poll(check, { timeout: 10_000 })

describe.skipIf(missing.redis !== null)(
  named('a list, beside programs without us', missing.redis),
  () => {
    test.skipIf(missing.cli !== null)(
      'takes plain JSON that redis-cli pushes, and keeps its id',
      async () => {
        const name = channelName('push')
        const { seen } = await worker(name, 1)
        await redisCliRaw('LPUSH', name, '{"order":7}')
        await until(() => seen.length).toBe(2)
        const [first, second] = seen
        expect(first).toMatchObject({ data: { order: 7 }, attempt: 1 })
        expect(second).toMatchObject({ data: { order: 7 }, attempt: 2 })
        expect(second?.id).toBe(first?.id)
        expect(first?.id).toMatch(/^[\w:-]+$/)
      },
    )

    test.each(['7', '"text"', 'null', '[1,2]', '{"data":1,"id":"theirs"}', ' {"spaced" : true} '])(
      'takes %s as the data itself',
      async (text) => {
        const name = channelName('any')
        const { seen } = await worker(name)
        await (await theirClient()).lPush(name, text)
        await until(() => seen.length).toBe(1)
        expect(seen[0]?.data).toEqual(JSON.parse(text))
      },
    )

    test('takes a CloudEvent of another program with its id, time, key and headers', async () => {
      const name = channelName('event')
      const queue = (await ourBus()).queue<unknown>(name)
      const event = {
        ...{ specversion: '1.0', id: 'theirs-1', source: 'shop', type: 'order.placed' },
        ...{
          time: '2026-01-02T03:04:05Z',
          subject: 'ada',
          headers: '{"lang":"de"}',
          data: { n: 1 },
        },
      }
      await (await theirClient()).lPush(name, JSON.stringify(event, null, 2))
      const given = Promise.withResolvers<unknown>()
      queue.subscribe((data, { message }) => {
        const { id, source, type, timeMs, key, headers } = message
        given.resolve({ data, id, source, type, timeMs, key, headers })
      })
      expect(await given.promise).toEqual({
        ...{ data: { n: 1 }, id: 'theirs-1', source: 'shop', type: 'order.placed', key: 'ada' },
        ...{ timeMs: Date.parse('2026-01-02T03:04:05Z'), headers: { lang: 'de' } },
      })
    })

    test.each([
      ['text', Buffer.from('no JSON')],
      ['bytes', Buffer.from([0xff, 0x00, 0x10])],
      ['bytes that begin with a zero', Buffer.from([0x00, 0xff, 0x0a])],
      ['nothing', Buffer.alloc(0)],
    ])(
      'gives %s as bytes at every try, and as JSON makes a dead letter of it',
      async (_, bytes) => {
        const name = channelName('bytes')
        const client = await theirClient()
        const backoff = { delayMsMin: 1, delayMsMax: 1 }
        const raw = (await ourBus()).queue(name, { codec: 'bytes', backoff })
        const given: Buffer[] = []
        const reading = raw.subscribe((data) => {
          given.push(Buffer.from(data))
          if (given.length < 3) throw new Error('not yet')
        })
        reading.on('error', () => {}) // two tries are meant to fail
        await client.lPush(name, bytes)
        await until(() => given).toEqual([bytes, bytes, bytes])
        await reading.drain()

        const { subscription, seen } = await worker(name)
        const dead = Promise.withResolvers<string>()
        subscription.on('dead', ({ letter }) => dead.resolve(letter.cause))
        await client.lPush(name, bytes)
        await client.lPush(name, '{"after":1}')
        expect(await dead.promise).toBe('invalid')
        await until(() => seen.map(({ data }) => data)).toEqual([{ after: 1 }])
      },
    )

    test.skipIf(missing.cli !== null)(
      'shows what waits as readable JSON, the newest first',
      async () => {
        const name = channelName('waits')
        const queue = (await ourBus()).queue<unknown>(name)
        await queue.publish({ n: 1 }, { id: 'one' })
        await redisCliRaw('LPUSH', name, '{"n":2}')
        const lines = await redisCliRaw('LRANGE', name, '0', '-1')
        expect(lines.map((line) => JSON.parse(line))).toEqual([
          { n: 2 },
          expect.objectContaining({ id: 'one', data: { n: 1 } }),
        ])
        expect(await redisCliRaw('LLEN', name)).toEqual(['2'])
      },
    )

    test('is written as CloudEvents JSON, every field of it', async () => {
      const name = channelName('wire')
      const queue = (await ourBus()).queue<unknown>(name)
      const raw = (await ourBus()).queue(name, { codec: 'bytes' })
      const timeMs = Date.now()
      const time = new Date(timeMs).toISOString()
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      await queue.publish(
        { total: 12.5, note: 'ünï' },
        {
          ...{ id: 'all', key: 'ada', type: 'order.placed', source: 'shop', timeMs },
          headers: { lang: 'de', traceparent },
        },
      )
      await queue.publish([1], { id: 'few', timeMs })
      await raw.publish(Uint8Array.of(0, 255, 10), { id: 'bytes', timeMs })
      const client = await theirClient()
      const popped = [await client.rPop(name), await client.rPop(name), await client.rPop(name)]
      const common = { specversion: '1.0', time }
      const own = { source: 'narrowcast', type: name }
      const isJson = { datacontenttype: 'application/json' }
      expect(popped.map((text) => JSON.parse(String(text)))).toEqual([
        {
          ...{
            ...common,
            ...isJson,
            id: 'all',
            source: 'shop',
            type: 'order.placed',
            subject: 'ada',
          },
          ...{ headers: '{"lang":"de"}', traceparent, data: { total: 12.5, note: 'ünï' } },
        },
        { ...common, ...own, ...isJson, id: 'few', data: [1] },
        { ...common, ...own, id: 'bytes', data_base64: 'AP8K' },
      ])
    })

    test('shares its messages with a plain BRPOP consumer, each for one of both', async () => {
      const name = channelName('share')
      const { queue, seen } = await worker(name)
      const client = await theirClient()
      const theirs: number[] = []
      const consume = async () => {
        for (;;) {
          const popped = await client.brPop(name, 0.5)
          if (popped === null) return
          theirs.push((JSON.parse(popped.element) as { data: number }).data)
        }
      }
      const consuming = consume()
      const all = Array.from({ length: 300 }, (_, n) => n)
      for (const n of all) await queue.publish(n)
      await consuming
      await until(() => theirs.length + seen.length).toBe(300)
      const both = [...theirs, ...seen.map(({ data }) => Number(data))]
      expect(both.sort((a, b) => a - b)).toEqual(all)
    })

    test('shows a plain consumer nothing but what producers wrote: what failed waits apart', async () => {
      const name = channelName('failed')
      const queue = (await ourBus()).queue<unknown>(name, {
        backoff: { delayMsMin: 1, delayMsMax: 1 },
      })
      const client = await theirClient()
      await client.lPush(name, ['{"n":1}', '{"n":2}', '{"n":3}'])
      const failing = queue.subscribe(() => {
        throw new Error('not today')
      })
      const failed = Promise.withResolvers<void>()
      failing.on('error', () => failed.resolve())
      await failed.promise
      await failing.drain()
      const waiting = await client.lRange(name, 0, -1)
      // How many the drain came in time for is chance; what waits is a start of what was not begun.
      expect(waiting).toEqual(['{"n":3}', '{"n":2}'].slice(0, waiting.length))
      const { seen } = await worker(name)
      await until(() => seen.map(({ data }) => data)).toHaveLength(3)
    })

    test('comes again from the dead letters with its id', async () => {
      const name = channelName('redriven')
      const bus = await ourBus()
      const channel = { name, pattern: 'queue' } as const
      const queue = bus.queue<unknown>(name, { attempts: 1 })
      const seen: unknown[] = []
      const tried = queue.subscribe((data, { message, redrives }) => {
        seen.push([data, message.id, redrives])
        if (redrives === 0) throw new Error('not today')
      })
      tried.on('error', () => {}) // the first one is meant to fail
      const dead = Promise.withResolvers<string>()
      tried.on('dead', ({ id }) => dead.resolve(id))
      await (await theirClient()).lPush(name, '{"n":1}')
      const id = await dead.promise
      const page = { cursor: null, limit: 9, newestFirst: false }
      const { items } = await bus.admin.deadLetters(channel, null, page)
      expect(items.map(({ message }) => [message.id, message.body])).toEqual([[id, '{"n":1}']])
      await bus.admin.redrive(channel, [String(items[0]?.ref)], null)
      await until(() => seen).toEqual([
        [{ n: 1 }, id, 0],
        [{ n: 1 }, id, 1],
      ])
    })

    test.skipIf(missing.python !== null)(
      'takes part with a program of another language on a bare socket',
      async () => {
        const name = channelName('python')
        const { seen, subscription } = await worker(name)
        await pythonSocket(['LPUSH', name, '{"from":"python"}'], ['LPUSH', name, '"zwei"'])
        await until(() => seen.map(({ data }) => data)).toEqual([{ from: 'python' }, 'zwei'])
        await subscription.drain()
        await (await ourBus()).queue<unknown>(name).publish({ to: 'python' })
        const [popped] = (await pythonSocket(['BRPOP', name, '5'])) as [[string, string]]
        expect(JSON.parse(popped[1])).toMatchObject({ specversion: '1.0', data: { to: 'python' } })
      },
    )
  },
)

describe.skipIf(missing.redis !== null)(named('a list with envelope: false', missing.redis), () => {
  test('holds the data alone, as JSON or as bytes, and is read by us too', async () => {
    const name = channelName('plain')
    const client = await theirClient()
    const queue = (await ourBus()).queue<unknown>(name, { envelope: false })
    const raw = (await ourBus()).queue(name, { envelope: false, codec: 'bytes' })
    await queue.publish({ n: 1, name: 'ünï' })
    await raw.publish(Uint8Array.of(0xff, 0x01))
    expect(await client.rPop(name)).toBe('{"n":1,"name":"ünï"}')
    const asBytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    expect(await asBytes.rPop(name)).toEqual(Buffer.from([0xff, 0x01]))
    const { seen } = await worker(name)
    await queue.publish({ n: 2 })
    await until(() => seen.map(({ data }) => data)).toEqual([{ n: 2 }])
  })

  test('comes again from the dead letters as the data alone, with its id and its redrives', async () => {
    const name = channelName('again')
    const bus = await ourBus()
    const client = await theirClient()
    const channel = { name, pattern: 'queue' } as const
    const queue = bus.queue<unknown>(name, { envelope: false, attempts: 1 })
    const died = async () => {
      const given = Promise.withResolvers<[unknown, string, number]>()
      const dead = Promise.withResolvers<void>()
      const failing = queue.subscribe((data, { message, redrives }) => {
        given.resolve([data, message.id, redrives])
        throw new Error('not today')
      })
      failing.on('error', () => {}) // it is meant to fail
      failing.on('dead', () => dead.resolve())
      await dead.promise
      await failing.drain()
      return await given.promise
    }
    const redrive = async () => {
      const page = { cursor: null, limit: 9, newestFirst: false }
      const { items } = await bus.admin.deadLetters(channel, null, page)
      const refs = items.map(({ ref }) => ref)
      expect(await bus.admin.redrive(channel, refs, null)).toEqual([
        { state: 'stored', duplicate: false },
      ])
    }
    await queue.publish({ n: 1 })
    const [, id] = await died()
    await redrive()
    expect(await client.lRange(name, 0, -1)).toEqual([])
    const [back] = await client.lRange(`{${name}}:back`, 0, -1)
    expect(back?.split('\n')[1]).toBe('{"n":1}')
    expect(await died()).toEqual([{ n: 1 }, id, 1])
    await redrive()
    expect(await died()).toEqual([{ n: 1 }, id, 2])
    await redrive()
    const { items } = await bus.admin.peek(channel, {
      ...{ cursor: null, limit: 9, newestFirst: false, from: 'first' },
    })
    expect(items).toMatchObject([{ message: { id }, redrives: 3 }])
    const { subscription, seen } = await worker(name)
    await until(() => seen).toMatchObject([{ data: { n: 1 }, id }])
    await subscription.drain()
    const [depth] = await bus.admin.depths([channel])
    expect(depth).toMatchObject({ in: 1, out: 1, waiting: 0, inFlight: 0, dead: 0, oldestMs: 0 })
  })

  test('is traced without a header, and takes no option that would be one', async () => {
    const name = channelName('traced')
    registerContext()
    const { options, spans } = collector()
    const bus = await ourBus({ tracing: options })
    const queue = bus.queue<unknown>(name, { envelope: false })
    await queue.publish('traced')
    expect((await spans()).map((span) => span.name)).toEqual([`publish ${name}`])
    expect(await (await theirClient()).rPop(name)).toBe('"traced"')
    await expect(queue.publish(1, { key: 'ada' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('option key cannot travel with envelope: false'),
    })
  })
})
